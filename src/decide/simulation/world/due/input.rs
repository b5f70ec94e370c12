//! What is due with standard input: a drain has its end, and so has what outlives its input.

use super::{Checked, World, law};
use crate::simulation::book::Life;

impl World {
    /// Nothing lives: what is to start does when it is time, and not for nothing.
    pub(super) fn check_absence(&self) -> Checked {
        let book = &self.book;
        if book.asleep {
            let wakes = self.core.deadline().is_none() && self.core.awaits_input();
            return law(wakes, "nothing of ours wakes while input is waited for");
        }
        let over = book.input_over(&self.rules).filter(|_| book.ran > 0);
        let late = over.is_some_and(|over| self.now > over);
        law(!late, "nothing is waited for after the end of input and its time")?;
        let due = book.start_due.is_some_and(|due| self.now <= due);
        law(due, "the next generation starts when it is time")
    }

    /// What is decided on is prepared and drained in time.
    pub(super) fn check_preparing(&self) -> Checked {
        let Some(ending) = self.book.ending else { return Ok(()) };
        let Some((drain, lines)) = ending.drain.zip(self.rules.lines) else {
            let until = ending.began + self.rules.pre_stop.unwrap_or_default();
            return law(self.now <= until, "what is prepared begins in time");
        };
        let until = drain.cut.map(|cut| cut + lines.drain_timeout);
        law(until.is_none_or(|until| self.now <= until), "what does not drain is stopped in time")
    }

    /// With `--eof-timeout` no COMMAND lives long after the end of input, unless it is to go
    /// anyway.
    pub(super) fn check_outliving(&self) -> Checked {
        let book = &self.book;
        let free = book.ending.is_none() || book.is_preparing();
        let lives = book.life == Life::Running && free && !book.leaving;
        let late = book.input_over(&self.rules).is_some_and(|over| self.now > over);
        law(!(lives && late) || book.outstays.is_some(), "what outlives its input is stopped")
    }
}
