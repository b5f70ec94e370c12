//! Which processes are ours: COMMAND's process and all its descendants, also those that lost their
//! parent and became our children (we are their subreaper).
//!
//! Children of ours that were here before COMMAND are not in it. Where there were some, or where we
//! are PID 1 (which gets every orphan of the container, also those of `docker exec`), an orphan
//! that we have not seen below COMMAND must show that it came from there: by COMMAND's process
//! group, or by `RECYCLE_GENERATION` in the environment that it was started with.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::{Pid, SysconfVar, sysconf};

use super::procfs;
use crate::decide::event::{Sight, Unseen};
use crate::sys::files;
use crate::sys::process::{self, Id, Process};

/// The variable by which a process shows that it descends from COMMAND.
const MARK: &str = "RECYCLE_GENERATION";

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
    /// Children that we had before COMMAND.
    strangers: Vec<i32>,
    /// Every orphan that becomes our child descended from COMMAND.
    orphans_are_ours: bool,
    /// What COMMAND finds in its environment, `NAME=VALUE`; `None` where we found the same.
    mark: Option<Vec<u8>>,
    command: Option<Pid>,
    /// COMMAND's own process group, if it has one.
    group: Option<Pid>,
    /// The tree as of the last walk.
    members: Vec<Process>,
    /// Files about the members that stay open: to read one again costs a tenth of opening it.
    kept: BTreeMap<i32, Kept>,
    own_children: Option<File>,
    /// What was found out about orphans.
    adopted: BTreeMap<Id, bool>,
    ticks_per_second: u64,
    /// CPU time of children that had been reaped when the generation began.
    reaped_before: Duration,
    buffer: Vec<u8>,
}

impl Trees {
    /// To be made before COMMAND is started for the first time.
    pub(crate) fn new() -> Self {
        let mut trees = Self {
            strangers: Vec::new(),
            orphans_are_ours: false,
            mark: None,
            command: None,
            group: None,
            members: Vec::new(),
            kept: BTreeMap::new(),
            own_children: own_children(),
            adopted: BTreeMap::new(),
            ticks_per_second: ticks_per_second(),
            reaped_before: Duration::ZERO,
            buffer: Vec::new(),
        };
        trees.strangers = trees.own_children().unwrap_or_default();
        trees.orphans_are_ours = trees.strangers.is_empty() && Pid::this().as_raw() != 1;
        trees
    }

    /// A new generation: its process, and its group if it leads one.
    pub(crate) fn began(&mut self, generation: u64, command: Pid, group: Option<Pid>) {
        let number = generation.to_string();
        let is_outer = std::env::var_os(MARK).is_some_and(|outer| outer == *number);
        self.mark = (!is_outer).then(|| format!("{MARK}={number}").into_bytes());
        (self.command, self.group) = (Some(command), group);
        self.reaped_before = cpu_of_reaped();
        self.members.clear();
        self.kept.clear();
        self.adopted.clear();
    }

    /// A child of ours was reaped: its pid may soon be another's.
    pub(crate) fn reaped(&mut self, pid: Pid) {
        self.strangers.retain(|stranger| *stranger != pid.as_raw());
        if self.command == Some(pid) {
            self.command = None;
        }
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

    /// COMMAND's process, until it was reaped.
    pub(crate) fn command(&self) -> Option<Pid> {
        self.command
    }

    /// CPU time that the generation has used: its processes, those that they have waited for, and
    /// the orphans that we have.
    pub(crate) fn cpu(&self) -> Duration {
        let ticks: u64 = self.members.iter().map(|process| process.cpu_ticks).sum();
        let living = Duration::from_millis(ticks.saturating_mul(1000) / self.ticks_per_second);
        living + cpu_of_reaped().saturating_sub(self.reaped_before)
    }

    /// Whether COMMAND's own process was stopped at the last walk.
    pub(crate) fn command_is_stopped(&self) -> bool {
        let command = self.members.iter().find(|process| Some(process.id.pid) == self.command);
        command.is_some_and(Process::is_stopped)
    }

    /// Whether a child of ours is left that is, or may be, of the tree: every process of the tree
    /// has an ancestor that is our child.
    pub(crate) fn has_roots(&mut self) -> bool {
        (0..2).any(|_| match self.own_children() {
            Ok(children) => children.into_iter().any(|child| self.is_root(child)),
            // Without /proc the group is all that can be asked for.
            Err(_) => self.group.is_some_and(process::group_lives),
        })
    }

    /// Walks the tree anew.
    ///
    /// # Errors
    /// `/proc` cannot be read; the last walk's result stays.
    pub(crate) fn walk(&mut self) -> Result<&[Process], Unseen> {
        let unseen = |error: io::Error| Unseen {
            what: Sight::Processes,
            errno: error.raw_os_error().unwrap_or(libc::EIO),
        };
        let roots = self.own_children().map_err(unseen)?;
        let mut members = Vec::with_capacity(self.members.len() + 1);
        let mut unvisited: Vec<i32> = Vec::new();
        for root in roots {
            if self.is_root(root) {
                unvisited.push(root);
            }
        }
        while let Some(pid) = unvisited.pop() {
            // One that went since it was listed is not worth a word.
            let Some(process) = self.look_at(pid) else { continue };
            members.push(process);
            self.children_of(&process, &mut unvisited);
        }
        self.kept.retain(|pid, _| members.iter().any(|member| member.id.pid.as_raw() == *pid));
        self.members = members;
        Ok(&self.members)
    }

    /// Whether a process is still the one that was seen, and not another with its pid.
    pub(crate) fn is_still(&mut self, id: Id) -> bool {
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
            state: stat.state,
            group: Pid::from_raw(stat.group),
            cpu_ticks: stat.cpu_ticks,
            threads: stat.threads,
        })
    }

    fn own_children(&mut self) -> io::Result<Vec<i32>> {
        // The list may miss a child while others end: who relies on an empty one asks twice.
        let missing = || io::Error::from_raw_os_error(libc::ENOENT);
        let file = self.own_children.as_ref().ok_or_else(missing)?;
        Ok(procfs::pids(files::read_whole(file, &mut self.buffer)?).collect())
    }

    /// Appends the children of all its threads: a child is listed with the thread that forked it.
    fn children_of(&mut self, process: &Process, children: &mut Vec<i32>) {
        let pid = process.id.pid.as_raw();
        if process.threads <= 1
            && let Some(kept) = self.kept.get(&pid)
        {
            let text = files::read_whole(&kept.children, &mut self.buffer).unwrap_or_default();
            return children.extend(procfs::pids(text));
        }
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return };
        for task in tasks.flatten() {
            let path = task.path().join("children");
            let text = path.to_str().and_then(|path| files::read_path(path, &mut self.buffer).ok());
            children.extend(text.into_iter().flat_map(procfs::pids));
        }
    }

    /// Whether a child of ours is COMMAND or descends from it.
    fn is_root(&mut self, pid: i32) -> bool {
        if self.command.is_some_and(|command| command.as_raw() == pid) {
            return true;
        }
        if self.strangers.contains(&pid) {
            return false;
        }
        if self.orphans_are_ours {
            return true;
        }
        let Some(process) = self.look_at(pid) else { return false };
        if let Some(known) = self.adopted.get(&process.id) {
            return *known;
        }
        let seen_before = self.members.iter().any(|member| member.id == process.id);
        let ours = seen_before || Some(process.group) == self.group || self.bears_our_mark(pid);
        self.adopted.insert(process.id, ours);
        ours
    }

    /// Whether it was started with the variable that COMMAND was given. What cannot be read bears
    /// no mark: rather leave an orphan alone than kill a stranger.
    fn bears_our_mark(&mut self, pid: i32) -> bool {
        let Ok(environ) = std::fs::read(format!("/proc/{pid}/environ")) else { return false };
        let mut variables = environ.split(|byte| *byte == 0);
        variables.any(|variable| self.mark.as_deref() == Some(variable))
    }
}

/// The list of our children; we have one thread. A `/proc` that shows another pid namespace than
/// ours has other processes under our numbers: it is no help at all.
fn own_children() -> Option<File> {
    let us = std::fs::read_link("/proc/self").ok()?;
    let ours = us.as_os_str() == std::process::id().to_string().as_str();
    ours.then(|| File::open("/proc/thread-self/children").ok()).flatten()
}

fn cpu_of_reaped() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN);
    usage.map_or(Duration::ZERO, |usage| {
        let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    })
}

fn ticks_per_second() -> u64 {
    let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten();
    ticks.and_then(|ticks| u64::try_from(ticks).ok()).filter(|ticks| *ticks > 0).unwrap_or(100)
}
