//! What it takes to look after a command that does nothing: memory, wake-ups, CPU time.

use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::common::used::Used;
use crate::figure::{Bound, Figure, Goal, Part, Table};
use crate::network::own_network;
use crate::process::Memory;
use crate::sample::Sample;
use crate::supervisors::{Kind, Running, Setting, TRIGGERS};

/// A quiet command, more than 1 GiB below its limit.
const COMMAND: [&str; 2] = ["sleep", "300"];

fn contenders() -> Vec<Kind> {
    vec![
        Kind::recycle(&TRIGGERS),
        Kind::Wrapper("tini", &["-s"]),
        Kind::Wrapper("tini-static", &["-s"]),
        Kind::Wrapper("dumb-init", &[]),
        Kind::Wrapper("catatonit", &[]),
        Kind::Wrapper("timeout", &["300"]),
        Kind::Service("runsv"),
        Kind::Service("s6-supervise"),
        Kind::Supervisord,
        Kind::Memmon,
        Kind::Monit,
    ]
}

/// Starts all of them, and gives them time to come to rest.
fn start(kinds: &[Kind], setting: &Setting) -> Vec<Result<Running>> {
    let mut all: Vec<_> = kinds.iter().map(|kind| kind.start(setting, &COMMAND)).collect();
    std::thread::sleep(Duration::from_secs(6));
    for running in &mut all {
        if let Ok(Err(error)) = running.as_mut().map(Running::check) {
            *running = Err(error);
        }
    }
    all
}

pub(crate) fn memory(setting: &Setting) -> Result<Figure> {
    const ROUNDS: usize = 3;
    own_network();
    let kinds = contenders();
    let mut read = vec![Ok(Vec::new()); kinds.len()];
    for _ in 0..ROUNDS {
        for (read, running) in read.iter_mut().zip(start(&kinds, setting)) {
            let memory = running.and_then(|running| sum(&running)).map_err(|it| it.to_string());
            match (&mut *read, memory) {
                (Ok(all), Ok(memory)) => all.push(memory),
                (_, memory) => *read = memory.map(|memory| vec![memory]),
            }
        }
    }
    let mut table =
        Table::new(&["who", "processes", "Rss kB", "of all runs", "Pss kB", "Private_Dirty kB"]);
    let (mut ours, mut ours_dirty) = (f64::NAN, f64::NAN);
    for (at, (kind, read)) in kinds.iter().zip(read).enumerate() {
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                table.absent(&kind.name(), &error);
                continue;
            }
        };
        let of = |field: fn(&Memory) -> u64| {
            Sample::new(read.iter().map(|(_, memory)| field(memory) as f64).collect())
        };
        let (rss, pss) = (of(|memory| memory.rss_kb), of(|memory| memory.pss_kb));
        let dirty = of(|memory| memory.private_dirty_kb);
        if at == 0 {
            (ours, ours_dirty) = (rss.median(), dirty.median());
        }
        table.line([
            kind.name(),
            read[0].0.to_string(),
            format!("{:.0}", rss.median()),
            rss.range(0),
            format!("{:.0}", pss.median()),
            format!("{:.0}", dirty.median()),
        ]);
    }
    let most = |value, most, unit, digits| Part { value, bound: Bound::AtMost(most), unit, digits };
    Ok(Figure {
        about: format!(
            "`{}` in each of them, all side by side; read from smaps_rollup after 6 s, {ROUNDS} \
             times anew: the median, and least and most. Memory of the command is not in it. \
             Pages of a shared library count fully in Rss, and by share in Pss.",
            COMMAND.join(" ")
        ),
        goals: vec![
            Goal {
                what: "private memory (Private_Dirty) while supervising, all triggers on"
                    .to_owned(),
                parts: vec![most(ours_dirty, 250.0, " kB", 0)],
            },
            Goal {
                what: "resident memory while supervising, all triggers on".to_owned(),
                // The kernel's kB are of 1024 bytes.
                parts: vec![most(ours * 1024.0 / 1e6, 1.6, " MB", 2)],
            },
        ],
        table,
    })
}

/// Of all its own processes, and how many these are. A kB is 1024 bytes there.
fn sum(running: &Running) -> Result<(usize, Memory)> {
    let pids = running.processes();
    let mut all = Memory::default();
    for &pid in &pids {
        let one = Memory::of(pid)?;
        all.rss_kb += one.rss_kb;
        all.pss_kb += one.pss_kb;
        all.private_dirty_kb += one.private_dirty_kb;
    }
    Ok((pids.len(), all))
}

pub(crate) fn quiet_cost(setting: &Setting) -> Result<Figure> {
    const SPAN: Duration = Duration::from_secs(30);
    own_network();
    let metrics = UdpSocket::bind("127.0.0.1:0")?;
    let url = format!("statsd://{}/bench", metrics.local_addr()?);
    let talking = ["--log-format", "json", "--sample-every", "1s", "--metrics", &url];
    let mut kinds = contenders();
    kinds.insert(1, Kind::recycle(&[]));
    kinds.insert(2, Kind::recycle(&[TRIGGERS.as_slice(), &talking].concat()));
    let all = start(&kinds, setting);
    let read = || -> Vec<Option<Used>> {
        let used = |running: &Result<Running>| {
            running.as_ref().ok().and_then(|running| Used::of(&running.processes()).ok())
        };
        all.iter().map(used).collect()
    };
    let before = read();
    std::thread::sleep(SPAN);
    let after = read();
    let mut table = Table::new(&["who", "wake-ups", "CPU ms", "CPU ms of its helpers"]);
    let mut ours = None;
    for (at, (kind, running)) in kinds.iter().zip(&all).enumerate() {
        let name = kind.name().replace(&url, "statsd://...");
        let used = before[at].zip(after[at]).map(|(before, after)| after.since(before));
        match (running, used) {
            (Err(error), _) => table.absent(&name, &error.to_string()),
            (Ok(_), None) => table.absent(&name, "failed"),
            (Ok(_), Some(used)) => {
                table.line([
                    name,
                    format!("{:.0}", used.wake_ups),
                    format!("{:.2}", used.cpu_millis),
                    format!("{:.0}", used.helpers_millis),
                ]);
                if at == 0 {
                    ours = Some(used);
                }
            }
        }
    }
    let Used { wake_ups, cpu_millis, .. } = ours.context("recycle itself failed")?;
    let part = |value, most, unit, digits| {
        let bound = Bound::AtMost(most);
        Part { value, bound, unit, digits }
    };
    Ok(Figure {
        about: "Voluntary context switches and schedstat of all in the same 30 s; the command is \
                `sleep`, and more than 1 GiB below the limit. Helpers are short-lived children \
                (`ps`), known in steps of 10 ms. The wrappers without a limit watch nothing. \
                `recycle` with samples and metrics is there to show what talking costs."
            .to_owned(),
        goals: vec![Goal {
            what: "30 s, all triggers on, COMMAND quiet".to_owned(),
            parts: vec![part(wake_ups, 30.0, " wake-ups", 0), part(cpu_millis, 3.0, " ms CPU", 2)],
        }],
        table,
    })
}
