//! Strangers' connections never arm idleness, and a flood of them does not delay `inbound`.

use super::sleepers::get;
use super::strangers::Strangers;
use super::{INBOUND, await_recycle, send_requests};
use crate::harness::{Run, Running, free_port, let_pass};
use crate::real_nginx::nginx;
use std::time::Duration;

const WINDOW: Duration = Duration::from_millis(500);
/// Whatever they say of connections that COMMAND opens: it has not opened any.
const OPTIONS: [&str; 4] = [
    "--idle 500ms",
    "--idle 500ms --idle-floor 256B",
    "--idle 500ms --settle 0s",
    "--idle 500ms --settle 0s --idle-floor 256B",
];

/// A COMMAND that has no traffic at all, once with each of the options.
fn sleepers() -> [Running; OPTIONS.len()] {
    OPTIONS.map(|options| Run::new(options).command(["sleep", "1000"]).spawn())
}

fn assert_not_recycled(runs: &[Running]) {
    for (run, options) in runs.iter().zip(OPTIONS) {
        assert_eq!(run.recycles(), [""; 0], "{options}: recycled, and it never had traffic");
    }
}

#[test]
fn sleep_is_never_recycled_beside_strangers() {
    let _strangers = Strangers::five();
    let runs = sleepers();
    let_pass(WINDOW * 10);
    assert_not_recycled(&runs);
}

/// They come and go: after each burst there is more than a window without any.
fn assert_bursts_do_not_arm(connections_a_second: u32) {
    let runs = sleepers();
    let_pass(WINDOW);
    for _ in 0..3 {
        let crowd = Strangers::crowd(connections_a_second);
        let_pass(WINDOW * 2);
        drop(crowd);
        let_pass(WINDOW * 2);
        assert_not_recycled(&runs);
    }
}

#[test]
fn short_connections_of_strangers_do_not_arm() {
    assert_bursts_do_not_arm(20);
}

#[test]
fn a_flood_of_strangers_does_not_arm() {
    assert_bursts_do_not_arm(2000);
}

/// The flood goes on for the whole test: more than 600 connections a second. In a window of 5 s
/// there are enough between two looks for the kernel to drop messages.
#[test]
fn inbound_is_recycled_beside_a_flood() {
    let _crowd = Strangers::crowd(3000);
    let port = free_port();
    let mut run = nginx(&format!("--idle 5s {INBOUND}"), port, "");
    let last_ms = send_requests(&mut run, |_| get(port));
    await_recycle("nginx, inbound, beside a flood", &mut run, last_ms, 5000);
}
