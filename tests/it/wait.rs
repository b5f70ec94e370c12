//! `--then wait`: after a planned stop no generation runs, and nothing wakes, until there is input
//! for the next one.

mod asleep;
mod ends;
mod refused;
mod stops;
mod terminal;

use crate::harness::{Input, Kind, Run, Running, look_up};

/// COMMAND reads our standard input, or has it line by line.
pub(crate) const MODES: [&str; 2] = ["inherit", "lines"];

/// So that the tests say when.
const ASKED: &str = "-v --map-signal USR1:recycle --then wait";

/// Goes when it is told to: by TERM, or by the end of its input.
const READER: &str = "trap:TERM:exit=0 ready echo";

/// What is said before it waits.
const WAITING: &str = "asleep until standard input has data\n";

fn start(kind: Kind, options: &str, script: &str) -> (Running, Input) {
    let (run, input) = Run::new(options).with_input(kind);
    (run.fixture(script).spawn(), input)
}

/// A pipe, with a generation that was asked to go and is gone.
fn asleep(options: &str, script: &str) -> (Running, Input) {
    let (mut run, input) = start(Kind::Pipe, options, script);
    run.await_entry(1, "ready");
    run.recycle();
    await_asleep(&mut run, 1);
    (run, input)
}

/// Until nothing is left to do for the so many-th time. Nobody lives then.
fn await_asleep(run: &mut Running, times: usize) {
    run.wait_for(&format!("sleep {times}"), |run| {
        let said = run.stderr().matches(WAITING).count();
        assert!(said <= times, "asleep too often");
        (said == times && sleeps(run)).then_some(())
    });
    assert_alone(run);
}

fn sleeps(run: &Running) -> bool {
    look_up(run.pid()).is_some_and(|it| it.state == 'S')
}

fn assert_alone(run: &Running) {
    let processes = run.processes();
    let pids: Vec<_> = processes.iter().map(|it| it.pid).collect();
    assert_eq!(pids, [run.pid()], "{processes:?}");
}
