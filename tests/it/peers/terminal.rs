//! At a terminal: in a job of an interactive shell, and as the leader of the session.

use super::{EQUAL, Row, Wrapper, check, ready, settled, states, yes_or_no};
use crate::harness::{End, Running, look_up, send_signal};
use crate::terminal::{BASH, DASH, shell};
use nix::unistd::{Pid, getpgid, getsid};

pub(super) const ROWS: &[Row] = &[
    Row {
        about: "in a shell's job COMMAND has the terminal's foreground",
        probe: foreground,
        found: ["yes", "yes", "no, and no terminal (`/dev/tty`)"],
        verdict: "better than `dumb-init`",
    },
    Row {
        about: "without a terminal COMMAND leads",
        probe: leads,
        found: ["a process group", "a process group", "a session"],
        verdict: "different",
    },
    Row {
        about: "Ctrl-C arrives at COMMAND",
        probe: ctrl_c,
        found: ["once", "once", "once"],
        verdict: EQUAL,
    },
    Row {
        about: "Ctrl-Z stops",
        probe: ctrl_z,
        found: [
            "both, and `fg` wakes both",
            "COMMAND alone: the shell hangs",
            "both, and `fg` wakes both",
        ],
        verdict: "better than `tini`",
    },
    Row {
        about: "in a pipeline, another member (a pager) may read the terminal",
        probe: pager,
        found: ["yes", "no: it is stopped", "yes"],
        verdict: "better than `tini`",
    },
    Row {
        about: "COMMAND is killed while the terminal is raw: its modes",
        probe: modes,
        found: ["are restored", "stay raw", "stay raw"],
        verdict: "better",
    },
    Row {
        about: "as the session's leader: Ctrl-C arrives at COMMAND",
        probe: ctrl_c_as_leader,
        found: ["once", "once", "once"],
        verdict: EQUAL,
    },
    Row {
        about: "... and no HUP or CONT when the terminal is handed over",
        probe: stray_signals,
        found: ["none", "none", "none"],
        verdict: EQUAL,
    },
];

/// An interactive shell that has typed the command line's end after the wrapper.
fn job(shell_words: &[&str], wrapper: Wrapper, line: &str) -> Running {
    let words = wrapper.words(None);
    let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
    let mut run = shell(shell_words, &words.join(" "));
    run.enter(&format!("$W $F {line}"));
    run
}

/// The wrapper of this COMMAND.
fn wrapper_of(command: i32) -> i32 {
    look_up(command).unwrap().parent
}

fn foreground(wrapper: Wrapper) -> String {
    let mut run = job(BASH, wrapper, "ready foreground forever");
    let command = ready(&mut run);
    let told = run.wait_for("what it finds", |run| {
        let has = run.entries("groups").pop().map(|entry| entry.text);
        has.or_else(|| run.entries("error").pop().map(|entry| entry.text))
    });
    if told.starts_with("error") {
        assert!(told.contains("/dev/tty"), "{told}");
        return "no, and no terminal (`/dev/tty`)".to_owned();
    }
    yes_or_no(told == format!("groups {command} {command}"))
}

fn leads(wrapper: Wrapper) -> String {
    let mut run = wrapper.run().fixture("ready forever").spawn();
    let command = Pid::from_raw(ready(&mut run));
    let [group, session] = [getpgid(Some(command)), getsid(Some(command))].map(Result::unwrap);
    let led = match (group == command, session == command) {
        (_, true) => "a session",
        (true, false) => "a process group",
        (false, false) => "nothing",
    };
    led.to_owned()
}

const COUNTS: &str = "trap:INT trap:USR1 ready forever";

/// How often each of three Ctrl-C arrived, given that all did that are on their way.
fn count(run: &mut Running, command: i32, wrapper: i32) -> String {
    for times in 1..=3 {
        run.press("\x03");
        run.await_entries(times, "got INT");
        settled(run, wrapper);
        settled(run, command);
    }
    // Behind whatever COMMAND has taken notice of.
    send_signal(command, libc::SIGUSR1);
    run.await_entries(1, "got USR1");
    match run.entries("got INT").len() {
        3 => "once".to_owned(),
        other => format!("{other} times in 3"),
    }
}

fn ctrl_c(wrapper: Wrapper) -> String {
    let mut run = job(BASH, wrapper, COUNTS);
    let command = ready(&mut run);
    count(&mut run, command, wrapper_of(command))
}

fn ctrl_c_as_leader(wrapper: Wrapper) -> String {
    let mut run = wrapper.run().on_terminal().fixture(COUNTS).spawn();
    let command = ready(&mut run);
    let leader = run.pid();
    count(&mut run, command, leader)
}

fn ctrl_z(wrapper: Wrapper) -> String {
    let mut run = job(BASH, wrapper, "ready forever");
    let command = ready(&mut run);
    let pids = [command, wrapper_of(command)];
    run.press("\x1a");
    run.wait_for("a stopped COMMAND", |_| (look_up(command)?.state == 'T').then_some(()));
    if settled(&mut run, pids[1]) == 'S' {
        assert_ne!(run.foreground(), run.pid());
        return "COMMAND alone: the shell hangs".to_owned();
    }
    run.await_foreground(run.pid());
    run.enter("fg");
    for pid in pids {
        run.wait_for("somebody awake", |_| (look_up(pid)?.state == 'S').then_some(()));
    }
    "both, and `fg` wakes both".to_owned()
}

fn pager(wrapper: Wrapper) -> String {
    let line = "ready wait-file:go | $F wait-file:late mark:reader read-tty";
    let mut run = job(BASH, wrapper, line);
    // Once COMMAND runs, whoever wants the foreground has it.
    run.await_entries(1, "ready");
    run.touch("late");
    let reader = run.await_entries(1, "read-tty")[0].pid;
    match settled(&mut run, reader) {
        'T' => "no: it is stopped".to_owned(),
        _ => {
            run.enter("hello");
            run.await_entries(1, "line hello");
            "yes".to_owned()
        }
    }
}

/// In a shell that never touches the modes itself.
fn modes(wrapper: Wrapper) -> String {
    let mut run = job(DASH, wrapper, "raw ready forever");
    let command = ready(&mut run);
    assert!(run.is_raw());
    let its_wrapper = wrapper_of(command);
    send_signal(command, libc::SIGKILL);
    run.await_gone(its_wrapper);
    if run.is_raw() { "stay raw" } else { "are restored" }.to_owned()
}

/// Whoever gives up its terminal as the leader of a session is told so by the kernel.
fn stray_signals(wrapper: Wrapper) -> String {
    let run = wrapper.run().on_terminal().fixture("trap:HUP trap:CONT trap:USR1 ready forever");
    let mut run = run.spawn();
    let command = ready(&mut run);
    states(&mut run, command);
    send_signal(command, libc::SIGUSR1);
    run.await_entries(1, "got USR1");
    match run.entries("got").len() {
        1 => "none".to_owned(),
        _ => format!("{:?}", run.entries("got")),
    }
}

#[test]
fn terminals_are_as_the_table_says() {
    check(ROWS);
}

/// The negative control to those that count: what the shell itself starts.
#[test]
fn a_job_that_stops_is_seen() {
    let mut run = shell(BASH, "");
    run.enter("$F ready forever");
    let command = ready(&mut run);
    run.press("\x1a");
    assert_eq!(
        run.wait_for("its stop", |_| look_up(command).filter(|it| it.state == 'T')).pid,
        command
    );
    run.signal(libc::SIGKILL);
    assert_eq!(run.finish(), End::Signal(libc::SIGKILL));
}
