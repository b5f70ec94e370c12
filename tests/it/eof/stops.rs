//! How the stop goes that `--eof-timeout` brings, and that it is the last.

use super::{ORPHAN, end, start};
use crate::harness::{End, Kind, fixture_path, lives, now_ms};
use crate::wait::MODES;
use std::fs;

#[test]
fn without_a_trap_it_dies_by_our_signal_and_so_do_we() {
    for (option, signal) in [("", libc::SIGTERM), ("--stop-signal INT", libc::SIGINT)] {
        for mode in MODES {
            let options = format!("--eof-timeout 100ms --stdin {mode} {option}");
            let (mut run, input) = start(Kind::Pipe, &options, "ready forever");
            end(&mut run, input);
            assert_eq!(run.finish(), End::Signal(signal));
        }
    }
}

#[test]
fn one_that_ignores_it_is_killed_with_all_that_it_started() {
    for mode in MODES {
        let options = format!("--eof-timeout 500ms --stop-timeout 500ms --stdin {mode}");
        let script = "orphan:1:setsid,ignore:TERM,mark,forever child:ignore:TERM,mark,forever \
                      trap:TERM ready forever";
        let (mut run, input) = start(Kind::Pipe, &options, script);
        let mut pids: Vec<_> = run.await_entries(2, "mark").iter().map(|it| it.pid).collect();
        pids.push(run.await_entry(1, "ready").pid);
        let before_ms = end(&mut run, input);
        let killed = run.finish();
        assert!([End::Code(137), End::Signal(libc::SIGKILL)].contains(&killed), "{killed:?}");
        assert!(now_ms() >= before_ms + 1000);
        assert_eq!(run.entries("got TERM").len(), 1);
        assert!(pids.iter().all(|&pid| !lives(pid)));
    }
}

/// The status is COMMAND's, though its tree outlives it: that goes, too, before we do.
#[test]
fn what_command_leaves_behind_is_gone_before_we_are() {
    let script = "orphan:1:setsid,ignore:TERM,mark,forever trap:TERM:exit=3 ready forever";
    let options = "--eof-timeout 100ms --stop-timeout 300ms";
    let (mut run, input) = start(Kind::Pipe, options, script);
    let orphan = run.await_entries(1, "mark")[0].pid;
    end(&mut run, input);
    assert_eq!(run.finish(), End::Code(3));
    assert!(!lives(orphan));
}

/// A stopped process hears no TERM without its CONT.
#[test]
fn one_that_is_stopped_is_woken_for_it() {
    let options = "--eof-timeout 100ms --stop-timeout 1h";
    let (mut run, input) = start(Kind::Pipe, options, "trap:TERM:exit=3 ready stop-self forever");
    end(&mut run, input);
    assert_eq!(run.finish(), End::Code(3));
}

#[test]
fn no_other_follows_whatever_restarts_were_asked_for() {
    for restart in ["always", "on-failure"] {
        for mode in MODES {
            let options = format!("--eof-timeout 100ms --restart {restart} --stdin {mode}");
            let (mut run, input) = start(Kind::Pipe, &options, ORPHAN);
            end(&mut run, input);
            assert_eq!(run.finish(), End::Code(3));
            assert_eq!(run.generations(), 1);
        }
    }
}

/// One that ends at each end of input is started again and again, but not for ever.
#[test]
fn restarts_end_when_the_time_is_over() {
    let options = "--eof-timeout 1s --restart always --backoff 10ms..10ms --max-restarts 999/1m";
    let (mut run, input) = start(Kind::Pipe, options, "ready echo exit:4");
    let before_ms = end(&mut run, input);
    // The last one may be there when the time is over, and be told.
    let last = run.finish();
    assert!([End::Code(4), End::Signal(libc::SIGTERM)].contains(&last), "{last:?}");
    assert!(now_ms() >= before_ms + 1000);
    assert!(run.generations() > 2);
}

/// Nor when it is over during a longer pause between two of them.
#[test]
fn a_pause_ends_when_the_time_is_over() {
    let options = "--eof-timeout 1s --restart always --backoff 1h..1h";
    let (mut run, input) = start(Kind::Pipe, options, "ready echo exit:4");
    let before_ms = end(&mut run, input);
    assert_eq!(run.finish(), End::Code(4));
    assert!(now_ms() >= before_ms + 1000);
    assert_eq!(run.generations(), 1);
}

/// A planned stop that has begun goes its way; the next generation would be an orphan's child.
#[test]
fn no_other_follows_a_planned_stop_that_took_longer() {
    let options = "--eof-timeout 100ms --map-signal USR1:recycle --stop-timeout 1h";
    let script = "trap:TERM:exit=6:after=1s ready forever";
    let (mut run, input) = start(Kind::Pipe, options, script);
    run.recycle();
    run.await_entry(1, "got TERM");
    end(&mut run, input);
    assert_eq!(run.finish(), End::Code(6));
    assert_eq!((run.generations(), run.entries("got TERM").len()), (1, 1));
}

/// The time is counted from the end, not from the start of whom it meets.
#[test]
fn a_generation_that_follows_the_end_has_what_is_left_of_the_time() {
    let options = "--eof-timeout 1500ms --map-signal USR1:recycle";
    let script = "trap:TERM:exit=3 ready forever";
    let (mut run, input) = start(Kind::Pipe, options, script);
    let before_ms = end(&mut run, input);
    run.recycle();
    run.await_entry(2, "ready");
    let told = run.await_entry(2, "got TERM");
    assert!(told.t_ms >= before_ms + 1500);
    assert_eq!(run.finish(), End::Code(3));
    assert_eq!(run.generations(), 2);
}

/// Nobody asked for an end of the kind that TERM asks for: who wants to know is told.
#[test]
fn it_is_told_to_machines_and_to_who_wants_to_know() {
    let run = crate::harness::Run::new("--eof-timeout 100ms --log-format json");
    let run = run.env("F", fixture_path()).env("RECYCLE_ON_EVENT", "echo $RECYCLE_EVENT >>told");
    let (run, input) = run.with_input(Kind::Pipe);
    let mut run = run.fixture(ORPHAN).spawn();
    run.await_entry(1, "ready");
    end(&mut run, input);
    assert_eq!(run.finish(), End::Code(3));
    let stderr = run.stderr();
    assert!(stderr.contains(r#""level":"info","event":"outlived_input","after":0."#), "{stderr}");
    let told = fs::read_to_string(run.dir().join("told")).unwrap();
    assert!(told.starts_with("outlived_input\n"), "{told}");
}
