//! Nobody lives and nothing wakes; what came meanwhile is the next generation's, to the byte.

use super::{ASKED, MODES, READER, asleep, assert_alone, await_asleep, sleeps, start};
use crate::harness::{End, Input, Kind, Running, let_pass, now_ms};
use std::fs;
use std::time::Duration;

/// What changes with each moment that a process runs.
fn wakings(run: &Running) -> String {
    let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", run.pid())).unwrap();
    let status = read("status");
    let switches = status.lines().filter(|line| line.contains("ctxt_switches"));
    let stat = read("stat");
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    // utime and stime, proc(5).
    let times = fields.split(' ').skip(11).take(2);
    switches.chain(times).collect::<Vec<_>>().join(" ")
}

/// Sends a line, which that generation reads.
fn feed(run: &mut Running, input: &mut Input, generation: u32, line: &str) -> i64 {
    let before_ms = now_ms();
    input.write(run, line);
    run.await_entry(generation, &format!("echoed {}", line.len()));
    before_ms
}

/// Everything that looks at a generation is on. Once with each mode, side by side.
fn assert_sleeps_between_lines(kind: Kind) {
    let mut runs = MODES.map(|mode| {
        let options = format!(
            "-v --idle 1s --then wait --stdin {mode} --max-rss 1G --kill-rss 2G --max-lifetime 1h \
             --sample-every 300ms"
        );
        start(kind, &options, READER)
    });
    for (round, line) in [(1, "one\n"), (2, "three\n"), (3, "fifteen\n")] {
        let fed = runs.each_mut().map(|(run, input)| {
            let before_ms = feed(run, input, round, line);
            let ready = run.await_entry(round, "ready");
            assert_eq!(ready.reason.as_deref(), (round > 1).then_some("idle"));
            before_ms
        });
        for ((run, _), fed_ms) in runs.iter_mut().zip(fed) {
            await_asleep(run, usize::try_from(round).unwrap());
            assert!(now_ms() >= fed_ms + 1000);
        }
    }
    let before = runs.each_ref().map(|(run, _)| wakings(run));
    let_pass(Duration::from_secs(2));
    for ((run, _), before) in runs.iter().zip(before) {
        assert_eq!(wakings(run), before);
        assert_alone(run);
        assert_eq!(run.generations(), 3);
    }
}

#[test]
fn it_sleeps_between_the_lines_of_a_pipe() {
    assert_sleeps_between_lines(Kind::Pipe);
}

#[test]
fn it_sleeps_between_the_lines_of_a_socket() {
    assert_sleeps_between_lines(Kind::Socket);
}

#[test]
fn it_sleeps_between_the_lines_of_a_terminal() {
    assert_sleeps_between_lines(Kind::Terminal);
}

/// A lifetime is a generation's: without one nothing is due.
#[test]
fn nothing_becomes_due_meanwhile() {
    for mode in MODES {
        let options = format!("-v --max-lifetime 300ms --then wait --stdin {mode}");
        let (mut run, _input) = start(Kind::Pipe, &options, "ready echo");
        await_asleep(&mut run, 1);
        let before = wakings(&run);
        let_pass(Duration::from_secs(1));
        assert_eq!(wakings(&run), before);
        assert_eq!(run.recycles().len(), 1);
    }
}

#[test]
fn not_a_byte_is_lost_or_invented_in_many_rounds() {
    for kind in [Kind::Pipe, Kind::Socket] {
        for mode in MODES {
            let options = format!("{ASKED} --stdin {mode}");
            let (mut run, mut input) = start(kind, &options, &format!("{READER} exit:4"));
            let mut sent = String::new();
            for round in 1..=8 {
                let line = format!("{}\n", "x".repeat(usize::try_from(round * 100).unwrap()));
                feed(&mut run, &mut input, round, &line);
                sent += &line;
                run.recycle();
                await_asleep(&mut run, usize::try_from(round).unwrap());
            }
            input.write(&mut run, "last\n");
            run.await_entry(9, "echoed 5");
            input.end(&mut run);
            assert_eq!(run.finish(), End::Code(4));
            assert_eq!(run.stdout(), sent + "last\n", "{kind:?} {mode}");
        }
    }
}

/// It stays where it is: whoever is started reads it first.
#[test]
fn a_single_byte_wakes_and_is_the_next_generations() {
    let (mut run, mut input) = asleep(ASKED, READER);
    input.write(&mut run, "x");
    assert_eq!(run.await_entry(2, "ready").reason.as_deref(), Some("signal"));
    run.await_entry(2, "echoed 1");
    input.write(&mut run, "yz");
    run.await_entry(2, "echoed 2");
    assert_eq!(run.stdout(), "xyz");
}

/// Handed over are whole lines, so half of one is nothing to start for.
#[test]
fn half_a_line_wakes_nobody_where_lines_are_handed_over() {
    let (mut run, mut input) = asleep(&format!("{ASKED} --stdin lines"), READER);
    for half in ["a", "b", "c"] {
        let before = wakings(&run);
        input.write(&mut run, half);
        // It takes the half in, and sleeps on.
        run.wait_for("a look", |run| (wakings(run) != before && sleeps(run)).then_some(()));
        assert_alone(&run);
    }
    assert_eq!(run.generations(), 1);
    input.write(&mut run, "\n");
    run.await_entry(2, "echoed 4");
    assert_eq!(run.stdout(), "abc\n");
}

/// What is on its way to be read when the stop comes is no reason to wait.
#[test]
fn input_that_waits_already_starts_the_next_at_once() {
    for mode in ["inherit", "lines --drain-timeout 0s"] {
        let script = "trap:TERM:exit=0 ready read-line mark forever";
        let options = format!("{ASKED} --stdin {mode}");
        let (mut run, mut input) = start(Kind::Pipe, &options, script);
        input.write(&mut run, "one\ntwo\nthree\n");
        for (generation, line) in [(1, "line one"), (2, "line two"), (3, "line three")] {
            run.await_entry(generation, line);
            run.await_entry(generation, "mark");
            run.recycle();
        }
        run.wait_for("three recycles", |run| (run.recycles().len() == 3).then_some(()));
        // Now there is none.
        run.wait_for("sleep", |run| (run.processes().len() == 1).then_some(()));
        input.write(&mut run, "four\n");
        run.await_entry(4, "line four");
    }
}
