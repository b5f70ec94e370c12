//! Stories about `--pre-stop`, which comes before a planned stop.

use super::*;
use crate::action::Preparation;
use crate::event::Halt;
use crate::notice::Opening;
use crate::reason::Reason;
use crate::rules::Mapped;

const TIMEOUT: Option<Duration> = Some(Duration::from_secs(4));

fn prepare(seconds: u64) -> Vec<Action> {
    let [age, limit] = [seconds; 2].map(Duration::from_secs);
    let reason = Reason::Lifetime { limit };
    vec![Action::Prepare(Preparation { generation: 1, age, reason })]
}

/// A generation that has lived its life of 10 s, and is prepared.
fn prepared(rules: Rules) -> Story {
    let rules = Rules { pre_stop: TIMEOUT, ..rules };
    let mut story = Story::running(Rules { lifetime: lifetime(10).lifetime, ..rules });
    assert_eq!(story.wait(60_000), Some((10_000, prepare(10))));
    story
}

fn opening(story: &Story) -> Option<Opening> {
    story.said.iter().find_map(|notice| match notice {
        Notice::Stopping { opening, .. } => Some(*opening),
        _ => None,
    })
}

#[test]
fn the_stop_begins_when_it_has_ended() {
    let mut story = prepared(plain());
    assert_eq!(story.tell(10_500, Event::Prepared { generation: 2 }), [], "another one's");
    assert_eq!(opening(&story), None);
    assert_eq!(story.tell(11_000, Event::Prepared { generation: 1 }), stop());
    assert_eq!(opening(&story), Some(Opening::Asked(Signal::TERM)));
    assert_eq!(story.wait(60_000), Some((14_000, vec![KILL])), "the stop timeout, from there");
    story.tell(14_000, Event::Exited(Exit::Killed(Signal::KILL)));
    assert_eq!(story.tell(14_000, Event::TreeGone), start(2, Cause::Lifetime));
}

#[test]
fn the_stop_begins_when_its_time_is_over() {
    let mut story = prepared(plain());
    assert_eq!(story.wait(13_999), None);
    assert_eq!(story.wait(60_000), Some((14_000, stop())));
    assert_eq!(story.tell(14_001, Event::Prepared { generation: 1 }), [], "too late");
}

#[test]
fn a_command_that_ends_meanwhile_was_recycled() {
    let mut story = prepared(plain());
    assert_eq!(story.tell(11_000, Event::Exited(Exit::Status(1))), [ASK]);
    assert_eq!(opening(&story), Some(Opening::Ended));
    assert_eq!(story.wait(60_000), Some((14_000, vec![KILL])), "what it left behind");
    assert_eq!(story.tell(14_001, Event::TreeGone), start(2, Cause::Lifetime));
}

#[test]
fn an_end_that_int_asked_for_is_the_end() {
    let mut story = prepared(plain());
    assert_eq!(story.signal(11_000, "INT"), [Action::Pass(Signal::INT)]);
    let end = Action::Quit(End::Status(1));
    assert_eq!(story.tell(12_000, Event::Exited(Exit::Status(1))), [end]);
    // One that takes INT for something else is stopped all the same, and that is the end.
    let mut story = prepared(plain());
    story.signal(11_000, "INT");
    assert_eq!(story.tell(11_500, Event::Prepared { generation: 1 }), stop());
    assert_eq!(story.wait(60_000), Some((14_500, vec![KILL])), "the stop has its time");
    assert_eq!(story.tell(14_600, Event::Exited(Exit::Status(1))), [KILL]);
    assert_eq!(story.tell(14_601, Event::TreeGone), [Action::Quit(End::Status(1))]);
}

/// HUP is a wish for an end only if COMMAND takes it for one, soon enough.
#[test]
fn an_end_that_hup_asked_for_comes_in_time_or_is_a_recycle() {
    for (ended, is_the_end) in [(13_999, true), (14_001, false)] {
        let mut story = prepared(plain());
        story.signal(11_000, "HUP");
        assert_eq!(story.tell(11_500, Event::Prepared { generation: 1 }), stop());
        let exited = story.tell(ended, Event::Exited(Exit::Status(1)));
        let quit = exited.last() == Some(&Action::Quit(End::Status(1)));
        assert_eq!(quit, is_the_end, "{exited:?}");
        if !is_the_end {
            assert_eq!(story.tell(ended, Event::TreeGone), start(2, Cause::Lifetime));
        }
    }
}

#[test]
fn an_end_long_after_an_int_is_a_recycle() {
    let stop_timeout = Duration::from_millis(100);
    let mut story = prepared(Rules { stop_timeout, ..plain() });
    story.signal(11_000, "INT");
    story.tell(11_100, Event::Exited(Exit::Status(1)));
    assert_eq!(story.tell(11_101, Event::TreeGone), start(2, Cause::Lifetime));
}

#[test]
fn term_is_the_end() {
    let mut story = prepared(plain());
    story.signal(11_000, "TERM");
    assert_eq!(story.wait(1_000_000), None, "no kill timer, and no stop");
    assert_eq!(story.tell(12_000, Event::Prepared { generation: 1 }), []);
    assert_eq!(story.tell(13_000, Event::Exited(Exit::Status(0))), [ASK]);
    assert_eq!(story.tell(13_001, Event::TreeGone), [Action::Quit(End::SUCCESS)]);
}

#[test]
fn input_that_ends_calls_it_off() {
    let mut story = prepared(plain());
    story.tell(11_000, Event::InputSpent);
    assert!(story.said.contains(&Notice::NothingLeftToRead));
    assert_eq!(story.tell(12_000, Event::Prepared { generation: 1 }), []);
    assert_eq!(story.wait(1_000_000), None);
}

/// Neither before nor for kill-rss.
#[test]
fn memory_that_cannot_wait_does_not() {
    let kill = Some((Bytes(200), Measure::Rss));
    let memory = MemoryRules { kill, ..MemoryRules::default() };
    let mut story = prepared(Rules { memory, ..plain() });
    story.rss = 250;
    let (killed, actions) = story.wait(60_000).unwrap();
    assert_eq!(actions, [KILL]);
    assert!(killed < 14_000);
    let mut story = Story::running(Rules { memory, pre_stop: TIMEOUT, ..plain() });
    story.rss = 250;
    assert_eq!(story.wait(60_000).map(|(_, actions)| actions), Some(vec![KILL]));
    assert_eq!(opening(&story), Some(Opening::Killed));
}

#[test]
fn a_generation_that_starts_is_prepared_too_and_may_fail() {
    let usr1 = Signal::parse("USR1").unwrap();
    let map = SignalMap(vec![(usr1, Mapped::Recycle)]);
    let rules = Rules { map, pre_stop: TIMEOUT, ..lifetime(10) };
    let mut story = Story::running(rules);
    story.wait(60_000);
    story.tell(10_000, Event::Prepared { generation: 1 });
    story.tell(10_000, Event::Exited(Exit::Status(0)));
    assert_eq!(story.tell(10_000, Event::TreeGone), start(2, Cause::Lifetime));
    let actions = story.signal(10_001, "USR1");
    assert!(matches!(actions[..], [Action::Prepare(Preparation { generation: 2, .. })]));
    let missing = Event::StartFailed(Failure { stage: Stage::Exec, errno: 2 });
    assert_eq!(story.tell(10_002, missing), []);
    assert_eq!(story.wait(60_000), Some((10_102, start(2, Cause::Signal))));
}

#[test]
fn a_start_that_fails_after_it_was_called_off_is_not_waited_for() {
    let usr1 = Signal::parse("USR1").unwrap();
    let map = SignalMap(vec![(usr1, Mapped::Recycle)]);
    let mut story = Story::running(Rules { map, pre_stop: TIMEOUT, ..lifetime(10) });
    story.wait(60_000);
    story.tell(10_000, Event::Prepared { generation: 1 });
    story.tell(10_000, Event::Exited(Exit::Status(0)));
    assert_eq!(story.tell(10_000, Event::TreeGone), start(2, Cause::Lifetime));
    story.signal(10_001, "USR1");
    story.tell(10_002, Event::InputSpent);
    story.tell(10_003, Event::StartFailed(Failure { stage: Stage::Exec, errno: 2 }));
    assert_eq!(story.wait(60_000), Some((10_103, start(2, Cause::Signal))));
}

/// A stop comes: no shell takes over now.
#[test]
fn a_ctrl_z_is_undone() {
    let mut story = prepared(plain());
    let halt = Halt { signal: Signal::TSTP, terminal: true, foreground: false, shell: true };
    let stopped = Event::Stopped(halt);
    assert_eq!(story.tell(11_000, stopped), [Action::Wake]);
}
