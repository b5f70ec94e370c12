//! What `/proc` says about the processes of a test.

use std::fmt;
use std::fs;
use std::path::Path;

/// A process that is not a zombie.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// As in `/proc/PID/stat`: R, S, T, ...
    pub(crate) state: char,
    pub(crate) command: String,
}

impl fmt::Display for Process {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, parent, group, state, command } = self;
        write!(out, "pid={pid} ppid={parent} group={group} {state} {command}")
    }
}

/// Zombies do not live.
/// How often a process has gone to sleep by itself: once for each time that it was woken.
pub(crate) fn wakeups(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

pub(crate) fn lives(pid: i32) -> bool {
    process(pid).is_some()
}

/// `None` where it does not live.
pub(crate) fn process(pid: i32) -> Option<Process> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name may hold anything, but its ')' is the last one.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).trim_end_matches('\0').replace('\0', " ");
    (!matches!(state, 'Z' | 'X')).then_some(Process { pid, parent, group, state, command })
}

/// The root, its descendants, and whoever has this journal in its environment: the mark finds
/// those whose parent is gone, descent finds those who wiped their environment (nginx).
pub(super) fn tree(root: Option<i32>, journal: &Path) -> Vec<Process> {
    let mark = format!("FIXTURE_JOURNAL={}", journal.display());
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let all: Vec<_> = pids
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(process)
        .collect();
    let mut ours: Vec<_> =
        all.iter().filter(|it| Some(it.pid) == root || is_marked(it.pid, &mark)).cloned().collect();
    let mut looked_at = 0;
    while let Some(parent) = ours.get(looked_at).map(|it| it.pid) {
        for child in all.iter().filter(|it| it.parent == parent) {
            if ours.iter().all(|it| it.pid != child.pid) {
                ours.push(child.clone());
            }
        }
        looked_at += 1;
    }
    ours
}

fn is_marked(pid: i32, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
}
