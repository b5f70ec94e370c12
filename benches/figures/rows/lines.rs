//! How fast `--stdin lines` hands lines over, and how fast `cat` is in its place.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::figure::{Bound, Figure, Goal, Part, Table};
use crate::process::Guard;
use crate::sample::Sample;
use crate::supervisors::Setting;

const BYTES: u64 = 1_000_000_000;
/// Of a line, with its end. The first is the figure, the others are there to be seen.
const LENGTHS: [u64; 4] = [10, 1, 100, 1000];
/// Rounds of the figure, and of the others.
const ROUNDS: usize = 15;
const FEW_ROUNDS: usize = 5;

/// Who stands between a producer and a consumer.
#[derive(Clone, Copy)]
enum Between {
    Nobody,
    Cat,
    /// With these options beside `--stdin lines`.
    Recycle(&'static [&'static str]),
}

/// `cat` is there twice: what the two differ by is noise.
const ALL: [Between; 5] = [
    Between::Nobody,
    Between::Cat,
    Between::Cat,
    Between::Recycle(&[]),
    Between::Recycle(&["--idle", "30s", "--max-rss", "300M"]),
];
const CAT: usize = 1;
const OURS: usize = 3;

impl Between {
    fn name(self, at: usize) -> String {
        match self {
            Self::Nobody => "nobody".to_owned(),
            Self::Cat if at == CAT => "`cat`".to_owned(),
            Self::Cat => "`cat`, once more".to_owned(),
            Self::Recycle(options) => {
                let words = ["recycle", "--stdin", "lines"].into_iter();
                let words = words.chain(options.iter().copied()).collect::<Vec<_>>();
                format!("`{}`", words.join(" "))
            }
        }
    }

    /// What reads this input, and has the consumer behind it; who is waited for, the consumer last.
    fn start(self, setting: &Setting, input: Stdio) -> Result<Vec<Guard>> {
        let consumer = |mut command: Command, input: Stdio| {
            command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::null());
            Guard::start(&mut command)
        };
        Ok(match self {
            Self::Nobody => vec![consumer(role(&["discard"])?, input)?],
            Self::Cat => {
                let mut cat = setting.peers.command("cat").context("cat")?;
                let mut cat = Guard::start(cat.stdin(input).stdout(Stdio::piped()))?;
                let input = output(&mut cat.0)?;
                vec![cat, consumer(role(&["discard"])?, input.into())?]
            }
            Self::Recycle(options) => {
                let discard = role(&["discard"])?;
                let mut recycle = Command::new(&setting.recycle);
                recycle.args(["--stdin", "lines"]).args(options).arg("--");
                recycle.arg(discard.get_program()).args(discard.get_args());
                vec![consumer(recycle, input)?]
            }
        })
    }
}

/// This program in another role.
fn role(words: &[&str]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("command").args(words);
    Ok(command)
}

fn output(child: &mut Child) -> Result<std::process::ChildStdout> {
    child.stdout.take().context("no pipe")
}

/// From the first start to the last end: megabytes a second. All that went in must come out.
fn speed(between: Between, setting: &Setting, length: u64) -> Result<f64> {
    let mut produce = role(&["produce", &BYTES.to_string(), &length.to_string()])?;
    produce.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let began = Instant::now();
    let mut producer = Guard::start(&mut produce)?;
    let input = output(&mut producer.0)?;
    let mut all = between.start(setting, input.into())?;
    let mut told = String::new();
    let last = all.last_mut().context("nobody")?;
    output(&mut last.0)?.read_to_string(&mut told)?;
    // Who fails first is behind: the one before it then writes to nobody.
    for guard in all.iter_mut().rev().chain([&mut producer]) {
        let status = guard.0.wait()?;
        status.success().then_some(()).with_context(|| format!("ended by {status}"))?;
    }
    let seconds = began.elapsed().as_secs_f64();
    if told.trim() != BYTES.to_string() {
        bail!("{BYTES} bytes went in, and {:?} came out", told.trim());
    }
    Ok(BYTES as f64 / 1e6 / seconds)
}

/// All of them in turn, nobody always behind the same one.
fn speeds(setting: &Setting, length: u64, rounds: usize) -> Vec<Result<Sample>> {
    let mut speeds: Vec<Result<Vec<f64>>> = ALL.iter().map(|_| Ok(Vec::new())).collect();
    for round in 0..rounds {
        for step in 0..ALL.len() {
            let at = (round + step * [1, 2, 3, 4][round % 4]) % ALL.len();
            let Ok(so_far) = &mut speeds[at] else { continue };
            match speed(ALL[at], setting, length) {
                Ok(speed) => so_far.push(speed),
                Err(error) => speeds[at] = Err(error),
            }
        }
    }
    speeds.into_iter().map(|speeds| speeds.map(Sample::new)).collect()
}

pub(crate) fn lines(setting: &Setting) -> Result<Figure> {
    let mut table =
        Table::new(&["between the two", "bytes a line", "MB/s", "quartiles", "of `cat`"]);
    let mut reached = f64::NAN;
    for length in LENGTHS {
        let is_figure = length == LENGTHS[0];
        let samples = speeds(setting, length, if is_figure { ROUNDS } else { FEW_ROUNDS });
        let median = |at: usize| samples[at].as_ref().map_or(f64::NAN, Sample::median);
        if is_figure {
            reached = median(OURS) / median(CAT);
        }
        for (at, (between, sample)) in ALL.iter().zip(&samples).enumerate() {
            match sample {
                Err(error) => table.absent(&between.name(at), &format!("{error:#}")),
                Ok(sample) => table.line([
                    between.name(at),
                    length.to_string(),
                    format!("{:.0}", sample.median()),
                    sample.quartiles(0),
                    format!("{:.2}x", sample.median() / median(CAT)),
                ]),
            }
        }
    }
    Ok(Figure {
        about: format!(
            "`producer | cat | consumer`, `producer | recycle --stdin lines -- consumer` and \
             `producer | consumer`, {} GB of lines: from the first start to the last end, in turn, \
             {ROUNDS} times for the first length and {FEW_ROUNDS} for the others; medians and \
             quartiles. The producer writes 64 KiB at a time from memory, wherever lines end; the \
             consumer reads as much, and counts it. All pipes have their usual 64 KiB. What \
             the two lines of `cat` differ by is noise.",
            BYTES / 1_000_000_000
        ),
        goals: vec![Goal {
            what: format!(
                "`--stdin lines`, of `cat` in its place: {} GB of lines of {} bytes",
                BYTES / 1_000_000_000,
                LENGTHS[0]
            ),
            parts: vec![Part { value: reached, bound: Bound::AtLeast(0.8), unit: "x", digits: 2 }],
        }],
        table,
    })
}
