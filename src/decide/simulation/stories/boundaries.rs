//! Stories about exact boundaries: what holds a recycle, and until when.

use super::*;
use crate::rules::{Mapped, Quiet};

fn idle(seconds: u64) -> Option<Idle> {
    Some(Idle { after: Duration::from_secs(seconds), settle: Duration::from_secs(2) })
}

fn quiet(gap: u64, wait: u64) -> Option<Quiet> {
    Some(Quiet { gap: Duration::from_secs(gap), wait: Duration::from_secs(wait) })
}

/// Two bytes a second until then.
fn chatter(story: &mut Story, from: u64, until: u64) -> Option<(u64, Vec<Action>)> {
    for millis in (from..until).step_by(500) {
        story.traffic = Some(millis);
        if let Some(done) = story.wait(millis + 499) {
            return Some(done);
        }
    }
    None
}

#[test]
fn a_quiet_moment_is_waited_for_and_given_up_exactly_at_quiet_wait() {
    let held = Rules { quiet: quiet(2, 30), ..lifetime(10) };
    let mut talks = Story::running(held.clone());
    assert_eq!(chatter(&mut talks, 0, 60_000), Some((40_000, stop())), "10 s and the wait of 30 s");
    let mut pauses = Story::running(held.clone());
    assert_eq!(chatter(&mut pauses, 0, 20_000), None);
    pauses.traffic = Some(20_123);
    assert_eq!(pauses.wait(60_000), Some((22_123, stop())), "the last byte and the gap of 2 s");
    let mut silent = Story::running(held);
    assert_eq!(silent.wait(60_000), Some((10_000, stop())), "quiet since its start");
}

/// What moved before the first look is unknown, and could count as traffic at that look.
#[test]
fn a_recycle_that_is_held_until_quiet_looks_at_once_and_then_no_more() {
    let mut story = Story::running(Rules { quiet: quiet(3, 30), ..lifetime(1) });
    assert_eq!(story.wait(60_000), Some((3_000, stop())));
    let looks: Vec<_> = story.looks.iter().map(|(at, ..)| *at).collect();
    assert_eq!((looks[0], looks[1]), (1_000, 3_000), "{looks:?}");
}

#[test]
fn an_idle_generation_waits_for_its_min_lifetime_and_no_longer() {
    let min_lifetime = Duration::from_secs(60);
    let mut story = Story::running(Rules { idle: idle(10), min_lifetime, ..plain() });
    story.traffic = Some(5_000);
    assert_eq!(story.wait(59_999), None);
    assert_eq!(story.wait(60_000), Some((60_000, stop())));
}

#[test]
fn a_recycle_by_signal_does_not_wait_for_min_lifetime() {
    let map = SignalMap(vec![(Signal::HUP, Mapped::Recycle)]);
    let min_lifetime = Duration::from_secs(60);
    let mut story = Story::running(Rules { map, min_lifetime, ..plain() });
    assert_eq!(story.signal(1, "HUP"), stop());
}

#[test]
fn kill_comes_exactly_at_the_stop_timeout_also_for_what_is_left_behind() {
    let mut story = Story::running(lifetime(10));
    assert_eq!(story.wait(60_000), Some((10_000, stop())));
    assert_eq!(story.tell(12_000, Event::Exited(Exit::Status(0))), [ASK]);
    assert_eq!(story.wait(12_999), None);
    assert_eq!(story.wait(60_000), Some((13_000, vec![KILL])));
    assert_eq!(story.tell(13_001, Event::TreeGone), start(2, Cause::Lifetime));
}

#[test]
fn a_stop_timeout_of_zero_kills_at_once() {
    let mut story = Story::running(Rules { stop_timeout: Duration::ZERO, ..lifetime(10) });
    assert_eq!(story.wait(60_000), Some((10_000, stop())));
    assert_eq!(story.wait(60_000), Some((10_000, vec![KILL])));
}

#[test]
fn what_outlives_kill_is_told_of_once_and_waited_for() {
    let mut story = Story::running(lifetime(10));
    story.wait(13_000);
    story.wait(13_000);
    assert_eq!(story.core.deadline(), Some(at(23_000)), "10 s after KILL");
    let mut said = Vec::new();
    story.core.step(at(23_000), Event::Due, &mut said);
    assert!(matches!(said[..], [Action::Tell(Notice::StillAlive { .. })]), "{said:?}");
    assert_eq!(story.core.deadline(), None);
    assert_eq!(story.tell(500_000, Event::Exited(Exit::Killed(Signal::KILL))), [KILL]);
    assert_eq!(story.tell(500_000, Event::TreeGone), start(2, Cause::Lifetime));
}

#[test]
fn what_refuses_every_signal_ends_everything_when_it_refuses_kill() {
    let mut story = Story::running(lifetime(10));
    story.wait(10_000);
    story.tell(10_001, Event::Exited(Exit::Status(0)));
    assert_eq!(story.tell(10_002, Event::TreeDefied), [], "it may still go by itself");
    assert_eq!(story.wait(60_000), Some((13_000, vec![KILL])));
    assert_eq!(story.tell(13_000, Event::TreeDefied), [Action::Quit(End::FAILED)]);
}

#[test]
fn kill_rss_does_not_wait_for_anything_and_after_the_end_of_input_it_is_the_end() {
    let kill = Some((Bytes(200), Measure::Rss));
    let memory = MemoryRules { kill, ..MemoryRules::default() };
    let min_lifetime = Duration::from_secs(60);
    let mut story = Story::running(Rules { memory, min_lifetime, ..plain() });
    story.tell(1, Event::InputSpent);
    story.rss = 201;
    let (millis, actions) = story.wait(2_000).unwrap();
    assert_eq!(actions, [KILL]);
    assert_eq!(story.tell(millis, Event::Exited(Exit::Killed(Signal::KILL))), [KILL]);
    let by_kill = Action::Quit(End::Signal(Signal::KILL));
    assert_eq!(story.tell(millis, Event::TreeGone), [by_kill]);
}

#[test]
fn a_recycle_that_is_asked_for_while_a_generation_starts_comes_too_late_after_the_input() {
    let map = SignalMap(vec![(Signal::HUP, Mapped::Recycle)]);
    let mut story = Story::running(Rules { map, restart: Restart::Always, ..plain() });
    story.tell(1, Event::InputSpent);
    story.tell(2, Event::Exited(Exit::Status(1)));
    story.tell(3, Event::TreeGone);
    assert_eq!(story.wait(1_000), Some((102, start(2, Cause::Exit))));
    assert_eq!(story.signal(103, "HUP"), [], "the next generation would find nothing");
}

#[test]
fn exactly_at_the_limit_is_not_over_it() {
    let mut story = Story::running(Rules { memory: max_rss(100), ..plain() });
    story.rss = 100;
    assert_eq!(story.wait(60_000), None);
    story.rss = 101;
    let (millis, actions) = story.wait(70_000).unwrap();
    assert_eq!(actions, stop());
    assert!(millis <= 61_000, "{millis}: the next look, a second later at the most");
}

#[test]
fn a_storm_holds_longer_each_time_but_never_past_five_minutes() {
    let mut story = Story::running(Rules { memory: max_rss(100), ..plain() });
    story.rss = 150;
    let mut began = 0;
    for held_seconds in [0, 20, 40, 80, 160, 300, 300] {
        let (stopped, actions) = story.wait(10_000_000).unwrap();
        assert_eq!(actions, stop());
        let held = held_seconds * 1_000;
        assert!((held..=held + 1_100).contains(&(stopped - began)), "{}", stopped - began);
        story.tell(stopped, Event::Exited(Exit::Status(0)));
        story.tell(stopped, Event::TreeGone);
        story.tell(stopped, Event::Started);
        began = stopped;
    }
}

#[test]
fn a_storm_of_kills_is_over_after_a_generation_that_was_spared() {
    let kill = Some((Bytes(100), Measure::Rss));
    let memory = MemoryRules { kill, ..MemoryRules::default() };
    let always = Restart::Always;
    let mut story = Story::running(Rules { memory, restart: always, ..plain() });
    story.rss = 150;
    let (killed, _) = story.wait(1_000).unwrap();
    story.tell(killed, Event::Exited(Exit::Killed(Signal::KILL)));
    assert_eq!(story.tell(killed, Event::TreeGone), start(2, Cause::KillRss));
    story.rss = 50;
    story.tell(killed, Event::Started);
    story.tell(5_000, Event::Exited(Exit::Status(0)));
    story.tell(5_000, Event::TreeGone);
    assert_eq!(story.wait(6_000), Some((5_100, start(3, Cause::Exit))));
    story.rss = 150;
    story.tell(5_100, Event::Started);
    let (killed, _) = story.wait(6_100).unwrap();
    story.tell(killed, Event::Exited(Exit::Killed(Signal::KILL)));
    assert_eq!(story.tell(killed, Event::TreeGone), start(4, Cause::KillRss), "at once");
}

/// While a generation is stopped nobody looks at the limit: that is no calm minute.
#[test]
fn a_stop_that_takes_its_time_does_not_end_a_storm() {
    let kill = Some((Bytes(1_000), Measure::Rss));
    let memory = MemoryRules { kill, ..max_rss(100) };
    let stop_timeout = Duration::from_secs(90);
    let mut story = Story::running(Rules { memory, stop_timeout, ..plain() });
    story.rss = 150;
    let (first, actions) = story.wait(5_000).unwrap();
    assert_eq!(actions, stop());
    assert_eq!(story.wait(first + 80_000), None);
    let gone = first + 80_000;
    story.tell(gone, Event::Exited(Exit::Status(0)));
    assert_eq!(story.tell(gone, Event::TreeGone), start(2, Cause::Rss));
    story.tell(gone, Event::Started);
    assert_eq!(story.wait(gone + 19_999), None, "held until an age of 20 s");
    assert!(story.wait(gone + 21_100).is_some());
}

#[test]
fn what_cannot_be_seen_is_no_calm_minute() {
    let mut story = Story::running(Rules { memory: max_rss(100), ..plain() });
    for generation in [2, 3] {
        story.rss = 150;
        let (stopped, _) = story.wait(1_000_000).unwrap();
        story.tell(stopped, Event::Exited(Exit::Status(0)));
        assert_eq!(story.tell(stopped, Event::TreeGone), start(generation, Cause::Rss));
        story.tell(stopped, Event::Started);
    }
    // The storm is on. Two blind minutes later the limit is crossed again.
    let began = story.core.deadline().unwrap();
    story.blind = true;
    assert_eq!(story.wait(120_000), None);
    story.blind = false;
    let (stopped, _) = story.wait(1_000_000).unwrap();
    assert!(began < at(stopped));
    story.tell(stopped, Event::Exited(Exit::Status(0)));
    story.tell(stopped, Event::TreeGone);
    story.tell(stopped, Event::Started);
    assert_eq!(story.wait(stopped + 19_999), None, "still held");
}

#[test]
fn a_crash_soon_after_a_long_planned_life_waits_only_the_first_delay() {
    let mut story = Story::running(Rules { restart: Restart::Always, ..lifetime(60) });
    for millis in [1_000, 1_100] {
        story.tell(millis, Event::Exited(Exit::Status(1)));
        story.tell(millis, Event::TreeGone);
        story.wait(millis + 200);
        story.tell(millis + 200, Event::Started);
    }
    let (millis, _) = story.wait(100_000).unwrap();
    story.tell(millis, Event::Exited(Exit::Status(0)));
    story.tell(millis, Event::TreeGone);
    story.tell(millis, Event::Started);
    story.tell(millis + 10, Event::Exited(Exit::Status(1)));
    story.tell(millis + 10, Event::TreeGone);
    assert_eq!(story.wait(millis + 1_000), Some((millis + 110, start(5, Cause::Exit))));
}

#[test]
fn where_nothing_runs_a_terminal_stops_us_and_nobody_else() {
    let always = Rules { restart: Restart::Always, ..plain() };
    for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
        let typed = || Event::Signalled { signal, shared: true };
        let sent = || Event::Signalled { signal, shared: false };
        let mut story = Story::running(always.clone());
        assert_eq!(story.tell(1, typed()), [], "COMMAND got it, and may handle it");
        assert_eq!(story.tell(1, sent()), [Action::Pass(signal)]);
        story.tell(2, Event::Exited(Exit::Status(1)));
        assert_eq!(story.tell(3, typed()), [Action::Suspend(signal)], "while the tree goes");
        assert_eq!(story.tell(3, sent()), []);
        story.tell(4, Event::TreeGone);
        assert_eq!(story.tell(5, typed()), [Action::Suspend(signal)], "between generations");
        assert_eq!(story.tell(5, sent()), []);
    }
}

#[test]
fn a_life_that_ends_while_command_is_stopped_is_longer() {
    let mut story = Story::running(lifetime(10));
    story.stopped = true;
    assert_eq!(story.wait(60_000), None);
    story.stopped = false;
    assert_eq!(story.wait(62_000), Some((61_000, stop())), "looked at once a second");
}

#[test]
fn a_restart_waits_for_its_delay_and_no_longer() {
    let always = Rules { restart: Restart::Always, ..plain() };
    let mut story = Story::running(always.clone());
    story.tell(1_000, Event::Exited(Exit::Status(1)));
    assert_eq!(story.tell(1_099, Event::TreeGone), []);
    assert_eq!(story.tell(1_099, Event::Due), [], "a timer that rings too early");
    assert_eq!(story.tell(1_100, Event::Due), start(2, Cause::Exit));
    let mut story = Story::running(always);
    story.tell(1_000, Event::Exited(Exit::Status(1)));
    assert_eq!(story.tell(1_100, Event::TreeGone), start(2, Cause::Exit), "at once");
}

#[test]
fn it_is_known_whether_a_look_at_traffic_is_to_come() {
    let rules = Rules { idle: idle(10), ..lifetime(60) };
    assert!(!Lifecycle::new(rules.clone(), at(0), 0).looks_at_traffic(), "nothing lives");
    let mut story = Story::running(rules);
    assert!(story.core.looks_at_traffic());
    assert_eq!(story.wait(60_000), Some((60_000, stop())));
    assert!(!story.core.looks_at_traffic(), "it is stopped anyway");
    assert!(!Story::running(lifetime(60)).core.looks_at_traffic(), "nobody asks");
}
