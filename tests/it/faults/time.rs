//! Clocks that are set, time in which nobody could do anything, and calls that are interrupted.

use crate::harness::{
    End, Run, Running, fixture_path, let_pass, look_up, now_ms, send_signal, tool,
};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Has the wall clock of all that runs here be what `set_clock` says. The monotonic one cannot be
/// set by anybody, here neither.
fn with_a_clock(run: Run) -> Run {
    let clock = run.dir().join("clock");
    fs::write(&clock, "+0").unwrap();
    run.env("LD_PRELOAD", faketime())
        .env("FAKETIME_TIMESTAMP_FILE", clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
}

fn faketime() -> PathBuf {
    tool("faketime");
    let libraries = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let found = libraries.map(|dir| dir.join("faketime/libfaketime.so.1")).find(|it| it.exists());
    found.expect("libfaketime comes with faketime")
}

/// Days from today: `+5d`, `-5d`.
fn set_clock(run: &Running, days: &str) {
    fs::write(run.dir().join("clock"), days).unwrap();
}

/// The negative control: programs do see the clock that was set.
#[test]
fn a_clock_that_is_set_is_seen() {
    let script = "date +%s; echo +5d >clock; date +%s";
    let (_, run) = with_a_clock(Run::bare()).command(["sh", "-c", script]).finish();
    let seconds: Vec<i64> = run.stdout().lines().map(|line| line.parse().unwrap()).collect();
    assert!(seconds[1] - seconds[0] > 4 * 86400, "{seconds:?}");
}

#[test]
fn a_clock_that_is_set_makes_nothing_idle_or_old() {
    let options = "--idle 1h --max-lifetime 2h --map-signal USR1:recycle";
    let script = "trap:TERM:exit=0 bg:listen:127.0.0.1:0 ready forever";
    let mut run = with_a_clock(Run::new(options)).fixture(script).spawn();
    let mut client = run.connect(1);
    for days in ["+5d", "-5d", "+0", "+400d"] {
        set_clock(&run, days);
        client.exchange("hello");
        // Time for somebody who looks at the wrong clock.
        let_pass(Duration::from_millis(300));
    }
    assert!(run.entries("got TERM").is_empty());
    run.recycle();
    run.await_entry(2, "ready");
}

/// Set back or forth, no wait gets longer, and none gets shorter.
#[test]
fn a_clock_that_is_set_delays_nothing() {
    for days in ["+5d", "-5d"] {
        let options = "--idle 1s --restart always --stop-timeout 700ms --backoff 500ms..10s";
        let script = "trap:TERM bg:listen:127.0.0.1:0 ready at:3:exit:1 forever";
        // Not for COMMAND, which is killed: the faked clock has a lock that all who read it share.
        let words = ["env", "-u", "LD_PRELOAD", fixture_path().to_str().unwrap()];
        let command = words.into_iter().chain(script.split(' '));
        let mut run = with_a_clock(Run::new(options)).command(command).spawn();
        let mut client = run.connect(1);
        let (_, last_ms) = client.exchange("hello");
        set_clock(&run, days);
        let told = run.await_entry(1, "got TERM");
        assert!(told.t_ms >= last_ms + 1000);
        set_clock(&run, "+0");
        assert!(run.await_entry(2, "ready").t_ms >= told.t_ms + 700);
        let mut client = run.connect(2);
        client.exchange("hello");
        let last = run.await_entry(3, "exit:1");
        set_clock(&run, days);
        assert!(run.await_entry(4, "ready").t_ms >= last.t_ms + 500);
    }
}

fn stop(run: &mut Running, pids: &[i32]) {
    for &pid in pids {
        send_signal(pid, libc::SIGSTOP);
        run.wait_for("a stop", |_| look_up(pid).filter(|it| it.state == 'T'));
    }
}

fn go_on(pids: &[i32]) -> i64 {
    let before_ms = now_ms();
    pids.iter().for_each(|&pid| send_signal(pid, libc::SIGCONT));
    before_ms
}

/// What came while nobody could see it has come all the same.
#[test]
fn traffic_while_suspended_is_traffic() {
    let script = "trap:TERM:exit=0 bg:listen:127.0.0.1:0 ready forever";
    let mut run = Run::new("--idle 2s").fixture(script).spawn();
    let mut client = run.connect(1);
    client.exchange("hello");
    let pid = run.pid();
    stop(&mut run, &[pid]);
    let_pass(Duration::from_millis(1800));
    // COMMAND itself has not been stopped.
    let (_, last_ms) = client.exchange("again");
    let_pass(Duration::from_secs(1));
    go_on(&[pid]);
    let told = run.await_entry(1, "got TERM");
    assert!(told.t_ms >= last_ms + 2000);
    run.await_entry(2, "ready");
}

/// Nobody could have said anything: the clients' time begins anew.
#[test]
fn time_suspended_is_not_quiet_time() {
    let script = "trap:TERM:exit=0 bg:listen:127.0.0.1:0 ready forever";
    let mut run = Run::new("--idle 2s").fixture(script).spawn();
    let command = run.await_entry(1, "ready").pid;
    let mut client = run.connect(1);
    client.exchange("hello");
    let both = [command, run.pid()];
    stop(&mut run, &both);
    let_pass(Duration::from_secs(3));
    let continued_ms = go_on(&both);
    let told = run.await_entry(1, "got TERM");
    assert!(told.t_ms >= continued_ms + 1000, "idle {} ms after", told.t_ms - continued_ms);
    run.await_entry(2, "ready");
}

/// COMMAND needs a second for its end, and is given two, of which it was suspended for three.
#[test]
fn time_suspended_does_not_count_against_a_stop() {
    let options = "--map-signal USR1:recycle --stop-timeout 2s";
    let script = "once:trap:TERM:exit=0:after=1s ready forever";
    let mut run = Run::new(options).fixture(script).spawn();
    let command = run.await_entry(1, "ready").pid;
    run.recycle();
    run.await_entry(1, "got TERM");
    let both = [command, run.pid()];
    stop(&mut run, &both);
    let_pass(Duration::from_secs(3));
    go_on(&both);
    run.await_entry(2, "ready");
    run.wait_for("the line", |run| run.recycles().pop());
    assert!(!run.stderr().contains("SIGKILL"), "{}", run.stderr());
}

#[test]
fn suspended_and_continued_it_goes_on_as_before() {
    let options = "--map-signal USR1:recycle --max-rss 1G --idle 1h";
    let mut run = Run::new(options).fixture("ready forever").spawn();
    run.await_entry(1, "ready");
    for generation in 1..=3 {
        let pid = run.pid();
        stop(&mut run, &[pid]);
        // Waits until then.
        run.recycle();
        let_pass(Duration::from_millis(200));
        assert_eq!(run.generations(), generation);
        go_on(&[pid]);
        run.await_entry(generation + 1, "ready");
    }
    let command = run.await_entry(4, "ready").pid;
    let pid = run.pid();
    stop(&mut run, &[pid]);
    send_signal(command, libc::SIGKILL);
    go_on(&[pid]);
    assert_eq!(run.finish(), End::Signal(libc::SIGKILL));
}

/// Every call that can be interrupted is, again and again: nothing is missed.
#[test]
fn a_storm_of_signals_during_many_recycles() {
    let options = "--max-rss 1G --idle 1h --map-signal USR1:recycle --map-signal WINCH:none";
    let run = Run::new(options);
    let mut run = run.fixture("survivors ready forever").spawn();
    run.await_entry(1, "ready");
    let pid = run.pid();
    run.wait_for("50 recycles", |run| {
        for signal in [libc::SIGSTOP, libc::SIGCONT, libc::SIGWINCH, libc::SIGCHLD] {
            (0..20).for_each(|_| send_signal(pid, signal));
        }
        send_signal(pid, libc::SIGUSR1);
        send_signal(pid, libc::SIGCONT);
        (run.recycles().len() >= 50).then_some(())
    });
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    let left = run.entries("survivors").into_iter().filter(|it| it.text.starts_with("survivors "));
    assert!(left.into_iter().all(|it| it.text == "survivors none"), "somebody was left");
    let lines = run.recycles();
    for (line, generation) in lines.iter().zip(1..) {
        assert!(
            line.starts_with(&format!("recycle: generation {generation} recycled: ")),
            "{line}"
        );
    }
    assert!(run.processes().is_empty());
}
