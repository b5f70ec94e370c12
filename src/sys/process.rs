//! Processes: making, signalling and reaping them, and being told when they end.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::unistd::{ForkResult, Pid};

use super::{children, optional, signals};

/// A process of the tree, as it was at the last walk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pub(crate) id: Id,
    /// As it was then.
    pub(crate) parent: Pid,
    pub(crate) state: u8,
    pub(crate) group: Pid,
    pub(crate) cpu_ticks: u64,
    pub(crate) threads: u64,
}

/// A process for certain: pids are used again, and so soon that a start time must tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) pid: Pid,
    /// In clock ticks since boot.
    pub(crate) start: u64,
}

impl Id {
    /// Nothing but its pid could be seen, and its group.
    pub(crate) fn is_hidden(self) -> bool {
        self.start == 0
    }
}

impl Process {
    /// Whether it is there and `/proc` does not show it (any more): it is unseen, and has not gone.
    pub(crate) fn hides(&self) -> bool {
        let pid = self.id.pid;
        self.id.is_hidden()
            || !std::path::Path::new(&format!("/proc/{pid}")).exists()
                && nix::unistd::getpgid(Some(pid)).is_ok()
    }

    /// A child of ours of which `/proc` shows nothing.
    pub(crate) fn hidden(pid: Pid) -> Self {
        Self::if_hidden(pid).unwrap_or(Self::unseen(pid, Pid::from_raw(0)))
    }

    /// The same for any process, if there is one with that pid: its group is no secret
    /// (`getpgid(2)`).
    pub(crate) fn if_hidden(pid: Pid) -> Option<Self> {
        let group = nix::unistd::getpgid(Some(pid)).ok()?;
        Some(Self::unseen(pid, group))
    }

    fn unseen(pid: Pid, group: Pid) -> Self {
        let (id, parent) = (Id { pid, start: 0 }, Pid::from_raw(0));
        Self { id, parent, state: b'?', group, cpu_ticks: 0, threads: 1 }
    }

    /// It only waits to be reaped. A leader that ended before its threads is no zombie to us.
    pub(crate) fn is_zombie(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x') && self.threads <= 1
    }

    /// Its first thread has ended before the others.
    pub(crate) fn has_lost_its_leader(&self) -> bool {
        self.state == b'Z' && self.threads > 1
    }

    /// Stopped by job control or a debugger.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }
}

/// Whether a process group has any process, ended ones that nobody reaped included.
pub(crate) fn group_lives(group: Pid) -> bool {
    signal_group(group, 0) != Err(Errno::ESRCH)
}

/// Forks; the new process runs `child` and ends at once with the status that it returns.
///
/// # Errors
/// `EAGAIN` (no pids left), `ENOMEM` (`fork(2)`).
#[expect(unsafe_code, reason = "fork")]
pub(crate) fn fork(child: impl FnOnce() -> i32) -> nix::Result<Pid> {
    // SAFETY: we have one thread, so the child may do whatever the parent might.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => exit_now(child()),
    }
}

/// Forks a process that is to become another program, and waits until it has. `child` returns only
/// if that failed: the process ends with the status, is reaped, and we return the reason.
///
/// A pipe that closes on exec has the reason. A child that is stopped before its `execve(2)` is not
/// waited for: whoever sees to stopped children would never be told while we wait. What becomes of
/// it is in its status alone. SIGCHLD must be blocked, and may be read here: other children may
/// have ended.
///
/// # Errors
/// `EAGAIN` (no pids left), `ENOMEM`, `EMFILE`, `ENFILE` (`fork(2)`, `pipe(2)`, `signalfd(2)`).
pub(crate) fn fork_and_exec<const N: usize>(
    child: impl FnOnce() -> (i32, [u8; N]),
) -> nix::Result<(Pid, Option<[u8; N]>)> {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    let ends_and_stops = signals::of_children()?;
    let pid = fork(|| {
        let (status, reason) = child();
        signals::ignore_broken_pipes();
        let _ = nix::unistd::write(&writer, &reason);
        status
    })?;
    drop(writer);
    let mut reason = [0; N];
    loop {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut poll = [readable(reader.as_fd()), readable(ends_and_stops.as_fd())];
        let waited = nix::poll::poll(&mut poll, PollTimeout::NONE);
        if waited == Err(Errno::EINTR) {
            continue;
        }
        // If poll fails, the read waits.
        if waited.is_err() || poll[0].any() == Some(true) {
            let length = nix::unistd::read(&reader, &mut reason);
            if length != Ok(N) {
                return Ok((pid, None));
            }
            children::reap_child(pid);
            return Ok((pid, Some(reason)));
        }
        let _ = signals::Batch::new().next(&ends_and_stops);
        if children::is_stopped(pid) {
            return Ok((pid, None));
        }
    }
}

/// Ends this process at once, running nothing.
#[expect(unsafe_code, reason = "_exit")]
fn exit_now(status: i32) -> ! {
    // SAFETY: it ends the process; nothing of ours runs after it.
    unsafe { libc::_exit(status) }
}

/// `execve(2)`: returns only its error.
pub(crate) fn exec(program: &CStr, args: &[&CStr], env: &[&CStr]) -> Errno {
    match nix::unistd::execve(program, args, env) {
        Ok(never) => match never {},
        Err(errno) => errno,
    }
}

/// Sends a signal to one process, by number.
///
/// # Errors
/// `ESRCH`: it is gone; `EPERM`: it is not ours (`kill(2)`).
#[expect(unsafe_code, reason = "nix cannot name all signals")]
pub(crate) fn signal(pid: Pid, signal: i32) -> nix::Result<()> {
    // SAFETY: it touches no memory.
    Errno::result(unsafe { libc::kill(pid.as_raw(), signal) }).map(drop)
}

/// Sends a signal to a process group.
///
/// # Errors
/// As for `signal`.
pub(crate) fn signal_group(group: Pid, number: i32) -> nix::Result<()> {
    signal(Pid::from_raw(-group.as_raw()), number)
}

/// A process, for certain: its number may be given to another one, this cannot (`pidfd_open(2)`).
#[derive(Debug)]
pub(crate) struct ProcessFd {
    fd: OwnedFd,
    pid: Pid,
}

impl ProcessFd {
    /// # Errors
    /// `ESRCH`: it is gone; `EMFILE`; `ENOSYS` before Linux 5.3; what a filter answers.
    #[expect(unsafe_code, reason = "nix has no pidfd_open")]
    pub(crate) fn open(pid: Pid) -> nix::Result<Self> {
        // SAFETY: it touches no memory; the result is checked before it becomes an owned
        // descriptor.
        unsafe {
            let fd = Errno::result(libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0))?;
            Ok(Self { fd: OwnedFd::from_raw_fd(i32::try_from(fd).unwrap_or(-1)), pid })
        }
    }

    /// # Errors
    /// As for `signal`.
    pub(crate) fn signal(&self, number: i32) -> nix::Result<()> {
        match self.send(number) {
            Err(errno) if optional::is_refused(errno) && self.has_ended() => Err(Errno::ESRCH),
            // It is not known whether the process refuses the signal or a filter the call.
            Err(errno) if optional::is_refused(errno) => signal(self.pid, number),
            sent => sent,
        }
    }

    #[expect(unsafe_code, reason = "nix has no pidfd_send_signal")]
    fn send(&self, signal: i32) -> nix::Result<()> {
        let no_info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: a null siginfo is what kill(2) would send.
        let result = unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, self.fd.as_raw_fd(), signal, no_info, 0)
        };
        Errno::result(result).map(drop)
    }

    /// Then its number may be another's.
    fn has_ended(&self) -> bool {
        let mut poll = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
        nix::poll::poll(&mut poll, PollTimeout::ZERO) != Ok(0)
    }
}

impl AsFd for ProcessFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whether a process leads its process group.
pub(crate) fn leads_group(pid: Pid) -> bool {
    nix::unistd::getpgid(Some(pid)) == Ok(pid)
}

/// Whether a process is in our own process group.
pub(crate) fn shares_our_group(pid: Pid) -> bool {
    nix::unistd::getpgid(Some(pid)) == Ok(nix::unistd::getpgrp())
}

/// Whether we lead our session: the kernel tells us alone when its terminal hangs up.
pub(crate) fn leads_session() -> bool {
    nix::unistd::getsid(None) == Ok(Pid::this())
}

/// Whether our parent is in our session: a shell there waits for us, and wakes us if we stop.
pub(crate) fn has_shell() -> bool {
    let parent = nix::unistd::getppid();
    // The parent of PID 1 has no number here.
    parent.as_raw() != 0
        && nix::unistd::getsid(Some(parent))
            .is_ok_and(|session| nix::unistd::getsid(None) == Ok(session))
}

/// Makes us the parent of every orphan below us (`PR_SET_CHILD_SUBREAPER(2const)`).
///
/// # Errors
/// `EINVAL` before Linux 3.4.
pub(crate) fn become_subreaper() -> nix::Result<()> {
    nix::sys::prctl::set_child_subreaper(true)
}

/// Has the kernel kill this process when the thread that forked it ends, and makes sure that it has
/// not ended already (`PR_SET_PDEATHSIG(2const)`).
///
/// # Errors
/// `ESRCH`: the parent is gone.
pub(crate) fn die_with_parent(parent: Pid) -> nix::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    if nix::unistd::getppid() == parent { Ok(()) } else { Err(Errno::ESRCH) }
}

/// Random bits, for what needs no more than to differ (`getrandom(2)`).
#[expect(unsafe_code, reason = "nix has no getrandom")]
pub(crate) fn random() -> io::Result<u64> {
    let mut bytes = [0_u8; 8];
    // SAFETY: the kernel writes at most as many bytes as the buffer has.
    let result = unsafe {
        libc::syscall(libc::SYS_getrandom, bytes.as_mut_ptr(), bytes.len(), libc::GRND_NONBLOCK)
    };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(u64::from_ne_bytes(bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `fork_and_exec` says of this child, in a process of our own with one thread and with
    /// all signals blocked; `then` ends the child.
    fn outcome(child: fn() -> (i32, [u8; 1]), wanted: Option<[u8; 1]>, then: fn(Pid)) -> bool {
        let us = fork(|| {
            let Ok(_) = signals::catch() else { return 2 };
            let Ok((pid, reason)) = fork_and_exec(child) else { return 3 };
            then(pid);
            i32::from(reason != wanted || children::has_children())
        });
        children::wait_for_exit(us.unwrap()) == 0
    }

    fn kill_and_reap(child: Pid) {
        let _ = signal(child, libc::SIGKILL);
        children::reap_child(child);
    }

    fn sleep() -> (i32, [u8; 1]) {
        exec(c"/bin/sleep", &[c"sleep", c"60"], &[]);
        (1, [1])
    }

    #[test]
    fn a_child_that_became_another_program_is_returned() {
        assert!(outcome(sleep, None, kill_and_reap));
    }

    #[test]
    fn a_child_that_could_not_exec_is_reaped_and_its_reason_returned() {
        let failing = || {
            let errno = exec(c"/nowhere", &[], &[]) as u8;
            (127, [errno])
        };
        assert!(outcome(failing, Some([Errno::ENOENT as u8]), |_| ()));
    }

    #[test]
    fn a_child_that_is_killed_before_it_execs_is_returned() {
        let killed = || {
            let _ = signal(Pid::this(), libc::SIGKILL);
            (1, [1])
        };
        assert!(outcome(killed, None, children::reap_child));
    }

    #[test]
    fn a_child_that_is_stopped_before_it_execs_is_returned() {
        let stopped = || {
            let _ = signal(Pid::this(), libc::SIGSTOP);
            sleep()
        };
        assert!(outcome(stopped, None, |child| {
            assert!(children::is_stopped(child));
            kill_and_reap(child);
        }));
    }

    /// Nobody reads the reason any more.
    #[test]
    fn a_child_that_was_stopped_and_could_not_exec_ends_with_its_status() {
        let failing = || {
            let _ = signal(Pid::this(), libc::SIGSTOP);
            (127, [1])
        };
        assert!(outcome(failing, None, |child| {
            signal(child, libc::SIGCONT).unwrap();
            assert_eq!(children::wait_for_exit(child), 127);
        }));
    }

    #[test]
    fn the_end_of_another_child_does_not_end_the_wait() {
        let slow = || {
            let (reader, writer) = nix::unistd::pipe().unwrap();
            // The parent's other child ends before this one goes on.
            let other = fork(|| 0).unwrap();
            drop(writer);
            let _ = nix::unistd::read(&reader, &mut [0]);
            children::reap_child(other);
            (126, [7])
        };
        let us = fork(|| {
            let Ok(_) = signals::catch() else { return 2 };
            let other = fork(|| 0).unwrap();
            let started = fork_and_exec(slow);
            children::reap_child(other);
            i32::from(started.is_ok_and(|(_, reason)| reason != Some([7])))
        });
        assert_eq!(children::wait_for_exit(us.unwrap()), 0);
    }
}
