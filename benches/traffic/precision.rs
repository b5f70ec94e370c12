//! How long after the idle time the stop signal comes.

use std::path::Path;
use std::process::{ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::clients::{Client, end};
use crate::common::{lines, wrapped};
use crate::kinds::Kind;
use crate::network::own_network;

/// So many servers side by side, each recycled so often.
const SERVERS: u64 = 10;
const ROUNDS: usize = 5;
/// Of those that compute: they share one processor.
const WORKERS: u64 = 5;
const WORKER_ROUNDS: usize = 10;

/// When TERM came, and when the last byte had moved.
pub(crate) fn stopping(line: &str) -> Option<(i128, i128)> {
    let (stop, last) = line.strip_prefix("stopping ")?.split_once(' ')?;
    Some((stop.parse().ok()?, last.parse().ok()?))
}

/// One line of the table.
pub(crate) fn row(recycle: &Path, kind: Kind) -> String {
    let (servers, rounds) =
        if kind == Kind::Work { (WORKERS, WORKER_ROUNDS) } else { (SERVERS, ROUNDS) };
    let over = AtomicBool::new(false);
    let (mut late, noise) = std::thread::scope(|scope| {
        let noise = scope.spawn(|| noise(&over));
        let watch = |seed| scope.spawn(move || watch(recycle, kind, rounds, seed));
        let watches: Vec<_> = (0..servers).map(watch).collect();
        let late = watches.into_iter().flat_map(|watch| watch.join().unwrap());
        let late: Vec<f64> = late.collect();
        over.store(true, Ordering::Relaxed);
        (late, noise.join().unwrap())
    });
    late.sort_by(f64::total_cmp);
    let at = |percent: usize| late[(late.len() * percent).div_ceil(100).max(1) - 1];
    let (middle, most, least) = (at(50), at(99), late[0]);
    let mark = if least < -kind.blur() {
        " **EARLY: A BUG**"
    } else if most > kind.reach() {
        " **late**"
    } else {
        ""
    };
    let (name, count, reach) = (kind.name(), late.len(), kind.reach());
    let figures = format!("{middle:.1} | {most:.1} | {least:.1} | {noise:.1}");
    format!("| {name} | {count} | {figures} | {reach:.0}{mark} |")
}

/// By how many milliseconds short sleeps are late here meanwhile, at worst.
fn noise(over: &AtomicBool) -> f64 {
    const SLEEP: Duration = Duration::from_millis(10);
    let mut worst = Duration::ZERO;
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        std::thread::sleep(SLEEP);
        worst = worst.max(began.elapsed() - SLEEP);
    }
    worst.as_secs_f64() * 1e3
}

/// Generation after generation of one server. Tells how late each was stopped, in milliseconds.
fn watch(recycle: &Path, kind: Kind, rounds: usize, seed: u64) -> Vec<f64> {
    own_network();
    let mut random = seed;
    let mut random_below = |limit: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
        (random >> 33) % limit
    };
    // Those that compute take turns.
    std::thread::sleep(Duration::from_millis(seed * 217));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let role = [kind.name(), path.to_str().unwrap()];
    let mut command = wrapped(recycle, &["--idle", "1s"], &role);
    if kind == Kind::Stdin {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    let stdin: Option<ChildStdin> = child.stdin.take();
    let mut lines = lines(&mut child);
    let mut late = Vec::new();
    for _ in 0..rounds {
        assert_eq!(lines.next().as_deref(), Some("ready"));
        let mut client = Client::new(kind, &path, stdin.as_ref());
        let requests = if kind == Kind::Work { 1 } else { 8 + random_below(8) };
        let mut last = 0;
        for _ in 0..requests {
            std::thread::sleep(Duration::from_micros(1_000 + random_below(70_000)));
            last = client.ask();
        }
        let line = lines.next().unwrap();
        let Some((stop, answered)) = stopping(&line) else { panic!("not expected: {line}") };
        late.push((stop - last.max(answered) - 1_000_000) as f64 / 1e3);
    }
    end(child);
    late
}
