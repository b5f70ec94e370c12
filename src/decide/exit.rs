//! Signals, the ways a process ends, and the one table of exit statuses.
//!
//! Signal numbers are those of Linux on x86, Arm, RISC-V, PowerPC and s390x (`signal(7)`); a test
//! in `sys/signals.rs` holds them against the target's libc.

use std::fmt;

/// A signal number, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signal(u8);

/// The names of the standard signals; the number is the place, from 1 (`signal(7)`).
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Other names that people type.
const ALIASES: [(&str, u8); 3] = [("CLD", 17), ("POLL", 29), ("IOT", 6)];

/// The first and last real-time signals a program may use: the C library keeps 32 and 33.
const RTMIN: u8 = 34;
const RTMAX: u8 = 64;

impl Signal {
    pub const HUP: Self = Self(1);
    pub const INT: Self = Self(2);
    pub const QUIT: Self = Self(3);
    pub const KILL: Self = Self(9);
    pub const PIPE: Self = Self(13);
    pub const ALRM: Self = Self(14);
    pub const TERM: Self = Self(15);
    pub const CHLD: Self = Self(17);
    pub const CONT: Self = Self(18);
    pub const STOP: Self = Self(19);
    pub const TSTP: Self = Self(20);
    pub const TTIN: Self = Self(21);
    pub const TTOU: Self = Self(22);
    pub const WINCH: Self = Self(28);
    pub const IO: Self = Self(29);

    /// The signal with this number, when there is one.
    pub fn from_number(number: i32) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| (1..=RTMAX).contains(number)).map(Self)
    }

    /// Its number, 1 to 64.
    pub fn number(self) -> i32 {
        i32::from(self.0)
    }

    /// Reads `TERM`, `SIGTERM`, `term`, `15`, `RTMIN+3` or `RTMAX-2`; not those that the C library
    /// keeps.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            let kept = |number: &i32| (32..i32::from(RTMIN)).contains(number);
            return text.parse().ok().filter(|number| !kept(number)).and_then(Self::from_number);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let place = NAMES.iter().position(|known| *known == name);
        if let Some(place) = place.and_then(|place| i32::try_from(place + 1).ok()) {
            return Self::from_number(place);
        }
        if let Some((_, number)) = ALIASES.iter().find(|(alias, _)| *alias == name) {
            return Some(Self(*number));
        }
        Self::parse_real_time(name)
    }

    fn parse_real_time(name: &str) -> Option<Self> {
        let number = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
            (Some(""), _) => RTMIN,
            (_, Some("")) => RTMAX,
            (Some(more), _) => RTMIN.checked_add(more.strip_prefix('+')?.parse().ok()?)?,
            (_, Some(less)) => RTMAX.checked_sub(less.strip_prefix('-')?.parse().ok()?)?,
            (None, None) => return None,
        };
        (RTMIN..=RTMAX).contains(&number).then_some(Self(number))
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(usize::from(self.0).wrapping_sub(1)) {
            Some(name) => write!(out, "SIG{name}"),
            None if self.0 >= RTMIN => write!(out, "SIGRTMIN+{}", self.0 - RTMIN),
            None => write!(out, "signal {}", self.0),
        }
    }
}

/// How COMMAND's own process ended (`wait(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It called `exit` with this status, 0 to 255.
    Status(u8),
    /// This signal killed it.
    Killed(Signal),
}

impl Exit {
    /// Whether `--restart on-failure` counts it as a failure: all but status 0.
    pub fn is_failure(self) -> bool {
        self != Self::Status(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(out, "exited with status {status}"),
            Self::Killed(signal) => write!(out, "was killed by {signal}"),
        }
    }
}

/// What was being done when a start failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Making the process: no pids, no memory, no descriptors (`fork(2)`, `pipe(2)`).
    Fork,
    /// Preparing it: process group, signals, parent-death signal.
    Prepare,
    /// Entering the working directory (`chdir(2)`).
    Directory,
    /// Putting a file on standard input back to where the first generation began (`lseek(2)`).
    Rewind,
    /// `execve(2)`.
    Exec,
}

/// A start that failed: nothing of that generation lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    pub stage: Stage,
    /// As in `errno(3)`.
    pub errno: i32,
}

/// `ENOENT`, the same number on every Linux (`errno(3)`).
const ENOENT: i32 = 2;

/// How `recycle` itself ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Exit with this status.
    Status(u8),
    /// Die by this signal (as PID 1, which cannot: exit with 128 + its number).
    Signal(Signal),
}

impl End {
    /// All went well.
    pub const SUCCESS: Self = Self::Status(0);
    /// `recycle` itself failed.
    pub const FAILED: Self = Self::Status(125);
    const NOT_EXECUTABLE: Self = Self::Status(126);
    const NOT_FOUND: Self = Self::Status(127);
}

impl From<Exit> for End {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Status(status) => Self::Status(status),
            Exit::Killed(signal) => Self::Signal(signal),
        }
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        match failure.stage {
            Stage::Exec if failure.errno == ENOENT => Self::NOT_FOUND,
            Stage::Exec => Self::NOT_EXECUTABLE,
            Stage::Fork | Stage::Prepare | Stage::Directory | Stage::Rewind => Self::FAILED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_read_by_name_and_number() {
        for text in ["TERM", "SIGTERM", "term", "sigterm", "15"] {
            assert_eq!(Signal::parse(text), Some(Signal::TERM), "{text}");
        }
        assert_eq!(Signal::parse("RTMIN").map(Signal::number), Some(34));
        assert_eq!(Signal::parse("RTMIN+3").map(Signal::number), Some(37));
        assert_eq!(Signal::parse("SIGRTMAX-2").map(Signal::number), Some(62));
        for text in
            ["", "FOO", "0", "32", "33", "65", "-1", "RTMIN+31", "RTMAX-31", "RTMIN3", "SIG", "1e1"]
        {
            assert_eq!(Signal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_signal_prints_as_a_name_that_reads_back() {
        for number in (1..=31).chain(34..=64) {
            let signal = Signal::from_number(number).unwrap();
            assert_eq!(Signal::parse(&signal.to_string()), Some(signal));
        }
    }

    #[test]
    fn signals_that_the_c_library_keeps_are_numbers() {
        for (number, text) in [(33, "signal 33"), (34, "SIGRTMIN+0"), (64, "SIGRTMIN+30")] {
            assert_eq!(Signal::from_number(number).unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_end_is_told_in_words() {
        assert_eq!(Exit::Status(3).to_string(), "exited with status 3");
        assert_eq!(Exit::Killed(Signal::KILL).to_string(), "was killed by SIGKILL");
    }

    #[test]
    fn failures_end_with_the_status_that_a_shell_would_give() {
        let end = |stage, errno| End::from(Failure { stage, errno });
        assert_eq!(end(Stage::Exec, ENOENT), End::Status(127));
        assert_eq!(end(Stage::Exec, 13), End::Status(126));
        assert_eq!(end(Stage::Fork, 11), End::Status(125));
        assert_eq!(end(Stage::Prepare, ENOENT), End::Status(125));
        assert_eq!(end(Stage::Directory, ENOENT), End::Status(125));
    }
}
