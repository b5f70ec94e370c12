//! Which sockets the tree's processes hold, read in `/proc/PID/fd` (`proc_pid_fd(5)`): about 3 us a
//! descriptor.

use std::collections::BTreeMap;

use nix::unistd::Pid;

use crate::sense::procfs;
use crate::sys::process::Process;

/// One of those who hold a socket, and its descriptor there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) pid: Pid,
    pub(super) fd: i32,
}

/// Sockets by inode. Whoever knows what one is takes it out, so that what is left is yet unknown.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    sockets: BTreeMap<u64, Holder>,
    /// Why the descriptors of some process cannot be read (`errno(3)`): then any socket of the
    /// namespace may be the tree's.
    pub(super) hidden: Option<i32>,
}

impl Holdings {
    /// Reads the descriptors of these processes. Those that go meanwhile hold nothing.
    pub(super) fn of(members: &[Process]) -> Self {
        let mut holdings = Self::default();
        for process in members.iter().filter(|process| !process.is_zombie()) {
            let pid = process.id.pid;
            if process.hides() {
                holdings.hidden = Some(libc::EACCES);
                continue;
            }
            holdings.add(pid, &format!("/proc/{pid}/fd"));
            if process.has_lost_its_leader() {
                // What its other threads hold, their leader does not show any more.
                let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
                for task in tasks.into_iter().flatten().flatten() {
                    holdings.add(pid, &task.path().join("fd").to_string_lossy());
                }
            }
        }
        holdings
    }

    /// Our own.
    pub(super) fn ours() -> Self {
        let mut holdings = Self::default();
        holdings.add(Pid::this(), "/proc/self/fd");
        holdings
    }

    fn add(&mut self, pid: Pid, path: &str) {
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.note(&error),
        };
        for entry in entries.flatten() {
            match std::fs::read_link(entry.path()) {
                Ok(link) => {
                    let name = std::os::unix::ffi::OsStrExt::as_bytes(link.as_os_str());
                    let fd = entry.file_name().to_str().and_then(|name| name.parse().ok());
                    if let (Some(inode), Some(fd)) = (procfs::socket_inode(name), fd) {
                        self.sockets.insert(inode, Holder { pid, fd });
                    }
                }
                Err(error) => self.note(&error),
            }
        }
    }

    fn note(&mut self, error: &std::io::Error) {
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ESRCH) => {}
            errno => self.hidden = errno.or(Some(libc::EIO)),
        }
    }

    /// Whether the tree holds this socket, as far as can be known.
    pub(super) fn may_have(&self, inode: u64) -> bool {
        self.hidden.is_some() && inode != 0 || self.has(inode)
    }

    /// Whether it was seen to hold it.
    pub(super) fn has(&self, inode: u64) -> bool {
        self.sockets.contains_key(&inode)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// Takes one out.
    pub(super) fn take(&mut self, inode: u64) -> Option<Holder> {
        self.sockets.remove(&inode)
    }

    /// Takes out all that are left.
    pub(super) fn drain(&mut self) -> BTreeMap<u64, Holder> {
        std::mem::take(&mut self.sockets)
    }
}
