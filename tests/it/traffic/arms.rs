//! What is there but no traffic: silence, probes, and what stays inside the tree.

use super::{assert_no_more, server_at};
use crate::harness::{Client, UNIX_IDLENESS, let_pass, let_pass_since, now_ms};
use crate::idle::{assert_goes_idle, server};
use std::fs;
use std::time::Duration;

/// A master and its worker, and one request from outside.
#[test]
fn chatter_inside_the_tree_is_no_traffic() {
    let mut run = server("--idle 1s", "bg:chat:100ms listen:0");
    run.await_entry(1, "chatting");
    let mut client = run.connect(1);
    let (_, last_ms) = client.exchange("hello");
    assert_goes_idle(&mut run, last_ms, 1000);
    run.await_entry(2, "chatting");
    assert_no_more(&mut run);
}

/// It does not arm it, either.
#[test]
fn chatter_inside_the_tree_alone_is_not_recycled() {
    let mut run = server("--idle 500ms --settle 0s", "chat:100ms");
    run.await_entry(1, "chatting");
    let_pass(Duration::from_secs(3));
    assert_eq!(run.entries("got TERM").len(), 0, "armed by its own chatter");
}

/// The control: the same over a server of COMMAND's that somebody else speaks with.
#[test]
fn chatter_with_somebody_else_is_traffic() {
    let mut run = server("--idle 1s", "bg:chat:100ms listen:./socket").losing(UNIX_IDLENESS);
    run.await_entry(1, "chatting");
    let mut client = run.connect(1);
    super::assert_awake_while(&mut run, |_| client.exchange("").1);
}

/// A client that opens a connection and never says anything.
#[test]
fn a_silent_client_is_let_go() {
    for at in ["127.0.0.1:0", "[::1]:0", "./socket"] {
        let mut run = server_at(at, "listen");
        run.await_entry(1, "listening");
        let before_ms = now_ms();
        let mut client = run.connect(1);
        assert_goes_idle(&mut run, before_ms, 1000);
        if !run.has_lost() {
            client.receive_end();
            run.connect(2).exchange("hello");
        }
    }
}

/// From both ends, every second; the kernel knows that there were some.
#[test]
fn keepalive_probes_are_no_traffic() {
    let mut run = server("--idle 3s", "keepalive:0");
    let mut client = Client::with_keepalive(&run.address(1)).unwrap();
    let (_, last_ms) = client.exchange("hello");
    assert_goes_idle(&mut run, last_ms, 3000);
    assert!(probes() > 0, "there were no probes");
}

/// How many the network of this thread has seen sent.
fn probes() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/net/netstat").unwrap();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt: "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let mut pairs = names.split(' ').zip(values.split(' '));
    pairs.find(|(name, _)| *name == "TCPKeepAlive").unwrap().1.parse().unwrap()
}

/// As close to the limit as a machine that does other things allows.
#[test]
fn a_byte_in_the_last_tenth_of_every_window_keeps_it_awake() {
    let mut run = server("--idle 4s", "listen:0");
    let mut last_ms = now_ms();
    let mut client = run.connect(1);
    for _ in 0..3 {
        let_pass_since(last_ms, Duration::from_millis(3600));
        last_ms = client.exchange("").1;
    }
    assert_goes_idle(&mut run, last_ms, 4000);
}
