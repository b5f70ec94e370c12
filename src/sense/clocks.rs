//! Whether the tree has run: a process whose CPU clock has not moved has opened and closed nothing,
//! has sent nothing and has not grown (`clock_getcpuclockid(3)`).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use nix::unistd::Pid;

use super::procfs;
use crate::sys::cpu_clock::{self, RunTimer};
use crate::sys::files;
use crate::sys::process::{Id, Process};

/// The clocks of all processes of a tree at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reading(Vec<(Pid, Duration)>);

impl Reading {
    /// Reads the clocks of these processes, a third of a microsecond each; `None`: there are none,
    /// or one has gone or cannot be read.
    fn of(members: &[Process]) -> Option<Self> {
        let clock = |process: &Process| {
            let pid = process.id.pid;
            // A descendant of one that is hidden would not be seen at all.
            let is_known = !process.id.is_hidden();
            cpu_clock::used(pid).ok().filter(|_| is_known).map(|used| (pid, used))
        };
        let clocks: Option<Vec<_>> = members.iter().map(clock).collect();
        clocks.filter(|clocks| !clocks.is_empty()).map(Self)
    }
}

/// Compares two moments.
#[derive(Debug, Default)]
pub(crate) struct RunSense {
    /// `None`: not known.
    before: Option<Reading>,
}

impl RunSense {
    /// Does `look`, and tells what came of it and whether the tree may have run between the start
    /// of the look before and the end of this one. What cannot be known is taken to have run.
    pub(crate) fn around<T>(&mut self, members: &[Process], look: impl FnOnce() -> T) -> (T, bool) {
        let start = Reading::of(members);
        let result = look();
        let end = Reading::of(members);
        let ran = end.is_none() || end != self.before;
        self.before = start;
        (result, ran)
    }
}

/// More processes than this are not waited for one by one.
const MOST_TIMERS: usize = 64;

/// Tells a tree that sleeps, and is told when it runs again: by timers on the CPU clocks.
#[derive(Debug, Default)]
pub(crate) struct SleepSense {
    before: Option<Reading>,
    timers: BTreeMap<Id, RunTimer>,
}

impl SleepSense {
    /// Whether the tree has not run since the last look, and we will be told when it does.
    pub(crate) fn look(&mut self, members: &[Process]) -> bool {
        let reading = Reading::of(members);
        let slept = reading.is_some() && reading == self.before;
        self.before = reading;
        if !slept || members.len() > MOST_TIMERS || any_runs(members) {
            // Those of a tree that runs would go off again and again.
            self.timers.retain(|_, timer| timer.disarm().is_ok());
            return false;
        }
        self.timers.retain(|id, _| members.iter().any(|process| process.id == *id));
        // It may have run before the last of them was set.
        self.arm(members).is_ok() && Reading::of(members) == self.before
    }

    fn arm(&mut self, members: &[Process]) -> nix::Result<()> {
        for process in members {
            let timer = match self.timers.entry(process.id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(RunTimer::of(process.id.pid)?),
            };
            timer.arm()?;
        }
        Ok(())
    }

    /// The tree is another's, or nobody waits for it any more.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Whether a thread of these processes runs at this moment, or could: its clock may be behind by a
/// tick. What cannot be seen does not sleep.
pub(crate) fn any_runs(members: &[Process]) -> bool {
    let mut buffer = Vec::new();
    let mut runs = |path: &str| {
        let stat = files::read_path(path, &mut buffer).ok().and_then(procfs::stat);
        stat.is_none_or(|stat| stat.state == b'R')
    };
    members.iter().filter(|process| !process.is_zombie()).any(|process| {
        let pid = process.id.pid;
        if process.threads <= 1 {
            return runs(&format!("/proc/{pid}/stat"));
        }
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return true };
        let mut tasks = tasks.flatten().map(|task| task.path().join("stat"));
        tasks.any(|path| path.to_str().is_none_or(&mut runs))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::{WaitPidFlag, waitpid};

    fn process(pid: Pid) -> Process {
        Process {
            id: Id { pid, start: 1 },
            state: b'S',
            group: pid,
            cpu_ticks: 0,
            threads: 1,
            parent: Pid::this(),
        }
    }

    #[test]
    fn nothing_is_known_at_first_and_of_nobody() {
        let us = [process(Pid::this())];
        let mut sense = RunSense::default();
        assert!(sense.around(&us, || ()).1);
        let mut nobody = RunSense::default();
        assert!(nobody.around(&[], || ()).1);
        assert!(nobody.around(&[], || ()).1);
    }

    #[test]
    fn a_process_that_is_stopped_does_not_run_and_one_that_goes_is_unknown() {
        let us = [process(Pid::this())];
        let mut sense = RunSense::default();
        sense.around(&us, || ());
        assert!(sense.around(&us, || ()).1, "this test is what runs");

        let child = crate::sys::process::fork(|| {
            loop {
                std::hint::spin_loop();
            }
        });
        let pid = child.unwrap();
        let members = [process(pid)];
        let mut sense = RunSense::default();
        sense.around(&members, || ());
        while !sense.around(&members, || ()).1 {}
        assert!(any_runs(&members));

        kill(pid, Signal::SIGSTOP).unwrap();
        waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
        // Its way into the stop is counted a moment after we are told of it.
        while sense.around(&members, || ()).1 {}
        assert!(!sense.around(&members, || ()).1);
        assert!(!any_runs(&members));
        let mut sleeper = SleepSense::default();
        assert!(!sleeper.look(&members), "nothing is known at first");
        assert!(sleeper.look(&members));

        kill(pid, Signal::SIGKILL).unwrap();
        waitpid(pid, None).unwrap();
        assert!(sense.around(&members, || ()).1);
        assert!(!sleeper.look(&members));
    }
}
