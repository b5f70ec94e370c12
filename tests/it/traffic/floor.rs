//! `--idle-floor`: so little still counts as quiet.

use super::{BEAT, Door, assert_awake_while, assert_idle_in_spite_of, world};
use crate::harness::{Client, UNIX_IDLENESS, let_pass, let_pass_since, now_ms};
use crate::idle::{assert_goes_idle, server};
use std::time::Duration;

/// With its answer and the ends of line, 16 bytes: 48 at most in a window of 1 s.
const SMALL: &str = "1234567";
const FLOOR: &str = "--idle 1s --idle-floor 64B";

fn large() -> String {
    "x".repeat(1023)
}

/// Armed by more than the floor; then beats, as long as it lets us.
#[test]
fn beats_below_the_floor_are_quiet() {
    let mut run = server(FLOOR, "listen:0");
    let mut client = run.connect(1);
    let (_, armed_ms) = client.exchange(&large());
    run.wait_for("a recycle in spite of the beats", |run| {
        let_pass(Duration::from_millis(400));
        let left = client.try_exchange(SMALL).is_err();
        (left || run.generations() > 1).then_some(())
    });
    assert_goes_idle(&mut run, armed_ms, 1000);
}

/// The control.
#[test]
fn without_a_floor_the_same_beats_keep_it_awake() {
    let mut run = server("--idle 1s", "listen:0");
    let mut client = run.connect(1);
    let mut last_ms = client.exchange(&large()).1;
    for _ in 0..8 {
        let_pass_since(last_ms, Duration::from_millis(400));
        last_ms = client.exchange(SMALL).1;
    }
    assert_eq!(run.entries("got TERM").len(), 0, "recycled while it beat");
    assert_goes_idle(&mut run, last_ms, 1000);
}

/// Another control: a floor that is lower than they are.
#[test]
fn beats_above_the_floor_keep_it_awake() {
    let mut run = server("--idle 1s --idle-floor 8B", "listen:0");
    let mut client = run.connect(1);
    assert_awake_while(&mut run, |_| client.exchange(SMALL).1);
}

#[test]
fn a_message_above_the_floor_keeps_it_awake() {
    let mut run = server(FLOOR, "listen:0");
    let mut client = run.connect(1);
    assert_awake_while(&mut run, |_| client.exchange(&large()).1);
}

/// As a broker's heartbeats are: COMMAND sends them, the client has nothing to say.
#[test]
fn beats_that_are_only_sent_are_quiet() {
    let mut run = server(FLOOR, "beat:8/400ms");
    let mut client = run.connect(1);
    let armed_ms = now_ms();
    client.send(&large());
    assert_goes_idle(&mut run, armed_ms, 1000);
    client.receive_end();
}

#[test]
fn without_a_floor_beats_that_are_only_sent_are_not_quiet() {
    let mut run = server("--idle 1s", "beat:8/400ms");
    let mut client = run.connect(1);
    client.send("hello");
    client.receive(8 * 9);
    assert_eq!(run.entries("got TERM").len(), 0, "recycled while it beat");
}

/// A health probe every now and then: a connection of its own, and a few bytes.
#[test]
fn births_count_nothing_where_there_is_a_floor() {
    let mut run = world("--idle 1s --idle-floor 64B").losing(UNIX_IDLENESS);
    let mut client = Client::connect(&Door::Tcp.address(&run)).unwrap();
    let (_, armed_ms) = client.exchange(&large());
    assert_idle_in_spite_of(&mut run, armed_ms, |run| {
        let _ = Door::OtherTcp.knock(run);
    });
}

/// They do not arm it, either: it never had what counts as traffic.
#[test]
fn what_is_below_the_floor_does_not_arm() {
    let mut run = server("--idle 500ms --idle-floor 64B", "listen:0");
    let mut client = run.connect(1);
    for _ in 0..3 {
        client.exchange(SMALL);
        let_pass(BEAT);
    }
    let_pass(Duration::from_secs(1));
    assert_eq!(run.entries("got TERM").len(), 0, "armed by a heartbeat");
}

/// Small, but many: together they are more than the floor.
#[test]
fn small_messages_add_up_over_the_window() {
    let mut run = server(FLOOR, "listen:0");
    let mut client = run.connect(1);
    let began_ms = now_ms();
    let mut times_ms = Vec::new();
    while now_ms() < began_ms + 3500 {
        times_ms.push(client.exchange(SMALL).1);
        let_pass(Duration::from_millis(50));
    }
    assert_eq!(run.entries("got TERM").len(), 0, "recycled while it was spoken to");
    // The last four are as much as the floor: with the one before them it is more.
    assert_goes_idle(&mut run, times_ms[times_ms.len() - 5], 1000);
}

/// The sum counts, whoever it comes from.
#[test]
fn a_floor_is_for_all_connections_together() {
    let mut run = server(FLOOR, "listen:0");
    let mut clients: Vec<_> = (0..20).map(|_| run.connect(1)).collect();
    assert_awake_while(&mut run, |_| {
        let before_ms = now_ms();
        for client in &mut clients {
            client.exchange(SMALL);
        }
        before_ms
    });
}

/// The end of a connection is no payload, though the kernel counts it as a byte or two.
#[test]
fn a_client_that_leaves_does_not_arm() {
    let mut run = server("--idle 500ms --idle-floor 1B", "listen:0");
    let client = run.connect(1);
    drop(client);
    let_pass(Duration::from_millis(1500));
    assert_eq!(run.entries("got TERM").len(), 0);
    let (_, last_ms) = run.connect(1).exchange("hello");
    assert_goes_idle(&mut run, last_ms, 500);
}

/// What keeps it awake is said, and not that it cannot go idle.
#[test]
fn a_generation_that_more_than_the_floor_has_armed_is_awake() {
    let mut run = server("--idle 500ms --idle-floor 64B -v", "listen:0");
    let mut client = run.connect(1);
    for _ in 0..15 {
        client.exchange(&large());
        let_pass(Duration::from_millis(400));
    }
    let stderr = run.stderr();
    assert!(stderr.contains("(awake: TCP "), "{stderr}");
    assert!(!stderr.contains("cannot go idle"), "{stderr}");
}
