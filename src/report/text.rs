//! The words for people.

use std::fmt;

use super::Loudness;
use crate::decide::event::{Reason, Sight, Unseen};
use crate::decide::exit::{Failure, Stage};
use crate::decide::notice::{Hold, LookedAtMemory, Notice, Recycled};
use crate::decide::rules::Measure;
use crate::units::Span;

/// How loud one must be to say this.
pub(super) fn level(notice: &Notice) -> Loudness {
    match notice {
        Notice::StartFailed { .. } | Notice::GaveUp { .. } | Notice::Refused => Loudness::Quiet,
        Notice::Recycled(_)
        | Notice::Exited { .. }
        | Notice::LimitTooLow { .. }
        | Notice::KillLimitTooLow { .. }
        | Notice::StillAlive { .. }
        | Notice::NothingLeftToRead
        | Notice::CannotSee(_) => Loudness::Normal,
        Notice::Started { .. }
        | Notice::Looked { .. }
        | Notice::Held(_)
        | Notice::Stopping { .. }
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
                let (age, again_in) = (Span(*age), Span(*again_in));
                write!(out, "generation {generation} {exit} after {age}; next start in {again_in}")
            }
            Notice::StartFailed { failure, again_in } => {
                write_failure(out, self.command, *failure)?;
                match again_in {
                    Some(again_in) => write!(out, "; next try in {}", Span(*again_in)),
                    None => Ok(()),
                }
            }
            Notice::GaveUp { restarts, window } => {
                let window = Span(*window);
                write!(out, "giving up: more than {restarts} restarts in {window} (--max-restarts)")
            }
            Notice::LimitTooLow { used, limit, measure, held_until } => write!(
                out,
                "the limit looks too low for this command: {} {used} > {limit} right after two \
                 starts in a row; holding memory recycles until an age of {}",
                word(*measure),
                Span(*held_until)
            ),
            Notice::KillLimitTooLow { limit, again_in } => write!(
                out,
                "--kill-rss {limit} looks too low for this command, which was killed right after \
                 two starts in a row; waiting longer before each start, now {}",
                Span(*again_in)
            ),
            Notice::StillAlive { after } => {
                let after = Span(*after);
                write!(out, "some of '{}' still lives {after} after KILL; waiting", self.command)
            }
            Notice::Refused => {
                write!(out, "what is left of '{}' refuses our signals (EPERM)", self.command)
            }
            Notice::NothingLeftToRead => out.write_str(
                "not recycled as the signal asked: standard input has ended, the next generation \
                 would find nothing",
            ),
            Notice::CannotSee(unseen) => write_unseen(out, *unseen),
            Notice::Started { generation } => write!(out, "generation {generation} started"),
            Notice::Looked { memory, quiet, again_in } => {
                write_looked(out, *memory, *quiet)?;
                match again_in {
                    Some(again_in) => write!(out, ", next look in {}", Span(*again_in)),
                    None => Ok(()),
                }
            }
            Notice::Held(hold) => write!(out, "a recycle is due, but held: {}", why(*hold)),
            Notice::Stopping { generation, reason } => {
                write!(out, "recycling generation {generation}: {}", Because(*reason))
            }
            Notice::Swallowed(signal) => write!(out, "{signal} not passed on (--map-signal)"),
        }
    }
}

/// `generation 3 recycled: rss 513.2M > 512M after 3h 12m (SIGTERM, gone in 0.4s)`
fn write_recycled(out: &mut fmt::Formatter<'_>, recycled: &Recycled) -> fmt::Result {
    let Recycled { generation, reason, age, asked, killed_after, gone_in } = recycled;
    write!(out, "generation {generation} recycled: {} after {} (", Because(*reason), Span(*age))?;
    match (asked, killed_after) {
        (Some(signal), None) => write!(out, "{signal}")?,
        (Some(signal), Some(after)) => write!(out, "{signal}, SIGKILL after {}", Span(*after))?,
        (None, _) => write!(out, "SIGKILL")?,
    }
    write!(out, ", gone in {})", Span(*gone_in))?;
    match reason {
        Reason::Rss { used, pss: Some(pss), .. } if pss.0 / 7 < used.0 / 10 => {
            out.write_str("; much of it is shared: --max-pss counts that once")
        }
        _ => Ok(()),
    }
}

/// A reason with its numbers.
struct Because(Reason);

impl fmt::Display for Because {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reason::KillRss { used, limit, measure } => {
                write!(out, "{} {used} > {limit} (--kill-rss)", word(measure))
            }
            Reason::Signal(signal) => write!(out, "asked by {signal}"),
            Reason::Rss { used, limit, pss: Some(pss) } => {
                write!(out, "rss {used} > {limit} (pss {pss})")
            }
            Reason::Rss { used, limit, pss: None } => write!(out, "rss {used} > {limit}"),
            Reason::Pss { used, limit } => write!(out, "pss {used} > {limit}"),
            Reason::Lifetime { limit } => write!(out, "lifetime {}", Span(limit)),
            Reason::Idle { quiet } => write!(out, "idle {}", Span(quiet)),
        }
    }
}

fn word(measure: Measure) -> &'static str {
    match measure {
        Measure::Rss => "rss",
        Measure::Pss => "pss",
    }
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

/// What there is to see, and what follows when it cannot be seen.
fn sight(what: Sight) -> (&'static str, &'static str) {
    match what {
        Sight::Processes => ("which processes COMMAND has", "only signals and ends are acted on"),
        Sight::Memory => ("the memory of all processes", "what cannot be seen is not counted"),
        Sight::Pages => {
            ("memory page by page", "--max-pss does nothing, --max-rss takes two looks")
        }
        Sight::Input => ("the traffic of standard input", NEVER),
        Sight::Owners => {
            ("which sockets COMMAND has", "all sockets of this network count as its own")
        }
        Sight::Connections => ("TCP connections one by one", TOGETHER),
        Sight::Deaths => ("TCP connections that come and go", TOGETHER),
        Sight::Strangers => (
            "whose outgoing connections have come and gone here",
            "they delay idleness (--traffic inbound leaves them out)",
        ),
        Sight::Datagrams => ("the traffic of UDP sockets one by one", TOGETHER),
        Sight::Unix => ("the traffic of Unix sockets", NEVER),
        Sight::Others => ("the traffic of sockets other than TCP, UDP and Unix", NEVER),
        Sight::Counters => ("the traffic of sockets", NEVER),
    }
}

const NEVER: &str = "COMMAND is not taken to be idle while it has any (see --traffic)";
const TOGETHER: &str = "the counters of its whole network stand in for them";

fn write_unseen(out: &mut fmt::Formatter<'_>, unseen: Unseen) -> fmt::Result {
    let (what, so) = sight(unseen.what);
    match unseen.errno {
        0 => write!(out, "cannot see {what}: {so}"),
        errno => write!(out, "cannot see {what} ({}{}): {so}", call(unseen.what), error(errno)),
    }
}

/// The system call to look up, where that helps: it is often forbidden.
fn call(what: Sight) -> &'static str {
    match what {
        Sight::Datagrams | Sight::Unix | Sight::Others => "pidfd_getfd: ",
        Sight::Connections | Sight::Deaths => "sock_diag: ",
        Sight::Processes
        | Sight::Memory
        | Sight::Pages
        | Sight::Input
        | Sight::Owners
        | Sight::Strangers
        | Sight::Counters => "",
    }
}

/// Why nothing can be seen of what counts as traffic.
pub(super) struct Blindness(pub(super) Unseen);

impl fmt::Display for Blindness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unseen { what: Sight::Input, errno: 0 } => {
                out.write_str("of --traffic only stdin, and that cannot have any")
            }
            Unseen { what, errno } => {
                let ((words, _), call) = (sight(what), call(what));
                write!(out, "{words} cannot be seen here ({call}{})", error(errno))
            }
        }
    }
}

fn write_looked(
    out: &mut fmt::Formatter<'_>,
    memory: Option<LookedAtMemory>,
    quiet: Option<std::time::Duration>,
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

fn why(hold: Hold) -> &'static str {
    match hold {
        Hold::MinLifetime => "the generation is younger than --min-lifetime",
        Hold::Interrupted => "COMMAND got a signal that may end it",
        Hold::Traffic => "waiting for a quiet moment (--quiet)",
        Hold::Storm => "the limit looks too low for this command",
        Hold::Stopped => "COMMAND is stopped",
    }
}

/// The words that the C library has for an `errno(3)`.
fn error(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
