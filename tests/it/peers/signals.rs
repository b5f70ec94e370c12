//! Signals that are sent to them, and those that COMMAND starts with.

use super::{EQUAL, Row, Wrapper, check, ready, settled, states, yes_or_no};
use crate::harness::{End, Run, lives, look_up, send_signal};
use crate::signals::name;

pub(super) const ROWS: &[Row] = &[
    Row {
        about: "signals that do not reach COMMAND, but end it",
        probe: lost,
        found: ["none", "ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS", "none"],
        verdict: "better than `tini`",
    },
    Row {
        about: "TSTP sent to it stops",
        probe: |wrapper| stopped_by(wrapper, libc::SIGTSTP),
        found: ["both", "COMMAND alone", "both"],
        verdict: "better than `tini`: who waits for it sees the stop",
    },
    Row {
        about: "TTIN or TTOU sent to it stops",
        probe: |wrapper| {
            let [input, output] =
                [libc::SIGTTIN, libc::SIGTTOU].map(|signal| stopped_by(wrapper, signal));
            assert_eq!(input, output);
            input
        },
        found: ["both", "nobody", "both"],
        verdict: "better than `tini`",
    },
    Row {
        about: "TTIN that COMMAND handles (gunicorn)",
        probe: handled_stop,
        found: ["arrives", "is lost", "stops both"],
        verdict: "better",
    },
    Row {
        about: "a signal reaches all of COMMAND's process group",
        probe: reaches_the_group,
        found: ["with `--signal-scope group`", "yes", "yes"],
        verdict: "equal, when told to",
    },
    Row {
        about: "TERM while COMMAND is stopped (STOP)",
        probe: term_while_stopped,
        found: ["ends it", "waits for CONT", "waits for CONT"],
        verdict: "better: no KILL is needed (and COMMAND sees a CONT after each TERM)",
    },
    Row {
        about: "signals that are blocked at the start are so in COMMAND",
        probe: |wrapper| yes_or_no(keeps(wrapper, &[], BLOCKED)),
        found: ["yes", "yes", "no"],
        verdict: "better than `dumb-init`",
    },
    Row {
        about: "signals that are ignored at the start are so in COMMAND (`nohup`)",
        probe: |wrapper| yes_or_no(keeps(wrapper, IGNORED, &[])),
        found: ["yes", "yes", "no"],
        verdict: "better than `dumb-init`",
    },
    Row {
        about: "... and arrive at a COMMAND that handles them (nginx behind a script's `&`)",
        probe: |wrapper| yes_or_no(passes_ignored(wrapper)),
        found: ["yes", "yes", "yes"],
        verdict: EQUAL,
    },
];

const BLOCKED: &[i32] = &[libc::SIGTERM, libc::SIGUSR1, libc::SIGPIPE, libc::SIGALRM];
const IGNORED: &[i32] = &[libc::SIGHUP, libc::SIGPIPE, libc::SIGINT, libc::SIGTSTP];

/// KILL and STOP are nobody's to pass on, CHLD is each one's own, and the others stop: see below.
const ELSEWHERE: [i32; 6] =
    [libc::SIGKILL, libc::SIGSTOP, libc::SIGCHLD, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

/// Every signal has to do one of two things: to arrive, or to end the wrapper.
fn lost(wrapper: Wrapper) -> String {
    let start = || {
        let mut run = wrapper.run().fixture("trap:all ready forever").spawn();
        ready(&mut run);
        run
    };
    let mut run = start();
    let mut arrives = |signal: &i32| {
        let got = format!("got {}", name(*signal));
        run.signal(*signal);
        let arrived = run.wait_for(&format!("{got}, or the end"), |run| {
            let ended = !lives(run.pid());
            match !run.entries(&got).is_empty() {
                true => Some(true),
                false => ended.then_some(false),
            }
        });
        if !arrived {
            run = start();
        }
        arrived
    };
    let all = (1..32).chain(libc::SIGRTMIN()..=libc::SIGRTMAX());
    let all = all.filter(|signal| !ELSEWHERE.contains(signal));
    let lost: Vec<_> = all.filter(|signal| !arrives(signal)).map(name).collect();
    if lost.is_empty() { "none".to_owned() } else { lost.join(", ") }
}

fn stopped_by(wrapper: Wrapper, signal: i32) -> String {
    let mut run = wrapper.run().fixture("ready forever").spawn();
    let command = ready(&mut run);
    run.signal(signal);
    let found = states(&mut run, command);
    if wrapper == Wrapper::Recycle {
        // It stops when it hears that COMMAND has, if that has not been yet.
        let pid = run.pid();
        run.wait_for("its stop", |_| (look_up(pid)?.state == 'T').then_some(()));
        return "both".to_owned();
    }
    match found {
        ['T', 'T'] => "both".to_owned(),
        ['S', 'T'] => "COMMAND alone".to_owned(),
        ['S', 'S'] => "nobody".to_owned(),
        other => format!("{other:?}"),
    }
}

fn handled_stop(wrapper: Wrapper) -> String {
    let mut run = wrapper.run().fixture("trap:TTIN trap:USR1 ready forever").spawn();
    let command = ready(&mut run);
    run.signal(libc::SIGTTIN);
    if states(&mut run, command) == ['T', 'T'] {
        return "stops both".to_owned();
    }
    run.signal(libc::SIGUSR1);
    run.await_entries(1, "got USR1");
    let arrives = !run.entries("got TTIN").is_empty();
    if arrives { "arrives" } else { "is lost" }.to_owned()
}

fn reaches_the_group(wrapper: Wrapper) -> String {
    let reaches = |run: Run| {
        let script = "trap:USR1 child:trap:USR1,trap:USR2,ready,forever forever";
        let mut run = run.fixture(script).spawn();
        let child = ready(&mut run);
        run.signal(libc::SIGUSR1);
        run.await_entry_not_by(child, "got USR1");
        // Whatever was sent to the child before this one comes before this one.
        send_signal(child, libc::SIGUSR2);
        run.await_entries(1, "got USR2");
        run.entries("got USR1").iter().any(|entry| entry.pid == child)
    };
    match wrapper {
        Wrapper::Recycle if !reaches(wrapper.run()) => {
            assert!(reaches(wrapper.run_with("--signal-scope group")));
            "with `--signal-scope group`".to_owned()
        }
        _ => yes_or_no(reaches(wrapper.run())),
    }
}

fn term_while_stopped(wrapper: Wrapper) -> String {
    let mut run = wrapper.run().fixture("trap:TERM:exit=3 ready forever").spawn();
    let command = ready(&mut run);
    send_signal(command, libc::SIGSTOP);
    assert_eq!(settled(&mut run, command), 'T');
    run.signal(libc::SIGTERM);
    let waits = states(&mut run, command) == ['S', 'T'];
    if waits {
        send_signal(command, libc::SIGCONT);
    }
    assert_eq!(run.finish(), End::Code(3));
    if waits { "waits for CONT" } else { "ends it" }.to_owned()
}

/// Whether COMMAND's sets are what they are without a wrapper.
fn keeps(wrapper: Wrapper, ignored: &[i32], blocked: &[i32]) -> bool {
    let [alone, wrapped] = [Run::bare(), wrapper.run()].map(|run| {
        let (end, run) = run.signals(ignored, blocked).fixture("sigmask").finish();
        assert_eq!(end, End::Code(0));
        run.stdout()
    });
    alone == wrapped
}

fn passes_ignored(wrapper: Wrapper) -> bool {
    let run = wrapper.run().signals(IGNORED, &[]);
    let mut run = run.fixture("trap:HUP trap:USR1 ready forever").spawn();
    ready(&mut run);
    run.signal(libc::SIGHUP);
    run.signal(libc::SIGUSR1);
    // The one that has the lower number is passed on first.
    run.await_entries(1, "got USR1");
    !run.entries("got HUP").is_empty()
}

#[test]
fn signals_are_as_the_table_says() {
    check(ROWS);
}
