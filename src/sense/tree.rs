//! Which processes are ours: COMMAND's process and all its descendants, also those that lost their
//! parent and became our children (we are their subreaper).

pub(crate) mod cpu;
mod orphans;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::time::Duration;

use nix::unistd::Pid;

use self::orphans::{Origin, Orphans};
use super::procfs;
use crate::decide::event::{Sight, Unseen};
use crate::sys::files;
use crate::sys::process::{self, Id, Process};

/// Files of `/proc` about one process.
#[derive(Debug)]
struct Kept {
    stat: File,
    /// The children of its first thread.
    children: File,
}

/// Files about more processes than this are not kept open.
const MOST_KEPT: usize = 64;

/// The walker.
#[derive(Debug)]
pub(crate) struct Trees {
    orphans: Orphans,
    command: Option<Pid>,
    /// COMMAND's own process group, if it has one.
    group: Option<Pid>,
    /// The tree as of the last walk.
    members: Vec<Process>,
    /// Process groups that some process of the tree has made: nobody else is in them.
    groups: BTreeSet<Pid>,
    /// Files about the members that stay open: to read one again costs a tenth of opening it.
    kept: BTreeMap<i32, Kept>,
    /// The list of our children, or why there is none (`errno(3)`).
    own_children: Result<File, i32>,
    ticks_per_second: u64,
    /// CPU time of children that had been reaped when the generation began.
    reaped_before: Duration,
    buffer: Vec<u8>,
}

impl Trees {
    /// To be made before COMMAND is started for the first time.
    pub(crate) fn new() -> Self {
        let mut trees = Self {
            orphans: Orphans::beside(Vec::new()),
            command: None,
            group: None,
            members: Vec::new(),
            groups: BTreeSet::new(),
            kept: BTreeMap::new(),
            own_children: own_children().map_err(number),
            ticks_per_second: cpu::ticks_per_second(),
            reaped_before: Duration::ZERO,
            buffer: Vec::new(),
        };
        trees.orphans = Orphans::beside(trees.own_children().unwrap_or_default());
        trees
    }

    /// Whether there is a `/proc` that shows our children.
    ///
    /// # Errors
    /// Why not: nothing that COMMAND does can be seen then, whatever else the kernel tells.
    pub(crate) fn can_see(&mut self) -> Result<(), Unseen> {
        self.own_children().map(drop).map_err(unseen)
    }

    /// A new generation: its process, and its group if it leads one.
    pub(crate) fn began(&mut self, generation: u64, command: Pid, group: Option<Pid>) {
        self.orphans.began(generation);
        (self.command, self.group) = (Some(command), group);
        self.reaped_before = cpu::of_reaped();
        self.members.clear();
        self.groups = group.into_iter().collect();
        self.kept.clear();
    }

    /// A child of ours was reaped: its pid may soon be another's.
    pub(crate) fn reaped(&mut self, pid: Pid) {
        self.orphans.reaped(pid);
        if self.command == Some(pid) {
            self.command = None;
        }
    }

    /// A child that we have just made and that is not COMMAND.
    pub(crate) fn add_stranger(&mut self, pid: Pid) {
        self.orphans.add_stranger(pid);
    }

    /// Gives back the descriptors that are kept.
    pub(crate) fn forget(&mut self) {
        self.kept.clear();
    }

    /// COMMAND's own process group, if it has one.
    pub(crate) fn group(&self) -> Option<Pid> {
        self.group
    }

    /// The tree as of the last walk.
    pub(crate) fn members(&self) -> &[Process] {
        &self.members
    }

    /// Of the groups that processes of the tree have made, those that some of them were in at the
    /// last walk. A number that was given to another group since is not among them: a group keeps
    /// its number as long as it has a member.
    pub(crate) fn groups(&self) -> BTreeSet<Pid> {
        let living = self.members.iter().filter(|process| !process.is_zombie());
        living.map(|process| process.group).filter(|group| self.groups.contains(group)).collect()
    }

    /// COMMAND's process, until it was reaped.
    pub(crate) fn command(&self) -> Option<Pid> {
        self.command
    }

    /// CPU time that the generation has used: its processes, those that they have waited for, and
    /// the orphans that we have.
    pub(crate) fn cpu(&self) -> Duration {
        let ticks: u64 = self.members.iter().map(|process| process.cpu_ticks).sum();
        let living = Duration::from_millis(ticks.saturating_mul(1000) / self.ticks_per_second);
        living + cpu::of_reaped().saturating_sub(self.reaped_before)
    }

    /// So much of the CPU time of those that were reaped was not the tree's.
    pub(crate) fn discount(&mut self, used: Duration) {
        self.reaped_before += used;
    }

    /// Whether COMMAND's own process was stopped at the last walk.
    pub(crate) fn command_is_stopped(&self) -> bool {
        let command = self.members.iter().find(|process| Some(process.id.pid) == self.command);
        command.is_some_and(Process::is_stopped)
    }

    /// Whether a child of ours is left that is, or may be, of the tree: every process of the tree
    /// has an ancestor that is our child. The list may miss a child while others end; two that say
    /// the same are believed.
    pub(crate) fn has_roots(&mut self) -> bool {
        let mut lists = Vec::with_capacity(2);
        for _ in 0..2 {
            match self.own_children() {
                Ok(children) => lists.push(children),
                // Without /proc the group is all that can be asked for.
                Err(_) => return self.group.is_some_and(process::group_lives),
            }
            let children = lists.last().into_iter().flatten();
            if children.copied().any(|child| self.origin(child) != Origin::Elsewhere) {
                return true;
            }
        }
        lists.first() != lists.last()
    }

    /// Walks the tree anew.
    ///
    /// # Errors
    /// `/proc` cannot be read; the last walk's result stays.
    pub(crate) fn walk(&mut self) -> Result<&[Process], Unseen> {
        let roots = self.own_children().map_err(unseen)?;
        let mut members = Vec::with_capacity(self.members.len() + 1);
        let mut unvisited: Vec<i32> = Vec::new();
        for root in roots {
            if self.origin(root) != Origin::Command {
                continue;
            }
            match self.look_at(root) {
                Some(process) => {
                    members.push(process);
                    self.children_of(&process, &mut unvisited);
                }
                // A child of ours is there until we reap it: this one is hidden from us (hidepid,
                // proc(5)), or we have no descriptors.
                None => members.push(Process::hidden(Pid::from_raw(root))),
            }
        }
        while let Some(pid) = unvisited.pop() {
            match self.look_at(pid) {
                Some(process) => {
                    members.push(process);
                    self.children_of(&process, &mut unvisited);
                }
                // One that went since it was listed is not worth a word; one that hides is.
                None => members.extend(Process::if_hidden(Pid::from_raw(pid))),
            }
        }
        // Of a hidden one we know too little to kill its group.
        let led = |member: &&Process| member.id.pid == member.group && !member.id.is_hidden();
        let leaders = members.iter().filter(led);
        self.groups.extend(leaders.map(|leader| leader.group));
        self.kept.retain(|pid, _| members.iter().any(|member| member.id.pid.as_raw() == *pid));
        self.members = members;
        Ok(&self.members)
    }

    /// Whether a process is still the one that was seen, and not another with its pid.
    pub(crate) fn is_still(&mut self, id: Id) -> bool {
        if id.is_hidden() {
            // The number of a child of ours is its own until we reap it. Of others who hide we
            // could not tell, but they become our children when they lose their parents.
            let children = self.own_children().unwrap_or_default();
            return children.contains(&id.pid.as_raw());
        }
        self.look_at(id.pid.as_raw()).is_some_and(|process| process.id == id)
    }

    fn look_at(&mut self, pid: i32) -> Option<Process> {
        // A file that was kept answers for the process that it was opened for, or not at all.
        let kept = self.kept.get(&pid);
        let again = kept.and_then(|kept| files::read_whole(&kept.stat, &mut self.buffer).ok());
        let stat = match again {
            Some(text) => procfs::stat(text)?,
            None => {
                let open = |file: &str| File::open(format!("/proc/{pid}/{file}")).ok();
                let stat = open("stat")?;
                let read = procfs::stat(files::read_whole(&stat, &mut self.buffer).ok()?)?;
                self.kept.remove(&pid);
                if self.kept.len() < MOST_KEPT
                    && let Some(children) = open(&format!("task/{pid}/children"))
                {
                    self.kept.insert(pid, Kept { stat, children });
                }
                read
            }
        };
        Some(Process {
            id: Id { pid: Pid::from_raw(pid), start: stat.start },
            parent: Pid::from_raw(stat.parent),
            state: stat.state,
            group: Pid::from_raw(stat.group),
            cpu_ticks: stat.cpu_ticks,
            threads: stat.threads,
        })
    }

    fn own_children(&mut self) -> io::Result<Vec<i32>> {
        let file = self.own_children.as_ref();
        let file = file.map_err(|errno| io::Error::from_raw_os_error(*errno))?;
        Ok(procfs::pids(files::read_whole(file, &mut self.buffer)?).collect())
    }

    /// Appends the children of all its threads: a child is listed with the thread that forked it.
    fn children_of(&mut self, process: &Process, children: &mut Vec<i32>) {
        let pid = process.id.pid.as_raw();
        if process.threads > 1 && children_of(pid, &mut self.buffer, children).is_ok() {
            return;
        }
        // Of one that hides by now, those of its first thread may still be known.
        let text = match self.kept.get(&pid) {
            Some(kept) => files::read_whole(&kept.children, &mut self.buffer).ok(),
            None => {
                let path = format!("/proc/{pid}/task/{pid}/children");
                files::read_path(&path, &mut self.buffer).ok()
            }
        };
        children.extend(text.into_iter().flat_map(procfs::pids));
    }

    /// Whose child a child of ours is.
    fn origin(&mut self, pid: i32) -> Origin {
        if self.command.is_some_and(|command| command.as_raw() == pid) {
            return Origin::Command;
        }
        if let Some(origin) = self.orphans.known(pid) {
            return origin;
        }
        let hidden = || Process::hidden(Pid::from_raw(pid));
        let process = self.look_at(pid).unwrap_or_else(hidden);
        let seen_before = self.members.iter().any(|member| member.id == process.id);
        self.orphans.origin(&process, seen_before || Some(process.group) == self.group)
    }
}

/// Appends the children of all threads of a process.
///
/// # Errors
/// It has gone, or hides.
pub(super) fn children_of(
    pid: i32,
    buffer: &mut Vec<u8>,
    children: &mut Vec<i32>,
) -> io::Result<()> {
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let path = task.path().join("children");
        let text = path.to_str().and_then(|path| files::read_path(path, buffer).ok());
        children.extend(text.into_iter().flat_map(procfs::pids));
    }
    Ok(())
}

fn unseen(error: io::Error) -> Unseen {
    Unseen { what: Sight::Processes, errno: number(error) }
}

fn number(error: io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// What a process is called (`proc_pid_comm(5)`); `None`: it has gone, or hides.
pub(crate) fn name(pid: Pid) -> Option<String> {
    let name = std::fs::read(format!("/proc/{pid}/comm")).ok()?;
    let name = String::from_utf8_lossy(&name);
    Some(name.trim_end_matches('\n').replace(char::is_control, "?"))
}

/// The list of our children; we have one thread. A `/proc` that shows another pid namespace than
/// ours has other processes under our numbers: it is no help at all.
fn own_children() -> io::Result<File> {
    let us = std::fs::read_link("/proc/self")?;
    if us.as_os_str() != std::process::id().to_string().as_str() {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    File::open("/proc/thread-self/children")
}
