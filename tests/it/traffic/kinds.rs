//! UDP, and Unix sockets of each kind.

use super::{ask_udp, assert_awake_while, assert_no_more, server_at, silent_udp};
use crate::harness::{Client, Running, UDP_IDLENESS, UNIX_IDLENESS, let_pass, now_ms};
use crate::idle::{assert_goes_idle, server};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

fn datagrams_keep_a_server_awake(at: &str) {
    let mut run = server("--idle 1s", &format!("udp:{at}")).losing(UDP_IDLENESS);
    let address = run.address(1);
    assert_awake_while(&mut run, |_| ask_udp(&address).unwrap());
    assert_no_more(&mut run);
}

#[test]
fn datagrams_keep_a_server_awake_over_ipv4() {
    datagrams_keep_a_server_awake("127.0.0.1:0");
}

#[test]
fn datagrams_keep_a_server_awake_over_ipv6() {
    datagrams_keep_a_server_awake("[::1]:0");
}

/// One client whose socket stays, and nothing that is ever sent back.
#[test]
fn datagrams_that_are_only_received_keep_it_awake() {
    let mut run = server_at("./socket", "unix-dgram");
    let address = run.address(1);
    let client = UnixDatagram::unbound().unwrap();
    client.connect(&address).unwrap();
    assert_awake_while(&mut run, |_| {
        let before_ms = now_ms();
        client.send(b"hello").unwrap();
        before_ms
    });
    assert_no_more(&mut run);
}

/// Armed by a request; after that nothing ever comes in.
#[test]
fn datagrams_that_are_only_sent_keep_it_awake() {
    let sink = silent_udp();
    let address = sink.local_addr().unwrap();
    let mut run = server("--idle 1s", &format!("bg:udp-connect:400ms@{address} udp:0"));
    let address = run.address(1);
    let_pass(Duration::from_secs(1));
    ask_udp(&address).unwrap();
    let_pass(Duration::from_millis(3500));
    assert_eq!(run.entries("got TERM").len(), 0, "recycled while it sent");
}

fn one_connection_with_a_byte_now_and_then(action: &str, connect: fn(&str) -> Client) {
    let mut run = server_at("./socket", action);
    let address = run.address(1);
    let mut client = connect(&address);
    // On the same connection: it would not survive a recycle.
    assert_awake_while(&mut run, |_| client.exchange("").1);
    if !run.has_lost() {
        client.receive_end();
    }
    assert_no_more(&mut run);
}

#[test]
fn bytes_keep_a_unix_stream_server_awake() {
    one_connection_with_a_byte_now_and_then("listen", |it| Client::connect(it).unwrap());
}

#[test]
fn messages_keep_a_seqpacket_server_awake() {
    let connect = |path: &str| Client::seqpacket(path).unwrap();
    one_connection_with_a_byte_now_and_then("seqpacket", connect);
}

/// The client reads and says nothing.
#[test]
fn what_a_unix_server_only_sends_keeps_it_awake() {
    let mut run = server("--idle 1s", "push:300ms@./socket").losing(UNIX_IDLENESS);
    run.await_entry(1, "listening");
    let began_ms = now_ms();
    let mut client = run.connect(1);
    client.receive(12);
    assert_eq!(run.entries("got TERM").len(), 0, "recycled while it sent");
    drop(client);
    // Eleven pauses lie between the first byte and the last.
    assert_goes_idle(&mut run, began_ms + 11 * 300, 1000);
}

/// Every kind at once, one beat each in turn, none of them often enough by itself.
#[test]
fn kinds_add_up() {
    use super::Door::{OtherTcp, Tcp, Udp, Unix};
    let mut run: Running = super::world("--idle 1s").losing(UDP_IDLENESS).losing(UNIX_IDLENESS);
    let mut doors = [Unix, Tcp, Udp, OtherTcp].into_iter().cycle();
    assert_awake_while(&mut run, |run| doors.next().unwrap().knock(run).unwrap());
}
