//! What `recycle` says, and how loudly. Lines go to stderr, one write each; a stderr that is
//! closed, full or broken loses them and disturbs nothing. stdout belongs to COMMAND.

mod machine;
pub(crate) mod metrics;
mod observed;
mod record;
mod sights;
mod text;

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

use self::machine::Line;
use self::record::Record;
use crate::decide::event::{Sight, Unseen};
pub(crate) use crate::decide::notice::Loudness;
use crate::decide::notice::{Entry, Notice};
use crate::sys::{clock, files};
use crate::units::Bytes;

/// `--log-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Logfmt,
}

/// What is asked for of what we say.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) loudness: Loudness,
    pub(crate) format: Format,
    /// `--name`, or COMMAND's file name.
    pub(crate) name: String,
    /// Whether samples are to be heard of, and not only for `--metrics`.
    pub(crate) samples: bool,
    /// Those in force, by the names of their options: every sample bears them.
    pub(crate) limits: Vec<(&'static str, Bytes)>,
}

/// More of COMMAND's name tells nobody more.
const LONGEST_NAME: usize = 255;

/// The voice.
#[derive(Debug)]
pub(crate) struct Reporter {
    style: Style,
    /// COMMAND as it was typed, for lines about it.
    command: String,
    /// What has been said to be unseen: each is said once.
    unseen: Vec<Sight>,
    /// Events that people are told once, and were told.
    said: Vec<&'static str>,
    /// What the last look had found, if nothing was said since.
    found: Option<String>,
}

impl Reporter {
    pub(crate) fn new(style: Style, command: &str) -> Self {
        Self {
            style,
            command: command.chars().take(LONGEST_NAME).flat_map(char::escape_default).collect(),
            unseen: Vec::new(),
            said: Vec::new(),
            found: None,
        }
    }

    /// Whether people have been told this before, and need not hear it again.
    pub(crate) fn is_old(&mut self, notice: &Notice) -> bool {
        if let Notice::Looked { memory, traffic, .. } = notice {
            // Only who explains each look finds that out.
            let found = (self.style.loudness == Loudness::Verbose)
                .then(|| text::Found(*memory, *traffic).to_string());
            return found.is_some() && std::mem::replace(&mut self.found, found.clone()) == found;
        }
        let old = self.was_said(notice);
        if !old && self.style.loudness >= notice.entry().loudness {
            self.found = None;
        }
        old
    }

    /// The same for what is said only once.
    fn was_said(&mut self, notice: &Notice) -> bool {
        match notice {
            Notice::CannotSee(unseen) => {
                let said = self.unseen.contains(&unseen.what);
                if !said {
                    self.unseen.push(unseen.what);
                }
                said
            }
            _ => {
                let Entry { event, once, .. } = notice.entry();
                let said = once && self.said.contains(&event);
                if once && !said {
                    self.said.push(event);
                }
                said
            }
        }
    }

    /// Tells people, or their machines, about something, if they want to hear it.
    pub(crate) fn tell(&self, notice: &Notice) {
        if self.style.loudness < notice.entry().loudness || self.is_for_others(notice) {
            return;
        }
        match self.style.format {
            Format::Text => {
                let words = text::Line { notice, command: &self.command }.to_string();
                words.lines().for_each(|line| say(&line));
            }
            Format::Json => write(self.line(notice).json()),
            Format::Logfmt => write(self.line(notice).logfmt()),
        }
    }

    /// Whether it is a sample that only `--metrics` asked for: to explain each look, it is said.
    fn is_for_others(&self, notice: &Notice) -> bool {
        let verbose = self.style.loudness == Loudness::Verbose;
        let sampled = match notice {
            Notice::Sampled { .. } => true,
            Notice::Observed(observed) => !observed.last,
            _ => false,
        };
        sampled && !self.style.samples && !verbose
    }

    /// The same for a command: an object of JSON, and variables for its environment. They have
    /// COMMAND's pid, if COMMAND runs and the notice is not about another generation.
    pub(crate) fn event(&self, notice: &Notice, running: Option<Running>) -> Event {
        let mut line = self.line(notice);
        let running = running.filter(|running| line.record.may_be_of(running.generation));
        line.record = line.record.with_some("pid", running.map(|running| running.pid));
        // What somebody is told of is none of the details.
        let line = Line { loudness: line.loudness.min(Loudness::Normal), ..line };
        Event { json: line.json() + "\n", variables: line.variables() }
    }

    fn line(&self, notice: &Notice) -> Line<'_> {
        let message = text::Line { notice, command: &self.command }.to_string();
        let message = message.replace('\n', "; ");
        Line {
            time: clock::since_1970(),
            name: &self.style.name,
            loudness: notice.entry().loudness,
            record: Record::of(notice, &self.style.limits),
            message,
        }
    }
}

/// COMMAND's process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running {
    pub(crate) generation: u64,
    pub(crate) pid: u64,
}

/// What a command is told.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) json: String,
    pub(crate) variables: Vec<(String, String)>,
}

/// The words that the C library has for an `errno(3)`.
pub(crate) fn error(errno: i32) -> String {
    sights::error(errno)
}

/// Why nothing can be seen of what counts as traffic.
pub(crate) fn blindness(why: Unseen) -> impl Display {
    sights::Blindness(why)
}

/// Says one line to people, with our name in front. Whatever it holds, it stays one line.
pub(crate) fn say(line: &dyn Display) {
    write(format!("recycle: {line}"));
}

/// The last line was cut off: the next one begins anew.
static IS_CUT: AtomicBool = AtomicBool::new(false);

fn write(mut line: String) {
    line.push('\n');
    if IS_CUT.load(Ordering::Relaxed) {
        line.insert(0, '\n');
    }
    let written = files::write_without_waiting(files::STDERR, line.as_bytes());
    if written > 0 {
        IS_CUT.store(written < line.len(), Ordering::Relaxed);
    }
}
