//! A Ctrl-C while a COMMAND that has the terminal's foreground to itself is stopped.
//!
//! The terminal sends it to the foreground process group and to nobody else, and the kernel drops
//! it when that group has no living process. COMMAND may die of the stop's own signal first, or
//! handle the key and stop all the same. So a process of ours joins the group for the time of the
//! stop, with all signals blocked, and reports the key by its exit status.

use nix::unistd::{Pid, getpgrp, setpgid};

use crate::decide::exit::{Exit, Signal};
use crate::sys::children;
use crate::sys::files;
use crate::sys::poll::{self, Readiness};
use crate::sys::process;
use crate::sys::signals::{Batch, Signals};

use std::os::fd::AsFd;

/// A process in COMMAND's process group that waits for a Ctrl-C. It must be dismissed before that
/// group gets KILL, and before one asks whether the group has processes.
#[derive(Debug)]
pub(crate) struct Watcher(Pid);

impl Watcher {
    /// Starts one in this process group.
    ///
    /// # Errors
    /// No pids or memory left; the group is gone, or in another session. There is no process left.
    pub(crate) fn start(group: Pid, signals: &Signals) -> nix::Result<Self> {
        let parent = Pid::this();
        let ours = getpgrp();
        let watcher = Self(process::fork(|| watch(parent, ours, signals))?);
        // Not by itself: when this has returned it is there.
        setpgid(watcher.0, group).inspect_err(|_| watcher.end())?;
        Ok(watcher)
    }

    pub(crate) fn pid(&self) -> Pid {
        self.0
    }

    /// Has it end, when the foreground is no longer its group's: what was typed until then has
    /// reached it. It leaves the group at once, and its status tells.
    pub(crate) fn dismiss(&self) {
        let left = setpgid(self.0, getpgrp());
        let signal = if left.is_ok() { Signal::CONT } else { Signal::KILL };
        let _ = process::signal(self.0, signal.number());
    }

    /// Has it end whether it can tell or not.
    pub(crate) fn kill(&self) {
        let _ = process::signal(self.0, Signal::KILL.number());
    }

    /// The same, and waits for that.
    pub(crate) fn end(&self) {
        self.kill();
        children::reap_child(self.0);
    }
}

/// What was typed, as the end of a watcher tells.
pub(crate) fn typed(end: Exit) -> Option<Signal> {
    match end {
        Exit::Status(0) | Exit::Killed(_) => None,
        Exit::Status(number) => Signal::from_number(i32::from(number)),
    }
}

/// The watcher's life. CONT tells it to look where it is: `ours` is the group of who dismisses it.
fn watch(parent: Pid, ours: Pid, signals: &Signals) -> i32 {
    if process::die_with_parent(parent).is_err() {
        return 0;
    }
    files::close_above_stderr_but(signals.as_fd());
    loop {
        poll::wait(&[(signals.as_fd(), Readiness::Readable)], None, &mut Vec::new());
        // Of signals that wait the least number is read first: a key before CONT.
        let mut batch = Batch::new();
        while let Some(received) = batch.next(signals) {
            match Signal::from_number(received.number) {
                Some(signal @ (Signal::INT | Signal::QUIT)) if received.by_kernel => {
                    return signal.number();
                }
                Some(Signal::CONT) if getpgrp() == ours => return 0,
                _ => {}
            }
        }
    }
}
