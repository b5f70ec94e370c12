//! Memory: is a limit crossed for certain, and when is the next look worth its cost?
//! One of these lives as long as its generation: no sample outlives it.

mod growth;
mod limit;
mod pace;

use std::time::Duration;

use self::limit::{Crossing, Known, LONGEST, Limit, SETTLING};
use self::pace::{Pages, Refused, WALK_PAUSE};
use super::event::{Look, Memory, MemoryLook, Observation, Sight};
use super::notice::LookedAtMemory;
use super::policy::EARLY_PART;
use super::rules::{Measure, MemoryRules};
use super::time::Time;
use crate::units::Bytes;

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
    pub used: Bytes,
    pub limit: Bytes,
    pub measure: Measure,
    /// PSS, when it is known.
    pub pss: Option<Bytes>,
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
    /// Bytes per second between the last two exact reads of PSS.
    pss_growth: u64,
    /// An estimate of PSS: the last exact value plus the growth of RSS since. It is no upper
    /// bound: when forked processes write to shared pages, PSS grows and RSS does not.
    pss_expected: Option<Bytes>,
    /// Pages cannot be looked at: a second sample confirms a crossing, and PSS is unknown.
    pages_unseen: Option<Refused>,
    /// Pages could not be read in time: a second sample confirms what `--kill-rss` kills for.
    too_slow: bool,
    /// A crossing was told, and nothing came of it: before memory was below, it is none any more.
    told: bool,
    /// A recycle is held although a limit is crossed.
    held: bool,
    below_since: Time,
    next_counters: Time,
    next_walk: Time,
    /// The looks at the pages.
    pages: Pages,
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
            kill: rules.kill.map(|(bytes, measure)| Limit::killing(bytes, measure)),
            last: None,
            growth: 0,
            pss: None,
            pss_growth: 0,
            pss_expected: None,
            pages_unseen: None,
            too_slow: false,
            told: false,
            held: false,
            below_since: started,
            next_counters: started,
            next_walk: started,
            pages: Pages::UNREAD,
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
        self.wanted_by(now, now)
    }

    /// The same, if another look is made anyhow: one at a tree that sleeps may come early.
    pub(crate) fn wanted_early(&self, now: Time) -> Look {
        let slept = now.since(self.ran).min(LONGEST_SLEEP);
        let early = if self.asleep { slept / EARLY_PART } else { Duration::ZERO };
        self.wanted_by(now, now + early)
    }

    fn wanted_by(&self, now: Time, until: Time) -> Look {
        if self.deadline().is_none_or(|deadline| until < deadline) {
            return Look::default();
        }
        let closely = self.pages_wanted().filter(|_| Some(now) >= self.next_pages());
        Look {
            memory: Some(closely.unwrap_or(MemoryLook::Counters)),
            walk: closely.is_some() || self.asleep || now >= self.next_walk,
            settled_by: settled_by(now),
            traffic: None,
        }
    }

    /// The look that a recycle because of memory must be based on.
    pub(crate) fn last_look(&self, now: Time) -> Look {
        let memory =
            if self.pages_unseen.is_some() { MemoryLook::Counters } else { MemoryLook::Pages };
        Look { memory: Some(memory), walk: true, settled_by: settled_by(now), traffic: None }
    }

    fn known(&self) -> Option<Known> {
        let Self { pss_expected, too_slow, .. } = *self;
        let pages_unseen = self.pages_unseen.is_some();
        let ran = !self.asleep || self.pages.last_read().is_none_or(|read| self.ran > read);
        self.last.map(|(_, memory)| Known { memory, pss_expected, ran, pages_unseen, too_slow })
    }

    /// What must be known in time comes first.
    fn pages_wanted(&self) -> Option<MemoryLook> {
        let known = self.known()?;
        self.limits().filter_map(|limit| limit.wants_pages(&known)).min()
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
        let processes = seen.tree.map(|tree| tree.processes);
        self.pages_unseen = self.pages_unseen.filter(|refused| refused.holds(now, processes));
        if asked != MemoryLook::Counters {
            let refused = seen.unseen.iter().any(|unseen| unseen.what == Sight::Pages);
            let unread = memory.pss.is_none();
            let unseen = unread && (refused || asked == MemoryLook::Pages);
            self.pages_unseen = unseen.then_some(Refused { at: now, processes });
            self.too_slow = unread && !unseen;
        }
        let (before, expected) = (self.pss, self.expected(memory));
        let read_before = self.pages.last_read();
        self.note_growth(now, asked, memory);
        self.last = Some((now, memory));
        if let Some(known) = self.known() {
            for limit in
                [&mut self.max_rss, &mut self.max_pss, &mut self.kill].into_iter().flatten()
            {
                limit.judge(&known);
            }
        }
        if asked != MemoryLook::Counters {
            let came_true = self.came_true(before, expected);
            self.pages = self.pages.read(now, seen.cost, came_true);
            self.pss_growth = self.pss_growth_since(read_before, before, now);
        }
        let below = self.limits().all(|limit| limit.crossing == Crossing::Below);
        self.told &= !below;
        self.held &= !below;
        if [&self.max_rss, &self.max_pss]
            .into_iter()
            .flatten()
            .any(|limit| limit.crossing != Crossing::Below)
        {
            self.below_since = now;
        }
        // Without a walk nobody asked.
        if let Some(tree) = seen.tree {
            self.asleep = tree.asleep && below;
            self.ran = if self.asleep { self.ran } else { now };
        }
        self.next_counters = self.after(now, seen);
        if seen.tree.is_none() || !self.asleep {
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

    /// The crossing of `--kill-rss`, if it is certain, with PSS if that is part of the proof.
    pub(crate) fn kill(&self) -> Option<Over> {
        let (_, memory) = self.last?;
        self.over(self.kill).map(|over| Over { pss: memory.pss, ..over })
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

    /// Memory is so far above its limit, or so near `--kill-rss`, that nothing may hold a recycle
    /// any more.
    pub(crate) fn runs_away(&self) -> bool {
        self.thresholds().any(|(measure, threshold)| match measure {
            Measure::Rss => self.last.is_some_and(|(_, memory)| memory.settled > threshold),
            Measure::Pss => self.pss > Some(threshold),
        })
    }

    /// What ends a hold: half as much again as a limit, 90% of `--kill-rss`.
    fn thresholds(&self) -> impl Iterator<Item = (Measure, Bytes)> {
        let max = [self.max_rss, self.max_pss].into_iter().flatten();
        let far = max.map(|limit| (limit.measure, limit.far_over()));
        let near = self.kill.map(|kill| (kill.measure, Bytes(kill.bytes.0 / 10 * 9)));
        far.chain(near)
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
