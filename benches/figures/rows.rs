//! The rows of the table: each measures one thing and gives one line.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::common::{cpu_millis, end, lines, shared_micros, status, wrapped};

/// All three triggers, far from being due.
const TRIGGERS: [&str; 6] = ["--idle", "30s", "--max-rss", "1100M", "--max-lifetime", "6h"];

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn row(what: &str, recycle: &str, against: &str, reach: &str) -> String {
    format!("| {what} | {recycle} | {against} | {reach} |")
}

/// A peer, if it is installed.
fn peer(name: &str) -> Option<Command> {
    let path = format!("/usr/bin/{name}");
    let mut command = Command::new(&path);
    command.arg("-s");
    Path::new(&path).exists().then_some(command)
}

pub(crate) fn start_to_exit(recycle: &Path) -> String {
    let (mut bare, mut ours, mut tinis) = (Vec::new(), Vec::new(), Vec::new());
    let time = |command: &mut Command| {
        let began = Instant::now();
        command.status().unwrap();
        began.elapsed().as_secs_f64() * 1e6
    };
    for _ in 0..300 {
        bare.push(time(&mut Command::new("/bin/true")));
        ours.push(time(Command::new(recycle).arg("/bin/true")));
        if let Some(mut tini) = peer("tini-static") {
            tinis.push(time(tini.arg("/bin/true")));
        }
    }
    let bare = median(bare);
    let (ours, tini) = (median(ours) - bare, median(tinis) - bare);
    row(
        "time added to start -> exit of `true`",
        &format!("{ours:.0} us ({:.2}x)", ours / tini),
        &format!("tini-static {tini:.0} us"),
        "1.0x, then 0.75x",
    )
}

pub(crate) fn resident_memory(recycle: &Path) -> String {
    let mut children =
        vec![Command::new(recycle).args(TRIGGERS).args(["--", "sleep", "60"]).spawn().unwrap()];
    let tini = peer("tini-static").map(|mut tini| tini.args(["sleep", "60"]).spawn().unwrap());
    children.extend(tini);
    std::thread::sleep(Duration::from_secs(5));
    let kilobytes: Vec<_> = children.iter().map(|child| status(child.id(), "VmRSS")).collect();
    children.into_iter().for_each(end);
    let tini = kilobytes.get(1).map_or_else(|| "not installed".into(), |rss| format!("{rss} kB"));
    let ours = format!("{} kB", kilobytes[0]);
    row(
        "resident while supervising, all triggers on",
        &ours,
        &format!("tini-static {tini}"),
        "1200 kB",
    )
}

pub(crate) fn quiet_cost(recycle: &Path) -> String {
    let mut children =
        vec![Command::new(recycle).args(TRIGGERS).args(["--", "sleep", "60"]).spawn().unwrap()];
    let tini = peer("tini-static").map(|mut tini| tini.args(["sleep", "60"]).spawn().unwrap());
    children.extend(tini);
    std::thread::sleep(Duration::from_secs(2));
    let read = || -> Vec<_> {
        let one =
            |child: &Child| (status(child.id(), "voluntary_ctxt_switches"), cpu_millis(child.id()));
        children.iter().map(one).collect()
    };
    let before = read();
    std::thread::sleep(Duration::from_secs(30));
    let after = read();
    let spent = |at: usize| {
        let (before, after) = (before.get(at)?, after.get(at)?);
        Some(format!("{} wake-ups, {:.2} ms CPU", after.0 - before.0, after.1 - before.1))
    };
    let (ours, tini) = (spent(0).unwrap(), spent(1).unwrap_or_else(|| "not installed".into()));
    children.into_iter().for_each(end);
    row(
        "30 s, all triggers on, COMMAND quiet",
        &ours,
        &format!("tini-static {tini}"),
        "30 wake-ups, 3 ms",
    )
}

pub(crate) fn growth_slow(recycle: &Path) -> String {
    growth(recycle, 100_000_000, 7, "growth 100 MB/s, --max-rss 300M", "10 ms, 2 MB")
}

pub(crate) fn growth_fast(recycle: &Path) -> String {
    growth(recycle, 1_000_000_000, 15, "growth 1 GB/s, --max-rss 300M", "10 ms, 12 MB")
}

/// Crossing -> stop signal, and what was exceeded by then.
fn growth(recycle: &Path, rate: u64, trials: usize, what: &str, reach: &str) -> String {
    let (rate, limit) = (rate.to_string(), (300_u64 << 20).to_string());
    let (mut reactions, mut overshoots) = (Vec::new(), Vec::new());
    for _ in 0..trials {
        let options = ["--max-rss", "300M", "--then", "exit"];
        let mut child = wrapped(recycle, &options, &["grow", &rate, &limit]).spawn().unwrap();
        let line = lines(&mut child).next().unwrap();
        child.wait().unwrap();
        let mut numbers = line.split(' ').map(|word| word.parse::<f64>().unwrap());
        reactions.push(numbers.next().unwrap() / 1e3);
        overshoots.push(numbers.next().unwrap() / 1e6);
    }
    let worst = overshoots.iter().copied().fold(0.0, f64::max);
    let (reaction, overshoot) = (median(reactions), median(overshoots));
    let ours = format!("{reaction:.1} ms, {overshoot:.1} MB (worst {worst:.1} MB)");
    row(what, &ours, "-", reach)
}

pub(crate) fn idle_precision(recycle: &Path) -> String {
    let mut late = Vec::new();
    for _ in 0..15 {
        let mut child =
            wrapped(recycle, &["--idle", "1s", "--then", "exit"], &["serve", "1"]).spawn().unwrap();
        let mut lines = lines(&mut child);
        let port: u16 = lines.next().unwrap().parse().unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(130));
            client.write_all(b"x").unwrap();
        }
        let last = shared_micros();
        let stopping = lines.find_map(|line| line.strip_prefix("stopping ")?.parse::<i128>().ok());
        late.push((stopping.unwrap() - last) as f64 / 1e3 - 1000.0);
        child.wait().unwrap();
    }
    let least = late.iter().copied().fold(f64::INFINITY, f64::min);
    let ours = format!("{:.1} ms (least {least:.1} ms)", median(late));
    row("last byte -> idle stop signal, minus the idle time", &ours, "-", "20 ms")
}

pub(crate) fn busy_connections(recycle: &Path) -> String {
    const CONNECTIONS: usize = 10_000;
    let count = CONNECTIONS.to_string();
    let mut child = wrapped(recycle, &["--idle", "10s"], &["serve", &count]).spawn().unwrap();
    let mut lines = lines(&mut child);
    let port: u16 = lines.next().unwrap().parse().unwrap();
    let connect = |_| TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut clients: Vec<_> = (0..CONNECTIONS).map(connect).collect();
    assert_eq!(lines.next().as_deref(), Some("ready"));
    let mut chatter = |span| {
        let began = Instant::now();
        while began.elapsed() < span {
            for client in &mut clients {
                client.write_all(b"x").unwrap();
            }
        }
    };
    // The first look finds the connections; what watching costs is what comes after it.
    chatter(Duration::from_secs(12));
    let (began, before) = (Instant::now(), cpu_millis(child.id()));
    chatter(Duration::from_secs(30));
    let share = (cpu_millis(child.id()) - before) / began.elapsed().as_secs_f64() / 10.0;
    drop(clients);
    end(child);
    row(
        &format!("CPU of watching {CONNECTIONS} busy connections, --idle 10s"),
        &format!("{share:.3}%"),
        "-",
        "0.1%",
    )
}

pub(crate) fn restart_gap(recycle: &Path) -> String {
    let mut child = wrapped(recycle, &["--max-lifetime", "50ms"], &["say-when"]).spawn().unwrap();
    let times: Vec<(String, f64)> = lines(&mut child)
        .filter_map(|line| {
            let (word, time) = line.split_once(' ')?;
            Some((word.to_owned(), time.parse::<f64>().ok()?))
        })
        .take(100)
        .collect();
    end(child);
    let gaps = times.windows(2).filter(|pair| pair[1].0 == "started" && pair[0].0 == "stopping");
    let gap = median(gaps.map(|pair| (pair[1].1 - pair[0].1) / 1e3).collect());
    row("stop signal seen -> next generation runs", &format!("{gap:.1} ms"), "-", "2 ms")
}
