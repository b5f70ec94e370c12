//! CPU clocks of other processes: the CPU time that all threads of a process have used, in
//! nanoseconds (`clock_getcpuclockid(3)`). No right over the process is needed.
//!
//! A thread that runs on another processor at this moment is counted up to its last tick (10 ms at
//! the slowest rate that Linux knows); one that sleeps is counted exactly.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// The CPU time that this process has used.
///
/// # Errors
/// `EINVAL`: there is no process with this pid. One that was not reaped yet still has a clock.
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
