//! What happens by itself.

use std::time::Duration;

use super::{Coming, Happening, World};
use crate::event::{Event, Halt};
use crate::exit::Signal;
use crate::simulation::command::{Command, Left, Stops};

impl World {
    pub(super) fn happen(&mut self, happening: Happening) -> Result<(), &'static str> {
        match happening {
            Happening::Signal(signal) => {
                if signal == Signal::CONT {
                    // It may have been stopped: the core cannot know.
                    self.clear_since = self.now;
                }
                let shared = self.random.once_in(6);
                return self.tell(Event::Signalled { signal, shared }, None);
            }
            Happening::InputEnd => {
                return self.input_ends();
            }
            Happening::Lines(count) => return self.lines_come(count),
            Happening::LongLine(millis) => {
                if self.input.begin_long_line() {
                    let after = Duration::from_millis(millis);
                    self.plan(after, Coming::Happen(Happening::LineEnd));
                }
                return Ok(());
            }
            Happening::LineEnd => return self.line_ends(),
            Happening::Read => return self.read(),
            Happening::LeftoversEnd => self.leftovers_end(),
            _ => {}
        }
        let now = self.now;
        let Some(command) = self.command.as_mut().filter(|command| command.alive) else {
            return Ok(());
        };
        match happening {
            Happening::Talk(voice, bytes) if !command.stopped => {
                self.talk.says(now, voice, bytes);
                return self.spring();
            }
            Happening::End(exit) => {
                command.alive = false;
                let at = self.start_told.max(now + self.random.micros(2_000));
                let after = at.since(now);
                self.plan(after, Coming::Tell(Event::Exited(exit), None));
            }
            Happening::Stop(signal) => {
                (command.stopped, self.clear_since) = (true, now);
                return self.tell_of_stop(signal);
            }
            Happening::TellOfStop(signal) if command.stopped => return self.tell_of_stop(signal),
            Happening::Continue => {
                (command.stopped, self.clear_since) = (false, now);
                return self.take_input();
            }
            Happening::Free => command.frees(now),
            Happening::Fork(millis) => command.forks(now, Duration::from_millis(millis)),
            Happening::Compute(millis) => command.computes(now, Duration::from_millis(millis)),
            Happening::Wake => {}
            Happening::Talk(..)
            | Happening::Lines(_)
            | Happening::LongLine(_)
            | Happening::LineEnd
            | Happening::TellOfStop(_)
            | Happening::InputEnd
            | Happening::Read
            | Happening::LeftoversEnd
            | Happening::Signal(_) => {}
        }
        self.has_run();
        Ok(())
    }

    fn tell_of_stop(&mut self, signal: Signal) -> Result<(), &'static str> {
        let Stops { terminal, shell, .. } = self.habits.stops;
        let foreground = terminal && self.random.once_in(3);
        self.tell(Event::Stopped(Halt { signal, terminal, foreground, shell }), None)
    }

    /// A timer tells at the next tick.
    fn has_run(&mut self) {
        if self.command.as_mut().is_some_and(Command::wakes) {
            let after = self.random.micros(10_000);
            self.plan_tell(after, Event::Ran);
        }
    }

    fn leftovers_end(&mut self) {
        if let Some(command) = self.command.as_mut().filter(|command| !command.alive) {
            command.left = Left::Nothing;
        }
        self.check_gone();
    }

    /// A sweep has come to its end when nothing is left.
    pub(super) fn check_gone(&mut self) {
        if self.sweeping && !self.command.as_ref().is_some_and(Command::is_there) {
            self.sweeping = false;
            self.command = None;
            self.plan_gone(Duration::ZERO, Event::TreeGone);
        }
    }
}
