//! `--stdin lines`: standard input is read here and handed over line by line, through a pipe that
//! each generation has for itself.

mod gauge;
pub(crate) mod lines;
mod outlet;
mod source;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::errno::Errno;

use self::gauge::Gauge;
use self::lines::Lines;
use self::outlet::Outlet;
use self::source::Source;
use super::terminal;
use crate::sys::files::{self, STDIN};
use crate::sys::poll::Readiness;

/// Both ends of what we hand over.
#[derive(Debug)]
pub(crate) struct Feed {
    lines: Lines,
    source: Source,
    outlet: Outlet,
    gauge: Gauge,
    /// Nobody will want what is still to be read.
    given_up: bool,
}

/// What came of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Usual,
    /// The terminal belongs to somebody else now (`EIO`, `tty_ioctl(4)`).
    Background,
}

/// So often, without a look at anything else, bytes are read and handed over.
const ROUNDS: u32 = 32;

impl Feed {
    /// To be made when nothing has been read. Lines longer than this many bytes are passed in
    /// pieces.
    ///
    /// # Errors
    /// There is no memory for lines so long.
    pub(crate) fn new(longest: usize) -> io::Result<Self> {
        Ok(Self {
            lines: Lines::new(longest)?,
            source: Source::find(),
            outlet: Outlet::None,
            gauge: Gauge::Unused,
            given_up: false,
        })
    }

    /// A pipe for a new generation: the end that COMMAND reads from.
    ///
    /// # Errors
    /// No descriptors, or no memory for pipes left (`pipe(2)`).
    pub(crate) fn open(&mut self) -> nix::Result<OwnedFd> {
        let (outlet, reader) = Outlet::open()?;
        self.outlet = outlet;
        self.gauge.turn_off();
        self.close_if_through();
        Ok(reader)
    }

    /// Standard input, if there is something to be read from it.
    pub(crate) fn input(&self) -> Option<BorrowedFd<'static>> {
        (self.reads_on() && self.lines.has_room()).then_some(STDIN)
    }

    fn reads_on(&self) -> bool {
        !self.given_up && self.lines.wants_more()
    }

    /// Becomes readable when COMMAND reads on, if that is waited for.
    pub(crate) fn gauge(&self) -> Option<BorrowedFd<'_>> {
        self.gauge.as_fd().filter(|_| self.reads_on() && !self.lines.has_room())
    }

    /// COMMAND's pipe, and what is waited for there: room, or that nobody reads any more.
    pub(crate) fn output(&self) -> Option<(BorrowedFd<'_>, Readiness)> {
        let awaited = if self.has_lines() { Readiness::Writable } else { Readiness::Ended };
        self.outlet.writer().map(|writer| (writer, awaited))
    }

    /// Hands over what can be handed over, and reads on, if there `is_input`.
    pub(crate) fn pump(&mut self, mut is_input: bool) -> Flow {
        for _ in 0..ROUNDS {
            self.write();
            self.make_room();
            if !is_input || self.input().is_none() {
                break;
            }
            match self.read() {
                Ok(0) => self.lines.end(),
                Ok(count) => self.lines.add(count),
                Err(Errno::EINTR) => {}
                Err(Errno::EIO) if terminal::is_in_background() => return Flow::Background,
                Err(Errno::EAGAIN) => break,
                // A terminal that hung up, a directory: nothing will ever come.
                Err(_) => self.lines.end(),
            }
            is_input &= self.source.does_not_wait();
        }
        self.write();
        Flow::Usual
    }

    /// What COMMAND has read need not be kept.
    fn make_room(&mut self) {
        if !self.reads_on() || !self.lines.is_tight() {
            return;
        }
        self.gauge.reset();
        self.forget_read();
        let Some(writer) = self.outlet.writer() else { return };
        if self.lines.has_room() || self.gauge.is_settled() {
            return;
        }
        if !self.gauge.turn_on(writer) {
            self.lines.grow();
        }
        // It may have read on before anybody watched.
        self.forget_read();
    }

    fn forget_read(&mut self) {
        if let Some(unread) = self.outlet.unread() {
            self.lines.note_unread(unread);
        }
    }

    fn read(&mut self) -> nix::Result<usize> {
        self.source.read(self.lines.room())
    }

    /// Until the pipe is full, or has got all.
    fn write(&mut self) {
        while self.has_lines() {
            let Some(writer) = self.outlet.writer() else { return };
            if files::unread(writer) == Some(0) {
                self.lines.note_empty();
            }
            match nix::unistd::write(writer, self.lines.next()) {
                Ok(count) => self.lines.hand(count),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                // Nobody reads any more.
                Err(_) => self.outlet.note_deaf(),
            }
        }
        self.close_if_through();
    }

    /// The end of COMMAND's input is the end of the pipe's other side.
    fn close_if_through(&mut self) {
        if self.lines.is_through() {
            self.outlet.close();
        }
    }

    /// Hands over no line more than the one that was begun, and then the end of input.
    pub(crate) fn cut(&mut self) {
        self.lines.cut();
        self.close_if_through();
    }

    /// Whether it is known where that is; for one that does not read, that is of no interest.
    pub(crate) fn is_cut(&self) -> bool {
        self.lines.is_cut() || self.lines.is_to_be_cut() && self.outlet.is_deaf()
    }

    /// How many lines COMMAND has taken in its last moments, so far.
    pub(crate) fn taken(&mut self) -> u64 {
        self.forget_read();
        self.lines.taken()
    }

    /// The generation is gone: what it has not taken waits for the next one. Tells how many lines
    /// it had taken in its last moments.
    pub(crate) fn take_back(&mut self) -> u64 {
        let unread = self.outlet.unread().unwrap_or(0);
        self.outlet = Outlet::None;
        self.lines.take_back(unread)
    }

    /// Whether a generation that starts now would find a line.
    pub(crate) fn has_lines(&self) -> bool {
        !self.lines.next().is_empty()
    }

    /// Whether something waits that COMMAND has not read.
    pub(crate) fn holds_back(&self) -> bool {
        self.has_lines() || self.outlet.unread().is_some_and(|unread| unread > 0)
    }

    /// Whether a line has come that is too long, which is told once.
    pub(crate) fn was_too_long(&mut self) -> bool {
        self.lines.was_too_long()
    }

    /// Whether the end of standard input has come.
    pub(crate) fn has_ended(&self) -> bool {
        self.lines.has_ended()
    }

    /// Whether it has, and nothing is left for another generation.
    pub(crate) fn is_spent(&self) -> bool {
        self.lines.has_ended() && self.lines.is_spent(self.outlet.unread().unwrap_or(0))
    }

    /// Finds out whether anybody reads from COMMAND's pipe.
    pub(crate) fn listen(&mut self) {
        self.outlet.listen();
    }

    /// Whether COMMAND lives on and has closed its input.
    pub(crate) fn is_deaf(&self) -> bool {
        self.outlet.is_deaf()
    }

    /// Nobody will want what is still to come: whoever writes it must not wait for ever.
    pub(crate) fn give_up(&mut self) {
        if !std::mem::replace(&mut self.given_up, true) {
            self.source = Source::Shared;
            files::let_go_of_input();
        }
    }
}
