//! Memory: is a limit crossed for certain, and when is the next look worth its cost?
//! One of these lives as long as its generation: no sample outlives it.

mod limit;

use std::time::Duration;

use self::limit::{Crossing, LONGEST, Limit, SETTLING, SHORTEST, time_to_grow};
use super::event::{Look, Memory, MemoryLook, Observation};
use super::notice::LookedAtMemory;
use super::rules::{Measure, MemoryRules};
use super::time::Time;
use crate::units::Bytes;

/// A look that cost `c` is not repeated before `c` times this: a quarter of a percent of one CPU
/// for the counters or a third for the pages, whichever are looked at, and an eighth for the walk.
const COUNTERS_PAUSE: u32 = 400;
const PAGES_PAUSE: u32 = 300;
const WALK_PAUSE: u32 = 800;

/// A tree that sleeps is looked at this often all the same: memory that it shares with others may
/// grow, and huge pages may be made of its small ones.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Processes that were first seen after this are new.
pub(crate) fn settled_by(now: Time) -> Option<Time> {
    Some(now.before(SETTLING))
}

/// A limit that is crossed for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) used: Bytes,
    pub(crate) limit: Bytes,
    pub(crate) measure: Measure,
    /// PSS, when it is known.
    pub(crate) pss: Option<Bytes>,
}

/// The watch over one generation's memory.
#[derive(Debug)]
pub(crate) struct MemoryWatch {
    max_rss: Option<Limit>,
    max_pss: Option<Limit>,
    kill: Option<Limit>,
    last: Option<(Time, Memory)>,
    /// Bytes a second between the last two samples.
    growth: u64,
    /// As last read.
    pss: Option<Bytes>,
    /// Pages cannot be looked at here: a second sample confirms a crossing, and PSS is unknown.
    pages_unseen: bool,
    /// A crossing was told, and nothing came of it: before memory was below, it is none any more.
    told: bool,
    below_since: Time,
    next_counters: Time,
    next_walk: Time,
    next_pages: Time,
    /// When the tree was last found to have run, or a process of it was found for the first time.
    ran: Time,
    /// It has not since.
    asleep: bool,
}

impl MemoryWatch {
    pub(crate) fn new(started: Time, rules: MemoryRules) -> Self {
        Self {
            max_rss: rules.max_rss.map(|bytes| Limit::new(bytes, Measure::Rss)),
            max_pss: rules.max_pss.map(|bytes| Limit::new(bytes, Measure::Pss)),
            kill: rules.kill.map(|(bytes, measure)| Limit::new(bytes, measure)),
            last: None,
            growth: 0,
            pss: None,
            pages_unseen: false,
            told: false,
            below_since: started,
            next_counters: started,
            next_walk: started,
            next_pages: started,
            ran: started,
            asleep: false,
        }
    }

    /// What is over now was told, and stays.
    pub(crate) fn begin_anew(&mut self) {
        let over = self.limits().any(|limit| limit.crossing == Crossing::Confirmed);
        self.told |= over;
    }

    /// From now on only `--kill-rss` counts.
    pub(crate) fn only_kill(&mut self) {
        (self.max_rss, self.max_pss) = (None, None);
    }

    fn limits(&self) -> impl Iterator<Item = &Limit> {
        [&self.max_rss, &self.max_pss, &self.kill].into_iter().flatten()
    }

    /// The deadline for the next look; `None`: no limit, no look.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.limits().next().map(|_| self.next_counters)
    }

    /// What is worth looking at now.
    pub(crate) fn wanted(&self, now: Time) -> Look {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Look::default();
        }
        let closely = self.pages_wanted() && now >= self.next_pages;
        Look {
            memory: Some(if closely { MemoryLook::Pages } else { MemoryLook::Counters }),
            walk: closely || self.asleep || now >= self.next_walk,
            settled_by: settled_by(now),
            traffic: None,
        }
    }

    /// The look that a recycle because of memory must be based on.
    pub(crate) fn last_look(&self, now: Time) -> Look {
        let memory = if self.pages_unseen { MemoryLook::Counters } else { MemoryLook::Pages };
        Look { memory: Some(memory), walk: true, settled_by: settled_by(now), traffic: None }
    }

    fn pages_wanted(&self) -> bool {
        let Some((_, memory)) = self.last else {
            return false;
        };
        !self.pages_unseen && self.limits().any(|limit| limit.wants_pages(memory))
    }

    /// Takes in the answer to a look.
    pub(crate) fn observe(&mut self, now: Time, seen: &Observation) {
        let Some(asked) = seen.look.memory else {
            return;
        };
        if seen.look.walk {
            self.next_walk = now + seen.cost * WALK_PAUSE;
        }
        let Some(memory) = seen.memory else {
            // Unknown is not zero, and not calm: nothing changes, and nobody hurries.
            self.below_since = now;
            self.next_counters = now + LONGEST;
            return;
        };
        if asked == MemoryLook::Pages {
            self.pages_unseen = memory.pss.is_none();
            self.pss = memory.pss;
            self.next_pages = now + seen.cost * PAGES_PAUSE;
        }
        if let Some((at, last)) = self.last {
            let grown = u128::from(memory.rss.0.saturating_sub(last.rss.0)) * 1_000_000;
            let span = now.since(at).as_micros().max(1);
            self.growth = u64::try_from(grown / span).unwrap_or(u64::MAX);
        }
        self.last = Some((now, memory));
        for limit in [&mut self.max_rss, &mut self.max_pss, &mut self.kill].into_iter().flatten() {
            limit.judge(memory);
        }
        let below = self.limits().all(|limit| limit.crossing == Crossing::Below);
        self.told &= !below;
        if [&self.max_rss, &self.max_pss]
            .into_iter()
            .flatten()
            .any(|limit| limit.crossing != Crossing::Below)
        {
            self.below_since = now;
        }
        self.next_counters = self.after(now, memory, seen);
        // Without a walk nobody asked.
        let Some(tree) = seen.tree else { return };
        self.asleep = tree.asleep && below;
        if !self.asleep {
            self.ran = now;
            return;
        }
        // What sleeps does not grow by its own doing. But a process that was just forked is not
        // known before a look, so one that has slept long is relied on longer.
        let slept = now.since(self.ran).min(LONGEST_SLEEP);
        self.next_counters = self.next_counters.max(now + slept);
    }

    /// A tree that slept has run.
    pub(crate) fn woken(&mut self, now: Time) {
        (self.next_counters, self.asleep) = (self.next_counters.min(now), false);
    }

    /// When to look again.
    fn after(&self, now: Time, memory: Memory, seen: &Observation) -> Time {
        let pauses = self.limits().map(|limit| limit.pause(memory, self.growth));
        let pause = pauses.min().unwrap_or(LONGEST).clamp(SHORTEST, LONGEST);
        let counters_only = !seen.look.walk && seen.look.memory == Some(MemoryLook::Counters);
        let afford = if counters_only { seen.cost * COUNTERS_PAUSE } else { Duration::ZERO };
        let next = now + pause.max(afford);
        if self.told || !self.pages_wanted() {
            return next;
        }
        // The pages answer at once what the counters could answer later. Where they have just been
        // read, PSS is not worth another look before it can have grown to the limit.
        let pss = self.pss.map_or(Duration::ZERO, |pss| {
            let short_of = |limit: &Limit| limit.bytes.0.saturating_sub(pss.0);
            let nearest = self.limits().filter(|limit| limit.measure == Measure::Pss);
            time_to_grow(nearest.map(short_of).min().unwrap_or(0), self.growth)
        });
        self.next_pages.max(now + pss).min(now + LONGEST)
    }

    /// The crossing of `--kill-rss`, if it is certain.
    pub(crate) fn kill(&self) -> Option<Over> {
        self.over(self.kill)
    }

    /// The crossing of `--max-rss`, if it is certain.
    pub(crate) fn max_rss(&self) -> Option<Over> {
        self.over(self.max_rss)
    }

    /// The crossing of `--max-pss`, if it is certain.
    pub(crate) fn max_pss(&self) -> Option<Over> {
        self.over(self.max_pss)
    }

    fn over(&self, limit: Option<Limit>) -> Option<Over> {
        let certain = |limit: &Limit| limit.crossing == Crossing::Confirmed && !self.told;
        let limit = limit.filter(certain)?;
        let (_, memory) = self.last?;
        let used = match limit.measure {
            Measure::Rss => memory.settled,
            Measure::Pss => self.pss?,
        };
        Some(Over { used, limit: limit.bytes, measure: limit.measure, pss: self.pss })
    }

    /// Memory is so near `--kill-rss` that nothing may hold a recycle any more.
    pub(crate) fn near_kill(&self) -> bool {
        let (Some(kill), Some((_, memory))) = (self.kill, self.last) else {
            return false;
        };
        let used = match kill.measure {
            Measure::Rss => Some(memory.settled),
            Measure::Pss => self.pss,
        };
        used.is_some_and(|used| used.0 > kill.bytes.0 / 10 * 9)
    }

    /// How long no limit but `--kill-rss` has been crossed.
    pub(crate) fn below_for(&self, now: Time) -> Duration {
        now.since(self.below_since)
    }

    /// The last sample and the lowest limit, for `--verbose`.
    pub(crate) fn looked(&self) -> Option<LookedAtMemory> {
        let (_, memory) = self.last?;
        let limit = self.limits().map(|limit| limit.bytes).min()?;
        Some(LookedAtMemory { memory, limit, growth: Bytes(self.growth) })
    }
}

#[cfg(test)]
mod tests;
