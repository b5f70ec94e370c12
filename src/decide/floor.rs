//! `--idle-floor`: heartbeats are quiet. How much TCP payload moved is sampled, and no more than
//! the floor in any window counts as nothing.

use std::collections::VecDeque;
use std::time::Duration;

use super::time::Time;
use super::traffic::Payload;
use crate::units::Bytes;

/// A window is sampled this often: what is over the floor is then known to 5% of it.
pub(crate) const SAMPLES_PER_WINDOW: u32 = 20;
/// More are never kept.
const MOST_SAMPLES: usize = 64;

/// What has moved on TCP connections, as far as it matters.
#[derive(Debug)]
pub(crate) struct Floor {
    allowed: Bytes,
    window: Duration,
    /// Only samples since then tell of what arms.
    armed_from: Time,
    /// Oldest first; never empty.
    samples: VecDeque<(Time, Payload)>,
}

impl Floor {
    /// Up to `allowed` in each `window` is quiet.
    pub(crate) fn new(started: Time, allowed: Bytes, window: Duration) -> Self {
        let samples = VecDeque::from([(started, Payload::default())]);
        Self { allowed, window, armed_from: started, samples }
    }

    /// Takes in what has moved since the generation began.
    pub(crate) fn observe(&mut self, now: Time, payload: Payload) {
        if self.samples.len() >= MOST_SAMPLES {
            // With the oldest kept, what is lost between makes the end of traffic later, not
            // earlier.
            self.samples.remove(1);
        }
        self.samples.push_back((now, payload));
    }

    /// What has moved until now arms nothing any more.
    pub(crate) fn begin_anew(&mut self, now: Time) {
        self.armed_from = now;
    }

    /// When there was last more than the floor allows; `None`: never.
    pub(crate) fn loud_until(&self) -> Option<Time> {
        let (_, latest) = self.samples.back()?;
        let loud = self.newest_loud(|payload| latest.total().saturating_sub(payload.total()))?;
        let (end, then) = self.samples.get(loud + 1)?;
        // If nothing came after that sample, the last byte of all is the end.
        let exact = latest.last.filter(|_| then.total() == latest.total());
        Some(exact.map_or(*end, |exact| exact.min(*end)))
    }

    /// Whether more than the floor allows moved in one window, inbound or after COMMAND had
    /// settled: from then on it can go idle.
    pub(crate) fn arms(&self, now: Time, settled: Time) -> bool {
        let Some((_, latest)) = self.samples.back() else { return false };
        // One after the other: their sum may be more than a duration holds.
        let start = now.before(self.window).before(self.window / SAMPLES_PER_WINDOW);
        let start = start.max(self.armed_from);
        let inbound = self.newest_loud(|payload| latest.inbound.saturating_sub(payload.inbound));
        let any = self.newest_loud(|payload| latest.own().saturating_sub(payload.own()));
        let since = |place: Option<usize>, earliest: Time| {
            let sample = place.and_then(|place| self.samples.get(place));
            sample.is_some_and(|(at, _)| *at >= earliest)
        };
        since(inbound, start) || since(any, start.max(settled))
    }

    /// What COMMAND's own connections have carried in the window that ends now, and what is
    /// allowed; `None`: nothing.
    pub(crate) fn below(&self, now: Time) -> Option<(Bytes, Bytes)> {
        let (_, latest) = self.samples.back()?;
        let start = now.before(self.window);
        let before = self.samples.iter().rfind(|(at, _)| *at <= start).or(self.samples.front());
        let moved = latest.own().saturating_sub(before.map_or(0, |(_, payload)| payload.own()));
        (moved > 0).then_some((Bytes(moved), self.allowed))
    }

    /// The newest sample since which more than allowed moved.
    fn newest_loud(&self, moved_since: impl Fn(&Payload) -> u64) -> Option<usize> {
        self.samples.iter().rposition(|(_, payload)| moved_since(payload) > self.allowed.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn at(millis: u64) -> Time {
        Time::at(Duration::from_millis(millis))
    }

    #[test]
    fn a_window_may_be_as_long_as_can_be_typed() {
        let floor = Floor::new(at(0), Bytes(64), Duration::MAX);
        assert!(!floor.arms(at(1), at(0)));
    }

    /// Sampled every 500 ms; what moved is added up.
    fn after(moves: &[(u64, u64)], until_ms: u64) -> Floor {
        let mut floor = Floor::new(at(0), Bytes(64), WINDOW);
        for now in (500..=until_ms).step_by(500) {
            let before = || moves.iter().filter(|(then, _)| *then <= now);
            let inbound = before().map(|(_, bytes)| bytes).sum();
            let last = before().map(|(then, _)| at(*then)).max();
            floor.observe(at(now), Payload { inbound, last, ..Payload::default() });
        }
        floor
    }

    #[test]
    fn heartbeats_are_quiet_and_arm_nothing() {
        let beats: Vec<_> = (0..60).map(|beat| (beat * 2_000 + 100, 8)).collect();
        for until in [1_000, 10_000, 30_000, 100_000] {
            let floor = after(&beats, until);
            assert!(!floor.arms(at(until), at(0)), "{until}");
            let loud = floor.loud_until();
            assert!(loud.is_none_or(|loud| loud + WINDOW <= at(until)), "{until}: {loud:?}");
        }
    }

    #[test]
    fn a_message_is_traffic_and_its_end_is_known_to_a_sample() {
        let floor = after(&[(1_200, 1_024)], 5_000);
        assert_eq!(floor.loud_until(), Some(at(1_200)));
        assert!(floor.arms(at(5_000), at(100_000)));
        // A beat after it hides the exact time.
        let floor = after(&[(1_200, 1_024), (2_800, 8)], 5_000);
        assert_eq!(floor.loud_until(), Some(at(1_500)));
    }

    /// Two samples enclose what moved in a window a little more widely.
    #[test]
    fn what_comes_within_one_window_is_added_up_and_what_does_not_is_not() {
        let floor = after(&[(600, 33), (10_400, 33)], 10_500);
        assert!(floor.arms(at(10_500), at(0)));
        let floor = after(&[(600, 33), (11_400, 33)], 11_500);
        assert!(!floor.arms(at(11_500), at(0)));
    }

    #[test]
    fn what_command_says_before_it_has_settled_arms_nothing() {
        let mut floor = Floor::new(at(0), Bytes(64), WINDOW);
        let sent = |outbound| Payload { outbound, ..Payload::default() };
        floor.observe(at(500), sent(1_000));
        assert!(!floor.arms(at(500), at(2_000)));
        floor.observe(at(2_500), sent(1_000));
        floor.observe(at(3_000), sent(2_000));
        assert!(floor.arms(at(3_000), at(2_000)));
    }

    #[test]
    fn forgetting_makes_it_later_and_never_earlier() {
        let mut floor = Floor::new(at(0), Bytes(64), WINDOW);
        for sample in 1..1_000 {
            let inbound = if sample >= 500 { 1_000 } else { 0 };
            floor.observe(at(sample), Payload { inbound, ..Payload::default() });
        }
        assert!(floor.samples.len() <= MOST_SAMPLES);
        assert!(floor.loud_until() >= Some(at(500)));
    }
}
