//! Where lines are handed over, the end is the one that `recycle` reads: anything can have it.

use super::{DEAF, ORPHAN, assert_all_stopped, assert_stopped, end, start};
use crate::harness::{End, Kind, Run, now_ms};
use std::fs::File;
use std::io::{Seek, Write};

const ONE: &str = "--stdin lines --eof-timeout 1s";

#[test]
fn the_end_of_a_pipe() {
    assert_all_stopped(Kind::Pipe, ONE);
}

#[test]
fn the_end_of_a_socket() {
    assert_all_stopped(Kind::Socket, ONE);
}

#[test]
fn the_end_of_a_terminal() {
    assert_all_stopped(Kind::Terminal, ONE);
}

#[test]
fn half_the_end_of_a_socket() {
    let (mut run, input) = start(Kind::Socket, ONE, ORPHAN);
    let before_ms = now_ms();
    input.end_half();
    assert_stopped(&mut run, before_ms);
}

#[test]
fn ctrl_d_on_a_terminal() {
    let (mut run, mut input) = start(Kind::Terminal, ONE, ORPHAN);
    input.write(&mut run, "data\n");
    run.await_entry(1, "echoed 5");
    let before_ms = now_ms();
    run.press("\x04");
    assert_stopped(&mut run, before_ms);
}

/// They end as they begin, or when they have been read.
#[test]
fn the_end_of_a_file_and_of_nothing() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"data\n").unwrap();
    file.rewind().unwrap();
    for (input, read) in [(file, "echoed 5"), (File::open("/dev/null").unwrap(), "eof")] {
        let mut run = Run::new(ONE).stdin(input).fixture(ORPHAN).spawn();
        run.await_entry(1, read);
        let started_ms = run.started_ms;
        assert_stopped(&mut run, started_ms);
    }
}

/// Its time begins when the producer has gone, not when it could be known by reading: of the
/// longer ones all three pipes are full.
#[test]
fn lines_that_nobody_has_read_make_it_no_longer() {
    for count in [100, 80_000] {
        let (mut run, mut input) = start(Kind::Pipe, ONE, DEAF);
        input.write(&mut run, &"x\n".repeat(count));
        let before_ms = end(&mut run, input);
        assert_stopped(&mut run, before_ms);
    }
}

#[test]
fn who_has_closed_its_input_is_stopped_as_well() {
    let script = "trap:TERM:exit=3 close-stdin ready forever";
    let (mut run, mut input) = start(Kind::Pipe, ONE, script);
    run.await_entry(1, "ready");
    input.write(&mut run, "data\n");
    let before_ms = end(&mut run, input);
    assert_stopped(&mut run, before_ms);
}

#[test]
fn one_that_ends_in_time_is_left_alone() {
    for status in [0, 4] {
        let script = format!("trap:TERM:exit=3 ready echo exit:{status}");
        let (mut run, mut input) = start(Kind::Pipe, "--stdin lines --eof-timeout 1h", &script);
        input.write(&mut run, "data\n");
        end(&mut run, input);
        assert_eq!(run.finish(), End::Code(status));
        assert_eq!(run.stderr(), "");
        assert_eq!(run.stdout(), "data\n");
    }
}

/// The negative control.
#[test]
fn without_the_option_nobody_is_stopped() {
    let script = "trap:TERM:exit=3 bg:echo ready wait-file:go sleep:1500ms exit:5";
    let (mut run, input) = start(Kind::Pipe, "--stdin lines", script);
    end(&mut run, input);
    run.await_entry(1, "eof");
    run.touch("go");
    assert_eq!(run.finish(), End::Code(5));
    assert_eq!((run.stderr().as_str(), run.generations()), ("", 1));
}

/// Nothing is left for another one: there is no need to wait for the time to pass.
#[test]
fn no_other_is_started_for_nothing() {
    let options = "--stdin lines --eof-timeout 1h --restart always";
    let (mut run, input) = start(Kind::Pipe, options, "ready echo exit:4");
    end(&mut run, input);
    assert_eq!(run.finish(), End::Code(4));
    assert_eq!(run.generations(), 1);
}
