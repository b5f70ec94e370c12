//! Processes that end with their owner, and what they hold, as the kernel tells it.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Somebody who is told to end when this is dropped, also by a measurement that failed.
pub(crate) struct Guard(pub(crate) Child);

impl Guard {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(command.spawn()?))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        let began = Instant::now();
        let mut told = false;
        while matches!(self.0.try_wait(), Ok(None)) {
            if !told || began.elapsed() > PATIENCE {
                let late = began.elapsed() > PATIENCE;
                signal(self.id(), if late { Signal::SIGKILL } else { Signal::SIGTERM });
                told = true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    let _ = i32::try_from(pid).map(|pid| kill(Pid::from_raw(pid), signal));
}

/// From `smaps_rollup`, which is exact: the counters in `status` are up to some hundred kB off.
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) rss_kb: u64,
    pub(crate) pss_kb: u64,
    /// What it has written to and shares with nobody.
    pub(crate) private_dirty_kb: u64,
    /// Without what is mapped from files.
    pub(crate) anonymous_kb: u64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).context("no field")?;
            line.trim().trim_end_matches("kB").trim_end().parse::<u64>().context("no number")
        };
        Ok(Self {
            rss_kb: field("Rss:")?,
            pss_kb: field("Pss:")?,
            private_dirty_kb: field("Private_Dirty:")?,
            anonymous_kb: field("Anonymous:")?,
        })
    }
}

/// How many descriptors it has open.
pub(crate) fn descriptors(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}
