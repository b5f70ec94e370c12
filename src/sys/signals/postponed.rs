//! Stops that come to a child that shares our memory, while we wait for it to become COMMAND.
//!
//! Stopped there it would stop us as well, and nobody would tell the shell. It takes note instead,
//! where we find it, and is stopped as soon as it is COMMAND: `execve(2)` undoes the handlers.
//! A CONT that comes after the stop calls it off. SIGSTOP cannot be put off: who sends it must send
//! CONT.

use std::sync::atomic::{AtomicI32, Ordering};

/// The number of the stop that is to be sent again; 0: none.
static CAME: AtomicI32 = AtomicI32::new(0);

/// In the child, before signals are let in. One that is ignored stays so.
#[expect(unsafe_code, reason = "sets a handler")]
pub(crate) fn postpone_stops() {
    for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU, libc::SIGCONT] {
        if super::is_ignored(signal) {
            continue;
        }
        // SAFETY: the structure is plain data, zero is a valid value of it, and it outlives the
        // call; the handler only stores a number.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = note as *const () as usize;
            // As the stop itself would have: execve(2) is not to fail of it on a slow file system.
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

extern "C" fn note(signal: i32) {
    let stop = if signal == libc::SIGCONT { 0 } else { signal };
    CAME.store(stop, Ordering::Relaxed);
}

/// What came meanwhile: for us to send again.
pub(crate) fn take_postponed() -> Option<i32> {
    Some(CAME.swap(0, Ordering::Relaxed)).filter(|signal| *signal != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{children, process};
    use nix::unistd::Pid;

    #[test]
    fn a_stop_of_the_child_waits_for_us_unless_it_is_woken() {
        let after = |signals: &[i32]| {
            let child = process::fork_in_place(|| {
                postpone_stops();
                let sent = signals.iter().map(|signal| process::signal(Pid::this(), *signal));
                i32::from(!sent.into_iter().all(|sent| sent.is_ok()))
            });
            children::reap_child(child.unwrap());
            take_postponed()
        };
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[libc::SIGTSTP]), Some(libc::SIGTSTP));
        assert_eq!(after(&[libc::SIGTSTP, libc::SIGCONT]), None);
        assert_eq!(after(&[libc::SIGCONT, libc::SIGTTIN]), Some(libc::SIGTTIN));
        assert_eq!(take_postponed(), None);
    }
}
