//! The terminal on standard input: who has its foreground, and that its modes are as they were when
//! COMMAND is gone (`tty_ioctl(4)`, `termios(3)`).
//!
//! All of this happens with SIGTTOU blocked, as every signal is in our process: from the background
//! it would stop us. Nothing here waits: a terminal that takes no output must not hold us up.

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use crate::decide::rules::{Restart, Rules};
use crate::sys::files::STDIN;
use crate::sys::process;

/// The terminal that controls us, if it is our standard input and we had its foreground when we
/// were started.
#[derive(Debug)]
pub(crate) struct Terminal {
    /// Our own process group.
    group: Pid,
    /// The modes at our start; `None`: others use the terminal beside us, and may change them.
    modes: Option<Termios>,
}

/// COMMAND's process group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// It leads one: there is no terminal that controls us.
    Own,
    /// It leads one, with the terminal's foreground.
    Foreground,
    /// It is in ours: in the background it could neither read from the terminal nor, sometimes,
    /// write to it.
    Shared,
}

impl Group {
    /// Where it belongs beside the terminal that is ours to give, if one is.
    pub(crate) fn beside(terminal: Option<&Terminal>, rules: &Rules) -> Self {
        // Of a Ctrl-C in COMMAND's own group we know nothing. Where COMMAND's end by itself is not
        // the end, we must. And only the foreground may read: of lines that is us.
        let may_give = rules.restart == Restart::Never && rules.lines.is_none();
        match terminal {
            Some(terminal) if terminal.is_ours() && may_give => Self::Foreground,
            Some(_) => Self::Shared,
            None if has_controlling_terminal() => Self::Shared,
            None => Self::Own,
        }
    }
}

/// What becomes of the terminal's modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Modes {
    /// They are put back.
    Restored,
    /// They stay as COMMAND left them.
    Left,
}

impl Terminal {
    /// `alone` tells whether nobody else is in our group.
    pub(crate) fn find(alone: impl FnOnce() -> bool) -> Option<Self> {
        let group = getpgrp();
        if tcgetpgrp(STDIN) != Ok(group) {
            return None;
        }
        let leads = group == Pid::this();
        let modes = (leads && alone()).then(|| tcgetattr(STDIN).ok()).flatten();
        Some(Self { group, modes })
    }

    /// Whether nobody but us and COMMAND uses it.
    pub(crate) fn is_ours(&self) -> bool {
        self.modes.is_some()
    }

    /// Takes the foreground back from COMMAND's group, which has ended or is stopped, and from a
    /// group that is no more. Anybody else has it for a reason: a shell, while we are in its
    /// background.
    pub(crate) fn take_back(&self, command: Option<Pid>) {
        if let Ok(holder) = tcgetpgrp(STDIN)
            && holder != self.group
            && (Some(holder) == command || !process::group_lives(holder))
        {
            // One that hung up has no foreground.
            let _ = tcsetpgrp(STDIN, self.group);
        }
    }

    /// The same at COMMAND's end, with the modes.
    pub(crate) fn reclaim(&self, command: Option<Pid>, modes: Modes) {
        self.take_back(command);
        if let Some(ours) = &self.modes
            && modes == Modes::Restored
            && self.has_foreground()
        {
            let _ = tcsetattr(STDIN, SetArg::TCSANOW, ours);
        }
    }

    /// Lets COMMAND's group have the foreground, if we have it.
    pub(crate) fn give(&self, command: Pid) {
        if self.has_foreground() {
            let _ = tcsetpgrp(STDIN, command);
        }
    }

    /// Whether this group has the foreground.
    pub(crate) fn is_held_by(&self, group: Pid) -> bool {
        tcgetpgrp(STDIN) == Ok(group)
    }

    /// Whether our own group has the foreground.
    pub(crate) fn has_foreground(&self) -> bool {
        self.is_held_by(self.group)
    }
}

/// In the process that becomes COMMAND, and leads a group of its own by now: takes the foreground,
/// if the group that it comes from has it.
pub(crate) fn take_foreground(from: Pid) {
    if tcgetpgrp(STDIN) == Ok(from) {
        let _ = tcsetpgrp(STDIN, Pid::this());
    }
}

/// Whether somebody else has the foreground of the terminal on standard input, and a shell waits
/// for us that may give it to us.
pub(crate) fn is_in_background() -> bool {
    tcgetpgrp(STDIN).is_ok_and(|holder| holder != getpgrp()) && process::has_shell()
}

/// Whether there is a terminal that controls us (`tty(4)`).
fn has_controlling_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}
