//! Standard input: traffic while it is a pipe with a writer, an order to finish once it has
//! ended, and none of both where it is a file.

use crate::harness::{End, Run, let_pass, look_up, own_network};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// `(echo; sleep 3; echo) | recycle --idle 1s -- fixture`
#[test]
fn a_pipe_that_falls_silent_is_recycled_once() {
    let script = "trap:TERM:exit=0 ready echo exit:4";
    let mut run = Run::new("--idle 1s").fixture(script).stdin_pipe().spawn();
    let ready = run.await_entry(1, "ready");
    run.send("one\n");
    let told = run.await_entry(1, "got TERM");
    assert!(told.t_ms >= ready.t_ms + 1000);
    assert_eq!(run.await_entry(2, "ready").reason.as_deref(), Some("idle"));
    // Nothing came for the second generation yet, so it cannot have gone idle.
    let_pass(Duration::from_secs(2));
    run.send("two\n");
    assert_eq!(run.finish(), End::Code(4));
    assert_eq!(run.stdout(), "one\ntwo\n");
    assert_eq!(run.generations(), 2);
}

/// The negative control.
#[test]
fn without_idle_a_silent_pipe_means_nothing() {
    let mut run = Run::new("").fixture("ready echo exit:4").stdin_pipe().spawn();
    run.await_entry(1, "ready");
    run.send("one\n");
    let_pass(Duration::from_secs(2));
    run.send("two\n");
    assert_eq!(run.finish(), End::Code(4));
    assert_eq!((run.stdout().as_str(), run.generations()), ("one\ntwo\n", 1));
}

#[test]
fn a_line_every_half_idle_time_keeps_it() {
    let mut run = Run::new("--idle 2s").fixture("ready echo exit:4").stdin_pipe().spawn();
    run.await_entry(1, "ready");
    for _ in 0..5 {
        run.send("line\n");
        let_pass(Duration::from_secs(1));
    }
    assert_eq!(run.finish(), End::Code(4));
    assert_eq!(run.generations(), 1);
}

#[test]
fn input_that_waits_to_be_read_is_no_silence() {
    let mut run = Run::new("--idle 500ms").fixture("ready sleep:2s exit:5").stdin_pipe().spawn();
    run.await_entry(1, "ready");
    run.send("unread\n");
    let sleeping = run.wait_for("the end of COMMAND's sleep", |run| {
        run.entries("exit:5").pop().or_else(|| run.entries("ready").into_iter().nth(1))
    });
    assert_eq!(sleeping.text, "exit:5");
    assert_eq!(run.finish(), End::Code(5));
    assert_eq!(run.generations(), 1);
}

fn file(lines: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, lines.as_bytes()).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

#[test]
fn every_generation_reads_a_file_from_where_the_first_did() {
    let mut input = file("skipped\nfirst\nsecond\n");
    input.seek(SeekFrom::Start(8)).unwrap();
    let script = "read-line read-line ready unblock forever";
    let run = Run::new("--max-lifetime 500ms").term_held();
    let mut run = run.fixture(script).stdin(input).spawn();
    for generation in 1..=3 {
        run.await_entry(generation, "ready");
    }
    let lines: Vec<_> = run.entries("line").into_iter().map(|entry| entry.text).collect();
    assert_eq!(lines[..6], ["line first", "line second"].repeat(3));
}

/// What ended was not an input somebody wrote: lifetimes go on, and idle has no source.
#[test]
fn a_file_and_dev_null_are_no_traffic_and_no_order_to_finish() {
    for (input, bytes) in [(file("one\ntwo\n"), 8), (File::open("/dev/null").unwrap(), 0)] {
        let again = input.try_clone().unwrap();
        let script = "count-stdin sleep:2s exit:5";
        let (end, run) = Run::new("--idle 500ms").fixture(script).stdin(input).finish();
        assert_eq!((end, run.generations()), (End::Code(5), 1));
        assert_eq!(run.entries("counted")[0].number(), bytes);

        let mut again = again;
        again.rewind().unwrap();
        let script = "count-stdin ready unblock forever";
        let run = Run::new("--max-lifetime 500ms").term_held();
        let mut run = run.fixture(script).stdin(again).spawn();
        run.await_entry(2, "ready");
        assert!(run.entries("counted").iter().all(|entry| entry.number() == bytes));
    }
}

/// `seq 1000000 -1 1 | recycle --map-signal USR1:recycle -- slow-sort`. Asked, since it has to be
/// read to its end before a recycle is due, however long that takes.
#[test]
fn after_the_end_of_input_no_planned_recycle_loses_it() {
    let numbers: Vec<String> = (1..=1_000_000).map(|number| format!("{number}\n")).collect();
    let unsorted: String = numbers.iter().rev().map(String::as_str).collect();
    let run = Run::new("--map-signal USR1:recycle");
    let mut run = run.fixture("slow-sort:4s").stdin_pipe().spawn();
    run.send(&unsorted);
    run.close_stdin();
    run.await_entry(1, "eof");
    run.recycle();
    assert_eq!(run.finish(), End::Code(0));
    assert_eq!(run.generations(), 1);
    assert!(run.stdout() == numbers.concat(), "not sorted");
}

#[test]
fn after_the_end_of_input_there_is_no_planned_recycle_of_any_kind() {
    let script = "count-stdin mark:ended hold:60M sleep:2s exit:5";
    for options in ["--max-lifetime 1s", "--idle 500ms", "--max-rss 30M", "--max-pss 30M"] {
        let mut run = Run::new(options).fixture(script).stdin_pipe().spawn();
        run.send("some data\n");
        assert_eq!(run.finish(), End::Code(5), "{options}");
        assert_eq!(run.generations(), 1);
    }
}

#[test]
fn a_kill_rss_after_the_end_of_input_is_the_end() {
    let script = "count-stdin leak:50M/s";
    let mut run = Run::new("--kill-rss 60M").fixture(script).stdin_pipe().spawn();
    run.send("some data\n");
    let end = run.finish();
    assert!([End::Code(137), End::Signal(libc::SIGKILL)].contains(&end), "{end:?}");
    assert_eq!(run.generations(), 1);
}

/// `recycle` must not hold a copy that keeps COMMAND from seeing the end.
#[test]
fn command_sees_the_end_of_its_input() {
    let mut run = Run::new("--idle 1h").fixture("read-line read-line exit:4").stdin_pipe().spawn();
    run.send("one\n");
    run.await_entry(1, "line one");
    run.close_stdin();
    run.await_entry(1, "eof");
    assert_eq!(run.finish(), End::Code(4));
}

/// A socket, as Node gives one to its children: its end alone is not the end of any input.
#[test]
fn a_socket_that_is_closed_without_a_byte_holds_no_recycle() {
    own_network();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let run = Run::new("--max-lifetime 500ms").term_held().stdin(OwnedFd::from(theirs));
    let mut run = run.fixture("ready unblock forever").spawn();
    run.await_entry(1, "ready");
    drop(ours);
    run.await_entry(3, "ready");
}

/// Data that COMMAND has read before anybody looks, and the end with it, look like an end alone:
/// this one reads late.
#[test]
fn a_socket_that_carried_data_and_ended_holds_every_recycle() {
    own_network();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let script = "ready wait-file:go count-stdin sleep:2s exit:4";
    let mut run =
        Run::new("--max-lifetime 1s").stdin(OwnedFd::from(theirs)).fixture(script).spawn();
    run.await_entry(1, "ready");
    ours.write_all(b"data").unwrap();
    drop(ours);
    // Both wake it: it sleeps again when it has seen them.
    run.wait_for("a look", |run| look_up(run.pid()).filter(|it| it.state == 'S'));
    run.touch("go");
    assert_eq!(run.finish(), End::Code(4));
    assert_eq!(run.generations(), 1);
}

/// What was written before anybody watched counts at the end of input, whatever `--traffic` says.
#[test]
fn data_that_came_before_recycle_did_counts_at_the_end_of_input() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"data").unwrap();
    let options = "--traffic sockets --idle 1h --max-lifetime 1s";
    let mut run = Run::new(options).stdin(reader).fixture("read-line sleep:2s exit:4").spawn();
    drop(writer);
    assert_eq!(run.finish(), End::Code(4));
    assert_eq!(run.generations(), 1);
}
