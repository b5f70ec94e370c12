//! COMMAND's file is missing for a while, because somebody deploys.

use super::*;
use crate::notice::Hold;
use crate::reason::Reason;
use crate::rules::{Budget, Mapped, Then};

const MISSING: Failure = Failure { stage: Stage::Exec, errno: 2 };
const FORBIDDEN: Failure = Failure { stage: Stage::Exec, errno: 13 };

/// When the recycle was found to be held, and by what.
fn cannot(story: &Story) -> Vec<Failure> {
    let failures = story.said.iter().filter_map(|notice| match notice {
        Notice::CannotRecycle { failure, .. } => Some(*failure),
        _ => None,
    });
    failures.collect()
}

fn usr1(then: Then) -> Rules {
    let map = SignalMap(vec![(Signal::parse("USR1").unwrap(), Mapped::Recycle)]);
    Rules { map, then, ..plain() }
}

fn ask() -> Event {
    Event::Signalled { signal: Signal::parse("USR1").unwrap(), shared: false }
}

#[test]
fn a_generation_that_none_could_follow_is_kept() {
    let mut story = Story::running(lifetime(10));
    story.obstacle = Some(MISSING);
    assert_eq!(story.wait(15_000), None);
    assert_eq!(cannot(&story), [MISSING], "said once");
    assert!(!story.said.contains(&Notice::Held(Hold::Unstartable)), "that is the same");
    story.obstacle = Some(FORBIDDEN);
    assert_eq!(story.wait(20_000), None);
    assert_eq!(cannot(&story), [MISSING, FORBIDDEN], "another reason is said");
    story.obstacle = None;
    // Looks at 10.1, 10.3, 10.7, 11.5 s, and then every second.
    assert_eq!(story.wait(60_000), Some((20_500, stop())));
}

#[test]
fn pauses_begin_anew_with_each_generation() {
    let mut story = Story::running(lifetime(10));
    story.obstacle = Some(MISSING);
    assert_eq!(story.wait(15_000), None);
    story.obstacle = None;
    assert_eq!(story.wait(60_000), Some((15_500, stop())));
    story.tell(15_500, Event::Exited(Exit::Status(0)));
    story.tell(15_500, Event::TreeGone);
    story.tell(15_500, Event::Started);
    story.obstacle = Some(MISSING);
    assert_eq!(story.wait(25_550), None);
    story.obstacle = None;
    assert_eq!(story.wait(60_000), Some((25_600, stop())));
}

#[test]
fn what_a_signal_asks_for_comes_when_it_can() {
    let mut story = Story::running(usr1(Then::Restart));
    story.obstacle = Some(MISSING);
    assert_eq!(story.tell(1_000, ask()), []);
    assert_eq!(story.wait(1_250), None);
    // A debugger does not hold what was asked for.
    (story.obstacle, story.stopped) = (None, true);
    let reason = Reason::Signal(Signal::parse("USR1").unwrap());
    assert_eq!(story.wait(60_000), Some((1_300, stop())));
    let due = Notice::Due { generation: 1, age: Duration::from_millis(1_300), reason };
    assert!(story.said.contains(&due));
}

#[test]
fn an_end_and_an_emergency_ask_nobody() {
    for then in [Then::Exit(0), Then::AsCommand] {
        let mut story = Story::running(usr1(then));
        story.obstacle = Some(MISSING);
        assert_eq!(story.tell(1_000, ask()), stop());
    }

    let kill = Some((Bytes(200), Measure::Rss));
    let memory = MemoryRules { kill, ..MemoryRules::default() };
    let mut story = Story::running(Rules { memory, ..lifetime(10) });
    story.obstacle = Some(MISSING);
    assert_eq!(story.wait(15_000), None);
    story.rss = 250;
    let (_, actions) = story.wait(20_000).unwrap();
    assert_eq!(actions, [KILL], "also while a recycle is held");
}

#[test]
fn an_idle_recycle_is_off_when_traffic_comes_while_it_is_held() {
    let idle = Idle { after: Duration::from_secs(10), settle: Duration::ZERO };
    let mut story = Story::running(Rules { idle: Some(idle), ..plain() });
    story.tell(1_000, moved(1_000));
    story.obstacle = Some(MISSING);
    assert_eq!(story.wait(12_000), None);
    assert_eq!(cannot(&story), [MISSING]);
    story.tell(12_000, moved(12_000));
    story.obstacle = None;
    assert_eq!(story.wait(60_000), Some((22_000, stop())));
}

#[test]
fn a_start_is_tried_again_for_ever() {
    let max_restarts = Budget { restarts: 0, window: Duration::from_secs(60) };
    let mut story = Story::running(Rules { max_restarts, ..lifetime(10) });
    story.wait(10_000);
    story.tell(10_000, Event::Exited(Exit::Status(0)));
    assert_eq!(story.tell(10_000, Event::TreeGone), start(2, Cause::Lifetime));
    let mut at = 10_000;
    for pause in [100, 200, 400, 800, 1_000, 1_000, 1_000] {
        assert_eq!(story.tell(at, Event::StartFailed(MISSING)), []);
        at += pause;
        assert_eq!(story.wait(1_000_000), Some((at, start(2, Cause::Lifetime))));
    }
    let again: Vec<_> = story
        .said
        .iter()
        .filter_map(|notice| match notice {
            Notice::StartFailed { again, .. } => Some(*again),
            _ => None,
        })
        .collect();
    assert_eq!(again, [false, true, true, true, true, true, true]);
    story.tell(at, Event::StartFailed(FORBIDDEN));
    let Some(Notice::StartFailed { again: false, .. }) =
        story.said.iter().rev().find(|notice| matches!(notice, Notice::StartFailed { .. }))
    else {
        panic!("another failure is another line: {:?}", story.said)
    };
    // TERM ends it.
    let term = Event::Signalled { signal: Signal::TERM, shared: false };
    assert_eq!(story.tell(at, term), [Action::Quit(End::Signal(Signal::TERM))]);
}

#[test]
fn a_generation_that_ran_begins_the_pauses_anew() {
    let mut story = Story::running(lifetime(10));
    story.wait(10_000);
    story.tell(10_000, Event::Exited(Exit::Status(0)));
    story.tell(10_000, Event::TreeGone);
    story.tell(10_000, Event::StartFailed(MISSING));
    assert_eq!(story.wait(1_000_000), Some((10_100, start(2, Cause::Lifetime))));
    story.tell(10_100, Event::Started);
    assert_eq!(story.wait(1_000_000), Some((20_100, stop())));
    story.tell(20_100, Event::Exited(Exit::Status(0)));
    story.tell(20_100, Event::TreeGone);
    story.tell(20_100, Event::StartFailed(MISSING));
    assert_eq!(story.wait(1_000_000), Some((20_200, start(3, Cause::Lifetime))));
}

#[test]
fn a_look_that_is_awaited_is_not_asked_for_again() {
    let lifetime = lifetime(10).lifetime;
    let mut story = Story::running(Rules { lifetime, ..usr1(Then::Restart) });
    let (mut actions, step) = (Vec::new(), at(10_000));
    story.core.step(step, Event::Due, &mut actions);
    let [Action::Look(look)] = actions[..] else { panic!("{actions:?}") };
    actions.clear();
    story.core.step(step, ask(), &mut actions);
    assert_eq!(actions, [Action::Check]);
    actions.clear();
    story.core.step(step, Event::Checked(Some(MISSING)), &mut actions);
    assert!(!actions.iter().any(|action| matches!(action, Action::Look(_))), "{actions:?}");
    let answer = story.answer(10_000, look);
    assert_eq!(story.tell(10_000, answer), []);
    assert_eq!(story.wait(60_000), Some((10_100, stop())));
}
