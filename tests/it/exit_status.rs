//! `recycle` ends as COMMAND did; 125, 126 and 127 say that it was not COMMAND that ended.

use crate::harness::{End, Run, fixture_path, recycle_path};
use std::fs;

/// Every signal whose default is death.
pub(crate) fn deadly() -> impl Iterator<Item = i32> {
    const HARMLESS: [i32; 8] = [
        libc::SIGCHLD,
        libc::SIGCONT,
        libc::SIGSTOP,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
        libc::SIGURG,
        libc::SIGWINCH,
    ];
    let standard = (1..32).filter(|signal| !HARMLESS.contains(signal));
    standard.chain(libc::SIGRTMIN()..=libc::SIGRTMAX())
}

/// In a PID namespace of its own, where `recycle` is PID 1.
fn as_pid_1(script: &str) -> Run {
    let unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    Run::new("").through(unshare).fixture(script)
}

#[test]
fn every_exit_status_passes_through() {
    for status in 0..=255 {
        let (end, _run) = Run::new("").fixture(&format!("exit:{status}")).finish();
        assert_eq!(end, End::Code(status));
    }
}

#[test]
fn death_by_a_signal_is_death_by_the_same_signal() {
    for signal in deadly() {
        let (end, _run) = Run::new("").fixture(&format!("die:{signal}")).finish();
        assert_eq!(end, End::Signal(signal));
    }
}

#[test]
fn as_pid_1_it_ends_with_128_and_the_signal() {
    for signal in deadly() {
        let (end, _run) = as_pid_1(&format!("die:{signal}")).finish();
        assert_eq!(end, End::Code(128 + signal));
    }
}

#[test]
fn as_pid_1_a_status_passes_through() {
    for status in [0, 1, 7, 255] {
        let (end, _run) = as_pid_1(&format!("exit:{status}")).finish();
        assert_eq!(end, End::Code(status));
    }
}

#[test]
fn as_pid_1_it_passes_signals_on_and_reaps() {
    let mut run = as_pid_1("trap:TERM:exit=5 orphan:3:exit:0 ready forever").spawn();
    run.await_entry(1, "ready");
    let unshare = run.pid();
    let recycle = run.processes().into_iter().find(|it| it.parent == unshare).unwrap().pid;
    let children = format!("/proc/{recycle}/task/{recycle}/children");
    run.wait_for("COMMAND to be the only child", |_| {
        (fs::read_to_string(&children).unwrap().split_whitespace().count() == 1).then_some(())
    });
    crate::harness::send_signal(recycle, libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(5));
}

#[test]
fn orphans_are_reaped() {
    let mut run = Run::new("").fixture("orphan:3:exit:0 ready forever").spawn();
    run.await_entry(1, "ready");
    for spawned in run.entries("spawned") {
        run.await_reaped(spawned.number());
    }
}

/// Checks the status and the one line, which names the command.
fn assert_refused(run: Run, status: i32, named: &str) {
    let (end, run) = run.finish();
    assert_eq!(end, End::Code(status));
    let stderr = run.stderr();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("recycle: ") && stderr.contains(named), "{stderr}");
}

#[test]
fn not_found_is_127() {
    assert_refused(Run::new("").command(["no-such-program"]), 127, "no-such-program");
    assert_refused(Run::new("").command(["./no/such"]), 127, "./no/such");
}

#[test]
fn not_executable_is_126() {
    let run = Run::new("");
    fs::write(run.dir().join("text"), "no program\n").unwrap();
    assert_refused(run.command(["./text"]), 126, "./text");
    assert_refused(Run::new("").command(["/"]), 126, "/");
}

#[test]
fn an_error_of_its_own_is_125() {
    assert_refused(Run::new("--no-such-option").fixture("exit:0"), 125, "--no-such-option");
}

/// SIGCHLD ignored at entry loses every child's status, unless something is done about it.
#[test]
fn the_status_survives_an_ignored_or_blocked_sigchld() {
    for (ignored, blocked) in [(&[libc::SIGCHLD][..], &[][..]), (&[], &[libc::SIGCHLD])] {
        let run = Run::new("").signals(ignored, blocked).fixture("exit:7");
        assert_eq!(run.finish().0, End::Code(7));
    }
}

#[test]
fn a_recycle_inside_a_recycle_ends_as_command_did() {
    let inner = [recycle_path(), fixture_path(), "exit:9".as_ref()];
    assert_eq!(Run::new("").command(inner).finish().0, End::Code(9));
    let inner = [recycle_path(), fixture_path(), "die:USR2".as_ref()];
    assert_eq!(Run::new("").command(inner).finish().0, End::Signal(libc::SIGUSR2));
}
