//! `--then command`: after a planned stop `recycle` ends as COMMAND ended, as timeout(1) does with
//! `--preserve-status`. `--then exit` does not tell.

use crate::harness::{End, Run, recycle_path, tool};

/// How a COMMAND may take its stop, and what a shell says of its end.
const ENDS: [(&str, i32); 4] = [
    ("trap:TERM:exit=0 unblock forever", 0),
    ("trap:TERM:exit=3 unblock forever", 3),
    ("unblock forever", 143),
    ("ignore:TERM forever", 137),
];

/// The status in a shell, which makes one of a signal.
fn status_in_shell(words: &str, script: &str) -> i32 {
    let shell = ["sh", "-c", "\"$@\"; exit $?", "sh"].map(str::to_owned);
    let words = words.split_whitespace().map(str::to_owned);
    let run = Run::bare().through(shell.into_iter().chain(words)).term_held();
    match run.fixture(script).finish().0 {
        End::Code(status) => status,
        End::Signal(signal) => panic!("the shell died by {signal}"),
    }
}

#[test]
fn recycle_ends_as_command_ended_as_timeout_does() {
    let recycle = recycle_path().display();
    let recycle = format!("{recycle} --max-lifetime 300ms --stop-timeout 300ms --then command --");
    let timeout = format!("{} --preserve-status -k 0.3 0.3", tool("timeout").display());
    for (script, status) in ENDS {
        assert_eq!(status_in_shell(&recycle, script), status, "{script}");
        assert_eq!(status_in_shell(&timeout, script), status, "{script}: timeout");
    }
}

#[test]
fn a_signal_that_ended_command_ends_recycle() {
    let options = "--max-lifetime 300ms --stop-timeout 300ms --then command";
    for (script, signal) in
        [("unblock forever", libc::SIGTERM), ("ignore:TERM forever", libc::SIGKILL)]
    {
        let (end, run) = Run::new(options).term_held().fixture(script).finish();
        assert_eq!((end, run.generations()), (End::Signal(signal), 1));
    }
    let unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let run = Run::new(options).through(unshare).fixture("ignore:TERM forever");
    assert_eq!(run.finish().0, End::Code(137), "as PID 1");
}

#[test]
fn then_exit_does_not_tell_that_kill_was_needed() {
    for (then, status) in [("exit", 0), ("exit:7", 7)] {
        let options = format!("--max-lifetime 300ms --stop-timeout 300ms --then {then}");
        let (end, run) = Run::new(&options).fixture("ignore:TERM forever").finish();
        assert_eq!(end, End::Code(status));
        assert!(run.stderr().contains("SIGKILL"), "{}", run.stderr());
    }
}

#[test]
fn a_kill_of_what_command_left_behind_does_not_change_its_status() {
    let options = "--map-signal USR1:recycle --stop-timeout 300ms --then command";
    let script = "orphan:1:ignore:TERM,mark:in-place,forever trap:TERM:exit=3 ready forever";
    let mut run = Run::new(options).fixture(script).spawn();
    run.await_entry(1, "mark:in-place");
    run.await_entry(1, "ready");
    run.recycle();
    assert_eq!(run.finish(), End::Code(3));
    assert!(run.stderr().contains("SIGKILL"), "{}", run.stderr());
}

#[test]
fn kill_rss_ends_recycle_by_kill() {
    let options = "--kill-rss 60M --then command";
    let (end, run) = Run::new(options).fixture("trap:TERM leak:50M/s").finish();
    assert_eq!((end, run.generations()), (End::Signal(libc::SIGKILL), 1), "{}", run.stderr());
}

#[test]
fn one_that_ends_during_pre_stop_gives_its_status() {
    let options = "--map-signal USR1:recycle --then command --pre-stop";
    let options = options.split_whitespace().chain(["touch go; exec sleep 3600", "--"]);
    let words = [recycle_path().display().to_string()];
    let words = words.into_iter().chain(options.map(str::to_owned));
    let run = Run::bare().through(words).fixture("ready wait-file:go exit:4");
    let mut run = run.spawn();
    run.await_entry(1, "ready");
    run.recycle();
    assert_eq!(run.finish(), End::Code(4));
}

#[test]
fn one_that_drains_its_lines_gives_its_status() {
    let options = "--map-signal USR1:recycle --stdin lines --then command";
    let run = Run::new(options).stdin_pipe();
    let mut run = run.command(["sh", "-c", "echo ready >&2; cat; exit 5"]).spawn();
    run.wait_for("COMMAND", |run| run.stderr().contains("ready").then_some(()));
    run.recycle();
    assert_eq!(run.finish(), End::Code(5));
}

#[test]
fn a_stop_at_the_end_of_input_gives_its_status() {
    for (script, end) in [
        ("trap:TERM:exit=3 unblock forever", End::Code(3)),
        ("unblock forever", End::Signal(libc::SIGTERM)),
    ] {
        let options = "--eof-timeout 300ms --max-lifetime 1h --then command";
        let mut run = Run::new(options).stdin_pipe().term_held().fixture(script).spawn();
        run.close_stdin();
        assert_eq!(run.finish(), end);
    }
}

/// What was not planned goes on as `--restart` says.
#[test]
fn an_end_that_nobody_planned_is_restarted() {
    let options = "--restart on-failure --map-signal USR1:recycle --then command";
    let script = "trap:TERM:exit=6 once:exit:1 at:2:ready forever";
    let mut run = Run::new(options).fixture(script).spawn();
    run.await_entry(2, "ready");
    run.recycle();
    assert_eq!(run.finish(), End::Code(6));
}
