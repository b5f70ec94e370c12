//! A client that asks all the time, and notes each refusal that no stop explains.

use crate::harness::{http, let_pass, now_ms};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// What a client knows.
#[derive(Debug, Default)]
pub(super) struct Load {
    over: bool,
    /// The newest generation that answered, and its release.
    pub(super) newest: (u32, String),
    /// It was started after that.
    pub(super) born_after_ms: i64,
    pub(super) answers: u32,
    pub(super) refused: u32,
    /// What must not be.
    pub(super) wrong: Vec<String>,
}

fn parse(answer: &str) -> Option<(u32, String)> {
    let (generation, release) = answer.split_once(' ')?;
    Some((generation.parse().ok()?, release.to_owned()))
}

/// The last generation whose stop was reported.
pub(super) fn last_stopped(log: &str) -> u32 {
    let mut stops =
        log.lines().filter_map(|line| line.split_once(r#""event":"recycling","generation":"#));
    let last = stops.next_back().map_or("0", |(_, rest)| rest.split(',').next().unwrap());
    last.parse().unwrap()
}

/// Asks all the time. A stop is reported before it begins, so one refusal without such a line means
/// that the server was away for something else. No clock is compared.
pub(super) fn ask(port: u16, log: &Path, load: &Mutex<Load>) {
    let mut before_ms = now_ms();
    loop {
        let last_ms = std::mem::replace(&mut before_ms, now_ms());
        let answer = http(port, "GET /", b"").ok().and_then(|(_, body)| parse(&body));
        let log = fs::read_to_string(log).unwrap_or_default();
        let mut load = load.lock().unwrap();
        if let Some((generation, release)) = answer {
            if generation < load.newest.0 {
                let wrong = format!("{generation} answered after {}", load.newest.0);
                load.wrong.push(wrong);
            }
            if generation > load.newest.0 {
                load.born_after_ms = last_ms;
            }
            load.newest = (generation, release);
            load.answers += 1;
        } else {
            let newest = load.newest.0;
            load.refused += 1;
            if last_stopped(&log) < newest {
                load.wrong.push(format!("{newest} did not answer, and nobody had stopped it"));
            }
        }
        if load.over {
            return;
        }
        drop(load);
        let_pass(Duration::from_millis(10));
    }
}

/// Ends the load however a lane ends.
pub(super) struct Over<'a>(pub(super) &'a Mutex<Load>);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).over = true;
    }
}
