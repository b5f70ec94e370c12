//! What the core was told of standard input, and what must follow.

use super::{Book, Follow, Life};
use crate::exit::Exit;
use crate::rules::Rules;
use crate::time::Time;

impl Book {
    pub(super) fn input_has_ended(&mut self, rules: &Rules) {
        self.input_ended = self.input_ended.or(Some(self.now));
        if self.asleep && rules.lines.is_none() {
            self.follow = Follow::QuitAs(self.last);
        }
    }

    pub(super) fn input_was_spent(&mut self, rules: &Rules) {
        self.input_spent = true;
        // What has not begun yet never does.
        if self.is_preparing() {
            self.ending = None;
        }
        if self.life == Life::Absent && self.ran > 0 && rules.lines.is_some() {
            self.follow = Follow::QuitAs(self.last);
        }
    }

    pub(super) fn input_was_cut(&mut self) {
        let now = self.now;
        if let Some(drain) = self.ending.as_mut().and_then(|ending| ending.drain.as_mut()) {
            drain.cut = drain.cut.or(Some(now));
        }
    }

    /// A time has come. Nothing is started any more when that after the end of input is over.
    pub(super) fn rang(&mut self, rules: &Rules) {
        if self.left.flatten().is_some_and(|until| self.now >= until) {
            self.follow = Follow::QuitAs(self.last);
            self.owes_lines = matches!(self.exit, Some(Exit::Killed(_))) && self.taken > 0;
        }
        let waits = self.life == Life::Absent && self.ran > 0 && !self.asleep;
        if waits && self.outlives_input(rules) {
            self.follow = Follow::QuitAs(self.last);
        }
    }

    /// When the time after the end of input is over.
    pub(crate) fn input_over(&self, rules: &Rules) -> Option<Time> {
        Some(self.input_ended? + rules.eof_timeout?)
    }

    pub(crate) fn outlives_input(&self, rules: &Rules) -> bool {
        self.input_over(rules).is_some_and(|over| self.now >= over)
    }

    /// Whether another generation would start for nothing.
    pub(crate) fn has_no_input_left(&self, rules: &Rules) -> bool {
        rules.lines.is_some() && self.input_spent || self.outlives_input(rules)
    }

    /// So many lines the generation had taken, whose tree is gone, or which is about to end.
    pub(super) fn lines_were_taken(&mut self, lines: u64) {
        self.taken = lines;
        let badly = match self.exit {
            // A status may be all that it had to say.
            Some(Exit::Status(_)) if self.left.is_some() => false,
            exit => exit != Some(Exit::Status(0)),
        };
        let badly = badly || self.killed.is_some();
        self.owes_lines = self.life == Life::Ended && badly && lines > 0;
    }
}
