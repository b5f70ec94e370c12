//! While COMMAND is to end: `Stopping`. What follows depends on why.

use super::starting::quit;
use super::{
    Action, Aftermath, End, Event, Exit, Intent, Kill, Lifecycle, Next, Notice, Reason, State,
    Time, Watch, Why,
};

impl Lifecycle {
    pub(super) fn stopping(
        &mut self,
        now: Time,
        event: Event,
        mut watch: Watch,
        mut kill: Kill,
        mut why: Why,
        actions: &mut Vec<Action>,
    ) -> State {
        let reason = match event {
            Event::Exited(exit) => return self.stopped(now, watch, kill, why, exit, actions),
            Event::StartFailed(failure) => {
                return match why {
                    Why::Planned(stop) => {
                        self.start_failed(now, failure, Some(stop.reason.cause()), actions)
                    }
                    Why::Asked | Why::Eof => quit(failure.into(), actions),
                };
            }
            Event::Signalled { signal, shared } => {
                match (self.pass(signal, shared, actions), why) {
                    (_, Why::Asked) => {}
                    // INT asks for an end, and COMMAND is ending.
                    (Intent::End | Intent::Interrupt, Why::Planned(_) | Why::Eof) => {
                        return self.leave(now, watch, kill);
                    }
                    (intent, Why::Planned(_) | Why::Eof) => self.note_finality(now, intent),
                }
                None
            }
            Event::TreeDefied => return defied(State::Stopping { watch, kill, why }, actions),
            Event::Overslept { since } => {
                kill.put_off(now, since);
                None
            }
            // We have stopped it ourselves, in order to kill it.
            Event::Stopped(_) if matches!(kill, Kill::Sent { .. }) => None,
            Event::Stopped(halt) => {
                match why {
                    Why::Asked => self.halted(halt, actions),
                    Why::Planned(_) | Why::Eof => self.halted_at_stop(halt, actions),
                }
                None
            }
            Event::Observed(seen) => self.observed(now, &mut watch, &seen, actions),
            Event::Due => {
                kill.escalate(now, actions);
                self.look_due(now, &mut watch, actions)
            }
            Event::Started
            | Event::Checked(_)
            | Event::TreeGone
            | Event::Moved(_)
            | Event::Ran
            | Event::InBackground
            | Event::Undelivered(_)
            | Event::Prepared { .. }
            | Event::InputEnded
            | Event::InputSpent
            | Event::InputWaits
            | Event::InputCut
            | Event::LinesTaken { .. } => None,
        };
        if let Some(reason) = reason {
            if let Why::Planned(stop) = &mut why {
                stop.killed_for(reason, kill);
            }
            kill.at_once(now, actions);
        }
        State::Stopping { watch, kill, why }
    }

    /// COMMAND's own process has ended; the rest of its tree gets its signals.
    fn stopped(
        &mut self,
        now: Time,
        watch: Watch,
        kill: Kill,
        why: Why,
        exit: Exit,
        actions: &mut Vec<Action>,
    ) -> State {
        actions.push(Action::Sweep(kill.force()));
        let killed = matches!(kill, Kill::Sent { .. });
        let next = match why {
            // The end that INT asked for came while a stop began.
            Why::Planned(_) if self.is_final(now) && watch.policy.is_interrupted(now) => {
                self.tell_last_taken(exit, actions);
                return quit(self.interrupted_end(exit, killed), actions);
            }
            Why::Planned(stop) => Next::Planned(stop),
            Why::Asked => self.leave_soon(now, self.interrupted_end(exit, killed)),
            Why::Eof => Next::End,
        };
        State::Reaping { watch, kill, after: Aftermath { exit, next } }
    }

    /// Looks at memory, if that is what the deadline was for.
    pub(super) fn look_due(
        &mut self,
        now: Time,
        watch: &mut Watch,
        actions: &mut Vec<Action>,
    ) -> Option<Reason> {
        watch.look_again.filter(|then| now >= *then)?;
        self.due(now, watch, actions)
    }
}

/// What is left refuses our signals. While we only ask, it may still go by itself.
pub(super) fn defied(state: State, actions: &mut Vec<Action>) -> State {
    match &state {
        State::Stopping { kill: Kill::Sent { .. }, .. }
        | State::Reaping { kill: Kill::Sent { .. }, .. } => {
            actions.push(Action::Tell(Notice::Refused));
            quit(End::FAILED, actions)
        }
        _ => state,
    }
}
