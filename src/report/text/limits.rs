//! The words about memory limits that do not fit COMMAND.

use std::fmt;
use std::time::Duration;

use super::word;
use crate::decide::notice::Notice;
use crate::decide::rules::Measure;
use crate::units::{Bytes, Span};

/// One of these notices; the others have words elsewhere.
pub(super) fn write(out: &mut fmt::Formatter<'_>, notice: &Notice) -> fmt::Result {
    match notice {
        Notice::LimitTooLow { used, limit, measure, held_until } => {
            write_too_low(out, (*used, *limit), *measure, *held_until)
        }
        Notice::Runaway { limit, measure, again_in } => {
            write_runaway(out, *limit, *measure, *again_in)
        }
        Notice::KillLimitTooLow { limit, again_in } => write_kill_too_low(out, *limit, *again_in),
        _ => Ok(()),
    }
}

fn write_too_low(
    out: &mut fmt::Formatter<'_>,
    (used, limit): (Bytes, Bytes),
    measure: Measure,
    held_until: Duration,
) -> fmt::Result {
    write!(
        out,
        "the limit looks too low for this command: {} {used} > {limit} right after two starts in \
         a row; holding memory recycles until an age of {}",
        word(measure),
        Span(held_until)
    )
}

fn write_kill_too_low(
    out: &mut fmt::Formatter<'_>,
    limit: Bytes,
    again_in: Duration,
) -> fmt::Result {
    write!(
        out,
        "--kill-rss {limit} looks too low for this command, which was killed right after two \
         starts in a row; waiting longer before each start, now {}",
        Span(again_in)
    )
}

fn write_runaway(
    out: &mut fmt::Formatter<'_>,
    limit: Bytes,
    measure: Measure,
    again_in: Duration,
) -> fmt::Result {
    write!(
        out,
        "memory grew far beyond the limit ({} {limit}) while recycles were held: a leak, or a \
         limit that is much too low; waiting longer before each start, now {}",
        word(measure),
        Span(again_in)
    )
}
