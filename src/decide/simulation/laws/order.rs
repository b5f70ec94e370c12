//! Laws about what may be done when.

use super::Moment;
use crate::action::{Action, Force};
use crate::event::Event;
use crate::exit::Signal;
use crate::notice::Notice;
use crate::rules::Measure;
use crate::simulation::samples::Limit;

/// The next generation starts when nothing of the last one lives.
pub(super) fn never_two_generations(moment: &Moment<'_>) -> bool {
    !matches!(moment.action, Action::Start { .. })
        || !moment.tree_lives && !moment.book.command_lives()
}

/// TERM is the end of starting, and so is an INT that nobody is there to take, and a stop of what
/// outlived its input.
pub(super) fn nothing_is_started_after_term(moment: &Moment<'_>) -> bool {
    let over = moment.book.leaving || moment.book.outstays.is_some();
    !matches!(moment.action, Action::Start { .. }) || !over
}

/// After `Quit`, nothing: not even a second one.
pub(super) fn quit_is_the_last_action(moment: &Moment<'_>) -> bool {
    !moment.book.quit
}

/// A generation that never ran is not counted.
pub(super) fn generations_count_up_by_one(moment: &Moment<'_>) -> bool {
    let Action::Start { generation, .. } = moment.action else { return true };
    *generation == moment.book.ran + 1
}

/// `RECYCLE_REASON` is why the last generation that ran is over.
pub(super) fn a_start_knows_its_cause(moment: &Moment<'_>) -> bool {
    let Action::Start { cause, .. } = moment.action else { return true };
    *cause == moment.book.cause
}

/// A process number is free for others as soon as its process was reaped.
pub(super) fn no_signal_to_the_dead(moment: &Moment<'_>) -> bool {
    !matches!(moment.action, Action::Pass(_) | Action::Wake) || moment.book.command_lives()
}

/// While COMMAND goes on, so do we, whatever signal came: we stop only with it, and where nothing
/// of it lives, at a terminal.
pub(super) fn we_stop_only_with_command(moment: &Moment<'_>) -> bool {
    let asked = match moment.book.told {
        Event::Signalled { signal, shared } => {
            let stops = matches!(signal, Signal::TSTP | Signal::TTIN | Signal::TTOU);
            stops && shared && !moment.book.command_lives()
        }
        Event::Stopped(_) => moment.book.command_lives(),
        Event::InBackground => true,
        _ => false,
    };
    !matches!(moment.action, Action::Suspend(_)) || asked
}

/// While COMMAND's own process lives, it alone is told to go: it knows best how its tree ends.
pub(super) fn only_the_left_behind_are_asked(moment: &Moment<'_>) -> bool {
    *moment.action != Action::Sweep(Force::Ask) || matches!(moment.book.told, Event::Exited(_))
}

/// With `--observe` recycles are told and never come; else they come.
pub(super) fn observed_recycles_never_come(moment: &Moment<'_>) -> bool {
    let observes = moment.rules.observe.is_some();
    match moment.action {
        Action::Tell(Notice::Due { .. } | Notice::Stopping { .. } | Notice::Recycled(_)) => {
            !observes
        }
        Action::Tell(Notice::WouldRecycle { generation, .. }) => {
            observes && *generation == moment.book.generation()
        }
        Action::Tell(Notice::Observed(_)) => observes,
        _ => true,
    }
}

/// Looking costs: nobody looks for what no rule asks about, or not any more.
pub(super) fn looks_serve_a_decision(moment: &Moment<'_>) -> bool {
    let Action::Look(look) = moment.action else { return true };
    let (book, rules) = (moment.book, moment.rules);
    let ends = book.ends();
    let over = ends || book.input_spent;
    let memory = rules.memory;
    let planned = !over && (memory.max_rss.is_some() || memory.max_pss.is_some());
    let observed = rules.observe.is_some();
    let traffic = !over && (rules.idle.is_some() || rules.quiet.is_some() || observed);
    let sampled = rules.sample_every.is_some();
    (look.memory.is_none() || planned || memory.kill.is_some() || sampled || observed)
        && (look.traffic.is_none() || traffic || sampled && !ends)
}

/// Backoff is waited for.
pub(super) fn a_start_waits_for_its_time(moment: &Moment<'_>) -> bool {
    !matches!(moment.action, Action::Start { .. })
        || moment.book.start_due.is_none_or(|due| moment.book.now >= due)
}

/// KILL comes at the stop timeout or later, or for kill-rss; while we leave and no stop had begun
/// before, only for kill-rss.
pub(super) fn kill_waits_for_the_stop_timeout(moment: &Moment<'_>) -> bool {
    if *moment.action != Action::Sweep(Force::Kill) {
        return true;
    }
    let (book, rules) = (moment.book, moment.rules);
    let over = |(bytes, measure): (_, Measure)| {
        book.samples.certain(Limit { bytes, measure, kills: true })
    };
    let asked = book.ending.filter(|_| !book.is_preparing()).map(|ending| ending.asked);
    let late = asked.max(book.outstays).is_some_and(|at| book.now >= at + rules.stop_timeout);
    let own_end = matches!(book.told, Event::Exited(_)) && book.killed.is_none();
    let kills = rules.memory.kill.filter(|_| rules.observe.is_none());
    book.killed.is_some() || late && !own_end || kills.is_some_and(over)
}
