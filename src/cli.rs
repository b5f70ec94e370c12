//! The command line: what was typed (`Args`) and what it means (`Config`).

mod bare;
#[cfg(feature = "chart")]
mod chart;
#[cfg(test)]
mod completions {
    mod tests;
}
mod config;
mod constraints;
mod given;
mod refused;
mod typed;
pub(crate) mod values;

use std::ffi::OsString;
#[cfg(feature = "chart")]
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{CommandFactory, FromArgMatches, Parser};

pub(crate) use self::config::{Config, Hooks};
pub(crate) use self::constraints::Ignored;
pub(crate) use self::given::Given;
use self::typed::Typed;
use crate::decide::rules::{Measure, Then};
use crate::sys::environment::{self, Entry};
use crate::units::Bytes;

/// What was typed, on the command line or in the environment: text, not yet looked at.
///
/// This is the table of options: name, value, variable, default, group and help line of each.
/// `COMMON`, `NEEDS` and `CONFLICTS` below have the rest. Tests compare the manual, the README and
/// the completions with it.
#[derive(Debug, Parser)]
#[command(
    name = "recycle",
    version,
    about = "Runs COMMAND and recycles it (a graceful restart) before its leaks hurt.",
    override_usage = "recycle [OPTIONS] [--] COMMAND [ARG]...",
    after_help = AFTER_COMMON,
    after_long_help = AFTER_ALL,
    disable_help_flag = true,
    disable_version_flag = true
)]
struct Args {
    /// Recycle when traffic has been idle this long
    #[arg(long, value_name = "DURATION", env = "RECYCLE_IDLE", help_heading = WHEN)]
    idle: Option<String>,
    /// Recycle when resident memory exceeds this
    #[arg(long, value_name = "SIZE", env = "RECYCLE_MAX_RSS", help_heading = WHEN)]
    max_rss: Option<String>,
    /// The same, but count shared pages once
    #[arg(long, value_name = "SIZE", env = "RECYCLE_MAX_PSS", help_heading = WHEN)]
    max_pss: Option<String>,
    /// Kill at once when memory exceeds this
    #[arg(long, value_name = "SIZE", env = "RECYCLE_KILL_RSS", help_heading = WHEN)]
    kill_rss: Option<String>,
    /// Recycle when COMMAND has run this long
    #[arg(long, value_name = "DURATION", env = "RECYCLE_MAX_LIFETIME", help_heading = WHEN)]
    max_lifetime: Option<String>,
    /// Randomly shorten lifetimes
    #[arg(long, value_name = "PERCENT", env = "RECYCLE_JITTER", help_heading = WHEN)]
    #[arg(default_value = "0%")]
    jitter: String,
    /// Do not recycle before this age
    #[arg(long, value_name = "DURATION", env = "RECYCLE_MIN_LIFETIME", help_heading = WHEN)]
    #[arg(default_value = "0s")]
    min_lifetime: String,
    /// Delay memory and lifetime recycles until
    /// traffic has been quiet this long
    #[arg(long, value_name = "DURATION", env = "RECYCLE_QUIET", help_heading = WHEN)]
    #[arg(verbatim_doc_comment)]
    quiet: Option<String>,
    /// Longest delay by --quiet
    #[arg(long, value_name = "DURATION", env = "RECYCLE_QUIET_WAIT", help_heading = WHEN)]
    #[arg(default_value = "1m")]
    quiet_wait: String,

    /// What counts: stdin, sockets, tcp, udp, unix,
    /// inbound, port:N, !port:N
    #[arg(long, value_name = "LIST", env = "RECYCLE_TRAFFIC", help_heading = QUIET)]
    #[arg(default_value = "stdin,sockets", verbatim_doc_comment)]
    traffic: String,
    /// Ignore up to this much TCP payload per idle
    /// window: SIZE, SIZE/conn or auto
    #[arg(long, value_name = "SIZE", env = "RECYCLE_IDLE_FLOOR", help_heading = QUIET)]
    #[arg(default_value = "0B", verbatim_doc_comment)]
    idle_floor: String,
    /// Ignore COMMAND's own connections this long
    /// after each start
    #[arg(long, value_name = "DURATION", env = "RECYCLE_SETTLE", help_heading = QUIET)]
    #[arg(default_value = "10s", verbatim_doc_comment)]
    settle: String,
    /// CPU usage above this counts as busy
    #[arg(long, value_name = "PERCENT", env = "RECYCLE_IDLE_CPU", help_heading = QUIET)]
    #[arg(default_value = "5%")]
    idle_cpu: String,

    /// Mode: inherit or lines
    #[arg(long, value_name = "MODE", env = "RECYCLE_STDIN", help_heading = INPUT)]
    #[arg(default_value = "inherit")]
    stdin: String,
    /// Split longer lines
    #[arg(long, value_name = "SIZE", env = "RECYCLE_MAX_LINE", help_heading = INPUT)]
    #[arg(default_value = "1M")]
    max_line: String,
    /// Before a stop, close COMMAND's input and wait
    /// this long for it to finish
    #[arg(long, value_name = "DURATION", env = "RECYCLE_DRAIN_TIMEOUT", help_heading = INPUT)]
    #[arg(default_value = "30s", verbatim_doc_comment)]
    drain_timeout: String,
    /// After the end of input, give COMMAND this
    /// long, then stop it and exit
    #[arg(long, value_name = "DURATION", env = "RECYCLE_EOF_TIMEOUT", help_heading = INPUT)]
    #[arg(verbatim_doc_comment)]
    eof_timeout: Option<String>,

    /// Signal for a planned stop
    #[arg(long, value_name = "SIGNAL", env = "RECYCLE_STOP_SIGNAL", help_heading = STOP)]
    #[arg(default_value = "TERM")]
    stop_signal: String,
    /// Then kill after this long
    #[arg(long, value_name = "DURATION", env = "RECYCLE_STOP_TIMEOUT", help_heading = STOP)]
    #[arg(default_value = "30s")]
    stop_timeout: String,
    /// Run a shell command before the signal
    #[arg(long, value_name = "COMMAND", env = "RECYCLE_PRE_STOP", help_heading = STOP)]
    pre_stop: Option<String>,
    /// Time limit of --pre-stop
    #[arg(long, value_name = "DURATION", env = "RECYCLE_PRE_STOP_TIMEOUT", help_heading = STOP)]
    #[arg(default_value = "10s")]
    pre_stop_timeout: String,
    /// After a stop: restart, exit[:STATUS],
    /// command, or wait
    #[arg(long, value_name = "ACTION", env = "RECYCLE_THEN", help_heading = STOP)]
    #[arg(default_value = "restart", verbatim_doc_comment)]
    then: String,

    /// Send signals to child or group
    #[arg(long, value_name = "SCOPE", env = "RECYCLE_SIGNAL_SCOPE", help_heading = SIGNALS)]
    #[arg(default_value = "child")]
    signal_scope: String,
    /// Forward FROM as TO: a signal, none or recycle
    #[arg(long, value_name = "FROM:TO", env = "RECYCLE_MAP_SIGNAL", help_heading = SIGNALS)]
    #[arg(value_delimiter = ',')]
    map_signal: Vec<String>,

    /// Start COMMAND in this directory, resolved
    /// again for each generation
    #[arg(long, value_name = "DIR", env = "RECYCLE_CHDIR", help_heading = STARTS)]
    #[arg(verbatim_doc_comment)]
    chdir: Option<String>,

    /// Restart it: never, on-failure
    /// or always
    #[arg(long, value_name = "WHEN", env = "RECYCLE_RESTART", help_heading = CRASHES)]
    #[arg(default_value = "never", verbatim_doc_comment)]
    restart: String,
    /// Give up above this rate
    #[arg(long, value_name = "N/DURATION", env = "RECYCLE_MAX_RESTARTS", help_heading = CRASHES)]
    #[arg(default_value = "5/1m")]
    max_restarts: String,
    /// Restart delay, doubling
    #[arg(long, value_name = "MIN..MAX", env = "RECYCLE_BACKOFF", help_heading = CRASHES)]
    #[arg(default_value = "100ms..30s")]
    backoff: String,

    /// Draw JSON logs: recycle --chart LOG... > F.svg
    #[cfg(feature = "chart")]
    #[arg(long, help_heading = CHARTS)]
    chart: bool,

    /// text, json or logfmt, on stderr
    #[arg(long, value_name = "FORMAT", env = "RECYCLE_LOG_FORMAT", help_heading = LOGS)]
    #[arg(default_value = "text")]
    log_format: String,
    /// Log memory and traffic this often
    #[arg(long, value_name = "DURATION", env = "RECYCLE_SAMPLE_EVERY", help_heading = LOGS)]
    sample_every: Option<String>,
    /// Export metrics: statsd://HOST:PORT[/PREFIX]
    /// or prom:FILE
    #[arg(long, value_name = "URL", env = "RECYCLE_METRICS", help_heading = LOGS)]
    #[arg(value_delimiter = ',', verbatim_doc_comment)]
    metrics: Vec<String>,
    /// Run a shell command on each important event
    #[arg(long, value_name = "COMMAND", env = "RECYCLE_ON_EVENT", help_heading = LOGS)]
    on_event: Option<String>,
    /// Name used in logs and metrics
    #[arg(long, value_name = "NAME", env = "RECYCLE_NAME", help_heading = LOGS)]
    name: Option<String>,
    /// Log errors only
    #[arg(short, long, env = "RECYCLE_QUIET_LOG", help_heading = LOGS)]
    #[arg(value_parser = FalseyValueParser::new())]
    quiet_log: bool,
    /// Log the reason for each decision
    #[arg(short, long, env = "RECYCLE_VERBOSE", help_heading = LOGS)]
    #[arg(value_parser = FalseyValueParser::new())]
    verbose: bool,
    /// Recycle nothing: log what would be recycled,
    /// and suggest limits
    #[arg(long, env = "RECYCLE_OBSERVE", help_heading = OTHER)]
    #[arg(value_parser = FalseyValueParser::new(), verbatim_doc_comment)]
    observe: bool,
    /// Print what would happen here; run nothing
    #[arg(long, env = "RECYCLE_EXPLAIN", help_heading = OTHER)]
    #[arg(value_parser = FalseyValueParser::new())]
    explain: bool,
    /// Print the common options (-h) or all (--help)
    #[arg(short, long, action = clap::ArgAction::Help, help_heading = OTHER)]
    help: Option<bool>,
    /// Print the version
    #[arg(short = 'V', long, action = clap::ArgAction::Version, help_heading = OTHER)]
    version: Option<bool>,

    /// With --chart, its files.
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, hide = true)]
    #[cfg_attr(feature = "chart", arg(required = false, required_unless_present = "chart"))]
    command: Vec<OsString>,
}

const WHEN: &str = "When to recycle";
const QUIET: &str = "What counts as traffic";
const INPUT: &str = "Standard input";
const STOP: &str = "How to stop COMMAND";
const SIGNALS: &str = "Signals";
const STARTS: &str = "How to start COMMAND";
const CRASHES: &str = "When COMMAND exits by itself";
#[cfg(feature = "chart")]
const CHARTS: &str = "Charts";
const LOGS: &str = "Logs and metrics";
const OTHER: &str = "Other";

/// The options that `-h` shows.
const COMMON: [&str; 12] = [
    "idle",
    "max-rss",
    "max-pss",
    "kill-rss",
    "max-lifetime",
    "quiet",
    "stop-signal",
    "stop-timeout",
    "then",
    "restart",
    "observe",
    "explain",
];
const AFTER_COMMON: &str = "\
Sizes: 512M, or 80% of the memory limit. Durations: 90s, 1h 30m.
All options: recycle --help. Manual: man recycle.";
const AFTER_ALL: &str = "\
Sizes need a unit (512M, 1.5G) or are a share of the memory limit (80%).
Durations need a unit (90s, 1h 30m). Each option is also a variable:
--max-rss is RECYCLE_MAX_RSS. A flag wins over its variable.

Exit status: that of COMMAND; 125: recycle failed; 126: COMMAND cannot be
executed; 127: COMMAND not found. Manual: man recycle.";

/// Options by which a recycle can come about that begins with a graceful stop.
const GRACEFUL: &[&str] =
    &["--idle", "--max-rss", "--max-pss", "--max-lifetime", "--map-signal FROM:recycle"];

/// What an option requires: one of those beside it. Either may be of one value only. A flag without
/// it is an error; a variable is ignored.
const NEEDS: [(&str, &[&str]); 16] = [
    ("jitter", &["--max-lifetime"]),
    ("min-lifetime", &["--idle", "--max-rss", "--max-pss", "--max-lifetime"]),
    ("quiet", &["--max-rss", "--max-pss", "--max-lifetime"]),
    ("quiet-wait", &["--quiet"]),
    ("traffic", &["--idle", "--quiet", "--sample-every", "--metrics", "--observe"]),
    ("idle-floor", &["--idle", "--quiet"]),
    // Without --idle there are too few looks to learn anything.
    ("idle-floor auto", &["--idle"]),
    ("settle", &["--idle"]),
    ("idle-cpu", &["--idle", "--quiet"]),
    ("max-line", &["--stdin lines"]),
    ("drain-timeout", &["--stdin lines"]),
    ("drain-timeout", GRACEFUL),
    ("pre-stop", GRACEFUL),
    ("pre-stop-timeout", &["--pre-stop"]),
    (
        "then",
        &[
            "--idle",
            "--max-rss",
            "--max-pss",
            "--kill-rss",
            "--max-lifetime",
            "--map-signal FROM:recycle",
        ],
    ),
    (
        "name",
        &["--log-format json", "--log-format logfmt", "--metrics", "--on-event", "--pre-stop"],
    ),
];

/// Two options whose values do not go together. A flag wins over a variable; else it is an error.
struct Conflict {
    option: &'static str,
    /// What holds between them: a phrase.
    rule: &'static str,
    other: &'static str,
    is_broken: fn(&Config, &Typed<'_>) -> bool,
}

const CONFLICTS: [Conflict; 7] = [
    Conflict {
        option: "quiet-wait",
        rule: "must not be less than",
        other: "quiet",
        is_broken: |config, _| config.rules.quiet.is_some_and(|quiet| quiet.wait < quiet.gap),
    },
    Conflict {
        option: "min-lifetime",
        rule: "must not be more than",
        other: "max-lifetime",
        is_broken: |Config { rules, .. }, _| {
            rules.lifetime.is_some_and(|lifetime| rules.min_lifetime > lifetime.max)
        },
    },
    Conflict {
        option: "max-pss",
        rule: "must be less than",
        other: "max-rss",
        is_broken: |config, _| {
            let memory = &config.rules.memory;
            memory.max_pss.zip(memory.max_rss).is_some_and(|(pss, rss)| pss >= rss)
        },
    },
    Conflict {
        option: "kill-rss",
        rule: "must be more than",
        other: "max-rss",
        is_broken: |config, _| {
            let memory = &config.rules.memory;
            memory.kill.zip(memory.max_rss).is_some_and(|((kill, _), rss)| kill <= rss)
        },
    },
    Conflict {
        option: "kill-rss",
        rule: "must be more than",
        other: "max-pss",
        is_broken: |config, _| {
            let memory = &config.rules.memory;
            let kill = memory.kill.filter(|(_, measure)| *measure == Measure::Pss);
            kill.zip(memory.max_pss).is_some_and(|((kill, _), pss)| kill <= pss)
        },
    },
    Conflict {
        option: "then",
        rule: "requires stdin in",
        other: "traffic",
        is_broken: |config, _| config.rules.then == Then::Wait && !config.traffic.stdin,
    },
    Conflict {
        option: "quiet-log",
        rule: "contradicts",
        other: "verbose",
        is_broken: |_, typed| typed.is_on("quiet-log") && typed.is_on("verbose"),
    },
];

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Request {
    Run(Box<Config>),
    /// Run nothing, say what would happen.
    Explain(Box<Config>, Given),
    /// Draw these logs; `-` is standard input.
    #[cfg(feature = "chart")]
    Chart(Vec<PathBuf>),
    /// Help or version: print this to stdout and leave.
    Print(String),
}

/// Reads the command line and the environment. `memory_limit` is asked only for percentages.
///
/// # Errors
/// One line that names the option, what was given and what is allowed.
pub(crate) fn parse(
    words: impl Iterator<Item = OsString>,
    memory_limit: impl Fn() -> Option<Bytes>,
) -> anyhow::Result<Request> {
    let words: Vec<_> = words.skip(1).collect();
    match bare::config(&words, environment::entries().map(Entry::name)) {
        Some(config) => Ok(Request::Run(Box::new(config))),
        None => parse_options(words, memory_limit),
    }
}

/// The same by clap, for any words.
fn parse_options(
    words: Vec<OsString>,
    memory_limit: impl Fn() -> Option<Bytes>,
) -> anyhow::Result<Request> {
    let mut hidden = None;
    let mut ignored = Vec::new();
    loop {
        let command = &mut command(&ignored);
        // In the first round none is ignored: these are all.
        let hidden = hidden.get_or_insert_with(|| variables(command));
        let matches = match command.try_get_matches_from_mut(&words) {
            Ok(matches) => matches,
            Err(error) => return refused::refused(&error, command, &words),
        };
        let args = Args::from_arg_matches(&matches)
            .map_err(|error| anyhow::anyhow!(refused::one_line(&error)))?;
        let given = Given::among(command, &matches);
        #[cfg(feature = "chart")]
        if args.chart {
            return chart::request(&given, args.command);
        }
        let explain = args.explain;
        let typed = Typed { matches: &matches };
        let config = args.into_config(&typed, hidden.clone(), &memory_limit)?;
        let more = constraints::check(&config, &typed, &ignored)?;
        if more.is_empty() {
            let config = Box::new(Config { ignored, ..config });
            return Ok(match explain {
                true => Request::Explain(config, given),
                false => Request::Run(config),
            });
        }
        // As if they were not set: each round has fewer variables.
        ignored.extend(more);
    }
}

/// All options, but for the variables of these.
fn command(ignored: &[Ignored]) -> clap::Command {
    Args::command().no_binary_name(true).mut_args(|arg| {
        // A value that begins with a dash is a bad value, not an unknown option.
        let option_with_value = arg.get_long().is_some() && arg.get_action().takes_values();
        let is_ignored = ignored.iter().any(|it| arg.get_long() == Some(it.option));
        let is_common = arg.get_long().is_some_and(|long| COMMON.contains(&long));
        let arg = arg.hide_env(true).allow_hyphen_values(option_with_value);
        let arg = arg.hide_short_help(!is_common);
        if is_ignored { arg.env(None::<&'static str>) } else { arg }
    })
}

/// The environment variables of all options: COMMAND is not to inherit them.
fn variables(command: &clap::Command) -> Vec<String> {
    let names = command.get_arguments().filter_map(clap::Arg::get_env);
    names.filter_map(|name| name.to_str().map(str::to_owned)).collect()
}
