//! Other programs in the same network: here the test itself speaks with itself.

use super::{Door, arm, assert_idle_in_spite_of, world};
use crate::harness::{Client, Run, answer_lines, let_pass, listener, own_network};
use crate::idle::{assert_goes_idle, server};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// They are seen alive, and that they are not COMMAND's.
#[test]
fn connections_of_others_that_stay_are_not_traffic() {
    let mut stranger = Client::connect(&answer_lines(listener())).unwrap();
    stranger.exchange("before");
    let mut run = world("--idle 1s");
    let mut client = Client::connect(&Door::Tcp.address(&run)).unwrap();
    let (_, armed_ms) = client.exchange("hello");
    assert_idle_in_spite_of(&mut run, armed_ms, |_| {
        stranger.exchange("hello");
    });
}

#[test]
fn datagrams_and_unix_sockets_of_others_are_not_traffic() {
    let sink = super::silent_udp();
    let (near, far) = UnixStream::pair().unwrap();
    let mut run = world("--idle 1s");
    let mut client = Client::connect(&Door::Tcp.address(&run)).unwrap();
    let (_, armed_ms) = client.exchange("hello");
    assert_idle_in_spite_of(&mut run, armed_ms, |_| {
        sink.send_to(b"hello", sink.local_addr().unwrap()).unwrap();
        std::io::Write::write_all(&mut &near, b"x").unwrap();
        std::io::Read::read_exact(&mut &far, &mut [0]).unwrap();
    });
}

/// Whose they were cannot be known: unknown is not quiet, and it is said.
#[test]
fn short_connections_of_others_may_be_command_s() {
    let strangers = answer_lines(listener());
    let mut run = server("--idle 1s", "listen:0");
    let mut client = run.connect(1);
    client.exchange("hello");
    for _ in 0..12 {
        Client::connect(&strangers).unwrap().exchange("hello");
        let_pass(Duration::from_millis(300));
    }
    assert_eq!(run.entries("got TERM").len(), 0, "recycled, and they might have been COMMAND's");
    let stderr = run.stderr();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("--traffic inbound"), "{stderr}");
}

#[test]
fn short_connections_of_others_are_ignored_with_inbound() {
    let strangers = answer_lines(listener());
    for words in ["inbound", "tcp,port:7001"] {
        let mut run = world(&format!("--idle 1s --traffic {words}"));
        let armed_ms = arm(&run, Door::Tcp);
        assert_idle_in_spite_of(&mut run, armed_ms, |_| {
            Client::connect(&strangers).unwrap().exchange("hello");
        });
    }
}

/// Whatever COMMAND logs goes over a socket that `recycle` was started with.
#[test]
fn a_log_that_is_a_socket_is_not_traffic() {
    own_network();
    let (_log, theirs) = UnixStream::pair().unwrap();
    let mut run = Run::new("--idle 1s")
        .stderr(OwnedFd::from(theirs))
        .after_shell("exec >&2")
        .fixture("trap:TERM:exit=0 bg:chatter:300ms listen:0")
        .spawn();
    let mut client = run.connect(1);
    let (_, last_ms) = client.exchange("hello");
    assert_goes_idle(&mut run, last_ms, 1000);
}
