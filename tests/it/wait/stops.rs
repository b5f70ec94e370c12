//! Every planned stop is followed by the wait, and no other end is.

use super::{ASKED, MODES, READER, WAITING, asleep, await_asleep, start};
use crate::harness::{End, Kind, Run, Running, fixture_path, lives};
use std::fs;

#[test]
fn it_waits_after_each_kind_of_planned_stop() {
    for (trigger, step, reason) in [
        ("--max-lifetime 1s", "mark", "lifetime"),
        ("--max-rss 30M", "hold:60M", "rss"),
        ("--max-pss 30M", "hold:60M", "pss"),
        ("--kill-rss 60M", "leak:50M/s", "kill-rss"),
    ] {
        for mode in MODES {
            let options = format!("-v {trigger} --then wait --stdin {mode}");
            let script = format!("trap:TERM:exit=0 once:{step} ready from:2:read-line echo");
            let (mut run, mut input) = start(Kind::Pipe, &options, &script);
            await_asleep(&mut run, 1);
            input.write(&mut run, "line\n");
            assert_eq!(run.await_entry(2, "ready").reason.as_deref(), Some(reason));
            run.wait_for("somebody who reads it", |run| run.entries("line line").pop());
        }
    }
}

/// A limit that is too low makes the next start wait for its time, and then for input.
#[test]
fn a_pause_before_the_next_start_is_followed_by_the_wait() {
    for mode in MODES {
        let options = format!("-v --kill-rss 30M --then wait --stdin {mode}");
        let script = "from:2:read-line at:1:hold:60M at:2:hold:60M ready forever";
        let (mut run, mut input) = start(Kind::Pipe, &options, script);
        await_asleep(&mut run, 1);
        input.write(&mut run, "one\n");
        run.await_stderr("--kill-rss 30M looks too low");
        await_asleep(&mut run, 2);
        input.write(&mut run, "two\n");
        run.await_entry(3, "line two");
    }
}

/// With a trap that makes it fail: a planned stop it is all the same.
#[test]
fn however_the_generation_took_its_stop() {
    for (mode, opening) in [
        ("inherit", "(SIGTERM, gone in "),
        ("lines", "(end of input, gone in "),
        ("lines --drain-timeout 0s", "(SIGTERM, gone in "),
    ] {
        let options = format!("{ASKED} --stdin {mode}");
        let script = match opening.contains("TERM") {
            true => "trap:TERM:exit=3 ready forever",
            false => "trap:TERM ready echo exit:3",
        };
        let (run, _input) = asleep(&options, script);
        assert!(run.recycles()[0].contains(opening), "{:?}", run.recycles());
    }
    let (run, _input) = asleep(&format!("{ASKED} --stop-timeout 0s"), "ignore:TERM ready forever");
    assert!(run.recycles()[0].contains("SIGKILL"), "{:?}", run.recycles());
}

/// COMMAND's own end is not planned: nothing is waited for.
#[test]
fn it_does_not_wait_when_command_ends_by_itself() {
    for mode in MODES {
        let options = format!("{ASKED} --stdin {mode}");
        let (mut run, _input) = start(Kind::Pipe, &options, "ready exit:3");
        assert_eq!(run.finish(), End::Code(3));
        // After a pause, and at once.
        for backoff in ["100ms..100ms", "1us..1us"] {
            let options = format!("{options} --restart always --backoff {backoff}");
            let (mut run, _input) = start(Kind::Pipe, &options, "once:exit:3 ready forever");
            assert_eq!(run.await_entry(2, "ready").reason.as_deref(), Some("exit"));
            assert!(!run.stderr().contains(WAITING));
        }
    }
}

/// Nor what it left behind.
#[test]
fn what_the_generation_left_behind_is_gone_before() {
    let script = "orphan:2:ignore:TERM,mark,forever escape:mark,forever ready forever";
    let options = format!("{ASKED} --stop-timeout 300ms");
    let (mut run, _input) = start(Kind::Pipe, &options, script);
    run.await_entries(3, "mark");
    run.await_entry(1, "ready");
    run.recycle();
    await_asleep(&mut run, 1);
}

#[test]
fn pre_stop_comes_before_the_stop_and_not_again_at_the_start() {
    for mode in MODES {
        let options = format!("{ASKED} --stdin {mode}");
        let run = Run::new(&options).env("F", fixture_path());
        let run = run.env("RECYCLE_PRE_STOP", "$F mark:hook; echo $RECYCLE_EVENT >>told");
        let (run, mut input) = run.with_input(Kind::Pipe);
        let mut run = run.fixture(READER).spawn();
        for round in 1..=2 {
            run.await_entry(round, "ready");
            run.recycle();
            await_asleep(&mut run, usize::try_from(round).unwrap());
            input.write(&mut run, "line\n");
            run.await_entry(round + 1, "echoed 5");
            assert_eq!(told(&run), vec!["due"; usize::try_from(round).unwrap()]);
        }
    }
}

fn told(run: &Running) -> Vec<String> {
    let text = fs::read_to_string(run.dir().join("told")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// One that takes its time neither keeps the next from starting, nor us from leaving.
#[test]
fn who_is_told_of_the_stop_holds_nothing_up() {
    for input_comes in [true, false] {
        let run = Run::new(ASKED).env("F", fixture_path());
        let run =
            run.env("RECYCLE_ON_EVENT", "echo $RECYCLE_EVENT >>told; $F mark:hook wait-file:go");
        let (run, mut input) = run.with_input(Kind::Pipe);
        let mut run = run.fixture(READER).spawn();
        run.await_entry(1, "ready");
        run.recycle();
        let hook = run.await_entries(1, "mark:hook")[0].pid;
        run.await_stderr(WAITING);
        if input_comes {
            input.write(&mut run, "line\n");
            run.await_entry(2, "echoed 5");
        } else {
            run.signal(libc::SIGTERM);
            assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
        }
        assert!(lives(hook));
        run.touch("go");
        run.await_gone(hook);
        // That it waits is no news for who wants to know of trouble.
        assert_eq!(told(&run), ["recycled"]);
    }
}

#[test]
fn machines_are_told_that_it_waits() {
    let options = format!("{ASKED} --log-format json");
    let (run, mut input) = Run::new(&options).with_input(Kind::Pipe);
    let mut run = run.fixture(READER).spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_stderr(r#""event":"waiting","generation":1,"#);
    input.write(&mut run, "line\n");
    run.await_entry(2, "echoed 5");
    let stderr = run.stderr();
    let events = stderr.lines().map(|line| line.split_once(r#""event":""#).unwrap().1);
    let events: Vec<_> = events.map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(events, ["started", "due", "recycling", "recycled", "waiting", "started"]);
}
