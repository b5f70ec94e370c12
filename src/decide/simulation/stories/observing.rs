//! Stories about `--observe`: nothing is stopped, and all that would have been is told.

mod background;
mod sums;

use super::*;
use crate::notice::{Hold, Observed};
use crate::reason::Reason;
use crate::rules::{Mapped, Observe, Quiet, Threshold};
use crate::traffic::Payload;

fn observing(rules: Rules) -> Rules {
    Rules { observe: Some(Observe { memory: Bytes(1 << 40) }), ..rules }
}

fn idle(seconds: u64) -> Rules {
    let after = Duration::from_secs(seconds);
    Rules { idle: Some(Idle { after, settle: Duration::from_secs(2) }), ..plain() }
}

impl Story {
    /// What would have been since the last time: age and time lived in milliseconds, and why.
    fn would(&mut self) -> Vec<(u128, u128, Cause)> {
        let said = std::mem::take(&mut self.said);
        let would = said.iter().filter_map(|notice| match notice {
            Notice::WouldRecycle { generation, age, lived, reason } => {
                assert_eq!(*generation, self.generation);
                Some((age.as_millis(), lived.as_millis(), reason.cause()))
            }
            Notice::Due { .. } | Notice::Stopping { .. } | Notice::Recycled(_) => {
                panic!("{notice:?}")
            }
            _ => None,
        });
        would.collect()
    }

    /// The sum of it, told before the end, which is the last action.
    fn ends(&mut self, millis: u64, event: Event) -> Observed {
        let actions = self.tell(millis, event);
        assert!(matches!(actions.last(), Some(Action::Quit(_))), "{actions:?}");
        let Some(Notice::Observed(observed)) = self.said.pop() else { panic!("no sum") };
        *observed
    }
}

fn counts(observed: &Observed) -> Vec<(Cause, u64)> {
    observed.would.iter().copied().filter(|(_, count)| *count > 0).collect()
}

#[test]
fn memory_over_its_limit_is_told_once_until_it_was_below() {
    let mut story = Story::running(observing(Rules { memory: max_rss(100), ..plain() }));
    story.rss = 150;
    assert_eq!(story.wait(60_000), None);
    let [(age, lived, Cause::Rss)] = story.would()[..] else { panic!() };
    assert!(age == lived && age <= 1_100, "{age}");
    story.rss = 100;
    assert_eq!(story.wait(70_000), None);
    story.rss = 101;
    assert_eq!(story.wait(80_000), None);
    let [(again, lived, Cause::Rss)] = story.would()[..] else { panic!() };
    assert!((70_000..=71_100).contains(&again), "{again}");
    assert_eq!(lived, again - age);
    let observed = story.ends(90_000, Event::Exited(Exit::Status(0)));
    assert_eq!(counts(&observed), [(Cause::Rss, 2)]);
    assert_eq!((observed.generations, observed.span), (1, Duration::from_secs(90)));
    assert_eq!(observed.course.unwrap().peak, Bytes(150));
}

#[test]
fn proportional_memory_is_told_once_until_it_was_below_too() {
    let memory = MemoryRules { max_pss: Some(Bytes(100)), ..MemoryRules::default() };
    let mut story = Story::running(observing(Rules { memory, ..plain() }));
    story.rss = 150;
    assert_eq!(story.wait(60_000), None);
    assert!(matches!(story.would()[..], [(_, _, Cause::Pss)]));
    story.rss = 50;
    story.wait(62_000);
    story.rss = 150;
    assert_eq!(story.wait(65_000), None);
    assert!(matches!(story.would()[..], [(_, _, Cause::Pss)]));
}

/// After the first of them a generation would have begun anew, with less.
#[test]
fn a_second_limit_beyond_the_first_says_nothing_before_memory_was_below_both() {
    let kill = Some((Bytes(200), Measure::Rss));
    let memory = MemoryRules { kill, ..max_rss(100) };
    let mut story = Story::running(observing(Rules { memory, ..plain() }));
    for rss in [150, 250, 150, 250] {
        story.rss = rss;
        let until = story.core.deadline().unwrap().since(at(0)) + Duration::from_secs(5);
        story.wait(u64::try_from(until.as_millis()).unwrap());
    }
    assert!(matches!(story.would()[..], [(_, _, Cause::Rss)]));
}

#[test]
fn what_is_only_suspected_when_something_else_is_told_is_told_when_it_is_certain() {
    let rules = Rules { memory: max_rss(100), ..lifetime(10) };
    let mut story = Story::running(observing(rules));
    story.rss = 50;
    story.wait(9_999);
    story.rss = 150;
    assert_eq!(story.wait(12_000), None);
    let causes: Vec<_> = story.would().iter().map(|(.., cause)| *cause).collect();
    assert_eq!(causes, [Cause::Lifetime, Cause::Rss]);
}

#[test]
fn kill_rss_kills_nobody_also_when_command_is_leaving_or_has_left() {
    let kill = Some((Bytes(100), Measure::Rss));
    let memory = MemoryRules { kill, ..MemoryRules::default() };
    let rules = observing(Rules { memory, restart: Restart::Always, ..plain() });
    let mut running = Story::running(rules.clone());
    running.rss = 150;
    assert_eq!(running.wait(10_000), None);
    assert!(matches!(running.would()[..], [(_, _, Cause::KillRss)]));

    let mut leaving = Story::running(rules.clone());
    leaving.signal(1_000, "TERM");
    leaving.rss = 150;
    assert_eq!(leaving.wait(10_000), None);
    assert!(matches!(leaving.would()[..], [(_, _, Cause::KillRss)]));

    let mut clearing = Story::running(rules);
    assert_eq!(clearing.tell(1_000, Event::Exited(Exit::Status(1))), [ASK]);
    clearing.rss = 150;
    assert_eq!(clearing.wait(10_000), Some((4_000, vec![KILL])), "the stop timeout");
    assert!(matches!(clearing.would()[..], [(_, _, Cause::KillRss)]));
}

#[test]
fn lives_are_counted_one_after_the_other() {
    let mut story = Story::running(observing(lifetime(10)));
    assert_eq!(story.wait(35_000), None);
    let lives = [10_000, 20_000, 30_000].map(|age| (age, 10_000, Cause::Lifetime));
    assert_eq!(story.would(), lives);
    // It really is one generation still.
    story.tell(35_000, Event::Exited(Exit::Status(3)));
    let exited = Notice::Exited {
        generation: 1,
        exit: Exit::Status(3),
        age: Duration::from_secs(35),
        again_in: None,
    };
    assert!(story.said.contains(&exited), "{:?}", story.said);
}

#[test]
fn who_would_have_gone_idle_does_so_again_only_after_more_traffic() {
    let mut story = Story::running(observing(idle(10)));
    story.traffic = Some(1_000);
    assert_eq!(story.wait(100_000), None);
    assert_eq!(story.would(), [(11_000, 11_000, Cause::Idle)]);
    story.traffic = Some(100_500);
    assert_eq!(story.wait(200_000), None);
    assert_eq!(story.would(), [(110_500, 99_500, Cause::Idle)]);
    // A new generation's own connections would not arm it at once, either.
    story.traffic = None;
    story.more = Traffic { outbound: Some(at(112_499)), ..Traffic::default() };
    story.wait(150_000);
    assert_eq!(story.would(), []);
}

#[test]
fn what_settles_counts_from_there_too() {
    for (millis, cause) in [(12_999, None), (13_000, Some(Cause::Idle))] {
        let mut story = Story::running(observing(idle(10)));
        story.traffic = Some(1_000);
        story.wait(11_500);
        assert_eq!(story.would(), [(11_000, 11_000, Cause::Idle)]);
        let outbound = Some(at(millis));
        story.more = Traffic { outbound, ..Traffic::default() };
        story.wait(60_000);
        assert_eq!(story.would().pop().map(|(.., cause)| cause), cause, "{millis}");
    }
}

#[test]
fn with_a_floor_what_moved_before_does_not_count_again() {
    let rules = Rules { floor: Some(Threshold::Total(Bytes(64))), ..idle(10) };
    let mut story = Story::running(observing(rules));
    let received =
        |inbound, last| Some(Payload { inbound, last: Some(at(last)), ..Payload::default() });
    story.wait(1_000);
    story.more.payload = received(1_000, 1_000);
    assert_eq!(story.wait(100_000), None);
    let [(age, _, Cause::Idle)] = story.would()[..] else { panic!() };
    assert!((11_000..=11_500).contains(&age), "{age}");
    story.more.payload = received(1_064, 100_000);
    story.wait(200_000);
    assert_eq!(story.would(), [], "no more than the floor since then");
    story.more.payload = received(2_000, 200_000);
    story.wait(300_000);
    assert!(matches!(story.would()[..], [(_, _, Cause::Idle)]));
}

#[test]
fn a_young_one_is_spared_and_would_be_again() {
    let min_lifetime = Duration::from_secs(30);
    let mut story = Story::running(observing(Rules { min_lifetime, ..idle(10) }));
    story.traffic = Some(1_000);
    assert_eq!(story.wait(40_000), None);
    assert_eq!(story.would(), [(30_000, 30_000, Cause::Idle)]);
    story.traffic = Some(40_000);
    assert_eq!(story.wait(100_000), None);
    assert_eq!(story.would(), [(60_000, 30_000, Cause::Idle)], "30 s after the last");
}

#[test]
fn a_quiet_moment_is_waited_for_each_time() {
    let quiet = Some(Quiet { gap: Duration::from_secs(2), wait: Duration::from_secs(20) });
    let mut story = Story::running(observing(Rules { quiet, ..lifetime(10) }));
    for millis in (0..61_000).step_by(1_000) {
        story.traffic = Some(millis);
        assert_eq!(story.wait(millis + 999), None);
    }
    assert!(story.said.contains(&Notice::Held(Hold::Traffic)));
    let lives = [30_000, 60_000].map(|age| (age, 30_000, Cause::Lifetime));
    assert_eq!(story.would(), lives);
}

fn usr1(rules: Rules) -> Rules {
    let usr1 = Signal::parse("USR1").unwrap();
    observing(Rules { map: SignalMap(vec![(usr1, Mapped::Recycle)]), ..rules })
}

#[test]
fn a_recycle_that_a_signal_asks_for_is_told_in_each_state() {
    let mut story = Story::running(usr1(lifetime(10)));
    assert_eq!(story.signal(4_000, "USR1"), []);
    assert_eq!(story.wait(15_000), None);
    let would = [(4_000, 4_000, Cause::Signal), (14_000, 10_000, Cause::Lifetime)];
    assert_eq!(story.would(), would, "a new life from there");
    story.tell(16_000, Event::InputSpent);
    assert_eq!(story.signal(17_000, "USR1"), []);
    assert_eq!(story.would(), []);
    story.signal(18_000, "USR1");
    assert_eq!(story.said, [Notice::NothingLeftToRead]);

    let core = Lifecycle::new(usr1(plain()), at(0), 0);
    let mut starting = Story { core, ..Story::running(plain()) };
    starting.tell(0, Event::Due);
    assert_eq!(starting.signal(1, "USR1"), []);
    assert_eq!(starting.would(), [(1, 1, Cause::Signal)]);
    assert_eq!(starting.tell(2, Event::Started), []);
    let usr1 = Signal::parse("USR1").unwrap();
    let reason = Reason::Signal(usr1);
    starting.signal(3, "USR1");
    let (age, lived) = (Duration::from_millis(3), Duration::from_millis(2));
    let would = Notice::WouldRecycle { generation: 1, age, lived, reason };
    assert_eq!(starting.said.last(), Some(&would));
}

#[test]
fn early_crossings_are_no_storm_where_nothing_is_recycled() {
    let rules = Rules { memory: max_rss(100), restart: Restart::Always, ..plain() };
    let mut story = Story::running(observing(rules));
    let mut now = 0;
    for generation in 1..5 {
        story.rss = 150;
        story.wait(now + 1_500);
        assert!(matches!(story.would()[..], [(_, _, Cause::Rss)]), "{generation}");
        now += 70_000;
        story.rss = 0;
        story.tell(now, Event::Exited(Exit::Status(1)));
        story.tell(now, Event::TreeGone);
        let (started, _) = story.wait(now + 60_000).unwrap();
        now = started;
        story.tell(now, Event::Started);
    }
    let said = |notice: &Notice| matches!(notice, Notice::LimitTooLow { .. });
    assert!(!story.said.iter().any(said));
    story.signal(now, "INT");
    let observed = story.ends(now + 1_000, Event::Exited(Exit::Status(0)));
    assert_eq!(observed.generations, 5);
}
