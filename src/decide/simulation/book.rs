//! The book: what the core was told and what it did, as the contract understands it. The laws are
//! read against it. It knows nothing of how the core is built.

mod doing;
mod looks;
mod signals;

use std::time::Duration;

use super::effort::Effort;
use super::restarts::Restarts;
use super::samples::Samples;
use crate::decide::event::{Cause, Event, Reason};
use crate::decide::exit::{Exit, Signal};
use crate::decide::notice::Opening;
use crate::decide::rules::{Restart, Rules};
use crate::decide::time::Time;

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
    /// How a planned stop began; `None`: it is being prepared.
    pub(super) opening: Option<Opening>,
}

/// What must follow in this very step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    Nothing,
    Quit,
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
    pub(super) hung_up_until: Option<Time>,
    pub(super) input_ended: bool,
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
    /// Generations in a row that kill-rss killed within 10 s of their start.
    pub(super) early_kills: u32,
    pub(super) restarts: Restarts,
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
            hung_up_until: None,
            input_ended: false,
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
            early_kills: 0,
            restarts: Restarts::new(rules),
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
        (self.now, self.follow) = (now, Follow::Nothing);
        match event {
            Event::Started => {
                self.life = Life::Running;
                self.ran += 1;
            }
            Event::StartFailed(_) => self.start_failed(),
            Event::Exited(exit) => self.exited(*exit, rules),
            Event::TreeGone if self.life == Life::Ended => self.life = Life::Absent,
            Event::TreeDefied if self.killed.is_some() => self.follow = Follow::Quit,
            Event::TreeGone
            | Event::TreeDefied
            | Event::Prepared { .. }
            | Event::Overslept { .. }
            | Event::Due => {}
            Event::Signalled { signal, .. } => self.signalled(*signal, rules),
            Event::Stopped { signal, foreground, shell } => {
                self.follow = self.after_stop(*signal, *foreground, *shell);
            }
            Event::Observed(observation) => self.observed(observation, seen, rules),
            Event::Moved(traffic) => self.effort.sprung(now, traffic),
            Event::InputEnded => {
                self.input_ended = true;
                // What has not begun yet never does.
                if self.is_preparing() {
                    self.ending = None;
                }
            }
        }
        self.told = event.clone();
    }

    /// A planned stop is decided on, and has not begun.
    pub(super) fn is_preparing(&self) -> bool {
        self.ending.is_some_and(|ending| ending.planned.is_some() && ending.opening.is_none())
    }

    fn start_failed(&mut self) {
        if let Some(reason) = self.ending.take().and_then(|ending| ending.planned) {
            self.cause = Some(reason.cause());
        }
        self.life = Life::Absent;
        self.follow = match self.leaving || self.ran == 0 || self.ends_are_final() {
            true => Follow::Quit,
            false => self.restart(Duration::ZERO),
        };
    }

    fn exited(&mut self, exit: Exit, rules: &Rules) {
        self.life = Life::Ended;
        if self.ending.is_none() {
            (self.early, self.early_kills) = (0, 0);
        }
        if self.ending.is_some() && !self.leaving {
            // The end that INT asked for came while a stop began.
            if self.ends_are_final() && self.held_until.is_some_and(|until| self.now < until) {
                self.follow = Follow::Quit;
            }
            return;
        }
        let wanted = match rules.restart {
            Restart::Never => false,
            Restart::OnFailure => exit != Exit::Status(0),
            Restart::Always => true,
        };
        self.follow = match self.leaving || self.ends_are_final() || !wanted {
            true => Follow::Quit,
            false => self.restart(self.age()),
        };
        self.ending = Some(Ending { began: self.now, planned: None, opening: None });
        self.cause = Some(Cause::Exit);
    }

    fn ends_are_final(&self) -> bool {
        self.interrupted || self.hung_up_until.is_some_and(|until| self.now <= until)
    }

    fn restart(&mut self, lasted: Duration) -> Follow {
        let Some(delay) = self.restarts.next(self.now, lasted) else { return Follow::Quit };
        self.start_due = Some(self.now + delay);
        Follow::Restart(delay)
    }
}
