//! Laws about standard input: what is handed over line by line, what is waited for, and what comes
//! after its end.

use super::Moment;
use crate::action::Action;
use crate::event::Event;
use crate::exit::Exit;
use crate::notice::{Notice, Opening};
use crate::reason::Cause;
use crate::rules::{Mapped, Then};
use crate::simulation::book::Drain;

/// A recycle whose input is closed and whose COMMAND has been told nothing else.
fn drain(moment: &Moment<'_>) -> Option<Drain> {
    moment.book.ending.filter(|ending| ending.opening.is_none())?.drain
}

/// COMMAND has had its time to end by itself, or never needs any.
fn is_drained(moment: &Moment<'_>) -> bool {
    let Some(lines) = moment.rules.lines else { return true };
    let cut = drain(moment).and_then(|drain| drain.cut);
    cut.is_some_and(|cut| moment.book.now >= cut + lines.drain_timeout)
}

/// Nothing is closed but for a recycle, and that once.
pub(super) fn input_is_closed_once(moment: &Moment<'_>) -> bool {
    *moment.action != Action::CutInput
        || moment.rules.lines.is_some()
            && drain(moment).is_none()
            && moment.book.command_lives()
            && moment.book.ending.is_some_and(|ending| ending.planned.is_some())
}

/// A recycle does not begin to stop COMMAND before the line that it reads has ended; who comes to
/// the end of its input is recycled by that.
pub(super) fn a_line_is_finished(moment: &Moment<'_>) -> bool {
    let Action::Tell(Notice::Stopping { opening, .. }) = moment.action else { return true };
    let exited = matches!(moment.book.told, Event::Exited(_));
    match opening {
        Opening::Asked(_) if moment.rules.lines.is_some() => {
            drain(moment).is_some_and(|drain| drain.cut.is_some())
        }
        Opening::Asked(_) | Opening::Killed => !exited,
        // Nobody knows yet.
        Opening::Refused(_) => false,
        Opening::Ended => exited && drain(moment).is_none(),
        Opening::Drained => exited && drain(moment).is_some(),
    }
}

/// Nobody signals COMMAND while it drains; others may, through us.
pub(super) fn a_drain_has_its_time(moment: &Moment<'_>) -> bool {
    let others = match moment.book.told {
        Event::Signalled { signal, .. } => moment.rules.map.of(signal) != Mapped::Recycle,
        Event::Stopped(_) => true,
        _ => false,
    };
    let ours = matches!(moment.action, Action::Pass(_) | Action::Wake) && !others;
    !ours || is_drained(moment) || moment.book.outstays.is_some()
}

/// A generation that would find no line is not started; the first one always is.
pub(super) fn nobody_starts_for_nothing(moment: &Moment<'_>) -> bool {
    let spent = moment.rules.lines.is_some() && moment.book.input_spent;
    !matches!(moment.action, Action::Start { .. }) || moment.book.ran == 0 || !spent
}

/// With `--then wait` nothing but input starts what follows a planned stop.
pub(super) fn only_input_wakes(moment: &Moment<'_>) -> bool {
    let book = moment.book;
    let planned = |cause: &Option<Cause>| cause.is_some_and(|cause| cause != Cause::Exit);
    let waits = moment.rules.then == Then::Wait && planned(&book.cause);
    match moment.action {
        Action::Start { cause, .. } => {
            let woken = book.asleep && matches!(book.told, Event::InputWaits);
            woken == (moment.rules.then == Then::Wait && planned(cause))
        }
        Action::Tell(Notice::Waiting { generation }) => waits && *generation == book.ran,
        _ => true,
    }
}

/// What outlives its input is stopped when its time is over and not before, and only once.
pub(super) fn the_end_of_input_leaves_time(moment: &Moment<'_>) -> bool {
    let Action::Tell(Notice::OutlivedInput { after }) = moment.action else { return true };
    let book = moment.book;
    let since = book.input_ended.map(|ended| book.now.since(ended));
    let over = moment.rules.eof_timeout.is_some_and(|timeout| *after >= timeout);
    over && since == Some(*after)
        && book.command_lives()
        && book.outstays.is_none()
        && !book.leaving
}

/// Nor is anything started then.
pub(super) fn nothing_is_started_long_after_the_input(moment: &Moment<'_>) -> bool {
    let late = moment.book.ran > 0 && moment.book.outlives_input(moment.rules);
    !matches!(moment.action, Action::Start { .. }) || !late
}

/// Lines that may be lost are told of, with whose they were: those of a generation that ended
/// badly, when its tree is gone, or at its end if that is ours.
pub(super) fn only_lost_lines_are_told(moment: &Moment<'_>) -> bool {
    let Action::Tell(Notice::LinesTaken { generation, lines }) = moment.action else {
        return true;
    };
    let book = moment.book;
    // What TERM has left has had its time: when that is, a law about time knows.
    let killed = matches!(book.exit, Some(Exit::Killed(_)));
    let left = matches!(book.told, Event::Due) && book.left.flatten().is_some() && killed;
    (book.owes_lines || left) && (*generation, *lines) == (book.ran, book.taken)
}
