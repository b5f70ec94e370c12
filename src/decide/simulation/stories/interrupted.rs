//! Stories about a Ctrl-C while a planned stop is under way.

use super::*;

/// A generation that is being stopped since 10 s.
fn stopping() -> Story {
    let mut story = Story::running(Rules { restart: Restart::Always, ..lifetime(10) });
    assert_eq!(story.wait(60_000), Some((10_000, stop())));
    story
}

fn typed(signal: Signal) -> Event {
    Event::Signalled { signal, shared: true }
}

/// How all ends when COMMAND has ended so.
fn end(story: &mut Story, exit: Exit) -> Vec<Action> {
    let mut actions = story.tell(10_500, Event::Exited(exit));
    actions.extend(story.tell(10_501, Event::TreeGone));
    actions
}

#[test]
fn it_is_watched_for_from_before_the_first_signal_of_a_stop() {
    let mut story = Story::running(lifetime(10));
    assert_eq!(story.watches, 0);
    let mut events = vec![Event::Due];
    let mut actions = Vec::new();
    while let Some(event) = events.pop() {
        story.core.step(at(10_000), event, &mut actions);
        events.extend(actions.iter().find_map(|action| match action {
            Action::Look(look) => Some(story.answer(10_000, *look)),
            Action::Check => Some(Event::Checked(None)),
            _ => None,
        }));
        actions.retain(|it| !matches!(it, Action::Tell(_) | Action::Look(_) | Action::Check));
    }
    assert_eq!(actions, [vec![Action::WatchInterrupts], stop()].concat());

    let mut story = Story::running(plain());
    story.signal(1, "TERM");
    assert_eq!(story.watches, 0, "TERM ends all anyway");
    assert_eq!(stopping().watches, 1);
}

/// As a shell that waits for us must see it, whoever came first to kill COMMAND.
#[test]
fn a_command_that_dies_of_the_stop_ends_all_as_by_the_key() {
    for signal in [Signal::INT, Signal::QUIT] {
        let mut story = stopping();
        assert_eq!(story.tell(10_100, typed(signal)), []);
        let actions = end(&mut story, Exit::Killed(Signal::TERM));
        assert_eq!(actions, [ASK, Action::Quit(End::Signal(signal))]);
    }
    let mut story = stopping();
    story.tell(10_100, typed(Signal::INT));
    assert_eq!(story.wait(60_000), Some((13_000, vec![KILL])));
    let actions = end(&mut story, Exit::Killed(Signal::KILL));
    assert_eq!(actions, [KILL, Action::Quit(End::Signal(Signal::INT))]);
}

#[test]
fn a_command_that_ends_otherwise_ends_all_as_it_did() {
    let by_segv = Exit::Killed(Signal::parse("SEGV").unwrap());
    // Nobody here has killed it.
    for exit in [Exit::Status(0), Exit::Status(3), by_segv, Exit::Killed(Signal::KILL)] {
        let mut story = stopping();
        story.tell(10_100, typed(Signal::INT));
        assert_eq!(end(&mut story, exit), [ASK, Action::Quit(exit.into())]);
    }
}

#[test]
fn term_is_the_end_that_was_asked_for() {
    let by_term = Exit::Killed(Signal::TERM);
    for signals in [["INT", "TERM"], ["TERM", "INT"]] {
        let mut story = stopping();
        signals.iter().for_each(|signal| drop(story.signal(10_100, signal)));
        assert_eq!(end(&mut story, by_term), [ASK, Action::Quit(by_term.into())], "{signals:?}");
    }
    let mut story = Story::running(plain());
    story.signal(100, "INT");
    story.signal(10_100, "TERM");
    assert_eq!(end(&mut story, by_term), [ASK, Action::Quit(by_term.into())]);
}

#[test]
fn a_key_that_came_right_before_the_stop_counts_too() {
    let usr1 = Signal::parse("USR1").unwrap();
    let map = SignalMap(vec![(usr1, crate::rules::Mapped::Recycle)]);
    let mut story = Story::running(Rules { map, ..plain() });
    story.signal(10_000, "INT");
    assert_eq!(story.signal(10_001, "USR1"), stop());
    let ended = story.tell(10_002, Event::Exited(Exit::Killed(Signal::TERM)));
    assert_eq!(ended, [ASK, Action::Quit(End::Signal(Signal::INT))]);
}
