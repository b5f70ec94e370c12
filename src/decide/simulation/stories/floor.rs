//! Stories about what generations teach the next ones: background traffic that is learned, and
//! clients that only reconnect.

use super::*;
use crate::notice::Hold;
use crate::rules::{Backoff, Then, Threshold};
use crate::traffic::{Payload, Way};

fn idle(seconds: u64) -> Rules {
    let after = Duration::from_secs(seconds);
    Rules { idle: Some(Idle { after, settle: Duration::from_secs(2) }), ..plain() }
}

impl Story {
    /// A planned stop is obeyed at once, and the next generation runs.
    fn obeys(&mut self, millis: u64) {
        self.tell(millis, Event::Exited(Exit::Status(0)));
        self.traffic = None;
        self.more = Traffic::default();
        let next = self.generation + 1;
        assert_eq!(self.tell(millis, Event::TreeGone), start(next, Cause::Idle));
        self.tell(millis, Event::Started);
    }

    /// A client connects 100 ms after the start and moves so much; COMMAND goes idle and is
    /// recycled. Returns its age then.
    fn only_sees_a_client(&mut self, began: u64, carried: Option<u64>) -> u64 {
        self.traffic = Some(began + 100);
        self.more.carried = carried;
        let (millis, actions) = self.wait(began + 10_000_000).unwrap();
        assert_eq!(actions, stop());
        self.obeys(millis);
        millis - began
    }

    /// The ages of so many such generations, one after the other.
    fn ages(&mut self, began: &mut u64, carried: Option<u64>, count: usize) -> Vec<u64> {
        let ages = (0..count).map(|_| {
            let age = self.only_sees_a_client(*began, carried);
            *began += age;
            age
        });
        ages.collect()
    }

    fn spaced(&self) -> Vec<u64> {
        let said = self.said.iter().filter_map(|notice| match notice {
            Notice::OnlyReconnects { kept_until, .. } => Some(kept_until.as_secs()),
            _ => None,
        });
        said.collect()
    }
}

#[test]
fn idle_recycles_that_only_make_a_client_reconnect_are_spaced() {
    let mut story = Story::running(idle(10));
    let ages = story.ages(&mut 0, Some(900), 4);
    assert_eq!(ages, [10_100, 10_100, 20_000, 40_000]);
    assert_eq!(story.spaced(), [20], "it is said once");
    assert!(story.said.contains(&Notice::Held(Hold::Reconnects)));
    let long = |notice: &Notice| matches!(notice, Notice::HeldLong { .. });
    let ages = story.ages(&mut 80_200, Some(900), 8);
    assert_eq!(ages.last(), Some(&3_600_000), "at most an hour");
    assert!(!story.said.iter().any(long), "it was said already");
}

#[test]
fn the_first_delay_is_that_of_backoff_if_that_is_longer() {
    let backoff = Backoff { min: Duration::from_secs(30), max: Duration::from_secs(60) };
    let mut story = Story::running(Rules { backoff, ..idle(10) });
    assert_eq!(story.ages(&mut 0, Some(900), 4), [10_100, 10_100, 60_000, 120_000]);
}

/// Heartbeats go on meanwhile, below the floor.
#[test]
fn heartbeats_below_the_floor_are_not_what_a_client_reconnects_for() {
    let rules = Rules { floor: Some(Threshold::Total(Bytes(160))), ..idle(10) };
    let mut story = Story::running(rules);
    let mut ages = Vec::new();
    let mut began = 0;
    for _ in 0..4 {
        let mut beats = Beats { way: Way::Inbound, ..Beats::new(began) };
        beats.moves(&mut story, began, 900);
        story.more.carried = Some(900);
        let (millis, _) = beats.go_on(&mut story, began + 100_000, 8).unwrap();
        ages.push((millis - began) / 1_000);
        began = millis;
        story.obeys(millis);
    }
    assert_eq!(ages, [10, 10, 20, 40]);
    assert_eq!(story.spaced(), [20]);
}

/// The negative controls: more than a handshake, later than moments, or nobody knows.
#[test]
fn idle_recycles_of_generations_with_real_traffic_are_not_spaced() {
    for carried in [Some(16 * 1024 + 1), None] {
        let mut story = Story::running(idle(10));
        assert_eq!(story.ages(&mut 0, carried, 5), [10_100; 5], "{carried:?}");
        assert!(story.spaced().is_empty());
    }
    let mut story = Story::running(idle(10));
    let mut began = 0;
    for _ in 0..5 {
        story.traffic = Some(began + 10_001);
        story.more.carried = Some(900);
        story.wait(began + 10_001);
        let (millis, _) = story.wait(began + 100_000).unwrap();
        assert_eq!(millis, began + 20_001);
        began = millis;
        story.obeys(millis);
    }
    assert!(story.spaced().is_empty());
}

#[test]
fn real_traffic_ends_the_spacing_at_once() {
    let mut story = Story::running(idle(10));
    let mut began = 0;
    story.ages(&mut began, Some(900), 4);
    // The next one is kept for 80 s, and has a request after 30.
    story.traffic = Some(began + 100);
    story.more.carried = Some(900);
    assert_eq!(story.wait(began + 30_000), None);
    story.traffic = Some(began + 30_000);
    story.more.carried = Some(1_300);
    assert_eq!(story.wait(began + 100_000), Some((began + 40_000, stop())));
    story.obeys(began + 40_000);
    began += 40_000;
    assert_eq!(story.ages(&mut began, Some(900), 3), [10_100, 10_100, 20_000]);
    assert_eq!(story.spaced(), [20, 20]);
}

/// A generation that input has woken has its traffic at its start: that is what it is for.
#[test]
fn where_each_generation_waits_for_input_nothing_is_spaced() {
    let mut story = Story::running(Rules { then: Then::Wait, ..idle(10) });
    let mut began = 0;
    for _ in 0..5 {
        story.traffic = Some(began + 100);
        story.more.carried = Some(0);
        let (millis, _) = story.wait(began + 100_000).unwrap();
        assert_eq!(millis - began, 10_100);
        began = millis;
        story.tell(millis, Event::Exited(Exit::Status(0)));
        story.traffic = None;
        story.tell(millis, Event::TreeGone);
        story.tell(millis, Event::InputWaits);
        story.tell(millis, Event::Started);
    }
    assert!(story.spaced().is_empty());
}

/// Payload on one connection of COMMAND's own, by looks at every half second.
struct Beats {
    payload: Payload,
    until: u64,
    is_beat: bool,
    way: Way,
}

impl Beats {
    fn new(now: u64) -> Self {
        let way = Way::Outbound;
        Self { payload: Payload::default(), until: now, is_beat: false, way }
    }

    /// Until then, one beat of so many bytes a second. Tells of the first thing that was done.
    fn go_on(&mut self, story: &mut Story, until: u64, bytes: u64) -> Option<(u64, Vec<Action>)> {
        while self.until < until {
            self.until += 500;
            self.is_beat = !self.is_beat;
            let moves = if self.is_beat { bytes } else { 0 };
            self.moves(story, self.until, moves);
            if let Some(done) = story.wait(self.until) {
                return Some(done);
            }
        }
        None
    }

    fn moves(&mut self, story: &mut Story, now: u64, bytes: u64) {
        self.payload.connections = 1;
        (self.payload.inbound_burst, self.payload.outbound_burst) = (0, 0);
        if bytes > 0 {
            self.payload.add(self.way, bytes);
            self.payload.last = Some(at(now));
        }
        story.more.payload = Some(self.payload);
    }
}

fn backgrounds(story: &Story) -> Vec<(u64, bool)> {
    let said = story.said.iter().filter_map(|notice| match notice {
        Notice::Background { bytes, again, .. } => Some((bytes.0, *again)),
        _ => None,
    });
    said.collect()
}

#[test]
fn a_worker_with_heartbeats_goes_idle_once_they_are_learned_and_later_ones_at_once() {
    let mut story = Story::running(Rules { floor: Some(Threshold::Auto), ..idle(10) });
    let mut beats = Beats::new(0);
    // It logs in, and has a job at 5 s.
    beats.moves(&mut story, 500, 700);
    story.wait(500);
    assert_eq!(beats.go_on(&mut story, 4_500, 8), None);
    beats.moves(&mut story, 5_000, 2_000);
    assert_eq!(story.wait(5_000), None);
    let (millis, actions) = beats.go_on(&mut story, 200_000, 8).unwrap();
    assert_eq!(actions, stop());
    assert!((55_000..=66_000).contains(&millis), "five windows after the job: {millis}");
    assert_eq!(backgrounds(&story), [(80, false)]);

    story.obeys(millis);
    let mut beats = Beats::new(millis);
    assert_eq!(beats.go_on(&mut story, millis + 100_000, 8), None, "it had no job yet");
    let job = millis + 100_500;
    beats.moves(&mut story, job, 2_000);
    assert_eq!(story.wait(job), None);
    beats.until = job;
    let (idle, _) = beats.go_on(&mut story, job + 60_000, 8).unwrap();
    // Looks are told of payload up to half a second early here.
    assert!((job + 9_500..=job + 10_500).contains(&idle), "{}", idle - job);
    assert_eq!(backgrounds(&story).len(), 1, "it is said once");
}

#[test]
fn before_the_background_is_learned_every_byte_counts_and_messages_keep_it_awake_after() {
    let mut story = Story::running(Rules { floor: Some(Threshold::Auto), ..idle(10) });
    let mut beats = Beats::new(0);
    assert_eq!(beats.go_on(&mut story, 45_000, 8), None);
    assert!(backgrounds(&story).is_empty());
    assert_eq!(beats.go_on(&mut story, 60_000, 8), None);
    assert_eq!(backgrounds(&story), [(88, false)], "11 looks are in the first half");
    // One message every 8 s, smaller than the floor: more than a beat at once.
    for message in (68_000..200_000).step_by(8_000) {
        assert_eq!(beats.go_on(&mut story, message, 8), None, "{message}");
        beats.moves(&mut story, message, 30);
        beats.until = message + 500;
        assert_eq!(story.wait(message + 500), None, "{message}");
    }
    assert!(beats.go_on(&mut story, 300_000, 8).is_some());
}
