//! Commands that become another user, and those that use up what a user may have.

use super::{BY_KILL, BY_TERM, assert_recycled};
use crate::harness::{
    End, Run, another_user, as_another_user, for_everybody, make_fixture_set_uid, send_signal,
    to_another_user, tool, with_programs,
};
use std::fs;

fn set_uid_fixture(options: &str, script: &str) -> Run {
    let run = as_another_user(options);
    make_fixture_set_uid(&run);
    run.command(["./fixture"].into_iter().chain(script.split_whitespace()))
}

/// Root may signal anybody.
#[test]
fn a_command_that_gives_up_root() {
    let user = another_user();
    assert_recycled(for_everybody(Run::new(BY_TERM)), &format!("become:{user}"));
    assert_recycled(for_everybody(Run::new(BY_KILL)), &format!("ignore:TERM become:{user}"));
    let run = for_everybody(Run::new("")).fixture(&format!("become:{user} exit:5"));
    assert_eq!(run.finish().0, End::Code(5));
}

/// The kernel forgets then that it was to die with us. The negative control is
/// `stopping::if_recycle_is_killed_command_is_killed`.
#[test]
fn a_command_that_changed_its_user_survives_a_kill_of_recycle() {
    let script = format!("trap:USR1 become:{} ready forever", another_user());
    let mut run = for_everybody(Run::new("")).fixture(&script).spawn();
    let command = run.await_entry(1, "ready").pid;
    run.signal(libc::SIGKILL);
    assert_eq!(run.finish(), End::Signal(libc::SIGKILL));
    send_signal(command, libc::SIGUSR1);
    run.await_entry(1, "got USR1");
}

/// The user who has started it may signal it: the real one is still the same.
#[test]
fn a_set_uid_command_is_recycled_as_any_other() {
    for (options, script) in [(BY_TERM, "ready forever"), (BY_KILL, "ignore:TERM ready forever")] {
        let mut run = set_uid_fixture(options, &format!("survivors {script}")).spawn();
        let pid = run.await_entry(1, "ready").pid;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let users = status.lines().find(|line| line.starts_with("Uid:")).unwrap();
        let users: Vec<_> = users.split_whitespace().skip(1).take(2).collect();
        assert!(users[0] != "0" && users[1] == "0", "not set-uid: {users:?}");
        run.recycle();
        run.await_entry(2, "ready");
        run.await_entry(2, "survivors none");
    }
    let (end, _run) = set_uid_fixture("--max-rss 1G --idle 1h", "exit:7").finish();
    assert_eq!(end, End::Code(7));
}

/// It can neither be asked nor forced to end, so there is nothing left to wait for.
#[test]
fn a_command_that_becomes_root_is_given_up() {
    let options = "--map-signal USR1:recycle --stop-timeout 300ms";
    for script in ["become:0 ready forever", "become:0 escape:mark:up,forever ready forever"] {
        let mut run = set_uid_fixture(options, script).spawn();
        run.await_entry(1, "ready");
        run.recycle();
        assert_eq!(run.finish(), End::Code(125));
        let stderr = run.stderr();
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains("refuses our signals (EPERM)"), "{stderr}");
        assert_eq!(run.generations(), 1);
    }
}

/// No line names a signal that was not sent.
#[test]
fn signals_that_a_command_refuses_are_not_reported_as_sent() {
    let options = "-v --map-signal USR1:recycle --map-signal WINCH:USR2 --stop-timeout 1h";
    let script = "once:become:0 once:ready once:wait-file:go once:exit:3 at:2:ready forever";
    let mut run = set_uid_fixture(options, script).spawn();
    run.await_entry(1, "ready");
    for (sent, said) in [
        (libc::SIGUSR2, "recycle: SIGUSR2 not passed on: Operation not permitted\n"),
        (libc::SIGWINCH, "recycle: SIGWINCH not passed on as SIGUSR2: Operation not permitted\n"),
    ] {
        run.signal(sent);
        run.wait_for(said, |run| run.stderr().contains(said).then_some(()));
    }
    run.recycle();
    let began = "recycling generation 1: COMMAND refused SIGTERM (EPERM)\n";
    run.wait_for(began, |run| run.stderr().contains(began).then_some(()));
    run.touch("go");
    run.await_entry(2, "ready");
    let [line] = &run.recycles()[..] else { panic!("{}", run.stderr()) };
    assert!(line.contains(" (COMMAND refused SIGTERM (EPERM), gone in "), "{line}");
    assert!(!run.stderr().contains(" passed on\n"), "{}", run.stderr());
}

/// The same with a COMMAND that takes them.
#[test]
fn signals_that_a_command_takes_are_reported_as_sent() {
    let options = "-v --map-signal USR1:recycle --map-signal WINCH:USR2 --stop-timeout 1h";
    let script = "trap:USR2 trap:TERM:exit=3 ready forever";
    let mut run = set_uid_fixture(options, script).spawn();
    run.await_entry(1, "ready");
    run.signal(libc::SIGUSR2);
    run.await_entry(1, "got USR2");
    run.signal(libc::SIGWINCH);
    run.await_entries(2, "got USR2");
    run.recycle();
    run.await_entry(2, "ready");
    let all = ["SIGUSR2 passed on\n", "SIGWINCH passed on as SIGUSR2\n", "generation 1: SIGTERM\n"];
    for said in all {
        assert!(run.stderr().contains(said), "{}", run.stderr());
    }
    assert!(run.recycles()[0].contains(" (SIGTERM, gone in "), "{}", run.stderr());
}

/// One that ends by itself ends as ever, whoever it has become.
#[test]
fn a_command_that_becomes_root_may_end_by_itself() {
    let (end, _run) = set_uid_fixture("--max-rss 1G --idle 1h", "become:0 exit:7").finish();
    assert_eq!(end, End::Code(7));
}

/// `recycle` and COMMAND share the limit: the next generation needs what the last one held.
#[test]
fn a_command_that_uses_up_its_processes() {
    for (stop_timeout, first) in [("1h", "sigmask"), ("300ms", "ignore:TERM")] {
        let options = format!("--map-signal USR1:recycle --stop-timeout {stop_timeout}");
        let words = format!(
            "{} {} --nproc=20:20 ./recycle {options} ./fixture lock:life {first} fill-processes \
             ready forever",
            to_another_user(),
            tool("prlimit").display()
        );
        let run = with_programs(Run::bare()).command(words.split_whitespace());
        let mut run = run.spawn();
        for generation in 1..=2 {
            run.await_entry(generation, "filled");
            run.await_entry(generation, "ready");
            run.recycle();
        }
        run.await_entry(3, "ready");
        assert!(run.entries("still-locked").is_empty());
    }
}
