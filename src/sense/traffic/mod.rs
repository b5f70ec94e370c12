//! When traffic last moved: on standard input, and on the tree's sockets.
//!
//! TCP has times (`tcp`), and the kernel tells of connections that died (`deaths`). UDP, Unix and
//! other sockets (`untimed`) and standard input have tripwires. What cannot be watched one by one
//! is counted together (`namespace`).

mod deaths;
mod dialogue;
mod elsewhere;
mod holdings;
pub(crate) mod inet_diag;
mod known;
mod listeners;
mod mptcp;
pub(crate) mod namespace;
pub(crate) mod probe;
pub(crate) mod proc_tcp;
pub(crate) mod rings;
mod sockets;
pub(crate) mod sources;
pub(crate) mod stdin;
mod tcp;
mod tripwire;
pub(crate) mod unix_diag;
mod untimed;
pub(crate) mod wire;

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::sys::stat::{SFlag, fstat};

use self::holdings::Holdings;
use self::sockets::{Findings, SocketSense};
use self::sources::Sources;
use self::stdin::StdinSense;
use crate::decide::awake::Mover;
use crate::decide::event::{TrafficLook, Unseen};
use crate::decide::rules::Rules;
use crate::decide::time::Time;
use crate::decide::traffic::Traffic;
use crate::sys::files;
use crate::sys::process::Process;

/// What is to be watched.
#[derive(Clone, Debug, Default)]
struct Wanted {
    sources: Sources,
    /// When something moved on TCP; with `--idle-floor` only how much counts.
    times: bool,
    /// How much moved: `--idle-floor`, `--observe`.
    payload: bool,
    /// From the start of each generation on; else from the first look on.
    from_start: bool,
    /// How long silence must last to matter.
    window: Duration,
}

/// The watcher of all traffic.
#[derive(Debug)]
pub(crate) struct TrafficSense {
    wanted: Wanted,
    pub(crate) stdin: StdinSense,
    sockets: SocketSense,
    /// When the generation began: what moved before is not its traffic.
    began: Time,
    /// The newest movement that was told.
    latest: Traffic,
    alert: Alert,
}

/// Whether something that moves is to wake us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alert {
    /// Traffic is known to flow: not before the next look.
    No,
    /// So often it was nothing that counts.
    Yes { in_vain: u32 },
}

/// After so many wake-ups for nothing we sleep until the next look: other programs' connections may
/// come and go in any number.
const MOST_IN_VAIN: u32 = 1000;

impl TrafficSense {
    /// The watcher of what counts here.
    pub(crate) fn of(sources: Sources, rules: &Rules) -> Self {
        let wanted = Wanted {
            sources,
            times: rules.floor.is_none(),
            payload: rules.floor.is_some() || rules.observe.is_some(),
            from_start: rules.idle.is_some() || rules.observe.is_some(),
            window: rules.window_or_usual(),
        };
        let told = rules.observe.is_some() || rules.sample_every.is_some();
        let watched = rules.plans() || told;
        let ends = rules.eof_timeout.is_some();
        let looked_at = rules.needs_traffic() || told;
        Self::new(wanted, StdinSense::new(files::STDIN, watched, ends), looked_at)
    }

    /// Where nobody will ever look, nothing is found out beforehand.
    fn new(wanted: Wanted, stdin: StdinSense, looked_at: bool) -> Self {
        let own = [files::STDIN, files::STDOUT, files::STDERR].into_iter();
        let own = own.filter(|_| looked_at).filter_map(socket_inode).collect();
        let inherited = if looked_at { Holdings::ours() } else { Holdings::default() };
        Self {
            stdin,
            sockets: SocketSense::new(&wanted, own, inherited),
            began: Time::at(Duration::ZERO),
            latest: Traffic::default(),
            alert: Alert::Yes { in_vain: 0 },
            wanted,
        }
    }

    /// Whether anything of what is wanted can be seen here.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn can_see(&mut self) -> Result<(), Unseen> {
        let Sources { stdin, .. } = self.wanted.sources;
        let input = if stdin { self.stdin.is_watched() } else { Err(StdinSense::NOTHING) };
        match self.wanted.sources.sockets() {
            true => input.or_else(|_| self.sockets.can_see()),
            false => input,
        }
    }

    /// A new generation. Tells of input that waits for it, which is traffic at its start: it may
    /// have read that before anybody looks.
    pub(crate) fn began(&mut self, now: Time) -> Option<Traffic> {
        (self.began, self.latest) = (now, Traffic::default());
        self.sockets.forget(now);
        if self.wanted.from_start {
            self.sockets.listen();
        }
        self.alert = Alert::Yes { in_vain: 0 };
        // Asked in any case: that data came is to be known at the end of input.
        let waits = self.stdin.moved().unwrap_or(false);
        (waits && self.wanted.sources.stdin).then(|| input(now))
    }

    /// The generation is to end: what moves from now on is of no interest.
    pub(crate) fn ended(&mut self, now: Time) {
        self.sockets.forget(now);
    }

    /// These become readable when silence breaks. While traffic is known to flow they wake nobody.
    pub(crate) fn tripwires(&self, now: Time) -> impl Iterator<Item = BorrowedFd<'_>> {
        let alert = self.is_alert();
        let input = alert && self.wanted.sources.stdin || self.stdin.awaits_first();
        let input = self.stdin.tripwire().filter(|_| input);
        let others = self.sockets.others_tripwire(now);
        let sockets = self.sockets.tripwires().chain(others).filter(move |_| alert);
        input.into_iter().chain(sockets)
    }

    /// Whether SIGIO is to wake us: unless listeners ring with it, and that is known already.
    pub(crate) fn hears_io(&self) -> bool {
        self.is_alert() || !self.sockets.has_listener()
    }

    fn is_alert(&self) -> bool {
        self.alert != Alert::No
    }

    /// A listener rang.
    pub(crate) fn rang(&mut self) {
        self.sockets.rang();
    }

    /// A tripwire was readable, or a listener rang. Tells what moved just now; then all are silent
    /// until the next look.
    pub(crate) fn sprung(&mut self, clock: fn() -> Time, members: &[Process]) -> Option<Traffic> {
        let now = clock();
        let mut sum = Traffic::default();
        if self.stdin.moved().unwrap_or(false) && self.wanted.sources.stdin {
            sum = input(now);
        }
        self.sockets.overhear(now, members, &mut sum);
        if self.is_news(&mut sum, clock().since(now)) {
            self.sockets.rest();
            self.alert = Alert::No;
            return Some(Traffic { imprecise: true, ..sum });
        }
        self.alert = match self.alert {
            Alert::Yes { in_vain } if in_vain < MOST_IN_VAIN => Alert::Yes { in_vain: in_vain + 1 },
            Alert::Yes { .. } | Alert::No => Alert::No,
        };
        None
    }

    /// So many datagrams have been sent by us since the start: they are no traffic.
    pub(crate) fn disown(&mut self, datagrams: u64) {
        self.sockets.disown(datagrams);
    }

    /// When traffic last moved; `None`: it cannot be seen.
    pub(crate) fn look(
        &mut self,
        clock: fn() -> Time,
        look: TrafficLook,
        members: &[Process],
        unseen: &mut Vec<Unseen>,
    ) -> Option<Traffic> {
        let now = clock();
        let mut sum = Traffic::default();
        let mut seen = Ok(());
        if self.wanted.sources.stdin && self.stdin.may_move() {
            match self.stdin.moved() {
                Ok(true) => sum = input(now),
                Ok(false) => {}
                Err(reason) => seen = Err(reason),
            }
        }
        if self.wanted.sources.sockets() {
            let findings = &mut Findings { now, members, sum: &mut sum, unseen };
            let looked = self.sockets.look(look, findings);
            seen = seen.and(looked);
        }
        // What flows without times will be asked again soon. We sleep so long, but for the first
        // death after a flood: as long as it goes on, the kernel need not tell us of more.
        // What only may have moved is no reason to miss what does.
        let (latest, took) = (self.latest.last_sure(), clock().since(now));
        let news = self.is_news(&mut sum, took) && sum.last_sure() > latest;
        let flows = news && sum.imprecise && !self.sockets.expects_flood();
        self.alert = if flows { Alert::No } else { Alert::Yes { in_vain: 0 } };
        sum.payload = self.sockets.payload();
        if let Some(last) = sum.payload.as_mut().and_then(|payload| payload.last.as_mut()) {
            *last = *last + took;
        }
        sum.carried = self.sockets.carried().filter(|_| look >= TrafficLook::Changed);
        match seen {
            Ok(()) => Some(sum),
            Err(reason) => {
                unseen.push(reason);
                None
            }
        }
    }

    /// What moved while we looked, on what has tripwires: a look takes time.
    pub(crate) fn look_again(
        &mut self,
        clock: fn() -> Time,
        members: &[Process],
        sum: &mut Traffic,
    ) {
        let now = clock();
        let mut more = Traffic::default();
        if self.stdin.moved().unwrap_or(false) && self.wanted.sources.stdin {
            more = input(now);
        }
        self.sockets.overhear(now, members, &mut more);
        if self.is_news(&mut more, clock().since(now)) {
            sum.catch_up(&more);
            sum.unexplained |= more.unexplained;
            sum.mover = more.mover.or(sum.mover);
            sum.imprecise = true;
            self.alert = Alert::No;
        }
    }

    /// Whether anything moved after what was told before. What moved before the generation began
    /// is left out. `took`: since the moment whose times these are. On a busy host that is long,
    /// and rather late than early.
    fn is_news(&mut self, sum: &mut Traffic, took: Duration) -> bool {
        let since = self.began;
        sum.inbound = sum.inbound.filter(|at| *at >= since);
        sum.outbound = sum.outbound.filter(|at| *at >= since);
        sum.delay(took);
        let news = sum.is_newer_than(&self.latest);
        self.latest.catch_up(sum);
        news
    }
}

/// Bytes moved on standard input at some time since the last look: nobody knows when.
fn input(now: Time) -> Traffic {
    let mover = Some((now, Mover::Stdin));
    Traffic { inbound: Some(now), imprecise: true, mover, ..Traffic::default() }
}

fn socket_inode(fd: BorrowedFd<'_>) -> Option<u64> {
    let stat = fstat(fd).ok()?;
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    (kind == SFlag::S_IFSOCK).then_some(stat.st_ino)
}
