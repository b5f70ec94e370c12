//! Signals that we send to ourselves, to die or to stop as COMMAND did.

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

/// Stops by this signal, one of job control's, and returns when CONT came: also when it waits for
/// us already. The kernel drops a CONT that waits when a stop is sent (`signal(7)`), and with it
/// what would have woken us; so nothing comes between the look and the signal.
pub(crate) fn stop_by(signal: i32) {
    if super::waiting().has(libc::SIGCONT) {
        return;
    }
    // It waits, as all signals but STOP do here, until it is let in: that is when we stop. A CONT
    // that comes before calls it off.
    let _ = process::signal(Pid::this(), signal);
    let mut before = SignalSet::ALL;
    let _ = change_mask(libc::SIG_UNBLOCK, SignalSet::of(signal), Some(&mut before));
    let _ = set_mask(before);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::children;

    /// A child that is sent these, all of them blocked, and then stops itself: whether it does.
    fn stops_after(sent: &[i32], signal: i32) -> bool {
        let child = process::fork(|| {
            // Job control stops nobody in an orphaned process group, as ours may be (setpgid(2)).
            nix::unistd::setpgid(Pid::this(), Pid::this()).unwrap();
            let _ = set_mask(SignalSet::ALL);
            sent.iter().for_each(|sent| process::signal(Pid::this(), *sent).unwrap());
            stop_by(signal);
            7
        });
        let child = child.unwrap();
        let stopped = children::wait_for_stop_or_end(child);
        if stopped {
            process::signal(child, libc::SIGKILL).unwrap();
            children::reap_child(child);
        }
        stopped
    }

    #[test]
    fn a_cont_that_came_before_calls_the_stop_off() {
        for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGSTOP] {
            assert!(stops_after(&[], signal), "{signal}");
            assert!(stops_after(&[libc::SIGCONT, libc::SIGTSTP], signal), "{signal}: before it");
            assert!(!stops_after(&[libc::SIGTSTP, libc::SIGCONT], signal), "{signal}");
        }
    }
}
