//! Signals by number: masks, dispositions and a descriptor to read them from.
//!
//! `signalfd(2)` rather than handlers: it tells who sent a signal (`SI_KERNEL` is a terminal's),
//! has no code that runs in between, and queues real-time signals. The price is that the mask must
//! be put back in COMMAND, which transparency asks for anyway. Raw system calls, because the C
//! libraries hide the numbers that they use themselves (32 to 34).

mod batch;
pub(crate) mod own;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

pub(crate) use self::batch::Batch;

use super::{cpu_clock, entry};

/// A set of signals; bit `n - 1` is signal `n`, as in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignalSet(u64);

/// The kernel's idea of the size of a set (`rt_sigprocmask(2)`).
const SET_SIZE: usize = size_of::<SignalSet>();

impl SignalSet {
    pub(crate) const EMPTY: Self = Self(0);
    const ALL: Self = Self(u64::MAX);

    fn of(signal: i32) -> Self {
        Self(1 << (signal - 1))
    }

    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn has(self, signal: i32) -> bool {
        self.0 & Self::of(signal).0 != 0
    }

    /// Takes a signal out, if it is there.
    pub(crate) fn take(&mut self, signal: i32) -> bool {
        let had = self.has(signal);
        *self = self.without(Self::of(signal));
        had
    }
}

/// What we were started with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inherited {
    blocked: SignalSet,
    ignored: SignalSet,
}

/// One signal, as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) number: i32,
    /// The kernel itself sent it: a terminal, to its whole foreground group.
    pub(crate) by_kernel: bool,
    /// It came of something that we did: SIGPIPE of a write to a broken stderr, for one.
    pub(crate) own: bool,
    /// A timer of ours sent it (`SI_TIMER`).
    pub(crate) timer: bool,
}

/// Signals to read.
#[derive(Debug)]
pub(crate) struct Signals {
    fd: OwnedFd,
    seen: SignalSet,
    hears_io: bool,
}

/// Blocks every signal and makes them readable. Those that were ignored stay so, and are seen all
/// the same: while it is blocked the kernel drops no signal, ignored or not.
///
/// # Errors
/// `EMFILE`, `ENFILE`, `ENOMEM` (`signalfd(2)`).
pub(crate) fn catch() -> io::Result<(Signals, Inherited)> {
    let mut ignored = SignalSet::EMPTY;
    for signal in 1..=64 {
        if is_ignored(signal) {
            ignored = ignored.with(SignalSet::of(signal));
        }
    }
    if !entry::pipe_was_ignored() {
        ignored = ignored.without(SignalSet::of(libc::SIGPIPE));
    }
    let seen = SignalSet::ALL;
    let blocked = block(seen)?;
    // A child whose end is ignored leaves no status (wait(2)).
    restore_default(libc::SIGCHLD)?;
    let signals = Signals { fd: signal_fd(seen)?, seen, hears_io: true };
    Ok((signals, Inherited { blocked, ignored }))
}

/// Tells when a child has ended or was stopped, by SIGCHLD, which must be blocked. What was read
/// here is not read by `catch`'s descriptor again.
///
/// # Errors
/// `EMFILE`, `ENFILE`, `ENOMEM` (`signalfd(2)`).
pub(crate) fn of_children() -> nix::Result<Signals> {
    let seen = SignalSet::of(libc::SIGCHLD);
    let fd = signal_fd(seen).map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))?;
    Ok(Signals { fd, seen, hears_io: true })
}

/// Ignores SIGPIPE: a write to a pipe that nobody reads fails instead of killing us.
pub(crate) fn ignore_broken_pipes() {
    // Best effort: it cannot fail for this signal.
    let _ = set_disposition(libc::SIGPIPE, libc::SIG_IGN);
}

/// Those that are ignored, apart from what the C libraries keep for themselves.
pub(crate) fn ignored() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| match *signal {
        libc::SIGPIPE => entry::pipe_was_ignored(),
        32..=34 => false,
        signal => is_ignored(signal),
    })
}

impl Inherited {
    /// The signals that were ignored.
    pub(crate) fn ignored(&self) -> impl Iterator<Item = i32> {
        (1..=64).filter(|signal| self.ignored.has(*signal))
    }

    /// Puts back what we were started with: in COMMAND's process, before it becomes COMMAND.
    pub(crate) fn restore(&self) -> io::Result<()> {
        for signal in [libc::SIGCHLD, libc::SIGPIPE] {
            let handler = if self.ignored.has(signal) { libc::SIG_IGN } else { libc::SIG_DFL };
            set_disposition(signal, handler)?;
        }
        set_mask(self.blocked)
    }
}

impl Signals {
    /// The next signal that waits, if one does: for a `Batch`.
    #[expect(unsafe_code, reason = "reads a kernel structure")]
    fn next(&self) -> Option<Received> {
        let mut info = std::mem::MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: the kernel writes at most `size` bytes into `info`, which has that many; all bit
        // patterns are valid in it, and it was zeroed.
        let (length, info) = unsafe {
            let length = libc::read(self.fd.as_raw_fd(), info.as_mut_ptr().cast(), size);
            (length, info.assume_init())
        };
        (usize::try_from(length) == Ok(size)).then(|| Received {
            number: i32::try_from(info.ssi_signo).unwrap_or(0),
            by_kernel: info.ssi_code == libc::SI_KERNEL,
            own: info.ssi_code == libc::SI_USER && info.ssi_pid == std::process::id(),
            timer: info.ssi_code == libc::SI_TIMER
                && i32::try_from(info.ssi_signo) == Ok(cpu_clock::SIGNAL),
        })
    }
}

impl Signals {
    /// Whether a SIGIO that comes is to be among the signals to read. While it is not, it waits
    /// for `Batch::next_io`.
    pub(crate) fn hear_io(&mut self, hear: bool) {
        if hear == self.hears_io {
            return;
        }
        let io = SignalSet::of(libc::SIGIO);
        let seen = if hear { self.seen } else { self.seen.without(io) };
        if raw_signal_fd(self.fd.as_raw_fd(), seen).is_ok() {
            self.hears_io = hear;
        }
    }

    /// The next SIGIO that waits, if one does.
    #[expect(unsafe_code, reason = "reads a kernel structure")]
    fn next_io(&self) -> Option<Received> {
        let io = SignalSet::of(libc::SIGIO);
        let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the set is of the kernel's size; the kernel writes one `siginfo_t`, which was
        // zeroed and in which all bit patterns are valid, and reads one `timespec`. Of a signal
        // that was sent, `si_pid` is set.
        unsafe {
            let number = libc::syscall(
                libc::SYS_rt_sigtimedwait,
                &raw const io,
                info.as_mut_ptr(),
                &raw const at_once,
                SET_SIZE,
            );
            let info = info.assume_init();
            (number == libc::c_long::from(libc::SIGIO)).then(|| Received {
                number: libc::SIGIO,
                by_kernel: info.si_code == libc::SI_KERNEL,
                own: info.si_code == libc::SI_USER
                    && u32::try_from(info.si_pid()) == Ok(std::process::id()),
                timer: false,
            })
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[expect(unsafe_code, reason = "asks for a disposition by number")]
pub(crate) fn is_ignored(signal: i32) -> bool {
    let mut action = KernelAction::default();
    // SAFETY: the kernel writes one `struct sigaction` of its own layout, which `action` is.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            std::ptr::null::<KernelAction>(),
            &raw mut action,
            SET_SIZE,
        )
    };
    result == 0 && action.handler == libc::SIG_IGN
}

/// `struct sigaction` as the kernel has it on every architecture that we know; the mask is last.
#[repr(C)]
#[derive(Default)]
struct KernelAction {
    handler: usize,
    flags: libc::c_ulong,
    restorer: usize,
    mask: u64,
}

/// The signals that have come and wait to be read.
#[expect(unsafe_code, reason = "asks for signals by number")]
pub(crate) fn waiting() -> SignalSet {
    let mut waiting = SignalSet::EMPTY;
    // SAFETY: the kernel writes one set of its own size.
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut waiting, SET_SIZE) };
    waiting
}

fn restore_default(signal: i32) -> io::Result<()> {
    set_disposition(signal, libc::SIG_DFL)
}

#[expect(unsafe_code, reason = "sets a disposition by number")]
fn set_disposition(signal: i32, handler: usize) -> io::Result<()> {
    let action = KernelAction { handler, ..KernelAction::default() };
    // SAFETY: the handler is SIG_DFL or SIG_IGN: no code of ours will run.
    check(unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            &raw const action,
            std::ptr::null::<KernelAction>(),
            SET_SIZE,
        )
    })
}

/// Blocks these signals on top of those that are blocked, and tells which were.
fn block(set: SignalSet) -> io::Result<SignalSet> {
    let mut before = SignalSet::EMPTY;
    change_mask(libc::SIG_BLOCK, set, Some(&mut before))?;
    Ok(before)
}

fn set_mask(set: SignalSet) -> io::Result<()> {
    change_mask(libc::SIG_SETMASK, set, None)
}

#[expect(unsafe_code, reason = "sets the mask by number")]
fn change_mask(how: i32, set: SignalSet, before: Option<&mut SignalSet>) -> io::Result<()> {
    let before = before.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: both pointers are to sets of the kernel's size, or null where the kernel allows it.
    check(unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const set, before, SET_SIZE) })
}

fn signal_fd(set: SignalSet) -> io::Result<OwnedFd> {
    let fd = raw_signal_fd(-1, set)?;
    #[expect(unsafe_code, reason = "takes ownership of a descriptor")]
    // SAFETY: the kernel has just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// With a descriptor of -1 makes one, else changes its set (`signalfd(2)`).
#[expect(unsafe_code, reason = "makes a descriptor by number")]
fn raw_signal_fd(fd: RawFd, set: SignalSet) -> io::Result<RawFd> {
    // SAFETY: the pointer is to a set of the kernel's size.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_signalfd4,
            fd,
            &raw const set,
            SET_SIZE,
            libc::SFD_NONBLOCK | libc::SFD_CLOEXEC,
        )
    };
    check(fd)?;
    RawFd::try_from(fd).map_err(io::Error::other)
}

fn check(result: libc::c_long) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use crate::decide::exit::Signal;

    #[test]
    fn the_cores_numbers_are_this_targets() {
        for (signal, number) in [
            (Signal::HUP, libc::SIGHUP),
            (Signal::INT, libc::SIGINT),
            (Signal::QUIT, libc::SIGQUIT),
            (Signal::KILL, libc::SIGKILL),
            (Signal::PIPE, libc::SIGPIPE),
            (Signal::TERM, libc::SIGTERM),
            (Signal::CHLD, libc::SIGCHLD),
            (Signal::CONT, libc::SIGCONT),
            (Signal::STOP, libc::SIGSTOP),
            (Signal::TSTP, libc::SIGTSTP),
            (Signal::TTIN, libc::SIGTTIN),
            (Signal::TTOU, libc::SIGTTOU),
            (Signal::WINCH, libc::SIGWINCH),
            (Signal::IO, libc::SIGIO),
        ] {
            assert_eq!(signal.number(), number);
        }
        for signal in nix::sys::signal::Signal::iterator() {
            let ours = Signal::from_number(signal as i32).unwrap();
            assert_eq!(ours.to_string(), signal.as_str());
        }
    }
}
