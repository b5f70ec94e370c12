//! How fast memory grows, and what PSS is expected to be between two exact reads.

use super::MemoryWatch;
use crate::event::{Memory, MemoryLook};
use crate::time::Time;
use crate::units::Bytes;

impl MemoryWatch {
    pub(super) fn note_growth(&mut self, now: Time, asked: MemoryLook, memory: Memory) {
        if let Some((at, last)) = self.last {
            let span = now.since(at).as_micros().max(1);
            let bytes = u128::from(memory.rss.0.saturating_sub(last.rss.0)) * 1_000_000;
            self.growth = u64::try_from(bytes / span).unwrap_or(u64::MAX);
        }
        self.pss_expected = memory.pss.or(memory.pss_at_most).or(self.expected(memory));
        if asked != MemoryLook::Counters {
            self.pss = memory.pss;
        }
    }

    /// What PSS is by now if no shared page was written to: what it was, and what RSS has grown by
    /// since. RSS is an upper bound.
    pub(super) fn expected(&self, memory: Memory) -> Option<Bytes> {
        let (_, last) = self.last?;
        let grown = memory.settled.0.saturating_sub(last.settled.0);
        let expected = self.pss_expected?.0.saturating_add(grown);
        Some(Bytes(expected.min(memory.settled.0)))
    }

    /// How fast PSS has grown since an earlier exact read.
    pub(super) fn pss_growth_since(
        &self,
        read: Option<Time>,
        before: Option<Bytes>,
        now: Time,
    ) -> u64 {
        let (Some(read), Some(before), Some(pss)) = (read, before, self.pss) else { return 0 };
        let micros = now.since(read).as_micros().max(1);
        let grown = u128::from(pss.0.saturating_sub(before.0)) * 1_000_000;
        u64::try_from(grown / micros).unwrap_or(u64::MAX)
    }
}
