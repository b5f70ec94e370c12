//! `--eof-timeout`: COMMAND that lives on after the end of its standard input is stopped, and
//! `recycle` ends with it.

mod inherit;
mod lines;
mod stops;

use crate::harness::{End, Input, Kind, Run, Running, now_ms};

/// Reads to the end, and lives on.
const ORPHAN: &str = "trap:HUP trap:TERM:exit=3 bg:echo ready forever";

/// Never reads.
const DEAF: &str = "trap:HUP trap:TERM:exit=3 ready forever";

fn start(kind: Kind, options: &str, script: &str) -> (Running, Input) {
    let (run, input) = Run::new(options).with_input(kind);
    let mut run = run.fixture(script).spawn();
    run.await_entry(1, "ready");
    (run, input)
}

/// Ends it. Returns a time before that.
fn end(run: &mut Running, input: Input) -> i64 {
    let before_ms = now_ms();
    input.end(run);
    before_ms
}

/// COMMAND is told a second after the end and not before, and its status is ours.
fn assert_stopped(run: &mut Running, ended_ms: i64) {
    let told = run.await_entry(1, "got TERM");
    assert!(told.t_ms >= ended_ms + 1000, "{} ms too early", ended_ms + 1000 - told.t_ms);
    assert_eq!(run.finish(), End::Code(3));
    assert_eq!((run.generations(), run.entries("got TERM").len()), (1, 1));
    let stderr = run.stderr();
    let (line, rest) = stderr.split_once('\n').unwrap();
    assert!(line.starts_with("recycle: standard input ended 1"), "{stderr}");
    assert!(line.ends_with(" has not: stopping it (--eof-timeout)"), "{stderr}");
    // It may have taken lines, too.
    assert!(!rest.contains("--eof-timeout"), "{stderr}");
}

/// With and without a byte before the end, with and without somebody who reads it, side by side.
fn assert_all_stopped(kind: Kind, options: &str) {
    let cases = [(ORPHAN, ""), (ORPHAN, "data\n"), (DEAF, ""), (DEAF, "data\n")];
    let mut runs = cases.map(|(script, data)| {
        let (mut run, mut input) = start(kind, options, script);
        input.write(&mut run, data);
        if !data.is_empty() && script == ORPHAN {
            run.await_entry(1, "echoed");
        }
        let ended_ms = end(&mut run, input);
        (run, ended_ms)
    });
    for (run, ended_ms) in &mut runs {
        assert_stopped(run, *ended_ms);
    }
}
