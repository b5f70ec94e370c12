//! Which of our children descend from COMMAND: it has many ways to make us their parent.
//!
//! Children of ours that were here before COMMAND do not. Where there were some, or where we are
//! PID 1 (which gets every orphan of the container, also those of `docker exec`), an orphan that we
//! have not seen below COMMAND must show that it came from there: by COMMAND's process group, or by
//! `RECYCLE_GENERATION` in the environment that it was started with.

use std::collections::BTreeMap;

use nix::unistd::Pid;

use super::super::procfs;
use crate::sys::process::{Id, Process};

/// The variable by which a process shows that it descends from COMMAND.
const MARK: &str = "RECYCLE_GENERATION";

/// Whose child of ours it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Command,
    Elsewhere,
    /// It ended before it could be asked. It may have left others behind, who can be.
    Unknown,
}

/// What is known about the children that are not COMMAND.
#[derive(Debug)]
pub(super) struct Orphans {
    /// Children that we had before COMMAND.
    strangers: Vec<i32>,
    /// Every orphan that becomes our child descended from COMMAND.
    all_ours: bool,
    /// What COMMAND finds in its environment, `NAME=VALUE`; `None` where we found the same.
    mark: Option<Vec<u8>>,
    found_out: BTreeMap<Id, Origin>,
}

impl Orphans {
    /// `strangers` are the children that we have now, before COMMAND.
    pub(super) fn beside(strangers: Vec<i32>) -> Self {
        let all_ours = strangers.is_empty() && Pid::this().as_raw() != 1;
        Self { strangers, all_ours, mark: None, found_out: BTreeMap::new() }
    }

    /// One more that is not COMMAND's.
    pub(super) fn add_stranger(&mut self, pid: Pid) {
        self.strangers.push(pid.as_raw());
    }

    /// A new generation.
    pub(super) fn began(&mut self, generation: u64) {
        let number = generation.to_string();
        let is_outer = std::env::var_os(MARK).is_some_and(|outer| outer == *number);
        self.mark = (!is_outer).then(|| format!("{MARK}={number}").into_bytes());
        self.found_out.clear();
    }

    /// A child was reaped: its pid may soon be another's.
    pub(super) fn reaped(&mut self, pid: Pid) {
        self.strangers.retain(|stranger| *stranger != pid.as_raw());
    }

    /// What can be told by the pid alone.
    pub(super) fn known(&self, pid: i32) -> Option<Origin> {
        match (self.strangers.contains(&pid), self.all_ours) {
            (true, _) => Some(Origin::Elsewhere),
            (false, true) => Some(Origin::Command),
            (false, false) => None,
        }
    }

    /// Whose child it is; `is_known` tells whether it was seen in COMMAND's tree, or is in its
    /// group.
    pub(super) fn origin(&mut self, process: &Process, is_known: bool) -> Origin {
        if let Some(origin) = self.found_out.get(&process.id) {
            return *origin;
        }
        let origin = match is_known {
            true => Origin::Command,
            // One that hides from us is none that we may kill.
            false if process.id.is_hidden() => return Origin::Elsewhere,
            false => self.by_mark(process),
        };
        // Of one that has ended there is nothing more to find out, but others may come in its
        // place.
        if origin != Origin::Unknown {
            self.found_out.insert(process.id, origin);
        }
        origin
    }

    /// Whether it was started with the variable that COMMAND was given. What cannot be read bears
    /// no mark: rather leave an orphan alone than kill a stranger. One that has ended has nothing
    /// to read any more.
    fn by_mark(&self, process: &Process) -> Origin {
        let environ = std::fs::read(format!("/proc/{}/environ", process.id.pid));
        let environ = environ.unwrap_or_default();
        let mut variables = environ.split(|byte| *byte == 0);
        if variables.any(|variable| self.mark.as_deref() == Some(variable)) {
            Origin::Command
        } else if has_memory(process.id.pid) || process.has_lost_its_leader() {
            Origin::Elsewhere
        } else {
            Origin::Unknown
        }
    }
}

/// Whether it has memory still, as it does until it ends (`proc_pid_statm(5)`).
fn has_memory(pid: Pid) -> bool {
    let statm = std::fs::read(format!("/proc/{pid}/statm"));
    statm.is_ok_and(|statm| procfs::resident_pages(&statm) != Some(0))
}
