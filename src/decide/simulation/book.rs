//! The book: what the core was told and what it did, as the contract understands it. The laws are
//! read against it. It knows nothing of how the core is built.

mod doing;
mod ends;
mod input;
mod looks;
mod signals;

use std::time::Duration;

use super::effort::Effort;
use super::restarts::Restarts;
use super::samples::Samples;
use crate::event::Event;
use crate::exit::{End, Exit, Signal};
use crate::notice::Opening;
use crate::reason::{Cause, Reason};
use crate::rules::Rules;
use crate::time::Time;

/// COMMAND's own process, as far as the core was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Nothing of it lives.
    Absent,
    Starting,
    Running,
    /// It has ended; what it left behind may live.
    Ended,
}

/// A generation on its way out, with another to follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) began: Time,
    /// `None`: COMMAND ended by itself.
    pub(super) planned: Option<Reason>,
    /// COMMAND's input is closed, or is to be.
    pub(super) drain: Option<Drain>,
    /// How a planned stop began; `None`: it is being prepared.
    pub(super) opening: Option<Opening>,
    /// What must go has its time from then on.
    pub(super) asked: Time,
}

impl Ending {
    /// One that is decided on now.
    pub(super) fn new(now: Time, planned: Option<Reason>) -> Self {
        Self { began: now, planned, drain: None, opening: None, asked: now }
    }
}

/// The end of COMMAND's input, which a recycle brings about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drain {
    pub(super) began: Time,
    /// Since when it is known to be closed.
    pub(super) cut: Option<Time>,
}

/// What must follow in this very step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    Nothing,
    Quit,
    /// The same, with this end.
    QuitAs(End),
    /// A restart after this delay.
    Restart(Duration),
    Suspend(Signal),
    Wake,
}

/// The truth at a look, which the core was told about or, where the world is blind, was not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The last traffic of this generation.
    pub(super) traffic: Option<Time>,
    /// Some of it was such that the generation can go idle.
    pub(super) armed: bool,
    /// CPU time used in the last 80% of the idle time.
    pub(super) worked: Duration,
}

/// The book of one trace.
pub(super) struct Book {
    pub(super) now: Time,
    pub(super) told: Event,
    pub(super) follow: Follow,
    pub(super) quit: bool,
    /// Nothing is started any more.
    pub(super) leaving: bool,
    pub(super) terminated: bool,
    pub(super) interrupted: bool,
    /// INT or QUIT came, and no TERM before that ended all, nor since.
    pub(super) interrupt: Option<Signal>,
    /// A stop that COMMAND was passed, and has not obeyed yet.
    pub(super) stop_passed: Option<Signal>,
    pub(super) hung_up_until: Option<Time>,
    pub(super) input_ended: Option<Time>,
    pub(super) input_spent: bool,
    /// Only input can go on from here.
    pub(super) asleep: bool,
    /// Since when what outlived its input is to go.
    pub(super) outstays: Option<Time>,
    /// How many lines COMMAND had taken in its last moments.
    pub(super) taken: u64,
    /// They may be lost, which is to be told now.
    pub(super) owes_lines: bool,
    /// How COMMAND ended last.
    pub(super) exit: Option<Exit>,
    /// How we end if nothing follows what was last.
    pub(super) last: End,
    /// How many generations ran.
    pub(super) ran: u64,
    pub(super) life: Life,
    pub(super) started: Time,
    /// The same, or when a recycle was told that did not come.
    pub(super) began: Time,
    pub(super) cause: Option<Cause>,
    pub(super) ending: Option<Ending>,
    pub(super) killed: Option<Time>,
    /// The stop timeout was the reason.
    pub(super) killed_late: bool,
    /// It was said that KILL did not help.
    pub(super) complained: bool,
    /// The next start, if it waits for a time.
    pub(super) start_due: Option<Time>,
    /// Planned recycles are held until then.
    pub(super) held_until: Option<Time>,
    pub(super) effort: Effort,
    stop_signal: Signal,
    settle: Duration,
    window: Duration,
    pub(super) seen: Option<Seen>,
    /// COMMAND was stopped when its tree was walked last.
    pub(super) stopped: bool,
    /// The last look at the traffic could see.
    pub(super) saw_traffic: bool,
    pub(super) samples: Samples,
    pub(super) over_since: Option<Time>,
    /// Memory that is over a limit was told to be, and has not been below since.
    pub(super) told_over: bool,
    /// Memory recycles in a row, each within 10 s of a start.
    pub(super) early: u32,
    pub(super) stormy: bool,
    /// Idle recycles in a row of generations whose traffic was all early.
    pub(super) in_vain: u32,
    /// An idle recycle is held because of them.
    pub(super) spaced: bool,
    /// A memory recycle came at an age at which a storm holds it.
    pub(super) runs_away: bool,
    /// Generations in a row that kill-rss killed within 10 s of their start.
    pub(super) early_kills: u32,
    pub(super) restarts: Restarts,
    /// TERM came and COMMAND has ended: when we end whatever is left, if ever.
    pub(super) left: Option<Option<Time>>,
    /// When a signal asked for a recycle of this generation.
    pub(super) asked: Option<Time>,
    /// Starts that failed since a generation ran.
    pub(super) failed_starts: u32,
}

impl Book {
    pub(super) fn new(now: Time, rules: &Rules) -> Self {
        Self {
            now,
            told: Event::Due,
            follow: Follow::Nothing,
            quit: false,
            leaving: false,
            terminated: false,
            interrupted: false,
            interrupt: None,
            stop_passed: None,
            hung_up_until: None,
            input_ended: None,
            input_spent: false,
            asleep: false,
            outstays: None,
            taken: 0,
            owes_lines: false,
            exit: None,
            last: End::SUCCESS,
            ran: 0,
            life: Life::Absent,
            started: now,
            began: now,
            cause: None,
            ending: None,
            killed: None,
            killed_late: false,
            complained: false,
            start_due: Some(now),
            held_until: None,
            effort: Effort::new(now, Duration::ZERO),
            stop_signal: rules.stop_signal,
            settle: rules.idle.map(|idle| idle.settle).unwrap_or_default(),
            window: rules.idle.map(|idle| idle.after).unwrap_or_default(),
            seen: None,
            stopped: false,
            saw_traffic: true,
            samples: Samples::default(),
            over_since: None,
            told_over: false,
            early: 0,
            stormy: false,
            in_vain: 0,
            spaced: false,
            runs_away: false,
            early_kills: 0,
            restarts: Restarts::new(rules),
            left: None,
            asked: None,
            failed_starts: 0,
        }
    }

    /// COMMAND's process exists, as far as the core can know.
    pub(super) fn command_lives(&self) -> bool {
        matches!(self.life, Life::Starting | Life::Running)
    }

    /// The number of the current generation, or of the last one.
    pub(super) fn generation(&self) -> u64 {
        self.ran + u64::from(self.life == Life::Starting)
    }

    pub(super) fn age(&self) -> Duration {
        self.now.since(self.started)
    }

    /// How long the rules have counted.
    pub(super) fn lived(&self) -> Duration {
        self.now.since(self.began)
    }

    /// Takes down what the core is about to be told.
    pub(super) fn tell(&mut self, now: Time, event: &Event, seen: Option<Seen>, rules: &Rules) {
        (self.now, self.follow, self.owes_lines) = (now, Follow::Nothing, false);
        match event {
            Event::Started => {
                self.life = Life::Running;
                self.ran += 1;
                self.failed_starts = 0;
            }
            Event::StartFailed(failure) => self.start_failed(*failure, rules),
            Event::Exited(exit) => self.exited(*exit, rules),
            Event::TreeGone if self.life == Life::Ended => self.gone(rules),
            Event::TreeDefied if self.killed.is_some() => self.follow = Follow::Quit,
            Event::TreeGone
            | Event::TreeDefied
            | Event::Ran
            | Event::InBackground
            | Event::Checked(_)
            | Event::Prepared { .. }
            | Event::Overslept { .. }
            | Event::InputWaits => {}
            Event::LinesTaken { lines } => self.lines_were_taken(*lines),
            Event::Due => self.rang(rules),
            Event::InputEnded => self.input_has_ended(rules),
            Event::InputSpent => self.input_was_spent(rules),
            Event::InputCut => self.input_was_cut(),
            Event::Signalled { signal, shared } => self.signalled(*signal, *shared, rules),
            Event::Undelivered(signal) => self.was_refused(*signal),
            Event::Stopped(halt) => self.follow = self.after_stop(*halt),
            Event::Observed(observation) => self.observed(observation, seen, rules),
            Event::Moved(traffic) => self.effort.sprung(now, traffic),
        }
        self.told = event.clone();
    }

    /// The generation is on its way out: nothing is planned for it any more.
    pub(super) fn ends(&self) -> bool {
        self.leaving || self.ending.is_some() || self.outstays.is_some()
    }

    /// A planned stop is decided on, and has not begun.
    pub(super) fn is_preparing(&self) -> bool {
        self.ending.is_some_and(|ending| ending.planned.is_some() && ending.opening.is_none())
    }
}
