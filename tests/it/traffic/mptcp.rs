//! MPTCP, with which Go programs listen by default. The end of a connection that closes second is
//! announced without its peer and without its counters.

use super::{BEAT, assert_awake_while, assert_no_more};
use crate::harness::{Client, Running, answer_lines, let_pass, let_pass_since, listener, now_ms};
use crate::idle::{assert_goes_idle, server};
use std::time::Duration;

/// The client closes first.
fn knock(address: &str) -> i64 {
    Client::mptcp(address).unwrap().exchange("hello").1
}

#[test]
fn short_connections_keep_a_server_awake() {
    for at in ["127.0.0.1:0", "[::1]:0"] {
        let mut run = server("--idle 1s", &format!("listen:mptcp+{at}"));
        let address = run.address(1);
        assert_awake_while(&mut run, |_| knock(&address));
        assert_no_more(&mut run);
    }
}

#[test]
fn a_single_short_connection_arms() {
    let mut run = server("--idle 1s", "listen:mptcp+127.0.0.1:0");
    let address = run.address(1);
    let_pass(Duration::from_secs(1));
    let last_ms = knock(&address);
    assert_goes_idle(&mut run, last_ms, 1000);
}

/// They fall back to TCP.
#[test]
fn short_connections_of_tcp_clients_keep_a_server_awake() {
    let mut run = server("--idle 1s", "listen:mptcp+127.0.0.1:0");
    let address = run.address(1);
    assert_awake_while(&mut run, |_| Client::connect(&address).unwrap().exchange("hello").1);
}

#[test]
fn bytes_on_one_connection_keep_a_server_awake() {
    let mut run = server("--idle 1s", "listen:mptcp+127.0.0.1:0");
    let mut client = Client::mptcp(&run.address(1)).unwrap();
    assert_awake_while(&mut run, |_| client.exchange("").1);
    client.receive_end();
}

/// The negative control: MPTCP alone is no traffic.
#[test]
fn a_silent_client_is_let_go() {
    let mut run = server("--idle 1s", "listen:mptcp+127.0.0.1:0");
    let address = run.address(1);
    let before_ms = now_ms();
    let mut client = Client::mptcp(&address).unwrap();
    assert_goes_idle(&mut run, before_ms, 1000);
    client.receive_end();
}

/// COMMAND is the client, and the server closes first.
#[test]
fn short_outgoing_connections_keep_a_client_awake() {
    let mut run = server("", "serve-short:mptcp+127.0.0.1:0");
    let far = run.address(1);
    let steps = format!("bg:short-connects:400ms@mptcp+{far} listen:0");
    let mut client = server("--idle 1s", &steps);
    client.connect(1).exchange("arm");
    let_pass(Duration::from_millis(3500));
    assert!(client.entries("answered").len() > 4);
    assert_eq!(client.entries("got TERM").len(), 0, "recycled while it asked");
}

/// A control: MPTCP connections of other programs.
#[test]
fn with_inbound_connections_of_others_do_not_count() {
    let strangers = answer_lines(listener());
    let mut run: Running = server("--idle 1s --traffic inbound", "listen:mptcp+127.0.0.1:0");
    let address = run.address(1);
    let_pass(Duration::from_secs(1));
    let armed_ms = knock(&address);
    super::assert_idle_in_spite_of(&mut run, armed_ms, |_| {
        Client::mptcp(&strangers).unwrap().exchange("hello");
    });
}

/// A request that COMMAND does not read is no silence: it waits one layer above TCP.
#[test]
fn unread_bytes_keep_a_server_awake() {
    let mut run = server("--idle 1s", "read-one:mptcp+127.0.0.1:0");
    let mut client = Client::mptcp(&run.address(1)).unwrap();
    client.send("hello");
    run.await_entry(1, "read");
    let_pass(Duration::from_secs(3));
    assert_eq!(run.entries("got TERM").len(), 0, "recycled with a request in the queue");
}

/// How much they carried is not known: it may have been more than the floor.
#[test]
fn with_a_floor_short_connections_delay_and_that_is_said() {
    let mut run = server("--idle 1s --idle-floor 64B", "listen:mptcp+127.0.0.1:0");
    let address = run.address(1);
    let mut first = Client::connect(&address).unwrap();
    first.exchange(&"x".repeat(1023));
    let mut last_ms = 0;
    for _ in 0..5 {
        let before_ms = now_ms();
        let mut client = Client::mptcp(&address).unwrap();
        client.exchange(&"x".repeat(1023));
        drop(client);
        last_ms = before_ms;
        let_pass_since(before_ms, BEAT);
    }
    assert_eq!(run.entries("got TERM").len(), 0, "recycled while there was traffic");
    assert_goes_idle(&mut run, last_ms, 1000);
    let said = "the payload of MPTCP connections that have ended";
    assert_eq!(run.stderr().matches(said).count(), 1, "{}", run.stderr());
}
