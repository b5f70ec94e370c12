//! The end of input: whatever is left is given to somebody, and nobody is started for nothing.

use super::{ASKED, assert_same, assert_whole, await_kept, fed, given, kept, numbered, run};
use crate::harness::{End, Producer, Running, look_up};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::os::fd::AsFd;

/// TERM waits until a generation has taken what it is to take. On a busy host a generation may be
/// old before it has taken anything: the next one gets it.
#[test]
fn planned_recycles_go_on_while_lines_are_left() {
    let all = numbered(1..=310);
    let script = "take:20@out from:16:append:out from:16:exit:5 unblock forever";
    let options = "--max-lifetime 50ms --drain-timeout 5ms";
    let mut run = given(run(options).term_held().fixture(script), &all);
    assert_eq!(run.finish(), End::Code(5));
    assert_same(&kept(&run), &all);
    assert!(run.generations() >= 16);
    // All but the last one, which may have been about to be.
    let recycles = u32::try_from(run.recycles().len()).unwrap();
    assert!([run.generations() - 1, run.generations()].contains(&recycles), "{recycles}");
}

/// Nothing is left, so the last one lives on, whatever its age.
#[test]
fn planned_recycles_are_over_when_nothing_is_left() {
    let script = "take:all@out mark:read sleep:1500ms exit:5";
    let mut run = given(run("--max-lifetime 500ms --drain-timeout 0s").fixture(script), b"1\n2\n");
    assert_eq!(run.finish(), End::Code(5));
    let last = run.entries("mark:read").pop().unwrap();
    assert_eq!(last.generation, Some(run.generations()));
}

#[test]
fn a_recycle_that_is_asked_for_then_is_refused() {
    let script = "take:all@out mark:read wait-file:go exit:6";
    let mut run = given(run(ASKED).fixture(script), b"1\n2\n");
    run.await_entry(1, "mark:read");
    run.recycle();
    run.await_stderr("recycle: not recycled: standard input has ended");
    run.touch("go");
    assert_eq!(run.finish(), End::Code(6));
    assert_eq!(run.generations(), 1);
}

/// While something is left the same is done.
#[test]
fn a_recycle_that_is_asked_for_before_that_is_done() {
    let script = "once:take:1@out once:mark:read once:forever take:all@out exit:6";
    let options = format!("{ASKED} --drain-timeout 0s");
    let mut run = given(run(&options).fixture(script), b"1\n2\n");
    run.await_entry(1, "mark:read");
    run.recycle();
    assert_eq!(run.finish(), End::Code(6));
    assert_same(&kept(&run), b"1\n2\n");
    assert_eq!(run.generations(), 2);
    assert!(!run.stderr().contains("not recycled"), "{}", run.stderr());
}

#[test]
fn who_ends_after_the_end_is_not_started_again() {
    for options in ["", "--restart always", "--restart always --max-lifetime 1h"] {
        for (ending, end) in [
            ("exit:0", End::Code(0)),
            ("exit:3", End::Code(3)),
            ("die:SEGV", End::Signal(libc::SIGSEGV)),
        ] {
            let script = format!("append:out {ending}");
            let mut run = given(run(options).fixture(&script), b"1\n2\n3");
            assert_eq!(run.finish(), end, "{options}");
            assert_same(&kept(&run), b"1\n2\n3");
            assert_eq!(run.generations(), 1, "{options}");
        }
    }
}

const ALWAYS: &str = "--restart always --max-restarts 100/1h --backoff";

/// The negative control: more may come.
#[test]
fn who_ends_before_the_end_is_started_again() {
    let options = format!("{ALWAYS} 1ms..1ms");
    let (mut run, mut producer) = fed(run(&options).fixture("take:1@out exit:0"));
    for number in 1..=3 {
        producer.write(b"line\n");
        await_kept(&mut run, &b"line\n".repeat(number));
    }
    run.await_entry(4, "take");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &b"line\n".repeat(3));
}

/// In a backoff of an hour.
fn between_generations(script: &str, lines: &[u8]) -> (Running, Producer) {
    let (mut run, mut producer) = fed(run(&format!("{ALWAYS} 1h..1h")).fixture(script));
    let command = run.await_entry(1, "take").pid;
    producer.write(lines);
    run.await_reaped(command);
    (run, producer)
}

#[test]
fn input_that_ends_between_generations_is_the_end() {
    for (ending, end) in [("exit:3", End::Code(3)), ("die:KILL", End::Signal(libc::SIGKILL))] {
        let (mut run, producer) = between_generations(&format!("take:1@out {ending}"), b"1\n");
        drop(producer);
        assert_eq!(run.finish(), end);
        assert_eq!(run.generations(), 1);
    }
}

/// What was left by the one before, and what came after it.
#[test]
fn input_that_ends_between_generations_is_given_to_one_more() {
    let options = format!("{ALWAYS} 300ms..300ms");
    let script = "once:take:1@out once:exit:3 take:all@out exit:7";
    let (mut run, mut producer) = fed(run(&options).fixture(script));
    let command = run.await_entry(1, "take").pid;
    producer.write(b"1\n2\n");
    run.await_reaped(command);
    producer.write(b"3");
    drop(producer);
    assert_eq!(run.finish(), End::Code(7));
    assert_same(&kept(&run), b"1\n2\n3");
    assert_eq!(run.generations(), 2);
}

/// A generation in the middle of a stop: its input has ended, and TERM waits for `go`.
fn stopping(script: &str) -> (Running, Producer) {
    let options = format!("{ASKED} --drain-timeout 0s");
    let (mut run, producer) = fed(run(&options).term_held().fixture(script));
    run.await_entry(1, "take");
    run.recycle();
    run.await_entry(1, "eof");
    (run, producer)
}

/// `recycle` has seen the end of its input when it sleeps again. The end may come late: a process
/// that another test has just forked holds the pipe until it executes.
fn go_on(run: &mut Running, producer: Producer) {
    let input = File::open(format!("/proc/{}/fd/0", run.pid())).unwrap();
    drop(producer);
    run.wait_for("the end of input", |_| {
        let mut ends = [PollFd::new(input.as_fd(), PollFlags::empty())];
        poll(&mut ends, PollTimeout::ZERO).unwrap();
        ends[0].revents()?.contains(PollFlags::POLLHUP).then_some(())
    });
    run.wait_for("a look", |run| look_up(run.pid()).filter(|it| it.state == 'S'));
    run.touch("go");
}

/// It was told to stop, and it did: that is a success.
#[test]
fn input_that_ends_during_a_stop_is_the_end() {
    let (mut run, producer) = stopping("take:all@out wait-file:go unblock forever");
    go_on(&mut run, producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_eq!(run.generations(), 1);
}

/// ... but lines that came before that are somebody's.
#[test]
fn lines_that_come_during_a_stop_are_the_next_ones() {
    let script = "once:take:all@out once:wait-file:go once:unblock once:forever append:out exit:8";
    let (mut run, mut producer) = stopping(script);
    producer.write(b"1\n2");
    go_on(&mut run, producer);
    assert_eq!(run.finish(), End::Code(8));
    assert_same(&kept(&run), b"1\n2");
    assert_eq!(run.generations(), 2);
}

#[test]
fn a_kill_rss_when_nothing_is_left_is_the_end() {
    let mut run = given(run("--kill-rss 60M").fixture("append:out leak:100M/s"), b"1\n2\n");
    let end = run.finish();
    assert!([End::Code(137), End::Signal(libc::SIGKILL)].contains(&end), "{end:?}");
    assert_eq!(run.generations(), 1);
}

/// All that was written before anybody read, with its end: many generations' worth.
#[test]
fn an_input_that_ended_at_once_is_given_to_many() {
    let all = numbered(1..=9_000);
    let script = "take:1000@out at:10:exit:0 exit:1";
    let options = "--restart on-failure --backoff 1ms..1ms --max-restarts 100/1h";
    let mut run = given(run(options).fixture(script), &all);
    // The ninth has taken the last line, and has not seen the end.
    assert_eq!(run.finish(), End::Code(1));
    assert_same(&kept(&run), &all);
    assert_eq!(run.generations(), 9);
    assert!(run.entries("eof").is_empty());
}

#[test]
fn the_status_is_the_last_generations() {
    let script = "append:out at:1:exit:1 at:2:exit:2 at:3:exit:3";
    let (mut run, mut producer) = fed(run(ASKED).fixture(script));
    for generation in 1..=2 {
        run.await_entry(generation, "append");
        producer.write(b"line\n");
        run.recycle();
    }
    run.await_entry(3, "append");
    drop(producer);
    assert_eq!(run.finish(), End::Code(3));
    assert_same(&kept(&run), b"line\nline\n");
    assert_whole(&run);
}

/// What COMMAND has left can be told also when its tree has used up all descriptors.
#[test]
fn lines_outlive_a_want_of_descriptors() {
    let options = "--max-lifetime 300ms --max-rss 1G";
    let run = run(options).after_shell("ulimit -n 28").fixture("take:3@out orphan:40 sleep:600ms");
    let (mut run, mut producer) = fed(run);
    producer.write(&numbered(1..=12));
    await_kept(&mut run, &numbered(1..=12));
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &numbered(1..=12));
}
