//! Backoff and the budget of restarts, as the contract has them.

use std::collections::VecDeque;
use std::time::Duration;

use crate::rules::{Backoff, Budget, Rules};
use crate::time::Time;

/// The restarts of one trace.
pub(super) struct Restarts {
    backoff: Backoff,
    budget: Budget,
    recent: VecDeque<Time>,
    /// What the next start must wait.
    pub(super) delay: Duration,
}

impl Restarts {
    pub(super) fn new(rules: &Rules) -> Self {
        let (backoff, budget) = (rules.backoff, rules.max_restarts);
        Self { backoff, budget, recent: VecDeque::new(), delay: backoff.min }
    }

    /// The delay before a restart that is needed now; `None`: there were too many.
    pub(super) fn next(&mut self, now: Time, lasted: Duration) -> Option<Duration> {
        self.recent.retain(|at| now.since(*at) < self.budget.window);
        if self.recent.len() >= usize::try_from(self.budget.restarts).unwrap() {
            return None;
        }
        self.recent.push_back(now);
        self.lasted(lasted);
        let delay = self.delay;
        self.double();
        Some(delay)
    }

    /// What the next start must wait after so many that failed, one after the other.
    pub(super) fn pause_after_failed(&self, failed: u32) -> Duration {
        let Backoff { min, max } = self.backoff;
        let doubled = min.saturating_mul(2_u32.saturating_pow(failed - 1));
        doubled.min(Duration::from_secs(1).max(min).min(max))
    }

    pub(super) fn double(&mut self) {
        self.delay = (self.delay * 2).min(self.backoff.max);
    }

    /// Delays start over after a generation that lasted, whatever ended it.
    pub(super) fn lasted(&mut self, life: Duration) {
        if life >= self.backoff.max {
            self.delay = self.backoff.min;
        }
    }
}
