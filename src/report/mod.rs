//! What `recycle` says, and how loudly. Lines go to stderr, one write each; a stderr that is
//! closed, full or broken loses them and disturbs nothing. stdout belongs to COMMAND.

mod text;

use std::fmt::Display;

use crate::decide::event::{Sight, Unseen};
use crate::decide::notice::Notice;
use crate::sys::files;

/// `-q`, `-v`, or neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loudness {
    /// Errors only.
    Quiet,
    #[default]
    Normal,
    /// Also explain each decision.
    Verbose,
}

/// The voice.
#[derive(Debug)]
pub(crate) struct Reporter {
    loudness: Loudness,
    /// COMMAND as it was typed, for lines about it.
    command: String,
    /// What has been said to be unseen: each is said once.
    unseen: Vec<Sight>,
    /// The same for the storm, which comes and goes.
    limit_too_low: bool,
    kill_limit_too_low: bool,
}

impl Reporter {
    pub(crate) fn new(loudness: Loudness, command: &str) -> Self {
        let command = command.escape_default().to_string();
        Self {
            loudness,
            command,
            unseen: Vec::new(),
            limit_too_low: false,
            kill_limit_too_low: false,
        }
    }

    /// Tells people about something, if they want to hear it.
    pub(crate) fn tell(&mut self, notice: &Notice) {
        if self.loudness < text::level(notice) || self.said_before(notice) {
            return;
        }
        say(&text::Line { notice, command: &self.command });
    }

    fn said_before(&mut self, notice: &Notice) -> bool {
        match notice {
            Notice::CannotSee(unseen) => {
                let said = self.unseen.contains(&unseen.what);
                if !said {
                    self.unseen.push(unseen.what);
                }
                said
            }
            Notice::KillLimitTooLow { .. } => std::mem::replace(&mut self.kill_limit_too_low, true),
            Notice::LimitTooLow { .. } => std::mem::replace(&mut self.limit_too_low, true),
            _ => false,
        }
    }
}

/// Why nothing can be seen of what counts as traffic.
pub(crate) fn blindness(why: Unseen) -> impl Display {
    text::Blindness(why)
}

/// Says one line, with our name in front. Whatever it holds, it stays one line.
pub(crate) fn say(line: &dyn Display) {
    let text = format!("recycle: {line}\n");
    files::write_without_waiting(files::STDERR, text.as_bytes());
}
