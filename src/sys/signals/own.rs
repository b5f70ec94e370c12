//! Signals that we send to ourselves, to die or to stop as COMMAND did.

use nix::unistd::Pid;

use super::{SignalSet, change_mask, is_ignored, restore_default, set_mask};
use crate::sys::process;

/// Dies by this signal, without a second core file. Returns only if that is not possible (PID 1).
pub(crate) fn die_by(signal: i32) {
    // Best effort all along: whatever fails, the caller has an exit status to fall back on.
    // Not by a limit on core files: a core that is piped to a program pays no heed to it (core(5)).
    let _ = nix::sys::prctl::set_dumpable(false);
    let _ = restore_default(signal);
    let _ = set_mask(SignalSet::ALL.without(SignalSet::of(signal)));
    let _ = process::signal(Pid::this(), signal);
}

/// Stops by this signal, one of job control's, and returns when CONT came. Tells whether it can:
/// one that is ignored cannot.
pub(crate) fn stop_by(signal: i32) -> bool {
    if is_ignored(signal) {
        return false;
    }
    // It waits, as all signals do here, until it is let in: that is when we stop.
    let _ = process::signal(Pid::this(), signal);
    let mut before = SignalSet::ALL;
    let stopped = change_mask(libc::SIG_UNBLOCK, SignalSet::of(signal), Some(&mut before)).is_ok();
    let _ = set_mask(before);
    stopped
}
