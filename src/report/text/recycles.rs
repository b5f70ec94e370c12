//! The words for recycles: why they come, and how they went.

use std::fmt;

use crate::decide::exit::Signal;
use crate::decide::notice::{Opening, Recycled};
use crate::decide::reason::Reason;
use crate::decide::rules::Measure;
use crate::units::Span;

/// `generation 3 recycled: rss 513.2M > 512M after 3h 12m (SIGTERM, gone in 0.4s)`
pub(super) fn write_recycled(out: &mut fmt::Formatter<'_>, recycled: &Recycled) -> fmt::Result {
    let Recycled { generation, reason, age, opening, killed_after, gone_in } = recycled;
    write!(out, "generation {generation} recycled: {} after {} (", Because(*reason), Span(*age))?;
    write!(out, "{}", Opened(*opening))?;
    if let (
        Some(after),
        Opening::Asked(_) | Opening::Refused(_) | Opening::Ended | Opening::Drained,
    ) = (killed_after, opening)
    {
        write!(out, ", SIGKILL after {}", Span(*after))?;
    }
    write!(out, ", gone in {})", Span(*gone_in))?;
    match reason {
        Reason::Rss { used, pss: Some(pss), .. } | Reason::KillRss { used, pss: Some(pss), .. }
            if pss.0 / 7 < used.0 / 10 =>
        {
            out.write_str("; much of it is shared: --max-pss counts that once")
        }
        _ => Ok(()),
    }
}

pub(super) struct Opened(pub(super) Opening);

impl fmt::Display for Opened {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Opening::Asked(signal) => write!(out, "{signal}"),
            Opening::Refused(signal) => write!(out, "COMMAND refused {signal} (EPERM)"),
            Opening::Killed => write!(out, "{}", Signal::KILL),
            Opening::Ended => out.write_str("ended by itself before"),
            Opening::Drained => out.write_str("end of input"),
        }
    }
}

/// A reason with its numbers.
pub(super) struct Because(pub(super) Reason);

impl fmt::Display for Because {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reason::KillRss { used, limit, measure, pss } => {
                write!(out, "{} {used} > {limit} (--kill-rss", word(measure))?;
                pss.map_or(Ok(()), |pss| write!(out, ", pss {pss}"))?;
                out.write_str(")")
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

pub(in crate::report) fn word(measure: Measure) -> &'static str {
    match measure {
        Measure::Rss => "rss",
        Measure::Pss => "pss",
    }
}
