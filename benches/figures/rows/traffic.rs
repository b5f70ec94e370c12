//! How late silence is acted on, and what it costs to watch many who are not silent. More of this
//! is in `cargo bench --bench traffic`.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::common::used::Used;
use crate::common::{lines, shared_micros, wrapped};
use crate::figure::{Bound, Figure, Goal, Part, Table};
use crate::network::own_network;
use crate::process::Guard;
use crate::sample::Sample;
use crate::supervisors::Setting;

pub(crate) fn idle_precision(setting: &Setting) -> Result<Figure> {
    const SERVERS: u64 = 4;
    const ROUNDS: u64 = 8;
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
    let mut child = Guard::start(&mut wrapped(recycle, &options, &["serve", "1"]))?;
    let mut lines = lines(&mut child.0);
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
    child.0.wait()?;
    Ok(late as f64 / 1e3)
}

pub(crate) fn busy_connections(setting: &Setting) -> Result<Figure> {
    const CONNECTIONS: usize = 10_000;
    const SECONDS: u64 = 90;
    own_network();
    let count = CONNECTIONS.to_string();
    let options = ["--idle", "10s"];
    let role = ["serve", &count];
    let mut child = Guard::start(&mut wrapped(&setting.recycle, &options, &role))?;
    let pid = child.id();
    let (began, start) = (Instant::now(), Used::of(&[pid])?);
    let mut lines = lines(&mut child.0);
    let port: u16 = lines.next().context("no port")?.parse()?;
    let connect = |_| TcpStream::connect(("127.0.0.1", port));
    let mut clients = (0..CONNECTIONS).map(connect).collect::<Result<Vec<_>, _>>()?;
    lines.next().context("not ready")?;
    let mut bytes = 0;
    let (mut each, mut last) = (Vec::new(), Used::of(&[pid])?);
    for second in 1..=SECONDS {
        while began.elapsed() < Duration::from_secs(second) {
            clients.iter_mut().try_for_each(|client| client.write_all(b"x"))?;
            bytes += CONNECTIONS;
        }
        let used = Used::of(&[pid])?;
        each.push(used.since(last).cpu_millis);
        last = used;
    }
    let (seconds, used) = (began.elapsed().as_secs_f64(), last.since(start));
    drop(clients);
    drop(child);
    let each = Sample::new(each);
    let share = used.cpu_millis / seconds / 10.0;
    let mut table = Table::new(&["`recycle --idle 10s`, 10,000 connections", ""]);
    for (what, value) in [
        ("bytes sent a second, one at a time", format!("{:.0}", bytes as f64 / seconds)),
        ("CPU of `recycle`, from its start on", format!("{share:.4}%")),
        ("of that in one second: median, ms", format!("{:.2}", each.median())),
        ("in one second: most, ms", format!("{:.1}", each.most())),
        ("its wake-ups a second", format!("{:.2}", used.wake_ups / seconds)),
    ] {
        table.line([what.to_owned(), value]);
    }
    Ok(Figure {
        about: format!(
            "A server with {CONNECTIONS} connections on each of which bytes arrive, as fast as \
             one client can send them, for {seconds:.0} s. In most seconds one connection is asked \
             for; the most is a look at all of them, which becomes rarer with age."
        ),
        goals: vec![Goal {
            what: format!("CPU of watching {CONNECTIONS} busy connections, `--idle 10s`"),
            parts: vec![Part { value: share, bound: Bound::AtMost(0.05), unit: "%", digits: 3 }],
        }],
        table,
    })
}
