//! When memory is looked at next: as soon as a limit could be crossed, and never so often that
//! looking takes more than its share of a processor. The only place that decides that.

use std::time::Duration;

use super::MemoryWatch;
use super::limit::{Crossing, GROWTH, LONGEST, SHORTEST, time_to_grow};
use crate::event::{MemoryLook, Observation};
use crate::rules::Measure;
use crate::time::Time;
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
/// PSS can grow without RSS: it is read again after this long at the latest where it is near its
/// limit and that stays within the urgent budget...
const NEAR_PAUSE: Duration = Duration::from_secs(1);
/// ... and not before this, however cheap reading is.
const LEAST_PAUSE: Duration = Duration::from_millis(20);

/// Pages that could not be read are tried again after this long: the process that hid them may
/// have ended.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// A look at the pages that showed nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    pub(super) at: Time,
    /// How many processes the tree had, if that is known.
    pub(super) processes: Option<usize>,
}

impl Refused {
    /// Nothing is known that could make another look successful.
    pub(super) fn holds(self, now: Time, processes: Option<usize>) -> bool {
        let changed = self.processes.zip(processes).is_some_and(|(before, now)| before != now);
        !changed && now < self.at + ASK_AGAIN
    }
}

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

    pub(super) fn last_read(self) -> Option<Time> {
        self.last.map(|(read, _)| read)
    }

    /// When the next one may be, at this cost; `None`: at once. Urgent looks become rarer, down to
    /// the pace of the others, while they show nothing.
    fn next(self, cost: Option<Duration>, pace: Pace) -> Option<Time> {
        let (read, last_cost) = self.last?;
        let cost = cost.unwrap_or(last_cost);
        let (urgent, seldom) = (cost * URGENT_PAUSE, cost * PAGES_PAUSE);
        let in_vain = self.in_vain.saturating_sub(FREE);
        let longer = 1_u32.checked_shl(in_vain).unwrap_or(u32::MAX);
        Some(
            read + match pace {
                Pace::Urgent => urgent.saturating_mul(longer).min(seldom),
                Pace::Within(pause) => pause.min(seldom).max(urgent).max(LEAST_PAUSE),
                Pace::Seldom => seldom,
            },
        )
    }
}

/// How soon the pages are worth another look.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// As soon as the urgent budget allows.
    Urgent,
    /// After this long, or sooner if it costs little.
    Within(Duration),
    /// As the budget allows.
    Seldom,
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
        if self.pages_are_urgent() {
            return self.pages.next(cost, Pace::Urgent);
        }
        let Some((missing, limit)) = self.pss_headroom() else {
            return self.pages.next(cost, Pace::Seldom);
        };
        // Half the time that it would take: growth may have begun after the read before.
        let crossed = missing.saturating_mul(1_000).checked_div(self.pss_growth);
        let crossed = crossed.map(|millis| Duration::from_millis(millis / 2));
        let near = (missing <= limit / 4).then_some(NEAR_PAUSE);
        let within = crossed.into_iter().chain(near).min().map_or(Pace::Seldom, Pace::Within);
        let soonest = self.pages.last_read()? + time_to_grow(missing, self.pss_growth);
        Some(self.pages.next(cost, within)?.max(soonest))
    }

    /// What PSS, as last read, is short of the nearest limit that it could cross without any growth
    /// of RSS, and that limit.
    fn pss_headroom(&self) -> Option<(u64, u64)> {
        let (known, pss) = (self.known()?, self.pss?);
        let open = self.limits().filter(|limit| limit.wants_pages(&known).is_some());
        let ends_hold = self.max_pss.filter(|_| self.held).map(|limit| limit.far_over());
        let limits = open.map(|limit| limit.bytes).chain(ends_hold);
        let short_of = |bytes: Bytes| Some((bytes.0.checked_sub(pss.0)?, bytes.0));
        limits.filter_map(short_of).min()
    }

    /// A limit may be crossed that was not when the pages were read, or a hold may have to end.
    fn pages_are_urgent(&self) -> bool {
        let Some(known) = self.known() else { return false };
        let news = self.limits().any(|limit| {
            limit.crossing != Crossing::Confirmed && limit.needs_pages(&known).is_some()
        });
        let far = self.max_pss.map(|limit| limit.far_over());
        news || self.held && far.is_some_and(|far| self.pss_expected > Some(far))
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
            Measure::Pss => self.pss_expected,
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
