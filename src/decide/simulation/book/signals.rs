//! What signals mean, as the contract understands it.

use super::{Book, Follow, Life};
use crate::event::Halt;
use crate::exit::{End, Signal};
use crate::notice::Opening;
use crate::rules::{Mapped, Rules};

impl Book {
    /// COMMAND did not get this one.
    pub(super) fn was_refused(&mut self, signal: Signal) {
        if let Some(ending) = &mut self.ending
            && ending.opening == Some(Opening::Asked(signal))
        {
            ending.opening = Some(Opening::Refused(signal));
        }
    }

    pub(super) fn signalled(&mut self, signal: Signal, shared: bool, rules: &Rules) {
        if rules.map.of(signal) == Mapped::Recycle && self.command_lives() {
            self.asked = self.asked.or(Some(self.now));
        }
        let Mapped::Pass(_) = rules.map.of(signal) else { return };
        let until = Some(self.now + rules.stop_timeout);
        // A planned stop, or what comes between generations, has nothing to wait for.
        let mid_life = self.command_lives()
            && (self.ending.is_none() || self.is_preparing())
            && self.outstays.is_none();
        match signal {
            Signal::TERM => {
                (self.terminated, self.leaving) = (true, true);
                self.interrupt = None;
                if self.is_preparing() {
                    self.ending = None;
                }
            }
            Signal::INT | Signal::QUIT => {
                if !self.leaving {
                    self.interrupt = Some(signal);
                }
                self.leaving |= !mid_life;
                (self.interrupted, self.held_until) = (true, until);
            }
            Signal::HUP if mid_life => (self.hung_up_until, self.held_until) = (until, until),
            Signal::HUP if self.command_lives() => self.hung_up_until = until,
            Signal::CONT => {
                self.effort.woken(self.now);
                self.stop_passed = None;
            }
            Signal::TSTP | Signal::TTIN | Signal::TTOU if self.command_lives() => {
                self.stop_passed = Some(signal);
            }
            Signal::TSTP | Signal::TTIN | Signal::TTOU if shared => {
                self.follow = Follow::Suspend(signal);
            }
            _ => {}
        }
        if self.leaving && !self.command_lives() {
            self.follow = self.left_by(signal, rules);
        }
    }

    /// Between generations an end comes at once; what has been left behind is waited for.
    fn left_by(&mut self, signal: Signal, rules: &Rules) -> Follow {
        match self.left {
            Some(_) => self.follow,
            None if self.life == Life::Ended && signal == Signal::TERM => {
                self.last = End::Signal(signal);
                self.leave_soon(rules);
                Follow::Nothing
            }
            None => Follow::Quit,
        }
    }

    /// We stop with a COMMAND that we have passed the stop, and where a shell takes over, but for
    /// the time of a planned stop; where none does, Ctrl-Z is undone. Who wants the foreground is
    /// given it, if we have it.
    pub(super) fn after_stop(&mut self, halt: Halt) -> Follow {
        let Halt { signal, terminal, foreground, shell } = halt;
        let ending = (self.ending.is_some() || self.outstays.is_some()) && !self.leaving;
        let wants = matches!(signal, Signal::TTIN | Signal::TTOU);
        let passed = self.stop_passed == Some(signal);
        let meant = terminal || signal != Signal::STOP || self.stop_passed == Some(Signal::TSTP);
        // One that we have stopped ourselves, in order to kill it, is nobody's business.
        if !self.command_lives() || self.killed.is_some() {
            return Follow::Nothing;
        }
        if wants && foreground {
            Follow::Wake
        } else if passed || shell && meant && !ending {
            self.stop_passed = None;
            Follow::Suspend(signal)
        } else if signal == Signal::TSTP && terminal {
            Follow::Wake
        } else {
            Follow::Nothing
        }
    }
}
