//! `recycle` under a Procfile runner.

use crate::harness::{
    End, Entry, Run, Running, fixture_path, look_up, recycle_path, send_signal, tool,
};
use std::fs;
use std::path::Path;

/// Where `.ci/test` puts it.
fn honcho() -> &'static str {
    let dir = concat!(env!("CARGO_TARGET_TMPDIR"), "/honcho");
    assert!(Path::new(dir).exists(), "this test needs honcho: run .ci/test --install-only");
    dir
}

/// Two lines, each with a `recycle`, under honcho.
fn under_honcho(script: &str) -> Run {
    let run = Run::bare();
    let line =
        |name: &str| format!("{name}: $R --map-signal USR1:recycle $F mark:{name} {script}\n");
    fs::write(run.dir().join("Procfile"), line("web") + &line("worker")).unwrap();
    run.env("R", recycle_path()).env("F", fixture_path()).env("PYTHONPATH", honcho()).command([
        tool("python3").to_str().unwrap(),
        "-m",
        "honcho",
        "start",
    ])
}

/// Two commands, and a runner that knows of both: it hears of what it has started in its own time.
fn await_both(run: &mut Running) -> Vec<Entry> {
    run.wait_for("two lines of the runner's", |run| {
        (run.stdout().matches("started (pid=").count() == 2).then_some(())
    });
    run.await_entries(2, "ready")
}

#[test]
fn term_to_the_runner_ends_all() {
    let mut run = under_honcho("trap:TERM:exit=0:after=100ms ready forever").spawn();
    let commands = await_both(&mut run);
    run.signal(libc::SIGTERM);
    run.finish();
    for command in commands {
        run.await_gone(command.pid);
        let told = run.entries("got TERM");
        assert_eq!(told.iter().filter(|entry| entry.pid == command.pid).count(), 1);
    }
    assert!(run.processes().is_empty());
}

#[test]
fn a_recycle_is_no_exit_for_the_runner() {
    let mut run = under_honcho("ready forever").spawn();
    await_both(&mut run);
    let worker = run.entries("mark:worker")[0].pid;
    let recycle = look_up(worker).unwrap().parent;
    for generation in 2..=4 {
        send_signal(recycle, libc::SIGUSR1);
        run.await_entry(generation, "ready");
    }
    // The other one has seen nothing of it, and the runner has not ended anything.
    assert_eq!(run.entries("mark:web").len(), 1);
    assert_eq!(look_up(run.entries("mark:web")[0].pid).unwrap().state, 'S');
    assert!(!run.stdout().contains("stopped"), "{}", run.stdout());
    run.signal(libc::SIGTERM);
    run.finish();
}

/// The negative control: an end is one.
#[test]
fn an_end_is_an_exit_for_the_runner() {
    let mut run = under_honcho("ready wait-file:go exit:3").spawn();
    await_both(&mut run);
    run.touch("go");
    assert_eq!(run.finish(), End::Code(3));
    assert!(run.stdout().contains("stopped (rc=3)"), "{}", run.stdout());
}
