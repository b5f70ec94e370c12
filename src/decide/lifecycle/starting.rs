//! Before a generation runs: `Waiting` and `Starting`.

use super::{
    Action, Cause, End, Event, Failing, Failure, Finality, Held, Intent, Kill, Lifecycle, Notice,
    Pauses, Policy, Reason, Signal, State, Then, Time, Watch,
};
use std::time::Duration;

impl Lifecycle {
    pub(super) fn waiting(
        &mut self,
        now: Time,
        event: Event,
        until: Time,
        cause: Option<Cause>,
        last: End,
        actions: &mut Vec<Action>,
    ) -> State {
        match event {
            Event::Due if self.outlives_input(now) && self.generation > 0 => quit(last, actions),
            Event::Due if now >= until => match (self.rules.then, cause) {
                (Then::Wait, Some(cause)) if cause != Cause::Exit => {
                    self.fall_asleep(cause, last, actions)
                }
                (_, cause) => self.start(now, cause, actions),
            },
            Event::InputSpent if self.has_no_input_left(now) && self.generation > 0 => {
                quit(last, actions)
            }
            // There is nobody to pass a signal on to.
            Event::Signalled { signal, shared } => match self.intent(signal) {
                Intent::End | Intent::Interrupt => quit(End::Signal(signal), actions),
                intent => {
                    suspend_too(intent, signal, shared, actions);
                    State::Waiting { until, cause, last }
                }
            },
            Event::Due
            | Event::Started
            | Event::StartFailed(_)
            | Event::Checked(_)
            | Event::Exited(_)
            | Event::TreeGone
            | Event::TreeDefied
            | Event::Stopped(_)
            | Event::Overslept { .. }
            | Event::Observed(_)
            | Event::Moved(_)
            | Event::Ran
            | Event::InBackground
            | Event::Undelivered(_)
            | Event::Prepared { .. }
            | Event::InputEnded
            | Event::InputSpent
            | Event::InputWaits
            | Event::InputCut
            | Event::LinesTaken { .. } => State::Waiting { until, cause, last },
        }
    }

    pub(super) fn starting(
        &mut self,
        now: Time,
        event: Event,
        mut watch: Watch,
        cause: Option<Cause>,
        actions: &mut Vec<Action>,
    ) -> State {
        match event {
            Event::Started => {
                let generation = self.generation;
                actions.push(Action::Tell(Notice::Started { generation }));
                self.observe_start(now);
                self.running(now, Event::Due, watch, actions)
            }
            Event::StartFailed(failure) => self.start_failed(now, failure, cause, actions),
            Event::Checked(failure) => match self.checked(now, &mut watch, failure, actions) {
                Some(reason) => self.begin(now, watch, reason, actions),
                None => State::Starting { watch, cause },
            },
            Event::Exited(exit) => self.ended(now, watch, exit, actions),
            Event::Signalled { signal, shared } => match self.pass(signal, shared, actions) {
                Intent::End => self.leave(now, watch, Kill::Never),
                Intent::Recycle if self.input.spent => {
                    actions.push(Action::Tell(Notice::NothingLeftToRead));
                    State::Starting { watch, cause }
                }
                Intent::Recycle => {
                    let asked = Reason::Signal(signal);
                    let asked = self.unless_observing(now, &mut watch, asked, actions);
                    match asked.and_then(|reason| self.propose(&mut watch, reason, actions)) {
                        Some(reason) => self.begin(now, watch, reason, actions),
                        None => State::Starting { watch, cause },
                    }
                }
                intent => {
                    self.note(now, intent, &mut watch);
                    State::Starting { watch, cause }
                }
            },
            Event::Stopped(halt) => {
                self.halted(halt, actions);
                State::Starting { watch, cause }
            }
            Event::InputSpent => {
                watch.policy.only_kill();
                State::Starting { watch, cause }
            }
            Event::Moved(traffic) => {
                watch.policy.sprung(now, &traffic, &self.rules);
                State::Starting { watch, cause }
            }
            Event::Due
            | Event::TreeGone
            | Event::TreeDefied
            | Event::Overslept { .. }
            | Event::Ran
            | Event::InBackground
            | Event::Undelivered(_)
            | Event::Prepared { .. }
            | Event::InputEnded
            | Event::InputWaits
            | Event::InputCut
            | Event::LinesTaken { .. }
            | Event::Observed(_) => State::Starting { watch, cause },
        }
    }

    /// Starts the next generation.
    pub(super) fn start(
        &mut self,
        now: Time,
        cause: Option<Cause>,
        actions: &mut Vec<Action>,
    ) -> State {
        self.generation += 1;
        self.input.taken = 0;
        self.stop_passed = None;
        // HUP was meant for the generation that got it.
        if let Finality::Until(_) = self.finality {
            self.finality = Finality::No;
        }
        let mut policy = Policy::new(now, &self.rules, self.random.draw());
        if self.input.spent {
            policy.only_kill();
        }
        actions.push(Action::Start { generation: self.generation, cause });
        let mut watch = Watch {
            policy,
            look_again: None,
            looking: false,
            held: Held::ByNothing,
            checking: None,
            unstartable: None,
            pauses: Pauses::new(self.rules.backoff),
        };
        self.teach(&mut watch);
        State::Starting { watch, cause }
    }

    /// The first start must work. A later one is tried again, for as long as it takes: a deploy may
    /// be swapping the file. But not for nothing.
    pub(super) fn start_failed(
        &mut self,
        now: Time,
        failure: Failure,
        cause: Option<Cause>,
        actions: &mut Vec<Action>,
    ) -> State {
        if self.generation == 1 || self.is_final(now) || self.has_no_input_left(now) {
            actions.push(Action::Tell(Notice::StartFailed {
                failure,
                again_in: None,
                again: false,
            }));
            return quit(failure.into(), actions);
        }
        // A generation that never ran is not counted.
        self.generation -= 1;
        let mut pauses = match self.failing {
            Some(Failing { pauses, .. }) => pauses,
            None => Pauses::new(self.rules.backoff),
        };
        let pause = pauses.next();
        let before = self.failing.replace(Failing { failure, pauses });
        let again = before.is_some_and(|before| before.failure == failure);
        actions.push(Action::Tell(Notice::StartFailed { failure, again_in: Some(pause), again }));
        self.wait(now, pause, cause, failure.into(), actions)
    }

    /// The next start comes after this.
    pub(super) fn wait(
        &self,
        now: Time,
        wait: Duration,
        cause: Option<Cause>,
        last: End,
        actions: &mut Vec<Action>,
    ) -> State {
        let generation = self.generation;
        actions.push(Action::Tell(Notice::Backoff { generation, wait }));
        State::Waiting { until: now + wait, cause, last }
    }

    /// The budget of restarts is used up.
    pub(super) fn give_up(&self, end: End, actions: &mut Vec<Action>) -> State {
        let budget = self.rules.max_restarts;
        let notice = Notice::GaveUp { restarts: budget.restarts, window: budget.window };
        actions.push(Action::Tell(notice));
        quit(end, actions)
    }

    /// INT and QUIT make COMMAND's next end final; HUP does, if it comes within the stop timeout.
    pub(super) fn note_finality(&mut self, now: Time, intent: Intent) {
        match (intent, self.finality) {
            (Intent::Interrupt, _) => self.finality = Finality::ForGood,
            (Intent::HangUp, Finality::No | Finality::Until(_)) => {
                self.finality = Finality::Until(now + self.rules.stop_timeout);
            }
            _ => {}
        }
    }

    pub(super) fn is_final(&self, now: Time) -> bool {
        self.finality.holds(now)
    }
}

/// A terminal stops us also when there is nobody to stop with us. One that was sent to us is meant
/// for COMMAND, which would not have stopped, perhaps.
pub(super) fn suspend_too(intent: Intent, signal: Signal, shared: bool, actions: &mut Vec<Action>) {
    if intent == Intent::Suspend && shared {
        actions.push(Action::Suspend(signal));
    }
}

/// The last action of all.
pub(super) fn quit(end: End, actions: &mut Vec<Action>) -> State {
    actions.push(Action::Quit(end));
    State::Done
}
