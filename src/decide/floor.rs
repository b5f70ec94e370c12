//! `--idle-floor`: heartbeats are quiet. How much TCP payload moved is sampled, and no more than
//! the floor in any window counts as nothing.

mod background;

use std::collections::VecDeque;
use std::time::Duration;

pub(crate) use self::background::{Background, Learner};
use super::rules::Threshold;
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
    threshold: Threshold,
    window: Duration,
    /// With `--idle-floor auto`.
    learner: Option<Learner>,
    /// What was learned has changed, and that was not told yet.
    pub is_news: bool,
    /// When a window last carried more than the floor allows.
    loud: Option<Time>,
    /// There was more than the floor allows: from then on it can go idle.
    armed: bool,
    /// The most that moved in a window and could arm, for when the floor is learned.
    peak: Peak,
    /// Only samples since then tell of what arms.
    armed_from: Time,
    /// Oldest first; never empty.
    samples: VecDeque<(Time, Payload)>,
}

/// What could arm: payload in a window, and what one connection moved between two looks.
#[derive(Clone, Copy, Debug, Default)]
struct Peak {
    bytes: u64,
    burst: u64,
}

impl Floor {
    /// Up to the threshold in each `window` is quiet.
    pub(crate) fn new(started: Time, threshold: Threshold, window: Duration) -> Self {
        let samples = VecDeque::from([(started, Payload::default())]);
        let learns = threshold == Threshold::Auto;
        Self {
            threshold,
            window,
            learner: learns.then(|| Learner::new(started, window, None)),
            is_news: false,
            loud: None,
            armed: false,
            peak: Peak::default(),
            armed_from: started,
            samples,
        }
    }

    /// The generation starts with what earlier ones have learned.
    pub(crate) fn remember(&mut self, background: Option<Background>) {
        if let (Some(learner), Some((started, _))) = (&mut self.learner, self.samples.front()) {
            *learner = Learner::new(*started, self.window, background);
        }
    }

    /// Whether the floor is learned.
    pub(crate) fn learns(&self) -> bool {
        self.learner.is_some()
    }

    pub(crate) fn background(&self) -> Option<Background> {
        self.learner.as_ref()?.learned()
    }

    /// A look could not see.
    pub(crate) fn blind(&mut self, now: Time) {
        if let Some(learner) = &mut self.learner {
            learner.blind(now);
        }
    }

    /// Takes in what has moved since the generation began, and whether it arms: COMMAND has settled
    /// then.
    pub(crate) fn observe(&mut self, now: Time, payload: Payload, settled: Time) {
        if self.samples.len() >= MOST_SAMPLES {
            // With the oldest kept, what is lost between makes the end of traffic later, not
            // earlier.
            let lost = self.samples.remove(1).map(|(_, lost)| lost);
            if let (Some(lost), Some((_, next))) = (lost, self.samples.get_mut(1)) {
                next.connections = next.connections.min(lost.connections);
                next.inbound_burst = next.inbound_burst.max(lost.inbound_burst);
                next.outbound_burst = next.outbound_burst.max(lost.outbound_burst);
            }
        }
        self.samples.push_back((now, payload));
        let knew = self.background().is_some();
        if self.learner.as_mut().is_some_and(|learner| learner.observe(now, payload)) {
            self.is_news = true;
        }
        // Of more than a window the floor says nothing.
        let loud = self.loud_until().filter(|loud| now.since(*loud) <= self.window);
        self.loud = self.loud.max(loud);
        if self.learner.is_some() {
            self.note_peak(now, settled);
        }
        match self.background() {
            // Until now the background armed as any byte does.
            Some(background) if !knew => {
                self.armed = self.peak.bytes > background.floor().0
                    || self.peak.burst > background.allowed_burst(1);
            }
            _ => self.armed |= self.arms(now, settled),
        }
    }

    /// Whether there was ever more than the floor allows.
    pub(crate) fn armed(&self) -> bool {
        self.armed
    }

    /// When a window last carried more than the floor allows; `None`: none did.
    pub(crate) fn loud(&self) -> Option<Time> {
        self.loud
    }

    /// What has moved until now arms nothing any more.
    pub(crate) fn begin_anew(&mut self, now: Time) {
        (self.armed, self.armed_from, self.peak) = (false, now, Peak::default());
    }

    /// Until when more than the floor allows may have moved, as far as the window that ends now is
    /// concerned; `None`: never.
    pub(crate) fn loud_until(&self) -> Option<Time> {
        let (_, latest) = self.samples.back()?;
        let moved = |payload: &Payload| latest.total().saturating_sub(payload.total());
        let loud = self.newest_loud(moved).max(self.newest_burst(Payload::burst))?;
        let (end, then) = self.samples.get(loud + 1)?;
        // If nothing came after that sample, the last byte of all is the end.
        let exact = latest.last.filter(|_| then.total() == latest.total());
        Some(exact.map_or(*end, |exact| exact.min(*end)))
    }

    /// Whether more than the floor allows moved in one window, inbound or after COMMAND had
    /// settled: from then on it can go idle.
    pub(crate) fn arms(&self, now: Time, settled: Time) -> bool {
        let Some((_, latest)) = self.samples.back() else { return false };
        let start = self.start(now);
        let inbound = self.newest_loud(|payload| latest.inbound.saturating_sub(payload.inbound));
        let inbound = inbound.max(self.newest_burst(|payload| payload.inbound_burst));
        let any = self.newest_loud(|payload| latest.own().saturating_sub(payload.own()));
        let any = any.max(self.newest_burst(Payload::burst));
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
        let allowed = self.allowed(latest.connections);
        (moved > 0).then_some((Bytes(moved), Bytes(allowed)))
    }

    /// Where the window that ends now begins.
    fn start(&self, now: Time) -> Time {
        // One after the other: their sum may be more than a duration holds.
        let start = now.before(self.window).before(self.window / SAMPLES_PER_WINDOW);
        start.max(self.armed_from)
    }

    fn note_peak(&mut self, now: Time, settled: Time) {
        let (start, Some((_, latest))) = (self.start(now), self.samples.back()) else { return };
        let since = |start: Time| self.samples.iter().find(|(at, _)| *at >= start);
        let inbound = since(start).map(|(_, then)| latest.inbound.saturating_sub(then.inbound));
        let any =
            since(start.max(settled)).map(|(_, then)| latest.own().saturating_sub(then.own()));
        let burst = if now >= settled { latest.burst() } else { latest.inbound_burst };
        let Peak { bytes, burst: most } = self.peak;
        let bytes = [inbound, any].into_iter().flatten().fold(bytes, u64::max);
        self.peak = Peak { bytes, burst: most.max(burst) };
    }

    /// The newest sample since which more than allowed moved, while so many connections were open.
    fn newest_loud(&self, moved_since: impl Fn(&Payload) -> u64) -> Option<usize> {
        let mut open = u64::MAX;
        self.samples.iter().rposition(|(_, payload)| {
            open = open.min(payload.connections);
            moved_since(payload) > self.allowed(open)
        })
    }

    fn allowed(&self, connections: u64) -> u64 {
        match self.threshold {
            Threshold::Total(bytes) => bytes.0,
            Threshold::PerConnection(bytes) => bytes.0.saturating_mul(connections),
            Threshold::Auto => {
                self.background().map_or(0, |background| background.allowed(connections))
            }
        }
    }

    /// The newest sample after which one connection alone moved more than any may at once.
    fn newest_burst(&self, burst: impl Fn(&Payload) -> u64) -> Option<usize> {
        let pace = (self.window / SAMPLES_PER_WINDOW).as_nanos().max(1);
        let background = self.background();
        let mut samples = self.samples.iter().zip(self.samples.iter().skip(1));
        let allowed = |before: Time, at: Time| match (self.threshold, background) {
            (Threshold::Total(_), _) | (Threshold::Auto, None) => None,
            (Threshold::PerConnection(bytes), _) => Some(bytes.0),
            (Threshold::Auto, Some(background)) => {
                let paces = (at.since(before).as_nanos() + pace / 2) / pace;
                Some(background.allowed_burst(u64::try_from(paces).unwrap_or(u64::MAX)))
            }
        };
        samples.rposition(|((before, _), (at, payload))| {
            allowed(*before, *at).is_some_and(|allowed| burst(payload) > allowed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Way;
    use crate::units::Bytes;

    const WINDOW: Duration = Duration::from_secs(10);

    fn at(millis: u64) -> Time {
        Time::at(Duration::from_millis(millis))
    }

    #[test]
    fn a_window_may_be_as_long_as_can_be_typed() {
        let floor = Floor::new(at(0), Threshold::Total(Bytes(64)), Duration::MAX);
        assert!(!floor.arms(at(1), at(0)));
    }

    /// Sampled every 500 ms; what moved is added up.
    fn after(moves: &[(u64, u64)], until_ms: u64) -> Floor {
        let mut floor = Floor::new(at(0), Threshold::Total(Bytes(64)), WINDOW);
        for now in (500..=until_ms).step_by(500) {
            let before = || moves.iter().filter(|(then, _)| *then <= now);
            let inbound = before().map(|(_, bytes)| bytes).sum();
            let last = before().map(|(then, _)| at(*then)).max();
            floor.observe(at(now), Payload { inbound, last, ..Payload::default() }, at(0));
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
        let mut floor = Floor::new(at(0), Threshold::Total(Bytes(64)), WINDOW);
        let sent = |outbound| Payload { outbound, ..Payload::default() };
        floor.observe(at(500), sent(1_000), at(2_000));
        assert!(!floor.arms(at(500), at(2_000)));
        floor.observe(at(2_500), sent(1_000), at(2_000));
        floor.observe(at(3_000), sent(2_000), at(2_000));
        assert!(floor.arms(at(3_000), at(2_000)));
    }

    #[test]
    fn forgetting_makes_it_later_and_never_earlier() {
        let mut floor = Floor::new(at(0), Threshold::Total(Bytes(64)), WINDOW);
        for sample in 1..1_000 {
            let inbound = if sample >= 500 { 1_000 } else { 0 };
            floor.observe(at(sample), Payload { inbound, ..Payload::default() }, at(0));
        }
        assert!(floor.samples.len() <= MOST_SAMPLES);
        assert!(floor.loud_until() >= Some(at(500)));
    }

    /// Sampled every 500 ms for 30 s: so many connections, which move so much at each sample, and
    /// another one that moves once, at 15 s.
    fn each(threshold: Threshold, connections: u64, bytes: u64, message: u64) -> Floor {
        let mut floor = Floor::new(at(0), threshold, WINDOW);
        let mut payload = Payload { connections, ..Payload::default() };
        for now in (500..=30_000).step_by(500) {
            (payload.inbound_burst, payload.outbound_burst) = (0, 0);
            (0..connections).for_each(|_| payload.add(Way::Inbound, bytes));
            if now == 15_000 {
                payload.add(Way::Inbound, message);
            }
            payload.last = Some(at(now));
            floor.observe(at(now), payload, at(0));
        }
        floor
    }

    fn is_quiet(floor: &Floor, now: u64) -> bool {
        floor.loud_until().is_none_or(|loud| loud + WINDOW <= at(now))
    }

    #[test]
    fn a_floor_for_each_connection_grows_with_them() {
        // 20 or 21 samples are in a window: 200 to 210 bytes of each.
        let per = |bytes| Threshold::PerConnection(Bytes(bytes));
        for connections in [1, 20] {
            assert!(is_quiet(&each(per(210), connections, 10, 0), 30_000), "{connections}");
            assert!(!is_quiet(&each(per(190), connections, 10, 0), 30_000), "{connections}");
        }
        assert!(!is_quiet(&each(Threshold::Total(Bytes(210)), 20, 10, 0), 30_000));
    }

    /// 20 connections allow 4,200 bytes, of which 20 samples leave 200: a message of 211 is more
    /// than any connection has, although there is room for it while the window moves on.
    #[test]
    fn one_connection_cannot_use_the_floor_of_the_others() {
        let per = Threshold::PerConnection(Bytes(420));
        assert!(is_quiet(&each(per, 20, 10, 420), 24_000));
        let floor = each(per, 20, 10, 421);
        assert!(floor.loud_until() >= Some(at(15_000)), "{:?}", floor.loud_until());
        assert!(floor.armed());
    }

    #[test]
    fn a_connection_counts_when_it_has_been_open_for_the_window() {
        let mut floor = Floor::new(at(0), Threshold::PerConnection(Bytes(100)), WINDOW);
        let payload = |connections, inbound| Payload { connections, inbound, ..Payload::default() };
        floor.observe(at(500), payload(1, 0), at(0));
        floor.observe(at(1_000), payload(1, 0), at(0));
        // It opens, moves 150 bytes in all, and closes: nobody pinged.
        floor.observe(at(1_500), payload(2, 150), at(0));
        floor.observe(at(2_000), payload(1, 150), at(0));
        assert_eq!(floor.loud_until(), Some(at(1_500)));
    }

    #[test]
    fn the_learned_floor_is_twice_the_background_and_what_armed_before_was_it() {
        let floor = each(Threshold::Auto, 1, 8, 0);
        assert_eq!(floor.background(), None, "five windows are not over");
        assert!(!is_quiet(&floor, 30_000) && floor.armed(), "until then every byte counts");
        let mut floor = Floor::new(at(0), Threshold::Auto, WINDOW);
        let mut payload = Payload { connections: 1, ..Payload::default() };
        let mut now = 0;
        while floor.background().is_none() {
            now += 500;
            payload.inbound_burst = 0;
            payload.add(Way::Inbound, 8);
            floor.observe(at(now), payload, at(0));
            assert!(now < 100_000);
        }
        assert!((50_000..=52_000).contains(&now), "{now}");
        assert_eq!(floor.background().map(Background::bytes), Some(Bytes(160)));
        assert_eq!(floor.background().map(Background::floor), Some(Bytes(320)));
        assert!(is_quiet(&floor, now) && !floor.armed());
        // A message of more than two beats is traffic, although it is below the floor.
        payload.inbound_burst = 0;
        payload.add(Way::Inbound, 17);
        floor.observe(at(now + 500), payload, at(0));
        assert!(!is_quiet(&floor, now + 500) && floor.armed());
    }

    #[test]
    fn real_traffic_before_the_floor_is_learned_has_armed() {
        let mut floor = Floor::new(at(0), Threshold::Auto, WINDOW);
        let mut payload = Payload { connections: 1, ..Payload::default() };
        for now in (500..=80_000).step_by(500) {
            payload.inbound_burst = 0;
            payload.add(Way::Inbound, if now == 5_000 { 900 } else { 8 });
            floor.observe(at(now), payload, at(0));
        }
        assert!(floor.background().is_some());
        assert!(is_quiet(&floor, 80_000) && floor.armed());
    }

    /// Eight bytes at each look for 80 s, which the floor learns as the background, and once,
    /// at 5 s, what `early` adds.
    fn learned_after(settled: u64, early: impl Fn(&mut Payload)) -> (Floor, Payload) {
        let mut floor = Floor::new(at(0), Threshold::Auto, WINDOW);
        let mut payload = Payload { connections: 1, ..Payload::default() };
        for now in (500..=80_000).step_by(500) {
            (payload.inbound_burst, payload.outbound_burst) = (0, 0);
            payload.add(Way::Inbound, 8);
            if now == 5_000 {
                early(&mut payload);
            }
            // What came before a connection was opened or closed is not learned.
            payload.changes = u64::from(now > 5_000);
            floor.observe(at(now), payload, at(settled));
        }
        assert_eq!(floor.background().map(Background::floor), Some(Bytes(320)));
        (floor, payload)
    }

    /// The largest window has 21 looks: 20 with 8 bytes each, and the one with more.
    #[test]
    fn traffic_before_the_floor_was_learned_arms_if_a_window_had_more_than_the_floor() {
        let armed = |more: u64| learned_after(0, |payload| payload.inbound += more).0.armed();
        assert!(!armed(320 - 21 * 8));
        assert!(armed(320 - 21 * 8 + 1));
    }

    #[test]
    fn traffic_before_the_floor_was_learned_arms_if_one_connection_moved_more_than_two_beats() {
        let armed = |bytes| learned_after(0, |payload| payload.add(Way::Inbound, bytes)).0.armed();
        assert!(!armed(16));
        assert!(armed(17));
    }

    #[test]
    fn outbound_traffic_before_the_floor_was_learned_arms_only_after_settle() {
        let armed =
            |settled| learned_after(settled, |payload| payload.add(Way::Outbound, 17)).0.armed();
        assert!(armed(5_000));
        assert!(!armed(5_001));
    }

    /// Looks come late now and then: a connection that beats has beaten more often by then.
    #[test]
    fn a_late_look_allows_the_beats_of_the_time_since_the_look_before() {
        for (pause, armed) in [(500, true), (749, true), (750, false), (1_000, false)] {
            let (mut floor, mut payload) = learned_after(0, |_| {});
            payload.inbound_burst = 0;
            payload.add(Way::Inbound, 24);
            floor.observe(at(80_000 + pause), payload, at(0));
            assert_eq!(floor.armed(), armed, "{pause}");
        }
    }

    #[test]
    fn the_floor_is_not_learned_across_a_look_that_could_not_see() {
        let mut floor = Floor::new(at(0), Threshold::Auto, WINDOW);
        let mut payload = Payload { connections: 1, ..Payload::default() };
        for now in (500..=100_000).step_by(500) {
            payload.inbound_burst = 0;
            payload.add(Way::Inbound, 8);
            floor.observe(at(now), payload, at(0));
            if now == 45_000 {
                floor.blind(at(now));
            }
            // Five windows after the start, and after the look that could not see.
            assert_eq!(floor.background().is_some(), now >= 95_000, "{now}");
        }
    }

    #[test]
    fn what_the_last_window_carried_is_told_with_what_is_allowed() {
        let mut floor = Floor::new(at(0), Threshold::Total(Bytes(64)), WINDOW);
        let payload = |inbound, outbound| Payload { inbound, outbound, ..Payload::default() };
        assert_eq!(floor.below(at(0)), None);
        floor.observe(at(1_000), payload(0, 0), at(0));
        assert_eq!(floor.below(at(1_000)), None);
        floor.observe(at(2_000), payload(30, 10), at(0));
        assert_eq!(floor.below(at(2_000)), Some((Bytes(40), Bytes(64))));
        floor.observe(at(15_000), payload(30, 18), at(0));
        assert_eq!(floor.below(at(11_999)), Some((Bytes(48), Bytes(64))), "the first 2 s and 13 s");
        assert_eq!(floor.below(at(15_000)), Some((Bytes(8), Bytes(64))));
        assert_eq!(floor.below(at(25_000)), None);
    }
}
