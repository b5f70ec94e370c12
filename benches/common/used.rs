//! What processes have used, as the kernel tells it.

use std::fs;

use anyhow::{Context, Result};

/// What some processes have used together so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) wake_ups: f64,
    pub(crate) cpu_millis: f64,
    /// Of children that have ended, known in ticks of the clock.
    pub(crate) helpers_millis: f64,
}

impl Used {
    pub(crate) fn of(pids: &[u32]) -> Result<Self> {
        let mut all = Self::default();
        for &pid in pids {
            all.wake_ups += status(pid, "voluntary_ctxt_switches:")?;
            let schedstat = fs::read_to_string(format!("/proc/{pid}/schedstat"))?;
            let nanos = schedstat.split(' ').next().context("nothing in schedstat")?;
            all.cpu_millis += nanos.parse::<f64>()? / 1e6;
            all.helpers_millis += reaped_millis(pid)?;
        }
        Ok(all)
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            wake_ups: self.wake_ups - before.wake_ups,
            cpu_millis: self.cpu_millis - before.cpu_millis,
            helpers_millis: self.helpers_millis - before.helpers_millis,
        }
    }
}

fn status(pid: u32, name: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)).context("no field")?;
    Ok(value.trim().parse()?)
}

/// `cutime` and `cstime`, see proc(5).
fn reaped_millis(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = text.rsplit_once(')').context("no name in stat")?;
    let ticks = fields.split_whitespace().skip(13).take(2);
    let ticks: Vec<f64> = ticks.map(str::parse).collect::<Result<_, _>>()?;
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.unwrap_or(100);
    Ok(ticks.iter().sum::<f64>() * 1e3 / per_second as f64)
}
