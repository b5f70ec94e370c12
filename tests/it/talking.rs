//! What `recycle` says, and that nothing happens when nobody can hear it.

use crate::harness::{End, Run};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Write};

/// Is ready in every generation: see `Run::term_held`.
const STEADY: &str = "ready unblock forever";

#[test]
fn without_a_recycle_nothing_is_said() {
    let options = "--idle 1h --max-rss 1G --kill-rss 2G --max-lifetime 1h";
    let (end, run) = Run::new(options).fixture("exit:3").finish();
    assert_eq!((end, run.stderr().as_str()), (End::Code(3), ""));
}

#[test]
fn one_line_for_each_recycle_and_nothing_else() {
    let mut run = Run::new("--max-lifetime 300ms").term_held().fixture(STEADY).spawn();
    run.await_entry(4, "ready");
    run.wait_for("three lines", |run| (run.recycles().len() >= 3).then_some(()));
    let stderr = run.stderr();
    for (line, generation) in stderr.lines().zip(1..) {
        let start = format!("recycle: generation {generation} recycled: lifetime ");
        assert!(line.starts_with(&start), "{line}");
        assert!(line.contains("(SIGTERM, gone in ") && line.ends_with(')'), "{line}");
    }
}

/// `recycle: generation 1 recycled: rss 61.2M > 60M ... after 1.2s (SIGTERM, gone in 0.1s)`
#[test]
fn the_line_about_memory_gives_the_numbers() {
    let mut run = Run::new("--max-rss 60M").fixture("once:leak:50M/s ready forever").spawn();
    run.await_entry(2, "ready");
    run.wait_for("the line", |run| run.recycles().pop());
    let line = run.recycles().remove(0);
    let numbers = line.strip_prefix("recycle: generation 1 recycled: rss ").unwrap_or_default();
    let (rss, rest) = numbers.split_once("M ").unwrap_or_default();
    // It is rounded.
    assert!(rss.parse::<f64>().is_ok_and(|rss| rss >= 60.0), "{line}");
    assert!(rest.starts_with("> 60M ") && rest.contains(" after "), "{line}");
    assert!(line.contains("(SIGTERM, gone in ") && line.ends_with(')'), "{line}");
}

#[test]
fn a_signal_that_asked_for_it_is_named_as_the_reason() {
    let options = "--map-signal USR1:recycle --stop-signal INT";
    let mut run = Run::new(options).fixture("ready forever").spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entry(2, "ready");
    run.await_stderr("recycle: generation 1 recycled: ");
    run.await_stderr("SIGUSR1");
    run.await_stderr("(SIGINT, gone in ");
}

#[test]
fn quiet_log_says_nothing_of_recycles_but_errors() {
    for flag in ["-q", "--quiet-log"] {
        let options = format!("{flag} --max-lifetime 200ms");
        let mut run = Run::new(&options).term_held().fixture(STEADY).spawn();
        run.await_entry(3, "ready");
        assert_eq!(run.stderr(), "");
    }
    let (end, run) = Run::new("-q").command(["no-such-program"]).finish();
    assert_eq!(end, End::Code(127));
    assert!(run.stderr().contains("no-such-program"));
}

#[test]
fn verbose_explains_each_decision() {
    for flag in ["-v", "--verbose"] {
        let options = format!("{flag} --max-rss 1G --max-lifetime 500ms");
        let mut run = Run::new(&options).term_held().fixture(STEADY).spawn();
        run.await_entry(3, "ready");
        run.await_stderr("looked: rss ");
        assert!(run.stderr().lines().all(|line| line.starts_with("recycle: ")));
        assert!(!run.recycles().is_empty());
    }
}

#[test]
fn stdout_belongs_to_command() {
    let script = format!("print:hello {STEADY}");
    let mut run = Run::new("-v --max-lifetime 200ms").term_held().fixture(&script).spawn();
    run.await_entry(3, "ready");
    run.signal(libc::SIGTERM);
    run.finish();
    assert!(run.stdout().lines().all(|line| line == "hello"));
}

/// Recycles go on, a signal is still passed on, and the end is COMMAND's.
fn assert_undisturbed(run: Run) {
    let script = format!("at:5:trap:TERM:exit=6 {STEADY}");
    let mut run = run.term_held().fixture(&script).spawn();
    run.await_entry(5, "ready");
    run.signal(libc::SIGTERM);
    let end = run.finish();
    // Either in time, or of a later generation without the trap.
    assert!([End::Code(6), End::Signal(libc::SIGTERM)].contains(&end), "{end:?}");
}

fn talkative() -> Run {
    Run::new("-v --max-rss 1G --max-lifetime 200ms")
}

#[test]
fn stderr_may_be_closed() {
    assert_undisturbed(talkative().after_shell("exec 2>&-"));
}

#[test]
fn stderr_may_be_a_full_disk() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert_undisturbed(talkative().stderr(full));
}

#[test]
fn stderr_may_be_a_pipe_without_a_reader() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_undisturbed(talkative().stderr(writer));
}

#[test]
fn stderr_may_be_a_full_pipe() {
    let (_reader, writer) = full_pipe();
    assert_undisturbed(talkative().stderr(writer));
}

/// A pipe that nobody reads from, in which there is no room left. Its writer would block.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while writer.write(&[b'x'; 4096]).is_ok() {}
    while writer.write(b"x").is_ok() {}
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    (reader, writer)
}

/// Nobody reads what is on the screen, and there is no room for more.
#[test]
fn a_terminal_may_be_full() {
    let run = Run::new("-v --max-rss 1G --max-lifetime 60ms").stdin_pipe();
    let full = nix::pty::openpty(None, None).unwrap();
    let run = run.stderr(full.slave).fixture("trap:TERM:exit=6 ready forever");
    let mut run = run.spawn();
    // Some lines fill it: a terminal has room for 4 KiB.
    run.await_entry(60, "ready");
    run.signal(libc::SIGTERM);
    let end = run.finish();
    assert!([End::Code(6), End::Signal(libc::SIGTERM)].contains(&end), "{end:?}");
    drop(full.master);
}

/// Help and version are asked for, so they go to stdout.
#[test]
fn help_and_version() {
    let (end, run) = Run::new("--help").finish();
    assert_eq!((end, run.stderr().as_str()), (End::Code(0), ""));
    assert!(run.stdout().contains("--max-rss"));
    for flag in ["-V", "--version"] {
        let (end, run) = Run::new(flag).finish();
        assert_eq!(end, End::Code(0));
        assert_eq!(run.stdout(), format!("recycle {}\n", env!("CARGO_PKG_VERSION")));
    }
}
