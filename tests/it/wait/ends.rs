//! What ends the wait other than input, and what does not.

use super::{ASKED, MODES, READER, asleep, assert_alone, await_asleep, sleeps, start};
use crate::harness::{End, Kind, Run, Running, look_up};
use std::fs;

fn is_stopped(run: &Running) -> bool {
    look_up(run.pid()).is_some_and(|it| it.state == 'T')
}

#[test]
fn term_int_and_quit_end_it_at_once() {
    for mode in MODES {
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT] {
            let (mut run, _input) = asleep(&format!("{ASKED} --stdin {mode}"), READER);
            run.signal(signal);
            assert_eq!(run.finish(), End::Signal(signal));
            assert_eq!(run.generations(), 1);
        }
    }
}

/// Whether a signal is still on its way.
fn has_pending(run: &Running) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", run.pid())).unwrap();
    let mut sets = status.lines().filter_map(|line| line.split_once("Pnd:\t"));
    sets.any(|(_, set)| set.bytes().any(|digit| digit != b'0'))
}

/// There is nobody to pass them on to, and a recycle of nobody is none.
#[test]
fn other_signals_change_nothing() {
    for mode in MODES {
        let (mut run, mut input) = asleep(&format!("{ASKED} --stdin {mode}"), READER);
        for signal in [
            libc::SIGUSR1,
            libc::SIGUSR2,
            libc::SIGHUP,
            libc::SIGTSTP,
            libc::SIGTTIN,
            libc::SIGCONT,
        ] {
            run.signal(signal);
            run.wait_for("the signal", |run| (!has_pending(run) && sleeps(run)).then_some(()));
        }
        assert_alone(&run);
        assert_eq!((run.generations(), run.recycles().len()), (1, 1));
        input.write(&mut run, "line\n");
        run.await_entry(2, "echoed 5");
    }
}

#[test]
fn a_stop_from_outside_stops_it_and_cont_lets_it_wait_on() {
    for mode in MODES {
        let (mut run, mut input) = asleep(&format!("{ASKED} --stdin {mode}"), READER);
        for _ in 0..2 {
            run.signal(libc::SIGSTOP);
            run.wait_for("a stop", |run| is_stopped(run).then_some(()));
            run.signal(libc::SIGCONT);
            run.wait_for("sleep again", |run| sleeps(run).then_some(()));
        }
        assert_eq!(run.generations(), 1);
        run.signal(libc::SIGSTOP);
        run.wait_for("a stop", |run| is_stopped(run).then_some(()));
        input.write(&mut run, "line\n");
        run.signal(libc::SIGCONT);
        run.await_entry(2, "echoed 5");
    }
}

/// Nobody is started for nothing. The status is that of the last generation, unless our own
/// signal was what it ended by.
#[test]
fn the_end_of_input_without_a_byte_is_the_end() {
    for kind in [Kind::Pipe, Kind::Socket] {
        for mode in MODES {
            for (script, status) in [
                ("trap:TERM:exit=3 ready echo exit:3", 3),
                ("trap:TERM:exit=0 ready echo exit:0", 0),
                ("ready once:mark forever", 0),
            ] {
                let options = format!("{ASKED} --stdin {mode} --restart always");
                // One that does not heed the end of its input.
                let options = match (mode, script.contains("forever")) {
                    ("lines", true) => format!("{options} --drain-timeout 0s"),
                    _ => options,
                };
                let (mut run, input) = start(kind, &options, script);
                run.await_entry(1, "ready");
                run.recycle();
                await_asleep(&mut run, 1);
                input.end(&mut run);
                assert_eq!(run.finish(), End::Code(status), "{kind:?} {mode} {script}");
                assert_eq!(run.generations(), 1);
            }
        }
    }
}

#[test]
fn a_socket_that_is_closed_for_writing_alone_has_ended() {
    for mode in MODES {
        let options = format!("{ASKED} --stdin {mode}");
        let (mut run, input) = start(Kind::Socket, &options, READER);
        run.await_entry(1, "ready");
        run.recycle();
        await_asleep(&mut run, 1);
        input.end_half();
        assert_eq!(run.finish(), End::Code(0));
        assert_eq!(run.generations(), 1);
    }
}

/// Data and the end behind it: one generation more, which ends by itself.
#[test]
fn what_came_before_the_end_is_read_by_one_generation_more() {
    for kind in [Kind::Pipe, Kind::Socket] {
        for mode in MODES {
            // A last line without newline is one.
            for text in ["one\n", "one\ntwo", "tail"] {
                let options = format!("{ASKED} --stdin {mode}");
                let (mut run, mut input) = start(kind, &options, &format!("{READER} exit:4"));
                run.await_entry(1, "ready");
                run.recycle();
                await_asleep(&mut run, 1);
                // Nobody sees the one without the other.
                run.signal(libc::SIGSTOP);
                run.wait_for("a stop", |run| is_stopped(run).then_some(()));
                input.write(&mut run, text);
                input.end(&mut run);
                run.signal(libc::SIGCONT);
                assert_eq!(run.finish(), End::Code(4), "{kind:?} {mode} {text:?}");
                assert_eq!((run.generations(), run.stdout().as_str()), (2, text));
            }
        }
    }
}

/// A generation that is told to go and does not read any more.
fn stopping(options: &str) -> (Running, crate::harness::Input) {
    let script = "trap:TERM:exit=3:after=500ms ready once:forever echo exit:4";
    let (mut run, input) = start(Kind::Pipe, options, script);
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entry(1, "got TERM");
    (run, input)
}

#[test]
fn what_comes_during_the_stop_with_the_end_behind_it_is_read() {
    for mode in ["inherit", "lines --drain-timeout 0s"] {
        let (mut run, mut input) = stopping(&format!("{ASKED} --stdin {mode}"));
        input.write(&mut run, "data\n");
        input.end(&mut run);
        assert_eq!(run.finish(), End::Code(4), "{mode}");
        assert_eq!((run.generations(), run.stdout().as_str()), (2, "data\n"));
    }
}

#[test]
fn an_end_during_the_stop_without_a_byte_is_the_end() {
    for mode in ["inherit", "lines --drain-timeout 0s"] {
        let (mut run, input) = stopping(&format!("{ASKED} --stdin {mode}"));
        input.end(&mut run);
        assert_eq!(run.finish(), End::Code(3), "{mode}");
        assert_eq!(run.generations(), 1);
    }
}

/// A named pipe ends with each writer, but no wait is long enough to tell that another comes.
#[test]
fn a_named_pipe_without_a_writer_has_ended() {
    let run =
        Run::new(ASKED).after_shell("mkfifo fifo; { exec 9>fifo; read -r _ <go; } & exec <fifo");
    nix::unistd::mkfifo(&run.dir().join("go"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut run = run.fixture(READER).spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_stderr(super::WAITING);
    fs::write(run.dir().join("go"), "\n").unwrap();
    assert_eq!(run.finish(), End::Code(0));
    assert_eq!(run.generations(), 1);
}
