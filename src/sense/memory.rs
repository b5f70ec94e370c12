//! How much memory the tree holds: the kernel's counters through descriptors that stay open, or
//! page by page where the last bit counts.

mod many;
mod shared;
mod sleepers;
mod sum;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use nix::unistd::{Pid, SysconfVar, sysconf};

use self::sum::Sum;
use super::procfs;
use crate::decide::event::{Memory, MemoryLook, Sight, Unseen};
use crate::decide::time::Time;
use crate::sys::process::{Id, Process};
use crate::sys::{clock, cpu_clock, files};

/// More descriptors than this are not kept open; further processes are read by path.
const MOST_KEPT: usize = 256;

/// What must not wait may wait for PSS while we use so much CPU time, and no longer than that. On a
/// busy host the one takes as long as the other; but a leak is slower there, too.
const IN_TIME: Duration = Duration::from_millis(50);
const AT_LONGEST: Duration = Duration::from_millis(500);
/// Reading a MiB page by page takes about this long.
const PAGES_PER_MIB: Duration = Duration::from_micros(10);

/// What is remembered of a process between looks.
#[derive(Debug)]
struct Known {
    first_seen: Time,
    /// `/proc/PID/statm`. A kept descriptor is proof against a pid that is used again: once the
    /// process is reaped it answers `ESRCH`.
    statm: Option<File>,
    /// Its memory is not its parent's, and will not be.
    has_own_memory: bool,
    /// Resident bytes as last read.
    resident: Option<u64>,
    /// Its pages as last read.
    pages: Option<sleepers::Read>,
}

/// The reader.
#[derive(Debug)]
pub(crate) struct MemorySense {
    known: BTreeMap<Id, Known>,
    page_bytes: u64,
    buffer: Vec<u8>,
    /// When the tree was walked last.
    walked: Time,
    /// Bytes that were read page by page, all in all.
    pages_read: u64,
    /// What a MiB took lately.
    pace: Duration,
    /// Of many processes, those after this one are read next.
    turn: Option<Id>,
    /// When sleeping processes were last given time to be read again, and what is left of it.
    refreshed: Time,
    spare: Duration,
}

impl MemorySense {
    pub(crate) fn new() -> Self {
        let page_bytes = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
        Self {
            known: BTreeMap::new(),
            page_bytes: page_bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(4096),
            buffer: Vec::new(),
            walked: Time::at(Duration::ZERO),
            pages_read: 0,
            pace: PAGES_PER_MIB,
            turn: None,
            refreshed: Time::at(Duration::ZERO),
            spare: Duration::ZERO,
        }
    }

    /// The tree was walked at this time.
    pub(crate) fn walked(&mut self, now: Time, members: &[Process]) {
        self.walked = now;
        let mut ids: Vec<Id> = members.iter().map(|process| process.id).collect();
        ids.sort_unstable();
        let before = self.known.len();
        self.known.retain(|id, _| ids.binary_search(id).is_ok());
        let mut changed = self.known.len() < before;
        for process in members {
            if self.known.contains_key(&process.id) {
                continue;
            }
            changed = true;
            let keep = self.known.len() < MOST_KEPT;
            let statm = keep.then(|| File::open(path(process, "statm")).ok()).flatten();
            let (has_own_memory, resident, pages) = (false, None, None);
            let known = Known { first_seen: now, statm, has_own_memory, resident, pages };
            self.known.insert(process.id, known);
        }
        if changed {
            self.forget_pages();
        }
    }

    /// Gives back what is kept open. When a process was first seen is forgotten, too.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }

    /// Sums up the memory of these processes. Those first seen after `settled_by` are new;
    /// COMMAND's own process never is: it has become what it is.
    /// `None`: there are processes, and not one of them can be read.
    pub(crate) fn look(
        &mut self,
        look: MemoryLook,
        settled_by: Time,
        command: Option<Pid>,
        members: &[Process],
        unseen: &mut Vec<Unseen>,
    ) -> Option<Memory> {
        let members = self.without_doubles(members);
        let settled = |process: &Process| {
            let first_seen = self.known.get(&process.id).map(|known| known.first_seen);
            let old = first_seen.is_none_or(|seen| seen <= settled_by);
            old || command == Some(process.id.pid)
        };
        let members: Vec<_> = members.iter().map(|process| (process, settled(process))).collect();
        let closely = match look {
            MemoryLook::Counters => false,
            MemoryLook::PagesInTime => self.is_quick(&members),
            MemoryLook::Pages => true,
        };
        let began = closely.then(clock::cpu_used);
        let until = clock::now() + AT_LONGEST;
        let in_time = || {
            let used = clock::cpu_used().saturating_sub(began.unwrap_or_default());
            look != MemoryLook::PagesInTime || used < IN_TIME && clock::now() < until
        };
        let before = self.pages_read;
        let in_turn = if closely { BTreeSet::new() } else { self.left_out(&members) };
        if closely {
            self.refresh_sleepers();
        }
        let mut sum = Sum::with(closely);
        for (process, is_settled) in members.iter().copied() {
            let paged = match sum.pss_at_most {
                Some(_) if is_settled && in_time() => {
                    let paged = self.pages(process, unseen);
                    sum.pss = sum.pss.zip(paged).map(|(pss, paged)| pss + paged.pss);
                    paged
                }
                Some(_) if is_settled => {
                    (sum.pss, sum.pss_at_most) = (None, None);
                    None
                }
                Some(_) | None => None,
            };
            let last = self.known.get(&process.id).and_then(|known| known.resident);
            let resident = match (paged, last) {
                (Some(paged), _) => Ok(paged.rss),
                (None, Some(last)) if in_turn.contains(&process.id) => Ok(last),
                (None, _) => self.resident(process),
            };
            if is_settled {
                let most = paged.map(|paged| paged.pss).or(resident.as_ref().ok().copied());
                sum.pss_at_most = sum.pss_at_most.zip(most).map(|(sum, pss)| sum + pss);
            }
            if let (Some(known), Ok(resident)) = (self.known.get_mut(&process.id), &resident) {
                known.resident = Some(*resident);
            }
            sum.add(process, resident, is_settled);
        }
        if let Some(errno) = sum.refused {
            unseen.push(Unseen { what: Sight::Memory, errno });
        }
        if let Some(took) = began.map(|began| clock::cpu_used().saturating_sub(began)) {
            self.note_pace(took, self.pages_read - before);
        }
        let pages_cost = Some(self.pages_cost(&members));
        sum.memory().map(|memory| Memory { pages_cost, ..memory })
    }

    /// Whether PSS of these can be read in the time that there is, by all that is known before.
    fn is_quick(&self, members: &[(&Process, bool)]) -> bool {
        let settled = members.iter().filter(|(_, is_settled)| *is_settled);
        let resident = |process: &Process| {
            let last = self.known.get(&process.id).and_then(|known| known.resident);
            last.or_else(|| self.resident(process).ok())
        };
        let bytes: u64 = settled.filter_map(|(process, _)| resident(process)).sum();
        PAGES_PER_MIB.saturating_mul(mib(bytes)) <= IN_TIME
    }

    /// Resident bytes by the counters. A process that has gone holds nothing.
    fn resident(&self, process: &Process) -> io::Result<u64> {
        let kept = self.known.get(&process.id).and_then(|known| known.statm.as_ref());
        let read = match kept {
            // It is that of the leader, which has no memory once it has ended.
            Some(file) => match resident_pages(file) {
                Ok(0) if !process.is_zombie() => resident_of_threads(process.id.pid),
                read => read,
            },
            None => File::open(path(process, "statm")).and_then(|file| resident_pages(&file)),
        };
        match read {
            Ok(pages) => Ok(pages.saturating_mul(self.page_bytes)),
            Err(error) if has_gone(process, &error) => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn pages(&mut self, process: &Process, unseen: &mut Vec<Unseen>) -> Option<Paged> {
        if process.is_zombie() {
            return Some(Paged { rss: 0, pss: 0 });
        }
        if let Some(paged) = self.asleep_since_read(process) {
            return Some(paged);
        }
        // Before the pages: what it runs meanwhile is run after them.
        let clock = cpu_clock::used(process.id.pid).ok();
        match files::read_path(&path(process, "smaps_rollup"), &mut self.buffer) {
            Ok(text) => {
                let (rss, pss) = (procfs::kilobytes(text, b"Rss"), procfs::kilobytes(text, b"Pss"));
                let paged = rss.zip(pss).map(|(rss, pss)| Paged { rss, pss });
                self.remember_pages(process, clock, paged);
                paged
            }
            Err(error) if has_gone(process, &error) => Some(Paged { rss: 0, pss: 0 }),
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                if !unseen.iter().any(|unseen| unseen.what == Sight::Pages) {
                    unseen.push(Unseen { what: Sight::Pages, errno });
                }
                None
            }
        }
    }
}

/// What `smaps_rollup` says of one process, in bytes.
#[derive(Clone, Copy, Debug)]
struct Paged {
    rss: u64,
    pss: u64,
}

fn mib(bytes: u64) -> u32 {
    u32::try_from(bytes >> 20).unwrap_or(u32::MAX)
}

/// One that hides has not gone: it is unseen.
fn has_gone(process: &Process, error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ESRCH | libc::ENOENT)) && !process.hides()
}

/// The path of a file about a process. A leader that ended before its threads reads as nothing: its
/// memory is asked of a thread that lives.
fn path(process: &Process, file: &str) -> String {
    let pid = process.id.pid;
    let ended = matches!(process.state, b'Z') && process.threads > 1;
    let living = ended.then(|| other_thread(pid)).flatten();
    living.map_or_else(
        || format!("/proc/{pid}/{file}"),
        |tid| format!("/proc/{pid}/task/{tid}/{file}"),
    )
}

fn resident_pages(statm: &File) -> io::Result<u64> {
    let mut buffer = [0_u8; 128];
    let length = statm.read_at(&mut buffer, 0)?;
    let pages = buffer.get(..length).and_then(procfs::resident_pages);
    pages.ok_or_else(|| io::Error::from_raw_os_error(libc::EPROTO))
}

/// The same of a process whose leader seems to have ended. Its state may be older than that.
fn resident_of_threads(pid: Pid) -> io::Result<u64> {
    let Some(tid) = other_thread(pid) else { return Ok(0) };
    File::open(format!("/proc/{pid}/task/{tid}/statm")).and_then(|file| resident_pages(&file))
}

fn other_thread(pid: Pid) -> Option<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut tids = tasks.flatten().filter_map(|task| task.file_name().to_str()?.parse().ok());
    tids.find(|tid| *tid != pid.as_raw())
}
