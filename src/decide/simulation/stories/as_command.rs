//! Stories about `--then command`: a planned stop is the end, and we end as COMMAND ended.

use super::*;
use crate::rules::{Lines, Then};

const BY_TERM: Exit = Exit::Killed(Signal::TERM);
const BY_KILL: Exit = Exit::Killed(Signal::KILL);

/// A life of 10 s.
fn rules() -> Rules {
    Rules { then: Then::AsCommand, ..lifetime(10) }
}

fn quit(exit: Exit) -> Vec<Action> {
    vec![Action::Quit(exit.into())]
}

/// It was asked to stop at 10 s.
fn stopping(rules: Rules) -> Story {
    let mut story = Story::running(rules);
    assert_eq!(story.wait(60_000), Some((10_000, stop())));
    story
}

#[test]
fn recycle_ends_as_command_ended_after_the_stop_signal() {
    for exit in [Exit::Status(0), Exit::Status(3), BY_TERM, Exit::Killed(Signal::PIPE)] {
        let mut story = stopping(rules());
        assert_eq!(story.tell(10_001, Event::Exited(exit)), [ASK]);
        assert_eq!(story.tell(10_002, Event::TreeGone), quit(exit), "{exit}");
    }
}

#[test]
fn a_fixed_status_stays_whatever_ended_command() {
    for status in [0, 7] {
        let mut story = stopping(Rules { then: Then::Exit(status), ..rules() });
        assert_eq!(story.wait(60_000), Some((13_000, vec![KILL])));
        story.tell(13_001, Event::Exited(BY_KILL));
        let end = [Action::Quit(End::Status(status))];
        assert_eq!(story.tell(13_002, Event::TreeGone), end);
    }
}

#[test]
fn recycle_ends_by_kill_if_kill_was_needed() {
    let mut story = stopping(rules());
    assert_eq!(story.wait(60_000), Some((13_000, vec![KILL])));
    assert_eq!(story.tell(13_001, Event::Exited(BY_KILL)), [KILL]);
    assert_eq!(story.tell(13_002, Event::TreeGone), quit(BY_KILL));
}

/// COMMAND did as it was told: what it left behind says nothing about it.
#[test]
fn a_kill_of_what_command_left_behind_changes_nothing() {
    let mut story = stopping(rules());
    assert_eq!(story.tell(10_001, Event::Exited(Exit::Status(3))), [ASK]);
    assert_eq!(story.wait(60_000), Some((13_000, vec![KILL])));
    assert_eq!(story.tell(13_002, Event::TreeGone), quit(Exit::Status(3)));
}

#[test]
fn kill_rss_ends_recycle_by_kill() {
    let memory = MemoryRules { kill: Some((Bytes(200), Measure::Rss)), ..MemoryRules::default() };
    let mut story = Story::running(Rules { memory, then: Then::AsCommand, ..plain() });
    story.rss = 250;
    let (_, actions) = story.wait(20_000).unwrap();
    assert_eq!(actions, [KILL]);
    assert_eq!(story.tell(20_001, Event::Exited(BY_KILL)), [KILL]);
    assert_eq!(story.tell(20_002, Event::TreeGone), quit(BY_KILL));
}

#[test]
fn one_that_ends_during_pre_stop_is_not_restarted() {
    let pre_stop = Some(Duration::from_secs(4));
    for exit in [Exit::Status(0), Exit::Status(4), Exit::Killed(Signal::HUP)] {
        let mut story = Story::running(Rules { pre_stop, restart: Restart::Always, ..rules() });
        story.wait(10_000);
        assert_eq!(story.tell(10_500, Event::Exited(exit)), [ASK]);
        assert_eq!(story.tell(10_501, Event::TreeGone), quit(exit), "{exit}");
    }
}

#[test]
fn one_that_comes_to_the_end_of_its_lines_ends_recycle() {
    let lines = Some(Lines { longest: Bytes(1 << 20), drain_timeout: Duration::from_secs(9) });
    let mut story = Story::running(Rules { lines, ..rules() });
    assert_eq!(story.wait(60_000), Some((10_000, vec![Action::CutInput])));
    story.tell(10_001, Event::InputCut);
    assert_eq!(story.tell(11_000, Event::Exited(Exit::Status(5))), [ASK]);
    assert_eq!(story.tell(11_001, Event::TreeGone), quit(Exit::Status(5)));
}

/// With `--then restart` that would be 0: nothing is left to start for.
#[test]
fn our_own_stop_signal_is_not_taken_for_success_at_the_end_of_input() {
    let lines = Some(Lines { longest: Bytes(1 << 20), drain_timeout: Duration::ZERO });
    for (then, end) in
        [(Then::AsCommand, quit(BY_TERM)), (Then::Restart, vec![Action::Quit(End::SUCCESS)])]
    {
        let mut story = Story::running(Rules { lines, then, ..rules() });
        story.wait(10_000);
        story.tell(10_000, Event::InputCut);
        assert_eq!(story.wait(10_000), Some((10_000, stop())));
        story.tell(10_001, Event::InputSpent);
        assert_eq!(story.tell(10_002, Event::Exited(BY_TERM)), [ASK]);
        assert_eq!(story.tell(10_003, Event::TreeGone), end);
    }
}

#[test]
fn a_stop_at_the_end_of_input_ends_the_same() {
    let eof_timeout = Some(Duration::from_secs(5));
    for exit in [Exit::Status(3), BY_TERM] {
        let mut story = Story::running(Rules { eof_timeout, ..rules() });
        story.tell(2_000, Event::InputEnded);
        assert_eq!(story.wait(60_000), Some((7_000, stop())));
        assert_eq!(story.tell(7_100, Event::Exited(exit)), [ASK]);
        assert_eq!(story.tell(7_101, Event::TreeGone), quit(exit));
    }
}

#[test]
fn an_end_that_nobody_planned_is_restarted() {
    let mut story = Story::running(Rules { restart: Restart::OnFailure, ..rules() });
    assert_eq!(story.tell(1_000, Event::Exited(Exit::Status(3))), [ASK]);
    assert_eq!(story.tell(1_001, Event::TreeGone), []);
    assert_eq!(story.wait(60_000), Some((1_100, start(2, Cause::Exit))));
}
