//! COMMAND reads our standard input itself, so its end is seen by what the kernel says of its
//! other end.

use super::{DEAF, ORPHAN, assert_all_stopped, assert_stopped, end, start};
use crate::harness::{End, Kind, Run, let_pass, now_ms};
use std::fs::{self, File};
use std::time::Duration;

const ONE: &str = "--eof-timeout 1s";

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

/// The other end still reads, but no byte more can come.
#[test]
fn half_the_end_of_a_socket() {
    for script in [ORPHAN, DEAF] {
        let (mut run, input) = start(Kind::Socket, ONE, script);
        let before_ms = now_ms();
        input.end_half();
        assert_stopped(&mut run, before_ms);
    }
}

/// Whoever has a copy may yet write.
#[test]
fn a_pipe_that_somebody_else_holds_open_has_not_ended() {
    let (reader, writer) = std::io::pipe().unwrap();
    let copy = writer.try_clone().unwrap();
    let run = Run::new("--eof-timeout 300ms").stdin(reader);
    let mut run = run.fixture("trap:TERM:exit=3 bg:echo ready wait-file:go exit:5").spawn();
    run.await_entry(1, "ready");
    drop(writer);
    let_pass(Duration::from_secs(1));
    assert!(run.entries("got TERM").is_empty());
    drop(copy);
    run.await_entry(1, "got TERM");
    assert_eq!(run.finish(), End::Code(3));
}

/// The end that was there before us counts from our start.
#[test]
fn an_input_that_had_ended_before_the_start() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(writer);
    let mut run = Run::new(ONE).stdin(reader).fixture(ORPHAN).spawn();
    let started_ms = run.started_ms;
    assert_stopped(&mut run, started_ms);
}

/// The negative control.
#[test]
fn without_the_option_nobody_is_stopped() {
    for kind in [Kind::Pipe, Kind::Socket, Kind::Terminal] {
        let script = "trap:HUP trap:TERM:exit=3 bg:echo ready wait-file:go sleep:1500ms exit:5";
        let (mut run, input) = start(kind, "", script);
        end(&mut run, input);
        run.touch("go");
        assert_eq!(run.finish(), End::Code(5), "{kind:?}");
        assert_eq!((run.stderr().as_str(), run.generations()), ("", 1));
    }
}

#[test]
fn one_that_ends_in_time_is_left_alone() {
    for kind in [Kind::Pipe, Kind::Socket] {
        for (script, status) in [("echo", 0), ("echo sleep:300ms exit:4", 4)] {
            let script = format!("trap:TERM:exit=3 ready {script}");
            let (mut run, mut input) = start(kind, "--eof-timeout 1h", &script);
            input.write(&mut run, "data\n");
            end(&mut run, input);
            assert_eq!(run.finish(), End::Code(status));
            assert_eq!((run.stderr().as_str(), run.stdout().as_str()), ("", "data\n"));
        }
    }
}

/// Where nothing can end, there is no time after the end.
#[test]
fn where_standard_input_cannot_end_it_is_refused() {
    let file = tempfile::tempfile().unwrap();
    fs::write(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file)), "data").unwrap();
    for run in [
        Run::new(ONE),
        Run::new(ONE).stdin(file),
        Run::new(ONE).stdin(File::open("/dev/zero").unwrap()),
        Run::new(ONE).after_shell("exec <&-"),
    ] {
        let (end, run) = run.fixture("exit:0").finish();
        let stderr = run.stderr();
        assert_eq!(end, End::Code(125), "{stderr}");
        assert_eq!((stderr.lines().count(), run.journal().len()), (1, 0), "{stderr}");
        assert!(stderr.starts_with("recycle: --eof-timeout: "), "{stderr}");
        assert!(stderr.contains("standard input"), "{stderr}");
    }
}

#[test]
fn values_that_mean_nothing() {
    for value in ["0s", "soon", "5"] {
        let options = format!("--eof-timeout {value}");
        let (end, run) = Run::new(&options).stdin_pipe().fixture("exit:0").finish();
        let stderr = run.stderr();
        assert_eq!((end, stderr.lines().count()), (End::Code(125), 1), "{stderr}");
        assert!(stderr.contains(&format!("--eof-timeout '{value}'")), "{stderr}");
    }
}
