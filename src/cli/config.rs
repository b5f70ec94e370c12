//! What the command line means. Every value is read here, also one that does not apply.

mod input;
mod metrics;

use std::ffi::{CString, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{anyhow, ensure};

use super::values::{self, Parsed, mapping};
use super::{Args, Ignored, Typed};
use crate::act::stop::Scope;
use crate::decide::rules::{
    Idle, Lifetime, Measure, MemoryRules, Observe, Quiet, Rules, SignalMap,
};
use crate::report::metrics::Target;
use crate::report::{self, Loudness, Style};
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
    /// Variables that do not apply.
    pub(crate) ignored: Vec<Ignored>,
}

/// Commands of the user's own.
#[derive(Debug)]
pub(crate) struct Hooks {
    pub(crate) on_event: Option<CString>,
    pub(crate) pre_stop: Option<CString>,
}

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
        let idle_after = read_some(typed, "idle", self.idle.as_ref(), values::window)?;
        let or_zero = |option, text: &String| read(typed, option, text, values::duration_or_zero);
        let settle = or_zero("settle", &self.settle)?;
        let idle_cpu = read(typed, "idle-cpu", &self.idle_cpu, Share::parse)?;
        let max = read_some(typed, "max-lifetime", self.max_lifetime.as_ref(), values::duration)?;
        let jitter = read(typed, "jitter", &self.jitter, Share::parse)?;
        let gap = read_some(typed, "quiet", self.quiet.as_ref(), values::window)?;
        let wait = read(typed, "quiet-wait", &self.quiet_wait, values::duration)?;
        let map = self.map_signal.iter().map(|text| read(typed, "map-signal", text, mapping));
        let eof = self.eof_timeout.as_ref();
        let eof_timeout = read_some(typed, "eof-timeout", eof, values::duration)?;
        let rules = Rules {
            idle: idle_after.map(|after| Idle { after, settle }),
            idle_cpu: Some(idle_cpu).filter(|share| *share < Share::ALL),
            floor: read(typed, "idle-floor", &self.idle_floor, values::floor)?,
            memory: memory_rules(max_rss, max_pss, kill),
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
        check_map(&rules.map, typed)?;
        Ok(Config {
            traffic: read(typed, "traffic", &self.traffic, values::traffic)?,
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
            ignored: Vec::new(),
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
        Ok(Style {
            loudness: match (self.quiet_log, self.verbose) {
                (true, _) => Loudness::Quiet,
                (false, true) => Loudness::Verbose,
                (false, false) => Loudness::Normal,
            },
            format: read(typed, "log-format", &self.log_format, values::format)?,
            name: name.unwrap_or_else(|| file_name(&self.command)),
            samples: self.sample_every.is_some(),
            limits: limits(memory),
        })
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
) -> MemoryRules {
    let measure = match (max_rss, max_pss) {
        (None, Some(_)) => Measure::Pss,
        _ => Measure::Rss,
    };
    MemoryRules { max_rss, max_pss, kill: kill.map(|kill| (kill, measure)) }
}

fn check_map(map: &SignalMap, typed: &Typed<'_>) -> anyhow::Result<()> {
    for (place, (from, _)) in map.0.iter().enumerate() {
        let twice = map.0.iter().skip(place + 1).any(|(other, _)| other == from);
        ensure!(!twice, "{}: {from} is mapped more than once", typed.name("map-signal"));
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
