//! What the command line means. Every contradiction is found here, before anything is started.

mod input;
mod metrics;

use std::ffi::{CString, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{anyhow, bail, ensure};

use super::values::{self, Parsed, mapping};
use super::{Args, Typed};
use crate::act::stop::Scope;
use crate::decide::rules::{
    Idle, Lifetime, Measure, MemoryRules, Observe, Quiet, Rules, SignalMap, Threshold,
};
use crate::report::metrics::Target;
use crate::report::{self, Format, Loudness, Style};
use crate::sense::traffic::sources::Sources;
use crate::sys::files::can_enter;
use crate::units::{Bytes, Share, Size};

/// Everything that was asked for.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) command: Vec<OsString>,
    pub(crate) rules: Rules,
    /// Where COMMAND works; `None`: where we do.
    pub(crate) chdir: Option<PathBuf>,
    pub(crate) traffic: Sources,
    pub(crate) scope: Scope,
    pub(crate) style: Style,
    pub(crate) hooks: Hooks,
    pub(crate) metrics: Vec<Target>,
    /// Environment variables that COMMAND is not to inherit.
    pub(crate) hidden: Vec<String>,
}

/// Commands of the user's own.
#[derive(Debug)]
pub(crate) struct Hooks {
    pub(crate) on_event: Option<CString>,
    pub(crate) pre_stop: Option<CString>,
}

/// The options by which a recycle can come about, apart from signals.
const TRIGGERS: &str = "--idle, --max-rss, --max-pss or --max-lifetime";

impl Args {
    pub(super) fn into_config(
        self,
        typed: &Typed<'_>,
        hidden: Vec<String>,
        memory_limit: impl Fn() -> Option<Bytes>,
    ) -> anyhow::Result<Config> {
        let size = |option, text| {
            let parse = |text: &str| Size::parse(text)?.resolve(&memory_limit);
            read_some(typed, option, text, parse)
        };

        let max_rss = size("max-rss", self.max_rss.as_ref())?;
        let max_pss = size("max-pss", self.max_pss.as_ref())?;
        let kill = size("kill-rss", self.kill_rss.as_ref())?;
        let idle_after = read_some(typed, "idle", self.idle.as_ref(), values::duration)?;
        let or_zero = |option, text: &String| read(typed, option, text, values::duration_or_zero);
        let settle = or_zero("settle", &self.settle)?;
        let idle_cpu = read(typed, "idle-cpu", &self.idle_cpu, Share::parse)?;
        let max = read_some(typed, "max-lifetime", self.max_lifetime.as_ref(), values::duration)?;
        let jitter = read(typed, "jitter", &self.jitter, Share::parse)?;
        let gap = read_some(typed, "quiet", self.quiet.as_ref(), values::duration)?;
        let wait = read(typed, "quiet-wait", &self.quiet_wait, values::duration)?;
        let map = self.map_signal.iter().map(|text| read(typed, "map-signal", text, mapping));
        let eof = self.eof_timeout.as_ref();
        let eof_timeout = read_some(typed, "eof-timeout", eof, values::duration)?;
        let rules = Rules {
            idle: idle_after.map(|after| Idle { after, settle }),
            idle_cpu: Some(idle_cpu).filter(|share| *share < Share::ALL),
            floor: read(typed, "idle-floor", &self.idle_floor, values::floor)?,
            memory: memory_rules(max_rss, max_pss, kill)?,
            lifetime: max.map(|max| Lifetime { max, jitter }),
            min_lifetime: or_zero("min-lifetime", &self.min_lifetime)?,
            quiet: gap.map(|gap| Quiet { gap, wait }),
            then: read(typed, "then", &self.then, values::then)?,
            stop_signal: read(typed, "stop-signal", &self.stop_signal, values::signal)?,
            stop_timeout: or_zero("stop-timeout", &self.stop_timeout)?,
            is_init: std::process::id() == 1,
            pre_stop: self.pre_stop_timeout(typed)?,
            map: SignalMap(map.collect::<anyhow::Result<_>>()?),
            lines: self.lines(typed, &memory_limit)?,
            eof_timeout,
            restart: read(typed, "restart", &self.restart, values::restart)?,
            max_restarts: read(typed, "max-restarts", &self.max_restarts, values::budget)?,
            backoff: read(typed, "backoff", &self.backoff, values::backoff)?,
            sample_every: self.pace_of_samples(typed)?,
            // What is unknown caps nothing.
            observe: self
                .observe
                .then(|| Observe { memory: memory_limit().unwrap_or(Bytes(u64::MAX)) }),
        };
        check(&rules, typed, &self)?;
        let traffic = read(typed, "traffic", &self.traffic, values::traffic)?;
        input::check(&rules, &traffic, typed)?;
        Ok(Config {
            traffic,
            scope: read(typed, "signal-scope", &self.signal_scope, values::scope)?,
            hooks: Hooks {
                on_event: read_some(typed, "on-event", self.on_event.as_ref(), values::script)?,
                pre_stop: read_some(typed, "pre-stop", self.pre_stop.as_ref(), values::script)?,
            },
            style: self.style(typed, &rules.memory)?,
            metrics: self.targets(typed)?,
            chdir: read_some(typed, "chdir", self.chdir.as_ref(), directory)?,
            command: self.command,
            rules,
            hidden,
        })
    }
}

impl Args {
    fn pre_stop_timeout(&self, typed: &Typed<'_>) -> anyhow::Result<Option<Duration>> {
        let timeout = &self.pre_stop_timeout;
        let timeout = read(typed, "pre-stop-timeout", timeout, values::duration)?;
        Ok(self.pre_stop.as_ref().map(|_| timeout))
    }

    fn style(&self, typed: &Typed<'_>, memory: &MemoryRules) -> anyhow::Result<Style> {
        let name = read_some(typed, "name", self.name.as_ref(), values::name)?;
        let style = Style {
            loudness: loudness(typed, self.quiet_log, self.verbose)?,
            format: read(typed, "log-format", &self.log_format, values::format)?,
            name: name.unwrap_or_else(|| file_name(&self.command)),
            samples: self.sample_every.is_some(),
            limits: limits(memory),
        };
        let hooks = self.on_event.is_some() || self.pre_stop.is_some();
        let needs_name = style.format != Format::Text || hooks || !self.metrics.is_empty();
        ensure!(
            needs_name || !typed.given("name"),
            "{}: means nothing without --log-format json or logfmt, --metrics, --on-event or \
             --pre-stop",
            typed.name("name")
        );
        Ok(style)
    }
}

/// Makes a value of text, or a line with option, text and what is allowed.
fn read<T>(
    typed: &Typed<'_>,
    option: &str,
    text: &str,
    parse: impl Fn(&str) -> Parsed<T>,
) -> anyhow::Result<T> {
    let refused = |what| anyhow!("{} '{}': {what}", typed.name(option), text.escape_default());
    parse(text).map_err(refused)
}

/// A directory that can be entered.
fn directory(text: &str) -> Parsed<PathBuf> {
    let path = PathBuf::from(text);
    match can_enter(&path) {
        Ok(()) => Ok(path),
        Err(errno) => {
            let error = report::error(errno as i32);
            Err(format!("expected a directory that can be entered: {error}"))
        }
    }
}

/// The same for an option that may be absent.
fn read_some<T>(
    typed: &Typed<'_>,
    option: &str,
    text: Option<&String>,
    parse: impl Fn(&str) -> Parsed<T>,
) -> anyhow::Result<Option<T>> {
    text.map(|text| read(typed, option, text, parse)).transpose()
}

fn memory_rules(
    max_rss: Option<Bytes>,
    max_pss: Option<Bytes>,
    kill: Option<Bytes>,
) -> anyhow::Result<MemoryRules> {
    if let (Some(rss), Some(pss)) = (max_rss, max_pss) {
        ensure!(
            pss < rss,
            "--max-pss {pss}: must be less than --max-rss {rss}, which would be exceeded first"
        );
    }
    let (beside, name, measure) = match (max_rss, max_pss) {
        (Some(rss), _) => (Some(rss), "--max-rss", Measure::Rss),
        (None, Some(pss)) => (Some(pss), "--max-pss", Measure::Pss),
        (None, None) => (None, "", Measure::Rss),
    };
    if let (Some(kill), Some(beside)) = (kill, beside) {
        ensure!(
            kill > beside,
            "--kill-rss {kill}: must be more than {name} {beside}, or no stop could be graceful"
        );
    }
    Ok(MemoryRules { max_rss, max_pss, kill: kill.map(|kill| (kill, measure)) })
}

/// Options that contradict each other, or mean nothing without another one.
fn check(rules: &Rules, typed: &Typed<'_>, args: &Args) -> anyhow::Result<()> {
    if let Some(Quiet { gap, wait }) = rules.quiet {
        ensure!(
            wait >= gap,
            "--quiet-wait '{}': must not be less than --quiet '{}'",
            args.quiet_wait,
            args.quiet.as_deref().unwrap_or_default()
        );
    }
    let longest = rules.lifetime.map_or(Duration::MAX, |lifetime| lifetime.max);
    ensure!(
        rules.min_lifetime <= longest,
        "--min-lifetime '{}': must not be more than --max-lifetime '{}'",
        args.min_lifetime,
        args.max_lifetime.as_deref().unwrap_or_default()
    );
    let memory = rules.memory.max_rss.or(rules.memory.max_pss).is_some();
    let lifetime = rules.lifetime.is_some();
    let idle = rules.idle.is_some();
    let watched = rules.sample_every.is_some() || rules.observe.is_some();
    let traffic = idle || rules.quiet.is_some() || watched;
    let needs = [
        ("jitter", lifetime, "--max-lifetime"),
        ("quiet", memory || lifetime, "--max-rss, --max-pss or --max-lifetime"),
        ("quiet-wait", rules.quiet.is_some(), "--quiet"),
        ("settle", idle, "--idle"),
        ("pre-stop", rules.plans_gracefully(), "anything to recycle for but --kill-rss"),
        ("pre-stop-timeout", rules.pre_stop.is_some(), "--pre-stop"),
        ("idle-cpu", idle || rules.quiet.is_some(), "--idle or --quiet"),
        ("traffic", traffic, "--idle, --quiet, --sample-every, --metrics or --observe"),
        ("idle-floor", idle || rules.quiet.is_some(), "--idle or --quiet"),
        ("min-lifetime", idle || memory || lifetime, TRIGGERS),
    ];
    for (option, met, what) in needs {
        ensure!(
            met || !typed.given(option),
            "{}: means nothing without {what}",
            typed.name(option)
        );
    }
    // Without --idle nobody looks often enough to learn anything.
    ensure!(
        idle || rules.floor != Some(Threshold::Auto),
        "{} auto: means nothing without --idle",
        typed.name("idle-floor")
    );
    let shortest = Duration::from_millis(10);
    let windows = [
        ("idle", rules.idle.map(|idle| idle.after)),
        ("quiet", gap(rules)),
        ("sample-every", rules.sample_every),
    ];
    for (option, window) in windows {
        let short = window.is_some_and(|window| window < shortest);
        ensure!(!short, "{}: must be at least 10ms", typed.name(option));
    }
    for (place, (from, _)) in rules.map.0.iter().enumerate() {
        let twice = rules.map.0.iter().skip(place + 1).any(|(other, _)| other == from);
        ensure!(!twice, "--map-signal: {from} is mapped more than once");
    }
    Ok(())
}

/// COMMAND's file name, for machines: without anything that could be a terminal's business.
pub(super) fn file_name(command: &[OsString]) -> String {
    let path = command.first().map(Path::new);
    let name = path.and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_control() { '?' } else { c };
    name.chars().map(plain).collect()
}

fn limits(memory: &MemoryRules) -> Vec<(&'static str, Bytes)> {
    let MemoryRules { max_rss, max_pss, kill } = *memory;
    let kill = kill.map(|(bytes, _)| bytes);
    let all = [("max_rss", max_rss), ("max_pss", max_pss), ("kill_rss", kill)];
    all.into_iter().filter_map(|(name, limit)| Some((name, limit?))).collect()
}

fn gap(rules: &Rules) -> Option<Duration> {
    rules.quiet.map(|quiet| quiet.gap)
}

/// A flag wins over the environment; two of the same rank contradict each other.
fn loudness(typed: &Typed<'_>, quiet: bool, verbose: bool) -> anyhow::Result<Loudness> {
    match (quiet, verbose) {
        (false, false) => Ok(Loudness::Normal),
        (true, false) => Ok(Loudness::Quiet),
        (false, true) => Ok(Loudness::Verbose),
        (true, true) => match (typed.by_variable("quiet-log"), typed.by_variable("verbose")) {
            (false, true) => Ok(Loudness::Quiet),
            (true, false) => Ok(Loudness::Verbose),
            _ => bail!("--quiet-log and --verbose contradict each other"),
        },
    }
}
