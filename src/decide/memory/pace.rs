//! When memory is looked at next: as soon as a limit could be crossed, and never so often that
//! looking takes more than its share of a processor. The only place that decides that.

use std::time::Duration;

use super::MemoryWatch;
use super::limit::{Crossing, GROWTH, LONGEST, SHORTEST, time_to_grow};
use crate::decide::event::{MemoryLook, Observation};
use crate::decide::rules::Measure;
use crate::decide::time::Time;
use crate::units::Bytes;

/// A look that cost `c` is not repeated before `c` times this: a quarter of a percent of one CPU
/// for the counters or a third for the pages, whichever are looked at, and an eighth for the walk.
const COUNTERS_PAUSE: u32 = 400;
const PAGES_PAUSE: u32 = 300;
pub(super) const WALK_PAUSE: u32 = 800;
/// The same where a limit may be crossed by what has been seen to grow: five percent.
const URGENT_PAUSE: u32 = 20;
/// So many urgent looks in a row may show nothing before they become rarer: a server that forks its
/// workers looks like a leak so often.
const FREE: u32 = 3;

/// The looks at the pages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pages {
    /// The last one, and what it cost; `None`: there was none.
    last: Option<(Time, Duration)>,
    /// Looks in a row that did not show what had been expected: growth that was shared.
    in_vain: u32,
}

impl Pages {
    pub(super) const UNREAD: Self = Self { last: None, in_vain: 0 };

    /// They were read, and did or did not show what was expected.
    pub(super) fn read(self, now: Time, cost: Duration, came_true: bool) -> Self {
        let in_vain = if came_true { 0 } else { self.in_vain.saturating_add(1) };
        Self { last: Some((now, cost)), in_vain }
    }

    /// When the next one may be, at this cost; `None`: at once. Urgent looks become rarer, down to
    /// the pace of the others, while they show nothing.
    fn next(self, cost: Option<Duration>, urgent: bool) -> Option<Time> {
        let (read, last_cost) = self.last?;
        let in_vain = self.in_vain.saturating_sub(FREE);
        let longer = 1_u32.checked_shl(in_vain).unwrap_or(u32::MAX);
        let pause = if urgent { URGENT_PAUSE.saturating_mul(longer) } else { PAGES_PAUSE };
        Some(read + cost.unwrap_or(last_cost).saturating_mul(pause.min(PAGES_PAUSE)))
    }
}

impl MemoryWatch {
    /// When to look again.
    pub(super) fn after(&self, now: Time, seen: &Observation) -> Time {
        let Some(known) = self.known() else { return now + LONGEST };
        let pauses = self.limits().map(|limit| limit.pause(&known, self.growth));
        let held = if self.held { self.until_runaway() } else { LONGEST };
        let nearest = pauses.min().unwrap_or(LONGEST).min(held);
        let counters_only = !seen.look.walk && seen.look.memory == Some(MemoryLook::Counters);
        let afford = if counters_only { seen.cost * COUNTERS_PAUSE } else { Duration::ZERO };
        // What grows as it was seen to grow would be over before the look that costs little.
        let urgent = self.at_its_growth(nearest).is_some_and(|crossed| crossed < afford);
        let afford = if urgent { seen.cost * URGENT_PAUSE } else { afford };
        let next = now + nearest.clamp(SHORTEST, LONGEST).max(afford);
        match self.pages_wanted().filter(|_| !self.told) {
            // The pages answer at once what the counters could answer later.
            Some(_) => next.min(self.next_pages().unwrap_or(now).max(now)),
            None => next,
        }
    }

    /// A time that counts on any growth, for the growth that was seen.
    fn at_its_growth(&self, pause: Duration) -> Option<Duration> {
        let times = u128::from(self.growth.max(GROWTH)).checked_div(u128::from(self.growth))?;
        Some(pause.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX)))
    }

    /// When the pages may be looked at next; `None`: at once.
    pub(super) fn next_pages(&self) -> Option<Time> {
        let cost = self.last.and_then(|(_, memory)| memory.pages_cost);
        self.pages.next(cost, self.pages_are_urgent())
    }

    /// A limit may be crossed that was not when the pages were read, or a hold may have to end.
    fn pages_are_urgent(&self) -> bool {
        let Some(known) = self.known() else { return false };
        let news = self.limits().any(|limit| {
            limit.crossing != Crossing::Confirmed && limit.wants_pages(&known).is_some()
        });
        let far = self.max_pss.map(|limit| limit.far_over());
        news || self.held && far.is_some_and(|far| self.pss_bound > Some(far))
    }

    /// Whether the pages have shown a crossing, or at least half of the growth that was expected.
    pub(super) fn came_true(&self, before: Option<Bytes>, expected: Option<Bytes>) -> bool {
        let crossed = self.limits().any(|limit| limit.crossing == Crossing::Confirmed);
        let (Some(before), Some(expected), Some(pss)) = (before, expected, self.pss) else {
            return true;
        };
        let grown = |to: Bytes| to.0.saturating_sub(before.0);
        crossed || grown(pss) >= grown(expected) / 2
    }

    /// A recycle is held although a limit is crossed: what ends the hold is not to be missed.
    pub(crate) fn hold(&mut self, now: Time) {
        if !self.held {
            self.held = true;
            self.next_counters = self.next_counters.min(now + self.until_runaway().max(SHORTEST));
        }
    }

    /// How long until memory could end the hold.
    fn until_runaway(&self) -> Duration {
        let used = |measure| match measure {
            Measure::Rss => self.last.map(|(_, memory)| memory.settled),
            Measure::Pss => self.pss_bound,
        };
        let short_of = self.thresholds().map(|(measure, threshold)| {
            threshold.0.saturating_sub(used(measure).map_or(0, |used| used.0))
        });
        // What is there already is held by something else.
        let nearest = short_of.filter(|bytes| *bytes > 0).min();
        nearest.map_or(LONGEST, |bytes| time_to_grow(bytes, self.growth))
    }
}

#[cfg(test)]
mod tests;
