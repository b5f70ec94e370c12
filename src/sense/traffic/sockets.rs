//! The tree's sockets: everybody who knows something about them is asked.

mod dead;

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::deaths::{Death, DeathSense};
use super::dialogue::Dialogue;
use super::holdings::Holdings;
use super::namespace::{Moved, NamespaceSense, Stand};
use super::sources::{Extent, Sources};
use super::tcp::{self, TcpSense};
use super::tripwire::Tripwires;
use super::untimed::{self, Kind};
use crate::decide::event::{Sight, TrafficLook, Unseen};
use crate::decide::time::Time;
use crate::decide::traffic::{Payload, Traffic, Way};
use crate::sys::process::Process;

/// The watcher of sockets.
#[derive(Debug)]
pub(super) struct SocketSense {
    sources: Sources,
    /// When something moved on TCP counts; with `--idle-floor` only how much does.
    times: bool,
    /// How much moved is to be known.
    counts_payload: bool,
    /// Sockets that are our own standard descriptors: not traffic.
    own: Vec<u64>,
    /// Sockets that were there before COMMAND: that they exist is no traffic.
    inherited: Holdings,
    dialogue: Dialogue,
    tcp: TcpSense,
    deaths: DeathSense,
    /// Deaths of which nobody knows yet whose they are.
    unclear: Vec<Death>,
    /// Some of them counted, although they may have been another program's.
    counted_unclear: bool,
    tripwires: Tripwires,
    namespace: NamespaceSense,
}

/// What a look adds to.
pub(super) struct Findings<'a> {
    pub(super) now: Time,
    pub(super) sum: &'a mut Traffic,
    pub(super) unseen: &'a mut Vec<Unseen>,
}

impl SocketSense {
    pub(super) fn new(
        sources: Sources,
        (times, counts_payload): (bool, bool),
        own: Vec<u64>,
        inherited: Holdings,
    ) -> Self {
        Self {
            sources,
            times,
            counts_payload,
            own,
            inherited,
            dialogue: Dialogue::default(),
            tcp: TcpSense::new(Time::at(Duration::ZERO), (times, counts_payload)),
            deaths: DeathSense::default(),
            unclear: Vec::new(),
            counted_unclear: false,
            tripwires: Tripwires::default(),
            namespace: NamespaceSense::default(),
        }
    }

    /// A new generation: nothing of the last one is known any more.
    pub(super) fn forget(&mut self, now: Time) {
        self.tcp = TcpSense::new(now, (self.times, self.counts_payload));
        self.tripwires = Tripwires::default();
        self.deaths.close();
        self.unclear.clear();
    }

    /// Listens to deaths from now on, not only from the first look on.
    pub(super) fn listen(&mut self, now: Time) {
        // Why it cannot be, the first look will say. The counters that stand in count from here.
        if self.sources.tcp.is_something() && self.deaths.hear(now, |_| ()).is_err() {
            self.namespace.begin_look();
            for stand in [Stand::Births, Stand::Segments] {
                self.namespace.moved(stand);
            }
        }
    }

    /// So many datagrams have been sent by us since the start.
    pub(super) fn disown(&mut self, datagrams: u64) {
        self.namespace.disown(datagrams);
    }

    /// Readable when something moves.
    pub(super) fn tripwires(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        // With a floor bytes alone are nothing: they are added up look by look.
        let deaths = self.deaths.tripwire().filter(|_| self.times);
        [deaths, self.tripwires.as_fd()].into_iter().flatten()
    }

    /// Whether a listener may ring.
    pub(super) fn has_listener(&self) -> bool {
        self.tripwires.has_listener()
    }

    /// A listener rang.
    pub(super) fn rang(&mut self) {
        self.tripwires.ring();
    }

    /// What has moved on its own account since the last time.
    pub(super) fn overhear(&mut self, now: Time, sum: &mut Traffic) {
        self.tripwires.moved(now, sum);
        if !self.times {
            return;
        }
        let mut dead = Vec::new();
        if self.deaths.overhear(now, |death| dead.push(death)) {
            sum.note_unsure(now);
        }
        for death in dead {
            self.bury(&death, sum);
        }
        self.clear_up(sum);
        if !self.unclear.is_empty() {
            // A survey will tell whose they were.
            sum.note_unsure(now);
        }
    }

    /// Silence was broken: until the next look we need not hear everything.
    pub(super) fn rest(&mut self) {
        self.deaths.rest();
    }

    /// Whether connections come and go so fast that the next death will make us rest.
    pub(super) fn expects_flood(&self) -> bool {
        self.deaths.is_flooded() && self.times
    }

    /// What has moved on connections, if that is counted.
    pub(super) fn payload(&mut self) -> Option<Payload> {
        self.tcp.payload().moved()
    }

    /// The payload of all connections of this generation; `None`: they were not seen.
    pub(super) fn carried(&mut self) -> Option<u64> {
        self.tcp.payload().carried()
    }

    /// What has moved since the last look.
    ///
    /// # Errors
    /// Something that counts cannot be seen.
    pub(super) fn look(
        &mut self,
        look: TrafficLook,
        members: &[Process],
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        self.namespace.begin_look();
        self.tripwires.moved(findings.now, findings.sum);
        let heard = match self.sources.tcp {
            Extent::Nothing => Ok(()),
            Extent::Inbound | Extent::All => self.hear(findings),
        };
        let asked = match look {
            TrafficLook::Hottest => {
                self.tcp.ask_hottest(findings.now, &mut self.dialogue, findings.sum);
                if !self.unclear.is_empty() {
                    // A survey will tell whose they were.
                    findings.sum.note_unsure(findings.now);
                }
                Ok(())
            }
            TrafficLook::All => self.survey(members, findings),
        };
        if std::mem::take(&mut self.counted_unclear) {
            findings.unseen.push(Unseen { what: Sight::Strangers, errno: 0 });
        }
        heard.and(asked)
    }

    /// Looks at every socket of the tree.
    fn survey(&mut self, members: &[Process], findings: &mut Findings<'_>) -> Result<(), Unseen> {
        let mut holdings = Holdings::of(members);
        if let Some(errno) = holdings.hidden {
            findings.unseen.push(Unseen { what: Sight::Owners, errno });
        }
        let choice = (&self.sources, self.own.as_slice());
        let (now, dialogue) = (findings.now, &mut self.dialogue);
        let hold_now = || Holdings::of(members);
        let surveyed =
            self.tcp.survey(now, dialogue, &mut holdings, hold_now, choice, findings.sum);
        let tcp_is_elsewhere = surveyed.is_err();
        let timed = match surveyed {
            Ok(()) => {
                self.deaths.drop_ports(self.tcp.strange_listeners());
                self.bury_unclear(findings.sum);
                Ok(())
            }
            Err(_) if self.sources.tcp == Extent::Nothing => Ok(()),
            Err(error) => self.count_together(Sight::Connections, Stand::Segments, error, findings),
        };
        let untimed = match self.sources.has_untimed() {
            true => self.survey_untimed(&mut holdings, tcp_is_elsewhere, findings),
            false => Ok(()),
        };
        timed.and(untimed)
    }

    fn survey_untimed(
        &mut self,
        holdings: &mut Holdings,
        tcp_is_elsewhere: bool,
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        let hidden = holdings.hidden.map(nix::Error::from_raw);
        let choice = (&self.sources, self.own.as_slice());
        let survey = untimed::survey(&mut self.dialogue, holdings, choice, tcp_is_elsewhere);
        let inherited = |inode| self.inherited.has(inode);
        let (now, choice) = (findings.now, (&self.sources, inherited));
        let mut refused = self.tripwires.watch(now, &survey, choice, findings.sum);
        if let Some(error) = hidden.filter(|_| self.sources.udp.is_something()) {
            refused.insert(Kind::Udp, error);
        }
        if let Some(error) = hidden.filter(|_| survey.hidden_unix) {
            refused.insert(Kind::Unix, error);
        }
        let mut seen = Ok(());
        for (kind, error) in refused {
            let errno = error as i32;
            seen = seen.and(match kind {
                Kind::Udp => {
                    self.count_together(Sight::Datagrams, Stand::Datagrams, error, findings)
                }
                Kind::Unix | Kind::UnixListener => Err(Unseen { what: Sight::Unix, errno }),
                Kind::Other => Err(Unseen { what: Sight::Others, errno }),
            });
        }
        seen
    }

    /// Counters of the namespace stand in for what cannot be seen.
    fn count_together(
        &mut self,
        what: Sight,
        stand: Stand,
        error: nix::Error,
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        let errno = error as i32;
        match self.namespace.moved(stand) {
            Some(Moved::Yes) if is_pid_1() => {
                findings.sum.note_imprecisely(Way::Inbound, findings.now);
            }
            Some(Moved::Yes) => findings.sum.note_unsure(findings.now),
            Some(Moved::No) => {}
            Some(Moved::Unknown) => findings.sum.note_unsure(findings.now),
            None => return Err(Unseen { what: Sight::Counters, errno }),
        }
        findings.unseen.push(Unseen { what, errno });
        Ok(())
    }

    /// Whether anything of what is wanted can be seen here.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn can_see(&mut self) -> Result<(), Unseen> {
        let Sources { tcp, udp, unix, others, .. } = &self.sources;
        let inet = tcp.is_something() || udp.is_something();
        if inet && self.namespace.is_readable() {
            return Ok(());
        }
        let forbidden = |what| move |error: nix::Error| Unseen { what, errno: error as i32 };
        let mut seen = Err(Unseen { what: Sight::Counters, errno: 0 });
        if tcp.is_something() {
            let asked = tcp::somebody_listens(&mut self.dialogue, |_| false);
            seen = asked.map(drop).map_err(forbidden(Sight::Connections));
        }
        if [udp, unix, others].into_iter().any(|extent| extent.is_something()) {
            let fetched = crate::sys::sockets::can_fetch().map_err(forbidden(Sight::Unix));
            seen = seen.or(fetched);
        }
        seen
    }
}

/// The container's own network is ours alone then, or shared with those it was given to.
fn is_pid_1() -> bool {
    std::process::id() == 1
}
