//! How soon a limit of memory is acted on, and what was taken beyond it by then.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::common::wrapped;
use crate::figure::{Bound, Figure, Goal, Part, Table};
use crate::roles::PIECE;
use crate::sample::Sample;
use crate::supervisors::{Kind, Setting};

const TRIALS: usize = 15;
/// How long the others have for theirs.
const SPAN: Duration = Duration::from_secs(25);
const RATES: [(u64, &str, f64); 2] =
    [(100_000_000, "100 MB/s", 2.0), (1_000_000_000, "1 GB/s", 12.0)];

/// Milliseconds from the crossing to the stop signal, MB above the limit, MB/s.
struct Trials {
    reactions: Sample,
    overshoots: Sample,
    speeds: Sample,
}

impl Trials {
    fn read(result: &Path) -> Result<Self> {
        let text = fs::read_to_string(result).context("no trial in time")?;
        let column = |at: usize, unit: f64| {
            let field = |line: &str| line.split(' ').nth(at)?.parse::<f64>().ok();
            Sample::new(text.lines().filter_map(field).map(|value| value / unit).collect())
        };
        Ok(Self { reactions: column(0, 1e3), overshoots: column(1, 1e6), speeds: column(2, 1e6) })
    }

    fn line(&self, rate: &str, who: String) -> Vec<String> {
        let Self { reactions, overshoots, speeds } = self;
        vec![
            rate.to_owned(),
            who,
            reactions.len().to_string(),
            format!("{:.1}", reactions.median()),
            reactions.range(1),
            format!("{:.1}", overshoots.median()),
            overshoots.range(1),
            format!("{:.0}", speeds.median()),
        ]
    }
}

/// Pages to grow by, for everybody: a file in memory.
pub(super) fn pages() -> Result<(File, String)> {
    let mut file = File::from(memfd_create(c"pages", MFdFlags::MFD_CLOEXEC)?);
    for _ in 0..PIECE >> 20 {
        file.write_all(&[1; 1 << 20])?;
    }
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    Ok((file, path))
}

pub(crate) fn growth(setting: &Setting) -> Result<Figure> {
    let (_file, pages) = pages()?;
    let place = tempfile::tempdir()?;
    let mut table = Table::new(&[
        "growth",
        "who",
        "trials",
        "crossing → stop signal, ms",
        "range",
        "overshoot, MB",
        "range",
        "MB/s",
    ]);
    let mut goals = Vec::new();
    let mut lines = Vec::new();
    for (rate, name, most) in RATES {
        let result = place.path().join(rate.to_string());
        let ours = ours(setting, rate, &pages, &result)?;
        // A machine that grows more slowly, or trials that wrote nothing, say nothing.
        let counts = ours.speeds.len() >= TRIALS && ours.speeds.median() >= 0.9 * rate as f64 / 1e6;
        let part = |value, most, unit| {
            let value = if counts { value } else { f64::NAN };
            Part { value, bound: Bound::AtMost(most), unit, digits: 1 }
        };
        goals.push(Goal {
            what: format!("growth at {name}, `--max-rss 300M`: reaction, overshoot"),
            parts: vec![
                part(ours.reactions.median(), 10.0, " ms"),
                part(ours.overshoots.median(), most, " MB"),
            ],
        });
        lines.push((rate, ours.line(name, "`recycle --max-rss 300M`".to_owned())));
    }
    lines.extend(others(setting, &pages, place.path()));
    // recycle first at each rate: the order of equals stays.
    lines.sort_by_key(|(rate, _)| *rate);
    lines.into_iter().for_each(|(_, line)| table.line(line));
    Ok(Figure {
        about: format!(
            "A command that reads pages at this rate (the first 200 MiB at 1 GB/s always), from a \
             file in memory, since a virtual machine cannot make fresh ones as fast; it writes \
             down when it crossed 300 MiB and when the stop signal came. Medians, and least and \
             most. `recycle` has {TRIALS} trials alone; the others as many as they manage in {} \
             s, side by side, each after a random pause.",
            SPAN.as_secs()
        ),
        goals,
        table,
    })
}

fn ours(setting: &Setting, rate: u64, pages: &str, result: &Path) -> Result<Trials> {
    let options = ["--max-rss", "300M", "--then", "exit"];
    let result = result.to_str().context("not a name")?;
    let role = ["grow", &rate.to_string(), "0", pages, result];
    for _ in 0..TRIALS {
        let status = wrapped(&setting.recycle, &options, &role).stdout(Stdio::null()).status()?;
        status.success().then_some(()).context("a trial failed")?;
    }
    Trials::read(Path::new(result))
}

/// Everybody else, at all rates at once: they wait for most of the time.
fn others(setting: &Setting, pages: &str, place: &Path) -> Vec<(u64, Vec<String>)> {
    let kinds = [(Kind::Monit, "1000", 1), (Kind::Memmon, "5000", 2)];
    let program = std::env::current_exe().unwrap_or_default();
    let program = program.to_str().unwrap_or_default();
    let mut all = Vec::new();
    for (kind, pause, count) in kinds {
        for (rate, name, _) in RATES {
            let result = place.join(format!("{pause}, {rate}"));
            let (word, digits) = (result.to_str().unwrap_or_default(), rate.to_string());
            let words = [program, "command", "grow", &digits, pause, pages, word];
            // Those who are slow get two to try.
            let running = (0..count).map(|_| kind.start(setting, &words));
            let running: Result<Vec<_>> = running.collect();
            all.push((rate, name, kind.name(), running, result));
        }
    }
    std::thread::sleep(SPAN);
    let lines = all.into_iter().map(|(rate, name, who, running, result)| {
        let line = match running.and_then(|_running| Trials::read(&result)) {
            Ok(trials) => trials.line(name, who),
            Err(error) => {
                let blanks = std::iter::repeat_n(String::new(), 5);
                [name.to_owned(), who, error.to_string()].into_iter().chain(blanks).collect()
            }
        };
        (rate, line)
    });
    lines.collect()
}
