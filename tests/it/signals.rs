//! Signals are passed on, rewritten as told, and TERM, INT, QUIT and HUP mean what they mean.

mod flood;
mod groups;
mod ignored;
mod stops;

use crate::harness::{
    End, Run, Running, fixture_path, look_up, now_ms, recycle_path, send_signal, tool,
};
use nix::sys::signal::Signal;
use std::fs;

/// As the fixture writes it.
pub(crate) fn name(signal: i32) -> String {
    match Signal::try_from(signal) {
        Ok(signal) => signal.as_str().trim_start_matches("SIG").to_owned(),
        Err(_) => format!("RTMIN+{}", signal - libc::SIGRTMIN()),
    }
}

/// All that COMMAND may be sent through `recycle`.
fn catchable() -> impl Iterator<Item = i32> {
    const ELSEWHERE: [i32; 7] = [
        libc::SIGKILL,
        libc::SIGSTOP,
        libc::SIGCHLD, // recycle's own business
        libc::SIGSEGV, // recycle's own faults
        libc::SIGBUS,
        libc::SIGILL,
        libc::SIGFPE,
    ];
    let standard = (1..32).filter(|signal| !ELSEWHERE.contains(signal));
    standard.chain(libc::SIGRTMIN()..=libc::SIGRTMAX())
}

#[test]
fn every_catchable_signal_arrives() {
    let mut run = Run::new("").fixture("trap:all trap:TERM:exit=5 ready forever").spawn();
    run.await_entry(1, "ready");
    // TERM is the last one.
    for signal in catchable().filter(|signal| *signal != libc::SIGTERM) {
        run.signal(signal);
        run.await_entry(1, &format!("got {}", name(signal)));
    }
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(5));
}

fn await_state(run: &mut Running, pid: i32, stopped: bool) {
    run.wait_for(&format!("{pid} stopped={stopped}"), |_| {
        (look_up(pid).is_some_and(|it| it.state == 'T') == stopped).then_some(())
    });
}

#[test]
fn a_signal_is_rewritten() {
    let run = Run::new("--map-signal USR1:USR2 --map-signal WINCH:none --map-signal HUP:RTMIN+2");
    let mut run = run.fixture("trap:all ready forever").spawn();
    run.await_entry(1, "ready");
    for (sent, arrives) in [(libc::SIGUSR1, "USR2"), (libc::SIGHUP, "RTMIN+2")] {
        run.signal(libc::SIGWINCH);
        run.signal(sent);
        run.await_entry(1, &format!("got {arrives}"));
    }
    for lost in ["USR1", "WINCH", "HUP"] {
        assert!(run.entries(&format!("got {lost}")).is_empty());
    }
}

#[test]
fn a_signal_asks_for_a_recycle() {
    let mut run = Run::new("--map-signal USR1:recycle").fixture("ready forever").spawn();
    for generation in 1..=3 {
        let ready = run.await_entry(generation, "ready");
        let reason = if generation == 1 { None } else { Some("signal") };
        assert_eq!(ready.reason.as_deref(), reason);
        run.recycle();
    }
    run.await_entry(4, "ready");
}

/// A child in COMMAND's group, and whether a USR1 for `recycle` reaches it.
fn reaches_the_group(options: &str) -> bool {
    let script = "trap:USR1 child:trap:USR1,trap:USR2,ready,forever forever";
    let mut run = Run::new(options).fixture(script).spawn();
    let child = run.await_entry(1, "ready").pid;
    run.signal(libc::SIGUSR1);
    run.await_entry_not_by(child, "got USR1");
    // Whatever was sent to the child before this one comes before this one.
    send_signal(child, libc::SIGUSR2);
    run.await_entry(1, "got USR2");
    run.entries("got USR1").iter().any(|entry| entry.pid == child)
}

#[test]
fn signals_go_to_the_child_alone_or_to_its_group() {
    assert!(!reaches_the_group(""));
    assert!(!reaches_the_group("--signal-scope child"));
    assert!(reaches_the_group("--signal-scope group"));
}

#[test]
fn term_is_final_even_under_restart_always() {
    let script = "trap:TERM:exit=6 ready forever";
    let mut run = Run::new("--restart always --max-lifetime 1h").fixture(script).spawn();
    run.await_entry(1, "ready");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(6));
    assert_eq!(run.generations(), 1);

    let mut run = Run::new("--restart always").fixture("ready forever").spawn();
    run.await_entry(1, "ready");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
}

#[test]
fn term_twice_is_passed_on_twice_and_starts_no_kill_timer() {
    let script = "trap:TERM ready wait-file:go exit:4";
    let mut run = Run::new("--stop-timeout 200ms").fixture(script).spawn();
    run.await_entry(1, "ready");
    for times in 1..=2 {
        run.signal(libc::SIGTERM);
        run.await_entries(times, "got TERM");
    }
    // Longer than the stop timeout: a stop that comes from outside has none.
    crate::harness::let_pass(std::time::Duration::from_millis(600));
    run.touch("go");
    assert_eq!(run.finish(), End::Code(4));
}

#[test]
fn after_term_no_trigger_acts() {
    let script = "trap:TERM ready sleep:2s exit:4";
    let mut run = Run::new("--max-lifetime 1s --map-signal USR1:recycle").fixture(script).spawn();
    run.await_entry(1, "ready");
    run.signal(libc::SIGTERM);
    run.await_entry(1, "got TERM");
    run.recycle();
    assert_eq!(run.finish(), End::Code(4));
    assert_eq!(run.generations(), 1);
}

#[test]
fn what_command_leaves_behind_gets_term_after_term() {
    let script = "orphan:1:trap:TERM,ready,forever trap:TERM:exit=4 forever";
    let mut run = Run::new("").fixture(script).spawn();
    let orphan = run.await_entry(1, "ready").pid;
    // The step after the trap: from there on the trap is set.
    let command = run.await_entry_not_by(orphan, "forever").pid;
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(4));
    run.await_entry_not_by(command, "got TERM");
}

/// Sends the signal, lets COMMAND end by itself after it, says how all ended.
fn end_after(signal: i32) -> (End, u32) {
    let script = format!("trap:{} ready wait-file:go exit:3", name(signal));
    let mut run = Run::new("--restart always").fixture(&script).spawn();
    run.await_entry(1, "ready");
    run.signal(signal);
    run.await_entry(1, "got");
    run.touch("go");
    (run.finish(), run.generations())
}

#[test]
fn after_int_quit_or_hup_the_next_end_is_final() {
    for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP] {
        assert_eq!(end_after(signal), (End::Code(3), 1));
    }
}

/// The negative control to the one above, and what sets HUP apart from INT.
#[test]
fn without_such_a_signal_or_long_after_a_hup_the_next_end_is_not_final() {
    let script = "trap:HUP ready once:wait-file:go at:1:exit:3 forever";
    let mut run = Run::new("--restart always").fixture(script).spawn();
    run.await_entry(1, "ready");
    run.touch("go");
    run.await_entry(2, "ready");

    let run = Run::new("--restart always --stop-timeout 300ms");
    let mut run =
        run.fixture("trap:HUP ready once:wait-file:go once:sleep:1s once:exit:3 forever").spawn();
    run.await_entry(1, "ready");
    run.signal(libc::SIGHUP);
    run.await_entry(1, "got HUP");
    run.touch("go");
    run.await_entry(2, "ready");
}

#[test]
fn int_holds_planned_recycles_for_the_stop_timeout() {
    let script = "trap:INT trap:TERM:exit=0 ready forever";
    let mut run = Run::new("--max-lifetime 2s --stop-timeout 4s").fixture(script).spawn();
    run.await_entry(1, "ready");
    let before_ms = now_ms();
    run.signal(libc::SIGINT);
    let stopped = run.await_entry(1, "got TERM");
    assert!(stopped.t_ms >= before_ms + 4000);
    run.await_entry(2, "ready");
}

/// A server behind a real shell, under timeout(1), which sends INT to all of its own process group;
/// COMMAND leads another one.
fn timed_out_behind_a_shell(options: &str) -> Running {
    let run = Run::bare().env("F", fixture_path());
    let script = "$F trap:INT ready wait-file:go exit:0\ntrue\n";
    fs::write(run.dir().join("start.sh"), script).unwrap();
    let [timeout, shell] = ["timeout", "sh"].map(|name| tool(name).display().to_string());
    let recycle = recycle_path().display().to_string();
    let words = [timeout.as_str(), "-s", "INT", "1", &recycle, "-v"].into_iter();
    let words = words.chain(options.split_whitespace()).chain(["--", &shell, "start.sh"]);
    let mut run = run.command(words).spawn();
    run.await_entry(1, "ready");
    run.await_stderr("recycle: SIGINT passed on\n");
    run
}

#[test]
fn with_group_a_signal_to_recycle_reaches_the_server_behind_a_shell() {
    let mut run = timed_out_behind_a_shell("--signal-scope group");
    run.await_entry(1, "got INT");
    run.touch("go");
    assert_eq!(run.finish(), End::Code(124));
}

/// The negative control: it reaches the shell, which is COMMAND.
#[test]
fn without_group_it_reaches_the_shell_alone() {
    let mut run = timed_out_behind_a_shell("");
    run.touch("go");
    assert_eq!(run.finish(), End::Code(124));
    assert!(run.entries("got INT").is_empty());
}

#[test]
fn verbose_reports_each_signal_with_what_it_became() {
    let options = "-v --map-signal USR1:HUP,USR2:none";
    let mut run = Run::new(options).fixture("trap:all trap:TERM:exit=0 ready forever").spawn();
    run.await_entry(1, "ready");
    for (signal, said) in [
        (libc::SIGWINCH, "SIGWINCH passed on\n"),
        (libc::SIGUSR1, "SIGUSR1 passed on as SIGHUP\n"),
        (libc::SIGUSR2, "SIGUSR2 not passed on (--map-signal)\n"),
        (libc::SIGTERM, "SIGTERM passed on\n"),
    ] {
        run.signal(signal);
        run.await_stderr(&format!("recycle: {said}"));
    }
    assert_eq!(run.finish(), End::Code(0));
}
