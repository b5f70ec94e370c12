//! A recycle is due, and `--pre-stop` runs: COMMAND lives on until that has ended, or for its time.

use super::{
    Action, Aftermath, Event, Intent, Kill, Lifecycle, Next, Notice, Opening, Reason, State, Time,
    Watch,
};
use crate::action::Force;

impl Lifecycle {
    pub(super) fn preparing(
        &mut self,
        now: Time,
        event: Event,
        mut watch: Watch,
        reason: Reason,
        until: Time,
        actions: &mut Vec<Action>,
    ) -> State {
        let emergency = match event {
            Event::Prepared { generation } if generation == self.generation => {
                return self.prepared(now, watch, reason, actions);
            }
            Event::Due if self.outlives_input(now) => return self.stop_at_eof(now, watch, actions),
            Event::Due if now >= until => return self.prepared(now, watch, reason, actions),
            Event::Due => self.look_due(now, &mut watch, actions),
            Event::Observed(seen) => self.observed(now, &mut watch, &seen, actions),
            Event::Exited(exit) => {
                if self.is_final(now) && watch.policy.is_interrupted(now) {
                    // The end that INT asked for.
                    return self.end_with(exit, actions);
                }
                let stop = self.open(now, &watch, reason, Opening::Ended, actions);
                actions.push(Action::Sweep(Force::Ask));
                let kill = Kill::At(now + self.rules.stop_timeout);
                let after = Aftermath { exit, next: Next::Planned(stop) };
                return State::Reaping { watch, kill, after };
            }
            Event::StartFailed(failure) => {
                return self.start_failed(now, failure, Some(reason.cause()), actions);
            }
            Event::Signalled { signal, shared } => match self.pass(signal, shared, actions) {
                Intent::End => return self.leave(now, watch, Kill::Never),
                intent => {
                    self.note(now, intent, &mut watch);
                    None
                }
            },
            // What is left to read is this generation's: the next would find nothing.
            Event::InputSpent => {
                actions.push(Action::Tell(Notice::NothingLeftToRead));
                return State::Running { watch };
            }
            // A stop comes, whatever is typed meanwhile: no shell takes over now.
            Event::Stopped(halt) => {
                self.halted_at_stop(halt, actions);
                None
            }
            // It was an earlier generation's, and took longer than its time.
            Event::Prepared { .. }
            | Event::Started
            | Event::Checked(_)
            | Event::TreeGone
            | Event::Ran
            | Event::InBackground
            | Event::Undelivered(_)
            | Event::TreeDefied
            | Event::Overslept { .. }
            | Event::InputEnded
            | Event::InputWaits
            | Event::InputCut
            | Event::LinesTaken { .. }
            | Event::Moved(_) => None,
        };
        match emergency {
            Some(reason) => self.stop(now, watch, reason, actions),
            None => State::Preparing { watch, reason, until },
        }
    }
    /// It is time to tell COMMAND.
    fn prepared(
        &self,
        now: Time,
        watch: Watch,
        reason: Reason,
        actions: &mut Vec<Action>,
    ) -> State {
        match self.drains(reason) {
            true => self.drain(now, watch, reason, actions),
            false => self.stop_as_wished(now, watch, reason, actions),
        }
    }
}
