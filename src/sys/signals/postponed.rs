//! Stops that come to a child that shares our memory, while we wait for it to become COMMAND.
//!
//! Stopped there it would stop us as well, and nobody would tell the shell. It takes note instead,
//! where we find it, and is stopped as soon as it is COMMAND: `execve(2)` undoes the handlers.
//! SIGSTOP cannot be put off: who sends it must send CONT.

use std::sync::atomic::{AtomicI32, Ordering};

/// The number of the signal that came last; 0: none.
static CAME: AtomicI32 = AtomicI32::new(0);

/// In the child, before signals are let in. One that is ignored stays so.
#[expect(unsafe_code, reason = "sets a handler")]
pub(crate) fn postpone_stops() {
    for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
        if super::is_ignored(signal) {
            continue;
        }
        // SAFETY: the structure is plain data, zero is a valid value of it, and it outlives the
        // call; the handler only stores a number.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = note as *const () as usize;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

extern "C" fn note(signal: i32) {
    CAME.store(signal, Ordering::Relaxed);
}

/// What came meanwhile: for us to send again.
pub(crate) fn take_postponed() -> Option<i32> {
    Some(CAME.swap(0, Ordering::Relaxed)).filter(|signal| *signal != 0)
}
