//! How far memory grows where a limit is hard to keep: while recycles are held, and where many
//! processes share pages.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::growth::pages;
use crate::common::wrapped;
use crate::figure::{Bound, Figure, Goal, Part, Table};
use crate::sample::Sample;
use crate::supervisors::Setting;

/// Generations that are held; two come before them.
const HELD: usize = 10;
const TRIALS: usize = 7;
/// How long to wait for what does not come.
const PATIENCE: Duration = Duration::from_secs(60);
const MIB: f64 = (1 << 20) as f64;
const LIMIT: f64 = 300.0;

pub(crate) fn held(setting: &Setting) -> Result<Figure> {
    let place = tempfile::tempdir()?;
    let result = place.path().join("held");
    let (_file, pages) = pages()?;
    let options = ["--max-rss", "300M", "--backoff", "1ms..1ms"];
    let role = ["grow", "500000000", "0", &pages, result.to_str().context("not a name")?];
    let child = wrapped(&setting.recycle, &options, &role).stdout(Stdio::null()).spawn()?;
    let lines = await_lines(&result, child)?;
    // Each line: microseconds, bytes above the limit, bytes a second.
    let excess = |line: &String| line.split(' ').nth(1)?.parse::<f64>().ok();
    let peaks = lines.iter().skip(2).filter_map(excess).map(|bytes| LIMIT + bytes / MIB);
    let peaks = Sample::new(peaks.collect());
    let mut table = Table::new(&["generations", "memory at the stop signal, MiB", "range"]);
    table.line(vec![peaks.len().to_string(), format!("{:.0}", peaks.median()), peaks.range(0)]);
    Ok(Figure {
        about: "A command that grows by 500 MB/s in each generation, under `--max-rss 300M`: two \
                generations in a row that cross the limit at once make `recycle` hold those that \
                follow, until they have 450 MiB."
            .to_owned(),
        goals: vec![Goal {
            what: "growth at 500 MB/s while recycles are held, `--max-rss 300M`".to_owned(),
            parts: vec![Part {
                value: peaks.median(),
                bound: Bound::AtMost(462.0),
                unit: " MiB",
                digits: 0,
            }],
        }],
        table,
    })
}

/// Until there are enough of them; then `recycle` is told to end.
fn await_lines(result: &Path, mut child: Child) -> Result<Vec<String>> {
    let until = Instant::now() + PATIENCE;
    let lines = loop {
        let text = fs::read_to_string(result).unwrap_or_default();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        if lines.len() >= HELD + 2 || Instant::now() > until {
            break lines;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    kill(Pid::from_raw(child.id().try_into()?), Signal::SIGTERM)?;
    child.wait()?;
    if lines.len() < HELD + 2 {
        bail!("only {} generations were stopped in {} s", lines.len(), PATIENCE.as_secs());
    }
    Ok(lines)
}

pub(crate) fn workers(setting: &Setting) -> Result<Figure> {
    let place = tempfile::tempdir()?;
    let result = place.path().join("workers");
    let result = result.to_str().context("not a name")?;
    let options = ["--max-pss", "300M", "--kill-rss", "400M", "--then", "exit"];
    let mut table = Table::new(&["shared, MiB", "trials", "memory at the end, MiB", "range"]);
    let mut parts = Vec::new();
    for shared in ["20", "100"] {
        let mut ends = Vec::new();
        for _ in 0..TRIALS {
            let role = ["fork", "60", shared, "100000000", result];
            wrapped(&setting.recycle, &options, &role).stdout(Stdio::null()).status()?;
            ends.push(fs::read_to_string(result)?.trim().parse::<f64>()? / MIB);
        }
        let ends = Sample::new(ends);
        let (median, range) = (ends.median(), ends.range(0));
        parts.push(Part { value: median, bound: Bound::AtMost(390.0), unit: " MiB", digits: 0 });
        table.line(vec![shared.to_owned(), TRIALS.to_string(), format!("{median:.0}"), range]);
    }
    Ok(Figure {
        about: "A command with 60 forked workers that share its memory and sleep; it grows by 100 \
                MB/s, under `--max-pss 300M --kill-rss 400M`. What its own process had when it \
                was stopped or killed."
            .to_owned(),
        goals: vec![Goal {
            what: "`--max-pss 300M`, 60 workers, growth at 100 MB/s; 20 MiB shared, 100 MiB"
                .to_owned(),
            parts,
        }],
        table,
    })
}
