//! The book of what was read from standard input: which bytes COMMAND may be handed, which it has
//! taken, and what the next generation gets. No byte is moved here but in memory.
//!
//! ```text
//!   0        start         handed          whole          end
//!   | gone     | handed over  | whole lines  | a part of a  | room for
//!   |          | and not known| that wait    | line         | more
//!   |          | to be taken  |              |              |
//! ```
//!
//! `start` is where the first line begins that COMMAND may not have read whole: from there the next
//! generation reads on.

mod room;

use std::io;

use memchr::{memchr, memchr_iter, memrchr};

use crate::sys::area::Area;

/// So much is read at a time: what a pipe holds (`pipe(7)`).
const CHUNK: usize = 1 << 16;
/// The longest packet of a pipe that has packets (`PIPE_BUF`).
const PACKET: usize = 1 << 12;
/// The memory that is kept where lines are short.
const USUAL: usize = 4 * CHUNK;

/// What lies between standard input and COMMAND.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Longer lines are passed in pieces.
    longest: usize,
    /// So much of the memory may be used.
    most: usize,
    /// So much has been, and was not given back.
    touched: usize,
    bytes: Area,
    start: usize,
    handed: usize,
    whole: usize,
    end: usize,
    /// What lies at `start` is no line's beginning: that was let go of, the line being too long.
    headless: bool,
    /// So much has come of the line that is still to end.
    arrived: usize,
    /// A line that is too long has come.
    too_long: bool,
    ended: bool,
    cut: Cut,
    /// Lines that this generation has taken since its pipe was last found empty.
    taken: u64,
}

/// Where a generation's input is to end before ours does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cut {
    #[default]
    No,
    /// Where the line ends that is handed over in pieces.
    AtLineEnd,
    At(usize),
}

impl Lines {
    /// Nothing has been read yet. Lines of more bytes than `longest`, their end not counted, are
    /// not waited for.
    ///
    /// # Errors
    /// Those of `Area`: so much memory is out of the question.
    pub(crate) fn new(longest: usize) -> io::Result<Self> {
        // A pipe, a line, and what is read at a time, which may be too long by as much.
        let most = longest.saturating_add(3 * CHUNK).max(USUAL);
        Ok(Self {
            longest,
            most,
            touched: 0,
            bytes: Area::new(most.saturating_add(longest))?,
            start: 0,
            handed: 0,
            whole: 0,
            end: 0,
            headless: false,
            arrived: 0,
            too_long: false,
            ended: false,
            cut: Cut::No,
            taken: 0,
        })
    }

    /// Whether more is to be read: nothing is, while whole lines wait, so that whoever writes is
    /// held back.
    pub(crate) fn wants_more(&self) -> bool {
        !self.ended && self.handed == self.whole
    }

    /// So many bytes were read into the room.
    pub(crate) fn add(&mut self, count: usize) {
        let from = self.end;
        self.end = (from + count).min(self.bytes.len());
        self.touched = self.touched.max(self.end);
        let came = &self.bytes[from..self.end];
        match (memchr(b'\n', came), memrchr(b'\n', came)) {
            (Some(first), Some(last)) => {
                self.too_long |= self.arrived + first > self.longest;
                // Most are not: a longer line than this cannot be among them.
                if came.len() > self.longest {
                    self.too_long |= longest_between(&came[first..=last]) > self.longest;
                }
                self.whole = from + last + 1;
                self.arrived = self.end - self.whole;
            }
            _ => self.arrived += came.len(),
        }
        if self.arrived > self.longest {
            self.too_long = true;
            self.whole = self.end;
        }
        self.find_cut();
    }

    /// Nothing more will come.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.whole = self.end;
        self.find_cut();
    }

    /// Whether a line has come that is too long, which is told once.
    pub(crate) fn was_too_long(&mut self) -> bool {
        std::mem::take(&mut self.too_long)
    }

    /// What can be handed over now.
    pub(crate) fn next(&self) -> &[u8] {
        let until = match self.cut {
            Cut::At(place) => place.min(self.whole),
            Cut::No | Cut::AtLineEnd => self.whole,
        };
        self.bytes.get(self.handed..until).unwrap_or_default()
    }

    /// So many bytes of that were handed over.
    pub(crate) fn hand(&mut self, count: usize) {
        self.handed = (self.handed + count).min(self.whole);
    }

    /// Whether the generation's input is to be closed: it has had all.
    pub(crate) fn is_through(&self) -> bool {
        match self.cut {
            Cut::At(place) => self.handed == place,
            Cut::No | Cut::AtLineEnd => self.ended && self.handed == self.end,
        }
    }

    /// Hands over no line more than the one that was begun.
    pub(crate) fn cut(&mut self) {
        self.cut = if self.is_inside() { Cut::AtLineEnd } else { Cut::At(self.handed) };
        self.find_cut();
    }

    pub(crate) fn is_to_be_cut(&self) -> bool {
        self.cut != Cut::No
    }

    /// Whether it is known where that line ends.
    pub(crate) fn is_cut(&self) -> bool {
        matches!(self.cut, Cut::At(_))
    }

    fn find_cut(&mut self) {
        if self.cut != Cut::AtLineEnd {
            return;
        }
        match memchr(b'\n', &self.bytes[self.handed..self.whole]) {
            Some(place) => self.cut = Cut::At(self.handed + place + 1),
            None if self.ended => self.cut = Cut::At(self.end),
            None => {}
        }
    }

    /// Whether the line that is handed over has been begun and not ended.
    fn is_inside(&self) -> bool {
        match self.bytes[self.start..self.handed].last() {
            Some(last) => *last != b'\n',
            None => self.headless,
        }
    }

    /// Of what was handed over, so many bytes are unread: the lines before need not be kept.
    pub(crate) fn note_unread(&mut self, unread: usize) {
        let lines = memchr_iter(b'\n', &self.bytes[self.start..self.taken_until(unread)]).count();
        self.taken += u64::try_from(lines).unwrap_or(u64::MAX);
        self.forget(unread);
    }

    /// COMMAND had read all when more was handed over: what it took before, it has had time for.
    pub(crate) fn note_empty(&mut self) {
        self.forget(0);
        self.taken = 0;
    }

    /// How far COMMAND has read.
    fn taken_until(&self, unread: usize) -> usize {
        self.handed.saturating_sub(unread).max(self.start)
    }

    fn forget(&mut self, unread: usize) {
        let taken = self.taken_until(unread);
        if let Some(last) = memrchr(b'\n', &self.bytes[self.start..taken]) {
            self.start += last + 1;
            self.headless = false;
        }
        // The last line ends where the input does.
        if self.ended && taken == self.end && (self.headless || self.start < taken) {
            self.taken += 1;
            (self.start, self.headless) = (taken, false);
        }
        // Of a line that is too long nobody keeps more than that.
        if taken - self.start > self.longest || self.headless {
            self.headless |= taken > self.start;
            self.start = taken;
        }
    }

    /// How many lines this generation has taken in its last moments, as far as was noted.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// The generation is gone, and has left so many bytes unread: the next one gets them, from the
    /// start of their first line. Tells how many lines it had taken in its last moments.
    pub(crate) fn take_back(&mut self, unread: usize) -> u64 {
        self.note_unread(unread);
        (self.handed, self.cut) = (self.start, Cut::No);
        std::mem::take(&mut self.taken)
    }

    /// Whether nothing is left for another generation, so many bytes of what was handed over being
    /// unread.
    pub(crate) fn is_spent(&self, unread: usize) -> bool {
        self.ended && self.handed == self.end && unread == 0
    }

    /// Whether the end has come.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }
}

/// The most bytes between two line ends in a row, the first of which is first.
fn longest_between(lines: &[u8]) -> usize {
    let ends = || memchr_iter(b'\n', lines);
    ends().zip(ends().skip(1)).map(|(before, end)| end - before - 1).max().unwrap_or(0)
}

#[cfg(any(test, feature = "fuzzing"))]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a fuzz target fails by panicking")]
pub(crate) mod model;
#[cfg(test)]
mod tests;
