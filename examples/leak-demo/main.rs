//! A leak, and its cure: the same leaking program twice, alone and under `recycle --max-rss`, over
//! the same minute. Their memory is drawn in the terminal as it happens, or told line by line where
//! there is no terminal; at the end `recycle --chart` draws it for a browser.
//!
//!     leak-demo FILE.svg [SECONDS [RATE [LIMIT]]]
//!
//! RATE is megabytes a second, LIMIT megabytes. The logs are left beside FILE.svg.
//! `examples/leak-demo.sh` builds all it needs.

mod curve;
mod screen;

use std::fs::File;
use std::io::{IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use curve::Curve;
use screen::Picture;

/// How often is looked, and how often the picture is drawn again.
const LOOK: Duration = Duration::from_millis(100);
const REDRAW: Duration = Duration::from_millis(500);

/// What is shown.
struct Plan {
    svg: PathBuf,
    seconds: u64,
    /// Megabytes a second.
    rate: u64,
    /// Megabytes.
    limit: u64,
}

impl Plan {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let svg = words.next().context("leak-demo FILE.svg [SECONDS [RATE [LIMIT]]]")?;
        let mut number = |default: u64| match words.next() {
            Some(word) => word.parse().with_context(|| format!("'{word}' is not a number")),
            None => Ok(default),
        };
        // At 5 MB a second a generation is over 64 MB after 12 s: were it over within 10 s of its
        // start, twice in a row, recycle would say that the limit is too low, and hold off.
        let (seconds, rate, limit) = (number(60)?, number(5)?, number(64)?);
        Ok(Self { svg: svg.into(), seconds, rate, limit })
    }
}

/// Where the programs are: beside this one, and above.
struct Programs {
    recycle: PathBuf,
    leak: PathBuf,
}

impl Programs {
    fn find() -> Result<Self> {
        let here = std::env::current_exe()?;
        let examples = here.parent().context("no folder")?;
        let built = examples.parent().context("no folder")?;
        let programs = Self { recycle: built.join("recycle"), leak: examples.join("fixture") };
        for program in [&programs.recycle, &programs.leak] {
            ensure!(program.exists(), "no {}: examples/leak-demo.sh builds it", program.display());
        }
        Ok(programs)
    }
}

fn main() -> Result<()> {
    let plan = Plan::read(std::env::args().skip(1))?;
    let programs = Programs::find()?;
    show(&plan, &programs)
}

#[expect(clippy::disallowed_methods, reason = "a program that waits and looks, as people do")]
fn show(plan: &Plan, programs: &Programs) -> Result<()> {
    let leak = format!("leak:{}M/s", plan.rate);
    let limit = format!("{}M", plan.limit);
    let logs = ["alone.log", "recycled.log"].map(|end| plan.svg.with_extension(end));
    let start = |log: &Path, name: &str, options: &[&str]| {
        let mut command = Command::new(&programs.recycle);
        command.args(["--log-format", "json", "--sample-every", "500ms", "--name", name]);
        command.args(options).arg("--").arg(&programs.leak).arg(&leak);
        Curve::start(command, log)
    };
    let began = Instant::now();
    let alone = start(&logs[0], "alone", &[])?;
    let recycled = start(&logs[1], "recycled", &["--max-rss", &limit])?;
    let mut curves = [alone, recycled];
    let mut view = View::new();
    view.begin(plan)?;
    while began.elapsed().as_secs() < plan.seconds {
        std::thread::sleep(LOOK);
        for curve in &mut curves {
            curve.look()?;
        }
        view.go_on(plan, began.elapsed(), &mut curves)?;
    }
    for curve in &mut curves {
        curve.stop()?;
    }
    view.go_on(plan, Duration::from_secs(plan.seconds), &mut curves)?;
    let [alone, recycled] = &curves;
    let [alone, peak] = [alone.now(), recycled.peak()].map(curve::megabytes);
    writeln!(
        stdout(),
        "After {}s: alone {alone}M and growing, under recycle never more than {peak}M.",
        plan.seconds
    )?;
    let svg = File::create(&plan.svg)?;
    let chart = Command::new(&programs.recycle).arg("--chart").args(&logs).stdout(svg).status()?;
    ensure!(chart.success(), "recycle --chart failed");
    writeln!(stdout(), "The same, drawn by recycle --chart: {}", plan.svg.display())?;
    Ok(())
}

/// How it is shown.
enum View {
    /// A picture that is drawn again and again; when last.
    Terminal { drawn: Option<Duration> },
    /// A line each second; how many there were.
    Lines { told: u64 },
}

impl View {
    fn new() -> Self {
        // A picture that does not fit would run over itself.
        if stdout().is_terminal() && screen::fits() {
            Self::Terminal { drawn: None }
        } else {
            Self::Lines { told: 0 }
        }
    }

    fn begin(&self, plan: &Plan) -> Result<()> {
        let Plan { rate, limit, .. } = plan;
        writeln!(
            stdout(),
            "A program that leaks {rate} MB a second, alone and under recycle --max-rss {limit}M"
        )?;
        if matches!(self, Self::Lines { .. }) {
            writeln!(stdout(), "{:>5} {:>9} {:>9}", "time", "alone", "recycled")?;
        }
        Ok(())
    }

    fn go_on(&mut self, plan: &Plan, now: Duration, curves: &mut [Curve; 2]) -> Result<()> {
        match self {
            Self::Terminal { drawn } => {
                let last = now.as_secs() >= plan.seconds;
                if last || drawn.is_none_or(|drawn| now >= drawn + REDRAW) {
                    let [alone, recycled] = &*curves;
                    let Plan { seconds, limit, .. } = *plan;
                    let picture = Picture { seconds, limit, now, alone, recycled };
                    picture.draw(drawn.is_some())?;
                    *drawn = Some(now);
                }
            }
            Self::Lines { told } => {
                for said in curves.iter_mut().flat_map(Curve::said) {
                    writeln!(stdout(), "recycle: {said}")?;
                }
                if now.as_secs() > *told {
                    *told = now.as_secs();
                    let [alone, recycled] = [0, 1].map(|n| curve::megabytes(curves[n].now()));
                    let bar = usize::try_from(recycled * 24 / plan.limit.max(1))?;
                    let bar = "#".repeat(bar.min(48));
                    writeln!(stdout(), "{told:>4}s {alone:>8}M {recycled:>8}M  {bar}")?;
                }
            }
        }
        Ok(())
    }
}

/// Ends what was started, however this ends: it would leak on and on.
pub(crate) fn die_with_us(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let prepare = || Ok(nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM)?);
    // SAFETY: one system call, which touches no memory.
    #[expect(unsafe_code, reason = "between fork and exec")]
    unsafe {
        command.pre_exec(prepare)
    };
    command.stdin(Stdio::null()).stdout(Stdio::null());
}
