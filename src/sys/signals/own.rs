//! Signals that we send to ourselves, to die or to stop as COMMAND did.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::unistd::Pid;

use super::{SignalSet, change_mask, restore_default, set_mask};
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

/// Set by a CONT that arrives during `stop_by`.
static CONTINUED: AtomicBool = AtomicBool::new(false);

extern "C" fn note_cont(_: libc::c_int) {
    CONTINUED.store(true, Ordering::SeqCst);
}

/// Stops by this signal, one of job control's, until CONT arrives; does not stop if one waits for
/// us already. Returns whether a CONT arrived: it is no longer there to be read.
///
/// The kernel drops a waiting CONT when a stop signal is sent, and the other way round
/// (`signal(7)`). A handler sees the CONT that would be dropped: without it, one between the look
/// and our signal would leave us stopped for good. STOP cannot be blocked: for it, that moment is
/// left.
pub(crate) fn stop_by(signal: i32) -> bool {
    stop_after(|| {}, signal)
}

/// The same, with what happens between the look and the signal.
fn stop_after(between: impl FnOnce(), signal: i32) -> bool {
    CONTINUED.store(false, Ordering::SeqCst);
    let Ok(action) = handle(libc::SIGCONT, note_cont) else { return false };
    let mut before = SignalSet::ALL;
    // If one waits, the handler runs now.
    let _ = change_mask(libc::SIG_UNBLOCK, SignalSet::of(libc::SIGCONT), Some(&mut before));
    if !CONTINUED.load(Ordering::SeqCst) {
        between();
        // It waits, as all signals but STOP do here, until it is let in.
        let _ = process::signal(Pid::this(), signal);
        if CONTINUED.load(Ordering::SeqCst) {
            // That CONT came first, or it would have taken the signal away.
            discard(signal);
        } else {
            // We stop here. A CONT until then takes the signal away.
            let _ = change_mask(libc::SIG_UNBLOCK, SignalSet::of(signal), None);
        }
    }
    let _ = set_mask(before);
    let _ = restore(libc::SIGCONT, &action);
    CONTINUED.load(Ordering::SeqCst)
}

/// Takes away a signal of our own that waits: ignoring it does that (POSIX, Signal Actions).
fn discard(signal: i32) {
    if signal == libc::SIGSTOP {
        return;
    }
    let ignored = super::is_ignored(signal);
    let _ = super::set_disposition(signal, libc::SIG_IGN);
    if !ignored {
        let _ = restore_default(signal);
    }
}

#[expect(unsafe_code, reason = "sets a handler by number")]
fn handle(signal: i32, handler: extern "C" fn(libc::c_int)) -> io::Result<libc::sigaction> {
    let mut before = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all bit patterns are valid in a `sigaction`, and zeroes are an empty mask and no
    // flags. The handler only stores to an atomic, which is safe at any moment (signal-safety(7)).
    unsafe {
        let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        action.sa_sigaction = handler as usize;
        super::check(libc::c_long::from(libc::sigaction(
            signal,
            &raw const action,
            before.as_mut_ptr(),
        )))?;
        Ok(before.assume_init())
    }
}

#[expect(unsafe_code, reason = "puts back a disposition by number")]
fn restore(signal: i32, action: &libc::sigaction) -> io::Result<()> {
    // SAFETY: the kernel gave us this action.
    let result = unsafe { libc::sigaction(signal, action, std::ptr::null_mut()) };
    super::check(libc::c_long::from(result))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::children;

    /// A child that is sent these, all of them blocked, and then does this: whether it stops.
    fn stops(sent: &[i32], then: impl FnOnce() -> i32) -> bool {
        let child = process::fork(|| {
            // Job control stops nobody in an orphaned process group, as ours may be (setpgid(2)).
            nix::unistd::setpgid(Pid::this(), Pid::this()).unwrap();
            let _ = set_mask(SignalSet::ALL);
            sent.iter().for_each(|sent| process::signal(Pid::this(), *sent).unwrap());
            then()
        });
        let child = child.unwrap();
        let stopped = children::wait_for_stop_or_end(child);
        if stopped {
            process::signal(child, libc::SIGKILL).unwrap();
            children::reap_child(child);
        }
        stopped
    }

    fn stops_after(sent: &[i32], signal: i32) -> bool {
        stops(sent, || i32::from(!stop_by(signal)))
    }

    #[test]
    fn a_cont_that_came_before_calls_the_stop_off() {
        for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGSTOP] {
            assert!(stops_after(&[], signal), "{signal}");
            assert!(stops_after(&[libc::SIGCONT, libc::SIGTSTP], signal), "{signal}: before it");
            assert!(!stops_after(&[libc::SIGTSTP, libc::SIGCONT], signal), "{signal}");
        }
    }

    #[test]
    fn a_cont_between_the_look_and_the_signal_calls_the_stop_off() {
        for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
            let cont = || process::signal(Pid::this(), libc::SIGCONT).unwrap();
            assert!(!stops(&[], || i32::from(!stop_after(cont, signal))), "{signal}");
            assert!(stops(&[], || i32::from(!stop_after(|| {}, signal))), "{signal}: without it");
        }
    }
}
