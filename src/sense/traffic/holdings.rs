//! Which sockets the tree's processes hold, read in `/proc/PID/fd` (`proc_pid_fd(5)`): about 1.5 us
//! a descriptor. So are those of threads that have descriptors of their own, and what is registered
//! with an io_uring.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nix::unistd::Pid;

use super::rings::{self, Registered};
use crate::sense::{procfs, tree};
use crate::sys::process::Process;
use crate::sys::{files, kcmp};

/// One of those who hold a socket, and its descriptor there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// A process, or a thread that has a table of descriptors of its own.
    pub(super) pid: Pid,
    /// `None`: only an io_uring has it.
    pub(super) fd: Option<i32>,
}

/// Sockets by inode. Whoever knows what one is takes it out, so that what is left is yet unknown.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    sockets: BTreeMap<u64, Holder>,
    /// Why the descriptors of some process cannot be read (`errno(3)`): then any socket of the
    /// namespace may be the tree's.
    pub(super) hidden: Option<i32>,
    /// An io_uring was in use and did not list its files: another look may tell.
    pub(super) ring_is_busy: bool,
    /// An io_uring has files, and this kernel does not tell which.
    pub(super) ring_is_unknown: bool,
    buffer: Vec<u8>,
}

/// So often an io_uring is asked that is in use.
const TRIES: u32 = 3;

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
            holdings.add(pid, &format!("/proc/{pid}"));
            if process.threads > 1 {
                holdings.add_threads(process);
            }
        }
        holdings
    }

    /// Adds what processes hold that were forked since these were found. Tells whether there are
    /// any.
    pub(super) fn grow(&mut self, members: &[Process]) -> bool {
        let mut known: BTreeSet<i32> =
            members.iter().map(|process| process.id.pid.as_raw()).collect();
        let mut parents: Vec<i32> = known.iter().copied().collect();
        let (mut children, mut grown) = (Vec::new(), false);
        while let Some(parent) = parents.pop() {
            // One that has gone has no children any more.
            let _ = tree::children_of(parent, &mut self.buffer, &mut children);
            for child in children.drain(..).filter(|child| known.insert(*child)) {
                self.add(Pid::from_raw(child), &format!("/proc/{child}"));
                parents.push(child);
                grown = true;
            }
        }
        grown
    }

    /// Our own.
    pub(super) fn ours() -> Self {
        let mut holdings = Self::default();
        holdings.add(Pid::this(), "/proc/self");
        holdings
    }

    /// Threads share the descriptors of their process, unless they have unshared them or it has
    /// lost its leader. Only tables that were not read yet are read: that costs 1.6 us a thread.
    fn add_threads(&mut self, process: &Process) {
        let leader = process.id.pid;
        let mut read = if process.has_lost_its_leader() { vec![] } else { vec![leader] };
        let tasks = std::fs::read_dir(format!("/proc/{leader}/task"));
        for task in tasks.into_iter().flatten().flatten() {
            let tid = task.file_name().to_str().and_then(|name| name.parse().ok());
            let Some(tid) = tid.map(Pid::from_raw).filter(|tid| *tid != leader) else { continue };
            if !read.iter().any(|other| shares_files(leader, *other, tid)) {
                self.add(tid, &task.path().to_string_lossy());
                read.push(tid);
            }
        }
    }

    /// `directory` is that of the process or thread.
    fn add(&mut self, pid: Pid, directory: &str) {
        let read = files::numbered_links(&format!("{directory}/fd"), |fd, link| match link {
            Ok(rings::NAME) => self.add_ring(pid, &format!("{directory}/fdinfo/{fd}")),
            Ok(name) => {
                if let Some(inode) = procfs::socket_inode(name) {
                    self.sockets.insert(inode, Holder { pid, fd: Some(fd) });
                }
            }
            Err(error) => self.note(&error),
        });
        if let Err(error) = read {
            self.note(&error);
        }
    }

    /// Sockets that are registered with an io_uring.
    fn add_ring(&mut self, pid: Pid, fdinfo: &str) {
        for _ in 0..TRIES {
            match files::read_path(fdinfo, &mut self.buffer).map(rings::registered) {
                Ok(Registered::Sockets(inodes)) => {
                    for inode in inodes {
                        self.sockets.entry(inode).or_insert(Holder { pid, fd: None });
                    }
                    return;
                }
                Ok(Registered::Unknown) => return self.ring_is_unknown = true,
                Ok(Registered::Busy) => {}
                Err(error) => return self.note(&error),
            }
        }
        self.ring_is_busy = true;
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

/// What a descriptor costs in a look at everything: to read its link, and to be told of the socket.
const COST: Duration = Duration::from_micros(8);

/// The CPU time that a look at everything would take now, by the number of descriptors (which the
/// kernel tells since Linux 6.2; before, it looks like nothing).
pub(super) fn cost_of(members: &[Process]) -> Duration {
    let descriptors = members.iter().map(|process| {
        let directory = std::fs::metadata(format!("/proc/{}/fd", process.id.pid));
        directory.map_or(0, |directory| directory.len())
    });
    let sum = descriptors.fold(0, u64::saturating_add);
    COST.saturating_mul(u32::try_from(sum).unwrap_or(u32::MAX))
}

/// Whether two threads of a process have the same descriptors.
fn shares_files(leader: Pid, one: Pid, other: Pid) -> bool {
    // The number of descriptors, since Linux 6.2.
    let size = |tid: Pid| {
        std::fs::metadata(format!("/proc/{leader}/task/{tid}/fd")).map(|directory| directory.len())
    };
    match kcmp::shares_files(one, other) {
        Ok(shares) => shares,
        // To read a table twice does no harm.
        Err(nix::Error::ESRCH) => false,
        // Forbidden, as in most containers. Two tables of the same size may differ, but seldom.
        Err(_) => size(one).is_ok_and(|one| size(other).is_ok_and(|other| one == other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sense::traffic::socket_inode;
    use crate::sys::process::{Id, fork};
    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::waitpid;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    fn process(pid: Pid) -> Process {
        let id = Id { pid, start: 1 };
        Process { id, state: b'S', group: pid, cpu_ticks: 0, threads: 2, parent: Pid::this() }
    }

    #[test]
    fn what_a_new_child_holds_is_found() {
        let (pair, _other) = UnixStream::pair().unwrap();
        let inode = socket_inode(pair.as_fd()).unwrap();
        let child = fork(|| {
            loop {
                nix::unistd::pause();
            }
        });
        let child = child.unwrap();
        drop(pair);
        let mut holdings = Holdings::default();
        assert!(holdings.grow(&[process(Pid::this())]));
        assert!(holdings.has(inode));
        assert!(!Holdings::default().grow(&[process(child)]), "it is known, and has no children");
        kill(child, Signal::SIGKILL).unwrap();
        waitpid(child, None).unwrap();
    }
}
