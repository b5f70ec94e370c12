//! Stories about work: a tree that computes is not idle, and one that rests is.

use super::*;

const WINDOW: u64 = 10_000;

fn idle(seconds: u64, cpu_percent: u32) -> Rules {
    let idle = Idle { after: Duration::from_secs(seconds), settle: Duration::ZERO };
    Rules { idle: Some(idle), idle_cpu: Some(Share::percent(cpu_percent)), ..plain() }
}

/// A byte at 3 s, and then work until the given time.
fn works_until(millis: u64) -> Story {
    let mut story = Story::running(idle(10, 5));
    assert_eq!(story.wait(2_999), None);
    story.busy = 3_000..millis;
    story.tell(3_000, moved(3_000));
    story.traffic = Some(3_000);
    story
}

#[test]
fn a_tree_that_worked_is_idle_when_it_has_rested_for_a_window() {
    for ends in [3_100, 4_000, 6_000, 12_900, 13_100, 18_000, 23_300, 61_000] {
        let mut story = works_until(ends);
        let (millis, actions) = story.wait(200_000).unwrap();
        assert_eq!(actions, stop());
        // 5% of the window are 500 ms of work; its end is known to two samples.
        let rested = (ends + WINDOW - 500).max(3_000 + WINDOW);
        let samples = WINDOW / 5;
        assert!((rested..=rested + samples).contains(&millis), "{ends}: {millis}");
    }
}

#[test]
fn a_tree_that_rests_is_left_in_peace_until_it_can_be_idle() {
    for ends in [6_000, 18_000] {
        let mut story = works_until(ends);
        assert_eq!(story.wait(ends + 2_000), None);
        story.looks.clear();
        let (millis, _) = story.wait(200_000).unwrap();
        let since = story.looks.iter().filter(|(at, ..)| *at < millis).count();
        assert!(since <= 1, "{ends}: {:?}", story.looks);
    }
}

#[test]
fn while_a_tree_works_it_is_sampled_ten_times_a_window() {
    let mut story = works_until(100_000);
    for from in [5_000, 45_000] {
        assert_eq!(story.wait(from), None);
        story.looks.clear();
        assert_eq!(story.wait(from + WINDOW), None);
        let walks = story.looks.iter().filter(|(.., walk)| *walk).count();
        assert_eq!(walks, 10, "{:?}", story.looks);
    }
}

#[test]
fn a_tree_that_only_answered_costs_no_look_until_it_can_be_idle() {
    let mut story = works_until(3_000);
    assert_eq!(story.wait(12_999), None);
    assert!(story.looks.iter().all(|(at, ..)| *at <= 3_157), "{:?}", story.looks);
    assert_eq!(story.wait(20_000), Some((13_000, stop())));
}

#[test]
fn with_no_cpu_time_allowed_nothing_is_ever_quiet() {
    let mut story = Story::running(idle(10, 0));
    story.tell(3_000, moved(3_000));
    assert_eq!(story.wait(200_000), None);
}

/// Each look at memory may walk the tree, and be a sample of its CPU time.
#[test]
fn looks_at_memory_do_not_keep_a_tree_from_being_idle() {
    for (rss, limit) in [(0, 4 << 30), (900 << 20, 1 << 30)] {
        let mut story = Story::running(Rules { memory: max_rss(limit), ..idle(300, 5) });
        story.rss = rss;
        story.tell(5_000, moved(5_000));
        story.traffic = Some(5_000);
        assert_eq!(story.wait(400_000), Some((305_000, stop())), "{rss}");
    }
}
