//! What supervising costs on a host where something else goes on: other programs' connections, and
//! memory limits near and far, while COMMAND sleeps.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::common::used::Used;
use crate::figure::{Bound, Figure, Goal, Part, Table};
use crate::network::own_network;
use crate::process::Guard;
use crate::supervisors::Setting;

/// They look at everything now and then in the first windows.
const SETTLE: Duration = Duration::from_secs(15);

fn start(recycle: &Path, options: &[&str]) -> Result<Guard> {
    let mut command = Command::new(recycle);
    command.args(options).args(["--", "sleep", "300"]).stdin(Stdio::null());
    Guard::start(command.stdout(Stdio::null()).stderr(Stdio::null()))
}

/// Opens and closes this many connections a second until it is told to stop.
fn connect(rate: u32, listener: &TcpListener, stop: &AtomicBool, count: &AtomicU64) -> Result<()> {
    let address = listener.local_addr()?;
    let began = Instant::now();
    for number in 1.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let near = TcpStream::connect(address)?;
        let (far, _) = listener.accept()?;
        drop((near, far));
        count.fetch_add(1, Ordering::Relaxed);
        let due = Duration::from_secs(1) * number / rate;
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
    Ok(())
}

/// What all of these used in a span of time, each second.
struct Spent {
    millis: f64,
    wake_ups: f64,
    connections: f64,
}

fn spent(pids: &[u32], span: Duration, count: &AtomicU64) -> Result<Spent> {
    let read = || anyhow::Ok((Used::of(pids)?, count.load(Ordering::Relaxed), Instant::now()));
    let (before, connections, began) = read()?;
    std::thread::sleep(span);
    let (after, connections_after, ended) = read()?;
    let seconds = ended.duration_since(began).as_secs_f64();
    let used = after.since(before);
    Ok(Spent {
        millis: used.cpu_millis / seconds,
        wake_ups: used.wake_ups / seconds,
        connections: (connections_after - connections) as f64 / seconds,
    })
}

pub(crate) fn strangers(setting: &Setting) -> Result<Figure> {
    const COUNT: usize = 100;
    const RATE: u32 = 400;
    const SPAN: Duration = Duration::from_secs(20);
    const OPTIONS: [&str; 4] = ["--idle", "10s", "--max-rss", "4G"];
    own_network();
    let all = (0..COUNT).map(|_| start(&setting.recycle, &OPTIONS));
    let all = all.collect::<Result<Vec<_>>>()?;
    let pids: Vec<_> = all.iter().map(Guard::id).collect();
    std::thread::sleep(SETTLE);
    let quiet = spent(&pids, SPAN, &AtomicU64::new(0))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let beside = std::thread::scope(|scope| {
        let stranger = scope.spawn(|| connect(RATE, &listener, &stop, &count));
        std::thread::sleep(SETTLE);
        let beside = spent(&pids, SPAN, &count);
        stop.store(true, Ordering::Relaxed);
        let end = stranger.join().map_err(|_| anyhow::anyhow!("the stranger failed"))?;
        end.and(beside)
    })?;
    let mut table = Table::new(&["", "CPU ms a second", "wake-ups a second", "connections"]);
    for (what, spent) in [("nobody else", &quiet), ("strangers", &beside)] {
        table.line([
            what.to_owned(),
            format!("{:.1}", spent.millis),
            format!("{:.0}", spent.wake_ups),
            format!("{:.0}", spent.connections),
        ]);
    }
    let each = (beside.millis - quiet.millis) * 1e3 / beside.connections / COUNT as f64;
    let part = |value, most, unit| Part { value, bound: Bound::AtMost(most), unit, digits: 2 };
    Ok(Figure {
        about: format!(
            "{COUNT} times `recycle {} -- sleep 300` in one network, alone and beside another \
             program that opens and closes {RATE} connections a second: all of them together, \
             for {} s, from their schedstat.",
            OPTIONS.join(" "),
            SPAN.as_secs()
        ),
        goals: vec![Goal {
            what: format!(
                "{COUNT} idle `recycle`s beside {RATE} strangers' connections a second: CPU of \
                 all, a second; for each connection, in each `recycle`"
            ),
            parts: vec![part(beside.millis, 40.0, " ms"), part(each, 0.1, " us")],
        }],
        table,
    })
}

/// Limits, and how many wake-ups in 30 s are to be reached.
const LIMITS: [(&str, f64); 2] = [("4G", 1.0), ("50M", 1.0)];

pub(crate) fn limits(setting: &Setting) -> Result<Figure> {
    const SPAN: Duration = Duration::from_secs(30);
    own_network();
    let options = |limit| ["--idle", "30s", "--max-rss", limit, "--max-lifetime", "6h"];
    let all = LIMITS.map(|(limit, _)| start(&setting.recycle, &options(limit)));
    let all = all.into_iter().collect::<Result<Vec<_>>>()?;
    // One more look at idleness is due at the end of the first window.
    std::thread::sleep(SETTLE + SPAN);
    let read = || all.iter().map(|one| Used::of(&[one.id()])).collect::<Result<Vec<_>>>();
    let before = read().context("recycle ended")?;
    std::thread::sleep(SPAN);
    let after = read().context("recycle ended")?;
    let mut table = Table::new(&["`recycle` with a limit of", "wake-ups", "CPU ms"]);
    let mut parts = Vec::new();
    for ((limit, most), (before, after)) in LIMITS.into_iter().zip(before.into_iter().zip(after)) {
        let used = after.since(before);
        table.line([
            limit.to_owned(),
            format!("{:.0}", used.wake_ups),
            format!("{:.2}", used.cpu_millis),
        ]);
        let bound = Bound::AtMost(most);
        parts.push(Part { value: used.wake_ups, bound, unit: "", digits: 0 });
    }
    Ok(Figure {
        about: format!(
            "Voluntary context switches in {} s, from the 45th second on, of `recycle {} -- sleep \
             300` side by side.",
            SPAN.as_secs(),
            options("LIMIT").join(" ")
        ),
        goals: vec![Goal {
            what: "wake-ups in 30 s at rest, all triggers on: limit of 4 GB; of 50 MB".to_owned(),
            parts,
        }],
        table,
    })
}
