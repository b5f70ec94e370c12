//! Stories about memory: what a storm is, what holds then, and what does not.

use super::*;
use crate::reason::Reason;

impl Story {
    /// The stop that began is over, and the next generation runs.
    fn next(&mut self, millis: u64) {
        self.tell(millis, Event::Exited(Exit::Status(0)));
        assert!(matches!(self.tell(millis, Event::TreeGone)[..], [Action::Start { .. }]));
        self.tell(millis, Event::Started);
    }

    /// So much is used: a recycle because of it comes within a look.
    fn crosses_at_once(&mut self, rss: u64, began: u64) -> u64 {
        self.rss = rss;
        let (millis, actions) = self.wait(began + 1_100).unwrap();
        assert_eq!(actions, stop());
        millis
    }
}

/// Over the limit at once, twice: the next generation is held until an age of 20 s.
fn storm(memory: MemoryRules) -> (Story, u64) {
    let mut story = Story::running(Rules { memory, ..plain() });
    // Where PSS is the limit, the pages are read again and again, as often as their cost allows.
    story.cost = Duration::from_millis(if memory.max_pss.is_some() { 5 } else { 0 });
    let limit = memory.max_rss.or(memory.max_pss).unwrap().0;
    let first = story.crosses_at_once(limit + limit / 5, 0);
    story.next(first);
    let (second, actions) = story.wait(first + 30_000).unwrap();
    assert_eq!(actions, stop());
    assert!(second >= first + 20_000, "held");
    story.rss = 0;
    story.next(second);
    (story, second)
}

#[test]
fn a_minute_below_the_limit_ends_a_storm() {
    let (mut story, began) = storm(max_rss(100));
    assert_eq!(story.wait(began + 61_000), None);
    let stopped = story.crosses_at_once(150, began + 61_000);
    story.next(stopped);
    story.crosses_at_once(150, stopped);
}

#[test]
fn less_than_a_minute_below_the_limit_does_not() {
    let (mut story, began) = storm(max_rss(100));
    assert_eq!(story.wait(began + 58_000), None);
    let stopped = story.crosses_at_once(150, began + 58_000);
    story.next(stopped);
    assert_eq!(story.wait(stopped + 19_999), None);
}

#[test]
fn only_crossings_in_a_row_are_a_storm() {
    let always = Restart::Always;
    let mut story = Story::running(Rules { memory: max_rss(100), restart: always, ..plain() });
    let first = story.crosses_at_once(150, 0);
    story.rss = 50;
    story.next(first);
    assert_eq!(story.wait(first + 5_000), None);
    story.tell(first + 5_000, Event::Exited(Exit::Status(0)));
    story.tell(first + 5_000, Event::TreeGone);
    let began = first + 5_100;
    assert_eq!(story.wait(began), Some((began, start(3, Cause::Exit))));
    story.tell(began, Event::Started);
    story.crosses_at_once(150, began);
}

#[test]
fn a_storm_holds_nothing_that_is_past_nine_tenths_of_kill_rss() {
    let kill = Some((Bytes(150), Measure::Rss));
    let (mut story, began) = storm(MemoryRules { kill, ..max_rss(100) });
    story.rss = 135;
    assert_eq!(story.wait(began + 5_000), None);
    story.crosses_at_once(136, began + 5_000);
}

#[test]
fn a_storm_holds_nothing_that_grows_to_half_as_much_again() {
    let (mut story, began) = storm(max_rss(100 << 20));
    // Over the limit at once; what has stopped growing is held.
    story.rss = 140 << 20;
    assert_eq!(story.wait(began + 5_000), None);
    // At 1 GiB a second the missing 10 MiB take 10 ms.
    let deadline = story.core.deadline().unwrap();
    assert!(deadline <= at(began + 5_010), "{deadline:?}");
    story.rss = (150 << 20) + 1;
    let (ended, actions) = story.wait(began + 5_020).unwrap();
    assert_eq!(actions, stop());
    // The next ones wait for the delay of --backoff, longer each time.
    let mut now = ended;
    for delay in [100, 200, 400] {
        story.tell(now, Event::Exited(Exit::Status(0)));
        assert_eq!(story.tell(now, Event::TreeGone), []);
        let (started, actions) = story.wait(now + 60_000).unwrap();
        assert!(matches!(actions[..], [Action::Start { .. }]), "{actions:?}");
        assert_eq!(started, now + delay);
        story.tell(started, Event::Started);
        let (stopped, actions) = story.wait(started + 2_000).unwrap();
        assert_eq!(actions, stop());
        now = stopped;
    }
    let told = |notice: &&Notice| matches!(notice, Notice::Runaway { .. });
    assert_eq!(story.said.iter().filter(told).count(), 3);
}

/// The same for what is just below: it is held as long as ever.
#[test]
fn a_storm_holds_what_stays_below_half_as_much_again() {
    let (mut story, began) = storm(max_rss(100 << 20));
    story.rss = 150 << 20;
    let (stopped, actions) = story.wait(began + 60_000).unwrap();
    assert_eq!(actions, stop());
    assert!(stopped >= began + 40_000, "held");
    story.next(stopped);
}

#[test]
fn without_kill_rss_nobody_looks_during_a_stop() {
    let mut story = Story::running(Rules { memory: max_rss(100), ..plain() });
    let began = story.crosses_at_once(150, 0);
    assert_eq!(story.core.deadline(), Some(at(began + 3_000)), "the stop timeout");
}

/// A quarter of a GiB below the limit: a look every 250 ms, as long as the tree runs.
fn sleeper() -> Story {
    let mut story = Story::running(Rules { memory: max_rss(1 << 30), ..plain() });
    story.rss = 3 << 28;
    story.wait(1_000);
    story.asleep = true;
    story.said.clear();
    story
}

/// When memory was looked at.
fn looks(story: &mut Story, until: u64) -> Vec<u64> {
    let mut times = Vec::new();
    for millis in (1_000..=until).step_by(125) {
        let before = story.said.len();
        story.wait(millis);
        times.extend((story.said.len() > before).then_some(millis));
    }
    times
}

#[test]
fn a_tree_that_sleeps_is_looked_at_ever_more_rarely() {
    let mut story = sleeper();
    assert_eq!(
        looks(&mut story, 130_000),
        [1_250, 1_500, 2_000, 3_000, 5_000, 9_000, 17_000, 33_000, 63_000, 93_000, 123_000]
    );
}

#[test]
fn a_tree_that_wakes_is_looked_at_at_once_and_as_often_as_before() {
    let mut story = sleeper();
    story.wait(100_000);
    story.asleep = false;
    story.rss = (1 << 30) - (1 << 20);
    story.said.clear();
    story.tell(100_100, Event::Ran);
    story.wait(100_100);
    assert_eq!(story.said.len(), 1);
    // Suspected at the next look, and confirmed by the one after it.
    story.rss = (1 << 30) + 1;
    let (millis, actions) = story.wait(100_200).unwrap();
    assert_eq!((millis, actions), (100_108, stop()));
}

#[test]
fn one_that_wakes_while_it_is_stopped_can_still_be_killed() {
    let mut story = sleeper();
    story.wait(100_000);
    story.tell(100_000, Event::Signalled { signal: Signal::TERM, shared: false });
    assert!(story.core.deadline() <= Some(at(100_000)), "one look more, by then");
}

/// One wake-up for both, where neither has anything to do.
#[test]
fn looks_at_a_sleeper_come_together() {
    let idle = Idle { after: Duration::from_secs(30), settle: Duration::ZERO };
    let mut story = Story::running(Rules { idle: Some(idle), memory: max_rss(1 << 30), ..plain() });
    story.rss = 1 << 20;
    story.asleep = true;
    story.wait(200_000);
    story.looks.clear();
    story.said.clear();
    story.wait(320_000);
    let looked = |notice: &&Notice| matches!(notice, Notice::Looked { .. });
    assert_eq!(story.said.iter().filter(looked).count(), 4);
    assert_eq!(story.looks.len(), 4, "each of them at traffic, too");
}

/// Forked processes write to shared pages: PSS grows, RSS stays.
#[test]
fn pss_limit_recycles_for_copy_on_write_growth() {
    let memory = MemoryRules { max_pss: Some(Bytes(300 << 20)), ..MemoryRules::default() };
    let mut story = Story::running(Rules { memory, ..plain() });
    (story.rss, story.pss) = (500 << 20, Some(250 << 20));
    assert_eq!(story.wait(60_000), None);
    story.pss = Some((300 << 20) + 1);
    let (millis, actions) = story.wait(61_000).unwrap();
    assert_eq!(actions, stop());
    assert!(millis >= 60_000, "{millis}");
}

#[test]
fn a_runaway_is_told_as_its_limit_measures() {
    let pss = MemoryRules { max_pss: Some(Bytes(100 << 20)), ..MemoryRules::default() };
    for (memory, measure) in [(max_rss(100 << 20), Measure::Rss), (pss, Measure::Pss)] {
        let (mut story, began) = storm(memory);
        let stopped = story.crosses_at_once((150 << 20) + 1, began);
        story.tell(stopped, Event::Exited(Exit::Status(0)));
        story.tell(stopped, Event::TreeGone);
        let told = story.said.iter().find_map(|notice| match notice {
            Notice::Runaway { limit, measure, .. } => Some((limit.0, *measure)),
            _ => None,
        });
        assert_eq!(told, Some((100 << 20, measure)));
    }
}

/// PSS is the proof of a kill for RSS; where PSS is the measure, it is what was used.
#[test]
fn a_kill_for_rss_is_told_with_pss_and_one_for_pss_is_not_told_twice() {
    for (measure, expected) in [(Measure::Rss, Some(Bytes(150))), (Measure::Pss, None)] {
        let kill = Some((Bytes(100), measure));
        let memory = MemoryRules { kill, ..MemoryRules::default() };
        let mut story = Story::running(Rules { memory, ..plain() });
        story.rss = 150;
        assert!(story.wait(2_000).is_some_and(|(_, actions)| actions == [KILL]));
        let told = story.said.iter().find_map(|notice| match notice {
            Notice::Due { reason: Reason::KillRss { used, pss, .. }, .. } => Some((*used, *pss)),
            _ => None,
        });
        assert_eq!(told, Some((Bytes(150), expected)));
    }
}
