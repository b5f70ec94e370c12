//! While a generation is on its way out: `Stopping`, `Clearing`, `Leaving`.

use super::starting::{quit, suspend_too};
use super::{
    Action, End, Event, Kill, Lifecycle, Meaning, Next, Notice, Reason, Recycled, Signal, State,
    Stop, Then, Time, Watch, stopped,
};
use crate::decide::event::{Cause, Force};

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
                    return quit(exit.into(), actions);
                }
                return State::Clearing { watch, kill, next: Next::Planned(stop) };
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
            // A stop has its time, whatever is typed meanwhile: no shell takes over now.
            Event::Stopped { signal, foreground, shell: _ } => {
                stopped(signal, foreground, false, actions);
                None
            }
            Event::Observed(seen) => self.observed(now, &mut watch, &seen, actions),
            Event::Due => {
                kill.escalate(now, actions);
                self.look_due(now, &mut watch, actions)
            }
            Event::Started
            | Event::TreeGone
            | Event::Moved(_)
            | Event::Prepared { .. }
            | Event::InputEnded => None,
        };
        if let Some(reason) = reason {
            stop.killed_for(reason, kill);
            kill.at_once(now, actions);
        }
        State::Stopping { watch, kill, stop }
    }

    pub(super) fn clearing(
        &mut self,
        now: Time,
        event: Event,
        mut watch: Watch,
        mut kill: Kill,
        mut next: Next,
        actions: &mut Vec<Action>,
    ) -> State {
        let reason = match event {
            Event::TreeGone => return self.cleared(now, kill, next, actions),
            // COMMAND has ended: there is nobody to pass a signal on to, and nothing to wait for.
            Event::Signalled { signal, .. } => match self.meaning(signal) {
                Meaning::Leave | Meaning::Interrupt => return quit(End::Signal(signal), actions),
                meaning => {
                    suspend_too(meaning, signal, actions);
                    None
                }
            },
            Event::TreeDefied => return defied(State::Clearing { watch, kill, next }, actions),
            Event::Overslept { since } => {
                kill.put_off(now, since);
                None
            }
            Event::Observed(seen) => self.observed(now, &mut watch, &seen, actions),
            Event::Due => {
                kill.escalate(now, actions);
                self.look_due(now, &mut watch, actions)
            }
            Event::Started
            | Event::StartFailed(_)
            | Event::Exited(_)
            | Event::Stopped { .. }
            | Event::Moved(_)
            | Event::Prepared { .. }
            | Event::InputEnded => None,
        };
        if let Some(reason) = reason {
            if let Next::Planned(stop) = &mut next {
                stop.killed_for(reason, kill);
            }
            kill.at_once(now, actions);
        }
        State::Clearing { watch, kill, next }
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
                actions.push(Action::Sweep(kill.map_or(Force::Ask, Kill::force)));
                return quit(exit.into(), actions);
            }
            Event::StartFailed(failure) => return quit(failure.into(), actions),
            Event::Signalled { signal, shared } => {
                self.pass(signal, shared, actions);
                None
            }
            Event::TreeDefied => return defied(State::Leaving { watch, kill }, actions),
            // One that we have stopped ourselves, in order to kill it, is no shell's business.
            Event::Stopped { .. } if matches!(kill, Some(Kill::Sent { .. })) => None,
            Event::Stopped { signal, foreground, shell } => {
                stopped(signal, foreground, shell, actions);
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
            | Event::TreeGone
            | Event::Moved(_)
            | Event::Prepared { .. }
            | Event::InputEnded => None,
        };
        if reason.is_some() {
            kill.get_or_insert(Kill::At(now)).at_once(now, actions);
        }
        State::Leaving { watch, kill }
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

    /// The tree is gone: what comes now?
    fn cleared(&mut self, now: Time, kill: Kill, next: Next, actions: &mut Vec<Action>) -> State {
        let stop = match next {
            Next::Restart(at) if now < at => {
                return self.wait(now, at.since(now), Some(Cause::Exit), actions);
            }
            Next::Restart(_) => return self.start(now, Some(Cause::Exit), actions),
            Next::Planned(stop) => stop,
        };
        if !matches!(stop.reason, Reason::KillRss { .. }) {
            self.storm.spared();
        }
        let killed_after = match kill {
            Kill::At(_) | Kill::PutOff(_) => None,
            Kill::Sent { at, .. } => Some(at.since(stop.began)),
        };
        actions.push(Action::Tell(Notice::Recycled(Recycled {
            generation: self.generation,
            reason: stop.reason,
            age: stop.age,
            opening: stop.opening,
            killed_after,
            gone_in: now.since(stop.began),
        })));
        match (self.rules.then, stop.reason) {
            // What the killed generation had read is lost, and the next would find nothing.
            (_, Reason::KillRss { .. }) if self.input_ended => {
                quit(End::Signal(Signal::KILL), actions)
            }
            (Then::Exit(status), _) => quit(End::Status(status), actions),
            (Then::Restart, Reason::KillRss { limit, .. }) if self.storm.killed(stop.age) => {
                let again_in = self.restarts.delay(stop.age);
                actions.push(Action::Tell(Notice::KillLimitTooLow { limit, again_in }));
                self.wait(now, again_in, Some(Cause::KillRss), actions)
            }
            (Then::Restart, reason) => self.start(now, Some(reason.cause()), actions),
        }
    }
}

/// What is left refuses our signals. While we only ask, it may still go by itself.
fn defied(state: State, actions: &mut Vec<Action>) -> State {
    let kill = match &state {
        State::Stopping { kill, .. } | State::Clearing { kill, .. } => Some(*kill),
        State::Leaving { kill, .. } => *kill,
        State::Waiting { .. }
        | State::Starting { .. }
        | State::Running { .. }
        | State::Preparing { .. }
        | State::Done => None,
    };
    match kill {
        Some(Kill::Sent { .. }) => {
            actions.push(Action::Tell(Notice::Refused));
            quit(End::FAILED, actions)
        }
        Some(Kill::At(_) | Kill::PutOff(_)) | None => state,
    }
}

impl Stop {
    /// `--kill-rss` was exceeded: that is the reason from now on, unless KILL had its own already.
    fn killed_for(&mut self, reason: Reason, kill: Kill) {
        if let Kill::At(_) | Kill::PutOff(_) = kill {
            self.reason = reason;
        }
    }
}
