//! The tree's sockets: everybody who knows something about them is asked.

mod counters;
mod dead;
mod networks;

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::Wanted;
use super::deaths::{Death, DeathSense};
use super::dialogue::Dialogue;
use super::elsewhere::Elsewhere;
use super::holdings::{self, Holdings};
use super::namespace::{NamespaceSense, Stand};
use super::sources::{Extent, Sources};
use super::tcp::{self, Ask, TcpSense};
use super::tripwire::Tripwires;
use super::untimed::{self, Kind};
use crate::decide::event::{Sight, TrafficLook, Unseen};
use crate::decide::time::Time;
use crate::decide::traffic::{Payload, Traffic};
use crate::sense::clocks::RunSense;
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
    runs: RunSense,
    /// The tree may have run since the last look.
    ran: bool,
    /// The tree may have run since everything was looked at.
    ran_since_survey: bool,
    /// That look has seen all of them.
    survey_is_whole: bool,
    /// When the tree was last seen to have run, or a little later.
    last_ran: Time,
    /// When it was last certain that other programs' connections come and go here.
    strangers_at: Option<Time>,
    /// How long silence must last to matter.
    window: Duration,
    tripwires: Tripwires,
    namespace: NamespaceSense,
    /// The tree's TCP in other network namespaces.
    elsewhere: Elsewhere,
    began: Time,
    /// Why the last look did not hear of connections that ended.
    deaf: Option<nix::Error>,
}

/// What a look adds to.
pub(super) struct Findings<'a> {
    pub(super) now: Time,
    pub(super) members: &'a [Process],
    pub(super) sum: &'a mut Traffic,
    pub(super) unseen: &'a mut Vec<Unseen>,
}

impl SocketSense {
    pub(super) fn new(wanted: &Wanted, own: Vec<u64>, inherited: Holdings) -> Self {
        let (times, counts_payload) = (wanted.times, wanted.payload);
        Self {
            sources: wanted.sources.clone(),
            times,
            counts_payload,
            window: wanted.window,
            own,
            inherited,
            dialogue: Dialogue::default(),
            tcp: TcpSense::new(Time::at(Duration::ZERO), (times, counts_payload)),
            deaths: DeathSense::default(),
            unclear: Vec::new(),
            counted_unclear: false,
            runs: RunSense::default(),
            ran: true,
            ran_since_survey: true,
            survey_is_whole: false,
            last_ran: Time::at(Duration::ZERO),
            strangers_at: None,
            tripwires: Tripwires::default(),
            namespace: NamespaceSense::default(),
            elsewhere: Elsewhere::default(),
            began: Time::at(Duration::ZERO),
            deaf: None,
        }
    }

    /// A new generation: nothing of the last one is known any more.
    pub(super) fn forget(&mut self, now: Time) {
        self.tcp = TcpSense::new(now, (self.times, self.counts_payload));
        (self.elsewhere, self.began) = (Elsewhere::default(), now);
        self.tripwires = Tripwires::default();
        self.deaths.close();
        self.unclear.clear();
        (self.runs, self.ran, self.last_ran) = (RunSense::default(), true, now);
        self.ran_since_survey = true;
    }

    /// Listens to deaths from now on, not only from the first look on.
    pub(super) fn listen(&mut self) {
        // Why it cannot be, the first look will say. The counters that stand in count from here.
        if self.sources.tcp.is_something() && self.deaths.begin().is_err() {
            self.namespace.begin_look();
            for stand in [Stand::Births, Stand::Accepts, Stand::Segments] {
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
        let accepted = self.deaths.accepted_tripwire().filter(|_| self.times);
        [accepted, self.tripwires.as_fd()].into_iter().flatten()
    }

    /// Readable when a connection ends that COMMAND may have opened. Where other programs come and
    /// go, their connections are not to wake us.
    pub(super) fn others_tripwire(&self, now: Time) -> Option<BorrowedFd<'_>> {
        let worth_waking = self.sources.tcp == Extent::All && self.times;
        let worth_waking = worth_waking && !self.has_strangers(now);
        self.deaths.others_tripwire().filter(|_| worth_waking)
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
    pub(super) fn overhear(&mut self, now: Time, members: &[Process], sum: &mut Traffic) {
        self.tripwires.moved(now, sum);
        if self.times {
            self.overhear_deaths(now, members, sum);
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
        let mut payload = self.tcp.payload().moved()?;
        self.elsewhere.add_payload(&mut payload);
        Some(payload)
    }

    /// The payload of all connections of this generation; `None`: they were not seen.
    pub(super) fn carried(&mut self) -> Option<u64> {
        Some(self.tcp.payload().carried()?.saturating_add(self.elsewhere.carried()?))
    }

    /// What has moved since the last look.
    ///
    /// # Errors
    /// Something that counts cannot be seen.
    pub(super) fn look(
        &mut self,
        look: TrafficLook,
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        self.namespace.begin_look();
        self.tripwires.moved(findings.now, findings.sum);
        let heard = match self.sources.tcp {
            Extent::Nothing => Ok(()),
            Extent::Inbound | Extent::All => self.hear(findings),
        };
        let asked = match look {
            TrafficLook::Changed if !self.may_have_changed() => {
                self.tcp.ask_hottest(findings.now, &mut self.dialogue, Ask::All, findings.sum);
                self.ask_elsewhere(findings);
                Ok(())
            }
            TrafficLook::Hottest => {
                let ask = Ask::UntilMoved;
                self.tcp.ask_hottest(findings.now, &mut self.dialogue, ask, findings.sum);
                self.ask_elsewhere(findings);
                findings.sum.survey_cost = holdings::cost_of(findings.members);
                if !self.unclear.is_empty() {
                    // A survey will tell whose they were.
                    findings.sum.note_unexplained(findings.now);
                }
                Ok(())
            }
            TrafficLook::Changed | TrafficLook::All => self.survey(findings),
        };
        let heard = heard.and(self.count_births(findings));
        if std::mem::take(&mut self.tcp.lost_payload) {
            findings.unseen.push(Unseen { what: Sight::MptcpPayload, errno: 0 });
        }
        findings.sum.strangers = self.has_strangers(findings.now);
        findings.sum.rested = !self.ran;
        findings.sum.unclear = std::mem::take(&mut self.counted_unclear);
        heard.and(asked)
    }

    /// Whether the tree may have opened a socket since everything was looked at, or has so many
    /// that only a look at all of them tells what moved.
    fn may_have_changed(&self) -> bool {
        self.ran_since_survey
            || !self.survey_is_whole
            || !self.unclear.is_empty()
            || !self.tcp.all_are_asked()
    }

    /// Looks at every socket of the tree.
    fn survey(&mut self, findings: &mut Findings<'_>) -> Result<(), Unseen> {
        let members = findings.members;
        // Until this look is known to have seen all.
        let knows_runs = self.sources.tcp.is_something();
        let ran = std::mem::replace(&mut self.ran_since_survey, true);
        let mut holdings = Holdings::of(members);
        let hides = holdings.hidden.is_some();
        if let Some(errno) = holdings.hidden {
            findings.unseen.push(Unseen { what: Sight::Owners, errno });
        }
        if holdings.ring_is_busy {
            findings.sum.note_unsure(findings.now);
        }
        let rings = match holdings.ring_is_unknown {
            true => Err(Unseen { what: Sight::Rings, errno: 0 }),
            false => Ok(()),
        };
        let choice = (&self.sources, self.own.as_slice());
        let (now, dialogue) = (findings.now, &mut self.dialogue);
        let surveyed = self.tcp.survey(now, dialogue, &mut holdings, members, choice, findings.sum);
        let tcp_is_elsewhere = surveyed.is_err();
        let elsewhere = self.survey_elsewhere(members, &mut holdings, ran, findings);
        let timed = match surveyed {
            Ok(()) => {
                let (ours, strange) = self.tcp.listening_ports();
                let only_accepted = self.sources.tcp < Extent::All;
                self.deaths.sort_by_ports(&ours, &strange, only_accepted);
                self.bury_unclear(now, findings.sum);
                Ok(())
            }
            Err(_) if self.sources.tcp == Extent::Nothing => Ok(()),
            Err(error) => self.count_connections(&holdings, ran, error, findings),
        };
        let untimed = match self.sources.has_untimed() {
            true => self.survey_untimed(&mut holdings, tcp_is_elsewhere, findings),
            false => Ok(()),
        };
        let seen = rings.and(timed).and(elsewhere).and(untimed);
        self.ran_since_survey = !knows_runs;
        self.survey_is_whole = seen.is_ok() && !hides && !tcp_is_elsewhere;
        seen
    }

    fn survey_untimed(
        &mut self,
        holdings: &mut Holdings,
        tcp_is_elsewhere: bool,
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        let hidden = holdings.hidden.map(nix::Error::from_raw);
        let choice = (&self.sources, self.own.as_slice());
        let (members, is_known) = (findings.members, |inode| self.tripwires.watches(inode));
        let processes = (members, is_known);
        let survey =
            untimed::survey(&mut self.dialogue, holdings, processes, choice, tcp_is_elsewhere);
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
            // A want of descriptors can be mended, whatever is forbidden besides.
            seen = seen.or_else(|first| match first.errno {
                libc::EMFILE => fetched.or(Err(first)),
                _ => fetched,
            });
        }
        seen
    }
}

/// The container's own network is ours alone then, or shared with those it was given to.
fn is_pid_1() -> bool {
    std::process::id() == 1
}
