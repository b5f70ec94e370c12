//! The words for what comes of standard input.

use std::fmt;
use std::time::Duration;

use crate::decide::notice::Notice;
use crate::units::{Bytes, Span};

/// Writes a notice about standard input; any other one has no words here.
pub(super) fn write(out: &mut fmt::Formatter<'_>, notice: &Notice, command: &str) -> fmt::Result {
    match *notice {
        Notice::NothingLeftToRead => write_nothing_left(out),
        Notice::LongLine { longest } => write_long(out, longest),
        Notice::LinesTaken { generation, lines } => write_taken(out, generation, lines),
        Notice::OutlivedInput { after } => write_outlived(out, after, command),
        _ => Ok(()),
    }
}

fn write_nothing_left(out: &mut fmt::Formatter<'_>) -> fmt::Result {
    out.write_str("not recycled: standard input has ended, the next generation would find nothing")
}

fn write_long(out: &mut fmt::Formatter<'_>, longest: Bytes) -> fmt::Result {
    write!(
        out,
        "a line on standard input is longer than {longest} (--max-line): it is passed on in \
         pieces, and nothing is recycled inside it"
    )
}

fn write_taken(out: &mut fmt::Formatter<'_>, generation: u64, lines: u64) -> fmt::Result {
    let (what, them) = if lines == 1 { ("line", "it") } else { ("lines", "them") };
    write!(
        out,
        "generation {generation} had taken {lines} {what} in its last moments, and may not have \
         processed {them}"
    )
}

fn write_outlived(out: &mut fmt::Formatter<'_>, after: Duration, command: &str) -> fmt::Result {
    let after = Span(after);
    write!(
        out,
        "standard input ended {after} ago, and '{command}' has not: stopping it (--eof-timeout)"
    )
}
