//! Stories about `--eof-timeout`: what outlives its input is stopped for good.

use super::*;
use crate::event::Halt;
use crate::rules::{Lines, Mapped, Observe, Then};

/// 5 s.
fn rules() -> Rules {
    let eof_timeout = Some(Duration::from_secs(5));
    Rules { eof_timeout, restart: Restart::Always, ..plain() }
}

fn killed(signal: Signal) -> Event {
    Event::Exited(Exit::Killed(signal))
}

const BY_TERM: Action = Action::Quit(End::Signal(Signal::TERM));

/// Input ended at 2 s, and COMMAND is stopped.
fn outliving(rules: Rules) -> Story {
    let mut story = Story::running(rules);
    assert_eq!(story.tell(2_000, Event::InputEnded), []);
    assert_eq!(story.tell(3_000, Event::InputEnded), [], "the first one counts");
    assert_eq!(story.wait(60_000), Some((7_000, stop())));
    let after = Duration::from_secs(5);
    assert!(story.said.contains(&Notice::OutlivedInput { after }));
    story
}

#[test]
fn its_end_is_ours_when_its_tree_is_gone() {
    let mut story = outliving(rules());
    assert_eq!(story.tell(7_100, killed(Signal::TERM)), [ASK]);
    assert_eq!(story.wait(60_000), Some((10_000, vec![KILL])), "what it left behind");
    assert_eq!(story.tell(10_001, Event::TreeGone), [BY_TERM]);
    let mut story = outliving(rules());
    assert_eq!(story.tell(7_100, Event::Exited(Exit::Status(3))), [ASK]);
    assert_eq!(story.tell(7_101, Event::TreeGone), [Action::Quit(End::Status(3))]);
}

#[test]
fn kill_comes_at_the_stop_timeout() {
    let mut story = outliving(rules());
    assert_eq!(story.wait(60_000), Some((10_000, vec![KILL])));
    assert_eq!(story.tell(10_001, killed(Signal::KILL)), [KILL]);
    let by_kill = Action::Quit(End::Signal(Signal::KILL));
    assert_eq!(story.tell(10_002, Event::TreeGone), [by_kill]);
}

#[test]
fn who_ends_in_time_ends_as_ever() {
    let mut story = Story::running(Rules { restart: Restart::Never, ..rules() });
    story.tell(2_000, Event::InputEnded);
    let ended = Event::Exited(Exit::Status(4));
    assert_eq!(story.tell(6_999, ended), [Action::Quit(End::Status(4))]);
    // Nothing is counted where input goes on.
    assert_eq!(Story::running(rules()).wait(1_000_000), None);
}

#[test]
fn a_restart_comes_only_within_the_time() {
    for (crashed, wakes) in
        [(6_800, (6_900, start(2, Cause::Exit))), (6_950, (7_000, vec![BY_TERM]))]
    {
        let mut story = Story::running(rules());
        story.tell(2_000, Event::InputEnded);
        assert_eq!(story.tell(crashed, killed(Signal::TERM)), [ASK]);
        assert_eq!(story.tell(crashed + 10, Event::TreeGone), []);
        assert_eq!(story.wait(60_000), Some(wakes));
    }
    // What it left behind took until then.
    let mut story = Story::running(rules());
    story.tell(2_000, Event::InputEnded);
    story.tell(6_000, killed(Signal::TERM));
    assert_eq!(story.tell(7_000, Event::TreeGone), [BY_TERM]);
}

#[test]
fn a_generation_that_starts_too_late_is_stopped_at_once() {
    let mut story = Story::running(rules());
    story.tell(2_000, Event::InputEnded);
    story.tell(6_800, killed(Signal::TERM));
    story.tell(6_800, Event::TreeGone);
    assert_eq!(story.wait(60_000), Some((6_900, start(2, Cause::Exit))));
    assert_eq!(story.core.deadline(), None, "its program does not run yet");
    assert_eq!(story.tell(7_001, Event::Started), stop());
    // One that cannot be started is not tried again.
    let mut story = Story::running(rules());
    story.tell(2_000, Event::InputEnded);
    story.tell(6_800, killed(Signal::TERM));
    story.tell(6_800, Event::TreeGone);
    story.wait(60_000);
    let missing = Event::StartFailed(Failure { stage: Stage::Exec, errno: 2 });
    assert_eq!(story.tell(7_001, missing), [Action::Quit(End::Status(127))]);
}

#[test]
fn it_does_not_wait_for_what_is_prepared_or_drained() {
    let pre_stop = Some(Duration::from_secs(60));
    let prepared = Rules { pre_stop, lifetime: lifetime(4).lifetime, ..rules() };
    let mut story = Story::running(prepared);
    story.tell(2_000, Event::InputEnded);
    let (millis, actions) = story.wait(60_000).unwrap();
    assert!(matches!(actions[..], [Action::Prepare(_)]));
    assert_eq!(millis, 4_000);
    assert_eq!(story.wait(60_000), Some((7_000, stop())));
    assert_eq!(story.tell(7_001, Event::Prepared { generation: 1 }), []);

    for cut in [true, false] {
        let lines = Lines { longest: Bytes(1), drain_timeout: Duration::from_secs(60) };
        let drained = Rules { lines: Some(lines), lifetime: lifetime(4).lifetime, ..rules() };
        let mut story = Story::running(drained);
        story.tell(2_000, Event::InputEnded);
        assert_eq!(story.wait(60_000), Some((4_000, vec![Action::CutInput])));
        if cut {
            story.tell(4_000, Event::InputCut);
        }
        assert_eq!(story.wait(60_000), Some((7_000, stop())));
        assert_eq!(story.tell(7_100, killed(Signal::TERM)), [ASK]);
        assert_eq!(story.tell(7_100, Event::TreeGone), [BY_TERM]);
    }
}

/// A planned stop that began before goes on; only that nothing follows.
#[test]
fn a_stop_that_had_begun_has_its_time() {
    for then in [Then::Restart, Then::Wait] {
        let lifetime = lifetime(6).lifetime;
        let mut story = Story::running(Rules { lifetime, then, ..rules() });
        story.tell(2_000, Event::InputEnded);
        assert_eq!(story.wait(60_000), Some((6_000, stop())));
        assert_eq!(story.wait(60_000), Some((9_000, vec![KILL])));
        story.tell(9_001, killed(Signal::TERM));
        let end = Action::Quit(End::SUCCESS);
        assert_eq!(story.tell(9_002, Event::TreeGone), [end], "that is what it was asked for");
    }
}

#[test]
fn term_and_int_are_the_end_with_the_time_that_was_left() {
    let by_int = Action::Quit(End::Signal(Signal::INT));
    let cases = [("TERM", stop(), BY_TERM), ("INT", vec![Action::Pass(Signal::INT)], by_int)];
    for (name, passed, end) in cases {
        let mut story = outliving(rules());
        assert_eq!(story.signal(8_000, name), passed);
        assert_eq!(story.wait(60_000), Some((10_000, vec![KILL])));
        assert_eq!(story.tell(10_001, killed(Signal::TERM)), [KILL]);
        assert_eq!(story.tell(10_002, Event::TreeGone), [end]);
    }
    let mut story = outliving(rules());
    story.tell(7_100, killed(Signal::TERM));
    assert_eq!(story.signal(7_200, "TERM"), [Action::PassToRest(Signal::TERM)]);
    assert_eq!(story.tell(7_300, Event::TreeGone), [BY_TERM]);
}

#[test]
fn nothing_else_is_planned_and_only_kill_rss_comes_before() {
    let kill = Some((Bytes(200), Measure::Rss));
    let memory = MemoryRules { kill, ..MemoryRules::default() };
    let map = SignalMap(vec![(Signal::parse("USR1").unwrap(), Mapped::Recycle)]);
    let mut story = outliving(Rules { memory, map, ..rules() });
    assert_eq!(story.signal(7_500, "USR1"), []);
    assert_eq!(story.signal(7_500, "HUP"), [Action::Pass(Signal::HUP)]);
    story.rss = 250;
    let (millis, actions) = story.wait(60_000).unwrap();
    assert_eq!(actions, [KILL]);
    assert!(millis < 10_000, "{millis}");
    assert_eq!(story.tell(millis, killed(Signal::KILL)), [KILL]);
    let by_kill = Action::Quit(End::Signal(Signal::KILL));
    assert_eq!(story.tell(millis, Event::TreeGone), [by_kill]);
}

#[test]
fn a_ctrl_z_is_undone_and_what_refuses_kill_is_the_end() {
    let mut story = outliving(rules());
    let halt = Halt { signal: Signal::TSTP, terminal: true, foreground: false, shell: true };
    let stopped = Event::Stopped(halt);
    assert_eq!(story.tell(7_500, stopped), [Action::Wake]);
    assert_eq!(story.tell(7_500, Event::TreeDefied), [], "it may still go by itself");
    assert_eq!(story.tell(60_000, Event::Overslept { since: at(7_500) }), []);
    assert_eq!(story.wait(100_000), Some((62_500, vec![KILL])), "2.5 s were left");
    assert_eq!(story.tell(62_501, Event::TreeDefied), [Action::Quit(End::FAILED)]);
}

/// With `--observe` nothing is recycled; this is no recycle.
#[test]
fn it_is_stopped_also_where_recycles_are_only_told() {
    let observe = Some(Observe { memory: Bytes(1 << 30) });
    let lifetime = lifetime(4).lifetime;
    let mut story = outliving(Rules { observe, lifetime, ..rules() });
    story.tell(7_100, killed(Signal::TERM));
    assert_eq!(story.tell(7_100, Event::TreeGone), [BY_TERM]);
}

/// Whether an input that this COMMAND does not want is kept for somebody.
#[test]
fn input_is_wanted_as_long_as_another_generation_or_its_end_may_be() {
    let wants = |rules: Rules| Story::running(rules).core.may_want_input();
    assert!(!wants(plain()));
    assert!(wants(lifetime(10)), "a recycle");
    assert!(wants(Rules { restart: Restart::OnFailure, ..plain() }), "a restart");
    assert!(wants(Rules { eof_timeout: Some(Duration::from_secs(1)), ..plain() }), "its end");
    let observe = Some(Observe { memory: Bytes(1 << 30) });
    assert!(!wants(Rules { observe, ..lifetime(10) }), "told, and never come");
    let mut story = Story::running(lifetime(10));
    story.signal(1_000, "TERM");
    assert!(!story.core.may_want_input(), "the last one");
}

/// Lines have ended before there was anybody to read them: `</dev/null`.
#[test]
fn the_first_generation_is_started_for_nothing_as_well() {
    let lines = Some(Lines { longest: Bytes(1), drain_timeout: Duration::ZERO });
    let mut core = Lifecycle::new(Rules { lines, ..rules() }, at(0), 0);
    let mut actions = Vec::new();
    for event in [Event::InputEnded, Event::InputSpent, Event::Due] {
        core.step(at(6_000), event, &mut actions);
    }
    assert_eq!(actions, [Action::Start { generation: 1, cause: None }]);
}

/// Of its input nothing is left, and no time: the first generation may still want to know.
#[test]
fn the_first_generation_starts_even_if_the_time_after_the_end_of_input_is_over() {
    let rules = Rules { eof_timeout: Some(Duration::ZERO), ..plain() };
    let mut core = Lifecycle::new(rules, at(0), 0);
    let mut actions = Vec::new();
    core.step(at(0), Event::InputEnded, &mut actions);
    assert_eq!(core.deadline(), Some(at(0)));
    core.step(at(1), Event::Due, &mut actions);
    assert_eq!(actions, [Action::Start { generation: 1, cause: None }]);
}

/// A time at which nothing would be done is not a deadline.
#[test]
fn the_first_generation_is_due_at_its_own_time_whenever_the_input_has_ended() {
    let rules = Rules { eof_timeout: Some(Duration::ZERO), ..plain() };
    let mut core = Lifecycle::new(rules, at(10), 0);
    core.step(at(0), Event::InputEnded, &mut Vec::new());
    assert_eq!(core.deadline(), Some(at(10)));
}
