//! The memory of processes, added up: what cannot be read counts as unknown, never as zero.

use std::io;

use crate::decide::event::Memory;
use crate::sys::process::Process;
use crate::units::Bytes;

/// What the processes have together.
#[derive(Debug, Default)]
pub(super) struct Sum {
    rss: u64,
    settled: u64,
    largest: u64,
    /// `None`: nobody asked, or one of them cannot be read.
    pub(super) pss: Option<u64>,
    /// The same, with RSS of those that cannot be read.
    pub(super) pss_at_most: Option<u64>,
    read: usize,
    /// Why one of them cannot be read.
    pub(super) refused: Option<i32>,
}

impl Sum {
    /// Of nothing yet, with PSS or without.
    pub(super) fn with(pss: bool) -> Self {
        let pss = pss.then_some(0);
        Self { pss, pss_at_most: pss, ..Self::default() }
    }

    pub(super) fn add(&mut self, process: &Process, resident: io::Result<u64>, is_settled: bool) {
        match resident {
            Ok(resident) => {
                self.read += 1;
                self.rss += resident;
                if is_settled {
                    self.settled += resident;
                    self.largest = self.largest.max(resident);
                }
            }
            Err(_) if process.hides() => self.refused = Some(libc::EACCES),
            Err(error) => self.refused = error.raw_os_error().or(Some(libc::EIO)),
        }
    }

    /// `None`: there are processes, and not one of them can be read.
    pub(super) fn memory(&self) -> Option<Memory> {
        (self.read > 0 || self.refused.is_none()).then_some(Memory {
            rss: Bytes(self.rss),
            settled: Bytes(self.settled),
            largest: Bytes(self.largest),
            pss: self.pss.map(Bytes),
            pss_at_most: self.pss_at_most.map(Bytes),
            pages_cost: None,
        })
    }
}
