//! Restarts that nobody planned: how long to wait before the next one, and when to give up.
//! Planned recycles never come here. A start that fails is tried again for as long as it takes: it
//! harms nothing, and a deploy may be swapping the file.

use std::collections::VecDeque;
use std::time::Duration;

use super::rules::{Backoff, Budget};
use super::time::Time;

/// The state of `--backoff` and `--max-restarts`.
#[derive(Debug)]
pub(crate) struct Restarts {
    backoff: Backoff,
    budget: Budget,
    next_delay: Duration,
    /// When the restarts of the last window were; never more than the budget allows.
    recent: VecDeque<Time>,
}

impl Restarts {
    pub(crate) fn new(backoff: Backoff, budget: Budget) -> Self {
        Self { backoff, budget, next_delay: backoff.min, recent: VecDeque::new() }
    }

    /// The delay before the restart that is needed now, `lasted` being the life of what ended;
    /// `None`: the budget is used up.
    pub(crate) fn next(&mut self, now: Time, lasted: Duration) -> Option<Duration> {
        while self.recent.front().is_some_and(|at| now.since(*at) >= self.budget.window) {
            self.recent.pop_front();
        }
        if self.recent.len() >= usize::try_from(self.budget.restarts).unwrap_or(usize::MAX) {
            return None;
        }
        self.recent.push_back(now);
        Some(self.delay(lasted))
    }

    /// The delay alone, without using up the budget.
    pub(crate) fn delay(&mut self, lasted: Duration) -> Duration {
        self.lasted(lasted);
        let delay = self.next_delay;
        self.next_delay = delay.saturating_mul(2).min(self.backoff.max);
        delay
    }

    /// A generation lived this long, whatever ended it: after a long life, delays start over.
    pub(crate) fn lasted(&mut self, life: Duration) {
        if life >= self.backoff.max {
            self.next_delay = self.backoff.min;
        }
    }
}

/// No longer than this between two attempts, unless `--backoff` begins later: a deploy is over in
/// seconds, and then COMMAND is not to stay away.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Pauses between attempts at what will work sooner or later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    pub(crate) fn new(Backoff { min, max }: Backoff) -> Self {
        Self { next: min, longest: LONGEST_PAUSE.clamp(min, max) }
    }

    /// The pause before the next attempt; they double.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::at(Duration::from_millis(millis))
    }

    fn restarts(restarts: u32) -> Restarts {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(1));
        let window = Duration::from_secs(60);
        Restarts::new(Backoff { min, max }, Budget { restarts, window })
    }

    #[test]
    fn delays_double_up_to_max_and_start_over_after_a_life_of_max() {
        let mut restarts = restarts(100);
        let delays: Vec<_> =
            (0..6).map(|n| restarts.next(at(n), Duration::ZERO).unwrap().as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1000, 1000]);
        let just_short = Duration::from_millis(999);
        assert_eq!(restarts.next(at(9), just_short), Some(Duration::from_secs(1)));
        assert_eq!(restarts.next(at(9), Duration::from_secs(1)), Some(Duration::from_millis(100)));
    }

    #[test]
    fn the_budget_is_a_sliding_window() {
        let mut restarts = restarts(2);
        assert!(restarts.next(at(0), Duration::ZERO).is_some());
        assert!(restarts.next(at(30_000), Duration::ZERO).is_some());
        assert_eq!(restarts.next(at(59_999), Duration::ZERO), None);
        assert!(restarts.next(at(60_000), Duration::ZERO).is_some());
        assert_eq!(restarts.next(at(89_999), Duration::ZERO), None);
    }

    #[test]
    fn pauses_double_up_to_a_second_within_the_backoff() {
        let pauses = |min, max| {
            let [min, max] = [min, max].map(Duration::from_millis);
            let mut pauses = Pauses::new(Backoff { min, max });
            [(); 6].map(|()| pauses.next().as_millis())
        };
        assert_eq!(pauses(100, 30_000), [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(pauses(100, 300), [100, 200, 300, 300, 300, 300]);
        assert_eq!(pauses(5_000, 30_000), [5_000; 6]);
    }

    #[test]
    fn a_budget_of_none_allows_none() {
        assert_eq!(restarts(0).next(at(0), Duration::ZERO), None);
    }
}
