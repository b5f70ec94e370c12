//! When payload last moved on the tree's TCP sockets, asked of the kernel after the fact: it keeps
//! the time of the last byte for every socket, so precision does not depend on how often we look.

mod payload;

use std::collections::BTreeSet;
use std::time::Duration;

use self::payload::{Living, PayloadSense};
use super::deaths::Death;
use super::dialogue::Dialogue;
use super::holdings::Holdings;
use super::inet_diag::{self, FAMILIES, Protocol, Socket, SocketId, State};
use super::known::{Known, Whose};
use super::sources::Sources;
use crate::decide::time::Time;
use crate::decide::traffic::{Traffic, Way};

/// The kernel's times have the resolution of its tick. Rather a tick late than early: 10 ms at the
/// slowest rate that Linux knows.
const TICK: Duration = Duration::from_millis(10);

/// So many of those that moved last are asked before all are looked at: where thousands speak now
/// and then, the very last one may be silent while others are not.
const MOST_HOT: usize = 8;

/// The watcher of TCP sockets.
#[derive(Debug)]
pub(super) struct TcpSense {
    /// The sockets that moved last, the latest first.
    hottest: Vec<(SocketId, Way)>,
    /// When the latest of them moved, as far as that is known.
    newest: Option<Time>,
    known: Known,
    surveyed: bool,
    /// When something moved counts; with `--idle-floor` only how much.
    times: bool,
    payload: PayloadSense,
}

impl TcpSense {
    pub(super) fn new(began: Time, (times, counts_payload): (bool, bool)) -> Self {
        Self {
            hottest: Vec::new(),
            newest: None,
            known: Known::default(),
            surveyed: false,
            times,
            payload: PayloadSense::new(began, counts_payload),
        }
    }

    /// How much has moved.
    pub(super) fn payload(&mut self) -> &mut PayloadSense {
        &mut self.payload
    }

    /// Asks the sockets that moved last, until one has moved since. What is not known is left out:
    /// there is none, or it is gone.
    pub(super) fn ask_hottest(&mut self, now: Time, dialogue: &mut Dialogue, sum: &mut Traffic) {
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
                break;
            }
            place += 1;
        }
        self.hottest = hottest;
    }

    /// Looks at all sockets of the namespace but `not_these`, and takes TCP out of what the tree
    /// holds. `hold_now` reads that again.
    ///
    /// # Errors
    /// The kernel does not tell which sockets there are.
    pub(super) fn survey(
        &mut self,
        now: Time,
        dialogue: &mut Dialogue,
        holdings: &mut Holdings,
        hold_now: impl FnOnce() -> Holdings,
        (sources, not_these): (&Sources, &[u64]),
        sum: &mut Traffic,
    ) -> nix::Result<()> {
        self.payload.begin_survey();
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
        let is_new_listener = |other: &Socket| {
            other.state == State::Listening && !self.known.strange_listeners.contains(&port(other))
        };
        if others.iter().any(is_new_listener) {
            // Somebody else's, or made by the tree since its descriptors were read.
            let later = hold_now();
            let made = others.extract_if(.., |other| {
                later.has(other.inode) && !not_these.contains(&other.inode)
            });
            ours.extend(made.map(|socket| (socket, true)));
        }
        let listeners = ours.iter().filter(|(socket, _)| socket.state == State::Listening);
        let listeners: BTreeSet<_> = listeners.map(|(listener, _)| port(listener)).collect();
        let mut known = Known::default();
        let mut accepted = Vec::new();
        for socket in others {
            // Accepted since the descriptors were read, or on its way to another process.
            let ended = socket.state != State::Connected || socket.inode == 0;
            if !ended && listeners.contains(&port(&socket)) {
                accepted.push((socket, false));
            } else {
                known.add_stranger(&socket);
            }
        }
        ours.extend(accepted);
        for (socket, _) in &ours {
            holdings.take(socket.inode);
        }
        if sources.tcp.is_something() {
            self.weigh(now, &ours, sources, known, sum);
        }
        Ok(())
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
        known.listeners = listeners().map(port).collect();
        // Who was accepted stays so when nobody listens any more.
        known.listeners.extend(&self.known.listeners);
        known.strange_listeners.retain(|port| !known.listeners.contains(port));
        let is_new = |port| !self.known.listeners.contains(port);
        if self.surveyed && known.listeners.iter().any(is_new) {
            // What died on that port since the last survey was taken for somebody else's.
            sum.note_unsure(now);
        }
        self.surveyed = true;
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
        let mut hottest: Vec<(Time, (SocketId, Way))> = Vec::new();
        let mut living = Living::default();
        for socket in all().filter(|socket| socket.state != State::Listening) {
            let accepted = known.listeners.contains(&port(socket));
            let way = if accepted { Way::Inbound } else { Way::Outbound };
            let (here, there) = socket.id.ends();
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
        if self.times {
            sum.note(way, at);
        }
        self.payload.add(socket, way, at);
    }

    /// Counts what a connection of ours said before it died.
    pub(super) fn count_dead(&mut self, death: &Death, way: Way, sum: &mut Traffic) {
        self.payload.add_dead(death, way);
        if self.times {
            sum.note(way, death.last_data);
            // When it died, we do not know: since we listened last.
            sum.imprecise = true;
        }
    }

    /// Whose a connection was that has died.
    pub(super) fn whose(&self, death: &Death, sources: &Sources) -> Whose {
        self.known.whose(&death.socket.id, sources)
    }

    /// Whether a port is known to be somebody's who listens on it.
    pub(super) fn knows_listener(&self, port: u16) -> bool {
        self.known.listeners.contains(&port) || self.known.strange_listeners.contains(&port)
    }

    /// Ports on which only others listen.
    pub(super) fn strange_listeners(&self) -> impl Iterator<Item = u16> {
        self.known.strange_listeners.iter().copied()
    }
}

pub(super) fn port(socket: &Socket) -> u16 {
    let [local, _] = socket.id.ports();
    local
}

/// When payload last moved on it, rather a tick too late.
pub(super) fn moved_at(socket: &Socket, now: Time) -> Option<Time> {
    socket.info.map(|info| now.before(info.last_data.saturating_sub(TICK)))
}

/// Whether anybody listens on one of these ports.
///
/// # Errors
/// The kernel does not tell.
pub(super) fn somebody_listens(
    dialogue: &mut Dialogue,
    wanted: impl Fn(u16) -> bool,
) -> nix::Result<bool> {
    let mut found = false;
    for family in FAMILIES {
        let each = |body: &[u8]| {
            found |= inet_diag::socket(body).is_some_and(|listener| wanted(port(&listener)));
        };
        dialogue.ask(&inet_diag::dump_listeners(family), each)?;
    }
    Ok(found)
}
