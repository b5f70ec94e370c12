//! How much memory the tree holds: the kernel's counters through descriptors that stay open, or
//! page by page where the last bit counts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use nix::unistd::{Pid, SysconfVar, sysconf};

use super::procfs;
use crate::decide::event::{Memory, MemoryLook, Sight, Unseen};
use crate::decide::time::Time;
use crate::sys::files;
use crate::sys::process::{Id, Process};
use crate::units::Bytes;

/// More descriptors than this are not kept open; further processes are read by path.
const MOST_KEPT: usize = 256;

/// What is remembered of a process between looks.
#[derive(Debug)]
struct Known {
    first_seen: Time,
    /// `/proc/PID/statm`. A kept descriptor is proof against a pid that is used again: once the
    /// process is reaped it answers `ESRCH`.
    statm: Option<File>,
}

/// The reader.
#[derive(Debug)]
pub(crate) struct MemorySense {
    known: BTreeMap<Id, Known>,
    page_bytes: u64,
    buffer: Vec<u8>,
}

impl MemorySense {
    pub(crate) fn new() -> Self {
        let page_bytes = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
        Self {
            known: BTreeMap::new(),
            page_bytes: page_bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(4096),
            buffer: Vec::new(),
        }
    }

    /// The tree was walked at this time.
    pub(crate) fn walked(&mut self, now: Time, members: &[Process]) {
        self.known.retain(|id, _| members.iter().any(|process| process.id == *id));
        for process in members {
            if self.known.contains_key(&process.id) {
                continue;
            }
            let keep = self.known.len() < MOST_KEPT;
            let statm = keep.then(|| File::open(path(process, "statm")).ok()).flatten();
            self.known.insert(process.id, Known { first_seen: now, statm });
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
        let (mut rss, mut settled, mut pss) = (0_u64, 0_u64, Some(0_u64));
        let (mut read, mut refused) = (0, None);
        for process in members {
            let first_seen = self.known.get(&process.id).map(|known| known.first_seen);
            let old = first_seen.is_none_or(|seen| seen <= settled_by);
            let is_settled = old || command == Some(process.id.pid);
            let paged = match look {
                MemoryLook::Pages if is_settled => self.pages(process, unseen),
                MemoryLook::Pages | MemoryLook::Counters => None,
            };
            if look == MemoryLook::Pages && is_settled && paged.is_none() {
                pss = None;
            }
            let resident = match paged {
                Some(Paged { rss, pss: proportional }) => {
                    pss = pss.map(|pss| pss + proportional);
                    rss
                }
                None => match self.resident(process) {
                    Ok(resident) => resident,
                    Err(_) if process.hides() => {
                        refused = Some(libc::EACCES);
                        continue;
                    }
                    Err(error) => {
                        refused = error.raw_os_error().or(Some(libc::EIO));
                        continue;
                    }
                },
            };
            read += 1;
            rss += resident;
            settled += if is_settled { resident } else { 0 };
        }
        if let Some(errno) = refused {
            unseen.push(Unseen { what: Sight::Memory, errno });
        }
        (read > 0 || refused.is_none()).then_some(Memory {
            rss: Bytes(rss),
            settled: Bytes(settled),
            pss: pss.filter(|_| look == MemoryLook::Pages).map(Bytes),
        })
    }

    /// Resident bytes by the counters. A process that has gone holds nothing.
    fn resident(&self, process: &Process) -> io::Result<u64> {
        let mut buffer = [0_u8; 128];
        let kept = self.known.get(&process.id).and_then(|known| known.statm.as_ref());
        let read = match kept {
            Some(file) => file.read_at(&mut buffer, 0),
            None => {
                File::open(path(process, "statm")).and_then(|file| file.read_at(&mut buffer, 0))
            }
        };
        match read {
            Ok(length) => buffer
                .get(..length)
                .and_then(procfs::resident_pages)
                .map(|pages| pages.saturating_mul(self.page_bytes))
                .ok_or_else(|| io::Error::from_raw_os_error(libc::EPROTO)),
            Err(error) if has_gone(process, &error) => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn pages(&mut self, process: &Process, unseen: &mut Vec<Unseen>) -> Option<Paged> {
        if process.is_zombie() {
            return Some(Paged { rss: 0, pss: 0 });
        }
        match files::read_path(&path(process, "smaps_rollup"), &mut self.buffer) {
            Ok(text) => {
                let (rss, pss) = (procfs::kilobytes(text, b"Rss"), procfs::kilobytes(text, b"Pss"));
                rss.zip(pss).map(|(rss, pss)| Paged { rss, pss })
            }
            Err(error) if has_gone(process, &error) => Some(Paged { rss: 0, pss: 0 }),
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                unseen.push(Unseen { what: Sight::Pages, errno });
                None
            }
        }
    }
}

/// What `smaps_rollup` says of one process, in bytes.
struct Paged {
    rss: u64,
    pss: u64,
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

fn other_thread(pid: Pid) -> Option<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut tids = tasks.flatten().filter_map(|task| task.file_name().to_str()?.parse().ok());
    tids.find(|tid| *tid != pid.as_raw())
}
