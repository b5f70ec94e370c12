//! Children: what became of them, and who they are.

use nix::errno::Errno;
use nix::unistd::Pid;

/// A child with something new to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) pid: Pid,
    pub(crate) status: Status,
}

/// What became of it (`wait(2)`). One that has ended is reaped now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Exited(u8),
    /// The number of the signal.
    Killed(i32),
    /// The number of the signal. It lives.
    Stopped(i32),
}

/// So many children are asked about at a time. They are many where orphans come and go.
pub(crate) const MOST: usize = 1024;

/// Children that have ended or were stopped, whoever they are. Where they are `MOST`, more may
/// wait.
pub(crate) fn changed() -> impl Iterator<Item = Changed> {
    std::iter::from_fn(next_changed).take(MOST)
}

/// `None`: none has changed, or there is none.
fn next_changed() -> Option<Changed> {
    loop {
        match raw_wait(-1, libc::WNOHANG | libc::WUNTRACED) {
            Ok(changed) => return changed,
            Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
}

/// Whether there is any child that was not reaped.
pub(crate) fn has_children() -> bool {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, flags) != Err(Errno::ECHILD)
}

/// The children that `/proc` shows: none where there is none.
pub(crate) fn children_of_this_thread() -> Vec<Pid> {
    let list = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok().map(Pid::from_raw)).collect()
}

/// Reaps this child, which is about to end.
pub(crate) fn reap_child(pid: Pid) {
    while raw_wait(pid.as_raw(), 0) == Err(Errno::EINTR) {}
}

/// Whether this child is stopped, which is left to be told to whoever asks for what has changed.
pub(crate) fn is_stopped(pid: Pid) -> bool {
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
    let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    matches!(waitid(Id::Pid(pid), flags), Ok(WaitStatus::Stopped(..)))
}

/// Waits for this child's end: its exit status.
#[cfg(test)]
pub(crate) fn wait_for_exit(pid: Pid) -> u8 {
    match raw_wait(pid.as_raw(), 0) {
        Ok(Some(Changed { status: Status::Exited(status), .. })) => status,
        other => panic!("{other:?}"),
    }
}

/// Waits for this child: whether it was stopped. One that has ended is reaped now.
#[cfg(test)]
pub(crate) fn wait_for_stop_or_end(pid: Pid) -> bool {
    loop {
        match raw_wait(pid.as_raw(), libc::WUNTRACED) {
            Ok(Some(Changed { status, .. })) => return matches!(status, Status::Stopped(_)),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(errno) => panic!("{errno}"),
        }
    }
}

/// `waitpid(2)` by number: nix has no word for a death by a real-time signal.
#[expect(unsafe_code, reason = "nix cannot name all signals")]
fn raw_wait(pid: i32, flags: i32) -> nix::Result<Option<Changed>> {
    let mut status = 0;
    // SAFETY: the kernel writes one int, which `status` is.
    let pid = Errno::result(unsafe { libc::waitpid(pid, &mut status, flags) })?;
    let status = if libc::WIFSIGNALED(status) {
        Status::Killed(libc::WTERMSIG(status))
    } else if libc::WIFSTOPPED(status) {
        Status::Stopped(libc::WSTOPSIG(status))
    } else {
        Status::Exited(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX))
    };
    Ok((pid > 0).then_some(Changed { pid: Pid::from_raw(pid), status }))
}

/// A child may ask to be traced by us (`PTRACE_TRACEME`, `ptrace(2)`), and then stops at each of
/// its signals until we let it go on. We let it go for good, with the signal that it stopped at.
///
/// # Errors
/// `ESRCH`: it does not wait for us as its tracer; a stop was job control's.
#[expect(unsafe_code, reason = "nix cannot name all signals")]
pub(crate) fn let_go(child: Pid, stopped_at: i32) -> nix::Result<()> {
    // What exec says to a tracer means nothing to the program.
    let signal = if stopped_at == libc::SIGTRAP { 0 } else { libc::c_long::from(stopped_at) };
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: this request has no address and takes the signal by value.
    let result = unsafe { libc::ptrace(libc::PTRACE_DETACH, child.as_raw(), nowhere, signal) };
    Errno::result(result).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process;
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};

    /// Whoever reaped without a bound would reap all of them. In a process whose children are no
    /// other test's.
    #[test]
    fn a_turn_reaps_a_batch_and_leaves_the_rest() {
        let forked = process::fork(|| {
            for _ in 0..MOST + 3 {
                let Ok(pid) = process::fork(|| 0) else { return 100 };
                // It is a zombie then.
                let ended = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
                if ended.is_err() {
                    return 101;
                }
            }
            let turns = [0; 3].map(|_| changed().count());
            if turns == [MOST, 3, 0] { 0 } else { 1 }
        });
        let pid = forked.unwrap();
        assert_eq!(waitpid(pid, None), Ok(WaitStatus::Exited(pid, 0)));
    }
}
