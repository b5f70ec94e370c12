//! TSTP, TTIN and TTOU: `recycle` stops with a COMMAND that stops, and goes on with one that takes
//! them for something else.

use super::{await_state, name};
use crate::harness::{End, Run, free_port, http, look_up, send_signal};
use crate::shared_host::tickers::gunicorn;

const STOPS: [i32; 3] = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

#[test]
fn stop_signals_stop_both_and_cont_wakes_both() {
    for signal in STOPS {
        let mut run = Run::new("").fixture("ready wait-file:go exit:4").spawn();
        let processes = [run.await_entry(1, "ready").pid, run.pid()];
        for (signal, stopped) in [(signal, true), (libc::SIGCONT, false)] {
            run.signal(signal);
            processes.iter().for_each(|&pid| await_state(&mut run, pid, stopped));
        }
        run.touch("go");
        assert_eq!(run.finish(), End::Code(4));
    }
}

#[test]
fn a_command_that_handles_them_is_supervised_as_before() {
    for signal in STOPS {
        for ignored in [&[][..], &[signal]] {
            let script = format!("trap:{} trap:TERM:exit=5 ready forever", name(signal));
            let run = Run::new("--map-signal USR1:recycle").signals(ignored, &[]);
            let mut run = run.fixture(&script).spawn();
            run.await_entry(1, "ready");
            for times in 1..=2 {
                run.signal(signal);
                run.await_entries(times, &format!("got {}", name(signal)));
            }
            run.recycle();
            run.await_entry(2, "ready");
            run.signal(signal);
            run.await_entry(2, &format!("got {}", name(signal)));
            run.signal(libc::SIGTERM);
            assert_eq!(run.finish(), End::Code(5));
        }
    }
}

/// What COMMAND inherits as ignored does not stop it, so nobody stops.
#[test]
fn a_command_that_ignores_them_is_supervised_as_before() {
    for signal in STOPS {
        let run = Run::new("--map-signal USR1:recycle").signals(&[signal], &[]);
        let mut run = run.fixture("trap:USR2 ready forever").spawn();
        let command = run.await_entry(1, "ready").pid;
        run.signal(signal);
        run.signal(libc::SIGUSR2);
        run.await_entry(1, "got USR2");
        assert_ne!(look_up(command).unwrap().state, 'T');
        run.recycle();
        run.await_entry(2, "ready");
    }
}

/// Whoever stops COMMAND alone wakes it alone: `recycle` must not wait for a CONT of its own.
#[test]
fn a_command_that_is_stopped_by_hand_stops_nobody() {
    for signal in [libc::SIGSTOP, libc::SIGTSTP] {
        let mut run = Run::new("--map-signal USR1:recycle").fixture("ready forever").spawn();
        let command = run.await_entry(1, "ready").pid;
        send_signal(command, signal);
        await_state(&mut run, command, true);
        run.recycle();
        run.await_entry(2, "ready");
    }
}

#[test]
fn a_cont_right_after_a_stop_leaves_nobody_stopped() {
    let mut run = Run::new("").fixture("trap:USR1 ready forever").spawn();
    run.await_entry(1, "ready");
    for times in 1..=200 {
        run.signal(STOPS[times % STOPS.len()]);
        run.signal(libc::SIGCONT);
        run.signal(libc::SIGUSR1);
        run.await_entries(times, "got USR1");
    }
}

/// TTIN adds a worker, TTOU takes one away, and recycles come all the same.
#[test]
fn gunicorn_gets_another_worker_and_is_recycled() {
    let port = free_port();
    let mut run = gunicorn("--map-signal USR2:recycle", port);
    run.wait_for("gunicorn to answer", |_| http(port, "GET /", b"").ok());
    let boots = |run: &crate::harness::Running| run.stderr().matches("Booting worker").count();
    run.signal(libc::SIGTTIN);
    run.wait_for("a third worker", |run| (boots(run) == 3).then_some(()));
    run.signal(libc::SIGTTOU);
    run.wait_for("one worker less", |run| {
        run.stderr().contains("Handling signal: ttou").then_some(())
    });
    run.signal(libc::SIGUSR2);
    run.wait_for("the next generation", |run| (boots(run) == 5).then_some(()));
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(0));
}
