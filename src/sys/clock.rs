//! The one clock. Monotonic: a step of the wall clock must not make anything idle or old, and time
//! spent suspended counts for nothing (`clock_gettime(2)`).

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Time since an origin that stays the same while the machine runs.
pub(crate) fn now() -> Duration {
    read(ClockId::CLOCK_MONOTONIC)
}

/// CPU time that this thread, the only one, has used.
pub(crate) fn cpu_used() -> Duration {
    read(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// The only line that reads a clock. It cannot fail for these two; if it did, standing still is the
/// harmless answer.
fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}
