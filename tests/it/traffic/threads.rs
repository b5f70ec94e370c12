//! Threads that share no descriptors with their process: `unshare(CLONE_FILES)`.

use super::counters::without;
use super::short::one_short_connection_per_window_keeps_it_awake;
use super::{ask_udp, assert_awake_while};
use crate::harness::{UDP_IDLENESS, UNIX_IDLENESS, let_pass};
use crate::idle::{assert_goes_idle, server};
use std::time::Duration;

#[test]
fn short_connections_to_such_a_thread_keep_it_awake() {
    let run = server("--idle 1s", "apart:serve-short:127.0.0.1:0 forever");
    one_short_connection_per_window_keeps_it_awake(run);
}

#[test]
fn datagrams_to_such_a_thread_keep_it_awake() {
    let mut run = server("--idle 1s", "apart:udp:127.0.0.1:0 forever").losing(UDP_IDLENESS);
    let address = run.address(1);
    let_pass(Duration::from_secs(1));
    assert_awake_while(&mut run, |_| ask_udp(&address).unwrap());
}

/// As in most containers: then their number tells that its descriptors are others.
#[test]
fn such_a_thread_is_seen_where_kcmp_is_forbidden() {
    let steps = "apart:listen:127.0.0.1:0 forever";
    let mut run = without("kcmp", "EPERM", "--idle 1s", steps);
    let (_, last_ms) = run.connect(1).exchange("hello");
    assert_goes_idle(&mut run, last_ms, 1000);
}

/// The connection is served by a thread that this thread has started.
#[test]
fn bytes_on_a_unix_connection_of_such_a_thread_keep_it_awake() {
    let mut run = server("--idle 1s", "apart:listen:./socket forever").losing(UNIX_IDLENESS);
    let mut client = run.connect(1);
    assert_awake_while(&mut run, |_| client.exchange("").1);
    if !run.has_lost() {
        client.receive_end();
    }
}
