//! What signals do to a generation, and to those after it.

use std::time::Duration;

use super::{ASK, KILL, Story, at, lifetime, plain, start, stop};
use crate::action::Action;
use crate::event::{Event, Halt};
use crate::exit::{End, Exit, Failure, Signal, Stage};
use crate::lifecycle::{Intent, Lifecycle};
use crate::notice::{Notice, Opening};
use crate::reason::Cause;
use crate::rules::{Idle, Lines, Mapped, Restart, Rules, SignalMap};
use crate::units::Bytes;

#[test]
fn term_ends_everything_in_every_state() {
    let passed = vec![Action::Pass(Signal::TERM), Action::Pass(Signal::CONT)];
    let ended = || Event::Exited(Exit::Killed(Signal::TERM));
    let by_term = Action::Quit(End::Signal(Signal::TERM));
    let always = Rules { restart: Restart::Always, ..lifetime(10) };

    let mut running = Story::running(always.clone());
    assert_eq!(running.signal(1, "TERM"), passed);
    assert_eq!(running.signal(2, "TERM"), passed, "a second one is passed on again");
    assert_eq!(running.wait(100_000), None, "no timer is started");
    assert_eq!(running.tell(9, ended()), [ASK]);
    assert_eq!(running.tell(10, Event::TreeGone), std::slice::from_ref(&by_term));

    let mut stopping = Story::running(always.clone());
    stopping.wait(10_000);
    assert_eq!(stopping.signal(10_001, "TERM"), passed);
    assert_eq!(stopping.wait(60_000), Some((13_000, vec![KILL])), "a timer that runs goes on");
    assert_eq!(stopping.tell(13_001, ended()), [KILL]);
    assert_eq!(stopping.tell(13_002, Event::TreeGone), std::slice::from_ref(&by_term));

    let mut clearing = Story::running(always.clone());
    clearing.wait(10_000);
    assert_eq!(clearing.tell(10_001, ended()), [ASK]);
    let passed_to_rest = [Action::PassToRest(Signal::TERM)];
    assert_eq!(clearing.signal(10_002, "TERM"), passed_to_rest);
    assert_eq!(clearing.tell(10_003, Event::TreeGone), std::slice::from_ref(&by_term));

    let mut starting = Story::running(always.clone());
    starting.wait(10_000);
    starting.tell(10_001, ended());
    assert_eq!(starting.tell(10_002, Event::TreeGone), start(2, Cause::Lifetime));
    assert_eq!(starting.signal(10_003, "TERM"), passed);
    starting.tell(10_004, Event::Started);
    assert_eq!(starting.tell(10_005, ended()), [ASK]);
    assert_eq!(starting.tell(10_006, Event::TreeGone), std::slice::from_ref(&by_term));

    let mut waiting = Story::running(always);
    assert_eq!(waiting.tell(1, Event::Exited(Exit::Status(1))), [ASK]);
    assert_eq!(waiting.tell(2, Event::TreeGone), []);
    assert_eq!(waiting.signal(3, "TERM"), [by_term]);
}

#[test]
fn int_makes_the_next_end_final_and_holds_recycles_for_the_stop_timeout() {
    let mut story = Story::running(Rules { restart: Restart::Always, ..lifetime(10) });
    assert_eq!(story.signal(9_000, "INT"), [Action::Pass(Signal::INT)]);
    assert_eq!(story.wait(60_000), Some((12_000, stop())), "9 s and the stop timeout of 3 s");
    let mut story = Story::running(Rules { restart: Restart::Always, ..plain() });
    story.signal(1, "INT");
    let ended = Event::Exited(Exit::Status(4));
    assert_eq!(story.tell(999_999, ended), [Action::Quit(End::Status(4))]);
}

/// Whoever started us shields us and COMMAND from it: it is no wish for an end.
#[test]
fn a_signal_that_was_ignored_at_the_start_is_passed_on_and_nothing_more() {
    for name in ["TERM", "INT", "QUIT", "HUP"] {
        let signal = Signal::parse(name).unwrap();
        let mut rules = Rules { restart: Restart::Always, ..lifetime(10) };
        rules.map.note_ignored([signal].into_iter());
        let mut story = Story::running(rules);
        assert_eq!(story.signal(9_000, name), [Action::Pass(signal)], "{name}");
        let shared = Event::Signalled { signal, shared: true };
        assert_eq!(story.tell(9_001, shared), [], "{name}");
        assert_eq!(story.core.intent(signal), Intent::Nothing, "{name}");
        assert_eq!(story.wait(60_000), Some((10_000, stop())), "{name} holds nothing");
        story.tell(10_001, Event::Exited(Exit::Status(0)));
        assert_eq!(story.signal(10_002, name), [], "{name}: nobody is there");
        assert_eq!(story.tell(10_003, Event::TreeGone), start(2, Cause::Lifetime), "{name}");
    }
}

#[test]
fn hup_is_final_only_for_the_stop_timeout() {
    let after_hup = |millis| {
        let mut story = Story::running(Rules { restart: Restart::Always, ..plain() });
        story.signal(1_000, "HUP");
        story.tell(millis, Event::Exited(Exit::Status(4)))
    };
    assert_eq!(after_hup(4_000), [Action::Quit(End::Status(4))]);
    assert_eq!(after_hup(4_001), [ASK]);
}

#[test]
fn hup_was_meant_for_the_generation_that_got_it() {
    let mut story = Story::running(Rules { restart: Restart::Always, ..plain() });
    story.tell(1_000, Event::Exited(Exit::Status(1)));
    story.signal(1_001, "HUP");
    story.tell(1_002, Event::TreeGone);
    assert_eq!(story.wait(60_000), Some((1_100, start(2, Cause::Exit))));
    story.tell(1_100, Event::Started);
    assert_eq!(story.tell(1_200, Event::Exited(Exit::Status(1))), [ASK]);
}

#[test]
fn a_recycle_that_began_after_int_does_not_undo_it() {
    let usr1 = Signal::parse("USR1").unwrap();
    let map = SignalMap(vec![(usr1, crate::rules::Mapped::Recycle)]);
    let mut story = Story::running(Rules { map, ..plain() });
    story.signal(1_000, "INT");
    assert_eq!(story.signal(1_001, "USR1"), stop());
    let ended = Event::Exited(Exit::Killed(Signal::INT));
    assert_eq!(story.tell(1_002, ended), [ASK, Action::Quit(End::Signal(Signal::INT))]);
}

/// COMMAND was stopped on a terminal that it has to itself.
fn halt(name: &str, shell: bool) -> Event {
    let signal = Signal::parse(name).unwrap();
    Event::Stopped(Halt { signal, terminal: true, foreground: false, shell })
}

#[test]
fn when_a_terminal_stops_command_the_shell_that_waits_for_us_takes_over() {
    let mut story = Story::running(lifetime(10));
    for name in ["TSTP", "STOP", "TTIN", "TTOU"] {
        let signal = Signal::parse(name).unwrap();
        assert_eq!(story.tell(1_000, halt(name, true)), [Action::Suspend(signal)]);
    }
    assert_eq!(story.signal(2_000, "CONT"), [Action::Wake]);
    assert_eq!(story.wait(60_000), Some((10_000, stop())));
    // Now a stop is under way, which has its time.
    assert_eq!(story.tell(10_500, halt("TSTP", true)), [Action::Wake]);
    assert_eq!(story.tell(10_500, halt("STOP", true)), []);
    assert_eq!(story.wait(60_000), Some((13_000, vec![KILL])));
    // TERM has no such time.
    let mut story = Story::running(lifetime(10));
    story.signal(1_000, "TERM");
    assert_eq!(story.tell(2_000, halt("TSTP", true)), [Action::Suspend(Signal::TSTP)]);
}

/// Off a terminal, or beside others on one.
fn halt_elsewhere(name: &str, shell: bool) -> Event {
    let signal = Signal::parse(name).unwrap();
    Event::Stopped(Halt { signal, terminal: false, foreground: false, shell })
}

#[test]
fn we_stop_when_command_does_at_a_signal_that_it_was_passed() {
    let suspend = |name| vec![Action::Suspend(Signal::parse(name).unwrap())];
    for name in ["TSTP", "TTIN", "TTOU"] {
        let mut story = Story::running(lifetime(10));
        story.signal(1_000, name);
        assert_eq!(story.tell(1_001, halt_elsewhere("STOP", false)), [], "{name}: not that one");
        assert_eq!(story.tell(1_001, halt_elsewhere(name, false)), suspend(name));
        assert_eq!(story.tell(1_002, halt_elsewhere(name, false)), [], "{name}: once");
        // One that came before the last CONT is over.
        story.signal(2_000, name);
        story.signal(2_001, "CONT");
        assert_eq!(story.tell(2_002, halt_elsewhere(name, false)), []);
        // Another signal in between changes nothing.
        story.signal(3_000, name);
        story.signal(3_001, "USR1");
        assert_eq!(story.tell(3_002, halt_elsewhere(name, false)), suspend(name));
        // Also during a planned stop: who sent it waits for that.
        story.wait(60_000);
        story.signal(10_500, name);
        assert_eq!(story.tell(10_500, halt_elsewhere(name, false)), suspend(name));
    }
    let mut story = Story::running(plain());
    assert_eq!(story.tell(1, halt_elsewhere("TSTP", false)), [], "by itself, or by hand");
}

#[test]
fn what_one_generation_was_passed_does_not_stop_us_with_the_next() {
    let mut story = Story::running(Rules { restart: Restart::Always, ..plain() });
    story.signal(1_000, "TTIN");
    story.tell(2_000, Event::Exited(Exit::Status(1)));
    story.tell(2_000, Event::TreeGone);
    assert_eq!(story.wait(60_000), Some((2_100, start(2, Cause::Exit))));
    story.tell(2_100, Event::Started);
    assert_eq!(story.tell(3_000, halt_elsewhere("TTIN", false)), []);
}

#[test]
fn a_stop_that_is_mapped_to_another_is_that_one() {
    let map =
        SignalMap(vec![(Signal::TTIN, Mapped::Pass(Signal::STOP)), (Signal::TTOU, Mapped::Drop)]);
    let mut story = Story::running(Rules { map, ..plain() });
    story.signal(1, "TTIN");
    let stopped = story.tell(2, halt_elsewhere("STOP", false));
    assert_eq!(stopped, [Action::Suspend(Signal::STOP)]);
    story.signal(3, "TTOU");
    assert_eq!(story.tell(4, halt_elsewhere("TTOU", false)), []);
}

/// A pipeline: the shell waits until all of it has stopped.
#[test]
fn beside_others_on_a_terminal_we_stop_with_command_unless_it_was_sent_stop_alone() {
    let mut story = Story::running(plain());
    for name in ["TSTP", "TTIN", "TTOU"] {
        let signal = Signal::parse(name).unwrap();
        assert_eq!(story.tell(1, halt_elsewhere(name, true)), [Action::Suspend(signal)]);
    }
    assert_eq!(story.tell(2, halt_elsewhere("STOP", true)), []);
    // An editor puts the screen in order, and then stops itself.
    story.tell(3, Event::Signalled { signal: Signal::TSTP, shared: true });
    assert_eq!(story.tell(4, halt_elsewhere("STOP", true)), [Action::Suspend(Signal::STOP)]);
    story.tell(5, Event::Signalled { signal: Signal::TTIN, shared: true });
    assert_eq!(story.tell(6, halt_elsewhere("STOP", true)), []);
}

#[test]
fn a_reader_in_the_background_stops_us_and_command() {
    let both = [Action::Pass(Signal::TTIN), Action::Suspend(Signal::TTIN)];
    let mut story = Story::running(Rules { restart: Restart::Always, ..lifetime(10) });
    assert_eq!(story.tell(1, Event::InBackground), both);
    story.wait(60_000);
    assert_eq!(story.tell(10_001, Event::InBackground), both, "during a stop");
    story.tell(10_002, Event::Exited(Exit::Status(0)));
    assert_eq!(story.tell(10_003, Event::InBackground), [Action::Suspend(Signal::TTIN)]);
    assert_eq!(story.signal(10_004, "TERM"), [Action::PassToRest(Signal::TERM)]);
    let quit = Action::Quit(End::Signal(Signal::TERM));
    assert_eq!(story.tell(10_005, Event::TreeGone), [quit]);
    assert_eq!(story.tell(10_006, Event::InBackground), []);
}

/// One that forks faster than it is killed is stopped by us: in any case.
#[test]
fn a_stop_of_what_is_killed_stops_nobody() {
    let map = SignalMap(vec![(Signal::TTIN, Mapped::Pass(Signal::STOP))]);
    let mut story = Story::running(Rules { map, ..lifetime(10) });
    story.signal(9_000, "TTIN");
    story.wait(60_000);
    assert_eq!(story.wait(60_000), Some((13_000, vec![KILL])));
    assert_eq!(story.tell(13_001, halt("STOP", true)), []);
    assert_eq!(story.tell(13_001, halt("TSTP", true)), []);
}

#[test]
fn who_wants_the_foreground_is_given_it_if_we_have_it() {
    let mut story = Story::running(plain());
    for (name, action) in
        [("TTIN", Action::Wake), ("TTOU", Action::Wake), ("TSTP", Action::Suspend(Signal::TSTP))]
    {
        let signal = Signal::parse(name).unwrap();
        let halted = Halt { signal, terminal: true, foreground: true, shell: true };
        let halted = Event::Stopped(halted);
        assert_eq!(story.tell(1_000, halted), [action], "{name}");
    }
}

/// Frozen with COMMAND (SIGSTOP to both, the freezer of cgroups), half a second into a stop of 3 s.
#[test]
fn time_in_which_nobody_ran_is_not_the_stops() {
    let overslept = |millis| Event::Overslept { since: at(millis) };
    let mut story = Story::running(lifetime(10));
    story.wait(10_000);
    assert_eq!(story.tell(70_000, overslept(10_500)), []);
    assert_eq!(story.signal(70_000, "CONT"), [Action::Wake]);
    assert_eq!(story.tell(70_000, Event::Due), []);
    // That is done once: whoever has no processor for long is killed all the same.
    assert_eq!(story.tell(80_000, overslept(71_000)), []);
    assert_eq!(story.tell(80_000, Event::Due), [KILL]);

    let mut story = Story::running(lifetime(10));
    story.wait(10_000);
    story.tell(70_000, overslept(10_500));
    assert_eq!(story.wait(100_000), Some((72_500, vec![KILL])), "2.5 s were left");
    // One that is late because it was busy is none the less right.
    let mut story = Story::running(lifetime(10));
    story.wait(10_000);
    assert_eq!(story.tell(70_000, Event::Due), [KILL]);
}

#[test]
fn nor_is_it_the_time_to_drain_or_after_the_end_of_input() {
    let overslept = |millis| Event::Overslept { since: at(millis) };
    let drain_timeout = Duration::from_secs(30);
    let lines = Some(Lines { longest: Bytes(1), drain_timeout });
    let draining = || {
        let mut story = Story::running(Rules { lines, ..lifetime(10) });
        story.wait(10_000);
        story.tell(10_000, Event::InputCut);
        assert_eq!(story.tell(90_000, overslept(20_000)), []);
        story
    };
    assert_eq!(draining().wait(200_000), Some((110_000, stop())), "20 s were left");
    let mut twice = draining();
    assert_eq!(twice.tell(150_000, overslept(100_000)), []);
    assert_eq!(twice.tell(150_000, Event::Due), stop(), "once");
    let mut in_time = Story::running(Rules { lines, ..lifetime(10) });
    in_time.wait(10_000);
    in_time.tell(10_000, Event::InputCut);
    in_time.tell(30_000, overslept(20_000));
    assert_eq!(in_time.wait(200_000), Some((40_000, stop())), "it was not over");

    let eof_timeout = Some(Duration::from_secs(5));
    let mut story = Story::running(Rules { eof_timeout, ..plain() });
    story.tell(1_000, Event::InputEnded);
    story.tell(3_000, overslept(2_000));
    assert_eq!(story.core.deadline(), Some(at(6_000)), "it was not over");
    assert_eq!(story.tell(60_000, overslept(2_000)), []);
    assert_eq!(story.wait(100_000), Some((64_000, stop())), "4 s were left");
}

/// A tree that forks faster than it is killed is stopped first: by us.
#[test]
fn a_command_that_we_stopped_to_kill_it_suspends_nobody() {
    let mut story = Story::running(lifetime(10));
    story.wait(10_000);
    story.signal(10_001, "TERM");
    assert_eq!(story.wait(60_000), Some((13_000, vec![KILL])));
    assert_eq!(story.tell(13_001, halt("STOP", true)), []);
}

#[test]
fn where_no_shell_waits_a_ctrl_z_is_undone() {
    let mut story = Story::running(plain());
    assert_eq!(story.tell(1_000, halt("TSTP", false)), [Action::Wake]);
    for name in ["STOP", "TTIN", "TTOU"] {
        assert_eq!(story.tell(1_000, halt(name, false)), [], "{name}");
    }
}

#[test]
fn input_that_comes_while_a_generation_starts_is_its_traffic() {
    let idle = Idle { after: Duration::from_secs(10), settle: Duration::ZERO };
    let rules = Rules { idle: Some(idle), ..plain() };
    let mut story = Story { core: Lifecycle::new(rules, at(0), 0), ..Story::running(plain()) };
    story.tell(0, Event::Due);
    story.tell(5, super::moved(5));
    story.tell(10, Event::Started);
    assert_eq!(story.wait(60_000), Some((10_005, stop())));
}

#[test]
fn backoff_starts_over_after_a_planned_life_that_lasted() {
    let missing = || Event::StartFailed(Failure { stage: Stage::Exec, errno: 2 });
    let mut story = Story::running(lifetime(60));
    for began in [0, 60_200] {
        story.wait(began + 60_000);
        story.tell(began + 60_000, Event::Exited(Exit::Status(0)));
        story.tell(began + 60_000, Event::TreeGone);
        story.tell(began + 60_000, missing());
        let again = story.wait(began + 61_000).map(|(millis, _)| millis);
        assert_eq!(again, Some(began + 60_100), "100 ms each time");
        story.tell(began + 60_200, Event::Started);
    }
}

/// The next planned recycle is planned again.
#[test]
fn an_interruption_is_over_exactly_after_the_stop_timeout() {
    for (interrupted, goes_on) in [(7_000, true), (7_001, false)] {
        let usr1 = Signal::parse("USR1").unwrap();
        let map = SignalMap(vec![(usr1, crate::rules::Mapped::Recycle)]);
        let mut story = Story::running(Rules { map, ..plain() });
        story.signal(interrupted, "INT");
        assert_eq!(story.signal(10_000, "USR1"), stop());
        let actions = story.tell(10_000, Event::Exited(Exit::Status(0)));
        assert_eq!(actions == [ASK], goes_on, "{actions:?}");
    }
}

#[test]
fn each_signal_is_reported_with_what_it_became() {
    let map = SignalMap(vec![(Signal::HUP, Mapped::Pass(Signal::INT))]);
    let mut story = Story::running(Rules { map, ..plain() });
    let mut said = |name, shared| {
        let signal = Signal::parse(name).unwrap();
        let actions = story.tell(1, Event::Signalled { signal, shared });
        (actions, story.said.pop())
    };
    let passed = |signal, to| Some(Notice::Passed { signal, to });
    for (name, shared, signal, sent) in [
        ("USR1", false, Signal::parse("USR1").unwrap(), Signal::parse("USR1")),
        ("USR1", true, Signal::parse("USR1").unwrap(), None),
        ("HUP", true, Signal::HUP, Some(Signal::INT)),
    ] {
        let actions: Vec<_> = sent.map(Action::Pass).into_iter().collect();
        assert_eq!(said(name, shared), (actions, passed(signal, sent)), "{name}");
    }
    assert_eq!(said("CONT", false), (vec![Action::Wake], passed(Signal::CONT, Some(Signal::CONT))));
}

/// A stop begins with its signal only if COMMAND took it.
#[test]
fn a_stop_signal_that_command_refuses_is_not_reported_as_sent() {
    let refused = Opening::Refused(Signal::TERM);
    for (signal, opening) in [(Signal::TERM, refused), (Signal::CONT, Opening::Asked(Signal::TERM))]
    {
        let mut story = Story::running(lifetime(10));
        assert_eq!(story.wait(60_000), Some((10_000, stop())));
        assert_eq!(story.tell(10_000, Event::Undelivered(signal)), []);
        assert_eq!(story.wait(60_000), Some((13_000, vec![KILL])), "it may go by itself");
        story.tell(13_001, Event::Exited(Exit::Status(0)));
        story.tell(13_002, Event::TreeGone);
        let told = story.said.iter().find_map(|notice| match notice {
            Notice::Recycled(recycled) => Some(recycled.opening),
            _ => None,
        });
        assert_eq!(told, Some(opening));
    }
    // Of what others sent, nothing follows.
    let mut story = Story::running(lifetime(10));
    assert_eq!(story.signal(1_000, "USR2"), [Action::Pass(Signal::parse("USR2").unwrap())]);
    assert_eq!(story.tell(1_000, Event::Undelivered(Signal::TERM)), []);
    assert_eq!(story.wait(60_000), Some((10_000, stop())));
}
