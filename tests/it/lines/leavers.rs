//! A COMMAND that stops reading. Where nobody else can follow it, whoever writes is told as he
//! would be without `recycle`: by SIGPIPE.

use super::{ASKED, await_kept, fed, run};
use crate::harness::{End, Producer, Run, Running, lives, recycle_path};
use std::io::ErrorKind;

/// What a pipeline's COMMAND says, and how all in it end, with this between `yes` and COMMAND.
fn pipeline(wrapper: &str, command: &str) -> String {
    let script = format!("yes | {wrapper} {command}; echo \"${{PIPESTATUS[@]}}\"");
    let script = script.replace("LINES", "\"$R\" --stdin lines");
    let run = Run::bare().env("R", recycle_path()).command(["bash", "-c", &script]);
    let (end, run) = run.finish();
    assert_eq!(end, End::Code(0), "{}", run.stderr());
    run.stdout()
}

#[test]
fn head_ends_a_pipeline() {
    let wrappers = ["", "LINES --", "LINES -- LINES --", "LINES --max-lifetime 1h --"];
    for wrapper in wrappers {
        assert_eq!(pipeline(wrapper, "head -1"), "y\n141 0\n", "{wrapper}");
        assert_eq!(pipeline(wrapper, "sh -c 'read line; exit 5'"), "141 5\n", "{wrapper}");
    }
}

/// Until writing fails, for which it must have been tried.
fn await_broken(run: &mut Running, producer: &mut Producer) {
    let error = run.wait_for("SIGPIPE", |_| {
        loop {
            match producer.try_write(b"y\n") {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(error),
            }
        }
    });
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

const CLOSES: &str = "ready read-line close-stdin mark:closed wait-file:go exit:4";

fn assert_breaks(run: Run) {
    let (mut run, mut producer) = fed(run.fixture(CLOSES));
    producer.write(b"the first\n");
    let command = run.await_entries(1, "mark:closed")[0].pid;
    await_broken(&mut run, &mut producer);
    assert!(lives(command));
    run.touch("go");
    assert_eq!(run.finish(), End::Code(4));
    assert_eq!(run.entries("line the first").len(), 1);
}

#[test]
fn who_writes_is_told_while_command_lives_on() {
    assert_breaks(Run::bare());
    assert_breaks(run(""));
    assert_breaks(run("--restart never"));
    let nested = [recycle_path().to_str().unwrap(), "--stdin", "lines", "--"];
    assert_breaks(run("").through(nested));
}

#[test]
fn what_is_written_is_kept_for_the_next_generation() {
    let script = "once:close-stdin once:mark:closed once:forever take:all@out";
    let (mut run, mut producer) = fed(run(&format!("{ASKED} --drain-timeout 0s")).fixture(script));
    run.await_entry(1, "mark:closed");
    producer.write(b"1\n2\n3\n");
    run.recycle();
    await_kept(&mut run, b"1\n2\n3\n");
    assert_eq!(run.generations(), 2);
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
}

/// The same for one that is started again when it ends.
#[test]
fn a_command_that_ended_without_reading_leaves_all_of_it() {
    let options = "--restart on-failure --backoff 1ms..1ms";
    let (mut run, mut producer) =
        fed(run(options).fixture("once:close-stdin once:wait-file:go once:exit:1 take:all@out"));
    run.await_entry(1, "wait-file");
    producer.write(b"1\n2\n3\n");
    run.touch("go");
    await_kept(&mut run, b"1\n2\n3\n");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
}

/// Nobody follows any more.
#[test]
fn after_term_who_writes_is_told() {
    let script = "trap:TERM close-stdin mark:closed wait-file:go exit:4";
    let (mut run, mut producer) = fed(run(ASKED).fixture(script));
    let command = run.await_entry(1, "mark:closed").pid;
    run.signal(libc::SIGTERM);
    run.await_entry(1, "got TERM");
    await_broken(&mut run, &mut producer);
    assert!(lives(command));
    run.touch("go");
    assert_eq!(run.finish(), End::Code(4));
}
