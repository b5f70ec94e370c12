//! While COMMAND is to end: `Stopping`, `Leaving`, `Outstaying`.

use super::starting::quit;
use super::{
    Action, Aftermath, End, Event, Kill, Lifecycle, Meaning, Next, Notice, Reason, State, Stop,
    Time, Watch,
};

impl Lifecycle {
    pub(super) fn stopping(
        &mut self,
        now: Time,
        event: Event,
        mut watch: Watch,
        mut kill: Kill,
        mut stop: Stop,
        actions: &mut Vec<Action>,
    ) -> State {
        let reason = match event {
            Event::Exited(exit) => {
                actions.push(Action::Sweep(kill.force()));
                if self.is_final(now) && watch.policy.is_interrupted(now) {
                    // The end that INT asked for came while a stop began.
                    self.tell_last_taken(exit, actions);
                    let killed = matches!(kill, Kill::Sent { .. });
                    return quit(self.interrupted_end(exit, killed), actions);
                }
                let after = Aftermath { exit, next: Next::Planned(stop) };
                return State::Clearing { watch, kill, after };
            }
            Event::StartFailed(failure) => {
                return self.start_failed(now, failure, Some(stop.reason.cause()), actions);
            }
            Event::Signalled { signal, shared } => match self.pass(signal, shared, actions) {
                // INT is a wish for an end, and COMMAND is ending.
                Meaning::Leave | Meaning::Interrupt => return self.leave(now, watch, Some(kill)),
                meaning => {
                    self.note_finality(now, meaning);
                    None
                }
            },
            Event::TreeDefied => return defied(State::Stopping { watch, kill, stop }, actions),
            Event::Overslept { since } => {
                kill.put_off(now, since);
                None
            }
            // We have stopped it ourselves, in order to kill it.
            Event::Stopped(_) if matches!(kill, Kill::Sent { .. }) => None,
            Event::Stopped(halt) => {
                self.halted_at_stop(halt, actions);
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
            stop.killed_for(reason, kill);
            kill.at_once(now, actions);
        }
        State::Stopping { watch, kill, stop }
    }

    pub(super) fn leaving(
        &mut self,
        now: Time,
        event: Event,
        mut watch: Watch,
        mut kill: Option<Kill>,
        actions: &mut Vec<Action>,
    ) -> State {
        let reason = match event {
            Event::Exited(exit) => {
                let kill = kill.unwrap_or(Kill::Never);
                actions.push(Action::Sweep(kill.force()));
                let killed = matches!(kill, Kill::Sent { .. });
                let last = self.interrupted_end(exit, killed);
                let after = Aftermath { exit, next: self.leave_soon(now, last) };
                return State::Clearing { watch, kill, after };
            }
            Event::StartFailed(failure) => return quit(failure.into(), actions),
            Event::Signalled { signal, shared } => {
                self.pass(signal, shared, actions);
                None
            }
            Event::TreeDefied => return defied(State::Leaving { watch, kill }, actions),
            // One that we have stopped ourselves, in order to kill it, is nobody's business.
            Event::Stopped(_) if matches!(kill, Some(Kill::Sent { .. })) => None,
            Event::Stopped(halt) => {
                self.halted(halt, actions);
                None
            }
            Event::Overslept { since } => {
                if let Some(kill) = &mut kill {
                    kill.put_off(now, since);
                }
                None
            }
            Event::Observed(seen) => self.observed(now, &mut watch, &seen, actions),
            Event::Due => {
                if let Some(kill) = &mut kill {
                    kill.escalate(now, actions);
                }
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
        if reason.is_some() {
            kill.get_or_insert(Kill::At(now)).at_once(now, actions);
        }
        State::Leaving { watch, kill }
    }

    pub(super) fn outstaying(
        &mut self,
        now: Time,
        event: Event,
        mut watch: Watch,
        mut kill: Kill,
        actions: &mut Vec<Action>,
    ) -> State {
        let reason = match event {
            Event::Exited(exit) => {
                actions.push(Action::Sweep(kill.force()));
                let after = Aftermath { exit, next: Next::End };
                return State::Clearing { watch, kill, after };
            }
            Event::StartFailed(failure) => return quit(failure.into(), actions),
            Event::Signalled { signal, shared } => match self.pass(signal, shared, actions) {
                Meaning::Leave | Meaning::Interrupt => return self.leave(now, watch, Some(kill)),
                Meaning::Nothing
                | Meaning::HangUp
                | Meaning::Suspend
                | Meaning::Wake
                | Meaning::Recycle => None,
            },
            Event::TreeDefied => return defied(State::Outstaying { watch, kill }, actions),
            Event::Overslept { since } => {
                kill.put_off(now, since);
                None
            }
            Event::Stopped(_) if matches!(kill, Kill::Sent { .. }) => None,
            Event::Stopped(halt) => {
                self.halted_at_stop(halt, actions);
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
        if reason.is_some() {
            kill.at_once(now, actions);
        }
        State::Outstaying { watch, kill }
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
    let kill = match &state {
        State::Stopping { kill, .. }
        | State::Clearing { kill, .. }
        | State::Outstaying { kill, .. } => Some(*kill),
        State::Leaving { kill, .. } => *kill,
        State::Waiting { .. }
        | State::Asleep { .. }
        | State::Starting { .. }
        | State::Running { .. }
        | State::Preparing { .. }
        | State::Draining { .. }
        | State::Done => None,
    };
    match kill {
        Some(Kill::Sent { .. }) => {
            actions.push(Action::Tell(Notice::Refused));
            quit(End::FAILED, actions)
        }
        Some(Kill::At(_) | Kill::PutOff(_) | Kill::Never) | None => state,
    }
}
