//! Redis: what is pushed to subscribers who say nothing keeps it awake.

use crate::harness::{Client, End, Run, free_port, let_pass, now_ms, tool};
use std::time::Duration;

/// One line there, and so many back.
fn ask(client: &mut Client, command: &str, lines: usize) -> Vec<String> {
    client.send(command);
    (0..lines).map(|_| client.receive_line()).collect()
}

/// The publisher comes by the Unix socket, which does not count here: only what Redis sends to the
/// subscriber does, over TCP.
#[test]
fn redis_that_pushes_to_a_silent_subscriber_stays_awake() {
    let redis = tool("redis-server").display().to_string();
    let port = free_port().to_string();
    let run = Run::new("--idle 2s --traffic tcp");
    let socket = run.dir().join("redis").display().to_string();
    let command = [&redis, "--port", &port, "--bind", "127.0.0.1", "--unixsocket", &socket];
    let command = command.into_iter().chain(["--save", "", "--daemonize", "no"]);
    let mut run = run.command(command).ceiling(Duration::from_secs(60)).spawn();

    let address = format!("127.0.0.1:{port}");
    let mut subscriber = run.wait_for("Redis to listen", |_| Client::connect(&address).ok());
    let mut publisher = run.wait_for("its Unix socket", |_| Client::connect(&socket).ok());
    // An array of three: the word, the channel, how many subscriptions there are.
    assert_eq!(ask(&mut subscriber, "SUBSCRIBE news", 6)[2], "subscribe");
    let mut last_ms = 0;
    for _ in 0..6 {
        last_ms = now_ms();
        assert_eq!(ask(&mut publisher, "PUBLISH news hello", 1), [":1"]);
        let message: Vec<_> = (0..7).map(|_| subscriber.receive_line()).collect();
        assert_eq!((message[2].as_str(), message[6].as_str()), ("message", "hello"));
        let_pass(Duration::from_millis(1200));
    }
    assert_eq!(run.recycles(), [""; 0], "recycled between messages");

    let line = run.wait_for("the recycle", |run| run.recycles().first().cloned());
    assert!(now_ms() >= last_ms + 2000);
    assert!(line.contains(" recycled: idle"), "{line}");
    subscriber.receive_end();
    let mut client = run.wait_for("Redis to listen again", |_| Client::connect(&address).ok());
    assert_eq!(ask(&mut client, "PING", 1), ["+PONG"]);
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(0));
}
