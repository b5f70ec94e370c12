//! What happens by itself, and what must have happened by now.

use std::time::Duration;

use super::{Coming, Happening, World};
use crate::decide::event::Event;
use crate::decide::rules::Measure;
use crate::decide::simulation::laws::patience;
use crate::decide::time::Time;
use crate::units::Bytes;

impl World {
    pub(super) fn happen(&mut self, happening: Happening) -> Result<(), String> {
        let command = self.command.as_mut().filter(|command| command.alive);
        match (happening, command) {
            (Happening::Signal(signal), _) => {
                self.disturbed = self.now;
                self.tell(Event::Signalled { signal, shared: false })
            }
            (Happening::InputEnd, _) => self.tell(Event::InputEnded),
            (Happening::LeftoversEnd, _) => {
                if let Some(command) = self.command.as_mut().filter(|command| !command.alive) {
                    command.leaves_behind = false;
                }
                self.check_gone()
            }
            (_, None) => Ok(()),
            (Happening::Inbound, Some(command)) if !command.stopped => {
                self.inbound = Some(self.now);
                Ok(())
            }
            (Happening::Outbound, Some(command)) if !command.stopped => {
                self.outbound = Some(self.now);
                Ok(())
            }
            (Happening::Inbound | Happening::Outbound, Some(_)) => Ok(()),
            (Happening::Input, Some(_)) => {
                (self.inbound, self.looked) = (Some(self.now), self.now);
                self.tell(Event::InputMoved)
            }
            (Happening::Crash(exit), Some(command)) => {
                command.alive = false;
                let after = self.soon(2);
                self.plan(after, Coming::Tell(Event::Exited(exit)));
                Ok(())
            }
            (Happening::Stop, Some(command)) => {
                command.stopped = true;
                self.disturbed = self.now;
                Ok(())
            }
            (Happening::Continue, Some(command)) => {
                command.stopped = false;
                self.disturbed = self.now;
                Ok(())
            }
        }
    }

    /// A sweep has come to its end when nothing is left.
    pub(super) fn check_gone(&mut self) -> Result<(), String> {
        let gone =
            self.command.as_ref().is_none_or(|command| command.reaped && !command.leaves_behind);
        if self.sweeping && gone {
            self.sweeping = false;
            self.command = None;
            self.plan(Duration::ZERO, Coming::Tell(Event::TreeGone));
        }
        Ok(())
    }

    /// What is due for so long that nothing may hold it any more must have begun.
    pub(super) fn check_liveness(&self) -> Result<(), String> {
        let truth = self.truth();
        let Some(command) = self.command.as_ref().filter(|command| command.alive) else {
            return Ok(());
        };
        let over = |limit: Bytes| {
            let short = limit.0.saturating_sub(command.base_bytes);
            let millis = short.checked_div(command.leak_per_second / 1000)?;
            Some(self.started + Duration::from_millis(millis))
        };
        let killed = |(limit, measure)| (measure == Measure::Rss).then(|| over(limit)).flatten();
        let overdue = |at: Time| self.now > at.max(self.disturbed) + Duration::from_secs(10);
        if self.rules.memory.kill.and_then(killed).is_some_and(overdue) {
            return Err("liveness: kill-rss kills, also during a stop and after TERM".into());
        }
        if self.stopping || command.stopped || self.judge.is_over() {
            return Ok(());
        }
        let late = |due: Time| self.now > due.max(self.disturbed) + patience(&self.rules);
        if self.rules.lifetime.is_some_and(|lifetime| late(self.started + lifetime.max)) {
            return Err("liveness: a generation that has lived its life is recycled".into());
        }
        if self.rules.memory.max_rss.and_then(over).is_some_and(late) {
            return Err("liveness: a generation over its limit is recycled".into());
        }
        let idle = self.rules.idle.filter(|_| truth.armed).zip(truth.traffic);
        if idle.is_some_and(|(idle, last)| late(last + idle.after)) {
            return Err("liveness: an idle generation is recycled".into());
        }
        Ok(())
    }
}
