//! What was observed, in a few lines for people, with what to set and why; and for machines.

use std::fmt;

use super::record::Record;
use crate::decide::event::Cause;
use crate::decide::notice::{Advice, Course, Fit, Gaps, Observed};
use crate::units::{Bytes, Span};

/// Several lines.
pub(super) struct Findings<'a> {
    pub(super) observed: &'a Observed,
    /// COMMAND as it was typed.
    pub(super) command: &'a str,
}

impl fmt::Display for Findings<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let observed = self.observed;
        write_would(out, observed)?;
        match &observed.course {
            Some(course) => write_course(out, course)?,
            None => out.write_str("\nmemory: could not be seen")?,
        }
        match &observed.gaps {
            Some(gaps) => write_gaps(out, gaps)?,
            None => out.write_str("\ntraffic: none was seen")?,
        }
        match &observed.advice {
            Some(advice) => write_advice(out, advice, observed, self.command),
            None => {
                out.write_str("\nto set: too soon to tell; let it work as usual, best for a day")
            }
        }
    }
}

/// `observed 1 generation for 3h 12m; there would have been 3 recycles: 2 rss, 1 idle`
fn write_would(out: &mut fmt::Formatter<'_>, observed: &Observed) -> fmt::Result {
    let (generations, span) = (observed.generations, Span(observed.span));
    let plural = if generations == 1 { "" } else { "s" };
    write!(out, "observed {generations} generation{plural} for {span}; there would have been ")?;
    let counts = || observed.would.iter().filter(|(_, count)| *count > 0);
    match counts().map(|(_, count)| *count).sum::<u64>() {
        0 => return out.write_str("no recycle"),
        1 => out.write_str("1 recycle:")?,
        sum => write!(out, "{sum} recycles:")?,
    }
    for (place, (cause, count)) in counts().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(out, "{comma} {count} {}", cause.word())?;
    }
    Ok(())
}

/// `memory: 180M usually, 412.3M at most, growing by 71M an hour from 120M`
fn write_course(out: &mut fmt::Formatter<'_>, course: &Course) -> fmt::Result {
    write!(out, "\nmemory: {} usually, {} at most, ", course.usual, course.peak)?;
    match course.growth {
        Some(growth) => {
            write!(out, "growing by {} an hour from {}", growth.per_hour, growth.young)
        }
        None => out.write_str("not growing steadily"),
    }
}

/// `traffic: 412 quiet gaps, half of them up to 3s, 95% up to 12s, the longest 14m`
fn write_gaps(out: &mut fmt::Formatter<'_>, gaps: &Gaps) -> fmt::Result {
    let [median, p95, longest] = [gaps.median, gaps.p95, gaps.longest].map(Span);
    match gaps.count {
        0 => out.write_str("\ntraffic: without a quiet gap of 1s"),
        1 => write!(out, "\ntraffic: 1 quiet gap, of {longest}"),
        count => write!(
            out,
            "\ntraffic: {count} quiet gaps, half of them up to {median}, 95% up to {p95}, the \
             longest {longest}"
        ),
    }
}

fn write_advice(
    out: &mut fmt::Formatter<'_>,
    advice: &Advice,
    observed: &Observed,
    command: &str,
) -> fmt::Result {
    let limit = advice.fit.and_then(Fit::limit).map(Mebibytes);
    if limit.is_none() && advice.idle.is_none() {
        out.write_str("\nto set: nothing that is sure to help")?;
    } else {
        out.write_str("\nto set: recycle")?;
        if let Some(limit) = &limit {
            write!(out, " --max-rss {limit}")?;
        }
        if let Some(quiet) = advice.quiet {
            write!(out, " --quiet {}", Span(quiet))?;
        }
        if let Some(idle) = advice.idle {
            write!(out, " --idle {}", Span(idle))?;
        }
        write!(out, " -- {command} ...")?;
    }
    match advice.fit {
        Some(Fit::Leak { limit, young, within }) => write!(
            out,
            "\n--max-rss {}: it had {young} when it was young, and grows to this in {}",
            Mebibytes(limit),
            Span(within)
        )?,
        Some(Fit::Steady { limit }) => {
            write!(out, "\n--max-rss {}: well above what it needs", Mebibytes(limit))?;
        }
        Some(Fit::Cramped { memory }) => {
            write!(out, "\nno --max-rss: it needs nearly all of the {memory} that there are")?
        }
        None => {}
    }
    if let Some(quiet) = advice.quiet {
        write!(out, "\n--quiet {}: half of the gaps are twice as long", Span(quiet))?;
    }
    match (advice.idle, observed.gaps) {
        (Some(idle), _) => write!(
            out,
            "\n--idle {}: usual gaps are shorter; it must exceed the longest request",
            Span(idle)
        ),
        (None, None) => {
            out.write_str("\nno --idle: without traffic that is seen nothing goes idle")
        }
        (None, Some(gaps)) if gaps.count < Gaps::FEWEST => {
            out.write_str("\nno --idle: too few gaps to know what is usual")
        }
        (None, Some(_)) => out.write_str("\nno --idle: no gap stands out from the others"),
    }
}

/// A size that reads back as what it is.
struct Mebibytes(Bytes);

impl fmt::Display for Mebibytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}M", self.0.0 >> 20)
    }
}

/// The same for machines.
pub(super) fn record(observed: &Observed) -> Record {
    let Observed { last: _, generations, span, ref would, course, gaps, advice } = *observed;
    let mut record = Record::new("observed").with("generations", generations).with("span", span);
    for (cause, count) in would {
        record = record.with(would_word(*cause), *count);
    }
    if let Some(Course { usual, peak, growth }) = course {
        record = record.with("usual", usual).with("peak", peak);
        record = record.with_some("young", growth.map(|growth| growth.young));
        let per_second = growth.map(|growth| Bytes(growth.per_hour.0 / 3600));
        record = record.with_some("growth", per_second);
    }
    if let Some(Gaps { count, median, p95, longest }) = gaps {
        record = record.with("gaps", count).with("gap_median", median);
        record = record.with("gap_p95", p95).with("gap_longest", longest);
    }
    let limit = advice.and_then(|advice| advice.fit?.limit());
    record
        .with_some("suggested_max_rss", limit)
        .with_some("suggested_idle", advice.and_then(|advice| advice.idle))
        .with_some("suggested_quiet", advice.and_then(|advice| advice.quiet))
}

/// How many recycles there would have been: the field for each reason.
fn would_word(cause: Cause) -> &'static str {
    match cause {
        Cause::KillRss => "would_kill_rss",
        Cause::Signal => "would_signal",
        Cause::Rss => "would_rss",
        Cause::Pss => "would_pss",
        Cause::Lifetime => "would_lifetime",
        Cause::Idle => "would_idle",
        Cause::Exit => "would_exit",
    }
}

#[cfg(test)]
mod tests;
