//! What a process holds, as the kernel tells it.

use std::fs;

use anyhow::{Context, Result};

/// From `smaps_rollup`, which is exact: the counters in `status` are up to some hundred kB off.
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) rss_kb: u64,
    pub(crate) pss_kb: u64,
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
        let [rss_kb, pss_kb, anonymous_kb] = ["Rss:", "Pss:", "Anonymous:"].map(field);
        Ok(Self { rss_kb: rss_kb?, pss_kb: pss_kb?, anonymous_kb: anonymous_kb? })
    }
}

/// How many descriptors it has open.
pub(crate) fn descriptors(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}
