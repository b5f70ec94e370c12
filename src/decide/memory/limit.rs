//! One limit of memory: is it crossed for certain, and how soon could it be?

use std::time::Duration;

use super::Measure;
use crate::event::{Memory, MemoryLook};
use crate::units::Bytes;

/// A process shows its parent's whole size between `fork` and `exec`; after this long it is
/// believed.
pub(super) const SETTLING: Duration = Duration::from_millis(100);
/// Memory is taken to grow by this much a second, if it was not seen to grow faster.
pub(super) const GROWTH: u64 = 1 << 30;
pub(super) const SHORTEST: Duration = Duration::from_millis(4);
pub(super) const LONGEST: Duration = Duration::from_secs(1);
/// A tree smaller than this is looked at page by page to confirm a crossing: 10 ms at the most.
pub(super) const CHEAP: Bytes = Bytes(1 << 30);

/// What is known about a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Crossing {
    Below,
    /// One sample of the counters was over.
    Suspected,
    /// Two were, or the pages.
    Confirmed,
}

/// What a look has shown, and what is known from earlier ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) memory: Memory,
    /// The last exact PSS plus the growth of RSS since.
    pub(super) pss_expected: Option<Bytes>,
    /// The tree may have run since PSS was read: PSS may have grown up to RSS.
    pub(super) ran: bool,
    /// Pages cannot be read here.
    pub(super) pages_unseen: bool,
    /// They could not be read in time.
    pub(super) too_slow: bool,
}

/// How a crossing of RSS is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Rss,
    Pss,
    /// PSS must be over the limit, too, if it can be read at once: a kill cannot be taken back,
    /// and pages that processes share are counted in each of them.
    Both,
}

/// One limit, and what is known about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) bytes: Bytes,
    pub(super) measure: Measure,
    kills: bool,
    pub(super) crossing: Crossing,
}

impl Limit {
    pub(super) fn new(bytes: Bytes, measure: Measure) -> Self {
        Self { bytes, measure, kills: false, crossing: Crossing::Below }
    }

    /// That of `--kill-rss`.
    pub(super) fn killing(bytes: Bytes, measure: Measure) -> Self {
        Self { kills: true, ..Self::new(bytes, measure) }
    }

    /// Half as much again as the limit.
    pub(super) fn far_over(&self) -> Bytes {
        far_over(self.bytes)
    }

    fn proof(&self, memory: Memory) -> Proof {
        match self.measure {
            Measure::Pss => Proof::Pss,
            // One process has that much, whatever others share with it.
            Measure::Rss if memory.largest > self.bytes => Proof::Rss,
            Measure::Rss if self.kills && memory.settled <= self.far_over() => Proof::Both,
            Measure::Rss => Proof::Rss,
        }
    }

    pub(super) fn judge(&mut self, known: &Known) {
        let memory = known.memory;
        let once_more = match self.crossing {
            Crossing::Below => Crossing::Suspected,
            Crossing::Suspected | Crossing::Confirmed => Crossing::Confirmed,
        };
        self.crossing = match (self.proof(memory), memory.pss) {
            // RSS is an upper bound of PSS: under the limit there is nothing to ask.
            _ if memory.settled <= self.bytes => Crossing::Below,
            (Proof::Rss, Some(_)) => Crossing::Confirmed,
            (Proof::Rss, None) => once_more,
            (Proof::Pss | Proof::Both, Some(pss)) if pss > self.bytes => Crossing::Confirmed,
            (Proof::Pss | Proof::Both, Some(_)) => Crossing::Below,
            (Proof::Pss, None) => self.crossing,
            (Proof::Both, None) if known.too_slow => once_more,
            (Proof::Both, None) if !self.expects_over(known) => Crossing::Below,
            (Proof::Both, None) if known.pages_unseen => once_more,
            (Proof::Both, None) => self.crossing.max(Crossing::Suspected),
        };
    }

    /// The growth of RSS alone would have taken PSS over the limit, or PSS was never read.
    fn expects_over(&self, known: &Known) -> bool {
        known.pss_expected.is_none_or(|pss| pss > self.bytes)
    }

    /// The look at the pages that alone can tell more, at the pace that PSS allows: any process
    /// that ran may have written to shared pages, which raises PSS and not RSS.
    pub(super) fn wants_pages(&self, known: &Known) -> Option<MemoryLook> {
        self.pages_if(known, known.ran || self.expects_over(known))
    }

    /// The same, when the growth of RSS makes it urgent.
    pub(super) fn needs_pages(&self, known: &Known) -> Option<MemoryLook> {
        self.pages_if(known, self.expects_over(known))
    }

    fn pages_if(&self, known: &Known, may_be_over: bool) -> Option<MemoryLook> {
        let memory = known.memory;
        if memory.settled <= self.bytes || known.pages_unseen {
            return None;
        }
        match self.proof(memory) {
            Proof::Pss => may_be_over.then_some(MemoryLook::Pages),
            Proof::Both if known.too_slow || self.crossing == Crossing::Confirmed => None,
            Proof::Both => may_be_over.then_some(MemoryLook::PagesInTime),
            Proof::Rss => (self.crossing == Crossing::Suspected && memory.settled < CHEAP)
                .then_some(MemoryLook::Pages),
        }
    }

    /// How long until a look at the counters could show that this limit is crossed, or confirm a
    /// suspicion.
    pub(super) fn pause(&self, known: &Known, growth: u64) -> Duration {
        let memory = known.memory;
        if memory.settled <= self.bytes && memory.rss > self.bytes {
            return SETTLING;
        }
        if memory.settled <= self.bytes {
            return time_to_grow(self.bytes.0 - memory.rss.0, growth);
        }
        let proof = self.proof(memory);
        let far = self.far_over().0.saturating_sub(memory.settled.0);
        let far = if proof == Proof::Both { time_to_grow(far, growth) } else { LONGEST };
        match known.pss_expected {
            _ if self.needs_pages(known).is_some() => far,
            _ if self.crossing == Crossing::Suspected => SHORTEST,
            Some(pss) if proof != Proof::Rss && pss <= self.bytes => {
                time_to_grow(self.bytes.0 - pss.0, growth).min(far)
            }
            Some(_) | None => far,
        }
    }
}

/// Half as much again as a limit.
pub(super) fn far_over(limit: Bytes) -> Bytes {
    Bytes(limit.0.saturating_add(limit.0 / 2))
}

/// How long something that grows like this takes to grow by `bytes`.
pub(super) fn time_to_grow(bytes: u64, growth: u64) -> Duration {
    let micros = u128::from(bytes) * 1_000_000 / u128::from(growth.max(GROWTH));
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
