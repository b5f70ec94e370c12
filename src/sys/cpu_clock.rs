//! CPU clocks of other processes: the CPU time that all threads of a process have used, in
//! nanoseconds (`clock_getcpuclockid(3)`). No right over the process is needed.
//!
//! A thread that runs on another processor at this moment is counted up to its last tick (10 ms at
//! the slowest rate that Linux knows); one that sleeps is counted exactly.

use std::time::Duration;

use nix::errno::Errno;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// The CPU time that this process has used.
///
/// # Errors
/// `EINVAL`: there is no process with this pid. One that was not reaped yet still has a clock.
#[expect(clippy::disallowed_methods, reason = "how long a process ran is no time of day")]
pub(crate) fn used(pid: Pid) -> nix::Result<Duration> {
    clock_gettime(clock(pid)).map(Duration::from)
}

/// The clock of a process. The C library's function only makes the number and asks the kernel
/// whether it is valid; reading the clock asks that again.
fn clock(pid: Pid) -> ClockId {
    /// `CPUCLOCK_SCHED` (`include/linux/posix-timers.h`): nanoseconds that were run.
    const SCHED: i32 = 2;
    ClockId::from_raw(!pid.as_raw() << 3 | SCHED)
}

/// The signal of the timers below. Real-time signals are queued one by one: one that somebody sends
/// to us is not lost to a timer's.
pub(super) const SIGNAL: i32 = 64;

/// A timer on another process's CPU clock (`timer_create(2)`): it sends us a signal when that
/// process has run. It counts against our `RLIMIT_SIGPENDING`.
#[derive(Debug)]
pub(crate) struct RunTimer(libc::timer_t);

impl RunTimer {
    /// # Errors
    /// `EAGAIN`: the limit is reached; `EINVAL`: there is no such process.
    #[expect(unsafe_code, reason = "nix cannot name real-time signals")]
    pub(crate) fn of(pid: Pid) -> nix::Result<Self> {
        let mut timer: libc::timer_t = std::ptr::null_mut();
        // SAFETY: `sigevent` is plain data, and zero is a valid value of it; the call reads it and
        // writes one `timer_t`.
        unsafe {
            let mut event: libc::sigevent = std::mem::zeroed();
            event.sigev_notify = libc::SIGEV_SIGNAL;
            event.sigev_signo = SIGNAL;
            Errno::result(libc::timer_create(clock(pid).as_raw(), &raw mut event, &raw mut timer))?;
        }
        Ok(Self(timer))
    }

    /// From now on: as soon as the process has run for any time, and the scheduler's tick finds it
    /// running.
    ///
    /// # Errors
    /// `ESRCH`: the process has gone.
    pub(crate) fn arm(&self) -> nix::Result<()> {
        self.set(1)
    }

    /// # Errors
    /// As for `arm`.
    pub(crate) fn disarm(&self) -> nix::Result<()> {
        self.set(0)
    }

    #[expect(unsafe_code, reason = "nix has no timers on the clocks of other processes")]
    fn set(&self, nanos: libc::c_long) -> nix::Result<()> {
        let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let after = libc::timespec { tv_sec: 0, tv_nsec: nanos };
        let value = libc::itimerspec { it_interval: never, it_value: after };
        // SAFETY: the timer is ours and lives; the call reads one `itimerspec`.
        let result =
            unsafe { libc::timer_settime(self.0, 0, &raw const value, std::ptr::null_mut()) };
        Errno::result(result).map(drop)
    }
}

impl Drop for RunTimer {
    #[expect(unsafe_code, reason = "nix has no timers on the clocks of other processes")]
    fn drop(&mut self) {
        // SAFETY: the timer is ours, and is not used any more.
        unsafe { libc::timer_delete(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_clock_moves_by_working_and_init_has_one() {
        let us = Pid::this();
        let before = used(us).unwrap();
        let mut after = before;
        while after == before {
            after = used(us).unwrap();
        }
        assert!(after > before);
        assert!(used(Pid::from_raw(1)).is_ok());
        assert_eq!(used(Pid::from_raw(i32::MAX >> 3)), Err(nix::Error::EINVAL));
    }
}
