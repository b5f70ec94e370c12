//! What was observed, in a few lines for people, with what to set and why; and for machines.

use std::fmt;
use std::time::Duration;

use super::record::Record;
use crate::decide::notice::{Advice, Background, Course, Fit, Gaps, Observed};
use crate::decide::reason::Cause;
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
            None if observed.sees_traffic => out.write_str("\ntraffic: none was seen")?,
            None => out.write_str("\ntraffic: could not be seen")?,
        }
        if let Some(background) = &observed.background {
            write_background(out, background)?;
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

/// `background: 48B in 10s (inbound 0B, outbound 48B); above it 3 quiet gaps, the longest 14m`
fn write_background(out: &mut fmt::Formatter<'_>, background: &Background) -> fmt::Result {
    let Background { inbound, outbound, window, gaps } = background;
    let (bytes, window) = (Bytes(inbound.0.saturating_add(outbound.0)), Span(*window));
    write!(out, "\nbackground: {bytes} in {window} (inbound {inbound}, outbound {outbound})")?;
    match gaps {
        None => Ok(()),
        Some(Gaps { count: 1, longest, .. }) => {
            write!(out, "; above it 1 quiet gap, of {}", Span(*longest))
        }
        Some(Gaps { count, longest, .. }) => {
            write!(out, "; above it {count} quiet gaps, the longest {}", Span(*longest))
        }
    }
}

fn write_advice(
    out: &mut fmt::Formatter<'_>,
    advice: &Advice,
    observed: &Observed,
    command: &str,
) -> fmt::Result {
    let limit = advice.fit.and_then(Fit::limit).map(Mebibytes);
    if limit.is_none() && advice.idle.or(advice.floor.map(|(_, idle)| idle)).is_none() {
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
        if let Some((floor, _)) = advice.floor {
            write!(out, " --idle-floor {floor}")?;
        }
        if advice.early_job.is_some() {
            out.write_str(" --settle 0s")?;
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
    write_traffic_advice(out, advice)?;
    let gaps = observed.background.map_or(observed.gaps, |background| background.gaps);
    match (advice.idle, gaps) {
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

fn write_traffic_advice(out: &mut fmt::Formatter<'_>, advice: &Advice) -> fmt::Result {
    if let Some((floor, idle)) = advice.floor {
        let idle = Span(idle);
        write!(out, "\n--idle-floor {floor}: twice the background of {idle}; more is traffic")?;
    }
    match advice.early_job {
        Some(job) => write!(
            out,
            "\n--settle 0s: COMMAND's own connections moved {job} at once soon after a start and \
             its logins"
        ),
        None => Ok(()),
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
pub(super) fn fields(record: Record, observed: &Observed) -> Record {
    let Observed {
        last: _,
        sees_traffic: _,
        generations,
        span,
        ref would,
        course,
        gaps,
        background,
        advice,
    } = *observed;
    let mut record = record.with("generations", generations).with("span", span);
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
    if let Some(Background { inbound, outbound, window, gaps: _ }) = background {
        record = record.with("background_inbound", inbound);
        record = record.with("background_outbound", outbound).with("background_window", window);
    }
    let limit = advice.and_then(|advice| advice.fit?.limit());
    let floor = advice.and_then(|advice| advice.floor);
    let settle = advice.and_then(|advice| advice.early_job).map(|_| Duration::ZERO);
    record
        .with_some("suggested_max_rss", limit)
        .with_some("suggested_idle", advice.and_then(|advice| advice.idle))
        .with_some("suggested_quiet", advice.and_then(|advice| advice.quiet))
        .with_some("suggested_idle_floor", floor.map(|(floor, _)| floor))
        .with_some("suggested_settle", settle)
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
