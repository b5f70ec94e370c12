//! `--idle-floor auto` with real brokers: heartbeats, polls and pings that never end are learned,
//! and are no traffic from then on; messages are. Each test waits until the background traffic was
//! learned, sends messages for longer than a window, and then none.

mod celery;
mod rabbitmq;
mod websocket;

use crate::harness::{Run, Running, let_pass_since, now_ms, pypi, tool};
use std::fs;
use std::time::Duration;

/// From one message to the next.
const PAUSE: Duration = Duration::from_millis(250);
/// What is logged then.
const LEARNED: &str = "background traffic";

/// A Python program of a few lines, with these arguments.
fn python(run: Run, script: &str, arguments: &[&str]) -> Run {
    fs::write(run.dir().join("script.py"), script).unwrap();
    let python = tool("python3").display().to_string();
    let words = [python.as_str(), "script.py"].into_iter().chain(arguments.iter().copied());
    run.env("PYTHONPATH", pypi()).command(words)
}

/// Sends a message for each line of its input, and prints a line for each that COMMAND handled.
/// Each message is more than the floor that is learned.
struct Client(Running);

impl Client {
    fn start(script: &str, arguments: &[&str]) -> Self {
        let mut client = python(Run::bare(), script, arguments).stdin_pipe().spawn();
        client.await_stdout("ready\n");
        Self(client)
    }

    /// Returns a time before the message was sent.
    fn exchange(&mut self, number: usize) -> i64 {
        let before_ms = now_ms();
        self.0.send(&format!("{number}\n"));
        self.0.await_stdout(&format!("handled {number}\n"));
        before_ms
    }

    /// Messages with numbers, for as long as that. Returns a time before the last one.
    fn exchange_many(&mut self, numbers: std::ops::Range<usize>) -> i64 {
        numbers.fold(0, |_, number| {
            let before_ms = self.exchange(number);
            let_pass_since(before_ms, PAUSE);
            before_ms
        })
    }
}

impl Running {
    fn await_stdout(&mut self, text: &str) {
        self.wait_for(&format!("{text:?} on stdout"), |run| {
            run.stdout().contains(text).then_some(())
        });
    }
}

/// A window of so many seconds: each half of it has all that beats, about as often as the others.
fn options(seconds: u64) -> String {
    format!("--idle {seconds}s --idle-floor auto")
}

/// COMMAND may have been recycled already when the background was learned, and the first messages
/// may meet it while it stops: only what comes after a window of messages is asserted.
fn assert_idle_without_messages(run: &mut Running, client: &mut Client, seconds: u64) {
    let window = Duration::from_secs(seconds);
    let count = usize::try_from(window.as_millis() / PAUSE.as_millis()).unwrap();
    run.await_stderr(LEARNED);
    client.exchange_many(0..count);
    let before = run.recycles().len();
    let last_ms = client.exchange_many(count..count * 5 / 2);
    assert_eq!(run.recycles().len(), before, "recycled while messages came");
    let line = run.wait_for("the recycle", |run| run.recycles().get(before).cloned());
    let late_ms = now_ms() - last_ms - i64::try_from(window.as_millis()).unwrap();
    assert!(late_ms >= 0, "recycled {} ms before the window was over", -late_ms);
    assert!(line.contains(" recycled: idle"), "{line}");
    // The next generation handles messages, too.
    client.exchange(count * 3);
}
