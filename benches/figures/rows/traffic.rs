//! How late silence is acted on, and what it costs to watch many who are not silent. More of this
//! is in `cargo bench --bench traffic`.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::common::used::Used;
use crate::common::{end, lines, shared_micros, wrapped};
use crate::figure::{Bound, Figure, Goal, Part, Table};
use crate::network::own_network;
use crate::sample::Sample;
use crate::supervisors::Setting;

pub(crate) fn idle_precision(setting: &Setting) -> Result<Figure> {
    const SERVERS: u64 = 4;
    const ROUNDS: u64 = 10;
    let watch = |server: u64| {
        let late = move |round| lateness(&setting.recycle, server * 31 + round * 17);
        // The thread's network comes first, and servers do not keep step.
        own_network();
        std::thread::sleep(Duration::from_millis(server * 270));
        (0..ROUNDS).map(late).collect::<Result<Vec<_>>>()
    };
    let late = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..SERVERS).map(|it| scope.spawn(move || watch(it))).collect();
        let join = threads.into_iter().map(|it| it.join().map_err(|_| panicked())?);
        join.collect::<Result<Vec<_>>>()
    })?;
    let late = Sample::new(late.concat());
    let mut table = Table::new(&["`recycle --idle 1s`", "ms"]);
    for (what, value) in [
        ("least", late.least()),
        ("median", late.median()),
        ("90 in 100", late.quantile(0.9)),
        ("most", late.most()),
    ] {
        table.line([what.to_owned(), format!("{value:.2}")]);
    }
    let part = |value, bound, unit| Part { value, bound, unit, digits: 1 };
    Ok(Figure {
        about: format!(
            "A client sends a byte now and then to a server under `recycle --idle 1s`, and falls \
             silent; the server writes down when its stop signal came. {SERVERS} of them side by \
             side, {} trials. None of the others knows idleness.",
            late.len()
        ),
        goals: vec![Goal {
            what: "last byte → idle stop signal, minus the idle time: median; never early".into(),
            parts: vec![
                part(late.median(), Bound::AtMost(20.0), " ms"),
                part(late.least(), Bound::AtLeast(0.0), " ms"),
            ],
        }],
        table,
    })
}

fn panicked() -> anyhow::Error {
    anyhow::anyhow!("a trial failed")
}

/// By how many milliseconds the stop signal was later than a second after the last byte.
fn lateness(recycle: &Path, seed: u64) -> Result<f64> {
    let options = ["--idle", "1s", "--then", "exit"];
    let mut child = wrapped(recycle, &options, &["serve", "1"]).spawn()?;
    let mut lines = lines(&mut child);
    let port: u16 = lines.next().context("no port")?.parse()?;
    let mut client = TcpStream::connect(("127.0.0.1", port))?;
    let mut last = shared_micros();
    for step in 0..3 {
        std::thread::sleep(Duration::from_millis(30 + (seed * 37 + step * 53) % 130));
        last = shared_micros();
        client.write_all(b"x")?;
    }
    let stopping = lines.find_map(|line| line.strip_prefix("stopping ")?.parse::<i128>().ok());
    let late = stopping.context("no stop signal")? - last - 1_000_000;
    child.wait()?;
    Ok(late as f64 / 1e3)
}

pub(crate) fn busy_connections(setting: &Setting) -> Result<Figure> {
    const CONNECTIONS: usize = 10_000;
    const SPAN: Duration = Duration::from_secs(20);
    own_network();
    let count = CONNECTIONS.to_string();
    let options = ["--idle", "10s"];
    let mut child = wrapped(&setting.recycle, &options, &["serve", &count]).spawn()?;
    let mut lines = lines(&mut child);
    let port: u16 = lines.next().context("no port")?.parse()?;
    let connect = |_| TcpStream::connect(("127.0.0.1", port));
    let mut clients = (0..CONNECTIONS).map(connect).collect::<Result<Vec<_>, _>>()?;
    lines.next().context("not ready")?;
    let mut chatter = |span| -> Result<usize> {
        let began = Instant::now();
        let mut bytes = 0;
        while began.elapsed() < span {
            for client in &mut clients {
                client.write_all(b"x")?;
            }
            bytes += CONNECTIONS;
        }
        Ok(bytes)
    };
    // The first look finds the connections; what watching costs is what comes after it.
    chatter(Duration::from_secs(12))?;
    let (began, before) = (Instant::now(), Used::of(&[child.id()])?);
    let bytes = chatter(SPAN)?;
    let seconds = began.elapsed().as_secs_f64();
    let used = Used::of(&[child.id()])?.since(before);
    drop(clients);
    end(child);
    let share = used.cpu_millis / seconds / 10.0;
    let mut table = Table::new(&["`recycle --idle 10s`, 10,000 connections", ""]);
    for (what, value) in [
        ("bytes sent a second, one at a time", format!("{:.0}", bytes as f64 / seconds)),
        ("CPU of `recycle`", format!("{share:.4}%")),
        ("its wake-ups a second", format!("{:.2}", used.wake_ups / seconds)),
    ] {
        table.line([what.to_owned(), value]);
    }
    Ok(Figure {
        about: format!(
            "A server with {CONNECTIONS} connections on each of which bytes arrive, as fast as \
             one client can send them, for {seconds:.0} s after the first look."
        ),
        goals: vec![Goal {
            what: format!("CPU of watching {CONNECTIONS} busy connections, `--idle 10s`"),
            parts: vec![Part { value: share, bound: Bound::AtMost(0.1), unit: "%", digits: 4 }],
        }],
        table,
    })
}
