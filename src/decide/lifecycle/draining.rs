//! A recycle is due, and COMMAND gets its input line by line: its input is closed at a line's end,
//! and it may come to the end of what it has by itself.

use super::{
    Action, Aftermath, Drain, Event, Exit, Finality, Intent, Kill, Lifecycle, Next, Opening,
    Reason, State, Time, Watch,
};
use crate::action::Force;

impl Lifecycle {
    /// Whether COMMAND is to come to the end of its input before it is stopped for this.
    pub(super) fn drains(&self, reason: Reason) -> bool {
        self.rules.lines.is_some() && !matches!(reason, Reason::KillRss { .. })
    }

    /// Ends COMMAND's input.
    pub(super) fn drain(
        &self,
        now: Time,
        watch: Watch,
        reason: Reason,
        actions: &mut Vec<Action>,
    ) -> State {
        actions.push(Action::CutInput);
        State::Draining { watch, drain: Drain { reason, began: now, until: None, put_off: false } }
    }

    pub(super) fn draining(
        &mut self,
        now: Time,
        event: Event,
        mut watch: Watch,
        mut drain: Drain,
        actions: &mut Vec<Action>,
    ) -> State {
        let emergency = match event {
            Event::Exited(exit) => return self.drained(now, watch, drain, exit, actions),
            Event::InputCut => {
                let timeout = self.rules.lines.map(|lines| lines.drain_timeout);
                drain.until = drain.until.or(Some(now + timeout.unwrap_or_default()));
                None
            }
            // COMMAND was no better off: it gets the time that it had left.
            Event::Overslept { since } => {
                if let Some(until) = drain.until.filter(|until| now >= *until && !drain.put_off) {
                    (drain.until, drain.put_off) = (Some(now + until.since(since)), true);
                }
                None
            }
            // It has all that there is: no other generation follows, and none needs its stop.
            Event::InputSpent => return State::Running { watch },
            Event::Due if self.outlives_input(now) => return self.stop_at_eof(now, watch, actions),
            Event::Due if drain.until.is_some_and(|until| now >= until) => {
                return self.stop_as_wished(now, watch, drain.reason, actions);
            }
            Event::Due => self.look_due(now, &mut watch, actions),
            Event::Observed(seen) => self.observed(now, &mut watch, &seen, actions),
            Event::StartFailed(failure) => {
                return self.start_failed(now, failure, Some(drain.reason.cause()), actions);
            }
            Event::Signalled { signal, shared } => match self.pass(signal, shared, actions) {
                Intent::End => return self.leave(now, watch, Kill::Never),
                intent => {
                    self.note(now, intent, &mut watch);
                    None
                }
            },
            // A stop comes, whatever is typed meanwhile: no shell takes over now.
            Event::Stopped(halt) => {
                self.halted_at_stop(halt, actions);
                None
            }
            Event::Prepared { .. }
            | Event::Started
            | Event::Checked(_)
            | Event::TreeGone
            | Event::Ran
            | Event::InBackground
            | Event::Undelivered(_)
            | Event::TreeDefied
            | Event::InputEnded
            | Event::InputWaits
            | Event::LinesTaken { .. }
            | Event::Moved(_) => None,
        };
        match emergency {
            Some(reason) => self.stop(now, watch, reason, actions),
            None => State::Draining { watch, drain },
        }
    }

    /// COMMAND has ended by itself.
    fn drained(
        &self,
        now: Time,
        watch: Watch,
        drain: Drain,
        exit: Exit,
        actions: &mut Vec<Action>,
    ) -> State {
        if self.is_final(now) && watch.policy.is_interrupted(now) {
            // The end that INT asked for.
            return self.end_with(exit, actions);
        }
        let mut stop = self.open(now, &watch, drain.reason, Opening::Drained, actions);
        stop.age = stop.age.saturating_sub(now.since(drain.began));
        stop.began = drain.began;
        actions.push(Action::Sweep(Force::Ask));
        let kill = Kill::At(now + self.rules.stop_timeout);
        State::Reaping { watch, kill, after: Aftermath { exit, next: Next::Planned(stop) } }
    }

    /// Begins the stop that is due. INT is a wish for an end, and COMMAND is ending.
    pub(super) fn stop_as_wished(
        &self,
        now: Time,
        watch: Watch,
        reason: Reason,
        actions: &mut Vec<Action>,
    ) -> State {
        // HUP is one only if COMMAND ends soon enough, which nobody knows yet.
        let for_good = matches!(self.finality, Finality::ForGood);
        let wished = for_good && watch.policy.is_interrupted(now);
        match self.stop(now, watch, reason, actions) {
            State::Stopping { watch, kill, .. } if wished => self.leave(now, watch, kill),
            state => state,
        }
    }
}
