//! When payload last moved on the tree's TCP sockets, asked of the kernel after the fact: it keeps
//! the time of the last byte for every socket, so precision does not depend on how often we look.

mod payload;

use std::collections::BTreeSet;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use self::payload::{Living, PayloadSense};
use super::deaths::Death;
use super::dialogue::Dialogue;
use super::holdings::Holdings;
use super::inet_diag::{self, FAMILIES, Protocol, Socket, SocketId, State};
use super::known::{Known, Whose};
pub(super) use super::listeners::somebody_listens;
use super::mptcp;
use super::sources::Sources;
use crate::decide::awake::{Connection, Mover};
use crate::decide::time::Time;
use crate::decide::traffic::{Traffic, Way};
use crate::sys::process::Process;
use crate::units::Bytes;

/// The kernel's times have the resolution of its tick. Rather a tick late than early: 10 ms at the
/// slowest rate that Linux knows.
const TICK: Duration = Duration::from_millis(10);

/// So many of those that moved last are asked before all are looked at: where thousands speak now
/// and then, the very last one may be silent while others are not.
const MOST_HOT: usize = 8;

/// How many of those that moved last are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    All,
    UntilMoved,
}

/// The watcher of TCP sockets.
#[derive(Debug)]
pub(super) struct TcpSense {
    /// The sockets that moved last, the latest first.
    hottest: Vec<(SocketId, Way)>,
    /// When the latest of them moved, as far as that is known.
    newest: Option<Time>,
    known: Known,
    surveyed: bool,
    /// A socket of another program was seen.
    strangers_seen: bool,
    /// When something moved counts; with `--idle-floor` only how much.
    times: bool,
    payload: PayloadSense,
    /// Some of it is not known.
    pub(super) lost_payload: bool,
}

impl TcpSense {
    pub(super) fn new(began: Time, (times, counts_payload): (bool, bool)) -> Self {
        Self {
            hottest: Vec::new(),
            newest: None,
            known: Known::default(),
            surveyed: false,
            strangers_seen: false,
            times,
            payload: PayloadSense::new(began, counts_payload),
            lost_payload: false,
        }
    }

    /// How much has moved.
    pub(super) fn payload(&mut self) -> &mut PayloadSense {
        &mut self.payload
    }

    /// Whether those that moved last are all that the tree has.
    pub(super) fn all_are_asked(&self) -> bool {
        self.known.ours.len() <= self.hottest.len()
    }

    /// Asks the sockets that moved last: all, or until one has moved since. What is not known is
    /// left out: there is none, or it is gone.
    pub(super) fn ask_hottest(
        &mut self,
        now: Time,
        dialogue: &mut Dialogue,
        ask: Ask,
        sum: &mut Traffic,
    ) {
        let mut hottest = std::mem::take(&mut self.hottest);
        let mut place = 0;
        while let Some((id, way)) = hottest.get(place).copied() {
            let mut found = None;
            let each = |body: &[u8]| found = inet_diag::socket(body);
            let Some(socket) = dialogue.ask(&inet_diag::ask(&id), each).ok().and(found) else {
                hottest.remove(place);
                continue;
            };
            self.count(now, &socket, way, sum);
            let moved = moved_at(&socket, now);
            if moved > self.newest {
                self.newest = moved;
                hottest.get_mut(..=place).unwrap_or_default().rotate_right(1);
                if ask == Ask::UntilMoved {
                    break;
                }
            }
            place += 1;
        }
        self.hottest = hottest;
    }

    /// Looks at all sockets of the namespace but `not_these`, and takes TCP out of what the tree of
    /// these processes holds.
    ///
    /// # Errors
    /// The kernel does not tell which sockets there are.
    pub(super) fn survey(
        &mut self,
        now: Time,
        dialogue: &mut Dialogue,
        holdings: &mut Holdings,
        members: &[Process],
        (sources, not_these): (&Sources, &[u64]),
        sum: &mut Traffic,
    ) -> nix::Result<()> {
        self.payload.begin_survey();
        let (mut ours, mut others) = dump(dialogue, holdings, not_these)?;
        let is_new_listener = |other: &Socket| {
            other.state == State::Listening && !self.known.strange_listeners.has_port(port(other))
        };
        if others.iter().any(is_new_listener) {
            // Somebody else's, or made by the tree since its descriptors were read.
            let mut later = Holdings::of(members);
            later.grow(members);
            let made = others.extract_if(.., |other| {
                later.has(other.inode) && !not_these.contains(&other.inode)
            });
            ours.extend(made.map(|socket| (socket, true)));
        } else if self.has_new_client(&ours, &others) && holdings.grow(members) {
            (ours, others) = dump(dialogue, holdings, not_these)?;
        }
        let listening = |socket: &&Socket| socket.state == State::Listening;
        let listeners = ours.iter().map(|(socket, _)| socket).filter(listening).collect();
        let strange_listeners = others.iter().filter(listening).collect();
        let mut known = Known { listeners, strange_listeners, ..Known::default() };
        let mut accepted = Vec::new();
        for socket in others {
            // Accepted since the descriptors were read, or on its way to another process.
            let ended = socket.state != State::Connected || socket.inode == 0;
            if !ended && known.accepts(socket.id.ends().0) {
                accepted.push((socket, false));
            } else {
                known.add_stranger(&socket);
            }
        }
        ours.extend(accepted);
        if self.times {
            mptcp::fill_unread(dialogue, &mut ours);
        }
        for (socket, _) in &ours {
            holdings.take(socket.inode);
        }
        if sources.tcp.is_something() {
            self.weigh(now, &ours, sources, known, sum);
        }
        Ok(())
    }

    /// Whether a process that is not known has the other end of one of the tree's connections,
    /// and had none before: somebody else's, or forked by the tree since that was walked.
    fn has_new_client(&self, ours: &[(Socket, bool)], others: &[Socket]) -> bool {
        let is_new = |other: &&Socket| {
            let is_held = other.state == State::Connected && other.inode != 0;
            is_held && !self.known.strangers.contains(&other.id.cookie())
        };
        let theirs: BTreeSet<_> = others.iter().filter(is_new).map(|it| it.id.ends()).collect();
        let meets = |socket: &Socket| {
            let (here, there) = socket.id.ends();
            theirs.contains(&(there, here))
        };
        if theirs.is_empty() {
            return false;
        }
        let listening = ours.iter().filter(|(socket, _)| socket.state == State::Listening);
        let ports: BTreeSet<_> = listening.map(|(socket, _)| port(socket)).collect();
        let accepted = |socket: &Socket| ports.contains(&port(socket)) && meets(socket);
        ours.iter().any(|(socket, _)| meets(socket)) || others.iter().any(accepted)
    }

    fn weigh(
        &mut self,
        now: Time,
        sockets: &[(Socket, bool)],
        sources: &Sources,
        mut known: Known,
        sum: &mut Traffic,
    ) {
        let all = || sockets.iter().map(|(socket, _)| socket);
        let listeners = || all().filter(|socket| socket.state == State::Listening);
        // Who was accepted stays so when nobody listens any more.
        known.listeners.extend(&self.known.listeners);
        if self.surveyed && known.listeners.has_more_than(&self.known.listeners) {
            // What died on that port since the last survey was taken for somebody else's.
            sum.note_unsure(now);
        }
        self.surveyed = true;
        self.strangers_seen |= known.has_strangers();
        let waiting = listeners().filter(|listener| listener.unread > 0);
        let let_pass = |listener| sources.ports.let_pass([port(listener); 2]);
        // With a floor births count nothing.
        if self.times && waiting.into_iter().any(let_pass) {
            // Connections that wait to be accepted are the next requests.
            sum.note(Way::Inbound, now);
        }
        // Those that the tree was seen to hold, not those that it may hold.
        let held = sockets.iter().filter(|(_, seen)| *seen);
        let ours: BTreeSet<_> = held.map(|(socket, _)| socket.id.ends()).collect();
        // Further subflows of a connection may use any port.
        let accepted = mptcp::accepted(all(), &known.listeners.ports());
        let mut hottest: Vec<(Time, (SocketId, Way))> = Vec::new();
        let mut living = Living::default();
        for socket in all().filter(|socket| socket.state != State::Listening) {
            let (here, there) = socket.id.ends();
            let accepted = known.listeners.fit(here).is_some() || accepted.contains(&socket.inode);
            let way = if accepted { Way::Inbound } else { Way::Outbound };
            // Where both ends are ours, nothing leaves the tree.
            let counts = !ours.contains(&(there, here))
                && sources.tcp.has(way)
                && sources.ports.let_pass([here.1, there.1]);
            known.ours.insert(socket.id.cookie(), counts.then_some(way));
            if !counts {
                continue;
            }
            self.count(now, socket, way, sum);
            living.add(socket);
            let Some(at) = moved_at(socket, now) else { continue };
            let place = hottest.partition_point(|(then, _)| *then >= at);
            hottest.insert(place, (at, (socket.id, way)));
            hottest.truncate(MOST_HOT);
        }
        self.payload.end_survey(&living, &known);
        self.newest = hottest.first().map(|(at, _)| *at);
        self.hottest = hottest.into_iter().map(|(_, socket)| socket).collect();
        self.known = known;
    }

    /// Counts what a living connection says.
    fn count(&mut self, now: Time, socket: &Socket, way: Way, sum: &mut Traffic) {
        if socket.state == State::Connected && socket.unread > 0 && self.times {
            // Not read yet: the next request. After the other end's FIN the number says nothing:
            // the FIN counts, and so does what nobody wants to read any more.
            sum.note(way, now);
        }
        let Some(at) = moved_at(socket, now) else { return };
        sum.note_mover(at, || mover(socket));
        if self.times {
            sum.note(way, at);
        }
        self.payload.add(socket, way, at);
    }

    /// Counts what a connection of ours said before it died.
    pub(super) fn count_dead(&mut self, death: &Death, way: Way, sum: &mut Traffic) {
        self.payload.add_dead(death, way);
        sum.note_mover(death.last_data, || mover(&death.socket));
        if self.payload.is_counted() && death.socket.has_no_peer() {
            // It lost its counters together with its peer.
            sum.note_unsure(death.last_data);
            self.lost_payload = true;
        }
        if self.times {
            sum.note(way, death.last_data);
            // When it died, we do not know: since we listened last.
            sum.imprecise = true;
        }
    }

    /// What a connection said before it died that may have been another program's: it may delay
    /// idleness, and does nothing else.
    pub(super) fn count_unclear(&mut self, death: &Death, sum: &mut Traffic) {
        self.payload.add_unclear(death);
        if self.times || !self.payload.is_counted() {
            sum.note_unsure(death.last_data);
        }
    }

    /// Whose a connection was that has died.
    pub(super) fn whose(&self, death: &Death, sources: &Sources) -> Whose {
        self.known.whose(&death.socket, sources)
    }

    /// Whether a port is known to be somebody's who listens on it.
    pub(super) fn knows_listener(&self, port: u16) -> bool {
        self.known.listeners.has_port(port) || self.known.strange_listeners.has_port(port)
    }

    /// Whether others listen on a port of the tree, on another address.
    pub(super) fn shares_ports(&self) -> bool {
        let ours = self.known.listeners.ports();
        !ours.is_disjoint(&self.known.strange_listeners.ports())
    }

    /// Whether the tree listens on any port.
    pub(super) fn listens(&self) -> bool {
        !self.known.listeners.is_empty()
    }

    /// The ports that the tree listens on, and those that only others listen on.
    pub(super) fn listening_ports(&self) -> (Vec<u16>, Vec<u16>) {
        let (ours, strange) = (self.known.listeners.ports(), self.known.strange_listeners.ports());
        let only_strange = strange.difference(&ours).copied().collect();
        (ours.into_iter().collect(), only_strange)
    }

    /// Whether a socket of another program was ever seen here.
    pub(super) fn has_seen_strangers(&self) -> bool {
        self.strangers_seen
    }
}

/// Sockets of the tree, and whether it was seen to hold them.
type Ours = Vec<(Socket, bool)>;

/// All sockets of the namespace but `not_these`: the tree's and others'.
///
/// # Errors
/// The kernel does not tell.
fn dump(
    dialogue: &mut Dialogue,
    holdings: &Holdings,
    not_these: &[u64],
) -> nix::Result<(Ours, Vec<Socket>)> {
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for family in FAMILIES {
        let each = |body: &[u8]| {
            let Some(socket) = inet_diag::socket(body) else { return };
            if holdings.may_have(socket.inode) && !not_these.contains(&socket.inode) {
                ours.push((socket, holdings.has(socket.inode)));
            } else {
                others.push(socket);
            }
        };
        dialogue.ask(&inet_diag::dump(family, Protocol::Tcp), each)?;
    }
    Ok((ours, others))
}

/// A connection, as what moved.
fn mover(socket: &Socket) -> Mover {
    let ((here, port), (there, other_port)) = socket.id.ends();
    let end =
        |address: [u8; 16], port| SocketAddr::new(Ipv6Addr::from(address).to_canonical(), port);
    let payload = Bytes(socket.info.map_or(0, |info| info.payload_bytes));
    Mover::Tcp(Connection { here: end(here, port), there: end(there, other_port), payload })
}

pub(super) fn port(socket: &Socket) -> u16 {
    let [local, _] = socket.id.ports();
    local
}

/// When payload last moved on it, rather a tick too late.
pub(super) fn moved_at(socket: &Socket, now: Time) -> Option<Time> {
    socket.info.map(|info| now.before(info.last_data.saturating_sub(TICK)))
}
