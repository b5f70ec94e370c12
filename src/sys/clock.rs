//! The one clock. Monotonic: a step of the wall clock must not make anything idle or old, and time
//! spent suspended counts for nothing (`clock_gettime(2)`). The wall clock only stamps lines.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Time since an origin that stays the same while the machine runs.
pub(crate) fn now() -> Duration {
    read(ClockId::CLOCK_MONOTONIC)
}

/// Time since 1970, as the wall clock has it: for people, and for nothing that is decided.
pub(crate) fn since_1970() -> Duration {
    read(ClockId::CLOCK_REALTIME)
}

/// CPU time that this thread, the only one, has used.
pub(crate) fn cpu_used() -> Duration {
    read(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// The only line that reads a clock. It cannot fail for these; if it did, standing still is the
/// harmless answer.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}
