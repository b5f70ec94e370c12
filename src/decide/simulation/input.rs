//! Standard input as the world has it: what waits there, what COMMAND was handed of it and has not
//! read, and what of that the core was told.

use super::random::Random;
use crate::event::Event;

/// So many lines a pipe takes here: little, so that some have to wait.
const PIPE: u64 = 5;

/// Standard input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    /// It is handed over line by line; else COMMAND reads it by itself.
    pub(super) lines: bool,
    /// Lines, or bytes, that no generation has been handed.
    pub(super) waiting: u64,
    /// Lines in COMMAND's pipe.
    pub(super) unread: u64,
    /// Lines that COMMAND has read since its pipe was found empty when more came.
    taken: u64,
    /// A line that is too long is on its way, in pieces.
    pub(super) inside: bool,
    /// Something has ever come.
    pub(super) carried: bool,
    /// Its writer is gone.
    pub(super) over: bool,
    /// There is a pipe for a generation.
    pub(super) open: bool,
    /// It is closed, or is when the line that was begun has ended.
    cut: bool,
    told: Told,
    /// COMMAND is about to read.
    pub(super) reading: bool,
}

/// What was told.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// Of this generation.
    cut: bool,
    ended: bool,
    spent: bool,
}

impl Input {
    pub(super) fn new(lines: bool) -> Self {
        Self {
            lines,
            waiting: 0,
            unread: 0,
            taken: 0,
            inside: false,
            carried: false,
            over: false,
            open: false,
            cut: false,
            told: Told::default(),
            reading: false,
        }
    }

    /// What changed, and is to be told now; that nothing is left may be found out later.
    pub(super) fn news(&mut self, spent_too: bool) -> Vec<Event> {
        let mut news = Vec::new();
        let mut note = |is_so: bool, told: &mut bool, event: Event| {
            if is_so && !std::mem::replace(told, true) {
                news.push(event);
            }
        };
        let Told { cut, ended, spent } = &mut self.told;
        note(self.cut && !self.inside, cut, Event::InputCut);
        // Nobody reads on while whole lines wait.
        let seen = self.over && !(self.lines && self.waiting > 0);
        let found = seen && !*ended;
        note(seen, ended, Event::InputEnded);
        let nothing = match self.lines {
            // Who finds the end looks at once whether anything is left.
            true => (spent_too || found) && self.unread == 0,
            false => self.carried,
        };
        note(seen && nothing, spent, Event::InputSpent);
        news
    }

    /// Hands over as much as the pipe takes.
    pub(super) fn hand_over(&mut self) {
        if self.open && !self.cut {
            let count = self.waiting.min(PIPE.saturating_sub(self.unread));
            self.waiting -= count;
            self.hand(count);
        }
    }

    fn hand(&mut self, count: u64) {
        if count > 0 && self.unread == 0 {
            self.taken = 0;
        }
        self.unread += count;
    }

    /// A line begins that is too long, if nothing comes before it.
    pub(super) fn begin_long_line(&mut self) -> bool {
        let begins = self.open && !self.over && !self.inside && !self.cut && self.waiting == 0;
        self.inside |= begins;
        begins
    }

    /// It ends; so it does where the input does.
    pub(super) fn end_long_line(&mut self) {
        match std::mem::take(&mut self.inside) {
            true if self.open => self.hand(1),
            true => self.waiting += 1,
            false => {}
        }
    }

    /// A recycle closes COMMAND's input.
    pub(super) fn cut(&mut self) {
        self.cut = self.open;
    }

    /// COMMAND reads so many lines.
    pub(super) fn read(&mut self, count: u64) {
        self.unread -= count;
        self.taken += count;
    }

    /// How many lines COMMAND has taken in its last moments, if somebody counts them.
    pub(super) fn taken(&self) -> Option<u64> {
        self.lines.then_some(self.taken)
    }

    /// COMMAND has come to the end of its input.
    pub(super) fn is_through(&self) -> bool {
        let closed = self.cut || self.over && self.waiting == 0;
        self.open && closed && !self.inside && self.unread == 0
    }

    /// Something waits between us and COMMAND.
    pub(super) fn holds_back(&self) -> bool {
        self.lines && self.waiting + self.unread > 0
    }

    /// The tree is gone: tells how many lines it had taken in its last moments.
    pub(super) fn take_back(&mut self) -> u64 {
        self.waiting += std::mem::take(&mut self.unread);
        (self.open, self.cut, self.told.cut) = (false, false, false);
        std::mem::take(&mut self.taken)
    }
}

/// How COMMAND reads its lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    /// It takes up to so many milliseconds to read on.
    pub(super) within: u64,
    /// So many milliseconds after the end of its input it ends; `None`: it does not.
    pub(super) ends_after: Option<u64>,
    /// And how.
    pub(super) status: u8,
    /// It has seen the end.
    pub(super) ends: bool,
}

impl Reader {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            within: random.pick(&[1, 3, 200, 3_000, 60_000]),
            ends_after: random.pick(&[Some(0), Some(5), Some(300), Some(4_000), None]),
            status: random.pick(&[0, 0, 0, 1]),
            ends: false,
        }
    }
}
