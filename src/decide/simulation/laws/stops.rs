//! Laws about when a planned stop may begin, and why; or be told, where nothing is stopped.

use std::time::Duration;

use super::Moment;
use crate::action::Action;
use crate::event::Event;
use crate::notice::{Hold, Notice};
use crate::reason::{Cause, Reason};
use crate::rules::Measure;
use crate::simulation::samples::Limit;
use crate::time::Time;
use crate::units::Bytes;

/// What the clocks of the world and of its looks may differ by.
const BLUR: Duration = Duration::from_millis(15);

/// The reason of what is decided here.
fn reason(moment: &Moment<'_>) -> Option<Reason> {
    match moment.action {
        Action::Tell(Notice::Due { reason, .. } | Notice::WouldRecycle { reason, .. }) => {
            Some(*reason)
        }
        _ => None,
    }
}

/// The same, if nobody asked for it and it is no emergency.
fn own_reason(moment: &Moment<'_>) -> Option<Reason> {
    reason(moment).filter(|reason| !matches!(reason, Reason::KillRss { .. } | Reason::Signal(_)))
}

/// The last traffic that could be known of.
fn last_traffic(moment: &Moment<'_>) -> Option<Time> {
    moment.book.seen.and_then(|seen| seen.traffic).max(moment.book.effort.told)
}

/// Nobody tells COMMAND to go before what must come first has ended, or has had its time: only
/// kill-rss cannot wait. Nor does anybody tell it to go that nothing was decided about.
pub(super) fn a_stop_is_prepared(moment: &Moment<'_>) -> bool {
    let ending = moment.book.ending.filter(|ending| ending.opening.is_none());
    let reason = match moment.action {
        Action::Tell(Notice::Stopping { reason, .. }) => Some(*reason),
        Action::CutInput => ending.and_then(|ending| ending.planned),
        _ => return true,
    };
    let (Some(ending), Some(reason)) = (ending, reason) else { return false };
    if ending.drain.is_some() {
        return *moment.action != Action::CutInput;
    }
    let Some(timeout) = moment.rules.pre_stop else { return true };
    match moment.book.told {
        Event::Prepared { generation } => generation == moment.book.generation(),
        Event::Exited(_) => true,
        _ => moment.book.now >= ending.began + timeout || matches!(reason, Reason::KillRss { .. }),
    }
}

/// A stop is planned only where another generation could start right now, or none is to.
pub(super) fn only_what_can_start_again_is_stopped(moment: &Moment<'_>) -> bool {
    let Action::Tell(Notice::Due { reason, .. }) = moment.action else { return true };
    matches!(reason, Reason::KillRss { .. })
        || moment.rules.then.ends()
        || matches!(moment.book.told, Event::Checked(None))
}

/// TERM, or a stop for good: no triggers from now on; that kill-rss would kill is told still.
pub(super) fn nothing_is_planned_after_term(moment: &Moment<'_>) -> bool {
    let kills = matches!(reason(moment), Some(Reason::KillRss { .. }));
    let told = kills && moment.rules.observe.is_some();
    let over = moment.book.leaving || moment.book.outstays.is_some();
    reason(moment).is_none() || told || !over && moment.book.command_lives()
}

/// The next generation would find nothing; only kill-rss cannot wait.
pub(super) fn nothing_is_planned_after_the_input_spent(moment: &Moment<'_>) -> bool {
    reason(moment).is_none_or(|reason| matches!(reason, Reason::KillRss { .. }))
        || !moment.book.input_spent
}

/// Idle means *went* idle; what COMMAND opened itself before it had settled does not count.
pub(super) fn idle_only_after_traffic_that_counts(moment: &Moment<'_>) -> bool {
    !matches!(reason(moment), Some(Reason::Idle { .. }))
        || moment.book.seen.is_some_and(|seen| seen.armed)
}

/// By job control or a debugger, as far as the last walk could see.
pub(super) fn a_stopped_command_is_left_alone(moment: &Moment<'_>) -> bool {
    own_reason(moment).is_none() || !moment.book.stopped
}

/// What was seen of memory last was over the limit, and no single glance.
pub(super) fn memory_only_when_over_for_certain(moment: &Moment<'_>) -> bool {
    let (told, samples) = (moment.book.told_over, &moment.book.samples);
    let limit = |bytes, measure| Limit { bytes, measure, kills: false };
    match reason(moment) {
        Some(Reason::KillRss { limit: bytes, measure, .. }) => {
            !told && samples.certain(Limit { kills: true, ..limit(bytes, measure) })
        }
        Some(Reason::Rss { limit: bytes, .. }) => {
            !told && samples.certain(limit(bytes, Measure::Rss))
        }
        Some(Reason::Pss { limit: bytes, .. }) => {
            !told && samples.certain(limit(bytes, Measure::Pss))
        }
        Some(Reason::Signal(_) | Reason::Lifetime { .. } | Reason::Idle { .. }) | None => true,
    }
}

/// What cannot be seen never makes a generation idle.
pub(super) fn the_unseen_is_not_quiet(moment: &Moment<'_>) -> bool {
    !matches!(reason(moment), Some(Reason::Idle { .. })) || moment.book.saw_traffic
}

pub(super) fn min_lifetime_is_kept(moment: &Moment<'_>) -> bool {
    own_reason(moment).is_none() || moment.book.lived() >= moment.rules.min_lifetime
}

/// COMMAND got a signal that may end it: nothing gets in its way.
pub(super) fn an_interruption_holds(moment: &Moment<'_>) -> bool {
    own_reason(moment).is_none()
        || moment.book.held_until.is_none_or(|until| moment.book.now >= until)
}

/// The longest, less no more than the jitter.
pub(super) fn a_lifetime_is_lived(moment: &Moment<'_>) -> bool {
    !matches!(reason(moment), Some(Reason::Lifetime { .. }))
        || shortest_life(moment).is_some_and(|life| moment.book.lived() >= life)
}

fn shortest_life(moment: &Moment<'_>) -> Option<Duration> {
    let lifetime = moment.rules.lifetime?;
    Some(lifetime.max.saturating_sub(lifetime.jitter.of_time(lifetime.max)))
}

/// Exactly: the last byte, plus the idle time.
pub(super) fn idle_only_when_quiet_for_so_long(moment: &Moment<'_>) -> bool {
    let Some(Reason::Idle { quiet }) = reason(moment) else { return true };
    let gap = last_traffic(moment).map(|last| moment.book.now.since(last));
    let told = moment.book.effort.was_blind || gap >= Some(quiet);
    gap >= moment.rules.idle.map(|idle| idle.after) && told
}

/// A tree that computes is working, not idle.
pub(super) fn idle_only_when_rested(moment: &Moment<'_>) -> bool {
    let (Some(Reason::Idle { .. }), Some(seen), Some(share), Some(idle)) =
        (reason(moment), moment.book.seen, moment.rules.idle_cpu, moment.rules.idle)
    else {
        return true;
    };
    seen.worked <= share.of_time(idle.after) + BLUR
}

/// With `--quiet`: the moment is quiet, or enough of it was waited for.
pub(super) fn a_quiet_moment_is_waited_for(moment: &Moment<'_>) -> bool {
    let (book, rules) = (moment.book, moment.rules);
    let (Some(reason), Some(quiet)) = (own_reason(moment), rules.quiet) else { return true };
    if matches!(reason, Reason::Idle { .. }) {
        return true;
    }
    let gap = book.now.since(last_traffic(moment).unwrap_or(book.started));
    let expired = shortest_life(moment).map(|life| book.began + life);
    let due = [expired, book.over_since].into_iter().flatten().min().unwrap_or(book.now);
    let since = due.max(book.began + rules.min_lifetime);
    gap >= quiet.gap || book.now >= since + quiet.wait
}

/// Two generations in a row that are over the limit at once: the second one is held, unless it
/// grows to half as much again or comes near kill-rss.
pub(super) fn a_low_limit_does_not_storm(moment: &Moment<'_>) -> bool {
    let (book, rules) = (moment.book, moment.rules.memory);
    let memory = matches!(reason(moment), Some(Reason::Rss { .. } | Reason::Pss { .. }));
    let over = |(limit, measure): (Bytes, Measure)| {
        book.samples.over(Limit { bytes: limit, measure, kills: false })
    };
    let near = rules.kill.map(|(limit, measure)| (Bytes(limit.0 / 10 * 9), measure));
    let rss = rules.max_rss.map(|limit| (Bytes(limit.0 + limit.0 / 2), Measure::Rss));
    let pss = rules.max_pss.map(|limit| (Bytes(limit.0 + limit.0 / 2), Measure::Pss));
    let runs_away = [near, rss, pss].into_iter().flatten().any(over);
    !memory || runs_away || book.early == 0 || book.lived() >= Duration::from_secs(10)
}

/// What grows so fast that its hold ended is not started at once: the next start has a time.
pub(super) fn a_runaway_is_spaced(moment: &Moment<'_>) -> bool {
    let book = moment.book;
    let at_once = matches!(moment.action, Action::Start { .. }) && book.start_due.is_none();
    let killed = matches!(book.cause, Some(Cause::KillRss));
    !at_once || !book.runs_away || killed
}

/// After two idle recycles in a row of generations that had all their traffic at their start.
pub(super) fn only_idle_recycles_in_vain_are_spaced(moment: &Moment<'_>) -> bool {
    let held = matches!(moment.action, Action::Tell(Notice::Held(Hold::Reconnects)));
    !held || moment.book.in_vain >= 2
}

/// kill-rss, signal, rss, pss, lifetime, idle: the first that is certain.
pub(super) fn the_first_reason_wins(moment: &Moment<'_>) -> bool {
    let (book, rules) = (moment.book, moment.rules);
    let certain = |limit: Option<(Bytes, Measure)>, kills| {
        limit.is_some_and(|(bytes, measure)| {
            !book.told_over && book.samples.certain(Limit { bytes, measure, kills })
        })
    };
    let max = |limit: Option<Bytes>, measure| certain(limit.map(|bytes| (bytes, measure)), false);
    let kill = certain(rules.memory.kill, true);
    // A storm holds memory recycles; the other reasons go on.
    let rss = max(rules.memory.max_rss, Measure::Rss) && !book.stormy;
    let pss = max(rules.memory.max_pss, Measure::Pss) && !book.stormy;
    let expired = rules.lifetime.is_some_and(|lifetime| book.lived() >= lifetime.max);
    match reason(moment) {
        None | Some(Reason::KillRss { .. }) => true,
        Some(Reason::Signal(_) | Reason::Rss { .. }) => !kill,
        Some(Reason::Pss { .. }) => !kill && !rss,
        Some(Reason::Lifetime { .. }) => !kill && !rss && !pss,
        Some(Reason::Idle { .. }) => !kill && !rss && !pss && !expired,
    }
}
