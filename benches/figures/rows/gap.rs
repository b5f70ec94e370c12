//! How long nobody runs between two generations.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::figure::{Bound, Figure, Goal, Part, Table};
use crate::sample::Sample;
use crate::supervisors::{Kind, Setting};

/// What a life lasts, in milliseconds.
const SHORT: &str = "50";
const LONG: &str = "1500";
const SPAN: Duration = Duration::from_secs(6);
const LONG_SPAN: Duration = Duration::from_secs(8);
const LOOPS: usize = 100;

/// From `ended` to `started`, in milliseconds, as the command has told it.
fn gaps(result: &Path) -> Result<Sample> {
    let text = fs::read_to_string(result).context("it never ran")?;
    let times: Vec<(&str, f64)> = text
        .lines()
        .filter_map(|line| {
            let (word, time) = line.split_once(' ')?;
            Some((word, time.parse().ok()?))
        })
        .collect();
    let gaps = times.windows(2).filter(|pair| pair[0].0 == "ended" && pair[1].0 == "started");
    let gaps = gaps.map(|pair| (pair[1].1 - pair[0].1) / 1e3).collect::<Vec<_>>();
    (!gaps.is_empty()).then(|| Sample::new(gaps)).context("no restart in time")
}

/// Somebody has a command with such a life, which it ends by itself, for such a time.
fn measure(kind: &Kind, setting: &Setting, life: &str, span: Duration) -> Result<Sample> {
    let place = tempfile::tempdir()?;
    let result = place.path().join("lives");
    let program = std::env::current_exe()?;
    let [program, path] = [&program, &result].map(|it| it.to_str().unwrap_or_default());
    let running = kind.start(setting, &[program, "command", "live", life, path])?;
    std::thread::sleep(span);
    drop(running);
    gaps(&result)
}

/// The least there is: a loop that starts the command and waits for it.
fn bare_loop() -> Result<Sample> {
    let place = tempfile::tempdir()?;
    let result = place.path().join("lives");
    for _ in 0..LOOPS {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["command", "live", "5"]).arg(&result).stdin(Stdio::null()).status()?;
    }
    gaps(&result)
}

pub(crate) fn restart_gap(setting: &Setting) -> Result<Figure> {
    let planned = |life: &str| Kind::recycle(&["--max-lifetime", &format!("{life}ms")]);
    // Alone: this is the figure. The command waits to be told.
    let ours = measure(&planned(SHORT), setting, "0", SPAN)?;
    let bare = bare_loop()?;
    let peers = [Kind::Service("runsv"), Kind::Service("s6-supervise"), Kind::Supervisord];
    let (long, short, ours_long) = std::thread::scope(|scope| {
        let each = |life: &'static str| {
            let start = |kind| scope.spawn(move || measure(kind, setting, life, LONG_SPAN));
            peers.iter().map(start).collect::<Vec<_>>()
        };
        let (long, short) = (each(LONG), each(SHORT));
        let ours_long = scope.spawn(|| measure(&planned(LONG), setting, "0", LONG_SPAN));
        let join = |it: std::thread::ScopedJoinHandle<'_, Result<Sample>>| {
            it.join().unwrap_or_else(|_| Err(anyhow::anyhow!("failed")))
        };
        let all = |them: Vec<_>| them.into_iter().map(join).collect::<Vec<_>>();
        (all(long), all(short), join(ours_long))
    });
    let mut table = Table::new(&[
        "who",
        "lives of 50 ms: gap, ms",
        "quartiles",
        "restarts",
        "lives of 1.5 s: gap, ms",
        "range",
        "restarts",
    ]);
    let median = ours.median();
    let mut line = |who: String, short: Result<Sample>, long: Option<Result<Sample>>| {
        let short = match short {
            Ok(it) => [format!("{:.2}", it.median()), it.quartiles(2), it.len().to_string()],
            Err(error) => [error.to_string(), String::new(), String::new()],
        };
        let long = match long {
            Some(Ok(it)) => [format!("{:.2}", it.median()), it.range(2), it.len().to_string()],
            Some(Err(error)) => [error.to_string(), String::new(), String::new()],
            None => [const { String::new() }; 3],
        };
        table.line([who].into_iter().chain(short).chain(long));
    };
    line("`recycle --max-lifetime`".to_owned(), Ok(ours), Some(ours_long));
    for ((kind, short), long) in peers.iter().zip(short).zip(long) {
        line(kind.name(), short, Some(long));
    }
    line("a loop of spawn and wait, lives of 5 ms".to_owned(), Ok(bare), None);
    Ok(Figure {
        about: "From the last instruction of the old command (it writes down the time and ends) \
                to the first of the new one (it does the same when it starts): its end and its \
                loading are in it. Under `recycle` a life is ended by the stop signal; under the \
                others the command ends by itself, and they restart it."
            .to_owned(),
        goals: vec![Goal {
            what: "old tree gone → new exec".to_owned(),
            parts: vec![Part { value: median, bound: Bound::AtMost(2.0), unit: " ms", digits: 2 }],
        }],
        table,
    })
}
