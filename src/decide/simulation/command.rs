//! COMMAND as the world has it: what it uses, what it obeys, what it leaves behind.

use std::time::Duration;

use super::random::Random;
use crate::event::Memory;
use crate::exit::Signal;
use crate::time::Time;
use crate::units::Bytes;

pub(super) const MIB: u64 = 1 << 20;

/// What COMMAND leaves behind when its own process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Gentle,
    /// It ignores TERM.
    Stubborn,
    /// It outlives KILL for a while: uninterruptible.
    Undying,
    /// It is not ours to kill: it refuses every signal.
    Defiant,
}

/// What TSTP, TTIN and TTOU do to it, and who sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stops {
    /// It has a terminal to itself.
    pub(super) terminal: bool,
    /// A shell waits at a terminal.
    pub(super) shell: bool,
    /// It takes them for something else.
    pub(super) handled: bool,
}

/// What all generations of one trace have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    pub(super) base_bytes: u64,
    pub(super) leak_per_second: u64,
    /// How long it sleeps before it leaks.
    pub(super) nap: Duration,
    /// Its memory cannot be read page by page.
    pub(super) hides_pages: bool,
    /// It is several processes that share pages: none has more than PSS says.
    pub(super) shares: bool,
    /// A start fails once in so many.
    pub(super) start_fails_once_in: u64,
    /// Somebody deploys once in so many recycles, and COMMAND's file is missing for a while.
    pub(super) deploys_once_in: u64,
    /// A look is blind once in so many.
    pub(super) blind_once_in: u64,
    pub(super) stops: Stops,
    /// Its client connects again right after each start, and says little.
    pub(super) reconnects: bool,
}

/// A child that has just been forked, and shows its parent's whole size.
#[derive(Clone, Copy, Debug)]
struct Fork {
    at: Time,
    until: Time,
}

/// COMMAND's process and its tree.
#[derive(Clone, Debug)]
pub(super) struct Command {
    habits: Habits,
    born: Time,
    /// When its leak began anew.
    freed: Time,
    fork: Option<Fork>,
    /// When it computed.
    busy: Vec<(Time, Time)>,
    /// CPU time used at the last look at memory.
    looked: Option<Duration>,
    /// The core was told that it sleeps, and waits to be told that it runs.
    awaited: bool,
    pub(super) ignores_signals: bool,
    /// It takes up to so many milliseconds to obey.
    pub(super) obeys_within: u64,
    pub(super) left: Left,
    pub(super) stopped: bool,
    pub(super) alive: bool,
    pub(super) reaped: bool,
}

impl Command {
    pub(super) fn new(random: &mut Random, habits: Habits, born: Time) -> Self {
        Self {
            habits,
            born,
            freed: born + habits.nap,
            fork: None,
            busy: Vec::new(),
            looked: None,
            awaited: false,
            ignores_signals: random.once_in(4),
            obeys_within: random.pick(&[0, 5, 200, 2_000]),
            left: match random.below(40) {
                0..=5 => Left::Gentle,
                6..=11 => Left::Stubborn,
                12 => Left::Undying,
                13 => Left::Defiant,
                _ => Left::Nothing,
            },
            stopped: false,
            alive: true,
            reaped: false,
        }
    }

    /// Some process of the tree lives, or is not known to have ended.
    pub(super) fn is_there(&self) -> bool {
        !self.reaped || self.left != Left::Nothing
    }

    pub(super) fn frees(&mut self, now: Time) {
        self.freed = self.freed.max(now);
    }

    pub(super) fn forks(&mut self, now: Time, lasting: Duration) {
        self.fork = Some(Fork { at: now, until: now + lasting });
    }

    pub(super) fn computes(&mut self, now: Time, lasting: Duration) {
        if self.busy.last().is_none_or(|(_, until)| *until <= now) {
            self.busy.push((now, now + lasting));
        }
    }

    /// Until when it computes, as far as is known now.
    pub(super) fn busy_until(&self) -> Option<Time> {
        self.busy.last().map(|(_, until)| *until)
    }

    /// CPU time used until then: all of one CPU while it computes, and 2% of it while it leaks.
    pub(super) fn cpu(&self, until: Time) -> Duration {
        let busy = self.busy.iter().map(|(from, to)| until.min(*to).since(*from));
        let leaks = self.habits.leak_per_second > 0;
        let leaking = until.since(self.born + self.habits.nap);
        let always = if leaks { leaking / 50 } else { Duration::ZERO };
        always + busy.sum::<Duration>()
    }

    /// A look at memory: whether it has not run since the one before, and the core will be told
    /// when it does.
    pub(super) fn sleeps(&mut self, now: Time) -> bool {
        let naps = self.habits.leak_per_second == 0 || now < self.born + self.habits.nap;
        let rests = naps && self.busy_until().is_none_or(|at| at < now);
        let cpu = self.cpu(now);
        self.awaited = rests && self.looked == Some(cpu);
        self.looked = Some(cpu);
        self.awaited
    }

    /// It runs: whether the core is to be told.
    pub(super) fn wakes(&mut self) -> bool {
        std::mem::take(&mut self.awaited)
    }

    /// Its memory; what was forked after `settled_by` is new. PSS is 60% of RSS.
    pub(super) fn memory(&self, now: Time, settled_by: Time) -> Memory {
        let leaking = u64::try_from(now.since(self.freed).as_millis()).unwrap();
        let own = self.habits.base_bytes + self.habits.leak_per_second / 1000 * leaking;
        let forked = self.fork.filter(|fork| fork.at <= now && now < fork.until);
        let rss = if forked.is_some() { own * 2 } else { own };
        let settled = if forked.is_some_and(|fork| fork.at > settled_by) { own } else { rss };
        let largest = if self.habits.shares { settled / 10 * 6 } else { own };
        let pss = Some(Bytes(settled / 10 * 6));
        let (rss, settled, largest) = (Bytes(rss), Bytes(settled), Bytes(largest));
        Memory { rss, settled, largest, pss, pss_at_most: None, pages_cost: None }
    }

    /// Since when its own memory is over this; `None`: it will not be.
    pub(super) fn over_since(&self, bytes: u64) -> Option<Time> {
        if self.habits.base_bytes > bytes {
            return Some(self.freed);
        }
        let millis =
            (bytes - self.habits.base_bytes).checked_div(self.habits.leak_per_second / 1000)?;
        Some(self.freed + Duration::from_millis(millis + 1))
    }

    /// Whether a signal stops it.
    pub(super) fn stops_at(&self, signal: Signal) -> bool {
        let stops = matches!(signal, Signal::TSTP | Signal::TTIN | Signal::TTOU);
        stops && !self.stopped && !self.habits.stops.handled
    }

    /// Whether a signal ends it.
    pub(super) fn dies_of(&self, signal: Signal) -> bool {
        let harmless = [Signal::CONT, Signal::TSTP, Signal::TTIN, Signal::TTOU, Signal::CHLD];
        let winch = Signal::parse("WINCH") == Some(signal);
        let deadly = !harmless.contains(&signal) && !winch;
        deadly && (!self.ignores_signals || signal == Signal::KILL)
    }
}
