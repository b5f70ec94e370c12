//! Stories about traffic: what is asked when, and exactly when a generation is idle then.

use super::*;
use crate::rules::Threshold;
use crate::traffic::Payload;

const WINDOW: u64 = 10_000;

fn idle() -> Rules {
    let idle = Idle { after: Duration::from_millis(WINDOW), settle: Duration::from_secs(2) };
    Rules { idle: Some(idle), ..plain() }
}

fn floor(bytes: u64) -> Rules {
    Rules { floor: Some(Threshold::Total(Bytes(bytes))), ..idle() }
}

fn sprung(traffic: Traffic) -> Event {
    Event::Moved(Traffic { imprecise: true, ..traffic })
}

const HOTTEST: TrafficLook = TrafficLook::Hottest;
const ALL: TrafficLook = TrafficLook::All;
const CHANGED: TrafficLook = TrafficLook::Changed;

impl Story {
    /// So many bytes have arrived on TCP connections, the last of them then.
    fn received(&mut self, inbound: u64, last: u64) {
        let payload = Payload { inbound, last: Some(at(last)), ..Payload::default() };
        self.more.payload = Some(payload);
    }

    /// The looks since the last time.
    fn looked(&mut self) -> Vec<(u64, TrafficLook, bool)> {
        std::mem::take(&mut self.looks)
    }
}

#[test]
fn after_a_tripwire_the_cheap_is_asked_once_and_then_everything_at_once_and_then_nothing() {
    let mut story = Story::running(idle());
    assert_eq!(story.wait(2_999), None);
    story.looked();
    story.tell(3_000, moved(3_000));
    story.traffic = Some(3_000);
    assert_eq!(story.looked(), [], "what moved was told");
    assert_eq!(story.wait(12_999), None);
    assert_eq!(
        story.looked(),
        [(3_157, HOTTEST, true), (3_157, ALL, true)],
        "a 64th of 10 s later"
    );
    assert_eq!(story.wait(20_000), Some((13_000, stop())));
    assert_eq!(story.looked(), [(13_000, HOTTEST, true), (13_000, ALL, true)]);
}

#[test]
fn while_something_without_times_flows_it_is_asked_64_times_a_window() {
    let mut story = Story::running(idle());
    story.wait(2_999);
    story.tell(3_000, moved(3_000));
    story.more.imprecise = true;
    story.looked();
    for millis in (3_157..=13_048).step_by(157) {
        story.traffic = Some(millis);
        assert_eq!(story.wait(millis), None);
    }
    let looks = story.looked();
    assert_eq!(looks.len(), 64);
    assert!(looks.iter().all(|(_, widely, _)| *widely == HOTTEST));
    let walks: Vec<_> = looks.iter().filter(|(.., walk)| *walk).map(|(at, ..)| *at).collect();
    let every_seventh: Vec<_> = (3_157..=13_048).step_by(7 * 157).collect();
    assert_eq!(walks, every_seventh, "CPU time is sampled ten times a window");
    assert_eq!(story.wait(60_000), Some((23_048, stop())), "the last one was at 13,048");
}

#[test]
fn what_may_have_moved_is_looked_into_at_once_and_delays_but_does_not_arm() {
    let mut story = Story::running(idle());
    story.wait(2_999);
    let unsure = Traffic { unsure: Some(at(3_000)), ..Traffic::default() };
    story.tell(3_000, sprung(unsure));
    let unexplained = Traffic { imprecise: true, unexplained: true, ..Traffic::default() };
    story.more = Traffic { unsure: Some(at(3_157)), ..unexplained };
    story.looked();
    story.wait(3_157);
    assert_eq!(story.looked(), [(3_157, HOTTEST, true), (3_157, ALL, true)]);
    story.more = Traffic::default();
    assert_eq!(story.wait(100_000), None, "it is not armed");

    story.traffic = Some(100_000);
    assert_eq!(story.wait(109_999), None);
    story.more = Traffic { unsure: Some(at(109_999)), imprecise: true, ..Traffic::default() };
    story.tell(109_999, sprung(story.more));
    assert_eq!(story.wait(119_998), None);
    assert_eq!(story.wait(130_000), Some((119_999, stop())));
}

#[test]
fn the_opened_arm_from_the_moment_of_settling_on() {
    let outbound = |millis| Traffic { outbound: Some(at(millis)), ..Traffic::default() };
    let mut story = Story::running(idle());
    story.tell(1_999, sprung(outbound(1_999)));
    assert_eq!(story.wait(100_000), None);
    let mut story = Story::running(idle());
    story.tell(2_000, sprung(outbound(2_000)));
    assert_eq!(story.wait(100_000), Some((12_000, stop())));
}

#[test]
fn looks_grow_rare_while_nothing_comes() {
    let mut story = Story::running(idle());
    assert_eq!(story.wait(40_000), None);
    let times: Vec<_> = story.looked().iter().map(|(at, ..)| *at).collect();
    assert_eq!(times, [20, 80, 320, 1_280, 5_120, 15_120, 25_120, 35_120]);
}

/// COMMAND's own connections, to its database say, are not those that arm: who asks them alone
/// misses the first request.
#[test]
fn until_something_arms_everything_is_looked_at() {
    let mut story = Story::running(idle());
    story.more.outbound = Some(at(10));
    assert_eq!(story.wait(100), None);
    story.more.outbound = Some(at(90));
    assert_eq!(story.wait(40_000), None);
    assert!(story.looked().iter().all(|(_, widely, _)| *widely == CHANGED));
}

/// Unix sockets that cannot be watched, say: who asks anew at once asks for ever.
#[test]
fn everything_that_cannot_be_seen_is_asked_for_once_and_a_window_later() {
    let mut story = Story::running(idle());
    story.wait(2_999);
    story.hides_all = true;
    story.tell(3_000, moved(3_000));
    story.traffic = Some(3_000);
    story.looked();
    assert_eq!(story.wait(40_000), None, "unknown is not quiet");
    let both = |at| [(at, HOTTEST, true), (at, ALL, true)];
    assert_eq!(story.looked(), [3_157, 13_157, 23_157, 33_157].map(both).concat());
    story.hides_all = false;
    assert_eq!(story.wait(60_000), Some((43_157, stop())));
}

#[test]
fn exactly_the_floor_is_quiet_and_one_byte_more_is_not() {
    for (bytes, idle_at) in [(64, None), (65, Some(15_000))] {
        let mut story = Story::running(floor(64));
        assert_eq!(story.wait(5_000), None);
        story.received(bytes, 5_000);
        assert_eq!(story.wait(60_000), idle_at.map(|at| (at, stop())), "{bytes}");
    }
}

#[test]
fn beats_below_the_floor_do_not_keep_a_generation_and_a_message_does() {
    let mut story = Story::running(floor(64));
    let mut sum = 1_000;
    story.wait(4_900);
    story.received(sum, 4_900);
    let mut recycled = None;
    for beat in (6_000..60_000).step_by(1_000) {
        recycled = story.wait(beat);
        if recycled.is_some() {
            break;
        }
        sum += 6;
        story.received(sum, beat);
    }
    let (millis, _) = recycled.unwrap();
    // A beat after the message blurs its end: by 5% of the window.
    assert!((14_900..=15_500).contains(&millis), "{millis}");

    let mut story = Story::running(floor(64));
    for message in (5_000..60_000).step_by(9_000) {
        story.wait(message);
        sum += 65;
        story.received(sum, message);
        assert_eq!(story.wait(message + 8_999), None, "{message}");
    }
}

#[test]
fn payload_is_asked_for_twenty_times_a_window() {
    let mut story = Story::running(floor(64));
    story.received(1_000, 1);
    story.wait(1_000);
    story.looked();
    assert_eq!(story.wait(10_000), None);
    let looks = story.looked();
    assert_eq!(looks.len(), 18, "9 s, and the rest of the last look's 500 ms");
    assert!(looks.iter().all(|(_, widely, walk)| *widely == CHANGED && *walk));
    assert_eq!(story.wait(60_000), Some((10_001, stop())), "the last byte, and the window");
}

/// When a generation with traffic in each second looks at everything again, after its first looks
/// at what has changed had the one cost, and those at one socket the other.
fn surveys_again(changed: u64, hottest: u64) -> Option<u64> {
    let mut story = Story::running(idle());
    story.cost = Duration::from_millis(changed);
    story.wait(900);
    story.traffic = Some(900);
    story.wait(2_000);
    assert!(story.looked().iter().all(|(_, widely, _)| *widely == CHANGED));
    story.cost = Duration::from_millis(hottest);
    for millis in (2_000..200_000).step_by(1_000) {
        story.traffic = Some(millis);
        story.wait(millis + 999);
    }
    story.looked().into_iter().find(|(_, widely, _)| *widely == ALL).map(|(at, ..)| at)
}

#[test]
fn a_look_at_what_has_changed_that_costs_much_is_relied_on_longer() {
    let cheap = surveys_again(0, 0).unwrap();
    assert!((40_000..60_000).contains(&cheap), "four windows: {cheap}");
    assert_eq!(surveys_again(0, 70), Some(cheap), "one socket is another matter");
    let dear = surveys_again(70, 0).unwrap();
    assert!((140_000..160_000).contains(&dear), "2,000 times its cost: {dear}");
}

/// Memory is looked at every 98 ms here, and traffic with it only if that is due in half a window.
#[test]
fn looks_at_traffic_that_join_those_at_memory_are_not_made_all_the_time() {
    let mut rules = idle();
    rules.memory.max_rss = Some(Bytes(300 << 20));
    let mut story = Story::running(rules);
    story.rss = 200 << 20;
    assert_eq!(story.wait(40_000), None);
    story.looked();
    assert_eq!(story.wait(140_000), None);
    let times: Vec<_> = story.looked().iter().map(|look| look.0).collect();
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.len() >= 9, "{times:?}");
    assert!(pauses.iter().all(|pause| *pause >= WINDOW / 2), "{times:?}");
}
