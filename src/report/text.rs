//! The words for people.

mod input;
mod limits;
mod recycles;

use std::fmt;
use std::time::Duration;

pub(super) use self::recycles::word;
use self::recycles::{Because, Opened, write_recycled};
use super::Loudness;
use super::observed::Findings;
use super::sights::{CannotSee, error};
use crate::decide::event::{Memory, Reason};
use crate::decide::exit::{Failure, Stage};
use crate::decide::notice::{Hold, Hook, HookFailure, LookedAtMemory, Notice, Sample};
use crate::units::Span;

/// How loud one must be to say this.
pub(super) fn level(notice: &Notice) -> Loudness {
    match notice {
        Notice::StartFailed { .. }
        | Notice::GaveUp { .. }
        | Notice::Refused
        | Notice::LongLine { .. }
        | Notice::LinesTaken { .. } => Loudness::Quiet,
        Notice::Exited { again_in: None, .. } => Loudness::Verbose,
        Notice::Recycled(_)
        | Notice::Exited { .. }
        | Notice::HeldLong { .. }
        | Notice::HookFailed { .. }
        | Notice::EventsLost { .. }
        | Notice::Sampled { .. }
        | Notice::WouldRecycle { .. }
        | Notice::Observed(_)
        | Notice::LimitTooLow { .. }
        | Notice::KillLimitTooLow { .. }
        | Notice::Runaway { .. }
        | Notice::StillAlive { .. }
        | Notice::NothingLeftToRead
        | Notice::OutlivedInput { .. }
        | Notice::CannotSee(_)
        | Notice::MetricsFailed { .. } => Loudness::Normal,
        Notice::Started { .. }
        | Notice::Looked { .. }
        | Notice::Held(_)
        | Notice::Due { .. }
        | Notice::Stopping { .. }
        | Notice::Backoff { .. }
        | Notice::Waiting { .. }
        | Notice::Swallowed(_) => Loudness::Verbose,
    }
}

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
            Notice::StartFailed { failure, again_in } => {
                write_failure(out, self.command, *failure)?;
                write_next(out, "; next try", *again_in)
            }
            Notice::GaveUp { restarts, window } => {
                let window = Span(*window);
                write!(out, "giving up: more than {restarts} restarts in {window} (--max-restarts)")
            }
            Notice::LimitTooLow { .. }
            | Notice::Runaway { .. }
            | Notice::KillLimitTooLow { .. } => limits::write(out, self.notice),
            Notice::StillAlive { after } => {
                let after = Span(*after);
                write!(out, "some of '{}' still lives {after} after KILL; waiting", self.command)
            }
            Notice::Refused => {
                write!(out, "what is left of '{}' refuses our signals (EPERM)", self.command)
            }
            Notice::NothingLeftToRead => out.write_str(
                "not recycled: standard input has ended, the next generation would find nothing",
            ),
            Notice::LongLine { longest } => input::write_long(out, *longest),
            Notice::LinesTaken { generation, lines } => {
                input::write_taken(out, *generation, *lines)
            }
            Notice::OutlivedInput { after } => input::write_outlived(out, *after, self.command),
            Notice::CannotSee(unseen) => write!(out, "{}", CannotSee(*unseen)),
            Notice::MetricsFailed { target, error, again } => {
                let next = if *again { "trying again" } else { "going on without" };
                write!(out, "metrics cannot go to '{}': {error}; {next}", target.escape_default())
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
            Notice::Looked { memory, quiet, again_in } => {
                write_looked(out, *memory, *quiet)?;
                write_next(out, ", next look", *again_in)
            }
            Notice::Held(hold) => write!(out, "a recycle is due, but held: {}", why(*hold)),
            Notice::Due { generation, age, reason } => {
                let (because, age) = (Because(*reason), Span(*age));
                write!(out, "generation {generation} is due after {age}: {because}")
            }
            Notice::Stopping { generation, opening, .. } => {
                write!(out, "recycling generation {generation}: {}", Opened(*opening))
            }
            Notice::Backoff { wait, .. } => write!(out, "the next start is in {}", Span(*wait)),
            Notice::Waiting { .. } => out.write_str("the next start is when input waits"),
            Notice::Swallowed(signal) => write!(out, "{signal} not passed on (--map-signal)"),
        }
    }
}

fn write_held_long(out: &mut fmt::Formatter<'_>, hold: Hold, held: Duration) -> fmt::Result {
    write!(out, "a recycle has been due for {}, but held: {}", Span(held), why(hold))
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
        Stage::Rewind => "rewind standard input for",
        Stage::Exec => "start",
    };
    write!(out, "cannot {doing} '{command}': {}", error(failure.errno))
}

fn write_looked(
    out: &mut fmt::Formatter<'_>,
    memory: Option<LookedAtMemory>,
    quiet: Option<Duration>,
) -> fmt::Result {
    out.write_str("looked:")?;
    if let Some(LookedAtMemory { memory, limit, growth }) = memory {
        write!(out, " rss {} of {limit}", memory.rss)?;
        if let Some(pss) = memory.pss {
            write!(out, " (pss {pss})")?;
        }
        write!(out, ", growing {growth}/s")?;
    }
    match quiet {
        Some(quiet) if memory.is_some() => write!(out, ", no traffic for {}", Span(quiet)),
        Some(quiet) => write!(out, " no traffic for {}", Span(quiet)),
        None => Ok(()),
    }
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
    }
}
