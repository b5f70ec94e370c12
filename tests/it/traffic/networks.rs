//! COMMAND in a network namespace that is not ours: `ip netns exec`, `unshare -n`, bubblewrap.

use super::{assert_awake_while, assert_idle_in_spite_of};
use crate::harness::{
    Client, IDLENESS_WITHOUT_SOCK_DIAG, Run, Running, answer_lines, fixture_path, in_network_of,
    let_pass, now_ms, to_another_user, with_programs,
};
use crate::idle::assert_goes_idle;
use std::net::TcpListener;
use std::time::Duration;

const RAISE: &str = "ip link set lo up; exec \"$@\"";

/// Each generation has a network of its own, with loopback alone.
fn apart(options: &str, steps: &str) -> Running {
    let fixture = fixture_path().to_str().unwrap();
    let words = ["unshare", "--net", "sh", "-c", RAISE, "sh", fixture, "trap:TERM:exit=0"];
    let words = words.into_iter().chain(steps.split(' '));
    Run::new(options).command(words).spawn()
}

/// The same as a user without rights, as bubblewrap does it.
fn apart_as_another_user(options: &str, steps: &str) -> Running {
    let words = format!("{} ./recycle {options}", to_another_user());
    let command = ["unshare", "--map-root-user", "--net", "sh", "-c", RAISE, "sh", "./fixture"];
    let steps = ["trap:TERM:exit=0"].into_iter().chain(steps.split(' '));
    let run = with_programs(Run::bare()).through(words.split_whitespace());
    run.command(command.into_iter().chain(steps)).spawn()
}

/// A short connection there: a line, and a line back.
fn knock(pid: i32, address: &str) -> i64 {
    in_network_of(pid, || {
        let mut client = Client::connect(address).unwrap();
        let before_ms = client.try_exchange("hello").unwrap();
        client.receive_end();
        before_ms
    })
}

/// A server that has been up for a second, and its process.
fn up(run: &mut Running) -> (i32, String) {
    let address = run.address(1);
    let pid = run.await_entry(1, "listening").pid;
    let_pass(Duration::from_secs(1));
    (pid, address)
}

#[test]
fn short_connections_in_another_network_keep_it_awake() {
    for at in ["127.0.0.1:0", "[::1]:0"] {
        let mut run = apart("--idle 1s", &format!("serve-short:{at}"));
        let (pid, address) = up(&mut run);
        assert_awake_while(&mut run, |_| knock(pid, &address));
        assert_eq!(run.stderr().matches("cannot see").count(), 0, "{}", run.stderr());
    }
}

/// Connections that last from one look to the next, and then are gone.
#[test]
fn connections_in_another_network_that_end_are_asked_for_in_vain() {
    let mut run = apart("--idle 1s", "listen:127.0.0.1:0");
    let (pid, address) = up(&mut run);
    let mut before = None;
    assert_awake_while(&mut run, |_| {
        let mut client = in_network_of(pid, || Client::connect(&address).unwrap());
        let (_, before_ms) = client.exchange("hello");
        before = Some(client);
        before_ms
    });
    assert_eq!(run.stderr().matches("cannot see").count(), 0, "{}", run.stderr());
}

#[test]
fn payload_in_another_network_is_measured() {
    let mut run = apart("--idle 1s --idle-floor 64B", "listen:127.0.0.1:0");
    let (pid, address) = up(&mut run);
    let mut client = in_network_of(pid, || Client::connect(&address).unwrap());
    assert_awake_while(&mut run, |_| client.exchange(&"x".repeat(1023)).1);
}

/// The control: less than the floor is quiet there, too.
#[test]
fn beats_below_the_floor_in_another_network_are_quiet() {
    let mut run = apart("--idle 1s --idle-floor 64B", "listen:127.0.0.1:0");
    let (pid, address) = up(&mut run);
    let mut client = in_network_of(pid, || Client::connect(&address).unwrap());
    let (_, armed_ms) = client.exchange(&"x".repeat(1023));
    assert_idle_in_spite_of(&mut run, armed_ms, |_| {
        let _ = client.try_exchange("1234567");
    });
}

#[test]
fn a_short_connection_in_another_network_arms() {
    let mut run = apart("--idle 1s", "serve-short:127.0.0.1:0");
    let (pid, address) = up(&mut run);
    let last_ms = knock(pid, &address);
    assert_goes_idle(&mut run, last_ms, 1000);
}

/// Without the right to ask there, its counters stand in, and that is said.
#[test]
fn counters_of_another_network_stand_in() {
    let run = apart_as_another_user("--idle 1s", "serve-short:127.0.0.1:0");
    let mut run = run.losing(IDLENESS_WITHOUT_SOCK_DIAG);
    let (pid, address) = up(&mut run);
    assert_awake_while(&mut run, |_| knock(pid, &address));
    let said = "cannot see TCP connections in another network namespace one by one";
    assert_eq!(run.stderr().matches(said).count(), 1, "{}", run.stderr());
}

/// COMMAND is the client, and its server is not of the tree.
#[test]
fn short_outgoing_connections_in_another_network_keep_it_awake() {
    let steps = "wait-file:go bg:short-connects:400ms@127.0.0.1:7001 listen:127.0.0.1:0";
    let mut run = apart("--idle 1s", steps);
    let pid = run.await_entry(1, "wait-file").pid;
    in_network_of(pid, || answer_lines(TcpListener::bind("127.0.0.1:7001").unwrap()));
    run.touch("go");
    let address = run.address(1);
    let mut client = in_network_of(pid, || Client::connect(&address).unwrap());
    client.exchange("arm");
    let_pass(Duration::from_millis(3500));
    assert!(run.entries("answered").len() > 4);
    assert_eq!(run.entries("got TERM").len(), 0, "recycled while it asked");
}

/// A negative control: what its neighbours there have is not its traffic.
#[test]
fn connections_of_others_in_another_network_arm_nothing() {
    let mut run = apart("--idle 500ms --settle 0s", "ready forever");
    let pid = run.await_entry(1, "ready").pid;
    let address = in_network_of(pid, || answer_lines(TcpListener::bind("127.0.0.1:0").unwrap()));
    for _ in 0..10 {
        in_network_of(pid, || Client::connect(&address).unwrap().exchange("hello"));
        let_pass(Duration::from_millis(200));
    }
    let_pass(Duration::from_secs(1));
    assert_eq!(run.entries("got TERM").len(), 0, "armed by connections of others");
}

/// Another one: an established connection that is silent.
#[test]
fn a_silent_client_in_another_network_is_let_go() {
    let mut run = apart("--idle 1s", "listen:127.0.0.1:0");
    let (pid, address) = up(&mut run);
    let before_ms = now_ms();
    let mut client = in_network_of(pid, || Client::connect(&address).unwrap());
    assert_goes_idle(&mut run, before_ms, 1000);
    client.receive_end();
}
