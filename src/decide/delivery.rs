//! What is reported of signals to COMMAND: no line names one that was not sent. Pure.

use super::exit::Signal;
use super::notice::{Notice, Opening};

/// A signal that was not delivered, and why, as in `errno(3)`.
#[derive(Clone, Copy, Debug)]
pub struct Unsent {
    pub signal: Signal,
    pub errno: i32,
}

/// `ESRCH`, the same number on every Linux (`errno(3)`).
const ESRCH: i32 = 3;

impl Unsent {
    /// Whether COMMAND is there and does not allow it.
    pub fn is_refused(self) -> bool {
        self.errno != ESRCH
    }
}

impl Notice {
    /// The same, after these signals of the same step were not delivered.
    pub fn corrected_by(self, unsent: &[Unsent]) -> Self {
        let failure = |sent: Signal| unsent.iter().find(|unsent| unsent.signal == sent);
        match self {
            Self::Passed { signal, to: Some(to) } => match failure(to) {
                Some(Unsent { errno, .. }) => Self::NotPassed { signal, to, errno: *errno },
                None => self,
            },
            Self::Stopping { generation, age, reason, opening: Opening::Asked(signal) }
                if failure(signal).is_some_and(|unsent| unsent.is_refused()) =>
            {
                let opening = Opening::Refused(signal);
                Self::Stopping { generation, age, reason, opening }
            }
            notice => notice,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;
    use std::time::Duration;

    const EPERM: i32 = 1;

    fn stopping(opening: Opening) -> Notice {
        let reason = Reason::Signal(Signal::HUP);
        Notice::Stopping { generation: 1, age: Duration::ZERO, reason, opening }
    }

    #[test]
    fn what_was_not_sent_is_not_reported_as_sent() {
        let unsent = |errno| [Unsent { signal: Signal::TERM, errno }];
        let refused = stopping(Opening::Refused(Signal::TERM));
        assert_eq!(stopping(Opening::Asked(Signal::TERM)).corrected_by(&unsent(EPERM)), refused);
        let gone = stopping(Opening::Asked(Signal::TERM)).corrected_by(&unsent(ESRCH));
        assert_eq!(gone, stopping(Opening::Asked(Signal::TERM)), "its end is reported");
        for errno in [EPERM, ESRCH] {
            let passed = Notice::Passed { signal: Signal::INT, to: Some(Signal::TERM) };
            let said = Notice::NotPassed { signal: Signal::INT, to: Signal::TERM, errno };
            assert_eq!(passed.corrected_by(&unsent(errno)), said);
        }
    }

    #[test]
    fn other_notices_stay() {
        let unsent = [Unsent { signal: Signal::CONT, errno: EPERM }];
        for notice in [
            stopping(Opening::Asked(Signal::TERM)),
            stopping(Opening::Killed),
            Notice::Passed { signal: Signal::TERM, to: Some(Signal::TERM) },
            Notice::Passed { signal: Signal::CONT, to: None },
            Notice::Swallowed(Signal::CONT),
        ] {
            assert_eq!(notice.clone().corrected_by(&unsent), notice);
        }
    }
}
