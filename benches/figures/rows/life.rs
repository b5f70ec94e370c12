//! What ten thousand recycles leave behind in `recycle` itself.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::figure::{Bound, Figure, Goal, Part, Table};
use crate::process::{Guard, Memory, descriptors};
use crate::supervisors::Setting;

const RECYCLES: u64 = 10_000;
/// By then buffers have their size.
const WARM_UP: u64 = 500;
/// So many generations are looked at, at both ends: what is held depends on what is going on.
const LOOKS: u64 = 200;

const OPTIONS: [&str; 10] = [
    "--max-lifetime",
    "1ms",
    "--idle",
    "1h",
    "--max-rss",
    "90%",
    "--max-pss",
    "80%",
    "--kill-rss",
    "95%",
];

/// What is held at most.
#[derive(Clone, Copy, Default)]
struct Held {
    rss_kb: u64,
    anonymous_kb: u64,
    descriptors: usize,
}

impl Held {
    fn look(&mut self, pid: u32) -> Result<()> {
        let memory = Memory::of(pid)?;
        self.rss_kb = self.rss_kb.max(memory.rss_kb);
        self.anonymous_kb = self.anonymous_kb.max(memory.anonymous_kb);
        self.descriptors = self.descriptors.max(descriptors(pid)?);
        Ok(())
    }
}

pub(crate) fn recycles(setting: &Setting) -> Result<Figure> {
    let mut command = Command::new(&setting.recycle);
    command.args(OPTIONS).args(["--", "sleep", "60"]).stdin(Stdio::null());
    let mut child = Guard::start(command.stderr(Stdio::piped()))?;
    let stderr = child.0.stderr.take().context("no stderr")?;
    let began = Instant::now();
    let (mut before, mut after) = (Held::default(), Held::default());
    let mut count = 0;
    for line in BufReader::new(stderr).lines() {
        if !line?.contains(" recycled: lifetime ") {
            continue;
        }
        count += 1;
        if count > WARM_UP && count <= WARM_UP + LOOKS {
            before.look(child.id())?;
        }
        if count > RECYCLES {
            after.look(child.id())?;
        }
        if count == RECYCLES + LOOKS {
            break;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    (count == RECYCLES + LOOKS).then_some(()).with_context(|| format!("ended after {count}"))?;
    drop(child);
    let growth = |before: f64, after: f64| after - before;
    let rows = [
        ("anonymous memory, kB", before.anonymous_kb as f64, after.anonymous_kb as f64),
        ("descriptors", before.descriptors as f64, after.descriptors as f64),
        ("Rss with pages of its own file, kB", before.rss_kb as f64, after.rss_kb as f64),
    ];
    let mut table = Table::new(&["held at most", "after 500", "after 10,000", "growth"]);
    for (what, before, after) in rows {
        let growth = format!("{:+.0}", growth(before, after));
        table.line([what.to_owned(), format!("{before:.0}"), format!("{after:.0}"), growth]);
    }
    let part = |row: usize, unit| Part {
        value: growth(rows[row].1, rows[row].2),
        bound: Bound::AtMost(0.0),
        unit,
        digits: 0,
    };
    Ok(Figure {
        about: format!(
            "`recycle {} -- sleep 60`: {count} generations in {seconds:.0} s. The most of {LOOKS} \
             looks from the 500th on, and from the 10,000th. File pages come and go with what of \
             the program has run and are not leaked; anonymous memory would be.",
            OPTIONS.join(" ")
        ),
        goals: vec![Goal {
            what: "10,000 recycles: growth of its own memory and descriptors".to_owned(),
            parts: vec![part(0, " kB"), part(1, " descriptors")],
        }],
        table,
    })
}
