//! `--idle-floor auto`: heartbeats are learned, real traffic is not. `--idle-floor SIZE/conn`.

use super::{BEAT, assert_awake_while};
use crate::harness::{Client, Run, Running, let_pass, now_ms};
use crate::idle::assert_goes_idle;
use std::time::Duration;

/// With its answer and the ends of line, 16 bytes: 48 at most in a window of 1 s.
const SMALL: &str = "1234567";

fn server(options: &str, steps: &str) -> Running {
    // What is learned takes five windows without a stall of a quarter of one.
    let run = Run::new(options);
    run.fixture(&format!("trap:TERM:exit=0 {steps}")).spawn()
}

fn backgrounds(run: &Running) -> Vec<String> {
    let stderr = run.stderr();
    let lines =
        stderr.lines().filter_map(|line| line.strip_prefix("recycle: background traffic: "));
    lines.map(str::to_owned).collect()
}

/// Two numbers out of `48B in 1s; more than 96B is traffic`.
fn learned(line: &str) -> (u64, u64) {
    let (bytes, rest) = line.split_once("B in 1s; more than ").unwrap();
    let floor = rest.strip_suffix("B is traffic").unwrap();
    (bytes.parse().unwrap(), floor.parse().unwrap())
}

#[test]
fn beats_are_learned_and_what_is_learned_is_kept() {
    let mut run = server("--idle 1s --idle-floor auto", "beat:8/100ms@127.0.0.1:7001");
    let mut client = run.connect(1);
    let armed_ms = now_ms();
    client.send(&"x".repeat(2_000));
    assert_goes_idle(&mut run, armed_ms, 5_000);
    let lines = backgrounds(&run);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let (bytes, floor) = learned(line);
    assert!((40..=120).contains(&bytes) && floor == 2 * bytes, "{line}");

    // The next one knows.
    let mut client = run.connect(2);
    let armed_ms = now_ms();
    client.send(&"x".repeat(2_000));
    let told = run.await_entry(2, "got TERM");
    assert!(told.t_ms >= armed_ms + 1_000);
    assert_eq!(backgrounds(&run).len(), 1, "it is said once");
}

/// The control: messages that come once in a while, at a pace as even as that of beats.
#[test]
fn messages_are_not_learned() {
    let mut run = server("--idle 1s --idle-floor auto", "listen:0");
    let mut client = run.connect(1);
    let mut last_ms = 0;
    for _ in 0..14 {
        last_ms = client.exchange(SMALL).1;
        let_pass(BEAT);
    }
    assert_eq!(run.entries("got TERM").len(), 0, "recycled while there was traffic");
    assert!(backgrounds(&run).is_empty(), "{:?}", backgrounds(&run));
    assert_goes_idle(&mut run, last_ms, 1_000);
}

/// One is larger than a beat, and far smaller than all the beats of a window.
#[test]
fn messages_among_learned_beats_keep_it_awake() {
    let steps = "bg:beat:8/50ms@127.0.0.1:7001 listen:127.0.0.1:7002";
    let mut run = server("--idle 1s --idle-floor auto", steps);
    run.await_entries(2, "listening");
    let mut beats = Client::connect("127.0.0.1:7001").unwrap();
    beats.send("x");
    let mut client = Client::connect("127.0.0.1:7002").unwrap();
    run.await_stderr("background traffic: ");
    let (_, floor) = learned(&backgrounds(&run)[0]);
    let message = "x".repeat(60);
    assert!(floor > 2 * 61 + 150, "with its answer and the beats it is below the floor");
    for _ in 0..6 {
        client.exchange(&message);
        let_pass(BEAT);
    }
    assert_eq!(run.entries("got TERM").len(), 0, "recycled while there was traffic");
    let last_ms = client.exchange(&message).1;
    assert_goes_idle(&mut run, last_ms, 1_000);
}

fn clients(run: &mut Running, count: usize) -> Vec<Client> {
    (0..count).map(|_| run.connect(1)).collect()
}

/// `a_floor_is_for_all_connections_together` is the control.
#[test]
fn a_floor_for_each_connection_lets_many_clients_ping() {
    let mut run = server("--idle 1s --idle-floor 64B/conn", "listen:0");
    let mut clients = clients(&mut run, 20);
    let (_, armed_ms) = clients[0].exchange(&"x".repeat(2_000));
    run.wait_for("a recycle in spite of the pings", |run| {
        let_pass(Duration::from_millis(400));
        let left = clients.iter_mut().any(|client| client.try_exchange(SMALL).is_err());
        (left || run.generations() > 1).then_some(())
    });
    assert_goes_idle(&mut run, armed_ms, 1_000);
}

/// What the others leave of the floor is not for one of them.
#[test]
fn a_message_on_one_of_many_connections_keeps_it_awake() {
    let mut run = server("--idle 1s --idle-floor 64B/conn", "listen:0");
    let mut clients = clients(&mut run, 20);
    let message = "x".repeat(100);
    assert_awake_while(&mut run, |_| clients[7].exchange(&message).1);
}
