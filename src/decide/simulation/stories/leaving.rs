//! TERM came, and COMMAND's process has ended before the rest of its tree: a shell dies at once,
//! and the server behind it has requests to finish.

use super::*;
use crate::rules::{Budget, Then};

const TERM: Signal = Signal::TERM;

fn signalled(signal: Signal) -> Event {
    Event::Signalled { signal, shared: false }
}

fn killed() -> Event {
    Event::Exited(Exit::Killed(TERM))
}

const ASK: Action = Action::Sweep(Force::Ask);
const END: Action = Action::Quit(End::Signal(TERM));

/// TERM came at 1 s, and COMMAND is gone.
fn left(rules: Rules) -> Story {
    let mut story = Story::running(rules);
    let passed = [Action::Pass(TERM), Action::Pass(Signal::CONT)];
    assert_eq!(story.tell(1_000, signalled(TERM)), passed);
    assert_eq!(story.tell(1_001, killed()), [ASK]);
    story
}

#[test]
fn the_rest_is_waited_for() {
    let mut story = left(plain());
    assert_eq!(story.wait(4_000), None);
    assert_eq!(story.tell(4_000, Event::TreeGone), [END]);
}

#[test]
fn it_is_waited_for_no_longer_than_a_stop_and_not_killed() {
    let mut story = left(plain());
    assert_eq!(story.wait(4_000), None);
    assert_eq!(story.wait(10_000), Some((4_001, vec![END])));
}

#[test]
fn as_pid_1_the_platform_says_how_long() {
    let mut story = left(Rules { is_init: true, ..plain() });
    assert_eq!(story.wait(1_000_000), None);
    assert_eq!(story.tell(1_000_000, Event::TreeGone), [END]);
}

#[test]
fn signals_go_to_the_rest() {
    let mut story = left(plain());
    let hup = Signal::HUP;
    for signal in [TERM, Signal::INT, hup] {
        assert_eq!(story.tell(2_000, signalled(signal)), [Action::PassToRest(signal)]);
    }
    let shared = Event::Signalled { signal: Signal::INT, shared: true };
    assert_eq!(story.tell(2_000, shared), [], "it has it already");
    let stop = Signal::TSTP;
    assert_eq!(story.tell(2_000, signalled(stop)), [Action::PassToRest(stop)]);
    let shared = Event::Signalled { signal: stop, shared: true };
    assert_eq!(story.tell(2_000, shared), [Action::Suspend(stop)], "the terminal's");
    // None of them gives it more time.
    assert_eq!(story.wait(10_000), Some((4_001, vec![END])));
}

#[test]
fn kill_rss_kills_the_rest() {
    let kill = Some((Bytes(200), Measure::Rss));
    let memory = MemoryRules { kill, ..MemoryRules::default() };
    let mut story = left(Rules { memory, stop_timeout: Duration::from_secs(60), ..plain() });
    story.rss = 250;
    let (_, actions) = story.wait(30_000).unwrap();
    assert_eq!(actions, [KILL]);
}

/// A kill timer that runs keeps running.
#[test]
fn term_in_a_stop_waits_for_what_is_left_of_it() {
    let mut story = Story::running(lifetime(10));
    assert_eq!(story.wait(20_000), Some((10_000, stop())));
    assert_eq!(story.tell(11_000, Event::Exited(Exit::Status(0))), [ASK]);
    assert_eq!(story.tell(12_000, signalled(TERM)), [Action::PassToRest(TERM)]);
    assert_eq!(story.wait(20_000), Some((13_000, vec![KILL])));
    assert_eq!(story.tell(13_001, Event::TreeGone), [END], "nothing is started");
}

#[test]
fn int_between_two_generations_ends_at_once() {
    let mut story = Story::running(Rules { then: Then::Restart, ..lifetime(10) });
    assert_eq!(story.wait(20_000), Some((10_000, stop())));
    assert_eq!(story.tell(11_000, Event::Exited(Exit::Status(0))), [ASK]);
    let end = Action::Quit(End::Signal(Signal::INT));
    assert_eq!(story.tell(12_000, signalled(Signal::INT)), [end]);
}

#[test]
fn what_is_left_is_told_when_command_ends_well_by_itself() {
    let ends = |rules: Rules, signal: Option<Signal>, exit: Exit| {
        let mut story = Story::running(rules);
        signal.map(|signal| story.tell(1_000, signalled(signal)));
        story.tell(1_001, Event::Exited(exit)).contains(&Action::TellLeft)
    };
    assert!(ends(lifetime(10), None, Exit::Status(0)));
    let budget = Budget { restarts: 0, window: Duration::from_secs(1) };
    let gives_up = Rules { restart: Restart::Always, max_restarts: budget, ..lifetime(10) };
    assert!(ends(gives_up, None, Exit::Status(0)));
    assert!(!ends(plain(), None, Exit::Status(0)), "nobody wanted to watch it");
    assert!(!ends(lifetime(10), None, Exit::Status(1)), "it failed");
    assert!(!ends(lifetime(10), Some(Signal::INT), Exit::Status(0)), "it was asked for");
    let goes_on = Rules { restart: Restart::Always, ..lifetime(10) };
    assert!(!ends(goes_on, None, Exit::Status(0)));
}
