//! Why a generation is recycled, or follows another.

use std::time::Duration;

use super::exit::Signal;
use super::rules::Measure;
use crate::units::Bytes;

/// Why a generation follows another: the words of `RECYCLE_REASON`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    KillRss,
    Signal,
    Rss,
    Pss,
    Lifetime,
    Idle,
    Exit,
}

impl Cause {
    /// The word that COMMAND finds in its environment.
    pub fn word(self) -> &'static str {
        match self {
            Self::KillRss => "kill-rss",
            Self::Signal => "signal",
            Self::Rss => "rss",
            Self::Pss => "pss",
            Self::Lifetime => "lifetime",
            Self::Idle => "idle",
            Self::Exit => "exit",
        }
    }
}

/// Why a generation is recycled, with the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `pss` where RSS was used and PSS was read.
    KillRss {
        used: Bytes,
        limit: Bytes,
        measure: Measure,
        pss: Option<Bytes>,
    },
    Signal(Signal),
    /// `pss` where it could be read.
    Rss {
        used: Bytes,
        limit: Bytes,
        pss: Option<Bytes>,
    },
    Pss {
        used: Bytes,
        limit: Bytes,
    },
    Lifetime {
        limit: Duration,
    },
    Idle {
        quiet: Duration,
    },
}

impl Reason {
    pub fn cause(self) -> Cause {
        match self {
            Self::KillRss { .. } => Cause::KillRss,
            Self::Signal(_) => Cause::Signal,
            Self::Rss { .. } => Cause::Rss,
            Self::Pss { .. } => Cause::Pss,
            Self::Lifetime { .. } => Cause::Lifetime,
            Self::Idle { .. } => Cause::Idle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_recycle_reason_are_those_of_the_manual() {
        let causes = [
            (Cause::KillRss, "kill-rss"),
            (Cause::Signal, "signal"),
            (Cause::Rss, "rss"),
            (Cause::Pss, "pss"),
            (Cause::Lifetime, "lifetime"),
            (Cause::Idle, "idle"),
            (Cause::Exit, "exit"),
        ];
        for (cause, word) in causes {
            assert_eq!(cause.word(), word);
        }
    }
}
