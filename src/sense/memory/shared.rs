//! Processes that share an address space: a child of `vfork(2)` or `posix_spawn(3)` is in its
//! parent's memory until it executes its program, and shows all of it as its own. It counts once.

use nix::unistd::Pid;

use super::{MemorySense, path};
use crate::sys::files;
use crate::sys::kcmp;
use crate::sys::process::Process;

impl MemorySense {
    /// These processes without those whose memory is that of their parent, which is among them.
    pub(super) fn without_doubles(&mut self, members: &[Process]) -> Vec<Process> {
        let undecided = |process: &&Process| {
            self.known.get(&process.id).is_some_and(|known| !known.has_own_memory)
        };
        let undecided: Vec<_> = members.iter().filter(undecided).copied().collect();
        if undecided.is_empty() {
            return members.to_vec();
        }
        let mut pids: Vec<Pid> = members.iter().map(|process| process.id.pid).collect();
        pids.sort_unstable();
        let mut doubles = Vec::new();
        for process in undecided {
            let has_parent = pids.binary_search(&process.parent).is_ok();
            match has_parent.then(|| kcmp::same_memory(process.id.pid, process.parent)) {
                Some(Ok(true)) => doubles.push(process.id),
                Some(Err(_)) if self.looks_like(&process, members) => doubles.push(process.id),
                // What has a copy, or has executed its program, never shares it again.
                None | Some(Ok(false) | Err(_)) => {
                    if let Some(known) = self.known.get_mut(&process.id) {
                        known.has_own_memory = true;
                    }
                }
            }
        }
        members.iter().filter(|process| !doubles.contains(&process.id)).copied().collect()
    }

    /// Where the kernel does not tell: all counters of the process are those of its parent.
    fn looks_like(&mut self, process: &Process, members: &[Process]) -> bool {
        let Some(parent) = members.iter().find(|member| member.id.pid == process.parent) else {
            return false;
        };
        let mut counters = |of: &Process| {
            files::read_path(&path(of, "statm"), &mut self.buffer).ok().map(<[u8]>::to_vec)
        };
        let theirs = counters(parent);
        // An ended one has none.
        let counts = |text: &Vec<u8>| !text.starts_with(b"0 ");
        theirs.filter(counts).is_some_and(|theirs| counters(process) == Some(theirs))
    }
}
