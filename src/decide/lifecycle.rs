//! The life of COMMAND, generation after generation: the one state machine.
//!
//! ```text
//!               Start                Started               a recycle is due
//!   Waiting ------------> Starting ----------> Running ----------------------> Stopping
//!      ^                     |                    |                               |
//!      |  StartFailed        |                    | Exited, and it is             | Exited
//!      +---------------------+                    | started again                 |
//!      |                     TreeGone             v                               |
//!      +-------------------------------------- Reaping <--------------------------+
//!
//!   With `--pre-stop`, Preparing is between Running and Stopping; with `--stdin lines`, Draining,
//!   from where COMMAND's end leads to Reaping. With `--then wait`, Asleep is between Reaping and
//!   Starting. TERM, and the end of `--eof-timeout`, lead to Stopping too; then nothing is started
//!   any more.
//! ```
//!
//! Every deadline lives in the state that needs it, so that leaving the state cancels it;
//! `deadline()` is derived, never stored. `step` is total: there is an answer to every event in
//! every state, and what means nothing in a state is named there.

mod asleep;
mod checking;
mod draining;
mod eof;
mod held;
mod kill;
mod learning;
mod observing;
mod preparing;
mod reaping;
mod running;
mod signals;
mod starting;
mod stopping;

use std::time::Duration;

pub use self::signals::Intent;
use self::{held::Held, kill::Kill, learning::Lessons};
use super::action::Action;
use super::event::{Event, Look};
use super::exit::{End, Exit, Failure, Signal};
use super::notice::{Notice, Opening, Recycled};
use super::observe::Observer;
use super::policy::{Opinion, Policy, Verdict};
use super::reason::{Cause, Reason};
use super::restart::{Pauses, Restarts};
use super::rules::{Rules, Then};
use super::storm::Storm;
use super::time::{Time, earliest};

/// What lives at the moment, and what is to become of it.
#[derive(Debug)]
enum State {
    /// Between generations.
    Waiting {
        until: Time,
        cause: Option<Cause>,
        /// How we end if there is nothing to start for any more.
        last: End,
    },
    /// `--then wait`: between generations, until input waits.
    Asleep {
        cause: Cause,
        last: End,
    },
    /// COMMAND's process exists, but its program does not run yet.
    Starting {
        watch: Watch,
        cause: Option<Cause>,
    },
    Running {
        watch: Watch,
    },
    /// A planned stop, which `--pre-stop` gets ready for: COMMAND has not been told yet.
    Preparing {
        watch: Watch,
        reason: Reason,
        until: Time,
    },
    /// A planned stop, for which COMMAND's input is closed: it may end by itself, and nobody has
    /// signalled it yet.
    Draining {
        watch: Watch,
        drain: Drain,
    },
    /// COMMAND is to end, and its own process has not ended yet.
    Stopping {
        watch: Watch,
        kill: Kill,
        why: Why,
    },
    /// COMMAND's own process has ended; what it left behind must be gone before the next start.
    Reaping {
        watch: Watch,
        kill: Kill,
        after: Aftermath,
    },
    /// `Quit` was the last action.
    Done,
}

/// A generation's policy, and when it wants to look again.
#[derive(Debug)]
struct Watch {
    policy: Policy,
    /// `None` also while the answer to a look is awaited.
    look_again: Option<Time>,
    /// The answer to a look is awaited.
    looking: bool,
    /// What has held a recycle.
    held: Held,
    /// A recycle is due for this, if another generation could start.
    checking: Option<Reason>,
    /// The last answer to that was no, and why.
    unstartable: Option<Failure>,
    /// Until that is asked again.
    pauses: Pauses,
}

/// Starts that failed, one after the other.
#[derive(Clone, Copy, Debug)]
struct Failing {
    failure: Failure,
    pauses: Pauses,
}

/// Why COMMAND is to end.
#[derive(Clone, Copy, Debug)]
enum Why {
    Planned(Stop),
    /// TERM came: when COMMAND ends, so do we. If no kill timer ran, none is started.
    Asked,
    /// `--eof-timeout`: when COMMAND has ended and its tree is gone, we end.
    Eof,
}

/// A planned stop under way.
#[derive(Clone, Copy, Debug)]
struct Stop {
    reason: Reason,
    began: Time,
    /// Of the generation, when the stop began.
    age: Duration,
    opening: Opening,
}

/// COMMAND's input is closed for a planned stop.
#[derive(Clone, Copy, Debug)]
struct Drain {
    reason: Reason,
    began: Time,
    /// How long COMMAND may take; `None`: a line is to be finished first.
    until: Option<Time>,
    /// That was put off, because we had not run when it was over. It is put off no second time.
    put_off: bool,
}

/// COMMAND has ended, and its tree has yet to.
#[derive(Clone, Copy, Debug)]
struct Aftermath {
    exit: Exit,
    next: Next,
}

/// What follows when the tree is gone.
#[derive(Clone, Copy, Debug)]
enum Next {
    Planned(Stop),
    /// COMMAND ended by itself; it is started again, but not before this.
    Restart(Time),
    /// Nothing: we end.
    End,
    /// The same after TERM: what is left has its time, and no longer than until then.
    Leave {
        last: End,
        until: Option<Time>,
    },
}

impl Next {
    /// When we end whatever is left.
    fn leave_by(self) -> Option<Time> {
        match self {
            Self::Leave { until, .. } => until,
            Self::Planned(_) | Self::Restart(_) | Self::End => None,
        }
    }
}

/// What is known of standard input.
#[derive(Clone, Copy, Debug, Default)]
struct Input {
    /// When its end was seen.
    ended: Option<Time>,
    /// There is nothing on it for another generation: nothing is planned any more.
    spent: bool,
    /// How many lines COMMAND had taken in its last moments.
    taken: u64,
}

/// Whether the next end of COMMAND by itself is the end of everything, because one was asked for.
#[derive(Clone, Copy, Debug)]
pub enum Finality {
    No,
    /// Only if it comes before this: the signal may have meant something else to COMMAND.
    Until(Time),
    ForGood,
}

impl Finality {
    pub fn holds(self, now: Time) -> bool {
        match self {
            Self::No => false,
            Self::Until(until) => now <= until,
            Self::ForGood => true,
        }
    }
}

/// The state machine.
#[derive(Debug)]
pub struct Lifecycle {
    rules: Rules,
    state: State,
    /// Of the current generation, or the last one; 0 before the first.
    generation: u64,
    restarts: Restarts,
    /// Starts have failed since a generation ran.
    failing: Option<Failing>,
    storm: Storm,
    lessons: Lessons,
    finality: Finality,
    /// INT or QUIT came, and no TERM since.
    interrupt: Option<Signal>,
    /// TSTP, TTIN or TTOU, when COMMAND was passed it and may be about to stop.
    stop_passed: Option<Signal>,
    input: Input,
    /// With `--observe`.
    observer: Option<Observer>,
    random: Random,
}

impl Lifecycle {
    /// A lifecycle whose first generation is due `now`. `seed` feeds the jitter.
    pub fn new(rules: Rules, now: Time, seed: u64) -> Self {
        Self {
            restarts: Restarts::new(rules.backoff, rules.max_restarts),
            observer: Observer::new(now, &rules),
            rules,
            state: State::Waiting { until: now, cause: None, last: End::SUCCESS },
            generation: 0,
            failing: None,
            storm: Storm::default(),
            lessons: Lessons::default(),
            finality: Finality::No,
            interrupt: None,
            stop_passed: None,
            input: Input::default(),
            random: Random(seed),
        }
    }

    /// When `Event::Due` is to come; `None`: never, only the world can move us.
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            // The first generation is started whatever has become of the input.
            State::Waiting { until, .. } if self.generation == 0 => Some(*until),
            State::Waiting { until, .. } => earliest(Some(*until), self.input_over()),
            State::Starting { .. } | State::Asleep { .. } | State::Done => None,
            State::Running { watch } => earliest(watch.look_again, self.input_over()),
            State::Preparing { watch, until, .. } => {
                earliest(earliest(watch.look_again, Some(*until)), self.input_over())
            }
            State::Draining { watch, drain } => {
                earliest(earliest(watch.look_again, drain.until), self.input_over())
            }
            State::Stopping { watch, kill, .. } => earliest(watch.look_again, kill.deadline()),
            State::Reaping { watch, kill, after } => {
                earliest(earliest(watch.look_again, kill.deadline()), after.next.leave_by())
            }
        }
    }

    /// Whether a look at traffic is to come.
    pub fn looks_at_traffic(&self) -> bool {
        match &self.state {
            State::Running { watch } => watch.policy.looks_at_traffic(),
            State::Waiting { .. }
            | State::Asleep { .. }
            | State::Starting { .. }
            | State::Preparing { .. }
            | State::Draining { .. }
            | State::Stopping { .. }
            | State::Reaping { .. }
            | State::Done => false,
        }
    }

    /// The tree has run, after it had slept: the next look comes at once.
    fn note_run(&mut self, now: Time) {
        let watch = match &mut self.state {
            State::Running { watch }
            | State::Preparing { watch, .. }
            | State::Draining { watch, .. }
            | State::Stopping { watch, .. }
            | State::Reaping { watch, .. } => watch,
            State::Waiting { .. } | State::Asleep { .. } | State::Starting { .. } | State::Done => {
                return;
            }
        };
        watch.policy.ran(now);
        // An answer that is awaited will tell anyhow.
        watch.look_again = watch.look_again.map(|next| next.min(now));
    }

    /// Takes in one event; what is to be done about it is appended to `actions`.
    pub fn step(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Ran => return self.note_run(now),
            Event::InBackground => return self.in_background(actions),
            Event::Undelivered(signal) => return self.note_undelivered(signal),
            _ => {}
        }
        if matches!(event, Event::Started) {
            self.failing = None;
        }
        self.note_input(now, &event);
        self.note_stop_signal(&event);
        self.note_interrupt(&event);
        self.state = match std::mem::replace(&mut self.state, State::Done) {
            State::Waiting { until, cause, last } => {
                self.waiting(now, event, until, cause, last, actions)
            }
            State::Asleep { cause, last } => self.asleep(now, event, cause, last, actions),
            State::Starting { watch, cause } => self.starting(now, event, watch, cause, actions),
            State::Running { watch } => self.running(now, event, watch, actions),
            State::Preparing { watch, reason, until } => {
                self.preparing(now, event, watch, reason, until, actions)
            }
            State::Draining { watch, drain } => self.draining(now, event, watch, drain, actions),
            State::Stopping { watch, kill, why } => {
                self.stopping(now, event, watch, kill, why, actions)
            }
            State::Reaping { watch, kill, after } => {
                self.reaping(now, event, watch, kill, after, actions)
            }
            State::Done => State::Done,
        };
        self.sum_up(now, actions);
    }
}

/// A small generator of random numbers (SplitMix64): jitter needs no more.
#[derive(Debug)]
struct Random(u64);

impl Random {
    /// The upper half of the next number.
    fn draw(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let [one, two, three, four, ..] = mixed.to_be_bytes();
        u32::from_be_bytes([one, two, three, four])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the published generator are `E220A8397B1DCDAF`, `6E789E6AA1B965F4`,
    /// `06C45D188009454F`, `F88BB8A8724C81EC`, `1B39896A51A8749B`.
    #[test]
    fn random_numbers_are_those_of_splitmix64() {
        let mut random = Random(0);
        let drawn = [(); 5].map(|()| random.draw());
        assert_eq!(drawn, [0xE220_A839, 0x6E78_9E6A, 0x06C4_5D18, 0xF88B_B8A8, 0x1B39_896A]);
    }
}
