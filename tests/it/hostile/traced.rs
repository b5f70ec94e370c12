//! `ptrace(2)`: a COMMAND that traces, and one that makes `recycle` its tracer without being asked.
//! A stop of a traced process is no end: `recycle` lets it go, and all goes on as untraced.

use super::{BY_KILL, BY_TERM};
use crate::harness::{End, Run, fixture_path, look_up, send_signal, tool};

/// How it ends and what it writes, alone and under `recycle`.
fn assert_transparent(script: &str) {
    let traced = format!("trace-me {script}");
    let [alone, wrapped] =
        [(Run::bare(), script), (Run::new(""), traced.as_str())].map(|(run, script)| {
            let (end, run) = run.fixture(script).finish();
            // What a handler's thread writes comes when it comes.
            let mut told: Vec<_> = run.journal().into_iter().map(|entry| entry.text).collect();
            told.retain(|text| text != "trace-me");
            told.sort();
            (end, told)
        });
    assert_eq!(alone, wrapped, "{script}");
}

#[test]
fn one_that_asks_to_be_traced_gets_its_signals() {
    assert_transparent("ignore:USR2 raise:USR2 mark:after exit:4");
    assert_transparent("raise:WINCH raise:CONT mark:after exit:5");
    assert_transparent("raise:USR2 exit:6");
    // Not TRAP: one that was sent looks as the one that an exec brings.
    assert_transparent("die:SEGV");
}

/// A traced exec comes with a SIGTRAP that nobody has sent.
#[test]
fn one_that_asks_to_be_traced_may_exec() {
    assert_transparent("exec:mark:execed,exit:4");
    assert_transparent("exec:mark:execed,exec:exit:5");
    assert_transparent("ignore:USR2 raise:USR2 mark:after exec:raise:USR2,mark:execed,exit:6");
}

#[test]
fn one_that_asks_to_be_traced_is_passed_signals() {
    let mut run = Run::new("").fixture("trap:TERM:exit=3 trap:USR1 trace-me ready forever").spawn();
    run.await_entry(1, "ready");
    for times in 1..=3 {
        run.signal(libc::SIGUSR1);
        run.await_entries(times, "got USR1");
    }
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(3));
}

#[test]
fn one_that_asks_to_be_traced_stops_and_goes_on() {
    let mut run = Run::new("").fixture("trace-me stop-self ready exit:4").spawn();
    let pid = run.await_entry(1, "stop-self").pid;
    run.wait_for("COMMAND to be stopped", |_| look_up(pid).filter(|it| it.state == 'T'));
    send_signal(pid, libc::SIGCONT);
    assert_eq!(run.finish(), End::Code(4));
}

#[test]
fn one_that_asks_to_be_traced_is_recycled() {
    for (options, script) in [(BY_TERM, "trace-me"), (BY_KILL, "ignore:TERM trace-me")] {
        let script = format!("survivors {script} ready forever");
        let mut run = Run::new(options).fixture(&script).spawn();
        run.await_entry(1, "ready");
        run.recycle();
        run.await_entry(2, "ready");
        run.await_entry(2, "survivors none");
        run.wait_for("the line", |run| run.recycles().pop());
        assert_eq!(run.stderr().lines().count(), 1);
    }
}

/// An orphan whose parent `recycle` has become can ask for it, too.
#[test]
fn an_orphan_that_asks_to_be_traced_goes_on() {
    let script = "orphan:1:mark:up,wait-file:go,trace-me,ignore:USR2,raise:USR2,mark:after,forever";
    let mut run = Run::new("").fixture(&format!("trap:TERM:exit=3 {script} ready forever")).spawn();
    run.await_entry(1, "mark:up");
    run.await_entry(1, "ready");
    run.touch("go");
    run.await_entry(1, "mark:after");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(3));
}

/// strace as COMMAND shields itself against TERM while it traces, and what it traces is deaf: only
/// KILL ends them.
#[test]
fn a_command_that_traces_its_children_is_gone_before_the_next_generation() {
    // Each call of a traced process waits for its tracer twice.
    let run = Run::new(BY_KILL);
    let strace = tool("strace").into_os_string();
    let traced = "survivors lock:life ignore:TERM child:ignore:TERM,mark:up,forever \
                  orphan:1:setsid,ignore:TERM,mark:away,forever mark:ready forever";
    let words = ["-f", "-I3", "-o", "/dev/null"].map(Into::into).into_iter();
    let words = words.chain([fixture_path().as_os_str().to_owned()]);
    let words = words.chain(traced.split_whitespace().map(Into::into));
    let mut run = run.command([strace].into_iter().chain(words)).spawn();
    for generation in 1..=2 {
        for text in ["mark:up", "mark:away", "mark:ready"] {
            run.await_entry(generation, text);
        }
        let tracee = run.entries("mark:ready").pop().unwrap().pid;
        assert_ne!(look_up(tracee).unwrap().parent, run.pid());
        run.recycle();
    }
    run.await_entry(3, "mark:ready");
    assert_eq!(run.entries("survivors none").len(), 3);
    assert!(run.entries("still-locked").is_empty());
}
