//! How a generation ends, and what must follow, as the contract understands it.

use std::time::Duration;

use super::{Book, Ending, Follow, Life};
use crate::exit::{End, Exit, Failure, Signal};
use crate::reason::{Cause, Reason};
use crate::rules::{Restart, Rules, Then};

impl Book {
    pub(super) fn start_failed(&mut self, failure: Failure, rules: &Rules) {
        if let Some(reason) = self.ending.take().and_then(|ending| ending.planned) {
            self.cause = Some(reason.cause());
        }
        (self.life, self.last) = (Life::Absent, failure.into());
        let over = self.leaving || self.outstays.is_some() || self.ends_are_final();
        self.follow = match over || self.ran == 0 || self.has_no_input_left(rules) {
            true => Follow::Quit,
            false => {
                self.failed_starts += 1;
                let pause = self.restarts.pause_after_failed(self.failed_starts);
                self.start_due = Some(self.now + pause);
                Follow::Restart(pause)
            }
        };
    }

    pub(super) fn exited(&mut self, exit: Exit, rules: &Rules) {
        self.follow_end(exit, rules);
        let last = self.follow == Follow::Quit;
        self.owes_lines = last && matches!(exit, Exit::Killed(_)) && self.taken > 0;
    }

    fn follow_end(&mut self, exit: Exit, rules: &Rules) {
        (self.life, self.exit, self.last) = (Life::Ended, Some(exit), exit.into());
        if self.ending.is_none() {
            (self.early, self.early_kills) = (0, 0);
        }
        if self.leaving {
            self.last = self.interrupted_end(exit, rules);
            self.leave_soon(rules);
            return;
        }
        if self.ending.is_some() {
            // The end that INT asked for came while a stop began.
            if self.ends_are_final() && self.held_until.is_some_and(|until| self.now < until) {
                self.last = self.interrupted_end(exit, rules);
                self.follow = Follow::Quit;
            }
            return;
        }
        if self.outstays.is_some() {
            return;
        }
        let wanted = match rules.restart {
            Restart::Never => false,
            Restart::OnFailure => exit != Exit::Status(0),
            Restart::Always => true,
        };
        let wanted = wanted && !self.has_no_input_left(rules);
        self.follow = match self.ends_are_final() || !wanted {
            true => Follow::Quit,
            false => self.restart(self.age()),
        };
        self.ending = Some(Ending::new(self.now, None));
        self.cause = Some(Cause::Exit);
    }

    /// A COMMAND that dies of what it was sent for a stop ends all as Ctrl-C would have.
    fn interrupted_end(&self, exit: Exit, rules: &Rules) -> End {
        let sent = exit == Exit::Killed(rules.stop_signal)
            || self.killed.is_some() && exit == Exit::Killed(Signal::KILL);
        self.interrupt.filter(|_| sent).map_or(exit.into(), End::Signal)
    }

    /// What COMMAND has left behind is waited for: as PID 1 for good.
    pub(super) fn leave_soon(&mut self, rules: &Rules) {
        self.left = Some((!rules.is_init).then_some(self.now + rules.stop_timeout));
    }

    /// Nothing of the generation is left.
    pub(super) fn gone(&mut self, rules: &Rules) {
        self.life = Life::Absent;
        let unplanned = self.ending.is_some_and(|ending| ending.planned.is_none());
        if self.left.is_some()
            || self.outstays.is_some()
            || unplanned && self.has_no_input_left(rules)
        {
            self.follow = Follow::QuitAs(self.last);
        }
    }

    /// The same, and it was recycled.
    pub(super) fn recycled(&mut self, reason: Reason, rules: &Rules) {
        let killed = matches!(reason, Reason::KillRss { .. });
        if self.exit == Some(Exit::Killed(rules.stop_signal)) {
            // That is what it was asked for.
            self.last = End::SUCCESS;
        }
        self.follow = match rules.then {
            _ if killed && self.input_spent => Follow::QuitAs(End::Signal(Signal::KILL)),
            Then::Exit(status) => Follow::QuitAs(End::Status(status)),
            // Also where our stop signal ended it.
            Then::AsCommand => match self.exit {
                Some(exit) => Follow::QuitAs(exit.into()),
                None => Follow::Quit,
            },
            _ if self.has_no_input_left(rules) => Follow::QuitAs(self.last),
            Then::Restart | Then::Wait => Follow::Nothing,
        };
    }

    pub(crate) fn ends_are_final(&self) -> bool {
        self.interrupted || self.hung_up_until.is_some_and(|until| self.now <= until)
    }

    fn restart(&mut self, lasted: Duration) -> Follow {
        let Some(delay) = self.restarts.next(self.now, lasted) else { return Follow::Quit };
        self.start_due = Some(self.now + delay);
        Follow::Restart(delay)
    }
}
