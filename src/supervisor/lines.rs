//! `--stdin lines`, and `--then wait`: what standard input brings, and what COMMAND leaves of it.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::{Ready, Supervisor};
use crate::act::feed::{Feed, Flow};
use crate::act::terminal;
use crate::decide::event::Event;
use crate::decide::notice::Notice;
use crate::sys::files;
use crate::sys::poll::{self, Readiness};
use crate::units::Bytes;

/// So often is input looked for that ended with COMMAND.
const LAST_READS: u32 = 4;

/// The feed, and what has been told of it.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) feed: Feed,
    longest: Bytes,
    told: Told,
}

/// What is told once.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// Of this generation.
    cut: bool,
    ended: bool,
    spent: bool,
}

impl Lines {
    /// # Errors
    /// There is no memory for lines so long.
    pub(super) fn new(longest: Bytes) -> io::Result<Self> {
        let feed = Feed::new(usize::try_from(longest.0).unwrap_or(usize::MAX))?;
        Ok(Self { feed, longest, told: Told::default() })
    }
}

impl Supervisor {
    /// Reads and hands over what there is.
    pub(super) fn take_lines(&mut self, ready: Ready) {
        let Some(Lines { feed, longest, .. }) = &mut self.lines else {
            return self.take_waiting(ready);
        };
        let mut flow = Flow::Usual;
        if ready.input || ready.output || ready.gauge {
            flow = feed.pump(ready.input);
        }
        if ready.deaf {
            feed.listen();
        }
        if feed.is_deaf() && !self.lifecycle.may_want_input() {
            feed.give_up();
        }
        if feed.was_too_long() {
            let longest = *longest;
            self.tell(&Notice::LongLine { longest });
        }
        if flow == Flow::Background {
            // The kernel would have stopped COMMAND, and so us.
            self.feed(Event::InBackground);
        }
        self.note_lines();
        self.handle_events();
    }

    /// What has changed between standard input and COMMAND is to be told.
    pub(super) fn note_lines(&mut self) {
        let Some(Lines { feed, told, .. }) = &mut self.lines else { return };
        if feed.is_cut() && !std::mem::replace(&mut told.cut, true) {
            self.events.push_back(Event::InputCut);
        }
        if feed.has_ended() && !std::mem::replace(&mut told.ended, true) {
            self.events.push_back(Event::InputEnded);
        }
        if !told.spent && feed.is_spent() {
            told.spent = true;
            self.events.push_back(Event::InputSpent);
        }
    }

    /// The next thing to tell the core.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front().or_else(|| self.awaited())
    }

    /// Where only input can go on: what is known of it, and will not be told by itself.
    fn awaited(&self) -> Option<Event> {
        if !self.lifecycle.awaits_input() {
            return None;
        }
        match &self.lines {
            Some(lines) => lines.feed.has_lines().then_some(Event::InputWaits),
            None if !self.traffic.stdin.has_ended() => None,
            None if holds_bytes() => Some(Event::InputWaits),
            None => Some(Event::InputEnded),
        }
    }

    /// `--then wait`, where COMMAND reads by itself: is there something to read, or only the end?
    fn take_waiting(&mut self, ready: Ready) {
        if !ready.input || !self.lifecycle.awaits_input() {
            return;
        }
        if terminal::is_in_background() {
            // It is typed for somebody else; a COMMAND that read it would be stopped.
            self.feed(Event::InBackground);
        } else if !ready.input_ended {
            self.feed(Event::InputWaits);
        }
    }

    /// The same, where it has ended: then only bytes are something to read.
    pub(super) fn has_bytes_to_wake_for(&self) -> bool {
        self.lines.is_none() && self.lifecycle.awaits_input() && holds_bytes()
    }

    /// COMMAND's own process has ended: what it may have ended of is told first, and what it had
    /// taken by then.
    pub(super) fn take_last_lines(&mut self) {
        // Not for ever: what it left behind may read on.
        for _ in 0..LAST_READS {
            if !self.has_input_now() {
                break;
            }
            self.take_lines(Ready { input: true, ..Ready::default() });
        }
        if let Some(Lines { feed, .. }) = &mut self.lines {
            let lines = feed.taken();
            self.feed(Event::LinesTaken { lines });
        }
    }

    fn has_input_now(&self) -> bool {
        let Some(input) = self.lines.as_ref().and_then(|lines| lines.feed.input()) else {
            return false;
        };
        let mut ready = Vec::new();
        poll::wait(&[(input, Readiness::Readable)], Some(Duration::ZERO), &mut ready);
        ready == [true]
    }

    pub(super) fn cut_input(&mut self) {
        if let Some(Lines { feed, .. }) = &mut self.lines {
            feed.cut();
        }
        self.note_lines();
    }

    /// COMMAND's input, for a new generation; `None`: ours.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub(super) fn open_input(&mut self) -> nix::Result<Option<OwnedFd>> {
        self.lines.as_mut().map(|lines| lines.feed.open()).transpose()
    }

    /// The tree is gone: what it has not taken is the next generation's.
    pub(super) fn take_back_lines(&mut self) {
        let Some(Lines { feed, told, .. }) = &mut self.lines else { return };
        let lines = feed.take_back();
        told.cut = false;
        self.events.push_back(Event::LinesTaken { lines });
        self.note_lines();
    }

    /// Before traffic is looked at: lines that wait are unread.
    pub(super) fn hold_back(&mut self) {
        if let Some(lines) = &self.lines {
            self.traffic.stdin.hold_back(lines.feed.holds_back());
        }
    }
}

/// Whether bytes wait on our own standard input. What hung up cannot be asked, and has none.
fn holds_bytes() -> bool {
    files::unread(files::STDIN).is_some_and(|count| count > 0)
}
