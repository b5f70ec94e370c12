//! What the core was told about memory, and what follows from it.

use crate::decide::event::Memory;
use crate::decide::rules::Measure;
use crate::units::Bytes;

/// The last two samples of one generation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Samples {
    last: Option<Memory>,
    before: Option<Memory>,
    /// The last one was read page by page.
    paged: bool,
    pss: Option<Bytes>,
}

impl Samples {
    /// The last sample is over this limit.
    pub(super) fn over(&self, limit: Bytes, measure: Measure) -> bool {
        let over = |memory: &Memory| memory.settled > limit;
        match measure {
            Measure::Rss => self.last.as_ref().is_some_and(over),
            Measure::Pss => {
                self.last.as_ref().is_some_and(over) && self.pss.is_some_and(|pss| pss > limit)
            }
        }
    }

    /// The same, and that was confirmed: by the pages, or by the sample before.
    pub(super) fn certain(&self, limit: Bytes, measure: Measure) -> bool {
        let before = self.before.is_some_and(|memory| memory.settled > limit);
        self.over(limit, measure) && (measure == Measure::Pss || self.paged || before)
    }

    /// One more look at memory that could see.
    pub(super) fn add(&mut self, memory: Memory, paged: bool) {
        (self.before, self.last) = (self.last, Some(memory));
        self.paged = paged && memory.pss.is_some();
        // RSS is an upper bound.
        let known = self.pss.map(|pss| pss.min(memory.settled));
        self.pss = if paged { memory.pss } else { known };
    }
}
