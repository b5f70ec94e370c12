//! One limit of memory: is it crossed for certain, and how soon could it be?

use std::time::Duration;

use super::Measure;
use crate::decide::event::Memory;
use crate::units::Bytes;

/// A process shows its parent's whole size between `fork` and `exec`; after this long it is
/// believed.
pub(super) const SETTLING: Duration = Duration::from_millis(100);
/// Memory is taken to grow by this much a second, if it was not seen to grow faster.
const GROWTH: u64 = 1 << 30;
pub(super) const SHORTEST: Duration = Duration::from_millis(4);
pub(super) const LONGEST: Duration = Duration::from_secs(1);
/// A tree smaller than this is looked at page by page to confirm a crossing: 10 ms at the most.
pub(super) const CHEAP: Bytes = Bytes(1 << 30);

/// What is known about a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crossing {
    Below,
    /// One sample of the counters was over.
    Suspected,
    /// Two were, or the pages.
    Confirmed,
}

/// One limit, and what is known about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) bytes: Bytes,
    pub(super) measure: Measure,
    pub(super) crossing: Crossing,
}

impl Limit {
    pub(super) fn new(bytes: Bytes, measure: Measure) -> Self {
        Self { bytes, measure, crossing: Crossing::Below }
    }

    pub(super) fn judge(&mut self, memory: Memory) {
        self.crossing = match (self.measure, memory.pss) {
            // RSS is an upper bound of PSS: under the limit there is nothing to ask.
            _ if memory.settled <= self.bytes => Crossing::Below,
            (Measure::Rss, Some(_)) => Crossing::Confirmed,
            (Measure::Rss, None) => match self.crossing {
                Crossing::Below => Crossing::Suspected,
                Crossing::Suspected | Crossing::Confirmed => Crossing::Confirmed,
            },
            (Measure::Pss, Some(pss)) if pss > self.bytes => Crossing::Confirmed,
            (Measure::Pss, Some(_)) => Crossing::Below,
            (Measure::Pss, None) => self.crossing,
        };
    }

    /// Only a look at the pages can tell more.
    pub(super) fn wants_pages(&self, memory: Memory) -> bool {
        memory.settled > self.bytes
            && match self.measure {
                Measure::Pss => true,
                Measure::Rss => self.crossing == Crossing::Suspected && memory.settled < CHEAP,
            }
    }

    /// How long until this limit could next be crossed, or a suspicion be confirmed, by a look at
    /// the counters.
    pub(super) fn pause(&self, memory: Memory, growth: u64) -> Duration {
        if memory.settled > self.bytes {
            return if self.crossing == Crossing::Suspected { SHORTEST } else { LONGEST };
        }
        if memory.rss > self.bytes {
            return SETTLING;
        }
        time_to_grow(self.bytes.0 - memory.rss.0, growth)
    }
}

/// How long something that grows like this takes to grow by `bytes`.
pub(super) fn time_to_grow(bytes: u64, growth: u64) -> Duration {
    let micros = u128::from(bytes) * 1_000_000 / u128::from(growth.max(GROWTH));
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}
