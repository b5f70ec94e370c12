//! Laws about how often, and how widely, one looks at traffic. They are about `--idle`: a recycle
//! that waits for a quiet moment looks more often.

use std::time::Duration;

use super::Moment;
use crate::action::Action;
use crate::event::{Event, Look, TrafficLook};
use crate::simulation::effort::{Effort, Flow};
use crate::time::Time;

/// While payload is added up, it is asked for this often a window.
const FLOOR_LOOKS: u32 = 20;
/// What moves without timestamps is asked for this often a window.
const MUTE_LOOKS: usize = 64;
/// What has timestamps, or works, is asked for no more often than this.
const LOOKS: usize = 20;
/// The first look at a generation.
const EARLIEST: Duration = Duration::from_millis(20);

/// A look at traffic for `--idle` alone, and its window.
fn look<'a>(moment: &Moment<'a>) -> Option<(&'a Look, &'a Effort, Duration)> {
    let (Action::Look(look), Some(idle)) = (moment.action, moment.rules.idle) else { return None };
    // Samples are looks that were asked for.
    if moment.rules.sample_every.is_some() || moment.rules.observe.is_some() {
        return None;
    }
    // What is due while COMMAND is stopped is confirmed anew at each look.
    let held = moment.rules.quiet.is_some() || moment.book.stopped;
    let asks = look.traffic.is_some() && look.memory.is_none() && !held;
    asks.then_some((look, &moment.book.effort, idle.after))
}

/// When the generation can be idle, as far as was told.
fn due(effort: &Effort, window: Duration) -> Option<Time> {
    effort.told.map(|told| told + window)
}

/// Between the last movement and the deadline there is nothing to look at: once what moved is
/// asked whether it still does, and once all the others.
pub(super) fn silence_is_not_disturbed(moment: &Moment<'_>) -> bool {
    let Some((_, effort, window)) = look(moment) else { return true };
    let now = moment.book.now;
    let waits = due(effort, window).is_some_and(|due| now < due);
    if !waits || effort.muddled || !effort.armed && moment.rules.floor.is_none() {
        return true;
    }
    let told = effort.told.unwrap_or(now);
    let allowed = match moment.rules.floor {
        // A tree that works is sampled until it rests.
        None if moment.rules.idle_cpu.is_some() => 3 + window_parts(now.since(told), window, 10),
        None => 2,
        Some(_) => 3 + window_parts(now.since(told), window, FLOOR_LOOKS),
    };
    effort.since_news < allowed
}

fn window_parts(span: Duration, window: Duration, parts: u32) -> u32 {
    u32::try_from(span.as_nanos() * u128::from(parts) / window.as_nanos()).unwrap()
}

/// Constant traffic costs a constant number of looks.
pub(super) fn looks_are_few(moment: &Moment<'_>) -> bool {
    let Some((look, effort, window)) = look(moment) else { return true };
    let now = moment.book.now;
    let (cheap, all) = effort.looks(now, window);
    let floor = if moment.rules.floor.is_some() { LOOKS + 4 } else { 0 };
    let is_cheap = look.traffic == Some(TrafficLook::Hottest);
    let (cheap, all) = (cheap + usize::from(is_cheap), all + usize::from(!is_cheap));
    let mute = effort.mute_told.is_some_and(|at| now.since(at) < window);
    match mute {
        false if floor > 0 => cheap + all <= floor,
        false => cheap + all <= LOOKS,
        true if floor > 0 => cheap + all <= floor + MUTE_LOOKS,
        // Each time when silence follows, all are looked at: once.
        true => cheap <= MUTE_LOOKS + 2 && all <= cheap + LOOKS,
    }
}

/// While something flows, it alone is asked; the tree is walked when its CPU time is to be sampled.
pub(super) fn while_it_flows_looks_are_cheap(moment: &Moment<'_>) -> bool {
    let Some((look, effort, window)) = look(moment) else { return true };
    let now = moment.book.now;
    let flows = match effort.flow {
        Flow::Still | Flow::Unsure => false,
        Flow::Stamped => effort.armed,
        Flow::Unstamped => true,
    };
    let waits = due(effort, window).is_some_and(|due| now < due);
    let by_itself = matches!(moment.book.told, Event::Due);
    if !flows || !waits || !by_itself || effort.muddled || moment.rules.floor.is_some() {
        return true;
    }
    look.traffic == Some(TrafficLook::Hottest)
        && (!look.walk || now.since(effort.walked) >= window / 10)
}

/// A generation that had no traffic is looked at often at first, and once a window then.
pub(super) fn early_looks_grow_rare(moment: &Moment<'_>) -> bool {
    let Some((_, effort, window)) = look(moment) else { return true };
    let now = moment.book.now;
    let by_itself = matches!(moment.book.told, Event::Due | Event::Started);
    let floor = moment.rules.floor.is_some();
    if !by_itself || effort.armed || floor || effort.flow == Flow::Unstamped {
        return true;
    }
    match effort.last_look() {
        None => now.since(effort.started) >= EARLIEST.min(window),
        Some(before) => now.since(before) >= (before.since(effort.started) * 3).min(window),
    }
}

/// What an answer has shown is not asked for again at once.
pub(super) fn an_answer_is_believed(moment: &Moment<'_>) -> bool {
    let (Action::Look(look), Event::Observed(seen)) = (moment.action, &moment.book.told) else {
        return true;
    };
    seen.generation != moment.book.ran || !seen.look.covers(*look)
}
