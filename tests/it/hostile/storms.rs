//! Processes that fork faster than one can look, during the stop: nobody is left, in finite time.
//! All this happens in PID namespaces: a test that fails takes its storm along.

use super::machine;
use crate::harness::{Run, Running, another_user, for_everybody, send_signal};
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::time::Duration;

/// Half of what a storm lasts by itself, which must not be what ends it.
const CEILING: Duration = Duration::from_secs(30);
const NAMESPACE: [&str; 5] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

fn recycle(run: &mut Running) {
    let recycle = run.wait_for("recycle in there", |run| {
        let all = run.processes();
        let inner = all.iter().find(|it| it.command.starts_with(env!("CARGO_BIN_EXE_recycle")));
        inner.map(|it| it.pid)
    });
    send_signal(recycle, libc::SIGUSR1);
}

fn is_locked(run: &Running) -> bool {
    let file = File::open(run.dir().join("life")).unwrap();
    Flock::lock(file, FlockArg::LockExclusiveNonblock).is_err()
}

/// The first generation has started these storms and closed all it had, its lock included: from
/// then on only a storm holds it.
fn assert_over(namespace: &[&str], storms: &str) {
    let script = format!("survivors lock:life {storms} once:close-all ready forever");
    let run = for_everybody(Run::new("--map-signal USR1:recycle --stop-timeout 300ms"));
    let mut run = run.ceiling(CEILING).through(namespace).fixture(&script).spawn();
    run.await_entry(1, "ready");
    // The negative control: nothing has ended it yet.
    assert!(is_locked(&run));
    recycle(&mut run);
    run.await_entry(2, "ready");
    assert_eq!(run.entries("survivors none").len(), 2);
    assert!(run.entries("still-locked").is_empty());
}

fn assert_storm_ends(storms: &str) {
    let _machine = machine();
    // A shell is PID 1, and `recycle` somebody's child.
    let shell = ["sh", "-c", "\"$@\"; exit $?", "sh"];
    assert_over(&[&NAMESPACE[..], &shell].concat(), storms);
    // Orphans of others may come to PID 1: it has to look at each.
    assert_over(&NAMESPACE, storms);
}

#[test]
fn a_relay_in_commands_group() {
    assert_storm_ends("once:relay:1m");
}

#[test]
fn a_relay_through_sessions() {
    assert_storm_ends("once:relay-apart:1m");
}

#[test]
fn several_relays_of_both_kinds() {
    assert_storm_ends("once:relay:1m once:relay:1m once:relay-apart:1m once:relay-apart:1m");
}

/// It fills up again what was killed: as many as its user may have. Humbly, lest all other tests
/// starve.
#[test]
fn a_bomb() {
    for bomb in ["bomb:1m", "bomb-apart:1m"] {
        let user = another_user();
        assert_storm_ends(&format!(
            "once:humble once:become:{user} once:limit-processes:40 once:{bomb}"
        ));
    }
}

/// Too many to be killed one by one: whoever dies makes room for a child of the others.
#[test]
fn a_bomb_of_a_hundred_in_one_group() {
    let user = another_user();
    assert_storm_ends(&format!(
        "once:humble once:become:{user} once:limit-processes:100 once:bomb:1m"
    ));
}

/// ... nor can these be killed as a group.
#[test]
fn a_bomb_of_many_groups() {
    let user = another_user();
    assert_storm_ends(&format!(
        "once:humble once:become:{user} once:limit-processes:150 once:bomb-apart:1m"
    ));
}

#[test]
fn everything_at_once() {
    // The bomb last: it leaves no room for another one to begin.
    let storms = "once:relay:1m once:relay-apart:1m once:bomb-apart:1m";
    let user = another_user();
    assert_storm_ends(&format!("once:humble once:become:{user} once:limit-processes:40 {storms}"));
}

/// A storm that COMMAND leaves behind at an end of its own.
#[test]
fn a_storm_that_command_leaves_behind() {
    let _machine = machine();
    for storm in ["relay", "relay-apart"] {
        let script = format!("survivors lock:life once:{storm}:1m at:1:exit:3 ready forever");
        let run = Run::new("--restart always --stop-timeout 300ms").ceiling(CEILING);
        let mut run = run.through(NAMESPACE).fixture(&script).spawn();
        run.await_entry(2, "ready");
        assert_eq!(run.entries("survivors none").len(), 2);
        assert!(run.entries("still-locked").is_empty());
    }
}
