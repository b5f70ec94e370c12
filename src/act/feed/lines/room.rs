//! Where what is read next goes, and how little memory that takes.

use super::{CHUNK, Cut, Lines, PACKET, USUAL};

impl Lines {
    /// Whether bytes must be moved before more is read: better to know first what need not be kept.
    pub(crate) fn is_tight(&self) -> bool {
        // Where lines are short, little memory is used again and again.
        let short = self.end - self.start + CHUNK <= USUAL;
        self.end + CHUNK > if short { USUAL } else { self.most }
    }

    /// Whether there is memory for it. If not, the line that COMMAND is reading and the one that is
    /// coming are too much together: when COMMAND has read on, there is.
    pub(crate) fn has_room(&self) -> bool {
        self.end - self.start + CHUNK <= self.most
    }

    /// Nobody can tell when COMMAND reads on: memory may hold both.
    pub(crate) fn grow(&mut self) {
        self.most = self.bytes.len();
    }

    /// Room for what is read next; at least one byte, if there `has_room`.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            self.move_to(0);
            if self.touched > USUAL {
                self.bytes.give_back(USUAL);
                self.touched = USUAL;
            }
        } else if self.is_tight() {
            self.bytes.copy_within(self.start..self.end, 0);
            self.move_to(0);
        }
        // What is whole then fits into an empty pipe: a rest of a few bytes would be a write, and
        // somebody's wake-up, of its own.
        let part = self.end - self.whole;
        // But a packet must fit, or its rest is lost (O_DIRECT, pipe(2)).
        let most = if part + PACKET <= CHUNK { CHUNK - part } else { CHUNK };
        self.bytes.get_mut(self.end..self.end + most).unwrap_or_default()
    }

    /// What was at `start` is now there.
    fn move_to(&mut self, start: usize) {
        let shift = |place: usize| place - self.start + start;
        (self.handed, self.whole, self.end) =
            (shift(self.handed), shift(self.whole), shift(self.end));
        if let Cut::At(place) = self.cut {
            self.cut = Cut::At(shift(place));
        }
        self.start = start;
    }
}
