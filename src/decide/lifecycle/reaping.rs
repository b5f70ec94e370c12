//! COMMAND's own process has ended, and what it left behind is on its way out: what comes then?

use std::time::Duration;

use super::starting::{quit, suspend_too};
use super::stopping::defied;
use super::{
    Action, Aftermath, End, Event, Exit, Intent, Kill, Lifecycle, Next, Notice, Reason, Recycled,
    Signal, State, Stop, Then, Time, Watch,
};
use crate::reason::Cause;
use crate::rules::Measure;

impl Lifecycle {
    pub(super) fn reaping(
        &mut self,
        now: Time,
        event: Event,
        mut watch: Watch,
        mut kill: Kill,
        mut after: Aftermath,
        actions: &mut Vec<Action>,
    ) -> State {
        let reason = match event {
            Event::TreeGone => return self.reaped(now, kill, after, actions),
            Event::Signalled { signal, shared } if matches!(after.next, Next::Leave { .. }) => {
                self.pass_to_rest(signal, shared, actions);
                None
            }
            // COMMAND has ended: there is nobody to pass a signal on to.
            Event::Signalled { signal, shared } => match self.intent(signal) {
                Intent::Interrupt => return quit(End::Signal(signal), actions),
                Intent::End => {
                    self.pass_to_rest(signal, shared, actions);
                    after.next = self.leave_soon(now, End::Signal(signal));
                    None
                }
                intent => {
                    suspend_too(intent, signal, shared, actions);
                    None
                }
            },
            Event::LinesTaken { .. } => {
                self.tell_taken_of(kill, after, actions);
                None
            }
            Event::TreeDefied => return defied(State::Reaping { watch, kill, after }, actions),
            Event::Overslept { since } => {
                kill.put_off(now, since);
                None
            }
            Event::Observed(seen) => self.observed(now, &mut watch, &seen, actions),
            Event::Due if after.next.leave_by().is_some_and(|until| now >= until) => {
                return self.left(after, actions);
            }
            Event::Due => {
                kill.escalate(now, actions);
                self.look_due(now, &mut watch, actions)
            }
            Event::Started
            | Event::StartFailed(_)
            | Event::Checked(_)
            | Event::Exited(_)
            | Event::Stopped(_)
            | Event::Moved(_)
            | Event::Ran
            | Event::InBackground
            | Event::Undelivered(_)
            | Event::Prepared { .. }
            | Event::InputEnded
            | Event::InputSpent
            | Event::InputWaits
            | Event::InputCut => None,
        };
        if let Some(reason) = reason {
            if let Next::Planned(stop) = &mut after.next {
                stop.killed_for(reason, kill);
            }
            kill.at_once(now, actions);
        }
        State::Reaping { watch, kill, after }
    }

    /// What has been taken may be lost.
    fn tell_taken_of(&self, kill: Kill, after: Aftermath, actions: &mut Vec<Action>) {
        match (kill, after.next) {
            (Kill::Sent { .. }, _) => self.tell_taken(actions),
            (_, Next::Leave { .. }) => self.tell_last_taken(after.exit, actions),
            _ => self.tell_taken_by(after.exit, actions),
        }
    }

    /// TERM came: when the rest is gone, we end, or when it has had its time. As PID 1 we wait for
    /// as long as the platform does: with us the kernel would kill it.
    pub(super) fn leave_soon(&self, now: Time, last: End) -> Next {
        let until = (!self.rules.is_init).then_some(now + self.rules.stop_timeout);
        Next::Leave { last, until }
    }

    /// The time is over.
    fn left(&self, after: Aftermath, actions: &mut Vec<Action>) -> State {
        self.tell_last_taken(after.exit, actions);
        match after.next {
            Next::Leave { last, .. } => quit(last, actions),
            Next::Planned(_) | Next::Restart(_) | Next::End => quit(after.exit.into(), actions),
        }
    }

    /// What a generation has taken that did not end well, nobody knows what it has done with.
    pub(super) fn tell_taken_by(&self, exit: Exit, actions: &mut Vec<Action>) {
        if exit.is_failure() {
            self.tell_taken(actions);
        }
    }

    /// The same where no other follows: a status may be all that it had to say, as of grep(1), and
    /// whoever reads what it writes has had enough when it dies of SIGPIPE.
    pub(super) fn tell_last_taken(&self, exit: Exit, actions: &mut Vec<Action>) {
        match exit {
            Exit::Killed(Signal::PIPE) | Exit::Status(_) => {}
            Exit::Killed(_) => self.tell_taken(actions),
        }
    }

    /// We end as COMMAND did.
    pub(super) fn end_with(&self, exit: Exit, actions: &mut Vec<Action>) -> State {
        self.tell_last_taken(exit, actions);
        quit(exit.into(), actions)
    }

    fn tell_taken(&self, actions: &mut Vec<Action>) {
        let (generation, lines) = (self.generation, self.input.taken);
        if lines > 0 {
            actions.push(Action::Tell(Notice::LinesTaken { generation, lines }));
        }
    }

    /// The tree is gone: what comes now?
    fn reaped(
        &mut self,
        now: Time,
        kill: Kill,
        Aftermath { exit, next }: Aftermath,
        actions: &mut Vec<Action>,
    ) -> State {
        let (stop, last) = match next {
            Next::End => return quit(exit.into(), actions),
            Next::Leave { last, .. } => return quit(last, actions),
            Next::Restart(_) if self.has_no_input_left(now) => return quit(exit.into(), actions),
            Next::Restart(at) if now < at => {
                return self.wait(now, at.since(now), Some(Cause::Exit), exit.into(), actions);
            }
            Next::Restart(_) => return self.start(now, Some(Cause::Exit), actions),
            Next::Planned(stop) => (stop, self.last_end(exit)),
        };
        self.tell_recycled(now, kill, stop, actions);
        let cause = stop.reason.cause();
        match (self.rules.then, stop.reason) {
            // What the killed generation had read is lost, and the next would find nothing.
            (_, Reason::KillRss { .. }) if self.input.spent => {
                quit(End::Signal(Signal::KILL), actions)
            }
            (Then::Exit(status), _) => quit(End::Status(status), actions),
            (Then::AsCommand, _) => quit(exit.into(), actions),
            _ if self.has_no_input_left(now) => quit(last, actions),
            (Then::Restart | Then::Wait, Reason::KillRss { limit, .. })
                if self.storm.killed(stop.age) =>
            {
                let again_in = self.restarts.delay(stop.age);
                actions.push(Action::Tell(Notice::KillLimitTooLow { limit, again_in }));
                self.wait(now, again_in, Some(cause), last, actions)
            }
            (Then::Restart | Then::Wait, Reason::Rss { limit, .. } | Reason::Pss { limit, .. })
                if self.storm.has_run_away() =>
            {
                // Its age was taken into account when the recycle began.
                let again_in = self.restarts.delay(Duration::ZERO);
                let measure = match stop.reason {
                    Reason::Pss { .. } => Measure::Pss,
                    _ => Measure::Rss,
                };
                actions.push(Action::Tell(Notice::Runaway { limit, measure, again_in }));
                self.wait(now, again_in, Some(cause), last, actions)
            }
            (Then::Restart, _) => self.start(now, Some(cause), actions),
            (Then::Wait, _) => self.fall_asleep(cause, last, actions),
        }
    }

    fn tell_recycled(&mut self, now: Time, kill: Kill, stop: Stop, actions: &mut Vec<Action>) {
        if !matches!(stop.reason, Reason::KillRss { .. }) {
            self.storm.spared();
        }
        let killed_after = match kill {
            Kill::At(_) | Kill::PutOff(_) | Kill::Never => None,
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
    }
}

impl Stop {
    /// `--kill-rss` was exceeded: that is the reason from now on, unless KILL had its own already.
    pub(super) fn killed_for(&mut self, reason: Reason, kill: Kill) {
        if let Kill::At(_) | Kill::PutOff(_) = kill {
            self.reason = reason;
        }
    }
}
