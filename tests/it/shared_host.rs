//! `--idle` on a host with other programs in the same network: five strangers run for the whole
//! test, beside real servers under `recycle`. Each server is sent real requests, and then nothing.
//! A server that sleeps is recycled. A server that wakes up by itself is recycled, or the message
//! names the option that helps, and with that option it is recycled.

mod never;
mod sleepers;
mod strangers;
pub(crate) mod tickers;

use crate::harness::{Run, Running, let_pass_since, now_ms, tool};
use std::fs;
use std::time::Duration;

/// The window of `--idle`.
const IDLE: &str = "--idle 2s";
const IDLE_MS: i64 = 2000;
/// Between two requests: a slow machine has more than half a window left.
const PAUSE: Duration = Duration::from_millis(600);
const REQUESTS: usize = 5;

/// What the message must name.
const INBOUND: &str = "--traffic inbound";

/// A script of this interpreter, with a port as its argument.
fn script(options: &str, interpreter: &str, script: &str, port: u16) -> Running {
    let run = Run::new(options);
    fs::write(run.dir().join("script"), script).unwrap();
    let command = [tool(interpreter).display().to_string(), "script".into(), port.to_string()];
    run.command(command).spawn()
}

/// Sends requests for longer than a window. `ask` returns `None` if nothing answers yet. Returns a
/// time before the last request.
fn send_requests(run: &mut Running, mut ask: impl FnMut(&mut Running) -> Option<()>) -> i64 {
    run.wait_for("the first answer", &mut ask);
    let mut last_ms = 0;
    for _ in 0..REQUESTS {
        last_ms = now_ms();
        ask(run).expect("no answer");
        let_pass_since(last_ms, PAUSE);
    }
    assert_eq!(run.recycles(), [""; 0], "recycled between two requests");
    last_ms
}

/// Waits for the first recycle after the last request. It must not come before the window is
/// over. How late it was is printed, not asserted; the line that tells comes when COMMAND is gone.
fn await_recycle(about: &str, run: &mut Running, last_ms: i64, idle_ms: i64) {
    if run.is_never_idle() {
        return;
    }
    let line = run.wait_for("the recycle", |run| run.recycles().first().cloned());
    let late_ms = now_ms() - last_ms - idle_ms;
    assert!(late_ms >= 0, "recycled {} ms before the window was over", -late_ms);
    assert!(line.contains(" recycled: idle"), "{line}");
    print_figure(&format!("{about}: told {late_ms} ms after the window was over: {line}"));
}

#[expect(clippy::disallowed_macros, reason = "a figure that nothing asserts")]
fn print_figure(line: &str) {
    println!("{line}");
}

/// Requests, silence, a recycle, and it serves again.
fn assert_goes_idle(
    about: &str,
    run: &mut Running,
    mut ask: impl FnMut(&mut Running) -> Option<()>,
) {
    let last_ms = send_requests(run, &mut ask);
    await_recycle(about, run, last_ms, IDLE_MS);
    run.wait_for("the next generation to serve", ask);
}
