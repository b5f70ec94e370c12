//! Processes whose pages need not be read again: they have not run since, and nobody came or went.
//! Their RSS is the same then, and their PSS changes only by what others do with shared pages: that
//! is read again, the oldest value first, within a budget.

use std::time::Duration;

use super::{Known, MemorySense, Paged, mib};
use crate::decide::time::Time;
use crate::sys::cpu_clock;
use crate::sys::process::Process;

/// What others do with shared pages is found out after this long at the latest: a page that one
/// process lets go of counts more for those that keep it.
const BELIEVED: Duration = Duration::from_secs(30);

/// PSS of a sleeping process is not read again before this: it grows when others write to the pages
/// that they shared with it. Where `n` processes share, that is at most `1/(n-1)` of what PSS of
/// the others grows by meanwhile.
const FRESH: Duration = Duration::from_secs(1);
/// Reading sleeping processes again may take this part of one CPU: one percent.
const SLEEPERS_PART: u32 = 100;

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

    /// Forgets as many of the oldest values as can be read again within the budget.
    pub(super) fn refresh_sleepers(&mut self) {
        let earned = self.walked.since(self.refreshed) / SLEEPERS_PART;
        self.spare = (self.spare + earned).min(BELIEVED / SLEEPERS_PART);
        self.refreshed = self.walked;
        let (now, pace) = (self.walked, self.pace);
        let old = |known: &Known| known.pages.filter(|read| now >= read.at + FRESH);
        let mut old: Vec<_> =
            self.known.iter().filter_map(|(id, known)| Some((old(known)?, *id))).collect();
        old.sort_unstable_by_key(|(read, _)| read.at);
        for (read, id) in old {
            let cost = pace.saturating_mul(mib(read.resident));
            let Some(rest) = self.spare.checked_sub(cost) else { break };
            self.spare = rest;
            if let Some(known) = self.known.get_mut(&id) {
                known.pages = None;
            }
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
