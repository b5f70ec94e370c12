//! The words for people.

pub(super) mod awake;
mod input;
mod limits;
mod recycles;
mod traffic;

use std::fmt;
use std::time::Duration;

use self::awake::Why;
pub(super) use self::recycles::word;
use self::recycles::{Because, Opened, write_recycled};
use super::observed::Findings;
use super::sights::{CannotSee, error};
use crate::decide::event::Memory;
use crate::decide::exit::{Failure, Signal, Stage};
use crate::decide::notice::{Hold, Hook, HookFailure, LookedAtMemory, Notice, Quietness, Sample};
use crate::decide::reason::Reason;
use crate::units::Span;

/// A notice in words.
pub(super) struct Line<'a> {
    pub(super) notice: &'a Notice,
    pub(super) command: &'a str,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.notice {
            Notice::Recycled(recycled) => write_recycled(out, recycled),
            Notice::Exited { generation, exit, age, again_in } => {
                write!(out, "generation {generation} {exit} after {}", Span(*age))?;
                write_next(out, "; next start", *again_in)
            }
            Notice::StartFailed { failure, again_in, .. } => {
                write_failure(out, self.command, *failure)?;
                write_next(out, "; next try", *again_in)
            }
            Notice::CannotRecycle { generation, reason, failure } => {
                write_kept(out, *generation, *reason)?;
                write_failure(out, self.command, *failure)
            }
            Notice::GaveUp { restarts, window } => {
                let window = Span(*window);
                write!(out, "giving up: more than {restarts} restarts in {window} (--max-restarts)")
            }
            Notice::LimitTooLow { .. }
            | Notice::Runaway { .. }
            | Notice::KillLimitTooLow { .. } => limits::write(out, self.notice),
            Notice::OnlyReconnects { generation, kept_until } => {
                traffic::write_only_reconnects(out, *generation, *kept_until)
            }
            Notice::Background { bytes, window, floor, .. } => {
                traffic::write_background(out, *bytes, *window, *floor)
            }
            Notice::StillAlive { after } => write_still_alive(out, *after, self.command),
            Notice::Refused => write_refused(out, self.command),
            Notice::NothingLeftToRead
            | Notice::LongLine { .. }
            | Notice::LinesTaken { .. }
            | Notice::OutlivedInput { .. } => input::write(out, self.notice, self.command),
            Notice::LeftBehind { processes, program } => write_left(out, *processes, program),
            Notice::NeverArmed { generation, age, why } => {
                awake::write_never_armed(out, *generation, *age, *why)
            }
            Notice::CannotSee(unseen) => write!(out, "{}", CannotSee(*unseen)),
            Notice::VariablesIgnored { variables } => write_ignored(out, variables),
            Notice::MetricsFailed { target, error, again } => {
                write_metrics_failed(out, target, error, *again)
            }
            Notice::HeldLong { hold, held } => write_held_long(out, *hold, *held),
            Notice::HookFailed { hook, failure } => write_hook_failure(out, *hook, *failure),
            Notice::EventsLost { count } => {
                write!(out, "--on-event was not told of {count} events: too many at once")
            }
            Notice::Sampled { generation, sample } => write_sample(out, *generation, sample),
            Notice::WouldRecycle { generation, lived, reason, .. } => {
                write_would(out, *generation, *lived, *reason)
            }
            Notice::Observed(observed) => Findings { observed, command: self.command }.fmt(out),
            Notice::Started { generation } => write!(out, "generation {generation} started"),
            Notice::Looked { memory, traffic, again_in } => {
                write_looked(out, *memory, *traffic)?;
                write_next(out, ", next look", *again_in)
            }
            Notice::Held(hold) => write!(out, "a recycle is due, but held: {}", why(*hold)),
            Notice::Due { generation, age, reason } => write_due(out, *generation, *age, *reason),
            Notice::Stopping { generation, opening, .. } => {
                write!(out, "recycling generation {generation}: {}", Opened(*opening))
            }
            Notice::Backoff { wait, .. } => write!(out, "the next start is in {}", Span(*wait)),
            Notice::Waiting { .. } => out.write_str("asleep until standard input has data"),
            Notice::Passed { signal, to } => write_passed(out, *signal, *to),
            Notice::NotPassed { signal, to, errno } => write_not_passed(out, *signal, *to, *errno),
            Notice::Swallowed(signal) => write!(out, "{signal} not passed on (--map-signal)"),
        }
    }
}

fn write_due(
    out: &mut fmt::Formatter<'_>,
    generation: u64,
    age: Duration,
    reason: Reason,
) -> fmt::Result {
    write!(out, "generation {generation} is due after {}: {}", Span(age), Because(reason))
}

fn write_left(out: &mut fmt::Formatter<'_>, processes: usize, program: &str) -> fmt::Result {
    let what = if processes == 1 { "process" } else { "processes" };
    write!(
        out,
        "COMMAND ended and left {processes} {what} behind ({program}), no longer watched: run it \
         in the foreground"
    )
}

fn write_passed(out: &mut fmt::Formatter<'_>, signal: Signal, to: Option<Signal>) -> fmt::Result {
    match to {
        Some(to) if to == signal => write!(out, "{signal} passed on"),
        Some(to) => write!(out, "{signal} passed on as {to}"),
        None => write!(out, "{signal} not passed on: COMMAND got it, too"),
    }
}

fn write_not_passed(
    out: &mut fmt::Formatter<'_>,
    signal: Signal,
    to: Signal,
    errno: i32,
) -> fmt::Result {
    write!(out, "{signal} not passed on")?;
    if to != signal {
        write!(out, " as {to}")?;
    }
    write!(out, ": {}", error(errno))
}

/// `ignored: RECYCLE_JITTER (requires --max-lifetime), RECYCLE_QUIET (...)`
fn write_ignored(out: &mut fmt::Formatter<'_>, variables: &[(String, String)]) -> fmt::Result {
    let words: Vec<_> = variables.iter().map(|(name, why)| format!("{name} ({why})")).collect();
    write!(out, "ignored: {}", words.join(", "))
}

fn write_metrics_failed(
    out: &mut fmt::Formatter<'_>,
    target: &str,
    error: &str,
    again: bool,
) -> fmt::Result {
    let next = if again { "trying again" } else { "going on without" };
    write!(out, "metrics cannot go to '{}': {error}; {next}", target.escape_default())
}

fn write_still_alive(out: &mut fmt::Formatter<'_>, after: Duration, command: &str) -> fmt::Result {
    write!(out, "some of '{command}' still lives {} after KILL; waiting", Span(after))
}

fn write_refused(out: &mut fmt::Formatter<'_>, command: &str) -> fmt::Result {
    write!(out, "what is left of '{command}' refuses our signals (EPERM)")
}

fn write_held_long(out: &mut fmt::Formatter<'_>, hold: Hold, held: Duration) -> fmt::Result {
    write!(out, "a recycle has been due for {}, but held: {}", Span(held), why(hold))
}

/// `holding the recycle of generation 3 (lifetime 6h): `, before why.
fn write_kept(out: &mut fmt::Formatter<'_>, generation: u64, reason: Reason) -> fmt::Result {
    write!(out, "holding the recycle of generation {generation} ({}): ", Because(reason))
}

/// `would recycle generation 3: rss 513.2M > 512M after 3h 12m`
fn write_would(
    out: &mut fmt::Formatter<'_>,
    generation: u64,
    lived: Duration,
    reason: Reason,
) -> fmt::Result {
    let (because, lived) = (Because(reason), Span(lived));
    write!(out, "would recycle generation {generation}: {because} after {lived}")
}

/// `, next look in 5s`, where something follows.
fn write_next(out: &mut fmt::Formatter<'_>, what: &str, again_in: Option<Duration>) -> fmt::Result {
    again_in.map_or(Ok(()), |again_in| write!(out, "{what} in {}", Span(again_in)))
}

/// `cannot start 'foo': No such file or directory`
fn write_failure(out: &mut fmt::Formatter<'_>, command: &str, failure: Failure) -> fmt::Result {
    let doing = match failure.stage {
        Stage::Fork => "make a process for",
        Stage::Prepare => "prepare the process of",
        Stage::Directory => "enter the working directory of",
        Stage::Rewind => "rewind standard input for",
        Stage::Exec => "start",
    };
    write!(out, "cannot {doing} '{command}': {}", error(failure.errno))
}

/// What a look has found, but for the times: who has heard it once need not hear it again.
pub(super) struct Found(pub(super) Option<LookedAtMemory>, pub(super) Option<Quietness>);

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_looked(out, self.0, None)?;
        match self.1.and_then(|traffic| traffic.awake) {
            Some(awake) => Why(awake).fmt(out),
            None => Ok(()),
        }
    }
}

fn write_looked(
    out: &mut fmt::Formatter<'_>,
    memory: Option<LookedAtMemory>,
    traffic: Option<Quietness>,
) -> fmt::Result {
    out.write_str("looked:")?;
    if let Some(LookedAtMemory { memory, limit, growth }) = memory {
        write!(out, " rss {} of {limit}", memory.rss)?;
        if let Some(pss) = memory.pss {
            write!(out, " (pss {pss})")?;
        }
        write!(out, ", growing {growth}/s")?;
    }
    let Some(Quietness { quiet, awake }) = traffic else { return Ok(()) };
    let comma = if memory.is_some() { "," } else { "" };
    write!(out, "{comma} no traffic for {}", Span(quiet))?;
    awake.map_or(Ok(()), |awake| write!(out, " ({})", Why(awake)))
}

fn write_hook_failure(
    out: &mut fmt::Formatter<'_>,
    hook: Hook,
    failure: HookFailure,
) -> fmt::Result {
    match hook {
        Hook::OnEvent => out.write_str("--on-event ")?,
        Hook::PreStop => out.write_str("--pre-stop ")?,
    }
    match failure {
        HookFailure::Ended(exit) => write!(out, "{exit}"),
        HookFailure::TimedOut(limit) => write!(out, "was killed after {}", Span(limit)),
        HookFailure::NotStarted(errno) => write!(out, "cannot be started: {}", error(errno)),
    }
}

/// `sample: rss 61.2M (pss 58M), no traffic for 2s, 1.5s of CPU time, 3 processes, generation 1
/// after 12s`
fn write_sample(out: &mut fmt::Formatter<'_>, generation: u64, sample: &Sample) -> fmt::Result {
    out.write_str("sample: ")?;
    if let Some(Memory { rss, pss, .. }) = sample.memory {
        write!(out, "rss {rss}")?;
        if let Some(pss) = pss {
            write!(out, " (pss {pss})")?;
        }
        out.write_str(", ")?;
    }
    if let Some(quiet) = sample.quiet {
        write!(out, "no traffic for {}, ", Span(quiet))?;
    }
    if let Some(tree) = sample.tree {
        let plural = if tree.processes == 1 { "" } else { "es" };
        write!(out, "{} of CPU time, {} process{plural}, ", Span(tree.cpu), tree.processes)?;
    }
    write!(out, "generation {generation} after {}", Span(sample.age))
}

fn why(hold: Hold) -> &'static str {
    match hold {
        Hold::MinLifetime => "the generation is younger than --min-lifetime",
        Hold::Interrupted => "COMMAND got a signal that may end it",
        Hold::Traffic => "waiting for a quiet moment (--quiet)",
        Hold::Storm => "the limit looks too low for this command",
        Hold::Stopped => "COMMAND is stopped",
        Hold::Unstartable => "COMMAND cannot be started at the moment",
        Hold::Reconnects => "idle recycles do not help, its clients only reconnect",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_reported_with_what_command_got() {
        for (to, said) in [
            (Some(Signal::INT), "SIGINT passed on"),
            (Some(Signal::QUIT), "SIGINT passed on as SIGQUIT"),
            (None, "SIGINT not passed on: COMMAND got it, too"),
        ] {
            let notice = &Notice::Passed { signal: Signal::INT, to };
            assert_eq!(Line { notice, command: "app" }.to_string(), said);
        }
        for (to, said) in [
            (Signal::INT, "SIGINT not passed on: Operation not permitted"),
            (Signal::QUIT, "SIGINT not passed on as SIGQUIT: Operation not permitted"),
        ] {
            let notice = &Notice::NotPassed { signal: Signal::INT, to, errno: libc::EPERM };
            assert_eq!(Line { notice, command: "app" }.to_string(), said);
        }
    }
}
