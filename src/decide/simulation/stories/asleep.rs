//! Stories about `--then wait`: after a planned stop, nothing runs until input waits.

use super::*;
use crate::rules::{Lines, Mapped, Then};

/// A life of 10 s, and then sleep.
fn rules() -> Rules {
    Rules { then: Then::Wait, ..lifetime(10) }
}

fn lines() -> Option<Lines> {
    Some(Lines { longest: Bytes(1 << 20), drain_timeout: Duration::ZERO })
}

/// It has lived its life of 10 s and is gone.
fn asleep(rules: Rules, exit: Exit) -> Story {
    let mut story = Story::running(rules);
    assert!(story.wait(10_000).is_some());
    story.tell(10_000, Event::InputCut);
    story.wait(10_000);
    assert_eq!(story.tell(10_001, Event::Exited(exit)), [ASK]);
    assert_eq!(story.tell(10_002, Event::TreeGone), []);
    assert!(story.core.awaits_input());
    assert_eq!(story.said.last(), Some(&Notice::Waiting { generation: 1 }));
    story
}

const BY_TERM: Exit = Exit::Killed(Signal::TERM);

#[test]
fn the_first_byte_after_an_hour_starts_a_fresh_generation() {
    for lines in [None, lines()] {
        let mut story = asleep(Rules { lines, ..rules() }, BY_TERM);
        assert_eq!(story.core.deadline(), None, "nothing of ours wakes");
        let hour = 3_600_000;
        assert_eq!(story.tell(hour, Event::InputWaits), start(2, Cause::Lifetime));
        story.tell(hour, Event::Started);
        assert!(!story.core.awaits_input());
        assert_eq!(story.wait(2 * hour).map(|(millis, _)| millis), Some(hour + 10_000));
    }
}

#[test]
fn what_is_told_meanwhile_changes_nothing() {
    let mut story = asleep(rules(), BY_TERM);
    let late = [
        Event::Due,
        Event::TreeGone,
        Event::Prepared { generation: 1 },
        Event::Overslept { since: at(10_000) },
        Event::InputCut,
        Event::LinesTaken { lines: 1 },
        moved(20_000),
    ];
    for event in late {
        assert_eq!(story.tell(20_000, event), []);
        assert_eq!(story.core.deadline(), None);
    }
    assert_eq!(story.tell(30_000, Event::InputWaits), start(2, Cause::Lifetime));
}

#[test]
fn the_end_of_input_is_the_end_and_says_how_the_last_generation_ended() {
    for (exit, end) in [(BY_TERM, End::SUCCESS), (Exit::Status(4), End::Status(4))] {
        let mut story = asleep(rules(), exit);
        assert_eq!(story.tell(20_000, Event::InputEnded), [Action::Quit(end)]);
        // Of lines, some may be left.
        let mut story = asleep(Rules { lines: lines(), ..rules() }, exit);
        assert_eq!(story.tell(20_000, Event::InputEnded), []);
        assert_eq!(story.core.deadline(), None);
        assert_eq!(story.tell(20_001, Event::InputSpent), [Action::Quit(end)]);
        let mut story = asleep(Rules { lines: lines(), ..rules() }, exit);
        story.tell(20_000, Event::InputEnded);
        assert_eq!(story.tell(20_001, Event::InputWaits), start(2, Cause::Lifetime));
    }
}

/// Whoever wrote them is gone: they wait none the less.
#[test]
fn bytes_that_came_while_a_generation_was_stopped_start_another() {
    let mut story = Story::running(rules());
    assert_eq!(story.wait(10_000), Some((10_000, stop())));
    for event in [Event::InputEnded, Event::InputSpent, Event::Exited(BY_TERM)] {
        story.tell(10_001, event);
    }
    assert_eq!(story.tell(10_002, Event::TreeGone), []);
    assert_eq!(story.tell(10_002, Event::InputSpent), [], "for what comes after the next one");
    assert_eq!(story.tell(10_002, Event::InputWaits), start(2, Cause::Lifetime));
    story.tell(10_003, Event::Started);
    assert_eq!(story.wait(1_000_000), None, "that one has the rest");
}

#[test]
fn a_wish_for_an_end_is_granted_at_once_and_other_signals_have_nobody_to_go_to() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let mut story = asleep(rules(), BY_TERM);
        let signalled = Event::Signalled { signal, shared: false };
        assert_eq!(story.tell(20_000, signalled), [Action::Quit(End::Signal(signal))]);
    }
    let map = SignalMap(vec![(Signal::parse("USR1").unwrap(), Mapped::Recycle)]);
    let mut story = asleep(Rules { map, ..rules() }, BY_TERM);
    for name in ["HUP", "USR1", "USR2", "CONT", "WINCH"] {
        assert_eq!(story.signal(20_000, name), [], "{name}");
    }
    assert_eq!(story.signal(20_000, "TSTP"), [], "it was meant for COMMAND");
    let typed = Event::Signalled { signal: Signal::TSTP, shared: true };
    assert_eq!(story.tell(20_000, typed), [Action::Suspend(Signal::TSTP)]);
    assert!(story.core.awaits_input());
}

#[test]
fn a_restart_waits_for_nothing_but_its_delay() {
    let mut story = Story::running(Rules { restart: Restart::Always, ..rules() });
    story.tell(1_000, Event::Exited(Exit::Status(1)));
    assert_eq!(story.tell(1_001, Event::TreeGone), []);
    assert!(!story.core.awaits_input());
    assert_eq!(story.wait(60_000), Some((1_100, start(2, Cause::Exit))));
}

#[test]
fn a_start_that_failed_waits_for_its_delay_and_for_input() {
    let mut story = asleep(rules(), BY_TERM);
    assert_eq!(story.tell(20_000, Event::InputWaits), start(2, Cause::Lifetime));
    let missing = Event::StartFailed(Failure { stage: Stage::Exec, errno: 2 });
    assert_eq!(story.tell(20_000, missing), []);
    assert_eq!(story.tell(20_050, Event::InputWaits), [], "not yet");
    assert_eq!(story.wait(60_000), None);
    assert!(story.core.awaits_input());
    assert_eq!(story.tell(60_000, Event::InputWaits), start(2, Cause::Lifetime));
}

#[test]
fn a_storm_of_kills_waits_for_its_delay_and_for_input() {
    let kill = Some((Bytes(100), Measure::Rss));
    let memory = MemoryRules { kill, ..MemoryRules::default() };
    let mut story = Story::running(Rules { memory, then: Then::Wait, ..plain() });
    story.rss = 150;
    for (generation, asleep) in [(2, true), (3, false)] {
        let began = story.core.deadline().unwrap();
        let (millis, actions) = story.wait(1_000_000).unwrap();
        assert_eq!(actions, [KILL]);
        assert!(at(millis) >= began);
        story.tell(millis, Event::Exited(Exit::Killed(Signal::KILL)));
        assert_eq!(story.tell(millis, Event::TreeGone), []);
        assert_eq!(story.core.awaits_input(), asleep, "the second one is held back first");
        if !asleep {
            assert_eq!(story.tell(millis + 99, Event::InputWaits), []);
            assert_eq!(story.core.deadline(), Some(at(millis + 100)));
        }
        assert_eq!(story.wait(millis + 100), None);
        assert_eq!(story.tell(millis + 200, Event::InputWaits), start(generation, Cause::KillRss));
        story.tell(millis + 200, Event::Started);
    }
}
