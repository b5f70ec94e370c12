//! Job control, and the end: as COMMAND did.

use std::process::ExitCode;

use nix::unistd::Pid;

use crate::decide::exit::{End, Signal};
use crate::sys::{process, signals};

/// Stops ourselves by this signal until CONT comes, if it has not come already. Returns whether it
/// came: nobody else will read it.
pub(crate) fn suspend(signal: Signal) -> bool {
    // Where no shell waits for us, job control's own signals stop nobody (setpgid(2), orphaned
    // process groups); and they may be ignored.
    let stops = process::has_shell() && !signals::is_ignored(signal.number());
    signals::own::stop_by(if stops { signal } else { Signal::STOP }.number())
}

/// Ends by a signal where COMMAND did; what cannot be done so is left as an exit status to return.
pub(crate) fn end(end: End) -> ExitCode {
    match end {
        End::Status(status) => ExitCode::from(status),
        End::Signal(signal) => {
            if Pid::this().as_raw() != 1 {
                signals::own::die_by(signal.number());
            }
            // PID 1 does not die by signals it sends itself (kill(2)).
            ExitCode::from(u8::try_from(128 + signal.number()).unwrap_or(u8::MAX))
        }
    }
}
