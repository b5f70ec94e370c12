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
#[derive(Debug, Parser)]
#[command(
    name = "recycle",
    version,
    about = "Runs COMMAND and restarts it, gracefully, before its leaks hurt.",
    override_usage = "recycle [OPTIONS] [--] COMMAND [ARG]...",
    after_help = AFTER_HELP,
    disable_help_flag = true,
    disable_version_flag = true
)]
struct Args {
    /// Recycle when quiet this long, after traffic
    #[arg(long, value_name = "DURATION", env = "RECYCLE_IDLE", help_heading = WHEN)]
    idle: Option<String>,
    /// Recycle when the sum of RSS exceeds this
    #[arg(long, value_name = "SIZE", env = "RECYCLE_MAX_RSS", help_heading = WHEN)]
    max_rss: Option<String>,
    /// The same for PSS: shared pages count once
    #[arg(long, value_name = "SIZE", env = "RECYCLE_MAX_PSS", help_heading = WHEN)]
    max_pss: Option<String>,
    /// Kill at once when memory exceeds this
    #[arg(long, value_name = "SIZE", env = "RECYCLE_KILL_RSS", help_heading = WHEN)]
    kill_rss: Option<String>,
    /// Recycle when a generation is this old
    #[arg(long, value_name = "DURATION", env = "RECYCLE_MAX_LIFETIME", help_heading = WHEN)]
    max_lifetime: Option<String>,
    /// Shorten lifetimes, at random
    #[arg(long, value_name = "PERCENT", env = "RECYCLE_JITTER", help_heading = WHEN)]
    #[arg(default_value = "0%")]
    jitter: String,
    /// Hold every recycle until this age
    #[arg(long, value_name = "DURATION", env = "RECYCLE_MIN_LIFETIME", help_heading = WHEN)]
    #[arg(default_value = "0s")]
    min_lifetime: String,
    /// Hold memory and lifetime recycles until quiet
    #[arg(long, value_name = "DURATION", env = "RECYCLE_QUIET", help_heading = WHEN)]
    quiet: Option<String>,
    /// ... but no longer than this
    #[arg(long, value_name = "DURATION", env = "RECYCLE_QUIET_WAIT", help_heading = WHEN)]
    #[arg(default_value = "1m")]
    quiet_wait: String,

    /// stdin, sockets, tcp, udp, unix, inbound;
    /// port:N, !port:N
    #[arg(long, value_name = "LIST", env = "RECYCLE_TRAFFIC", help_heading = QUIET)]
    #[arg(default_value = "stdin,sockets", verbatim_doc_comment)]
    traffic: String,
    /// Ignore up to this much TCP payload per idle
    /// window: SIZE, SIZE/conn or auto
    #[arg(long, value_name = "SIZE", env = "RECYCLE_IDLE_FLOOR", help_heading = QUIET)]
    #[arg(default_value = "0B", verbatim_doc_comment)]
    idle_floor: String,
    /// COMMAND's own connections do not arm --idle
    /// this soon after its start
    #[arg(long, value_name = "DURATION", env = "RECYCLE_SETTLE", help_heading = QUIET)]
    #[arg(default_value = "10s", verbatim_doc_comment)]
    settle: String,
    /// More of one CPU is work, not quiet
    #[arg(long, value_name = "PERCENT", env = "RECYCLE_IDLE_CPU", help_heading = QUIET)]
    #[arg(default_value = "5%")]
    idle_cpu: String,

    /// inherit or lines
    #[arg(long, value_name = "MODE", env = "RECYCLE_STDIN", help_heading = INPUT)]
    #[arg(default_value = "inherit")]
    stdin: String,
    /// Longer lines pass in pieces
    #[arg(long, value_name = "SIZE", env = "RECYCLE_MAX_LINE", help_heading = INPUT)]
    #[arg(default_value = "1M")]
    max_line: String,
    /// To recycle, close COMMAND's input and wait
    /// this long before the stop
    #[arg(long, value_name = "DURATION", env = "RECYCLE_DRAIN_TIMEOUT", help_heading = INPUT)]
    #[arg(default_value = "30s", verbatim_doc_comment)]
    drain_timeout: String,
    /// Stop COMMAND and leave this long after the
    /// end of input
    #[arg(long, value_name = "DURATION", env = "RECYCLE_EOF_TIMEOUT", help_heading = INPUT)]
    #[arg(verbatim_doc_comment)]
    eof_timeout: Option<String>,

    /// Sent to COMMAND, then CONT
    #[arg(long, value_name = "SIGNAL", env = "RECYCLE_STOP_SIGNAL", help_heading = STOP)]
    #[arg(default_value = "TERM")]
    stop_signal: String,
    /// KILL the tree after this
    #[arg(long, value_name = "DURATION", env = "RECYCLE_STOP_TIMEOUT", help_heading = STOP)]
    #[arg(default_value = "30s")]
    stop_timeout: String,
    /// Shell command to run before that
    #[arg(long, value_name = "COMMAND", env = "RECYCLE_PRE_STOP", help_heading = STOP)]
    pre_stop: Option<String>,
    /// ... and wait for this long
    #[arg(long, value_name = "DURATION", env = "RECYCLE_PRE_STOP_TIMEOUT", help_heading = STOP)]
    #[arg(default_value = "10s")]
    pre_stop_timeout: String,
    /// restart, exit[:STATUS],
    /// end as command, or wait
    /// for input
    #[arg(long, value_name = "ACTION", env = "RECYCLE_THEN", help_heading = STOP)]
    #[arg(default_value = "restart", verbatim_doc_comment)]
    then: String,

    /// Signals go to child or group
    #[arg(long, value_name = "SCOPE", env = "RECYCLE_SIGNAL_SCOPE", help_heading = SIGNALS)]
    #[arg(default_value = "child")]
    signal_scope: String,
    /// Pass FROM on as TO: a signal, none, recycle
    #[arg(long, value_name = "FROM:TO", env = "RECYCLE_MAP_SIGNAL", help_heading = SIGNALS)]
    #[arg(value_delimiter = ',')]
    map_signal: Vec<String>,

    /// Start COMMAND in this directory, resolved anew
    /// for each generation
    #[arg(long, value_name = "DIR", env = "RECYCLE_CHDIR", help_heading = STARTS)]
    #[arg(verbatim_doc_comment)]
    chdir: Option<String>,

    /// never, on-failure or always
    #[arg(long, value_name = "WHEN", env = "RECYCLE_RESTART", help_heading = CRASHES)]
    #[arg(default_value = "never")]
    restart: String,
    /// Give up after more than N
    #[arg(long, value_name = "N/DURATION", env = "RECYCLE_MAX_RESTARTS", help_heading = CRASHES)]
    #[arg(default_value = "5/1m")]
    max_restarts: String,
    /// Doubling delay
    #[arg(long, value_name = "MIN..MAX", env = "RECYCLE_BACKOFF", help_heading = CRASHES)]
    #[arg(default_value = "100ms..30s")]
    backoff: String,

    /// Draw JSON logs: recycle --chart LOG... > F.svg
    #[cfg(feature = "chart")]
    #[arg(long, help_heading = SEEING)]
    chart: bool,

    /// text, json or logfmt, on stderr
    #[arg(long, value_name = "FORMAT", env = "RECYCLE_LOG_FORMAT", help_heading = OTHER)]
    #[arg(default_value = "text")]
    log_format: String,
    /// Also log memory and traffic at this pace
    #[arg(long, value_name = "DURATION", env = "RECYCLE_SAMPLE_EVERY", help_heading = OTHER)]
    sample_every: Option<String>,
    /// Tell statsd://HOST:PORT[/PREFIX], or prom:FILE
    #[arg(long, value_name = "URL", env = "RECYCLE_METRICS", help_heading = OTHER)]
    #[arg(value_delimiter = ',')]
    metrics: Vec<String>,
    /// Shell command to run for what matters
    #[arg(long, value_name = "COMMAND", env = "RECYCLE_ON_EVENT", help_heading = OTHER)]
    on_event: Option<String>,
    /// What machines are told COMMAND is called
    #[arg(long, value_name = "NAME", env = "RECYCLE_NAME", help_heading = OTHER)]
    name: Option<String>,
    /// Say errors only
    #[arg(short, long, env = "RECYCLE_QUIET_LOG", help_heading = OTHER)]
    #[arg(value_parser = FalseyValueParser::new())]
    quiet_log: bool,
    /// Explain each decision
    #[arg(short, long, env = "RECYCLE_VERBOSE", help_heading = OTHER)]
    #[arg(value_parser = FalseyValueParser::new())]
    verbose: bool,
    /// Recycle nothing: tell what would be,
    /// and what to set
    #[arg(long, env = "RECYCLE_OBSERVE", help_heading = OTHER)]
    #[arg(value_parser = FalseyValueParser::new(), verbatim_doc_comment)]
    observe: bool,
    /// Say what would happen here, and run nothing
    #[arg(long, env = "RECYCLE_EXPLAIN", help_heading = OTHER)]
    #[arg(value_parser = FalseyValueParser::new())]
    explain: bool,
    /// Print this help
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
const QUIET: &str = "What is quiet";
const INPUT: &str = "Standard input";
const STOP: &str = "How a planned stop goes";
const SIGNALS: &str = "Signals";
const STARTS: &str = "How COMMAND starts";
const CRASHES: &str = "When COMMAND ends by itself";
#[cfg(feature = "chart")]
const SEEING: &str = "Seeing it";
const OTHER: &str = "Talking";
const AFTER_HELP: &str = "\
Sizes need a unit: 512M, 1.5G, or 80% of the memory limit in force.
Durations: 90s, 1h 30m. Every option is an environment variable, too:
--max-rss is RECYCLE_MAX_RSS; the flag wins.

Exit status: as COMMAND ended; 125: recycle failed; 126: COMMAND cannot be
executed; 127: COMMAND not found. Details: man recycle.";

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
    let hidden = variables(&command(&[]));
    let mut ignored = Vec::new();
    loop {
        let command = &mut command(&ignored);
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
        let arg = arg.hide_env(true).allow_hyphen_values(option_with_value);
        if is_ignored { arg.env(None::<&'static str>) } else { arg }
    })
}

/// The environment variables of all options: COMMAND is not to inherit them.
fn variables(command: &clap::Command) -> Vec<String> {
    let names = command.get_arguments().filter_map(clap::Arg::get_env);
    names.filter_map(|name| name.to_str().map(str::to_owned)).collect()
}
