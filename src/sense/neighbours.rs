//! Whether our process group is ours alone: then nobody minds what COMMAND does with the terminal.

use std::os::fd::BorrowedFd;

use nix::unistd::{Pid, getpgrp};

use super::procfs;
use crate::sys::files::{self, STDERR, STDOUT};

/// Looks through all processes, which takes some 7 us each: to be asked once. Without `/proc`
/// there may be somebody.
pub(crate) fn none() -> bool {
    // The other members of a pipeline may not have been made yet.
    !leads_on(STDOUT) && !leads_on(STDERR) && nobody_in(getpgrp()).unwrap_or(false)
}

/// Whether it is a pipe or a socket.
fn leads_on(fd: BorrowedFd<'_>) -> bool {
    let kind = nix::sys::stat::fstat(fd).map(|stat| stat.st_mode & libc::S_IFMT);
    matches!(kind, Ok(libc::S_IFIFO | libc::S_IFSOCK))
}

/// Whether nobody but us, and those who only wait to be reaped, is in this group.
fn nobody_in(group: Pid) -> std::io::Result<bool> {
    let us = Pid::this().as_raw();
    let mut buffer = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse::<i32>().ok());
        let Some(pid) = pid.filter(|pid| *pid != us) else { continue };
        // One that went meanwhile is no neighbour; one that hides (hidepid) cannot be told from it.
        let Ok(text) = files::read_path(&format!("/proc/{pid}/stat"), &mut buffer) else {
            continue;
        };
        let other = procfs::stat(text);
        if other.is_none_or(|other| other.group == group.as_raw() && other.state != b'Z') {
            return Ok(false);
        }
    }
    Ok(true)
}
