//! Processes whose pages need not be read again: they have not run since, and nobody came or went.
//! Their RSS is the same then, and their PSS changes only by what others do with shared pages.

use std::time::Duration;

use super::{MemorySense, Paged, mib};
use crate::decide::time::Time;
use crate::sys::cpu_clock;
use crate::sys::process::Process;

/// What others do with shared pages is found out after this long at the latest: a page that one
/// process lets go of counts more for those that keep it.
const BELIEVED: Duration = Duration::from_secs(30);

/// Pages as they were read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    at: Time,
    /// The CPU time that the process had used before.
    clock: Duration,
    /// What the counters said then.
    resident: u64,
    paged: Paged,
}

/// Less than this says nothing about the pace.
const WORTH: u64 = 16 << 20;

impl MemorySense {
    /// What it takes to read the pages of these, as far as they must be read.
    pub(super) fn pages_cost(&self, members: &[(&Process, bool)]) -> Duration {
        let settled = members.iter().filter(|(_, is_settled)| *is_settled);
        let read = settled.filter(|(process, _)| !self.slept_since_read(process));
        let known = read.filter_map(|(process, _)| self.known.get(&process.id)?.resident);
        self.pace.saturating_mul(mib(known.sum()))
    }

    /// So many bytes took this long.
    pub(super) fn note_pace(&mut self, took: Duration, bytes: u64) {
        if bytes >= WORTH {
            self.pace = took / mib(bytes);
        }
    }

    /// By its clock: cheaper than to ask its counters, too.
    fn slept_since_read(&self, process: &Process) -> bool {
        let read = self.known.get(&process.id).and_then(|known| known.pages);
        read.is_some_and(|read| {
            self.walked < read.at + BELIEVED && cpu_clock::used(process.id.pid) == Ok(read.clock)
        })
    }

    /// What was read of the process, if it must be the same still.
    pub(super) fn asleep_since_read(&self, process: &Process) -> Option<Paged> {
        let read = self.known.get(&process.id)?.pages?;
        let slept = self.slept_since_read(process);
        let same = slept && self.resident(process).ok() == Some(read.resident);
        same.then_some(read.paged)
    }

    pub(super) fn remember_pages(
        &mut self,
        process: &Process,
        clock: Option<Duration>,
        paged: Option<Paged>,
    ) {
        let resident = self.resident(process).ok();
        let read = || {
            let (clock, resident, paged) = (clock?, resident?, paged?);
            Some(Read { at: self.walked, clock, resident, paged })
        };
        let read = read();
        self.pages_read += paged.map_or(0, |paged| paged.rss);
        if let Some(known) = self.known.get_mut(&process.id) {
            known.pages = read;
        }
    }

    /// Somebody came or went: what was shared may be no more, and the other way round.
    pub(super) fn forget_pages(&mut self) {
        self.known.values_mut().for_each(|known| known.pages = None);
    }
}
