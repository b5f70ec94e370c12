//! Connections that come and go between two looks.

use super::{BEAT, assert_awake_while, assert_no_more, server_at, was_told};
use crate::harness::{Client, Run, Running, let_pass, let_pass_since, now_ms, tool};
use crate::idle::{assert_goes_idle, server};
use std::io;
use std::time::Duration;

/// A line there and back, on a connection that is over then. Returns a time before that.
fn ask(address: &str) -> io::Result<i64> {
    let mut client = Client::connect(address)?;
    let before_ms = client.try_exchange("hello")?;
    client.receive_end();
    Ok(before_ms)
}

/// Several windows long, a connection about every 10 ms; then silence.
fn short_connections_keep_it_awake(at: &str) {
    let mut run = server_at(at, "serve-short");
    let address = run.address(1);
    let began_ms = now_ms();
    let mut last_ms = began_ms;
    while now_ms() < began_ms + 3500 {
        let asked = ask(&address);
        if was_told(&run) {
            // On a machine so slow that a window has passed between two connections.
            break;
        }
        last_ms = asked.unwrap();
        let_pass(Duration::from_millis(10));
    }
    assert_goes_idle(&mut run, last_ms, 1000);
    assert_no_more(&mut run);
}

#[test]
fn short_connections_keep_it_awake_over_ipv4() {
    short_connections_keep_it_awake("127.0.0.1:0");
}

#[test]
fn short_connections_keep_it_awake_over_ipv6() {
    short_connections_keep_it_awake("[::1]:0");
}

#[test]
fn short_connections_keep_it_awake_over_a_unix_socket() {
    short_connections_keep_it_awake("./socket");
}

/// Each is over in no time: no look can find it alive.
pub(super) fn one_short_connection_per_window_keeps_it_awake(mut run: Running) {
    let address = run.address(1);
    assert_awake_while(&mut run, |_| ask(&address).unwrap());
    assert_no_more(&mut run);
}

#[test]
fn one_short_connection_per_window_keeps_it_awake_over_ipv4() {
    one_short_connection_per_window_keeps_it_awake(server_at("127.0.0.1:0", "serve-short"));
}

#[test]
fn one_short_connection_per_window_keeps_it_awake_over_ipv6() {
    one_short_connection_per_window_keeps_it_awake(server_at("[::1]:0", "serve-short"));
}

#[test]
fn one_short_connection_per_window_keeps_it_awake_over_a_unix_socket() {
    one_short_connection_per_window_keeps_it_awake(server_at("./socket", "serve-short"));
}

/// Nobody else was ever there, and it was over before anybody could have looked.
#[test]
fn a_single_short_connection_arms() {
    for at in ["127.0.0.1:0", "[::1]:0"] {
        let mut run = server("--idle 1s", &format!("serve-short:{at}"));
        let (_, last_ms) = run.connect(1).exchange("hello");
        assert_goes_idle(&mut run, last_ms, 1000);
    }
}

/// ... nor did `recycle` run: it is held up where it has just forked.
#[test]
fn a_single_short_connection_before_recycle_runs_again_arms() {
    let strace = tool("strace").into_os_string().into_string().unwrap();
    let held_up = ["-o", "/dev/null", "-e", "trace=setpgid"].into_iter();
    let held_up = held_up.chain(["-e", "inject=setpgid:delay_enter=1000000"]);
    let run = Run::new("--idle 1s").through([strace.as_str()].into_iter().chain(held_up));
    let mut run = run.fixture("trap:TERM:exit=0 serve-short:0").spawn();
    let (_, last_ms) = run.connect(1).exchange("hello");
    assert_goes_idle(&mut run, last_ms, 1000);
}

/// Over a Unix socket that has been seen before.
#[test]
fn a_single_short_connection_over_a_unix_socket_arms() {
    let mut run = server_at("./socket", "serve-short");
    let address = run.address(1);
    let_pass(Duration::from_secs(1));
    let (_, last_ms) = Client::connect(&address).unwrap().exchange("hello");
    assert_goes_idle(&mut run, last_ms, 1000);
}

/// The negative control: the same connections, longer silence.
#[test]
fn without_idle_short_connections_mean_nothing() {
    let mut run = server("", "serve-short:./socket");
    let address = run.address(1);
    for _ in 0..3 {
        Client::connect(&address).unwrap().exchange("hello");
        let_pass(BEAT);
    }
    let_pass(Duration::from_secs(2));
    assert_eq!((run.generations(), run.stderr()), (1, String::new()));
}

/// They come from the kernel's queue when COMMAND has time for them; that they wait there counts.
#[test]
fn connections_that_wait_to_be_accepted_keep_it_awake() {
    for at in ["127.0.0.1:0", "./socket"] {
        // One client at a time, and the first one stays.
        let mut run = server("--idle 1s", &format!("rebind:{at}"));
        let mut first = run.connect(1);
        let address = run.address(1);
        run.await_entry(1, "listening");
        let mut waiting = Vec::new();
        for _ in 0..4 {
            let before_ms = now_ms();
            waiting.push(Client::connect(&address).unwrap());
            let_pass_since(before_ms, BEAT);
        }
        assert_eq!(run.entries("got TERM").len(), 0, "recycled with clients at the door");
        first.exchange("hello");
    }
}
