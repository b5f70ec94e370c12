//! Users who are not root, and COMMANDs that become one.

use super::{Door, WORLD, assert_awake_while};
use crate::harness::{
    Run, Running, UDP_IDLENESS, UNIX_IDLENESS, copy_program, fixture_path, recycle_path, tool,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// One kind of traffic alone is seen.
fn assert_seen(run: Running, door: Door) {
    let mut run = run.losing(UDP_IDLENESS).losing(UNIX_IDLENESS);
    run.await_entries(4, "listening");
    assert_awake_while(&mut run, |run| door.knock(run).unwrap());
}

/// A directory where `nobody` finds the programs and may write.
fn open_house() -> Run {
    let run = Run::bare();
    fs::set_permissions(run.dir(), fs::Permissions::from_mode(0o777)).unwrap();
    for (from, name) in [(recycle_path(), "recycle"), (fixture_path(), "fixture")] {
        copy_program(from, &run.dir().join(name));
    }
    run
}

fn as_nobody(words: &str) -> String {
    format!("{} --reuid=65534 --regid=65534 --clear-groups {words}", tool("setpriv").display())
}

fn start(command: &str) -> Running {
    open_house().command(command.split_whitespace()).spawn()
}

fn all_as_nobody() -> Running {
    start(&as_nobody(&format!("./recycle --idle 1s ./fixture trap:TERM:exit=0 {WORLD}")))
}

/// As a container's entry point does it.
fn command_as_nobody() -> Running {
    let command = as_nobody(&format!("./fixture trap:TERM:exit=0 {WORLD}"));
    start(&format!("./recycle --idle 1s {command}"))
}

#[test]
fn nobody_sees_tcp() {
    assert_seen(all_as_nobody(), Door::Tcp);
}

#[test]
fn nobody_sees_udp() {
    assert_seen(all_as_nobody(), Door::Udp);
}

#[test]
fn nobody_sees_unix() {
    assert_seen(all_as_nobody(), Door::Unix);
}

#[test]
fn tcp_of_a_command_that_became_nobody_is_seen() {
    assert_seen(command_as_nobody(), Door::Tcp);
}

#[test]
fn udp_of_a_command_that_became_nobody_is_seen() {
    assert_seen(command_as_nobody(), Door::Udp);
}

#[test]
fn unix_of_a_command_that_became_nobody_is_seen() {
    assert_seen(command_as_nobody(), Door::Unix);
}
