//! What the core did, taken down.

use std::time::Duration;

use super::{Book, Drain, Ending, Life};
use crate::action::{Action, Force};
use crate::event::Event;
use crate::notice::{Hold, Notice, Opening};
use crate::reason::Reason;
use crate::rules::Rules;
use crate::simulation::effort::Effort;
use crate::simulation::samples::Samples;
use crate::simulation::talk::BLUR;

impl Book {
    /// Takes down what the core did.
    pub(crate) fn did(&mut self, action: &Action, rules: &Rules) {
        match action {
            Action::Start { .. } => self.starts(),
            Action::Sweep(Force::Kill) if self.killed.is_none() => {
                self.killed = Some(self.now);
                self.killed_late = matches!(self.told, Event::Due);
            }
            Action::Tell(Notice::Stopping { reason, .. }) => self.stops(*reason, rules),
            Action::Tell(Notice::Due { reason, .. }) => {
                self.ending = Some(Ending::new(self.now, Some(*reason)));
                self.cause = Some(reason.cause());
                self.restarts.lasted(self.age());
                let memory = matches!(reason, Reason::Rss { .. } | Reason::Pss { .. });
                let early = memory && self.age() < Duration::from_secs(10);
                self.early = if early { self.early + 1 } else { 0 };
                self.note_in_vain(*reason);
                self.runs_away = memory && self.stormy && self.age() < Duration::from_secs(20);
            }
            Action::Tell(Notice::Held(Hold::Reconnects)) => self.spaced = true,
            Action::Tell(Notice::WouldRecycle { .. }) => {
                self.began = self.now;
                (self.effort.armed, self.effort.started) = (false, self.now);
                self.told_over |= self.limits(rules).any(|limit| self.samples.certain(limit));
            }
            Action::Tell(Notice::LimitTooLow { .. }) => self.stormy = true,
            Action::Tell(Notice::StillAlive { .. }) => self.complained = true,
            Action::Tell(Notice::Recycled(recycled)) => {
                self.cause = Some(recycled.reason.cause());
                let killed = matches!(recycled.reason, Reason::KillRss { .. });
                let early = killed && recycled.age <= Duration::from_secs(10);
                self.early_kills = if early { self.early_kills + 1 } else { 0 };
                if self.early_kills >= 2 {
                    // It may have lived on for long after its stop was decided on.
                    self.restarts.lasted(recycled.age);
                }
                self.recycled(recycled.reason, rules);
            }
            Action::Tell(Notice::Waiting { .. }) => self.asleep = true,
            Action::Tell(Notice::OutlivedInput { .. }) => {
                (self.outstays, self.ending) = (Some(self.now), None);
            }
            Action::CutInput => {
                let drain = Some(Drain { began: self.now, cut: None });
                self.ending = self.ending.map(|ending| Ending { drain, ..ending });
            }
            Action::Tell(
                Notice::KillLimitTooLow { again_in, .. } | Notice::Runaway { again_in, .. },
            ) => {
                self.start_due = Some(self.now + *again_in);
                self.restarts.double();
            }
            Action::Quit(_) => self.quit = true,
            Action::Look(look) => self.effort.asked(self.now, look, self.window),
            Action::Pass(_)
            | Action::PassToRest(_)
            | Action::Check
            | Action::Wake
            | Action::Prepare(_)
            | Action::Sweep(_)
            | Action::Suspend(_)
            | Action::Tell(_)
            | Action::WatchInterrupts
            | Action::TellLeft => {}
        }
    }

    /// A recycle is due: had the generation any traffic but of its first moments?
    fn note_in_vain(&mut self, reason: Reason) {
        let Some(last) = self.seen.and_then(|seen| seen.traffic) else { return };
        let early = last <= self.started + self.window.min(Duration::from_secs(10)) + BLUR;
        match reason {
            Reason::Idle { .. } if early => self.in_vain += 1,
            _ if early => {}
            _ => self.in_vain = 0,
        }
    }

    fn starts(&mut self) {
        self.spaced = false;
        self.runs_away = false;
        (self.started, self.life) = (self.now, Life::Starting);
        self.began = self.now;
        (self.ending, self.killed, self.start_due) = (None, None, None);
        (self.asleep, self.exit, self.taken) = (false, None, 0);
        (self.hung_up_until, self.stop_passed) = (None, None);
        (self.held_until, self.seen) = (None, None);
        self.effort = Effort::new(self.now, self.settle);
        (self.samples, self.over_since) = (Samples::default(), None);
        self.told_over = false;
        self.asked = None;
        (self.saw_traffic, self.stopped, self.complained) = (true, false, false);
    }

    fn stops(&mut self, reason: Reason, rules: &Rules) {
        let drain = self.ending.and_then(|ending| ending.drain);
        let opening = match (&self.told, reason) {
            (Event::Exited(_), _) if drain.is_some() => Opening::Drained,
            (Event::Exited(_), _) => Opening::Ended,
            (_, Reason::KillRss { .. }) => Opening::Killed,
            _ => Opening::Asked(self.stop_signal),
        };
        // An INT that came while a stop was prepared wished for an end: it begins now.
        let held = self.held_until.is_some_and(|until| self.now < until);
        let prepared = self.is_preparing() && (rules.pre_stop.is_some() || drain.is_some());
        let asked = matches!(opening, Opening::Asked(_));
        self.leaving |= prepared && asked && self.interrupted && held;
        let mut ending = Ending::new(self.now, Some(reason));
        if let (Opening::Drained, Some(drain)) = (opening, drain) {
            ending.began = drain.began;
        }
        ending.opening = Some(opening);
        self.ending = Some(ending);
        self.cause = Some(reason.cause());
    }
}
