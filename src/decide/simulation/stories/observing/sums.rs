//! When `--observe` looks, and when it sums up.

use super::*;

#[test]
fn without_a_limit_it_looks_once_a_second() {
    let mut story = Story::running(observing(plain()));
    assert!(story.core.looks_at_traffic());
    assert_eq!(story.wait(3_500), None);
    let all = TrafficLook::All;
    let looks = [(100, all, true), (1_100, all, true), (2_100, all, true), (3_100, all, true)];
    assert_eq!(story.looks, looks);
    // One that was late is not made up for.
    story.looks.clear();
    story.tell(10_000, Event::Due);
    assert_eq!(story.core.deadline(), Some(at(11_000)));
}

/// What moves in the background is known only if all are asked; where that costs much, it is not.
#[test]
fn while_something_moves_that_alone_is_asked_if_all_cost_much() {
    let mut story = Story::running(observing(plain()));
    story.cost = Duration::from_millis(6);
    story.wait(1_000);
    story.traffic = Some(1_000);
    story.wait(1_300);
    story.looks.clear();
    for millis in [2_000, 3_500, 4_500] {
        story.traffic = Some(millis);
        story.wait(millis + 500);
    }
    let hottest = TrafficLook::Hottest;
    let walked = |millis| (millis, hottest, true);
    let all = |millis| (millis, TrafficLook::All, true);
    assert_eq!(story.looks, [walked(2_300), all(3_500), walked(4_500)], "at the pace of its cost");
    story.looks.clear();
    story.wait(7_300);
    let looks = [all(5_700), all(6_900)];
    assert_eq!(story.looks, looks, "a silence is certain only if all are asked");
}

#[test]
fn while_something_moves_all_are_asked_if_that_costs_little() {
    let mut story = Story::running(observing(plain()));
    story.cost = Duration::from_millis(5);
    for second in 1..5 {
        story.traffic = Some(second * 1_000);
        story.wait(second * 1_000 + 100);
    }
    assert_eq!(story.looks.len(), 5);
    assert!(story.looks.iter().all(|(_, widely, _)| *widely == TrafficLook::All));
}

#[test]
fn once_nothing_is_planned_only_memory_is_looked_at() {
    let told = |event: fn() -> Event| {
        let mut story = Story::running(observing(plain()));
        story.wait(1_500);
        story.tell(1_500, event());
        story.looks.clear();
        story.rss = 77;
        story.wait(5_000);
        assert_eq!(story.looks, []);
        assert!(!story.core.looks_at_traffic());
        story
    };
    let mut story = told(|| Event::InputSpent);
    let observed = story.ends(6_000, Event::Exited(Exit::Status(0)));
    assert_eq!(observed.course.unwrap().peak, Bytes(77));
    told(|| Event::Signalled { signal: Signal::TERM, shared: false });
}

#[test]
fn at_each_sample_and_at_the_end_there_is_a_sum() {
    let sample_every = Some(Duration::from_secs(20));
    let mut story = Story::running(observing(Rules { sample_every, ..lifetime(15) }));
    story.wait(45_000);
    let sums = story.said.iter().filter_map(|notice| match notice {
        Notice::Observed(observed) => Some((observed.span.as_millis(), counts(observed))),
        _ => None,
    });
    let lifetimes = |count| vec![(Cause::Lifetime, count)];
    assert_eq!(
        sums.collect::<Vec<_>>(),
        [(100, vec![]), (20_100, lifetimes(1)), (40_100, lifetimes(2))]
    );
    let observed = story.ends(46_000, Event::Exited(Exit::Status(0)));
    assert_eq!(counts(&observed), lifetimes(3));
}

#[test]
fn where_nothing_ever_ran_there_is_nothing_to_sum_up() {
    let core = Lifecycle::new(observing(plain()), at(0), 0);
    let mut story = Story { core, ..Story::running(plain()) };
    story.tell(0, Event::Due);
    story.said.clear();
    let failure = Failure { stage: Stage::Exec, errno: 2 };
    assert_eq!(story.tell(1, Event::StartFailed(failure)), [Action::Quit(End::Status(127))]);
    let [Notice::StartFailed { .. }] = story.said[..] else { panic!("{:?}", story.said) };
}

#[test]
fn without_observe_there_is_no_sum() {
    let mut story = Story::running(plain());
    story.tell(1, Event::Exited(Exit::Status(0)));
    assert!(!story.said.iter().any(|notice| matches!(notice, Notice::Observed(_))));
}

#[test]
fn unsure_traffic_neither_begins_nor_ends_a_quiet_gap() {
    let unsure = |millis| Traffic { unsure: Some(at(millis)), ..Traffic::default() };
    let mut story = Story::running(observing(plain()));
    for millis in (1_000..20_000).step_by(3_000) {
        story.more = unsure(millis);
        story.wait(millis + 2_999);
    }
    assert_eq!(story.ends(22_000, Event::Exited(Exit::Status(0))).gaps, None);

    // The control: two requests have one gap between them, whatever is unsure meanwhile.
    let mut story = Story::running(observing(plain()));
    for (millis, traffic, until) in [(1_000, 1_000, 4_950), (5_000, 1_000, 8_950)] {
        story.traffic = Some(traffic);
        story.more = unsure(millis);
        story.wait(until);
    }
    story.traffic = Some(9_000);
    story.wait(9_900);
    let gaps = story.ends(9_950, Event::Exited(Exit::Status(0))).gaps.unwrap();
    assert_eq!((gaps.count, gaps.longest.as_secs()), (1, 7));
}
