//! By what means something can be seen on this machine: for those who ask before anything runs.

use std::path::Path;

use super::traffic::probe;

/// What can be seen of a COMMAND that runs as we do. An error is one of `errno(3)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Means {
    /// `/proc` is there, and shows processes by the numbers that we know them by.
    pub(crate) processes: bool,
    /// Memory page by page.
    pub(crate) pages: Result<(), i32>,
    /// TCP connections one by one.
    pub(crate) connections: Result<(), i32>,
    /// TCP connections that come and go.
    pub(crate) deaths: Result<(), i32>,
    /// Other sockets, one by one.
    pub(crate) fetching: Result<(), i32>,
    /// The counters of the whole network.
    pub(crate) counters: bool,
    /// Processes of other users, too.
    pub(crate) others: bool,
}

impl Means {
    /// Tries each of them.
    pub(crate) fn find() -> Self {
        let errno = |error: nix::Error| error as i32;
        let us = std::fs::read_link("/proc/self");
        let pages = std::fs::read("/proc/self/smaps_rollup");
        let status = std::fs::read("/proc/self/status").unwrap_or_default();
        Self {
            processes: us.is_ok_and(|us| us == Path::new(&std::process::id().to_string())),
            pages: pages.map(drop).map_err(|error| error.raw_os_error().unwrap_or(libc::EIO)),
            connections: probe::connections().map_err(errno),
            deaths: probe::deaths().map_err(errno),
            fetching: probe::fetching().map_err(errno),
            counters: probe::has_counters(),
            others: may_trace(&status),
        }
    }
}

/// The bit of CAP_SYS_PTRACE (`capabilities(7)`).
const SYS_PTRACE: u32 = 19;

/// Whether the capability is in effect (`proc_pid_status(5)`).
fn may_trace(status: &[u8]) -> bool {
    let lines = status.split(|byte| *byte == b'\n');
    let set = lines.filter_map(|line| line.strip_prefix(b"CapEff:")).next();
    let set = set.and_then(|set| std::str::from_utf8(set).ok());
    let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    set.is_some_and(|set| set >> SYS_PTRACE & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capability_is_the_nineteenth_bit() {
        assert!(may_trace(b"CapPrm:\t0\nCapEff:\t0000000000080000\nCapBnd:\t0\n"));
        assert!(may_trace(b"CapEff:\t000001ffffffffff\n"));
        assert!(!may_trace(b"CapPrm:\t0000000000080000\nCapEff:\t00000000a80425fb\n"));
        assert!(!may_trace(b"CapEff:\tx\n") && !may_trace(b""));
    }

    #[test]
    fn where_tests_run_processes_are_seen() {
        let means = Means::find();
        assert!(means.processes && means.counters, "{means:?}");
    }
}
