//! What the core was told about memory, and what follows from it.

use crate::event::Memory;
use crate::rules::Measure;
use crate::units::Bytes;

/// A limit, as the contract has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) bytes: Bytes,
    pub(super) measure: Measure,
    /// It is that of `--kill-rss`.
    pub(super) kills: bool,
}

/// The last two samples of one generation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Samples {
    last: Option<Memory>,
    before: Option<Memory>,
    /// The last one was read page by page.
    paged: bool,
    /// The last look at the pages saw none.
    unread: bool,
    pss: Option<Bytes>,
    /// PSS is not more than that.
    bound: Option<u64>,
    bound_before: Option<u64>,
}

impl Samples {
    /// The last sample is over this limit.
    pub(super) fn over(&self, limit: Limit) -> bool {
        let counted = self.is_over(self.last, self.bound, limit);
        counted && (limit.measure == Measure::Rss || self.pss.is_some_and(|pss| pss > limit.bytes))
    }

    /// That is what the counters say. `--kill-rss` does not kill for what processes share, unless
    /// PSS cannot be known, or RSS is over half as much again.
    fn is_over(&self, sample: Option<Memory>, bound: Option<u64>, limit: Limit) -> bool {
        let Limit { bytes, measure, kills } = limit;
        sample.is_some_and(|sample| {
            let shared = kills && measure == Measure::Rss && !alone(sample, bytes);
            let pss = self.unread || bound.is_none_or(|bound| bound > bytes.0);
            sample.settled > bytes && (!shared || pss)
        })
    }

    /// The same, and that was confirmed: by the pages, or by the sample before.
    pub(super) fn certain(&self, limit: Limit) -> bool {
        let Limit { bytes, measure, kills } = limit;
        let before = self.is_over(self.before, self.bound_before, limit);
        let shared = kills && measure == Measure::Rss;
        let shared = shared && self.last.is_some_and(|last| !alone(last, bytes));
        let proven = self.unread || self.paged && self.pss > Some(bytes);
        let confirmed = measure == Measure::Pss || self.paged || before;
        self.over(limit) && confirmed && (!shared || proven)
    }

    /// One more look at memory that could see.
    pub(super) fn add(&mut self, memory: Memory, paged: bool) {
        let grown = self.last.map_or(0, |last| memory.settled.0.saturating_sub(last.settled.0));
        (self.before, self.last) = (self.last, Some(memory));
        self.bound_before = self.bound;
        self.paged = paged && memory.pss.is_some();
        self.unread = if paged { memory.pss.is_none() } else { self.unread };
        let bound = memory.pss.map(|pss| pss.0).or(self.bound.map(|bound| bound + grown));
        self.bound = bound.map(|bound| bound.min(memory.settled.0));
        // RSS is an upper bound.
        let known = self.pss.map(|pss| pss.min(memory.settled));
        self.pss = if paged { memory.pss } else { known };
    }
}

/// One process alone has more, or all together so much more that nothing else is asked.
fn alone(sample: Memory, bytes: Bytes) -> bool {
    sample.largest > bytes || sample.settled.0 > bytes.0 + bytes.0 / 2
}
