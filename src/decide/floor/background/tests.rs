//! What is learned as background, and all that is not.

use super::*;
use crate::traffic::Way;

const WINDOW: Duration = Duration::from_secs(10);

fn at(millis: u64) -> Time {
    Time::at(Duration::from_millis(millis))
}

/// A generation that is looked at 20 times a window.
struct Life {
    learner: Learner,
    payload: Payload,
    now: u64,
}

impl Life {
    fn new(learned: Option<Background>) -> Self {
        let payload = Payload { connections: 1, ..Payload::default() };
        Self { learner: Learner::new(at(0), WINDOW, learned), payload, now: 0 }
    }

    /// Goes on for so many seconds; `bytes` says what one connection moves at a look. Tells how
    /// often what is known has changed.
    fn lives(&mut self, seconds: u64, mut bytes: impl FnMut(u64) -> u64) -> usize {
        let end = self.now + seconds * 1_000;
        let mut news = 0;
        while self.now < end {
            self.now += 500;
            (self.payload.inbound_burst, self.payload.outbound_burst) = (0, 0);
            self.payload.add(Way::Outbound, bytes(self.now));
            news += usize::from(self.learner.observe(at(self.now), self.payload));
        }
        news
    }

    fn bytes(&self) -> Option<u64> {
        self.learner.learned().map(|learned| learned.bytes().0)
    }
}

/// What is learned of traffic like this in 20 windows.
fn learned(bytes: impl FnMut(u64) -> u64) -> Option<u64> {
    let mut life = Life::new(None);
    life.lives(200, bytes);
    life.bytes()
}

/// So many bytes once in each period.
fn beat(bytes: u64, period: u64) -> impl Fn(u64) -> u64 {
    move |now| if now % period < 500 { bytes } else { 0 }
}

#[test]
fn beats_are_learned_with_five_windows_of_them() {
    assert_eq!(learned(beat(8, 2_000)), Some(40));
    assert_eq!(learned(beat(8, 2_500)), Some(32));
    assert_eq!(learned(beat(8, 5_000)), Some(16));
    assert_eq!(learned(beat(900, 1_000)), Some(9_000), "a poller");
    let mut life = Life::new(None);
    assert_eq!(life.lives(49, beat(8, 2_500)), 0);
    assert_eq!(life.lives(2, beat(8, 2_500)), 1);
    assert_eq!(life.lives(500, beat(8, 2_500)), 0, "it is told once");
}

#[test]
fn beats_of_two_kinds_are_learned_together() {
    let (ping, poll) = (beat(10, 2_000), beat(120, 1_000));
    assert_eq!(learned(|now| ping(now) + poll(now)), Some(5 * 10 + 10 * 120));
}

/// As of AMQP with a heartbeat of 5 s: two or three of each side in 5 s, not at the same time.
#[test]
fn beats_of_two_sides_are_learned() {
    for period in [2_300, 2_500, 2_700, 3_300] {
        let one = beat(8, period);
        let learned = learned(|now| one(now) + one(now + 700));
        assert!(learned.is_some_and(|bytes| (48..=80).contains(&bytes)), "{period} {learned:?}");
    }
}

/// As of an idle celery worker on Redis: 3,446 and 4,964 bytes in turns.
#[test]
fn a_beat_as_long_as_the_window_is_learned_among_shorter_ones() {
    let (often, seldom) = (beat(689, 1_000), beat(1_518, 10_000));
    assert_eq!(learned(|now| often(now) + seldom(now)), Some(10 * 689 + 1_518));
    // More than all the others together: then it may be a request.
    let (often, seldom) = (beat(689, 1_000), beat(4_000, 10_000));
    assert_eq!(learned(|now| often(now) + seldom(now)), None);
}

#[test]
fn one_request_in_each_window_is_never_learned() {
    for period in [6_000, 7_500, 9_000, 10_000, 15_000, 30_000] {
        assert_eq!(learned(beat(40, period)), None, "{period}");
    }
}

#[test]
fn a_message_among_beats_is_not_learned_with_them() {
    let beats = beat(8, 1_000);
    let mut life = Life::new(None);
    life.lives(200, |now| if now == 30_000 { 400 } else { beats(now) });
    assert_eq!(life.bytes(), Some(80), "only when it was over");
    // One message in each third window, for ever: the beats between are too few.
    assert_eq!(learned(|now| if now % 30_000 == 0 { 400 } else { beats(now) }), None);
}

/// Requests of people and queues: exponential gaps, a fixed seed.
#[test]
fn random_requests_are_not_learned() {
    for mean in [100_u64, 200, 500, 1_000, 2_000, 4_000] {
        let mut seed = 7_u64;
        let mut next = 0;
        let told = learned(|now| {
            let mut bytes = 0;
            while next <= now {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let uniform = f64::from(u32::try_from(seed >> 33).unwrap() + 1) / 2_147_483_649.0;
                next += (-uniform.ln() * mean as f64) as u64 + 1;
                bytes += 60;
            }
            bytes
        });
        assert_eq!(told, None, "{mean}");
    }
}

#[test]
fn what_is_large_is_not_learned() {
    // 2 KiB a second is 20 KiB in 10 s.
    assert_eq!(learned(|_| 1_000), Some(20_000));
    assert_eq!(learned(|_| 1_025), None);
    // 32 KiB a window, however long it is.
    let mut life = Life::new(None);
    life.learner = Learner::new(at(0), WINDOW * 10, None);
    life.lives(2_000, |_| 200);
    assert_eq!(life.bytes(), None);
    life.lives(2_000, |_| 100);
    assert_eq!(life.bytes(), Some(20_000));
}

#[test]
fn a_connection_that_comes_or_goes_begins_it_anew() {
    let mut life = Life::new(None);
    life.lives(45, beat(8, 1_000));
    life.payload.changes += 1;
    life.lives(45, beat(8, 1_000));
    assert_eq!(life.bytes(), None);
    life.lives(10, beat(8, 1_000));
    assert_eq!(life.bytes(), Some(80));
    // One health check every 20 s, each on a connection of its own.
    let mut life = Life::new(None);
    for _ in 0..20 {
        life.payload.changes += 2;
        life.lives(20, beat(8, 1_000));
    }
    assert_eq!(life.bytes(), None);
}

#[test]
fn what_could_not_be_seen_is_not_steady() {
    let mut life = Life::new(None);
    life.lives(45, beat(8, 1_000));
    life.learner.blind(at(life.now));
    life.lives(45, beat(8, 1_000));
    assert_eq!(life.bytes(), None);
    // A look that is late, or has to tell of too much at once, says nothing of each half.
    life.now += 6_000;
    life.lives(45, beat(8, 1_000));
    assert_eq!(life.bytes(), None);
    life.lives(10, beat(8, 1_000));
    assert_eq!(life.bytes(), Some(80));
}

#[test]
fn what_was_learned_is_lowered_and_never_raised() {
    let mut life = Life::new(None);
    life.lives(60, beat(100, 1_000));
    let first = life.learner.learned();
    assert_eq!(life.bytes(), Some(1_000));
    let mut next = Life::new(first);
    assert_eq!(next.lives(600, beat(300, 1_000)), 0);
    assert_eq!(next.bytes(), Some(1_000), "messages that flow for ever are not the background");
    assert_eq!(next.lives(600, beat(50, 1_000)), 0, "half is not far below");
    assert_eq!(next.lives(600, beat(20, 1_000)), 1);
    assert_eq!(next.bytes(), Some(200));
    // Nothing at all: then it is learned from the beginning.
    assert_eq!(next.lives(600, |_| 0), 1);
    assert_eq!(next.bytes(), None);
    assert_eq!(next.lives(600, beat(100, 1_000)), 1);
    assert_eq!(next.bytes(), Some(1_000));
}

#[test]
fn what_is_allowed_follows_the_number_of_connections_within_the_bound() {
    let of = |connections| Background { inbound: 600, outbound: 400, burst: 9, connections };
    assert_eq!(of(20).floor(), Bytes(2_000));
    assert_eq!([0, 1, 10, 20, 40].map(|open| of(20).allowed(open)), [0, 100, 1_000, 2_000, 4_000]);
    assert_eq!(of(20).allowed(u64::MAX), 64 << 10);
    assert_eq!((of(1).allowed_burst(0), of(1).allowed_burst(3)), (18, 54));
    // Of fewer connections less is expected: that lowers nothing.
    let (before, now) = (of(20), Background { inbound: 0, outbound: 100, ..of(19) });
    assert!(!now.is_far_below(before));
    assert!(Background { connections: 20, ..now }.is_far_below(before));
}

/// Five looks are missing, and the next one tells of all their beats.
#[test]
fn a_look_within_a_quarter_of_the_window_after_the_one_before_is_not_late() {
    for (pause, learned) in [(2_500, Some(160)), (2_501, None)] {
        let mut life = Life::new(None);
        life.lives(20, |_| 8);
        life.now += pause - 500;
        life.lives(1, |now| if now == 20_000 + pause { 40 } else { 8 });
        life.lives(29, |_| 8);
        assert_eq!(life.bytes(), learned, "{pause}");
    }
}

/// The least beat is 10 bytes, so windows may differ by two of them or by an eighth.
#[test]
fn windows_are_alike_if_they_differ_by_an_eighth() {
    for (more, learned) in [(22, Some(222)), (28, Some(228)), (29, None)] {
        let mut life = Life::new(None);
        life.lives(51, |now| if now == 25_500 { 10 + more } else { 10 });
        assert_eq!(life.bytes(), learned, "{more}");
    }
}

/// On a busy host a look that ends half a window comes a second late: more has moved by then.
#[test]
fn what_moved_until_a_late_look_is_taken_for_the_time_that_it_took() {
    let learned = |every: u64| {
        let mut life = Life::new(None);
        while life.now < 200_000 {
            life.now += every;
            life.payload.add(Way::Outbound, every / 100);
            life.payload.add(Way::Inbound, every / 50);
            life.learner.observe(at(life.now), life.payload);
        }
        life.learner.learned().map(|learned| (learned.outbound, learned.inbound))
    };
    assert_eq!(learned(500), Some((100, 200)));
    assert_eq!(learned(2_000), Some((100, 200)), "6 s in place of 5 s");
}
