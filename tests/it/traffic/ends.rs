//! Watching keeps nobody's socket alive: what COMMAND closes is closed, and what it binds is free.

use super::{BEAT, ask_udp};
use crate::harness::{
    Client, Loss, Running, UDP_IDLENESS, UNIX_IDLENESS, let_pass, let_pass_since, now_ms,
};
use crate::idle::{assert_goes_idle, server};
use std::time::Duration;

/// Others make noise meanwhile, so that everything is looked at more than once.
fn make_noise(address: &str, time: Duration) {
    let began_ms = now_ms();
    while now_ms() < began_ms + i64::try_from(time.as_millis()).unwrap() {
        Client::connect(address).unwrap().exchange("noise");
        let_pass(Duration::from_millis(100));
    }
}

/// Nothing has ended the generation that could have closed anything for it.
fn assert_undisturbed(run: &Running) {
    assert_eq!((run.entries("got TERM").len(), run.generations()), (0, 1));
    assert_eq!(run.entries("error").len(), 0);
}

#[test]
fn the_peer_sees_the_end_when_command_closes() {
    for at in ["127.0.0.1:0", "[::1]:0", "./socket"] {
        let mut run = server("--idle 2s", &format!("serve-short:{at}"));
        let mut client = run.connect(1);
        make_noise(&run.address(1), Duration::from_millis(1500));
        assert_eq!(client.exchange("bye").0, "ok");
        client.receive_end();
        assert_undisturbed(&run);
    }
}

/// What was there before anybody came: COMMAND closes that as well.
#[test]
fn clients_in_the_queue_see_the_end_when_command_stops_listening() {
    for at in ["127.0.0.1:0", "./socket"] {
        let mut run = server("--idle 2s", &format!("rebind:{at}"));
        let mut first = run.connect(1);
        let_pass(Duration::from_secs(1));
        let mut waiting = run.connect(1);
        let_pass(Duration::from_millis(500));
        first.exchange("bye");
        first.receive_end();
        run.await_entry(1, "rebound");
        waiting.receive_end();
        assert_undisturbed(&run);
    }
}

/// Closed and bound again, and again, with a look or more at each; what came after is watched,
/// too.
fn assert_rebinds(steps: &str, lost: Option<Loss>, ask: fn(&str) -> i64) {
    let run = server("--idle 1s", steps);
    let mut run = lost.into_iter().fold(run, Running::losing);
    let address = run.address(1);
    let mut last_ms = 0;
    for times in 1..=6 {
        last_ms = ask(&address);
        run.await_entries(times, "rebound");
        let_pass_since(last_ms, BEAT);
    }
    assert_undisturbed(&run);
    assert_goes_idle(&mut run, last_ms, 1000);
    assert_eq!(run.entries("error").len(), 0);
}

fn ask_stream(address: &str) -> i64 {
    let mut client = Client::connect(address).unwrap();
    let before_ms = client.exchange("hello").1;
    client.receive_end();
    before_ms
}

#[test]
fn a_tcp_port_can_be_bound_again() {
    assert_rebinds("rebind:127.0.0.1:0", None, ask_stream);
}

#[test]
fn a_tcp_port_can_be_bound_again_over_ipv6() {
    assert_rebinds("rebind:[::1]:0", None, ask_stream);
}

#[test]
fn a_unix_path_can_be_bound_again() {
    assert_rebinds("rebind:./socket", Some(UNIX_IDLENESS), ask_stream);
}

#[test]
fn a_udp_port_can_be_bound_again() {
    assert_rebinds("rebind-udp:0", Some(UDP_IDLENESS), ask_twice);
}

/// A datagram socket that is closed with its only datagram is gone before anybody could look at
/// it; this one lives on for half a beat.
fn ask_twice(address: &str) -> i64 {
    let first_ms = ask_udp(address).unwrap();
    let_pass_since(first_ms, BEAT / 2);
    ask_udp(address).unwrap()
}

/// Whoever closes last waits: that is COMMAND, as it wanted, and not `recycle`.
#[test]
fn a_socket_that_lingers_is_command_s_to_wait_for() {
    let mut run = server("--idle 2s", "bg:linger-close:127.0.0.1:7001 serve-short:127.0.0.1:7002");
    run.await_entries(2, "listening");
    let noisy = "127.0.0.1:7002";
    let mut client = Client::connect("127.0.0.1:7001").unwrap();
    make_noise(noisy, Duration::from_millis(1000));
    // What it sends then is never read.
    client.send("bye");
    make_noise(noisy, Duration::from_millis(3200));
    assert!(run.await_entry(1, "lingered").number() >= 2900);
    assert_undisturbed(&run);
}

/// The negative control of the same: so it is without anybody who watches.
#[test]
fn a_socket_lingers_without_idle_as_well() {
    let mut run = server("", "linger-close:0");
    let mut client = run.connect(1);
    client.send("bye");
    assert!(run.await_entry(1, "lingered").number() >= 2900);
}
