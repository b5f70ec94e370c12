//! Laws about ends, and about what is told of them.

use std::time::Duration;

use super::Moment;
use crate::action::Action;
use crate::event::Event;
use crate::exit::End;
use crate::notice::{Notice, Recycled};
use crate::reason::Reason;
use crate::simulation::book::Follow;

/// As COMMAND did, or as Ctrl-C would have it end; by the signal that came when there was no
/// COMMAND; as `--then` says, or the book where nothing is left to start for.
pub(super) fn quit_says_how_command_ended(moment: &Moment<'_>) -> bool {
    let Action::Quit(end) = moment.action else { return true };
    let book = moment.book;
    let truth = match (book.follow, &book.told) {
        (Follow::QuitAs(end), _) => end,
        (Follow::Quit, Event::Exited(_)) => book.last,
        (Follow::Quit, Event::StartFailed(failure)) => End::from(*failure),
        (Follow::Quit, Event::Signalled { signal, .. }) => End::Signal(*signal),
        (Follow::Quit, Event::TreeDefied) => End::FAILED,
        _ => return false,
    };
    *end == truth
}

/// With `--then exit` or `--then command` no generation follows one that was recycled.
pub(super) fn nothing_follows_a_last_stop(moment: &Moment<'_>) -> bool {
    let recycled = matches!(moment.book.told, Event::TreeGone)
        && moment.book.ending.is_some_and(|ending| ending.planned.is_some());
    let follows = matches!(
        moment.action,
        Action::Start { .. } | Action::Tell(Notice::Backoff { .. } | Notice::Waiting { .. })
    );
    !(moment.rules.then.ends() && recycled && follows)
}

/// A deploy may be swapping the file: only the very first start must work, unless an end is wanted
/// or nothing is left to start for.
pub(super) fn a_failed_start_never_ends_all(moment: &Moment<'_>) -> bool {
    let (book, rules) = (moment.book, moment.rules);
    let failed = matches!(book.told, Event::StartFailed(_));
    let over = book.leaving || book.outstays.is_some() || book.ends_are_final();
    let first = book.ran == 0;
    !failed
        || !matches!(moment.action, Action::Quit(_) | Action::Tell(Notice::GaveUp { .. }))
        || over
        || first
        || book.has_no_input_left(rules)
}

/// Both the sliding budget and the doubling delays are kept to, and told as they are.
pub(super) fn restarts_keep_to_budget_and_backoff(moment: &Moment<'_>) -> bool {
    let follow = moment.book.follow;
    match moment.action {
        Action::Tell(Notice::Exited { generation, exit, age, again_in }) => {
            follow == again_in.map_or(Follow::Quit, Follow::Restart)
                && *generation == moment.book.ran
                && *age == moment.book.age()
                && matches!(moment.book.told, Event::Exited(told) if told == *exit)
        }
        Action::Tell(Notice::KillLimitTooLow { again_in, .. }) => {
            moment.book.early_kills >= 2 && *again_in == moment.book.restarts.delay
        }
        Action::Tell(Notice::Runaway { again_in, .. }) => {
            moment.book.stormy && *again_in == moment.book.restarts.delay
        }
        Action::Tell(Notice::StartFailed { again_in: Some(delay), .. }) => {
            follow == Follow::Restart(*delay)
        }
        Action::Tell(Notice::StartFailed { again_in: None, .. } | Notice::GaveUp { .. }) => {
            follow == Follow::Quit
        }
        _ => true,
    }
}

/// The line about a recycle gives the numbers of that recycle.
pub(super) fn a_recycle_is_told_as_it_was(moment: &Moment<'_>) -> bool {
    let Action::Tell(Notice::Recycled(told)) = moment.action else { return true };
    let book = moment.book;
    let Some((ending, reason)) = book.ending.and_then(|it| Some((it, it.planned?))) else {
        return false;
    };
    // kill-rss may cut short what began as something else, but not once the timeout has.
    let killed_early = matches!(told.reason, Reason::KillRss { .. }) && !book.killed_late;
    let Some(opening) = ending.opening else { return false };
    let truth = Recycled {
        generation: book.ran,
        reason: if killed_early { told.reason } else { reason },
        age: ending.began.since(book.started),
        opening,
        killed_after: book.killed.map(|at| at.since(ending.began)),
        gone_in: book.now.since(ending.began),
    };
    *told == truth
}

/// So is the one about a recycle that does not come.
pub(super) fn what_would_be_is_told_as_it_is(moment: &Moment<'_>) -> bool {
    let Action::Tell(Notice::WouldRecycle { age, lived, .. }) = moment.action else { return true };
    (*age, *lived) == (moment.book.age(), moment.book.lived())
}

/// Ten seconds after KILL, with the time since then.
pub(super) fn the_undying_are_told_as_they_are(moment: &Moment<'_>) -> bool {
    let Action::Tell(Notice::StillAlive { after }) = moment.action else { return true };
    let book = moment.book;
    *after >= Duration::from_secs(10) && book.killed.map(|at| book.now.since(at)) == Some(*after)
}
