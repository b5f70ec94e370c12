//! What is asked of memory, and what is seen: plain data.

use std::time::Duration;

use crate::units::Bytes;

/// How closely to look at memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemoryLook {
    /// The kernel's counters (`statm`, `proc_pid_statm(5)`): a microsecond a process.
    Counters,
    /// Page by page, as below, if that takes no longer than what must not wait may wait; if it
    /// would, PSS is `None`.
    PagesInTime,
    /// Page by page (`smaps_rollup`): 10 us a MiB, exact, and the only source of PSS.
    Pages,
}

/// Memory of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Sum of RSS, all processes.
    pub rss: Bytes,
    /// Sum of RSS without the new processes.
    pub settled: Bytes,
    /// The largest RSS of one process that is not new: with one process, all of it.
    pub largest: Bytes,
    /// Sum of PSS without the new processes, if pages were looked at: then the others are exact.
    pub pss: Option<Bytes>,
    /// The same, with RSS of each process whose pages may not be read: an upper bound.
    pub pss_at_most: Option<Bytes>,
    /// CPU time that a look at the pages would take now; `None`: as much as the last one.
    pub pages_cost: Option<Duration>,
}
