//! Processes: making, signalling and reaping them, and being told when they end.

use std::cell::Cell;
use std::ffi::CStr;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::unistd::{ForkResult, Pid};

use super::optional;

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

/// Starts a process that runs `child` in our own memory while we stand still, until it becomes
/// another program or ends with the status that `child` returns (`CLONE_VFORK`, `clone(2)`).
/// Nothing of ours is copied for what is about to forget it. What `child` leaves behind in memory
/// we find; it may be killed at any point, so it must not allocate.
///
/// # Errors
/// `EAGAIN` (no pids left), `ENOMEM` (`clone(2)`).
#[expect(unsafe_code, reason = "clone")]
pub(crate) fn fork_in_place<F: FnMut() -> i32>(mut child: F) -> nix::Result<Pid> {
    /// In units of 16 bytes, which is how stacks are aligned.
    const STACK: usize = 1024;
    extern "C" fn enter<F: FnMut() -> i32>(child: *mut libc::c_void) -> i32 {
        // SAFETY: it is the `child` below, and nobody else uses it while we run.
        unsafe { (*child.cast::<F>())() }
    }
    let mut stack = Vec::<u128>::new();
    stack.try_reserve_exact(STACK).map_err(|_| Errno::ENOMEM)?;
    // SAFETY: the stack is ours alone and lives until the child has let go of it: with CLONE_VFORK
    // we do not run before that. So does all that `child` borrows. We have one thread.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK).cast();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        libc::clone(enter::<F>, top, flags, (&raw mut child).cast())
    };
    Errno::result(pid).map(Pid::from_raw)
}

/// Ends this process at once, running nothing.
#[expect(unsafe_code, reason = "_exit")]
fn exit_now(status: i32) -> ! {
    // SAFETY: it ends the process; nothing of ours runs after it.
    unsafe { libc::_exit(status) }
}

/// `execve(2)`: returns only its error.
pub(crate) fn exec(program: &CStr, args: &Pointers, env: &Pointers) -> Errno {
    #[expect(unsafe_code, reason = "nix builds the pointers anew for each try")]
    // SAFETY: both arrays end with null and point to strings that live as long as they do.
    unsafe {
        libc::execve(program.as_ptr(), args.0.as_ptr(), env.0.as_ptr());
    }
    Errno::last()
}

/// Strings as `execve` wants them: borrowed pointers, the last one null.
#[derive(Debug)]
pub(crate) struct Pointers<'a>(Vec<*const libc::c_char>, std::marker::PhantomData<&'a CStr>);

impl<'a> Pointers<'a> {
    pub(crate) fn to(strings: impl Iterator<Item = &'a CStr>) -> Self {
        let pointers = strings.map(CStr::as_ptr).chain([std::ptr::null()]);
        Self(pointers.collect(), std::marker::PhantomData)
    }

    /// Adds variables that tell who reads them.
    pub(crate) fn with(mut self, variables: &'a [PidVariable]) -> Self {
        let end = self.0.len() - 1;
        self.0.splice(end..end, variables.iter().map(|variable| variable.0.as_ptr().cast()));
        self
    }

    /// Puts another string in the place of one.
    pub(crate) fn replace(&mut self, at: usize, string: &'a CStr) {
        if let Some(pointer) = self.0.get_mut(at) {
            *pointer = string.as_ptr();
        }
    }
}

/// A variable whose value is the pid of the process that it is given to.
#[derive(Debug)]
pub(crate) struct PidVariable(Box<[Cell<u8>]>);

impl PidVariable {
    /// As long as the longest pid.
    const ROOM: &str = "=4194304\0";

    pub(crate) fn new(name: &str) -> Self {
        Self(name.bytes().chain(Self::ROOM.bytes()).map(Cell::new).collect())
    }

    /// Writes this process's pid into it, without allocating.
    pub(crate) fn name_us(&self) {
        let Some(equals) = self.0.iter().position(|byte| byte.get() == b'=') else { return };
        let mut text = [0; Self::ROOM.len()];
        // What does not fit is no pid.
        let _ = write!(&mut text[..], "={}", std::process::id());
        for (place, byte) in self.0[equals..].iter().zip(text) {
            place.set(byte);
        }
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

    #[test]
    fn a_pid_variable_names_who_reads_it() {
        let variable = PidVariable::new("LISTEN_PID");
        variable.name_us();
        let bytes: Vec<u8> = variable.0.iter().map(Cell::get).collect();
        let text = CStr::from_bytes_until_nul(&bytes).unwrap().to_str().unwrap();
        assert_eq!(text, format!("LISTEN_PID={}", std::process::id()));
    }
}
