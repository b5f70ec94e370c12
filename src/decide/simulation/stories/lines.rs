//! Stories about `--stdin lines`: a recycle ends COMMAND's input, and gives it time to end by
//! itself.

use super::*;
use crate::action::Preparation;
use crate::notice::{Opening, Recycled};
use crate::reason::Reason;
use crate::rules::{Budget, Lines, Mapped};

const CUT: Action = Action::CutInput;

fn lines(drain_timeout: u64) -> Option<Lines> {
    let drain_timeout = Duration::from_secs(drain_timeout);
    Some(Lines { longest: Bytes(1 << 20), drain_timeout })
}

/// A life of 10 s, and 30 s to drain.
fn rules() -> Rules {
    Rules { lines: lines(30), ..lifetime(10) }
}

fn usr1() -> SignalMap {
    SignalMap(vec![(Signal::parse("USR1").unwrap(), Mapped::Recycle)])
}

fn exited(status: u8) -> Event {
    Event::Exited(Exit::Status(status))
}

fn killed(signal: Signal) -> Event {
    Event::Exited(Exit::Killed(signal))
}

fn ends(status: u8) -> Vec<Action> {
    vec![Action::Quit(End::Status(status))]
}

/// One whose life of 10 s is over, and whose input is closed.
fn draining(rules: Rules) -> Story {
    let mut story = Story::running(rules);
    assert_eq!(story.wait(60_000), Some((10_000, vec![CUT])));
    assert_eq!(story.tell(10_000, Event::InputCut), []);
    story
}

fn recycled(story: &Story) -> Option<Recycled> {
    story.said.iter().find_map(|notice| match notice {
        Notice::Recycled(recycled) => Some(*recycled),
        _ => None,
    })
}

#[test]
fn who_comes_to_the_end_of_its_input_is_recycled_and_signalled_by_nobody() {
    let mut story = draining(rules());
    assert_eq!(story.wait(39_999), None);
    assert_eq!(story.tell(39_999, exited(0)), [ASK]);
    assert_eq!(story.tell(40_100, Event::TreeGone), start(2, Cause::Lifetime));
    let limit = Duration::from_secs(10);
    let told = Recycled {
        generation: 1,
        reason: Reason::Lifetime { limit },
        age: limit,
        opening: Opening::Drained,
        killed_after: None,
        gone_in: Duration::from_millis(30_100),
    };
    assert_eq!(recycled(&story), Some(told), "both from the end of its input on");
}

#[test]
fn the_stop_begins_exactly_at_the_drain_timeout() {
    let mut story = draining(rules());
    assert_eq!(story.wait(60_000), Some((40_000, stop())));
    assert_eq!(story.wait(60_000), Some((43_000, vec![KILL])));
    story.tell(43_001, killed(Signal::KILL));
    assert_eq!(story.tell(43_010, Event::TreeGone), start(2, Cause::Lifetime));
    let told = recycled(&story).unwrap();
    assert_eq!(told.opening, Opening::Asked(Signal::TERM));
    assert_eq!((told.age, told.gone_in), (Duration::from_secs(40), Duration::from_millis(3_010)));

    let mut story = draining(Rules { lines: lines(0), ..rules() });
    assert_eq!(story.wait(60_000), Some((10_000, stop())), "at once");
}

#[test]
fn nothing_is_recycled_inside_a_line_that_is_passed_in_pieces() {
    let mut story = Story::running(rules());
    assert_eq!(story.wait(60_000), Some((10_000, vec![CUT])));
    assert_eq!(story.core.deadline(), None);
    assert_eq!(story.tell(1_000_000, Event::InputCut), []);
    assert_eq!(story.tell(1_001_000, Event::InputCut), [], "the first one counts");
    assert_eq!(story.wait(1_100_000), Some((1_030_000, stop())), "the line's end and 30 s");
}

#[test]
fn what_a_drained_command_leaves_behind_has_the_stop_timeout() {
    let mut story = draining(rules());
    assert_eq!(story.tell(20_000, exited(0)), [ASK]);
    assert_eq!(story.wait(60_000), Some((23_000, vec![KILL])));
    assert_eq!(story.tell(23_500, Event::TreeGone), start(2, Cause::Lifetime));
    let told = recycled(&story).unwrap();
    assert_eq!(told.killed_after, Some(Duration::from_secs(13)));
    assert_eq!(told.gone_in, Duration::from_millis(13_500));
}

#[test]
fn term_is_the_end_and_no_stop_follows() {
    let mut story = draining(rules());
    assert_eq!(story.signal(11_000, "TERM"), stop(), "passed on");
    assert_eq!(story.wait(1_000_000), None);
    assert_eq!(story.tell(1_000_000, exited(3)), [ASK]);
    assert_eq!(story.tell(1_000_000, Event::TreeGone), [Action::Quit(End::Status(3))]);
}

#[test]
fn an_end_that_int_asked_for_is_the_end_and_a_later_one_a_recycle() {
    for (ended, is_the_end) in [(13_999, true), (14_001, false)] {
        for name in ["INT", "QUIT", "HUP"] {
            let mut story = draining(rules());
            let signal = Signal::parse(name).unwrap();
            assert_eq!(story.signal(11_000, name), [Action::Pass(signal)]);
            let actions = story.tell(ended, exited(1));
            assert_eq!(actions, if is_the_end { ends(1) } else { vec![ASK] }, "{name}");
        }
    }
    // One that takes INT for something else is stopped all the same, and that is the end.
    let mut story = draining(rules());
    story.signal(39_000, "INT");
    assert_eq!(story.wait(60_000), Some((40_000, stop())));
    assert_eq!(story.wait(60_000), Some((43_000, vec![KILL])));
    assert_eq!(story.tell(43_001, exited(1)), [KILL]);
    assert_eq!(story.tell(43_001, Event::TreeGone).last(), ends(1).last());
}

#[test]
fn kill_rss_does_not_wait_for_a_drain() {
    let kill = Some((Bytes(200), Measure::Rss));
    let memory = MemoryRules { kill, ..MemoryRules::default() };
    let mut story = draining(Rules { memory, ..rules() });
    story.rss = 250;
    let (millis, actions) = story.wait(60_000).unwrap();
    assert_eq!(actions, [KILL]);
    assert!(millis <= 11_100, "{millis}");
    assert_eq!(story.tell(millis, killed(Signal::KILL)), [KILL]);
    assert_eq!(story.tell(millis, Event::TreeGone), start(2, Cause::KillRss));
    assert_eq!(recycled(&story).unwrap().opening, Opening::Killed);
    // Nor does it close anything first.
    let mut story = Story::running(Rules { memory, ..rules() });
    story.rss = 250;
    assert_eq!(story.wait(60_000).map(|(_, actions)| actions), Some(vec![KILL]));
}

#[test]
fn what_comes_first_is_prepared_then_drained_then_stopped() {
    let rules = Rules { pre_stop: Some(Duration::from_secs(4)), ..rules() };
    let (generation, age) = (1, Duration::from_secs(10));
    let reason = Reason::Lifetime { limit: age };
    let prepare = vec![Action::Prepare(Preparation { generation, age, reason })];
    for (ended, begun) in [(Some(11_000), 11_000), (None, 14_000)] {
        let mut story = Story::running(rules.clone());
        assert_eq!(story.wait(60_000), Some((10_000, prepare.clone())));
        match ended {
            Some(millis) => {
                assert_eq!(story.tell(millis, Event::Prepared { generation }), [CUT]);
            }
            None => assert_eq!(story.wait(60_000), Some((14_000, vec![CUT]))),
        }
        story.tell(begun, Event::InputCut);
        assert_eq!(story.tell(begun, Event::Prepared { generation }), [], "that is done");
        assert_eq!(story.wait(60_000), Some((begun + 30_000, stop())));
    }
}

#[test]
fn a_command_with_the_last_line_is_not_recycled() {
    let mut story = draining(Rules { map: usr1(), ..rules() });
    assert_eq!(story.tell(11_000, Event::InputEnded), []);
    assert_eq!(story.tell(11_001, Event::InputSpent), []);
    assert_eq!(story.wait(1_000_000), None, "it has all the time it wants");
    assert_eq!(story.signal(1_000_000, "USR1"), []);
    assert!(story.said.contains(&Notice::NothingLeftToRead));
    assert_eq!(story.tell(1_000_001, exited(5)), ends(5));
}

#[test]
fn recycles_go_on_after_the_end_of_input_while_a_line_is_left() {
    let mut story = Story::running(rules());
    assert_eq!(story.tell(1, Event::InputEnded), []);
    assert_eq!(story.wait(60_000), Some((10_000, vec![CUT])));
    story.tell(10_000, Event::InputCut);
    story.tell(10_001, exited(0));
    assert_eq!(story.tell(10_002, Event::TreeGone), start(2, Cause::Lifetime));
    story.tell(10_002, Event::Started);
    assert_eq!(story.wait(60_000), Some((20_002, vec![CUT])));
}

/// The last lines were read by what COMMAND had left behind, say.
#[test]
fn a_generation_that_would_find_no_line_is_not_started() {
    let term = Signal::TERM;
    for (exit, end) in [
        (Exit::Killed(term), End::SUCCESS),
        (Exit::Status(3), End::Status(3)),
        (Exit::Killed(Signal::INT), End::Signal(Signal::INT)),
    ] {
        let mut story = draining(Rules { lines: lines(0), ..rules() });
        assert_eq!(story.wait(60_000), Some((10_000, stop())));
        assert_eq!(story.tell(10_001, Event::Exited(exit)), [ASK]);
        story.tell(10_002, Event::InputEnded);
        story.tell(10_002, Event::InputSpent);
        assert_eq!(story.tell(10_002, Event::TreeGone), [Action::Quit(end)]);
    }
    let mut first = Story { core: Lifecycle::new(rules(), at(0), 0), ..Story::running(rules()) };
    first.tell(0, Event::InputEnded);
    assert_eq!(first.tell(0, Event::InputSpent), []);
    let first = first.tell(0, Event::Due);
    assert_eq!(first, [Action::Start { generation: 1, cause: None }], "the first one always is");
}

#[test]
fn a_crash_is_the_end_of_everything_only_when_no_line_is_left() {
    let crashed = |told: &[(u64, Event)]| {
        let mut story = Story::running(Rules { restart: Restart::Always, ..rules() });
        story.tell(1, Event::InputEnded);
        for (millis, event) in told {
            let actions = story.tell(*millis, event.clone());
            if let Some(Action::Quit(end)) = actions.last() {
                return (*millis, Some(*end));
            }
        }
        assert_eq!(story.wait(5_000), Some((1_100, start(2, Cause::Exit))));
        (1_100, None)
    };
    let end = Some(End::Status(4));
    let [crash, spent] = [(1_000, exited(4)), (999, Event::InputSpent)];
    let (gone, late) = ((1_010, Event::TreeGone), |millis| (millis, Event::InputSpent));
    assert_eq!(crashed(&[crash.clone(), gone.clone()]), (1_100, None));
    assert_eq!(crashed(&[spent, crash.clone()]), (1_000, end));
    assert_eq!(crashed(&[crash.clone(), late(1_005), gone.clone()]), (1_010, end));
    assert_eq!(crashed(&[crash, gone, late(1_099)]), (1_099, end), "instead of a start");
}

#[test]
fn a_start_that_failed_after_the_last_line_is_not_tried_again() {
    for (spent, end) in [(true, ends(127)), (false, vec![])] {
        let mut story = draining(rules());
        story.tell(10_001, exited(0));
        assert_eq!(story.tell(10_002, Event::TreeGone), start(2, Cause::Lifetime));
        if spent {
            story.tell(10_003, Event::InputEnded);
            story.tell(10_003, Event::InputSpent);
        }
        let missing = Event::StartFailed(Failure { stage: Stage::Exec, errno: 2 });
        assert_eq!(story.tell(10_004, missing), end);
    }
}

#[test]
fn lines_that_may_be_lost_are_told_of_when_a_generation_ended_badly() {
    let told = |timeout: bool, exit: Event, lines: u64| {
        let mut story = draining(rules());
        if timeout {
            story.wait(40_000);
            assert_eq!(story.wait(43_000), Some((43_000, vec![KILL])));
        }
        let millis = if timeout { 43_001 } else { 10_001 };
        story.tell(millis, exit);
        story.tell(millis, Event::LinesTaken { lines });
        story.tell(millis, Event::TreeGone);
        story.said.contains(&Notice::LinesTaken { generation: 1, lines })
    };
    assert!(told(false, exited(1), 3));
    assert!(told(false, killed(Signal::TERM), 1));
    assert!(told(true, exited(0), 3), "something of it was killed");
    assert!(!told(false, exited(0), 3), "it went well");
    assert!(!told(false, exited(1), 0), "there are none");
}

#[test]
fn they_are_told_of_also_where_that_end_is_the_end_of_everything() {
    let max_restarts = Budget { restarts: 0, window: Duration::from_secs(1) };
    let never = Rules { max_restarts, ..rules() };
    let gives_up = Rules { restart: Restart::Always, ..never.clone() };
    let ends = [
        (Exit::Killed(Signal::KILL), 2, true),
        (Exit::Killed(Signal::KILL), 0, false),
        // Whoever reads what it writes, as `head -1` does, has had enough.
        (Exit::Killed(Signal::PIPE), 2, false),
        // That is how grep(1) tells that it found nothing.
        (Exit::Status(1), 2, false),
        (Exit::Status(0), 2, false),
    ];
    for (rules, (exit, lines, told)) in
        [never, gives_up].iter().flat_map(|rules| ends.map(|end| (rules, end)))
    {
        let mut story = Story::running(rules.clone());
        assert_eq!(story.tell(1_000, Event::LinesTaken { lines }), []);
        let ended = story.tell(1_000, Event::Exited(exit));
        assert_eq!(ended.last(), Some(&Action::Quit(exit.into())));
        assert_eq!(ended.len(), 1 + usize::from(exit == Exit::Status(0)));
        let taken = Notice::LinesTaken { generation: 1, lines };
        assert_eq!(story.said.contains(&taken), told, "{exit} {lines}");
    }
}
