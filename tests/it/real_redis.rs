//! Redis: what is pushed to subscribers who say nothing keeps it awake; a fork that saves its data
//! shares its memory, and nothing is killed for that.

use crate::harness::Running;
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
    let mut run = run.command(command).spawn();

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

/// 20,000 keys of 10 kB; a save takes a second.
fn filled_redis(options: &str) -> (Running, Client, String) {
    let redis = tool("redis-server").display().to_string();
    let port = free_port().to_string();
    let command = [&redis, "--port", &port, "--bind", "127.0.0.1", "--daemonize", "no"];
    let command = command.into_iter().chain(["--save", "3600 1", "--rdb-key-save-delay", "50"]);
    let mut run = Run::new(options).command(command).spawn();
    let address = format!("127.0.0.1:{port}");
    let mut client = run.wait_for("Redis to listen", |_| Client::connect(&address).ok());
    let fill = "EVAL \"for i=1,20000 do redis.call('SET',i,string.rep(i%10,10000)) end\" 0";
    assert_eq!(ask(&mut client, fill, 1), ["$-1"]);
    (run, client, address)
}

/// For a second RSS is twice 210 MiB, and PSS stays.
#[test]
fn redis_that_saves_in_the_background_is_not_killed_for_its_fork() {
    let (mut run, mut client, _) = filled_redis("-v --kill-rss 300M");
    assert_eq!(ask(&mut client, "BGSAVE", 1), ["+Background saving started"]);
    run.wait_for("the end of saving", |_| {
        client.send("INFO persistence");
        let length = client.receive_line()[1..].parse().unwrap();
        let mut text = String::new();
        while text.len() < length {
            text += &client.receive_line();
            text += "\r\n";
        }
        client.receive_line();
        text.contains("rdb_bgsave_in_progress:0").then_some(())
    });
    // It was over the limit for recycle, too.
    assert!(run.stderr().contains("(pss "), "{}", run.stderr());
    assert_eq!(run.recycles(), [""; 0]);
    assert_eq!(ask(&mut client, "DBSIZE", 1), [":20000"]);
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(0));
}

/// `--max-rss` counts shared pages in each process: that is a graceful stop, which keeps the data.
#[test]
fn redis_that_saves_in_the_background_keeps_its_keys_under_both_limits() {
    let (mut run, mut client, address) = filled_redis("--max-rss 320M --kill-rss 400M");
    assert_eq!(ask(&mut client, "BGSAVE", 1), ["+Background saving started"]);
    let line = run.wait_for("the recycle", |run| run.recycles().first().cloned());
    assert!(line.contains("(SIGTERM") && line.contains("--max-pss"), "{line}");
    let keys = run.wait_for("the next generation", |_| {
        let mut client = Client::connect(&address).ok()?;
        let size = ask(&mut client, "DBSIZE", 1).remove(0);
        (!size.starts_with('-')).then_some(size)
    });
    assert_eq!(keys, ":20000");
}

/// Its server goes on, and nobody watches it: that is said, unless nothing was to be watched.
#[test]
fn redis_that_makes_a_daemon_of_itself_is_reported() {
    let told = "recycle: COMMAND ended and left 1 process behind (redis-server), no longer \
                watched: run it in the foreground\n";
    for (options, told) in [("--max-rss 1G", told), ("--restart on-failure", "")] {
        let redis = tool("redis-server").display().to_string();
        let port = free_port().to_string();
        let command = [&redis, "--port", &port, "--bind", "127.0.0.1", "--daemonize", "yes"];
        let (end, mut run) = Run::new(options).command(command).finish();
        let address = format!("127.0.0.1:{port}");
        let mut client = run.wait_for("the daemon", |_| Client::connect(&address).ok());
        client.send("SHUTDOWN NOSAVE");
        client.receive_end();
        assert_eq!((end, run.stderr().as_str()), (End::Code(0), told), "{options}");
    }
}
