//! What is due in a generation, and what holds it.

use super::Policy;
use crate::event::Look;
use crate::exit::Signal;
use crate::memory::Over;
use crate::notice::Hold;
use crate::quiet::Quiet;
use crate::reason::Reason;
use crate::rules::{Measure, Rules};
use crate::storm::Storm;
use crate::time::{Time, earliest};

/// A recycle that is due, were it not for something that holds it.
pub(super) struct Pressing {
    pub(super) reason: Reason,
    /// The look that must have been made right before the stop.
    pub(super) last_look: Look,
}

impl Pressing {
    /// What a signal asks for waits for no look.
    pub(super) fn asked(signal: Signal) -> Self {
        Self { reason: Reason::Signal(signal), last_look: Look::default() }
    }
}

impl Policy {
    /// What is due now; else when to think about it again, over and above the looks.
    pub(super) fn pressing(
        &mut self,
        now: Time,
        rules: &Rules,
        storm: &Storm,
    ) -> Result<Pressing, Option<Time>> {
        let idle = self.idle(now, rules);
        let Some(mut pressing) = self.memory_or_lifetime(now, rules, storm).or(idle) else {
            self.waiting_since = None;
            return Err(None);
        };
        let held = [
            (Hold::MinLifetime, Some(self.not_before)),
            (Hold::Interrupted, self.interrupted_until),
        ];
        for (hold, until) in held {
            if let Some(until) = until.filter(|until| now < *until) {
                self.hold = Some(hold);
                return Err(Some(until));
            }
        }
        if let Reason::Idle { .. } = pressing.reason
            && now < self.not_idle_before
            && rules.idle.is_some_and(|idle| self.activity.only_reconnected(idle.after))
        {
            self.hold = Some(Hold::Reconnects);
            return Err(Some(self.not_idle_before));
        }
        let Some(quiet) = rules.quiet.filter(|_| !matches!(pressing.reason, Reason::Idle { .. }))
        else {
            return Ok(pressing);
        };
        let give_up = *self.waiting_since.get_or_insert(now) + quiet.wait;
        if now >= give_up {
            return Ok(pressing);
        }
        match self.activity.quiet_for(now, quiet.gap) {
            Quiet::Yes => {
                pressing.last_look = pressing.last_look.and(Look::ALL_TRAFFIC);
                Ok(pressing)
            }
            Quiet::NotBefore(then) => {
                let then = if self.activity.was_looked_at() { then } else { now };
                self.hold = Some(Hold::Traffic);
                self.next_traffic = earliest(self.next_traffic, Some(then));
                Err(Some(give_up))
            }
        }
    }

    fn idle(&self, now: Time, rules: &Rules) -> Option<Pressing> {
        let window = rules.idle?.after;
        let quiet = self.activity.armed() && self.activity.quiet_for(now, window) == Quiet::Yes;
        quiet.then(|| Pressing {
            reason: Reason::Idle { quiet: self.activity.quiet_span(now) },
            last_look: Look::ALL_TRAFFIC,
        })
    }

    fn memory_or_lifetime(&mut self, now: Time, rules: &Rules, storm: &Storm) -> Option<Pressing> {
        let over = self.memory.max_rss().or(self.memory.max_pss());
        let free = self.age(now) >= storm.hold() || self.memory.runs_away();
        if let Some(Over { used, limit, measure, pss }) = over {
            if free {
                let reason = match measure {
                    Measure::Rss => Reason::Rss { used, limit, pss },
                    Measure::Pss => Reason::Pss { used, limit },
                };
                return Some(Pressing { reason, last_look: self.memory.last_look(now) });
            }
            self.memory.hold(now);
            self.hold = Some(Hold::Storm);
        }
        let lifetime = rules.lifetime.filter(|_| self.expires.is_some_and(|then| now >= then))?;
        let last_look = Look { walk: true, ..Look::default() };
        Some(Pressing { reason: Reason::Lifetime { limit: lifetime.max }, last_look })
    }
}
