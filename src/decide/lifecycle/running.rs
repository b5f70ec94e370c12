//! While a generation runs: `Running`, and how it stops being so.

use super::{
    Action, Aftermath, Event, Exit, Intent, Kill, Lifecycle, Look, Next, Notice, Opening, Opinion,
    Reason, Signal, State, Stop, Time, Verdict, Watch, Why,
};
use crate::action::{Force, Preparation};
use crate::event::Observation;
use crate::reason::Cause;

impl Lifecycle {
    pub(super) fn running(
        &mut self,
        now: Time,
        event: Event,
        mut watch: Watch,
        actions: &mut Vec<Action>,
    ) -> State {
        let due = match event {
            Event::Exited(exit) => return self.ended(now, watch, exit, actions),
            Event::Signalled { signal, shared } => match self.pass(signal, shared, actions) {
                Intent::End => return self.leave(now, watch, Kill::Never),
                Intent::Recycle if self.input.spent => {
                    actions.push(Action::Tell(Notice::NothingLeftToRead));
                    None
                }
                Intent::Recycle => {
                    self.unless_observing(now, &mut watch, Reason::Signal(signal), actions)
                }
                intent => {
                    self.note(now, intent, &mut watch);
                    None
                }
            },
            Event::Stopped(halt) => {
                self.halted(halt, actions);
                None
            }
            Event::Checked(failure) => {
                return match self.checked(now, &mut watch, failure, actions) {
                    Some(reason) => self.begin(now, watch, reason, actions),
                    None => State::Running { watch },
                };
            }
            Event::Observed(seen) => self.observed(now, &mut watch, &seen, actions),
            Event::Moved(traffic) => {
                watch.policy.sprung(now, &traffic, &self.rules);
                self.due(now, &mut watch, actions)
            }
            Event::InputSpent => {
                watch.policy.only_kill();
                self.due(now, &mut watch, actions)
            }
            Event::Due if self.outlives_input(now) => return self.stop_at_eof(now, watch, actions),
            Event::Due => self.due(now, &mut watch, actions),
            // It was asked for a recycle, which the end of the input has called off, before anybody
            // knew whether the program runs.
            Event::StartFailed(failure) => {
                return self.start_failed(now, failure, Some(Cause::Signal), actions);
            }
            Event::Started
            | Event::TreeGone
            | Event::TreeDefied
            | Event::Ran
            | Event::InBackground
            | Event::Undelivered(_)
            | Event::Prepared { .. }
            | Event::Overslept { .. }
            | Event::InputEnded
            | Event::InputWaits
            | Event::InputCut
            | Event::LinesTaken { .. } => None,
        };
        match due.and_then(|reason| self.propose(&mut watch, reason, actions)) {
            Some(reason) => self.begin(now, watch, reason, actions),
            None => State::Running { watch },
        }
    }

    /// The deadline came.
    pub(super) fn due(
        &mut self,
        now: Time,
        watch: &mut Watch,
        actions: &mut Vec<Action>,
    ) -> Option<Reason> {
        let verdict = watch.policy.tick(now, &self.rules, &self.storm);
        let reason = heed(now, verdict, watch, actions)?;
        self.unless_observing(now, watch, reason, actions)
    }

    /// The answer to a look came. One that belongs to an earlier generation says nothing.
    pub(super) fn observed(
        &mut self,
        now: Time,
        watch: &mut Watch,
        seen: &Observation,
        actions: &mut Vec<Action>,
    ) -> Option<Reason> {
        let unseen = seen.unseen.iter().copied().map(Notice::CannotSee).map(Action::Tell);
        actions.extend(unseen);
        if seen.generation != self.generation {
            return None;
        }
        watch.looking = false;
        let Opinion { verdict, notices, sample } =
            watch.policy.observe(now, &self.rules, &mut self.storm, seen);
        actions.extend(notices.into_iter().map(Action::Tell));
        if let Some(why) = watch.policy.note_unarmed(now, &self.rules) {
            let (generation, age) = (self.generation, watch.policy.lived(now));
            actions.push(Action::Tell(Notice::NeverArmed { generation, age, why }));
        }
        self.note_background(watch, actions);
        self.observe_look(now, watch, seen);
        let due = heed(now, verdict, watch, actions);
        let due = due.and_then(|reason| self.unless_observing(now, watch, reason, actions));
        if let Some(sample) = sample {
            let generation = self.generation;
            actions.push(Action::Tell(Notice::Sampled { generation, sample }));
            actions.extend(self.so_far(now).map(Action::Tell));
        } else if let Verdict::Keep { look_again } = verdict {
            self.tell_looked(now, watch, &seen.look, look_again, actions);
        }
        due
    }

    fn tell_looked(
        &self,
        now: Time,
        watch: &Watch,
        look: &Look,
        look_again: Option<Time>,
        actions: &mut Vec<Action>,
    ) {
        let (memory, traffic) = watch.policy.looked(now, &self.rules, look);
        let again_in = look_again.map(|then| then.since(now));
        actions.push(Action::Tell(Notice::Looked { memory, traffic, again_in }));
    }

    /// Draws the consequences of a signal. One that may end COMMAND holds planned recycles: an end
    /// is meant, and nothing may get in its way.
    pub(super) fn note(&mut self, now: Time, intent: Intent, watch: &mut Watch) {
        self.note_finality(now, intent);
        match intent {
            Intent::Interrupt | Intent::HangUp => {
                watch.policy.interrupted(now + self.rules.stop_timeout);
            }
            Intent::Wake => watch.policy.woken(now),
            Intent::Nothing | Intent::End | Intent::Suspend | Intent::Recycle => {}
        }
    }

    /// COMMAND ended by itself.
    pub(super) fn ended(
        &mut self,
        now: Time,
        mut watch: Watch,
        exit: Exit,
        actions: &mut Vec<Action>,
    ) -> State {
        let (generation, age) = (self.generation, watch.policy.age(now));
        let mut tell = |again_in| {
            let notice = Notice::Exited { generation, exit, age, again_in };
            actions.push(Action::Tell(notice));
        };
        let wanted = self.rules.restart.wants(exit) && !self.has_no_input_left(now);
        if self.is_final(now) || !wanted {
            tell(None);
            self.tell_left(now, exit, actions);
            return self.end_with(exit, actions);
        }
        self.storm.spared();
        let Some(delay) = self.restarts.next(now, age) else {
            tell(None);
            self.tell_left(now, exit, actions);
            self.tell_last_taken(exit, actions);
            return self.give_up(exit.into(), actions);
        };
        tell(Some(delay));
        self.note_reconnects(&watch, None, actions);
        self.wind_down(now, &mut watch);
        actions.push(Action::Sweep(Force::Ask));
        let kill = Kill::At(now + self.rules.stop_timeout);
        let after = Aftermath { exit, next: Next::Restart(now + delay) };
        State::Reaping { watch, kill, after }
    }

    /// A COMMAND that makes a daemon of itself ends well, and what is to be watched runs on. Who
    /// asked for an end does not wonder that it comes.
    fn tell_left(&self, now: Time, exit: Exit, actions: &mut Vec<Action>) {
        if exit == Exit::Status(0) && self.rules.plans() && !self.is_final(now) {
            actions.push(Action::TellLeft);
        }
    }

    /// A recycle is due: it begins, or what must come before it does.
    pub(super) fn begin(
        &mut self,
        now: Time,
        mut watch: Watch,
        reason: Reason,
        actions: &mut Vec<Action>,
    ) -> State {
        let (generation, age) = (self.generation, watch.policy.age(now));
        actions.push(Action::Tell(Notice::Due { generation, age, reason }));
        self.restarts.lasted(age);
        self.note_reconnects(&watch, Some(reason), actions);
        if let Reason::Rss { .. } | Reason::Pss { .. } = reason {
            self.storm.recycled(age);
        }
        self.wind_down(now, &mut watch);
        actions.push(Action::WatchInterrupts);
        match self.rules.pre_stop {
            Some(timeout) if !matches!(reason, Reason::KillRss { .. }) => {
                actions.push(Action::Prepare(Preparation { generation, age, reason }));
                State::Preparing { watch, reason, until: now + timeout }
            }
            Some(_) | None if self.drains(reason) => self.drain(now, watch, reason, actions),
            Some(_) | None => self.stop(now, watch, reason, actions),
        }
    }

    /// Begins a planned stop.
    pub(super) fn stop(
        &self,
        now: Time,
        watch: Watch,
        reason: Reason,
        actions: &mut Vec<Action>,
    ) -> State {
        let (opening, kill) = match reason {
            Reason::KillRss { .. } => {
                actions.push(Action::Sweep(Force::Kill));
                (Opening::Killed, Kill::sent(now))
            }
            Reason::Signal(_)
            | Reason::Rss { .. }
            | Reason::Pss { .. }
            | Reason::Lifetime { .. }
            | Reason::Idle { .. } => {
                let signal = self.ask_to_stop(actions);
                (Opening::Asked(signal), Kill::At(now + self.rules.stop_timeout))
            }
        };
        let stop = self.open(now, &watch, reason, opening, actions);
        State::Stopping { watch, kill, why: Why::Planned(stop) }
    }

    /// The signal that COMMAND is asked by.
    pub(super) fn ask_to_stop(&self, actions: &mut Vec<Action>) -> Signal {
        let signal = self.rules.stop_signal;
        // To a stopped process the signal means nothing until CONT (signal(7)).
        actions.extend([Action::Pass(signal), Action::Pass(Signal::CONT)]);
        signal
    }

    /// The first moment of a stop.
    pub(super) fn open(
        &self,
        now: Time,
        watch: &Watch,
        reason: Reason,
        opening: Opening,
        actions: &mut Vec<Action>,
    ) -> Stop {
        let (generation, age) = (self.generation, watch.policy.age(now));
        actions.push(Action::Tell(Notice::Stopping { generation, age, reason, opening }));
        Stop { reason, began: now, age, opening }
    }

    /// Nothing is planned for this generation any more; only `--kill-rss` is still watched for.
    fn wind_down(&mut self, now: Time, watch: &mut Watch) {
        if !watch.policy.crossed() {
            self.storm.ended_below();
        }
        self.only_kill(now, watch);
    }

    pub(super) fn only_kill(&self, now: Time, watch: &mut Watch) {
        watch.policy.ends();
        watch.look_again = watch.policy.only_looks().map(|next| next.min(now));
    }

    /// TERM came.
    pub(super) fn leave(&self, now: Time, mut watch: Watch, kill: Kill) -> State {
        self.only_kill(now, &mut watch);
        State::Stopping { watch, kill, why: Why::Asked }
    }
}

/// Does what the verdict asks for; a reason is left to the caller.
fn heed(
    now: Time,
    verdict: Verdict,
    watch: &mut Watch,
    actions: &mut Vec<Action>,
) -> Option<Reason> {
    watch.look_again = None;
    match verdict {
        Verdict::Keep { look_again } => {
            watch.look_again = look_again;
            let notices = watch.held.note(now, watch.policy.hold());
            actions.extend(notices.into_iter().flatten().map(Action::Tell));
            None
        }
        Verdict::Look(look) => {
            watch.looking = true;
            actions.push(Action::Look(look));
            None
        }
        Verdict::Due(reason) => Some(reason),
    }
}
