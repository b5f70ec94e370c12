//! What happened, taken in and told to the core, each as an event.

use std::time::Duration;

use super::{Ready, Supervisor, now};
use crate::act::terminal::Terminal;
use crate::decide::event::{Event, Halt};
use crate::decide::exit::{Exit, Signal};
use crate::decide::lifecycle::{Finality, Intent};
use crate::sense::tree::cpu;
use crate::sys::children::{self, Status};
use crate::sys::poll::{self, Readiness};
use crate::sys::process;
use crate::sys::signals::Batch;

impl Supervisor {
    /// Notes whether a signal asks for an end.
    pub(super) fn note_intent(&mut self, signal: Signal) {
        self.asked = match self.lifecycle.intent(signal) {
            Intent::End => Finality::ForGood,
            // Nobody is left who could take it for something else.
            Intent::Interrupt | Intent::HangUp if self.end.is_some() => Finality::ForGood,
            Intent::Interrupt => match self.asked {
                Finality::ForGood => Finality::ForGood,
                Finality::No | Finality::Until(_) => Finality::Until(now() + self.stop_timeout),
            },
            Intent::HangUp | Intent::Nothing | Intent::Suspend | Intent::Wake | Intent::Recycle => {
                self.asked
            }
        };
    }

    /// Tells whether a child may have ended.
    pub(super) fn take_signals(&mut self) -> bool {
        self.take_known_end();
        let mut children = false;
        let mut batch = Batch::new();
        while let Some(received) = batch.next(&self.signals) {
            let waited = self.waited.take(received.number);
            match Signal::from_number(received.number) {
                Some(Signal::CHLD) => children = true,
                Some(_) if received.timer => self.feed(Event::Ran),
                // Nothing else has the kernel send it to us.
                Some(Signal::IO) if received.by_kernel => {
                    self.traffic.rang();
                    self.take_sprung();
                }
                Some(signal) if received.by_kernel => {
                    self.note_intent(signal);
                    self.take_terminals(signal, waited);
                }
                Some(signal) if !received.own => {
                    self.note_intent(signal);
                    let shared = self.redirect(signal);
                    self.feed(Event::Signalled { signal, shared });
                }
                Some(_) | None => {}
            }
        }
        children
    }

    /// The kernel sends these for a terminal, to its foreground group: that is ours, then. One that
    /// waited when COMMAND was about to be started had come before COMMAND was there.
    fn take_terminals(&mut self, signal: Signal, waited: bool) {
        let stops = matches!(signal, Signal::TSTP | Signal::TTIN | Signal::TTOU);
        if stops && !process::has_shell() {
            // Nobody could wake us: the kernel has let it stop nobody else, either (orphaned
            // process groups, setpgid(2)).
            return;
        }
        // Of a hangup it tells the leader of the session, and nobody else.
        let hung_up = matches!(signal, Signal::HUP | Signal::CONT) && process::leads_session();
        let both = match self.trees.command() {
            Some(command) => process::shares_our_group(command) && !waited,
            None => true,
        };
        let both = both && !hung_up;
        let shared = both || self.redirect(signal);
        self.feed(Event::Signalled { signal, shared });
    }

    /// A shell's `fg` of what runs may give us the foreground without a word, and so may an outer
    /// `recycle`. What is typed then, or sent to us as a job, is meant for COMMAND's group, which
    /// gets it, and the foreground, if we have that.
    pub(super) fn redirect(&self, signal: Signal) -> bool {
        let typed = [Signal::INT, Signal::QUIT, Signal::TSTP, Signal::WINCH];
        let (Some(command), Some(terminal)) = (self.trees.command(), &self.terminal) else {
            return false;
        };
        let missed = terminal.is_ours() && !terminal.is_held_by(command);
        if !(typed.contains(&signal) && missed && process::leads_group(command)) {
            return false;
        }
        terminal.give(command);
        process::signal_group(command, signal.number()).is_ok()
    }

    pub(super) fn take_ends(&mut self, children: bool, others: bool) {
        let mut reaped = false;
        // What keepers have used is not COMMAND's.
        let used_by_all =
            |us: &Self| (us.hooks.any_lives() || us.interrupts.is_awaited()).then(cpu::of_reaped);
        let mut used = used_by_all(self);
        let may_be_some = std::mem::take(&mut self.unreaped) || children;
        for (number, child) in (1..).zip(may_be_some.then(children::changed).into_iter().flatten())
        {
            self.unreaped = number == children::MOST;
            let is_command = self.trees.command() == Some(child.pid);
            let exit = match child.status {
                Status::Exited(status) => Exit::Status(status),
                Status::Killed(signal) => Exit::Killed(named(signal)),
                Status::Stopped(signal) => {
                    // A stop of one that wants to be traced by us is not job control's.
                    if children::let_go(child.pid, signal).is_err() && is_command {
                        self.take_stop(named(signal));
                    }
                    continue;
                }
            };
            reaped = true;
            self.trees.reaped(child.pid);
            if is_command {
                if !self.holds_end(exit) {
                    self.take_end(exit);
                }
            } else if !self.take_watcher(child.pid, exit, used) {
                self.take_keeper(child.pid, exit, used);
            }
            used = used_by_all(self);
        }
        if (reaped || others) && self.sweep.is_some() {
            self.sweep_on();
            self.handle_events();
        }
    }

    fn take_stop(&mut self, signal: Signal) {
        let ours = self.terminal.as_ref().filter(|terminal| terminal.is_ours());
        let leads = self.trees.command().is_some_and(process::leads_group);
        let foreground = ours.is_some_and(Terminal::has_foreground) && leads;
        // Where COMMAND shares our group, there is a terminal that controls us.
        let controlled = ours.is_some() || !self.program.has_own_group();
        let shell = controlled && process::has_shell();
        let halt = Halt { signal, terminal: ours.is_some(), foreground, shell };
        self.feed(Event::Stopped(halt));
    }

    pub(super) fn take_end(&mut self, exit: Exit) {
        if let Exit::Killed(signal @ (Signal::INT | Signal::QUIT)) = exit
            && self.program.has_foreground()
            && self.stop_signal != signal
        {
            // What a shell takes it for.
            self.take_deadly(signal);
        }
        self.take_last_input();
        self.feed(Event::Exited(exit));
    }

    /// The end of input that COMMAND may have ended of, before we could hear of it.
    fn take_last_input(&mut self) {
        if self.lines.is_some() {
            self.take_last_lines();
        } else {
            self.take_known_end();
        }
    }

    /// COMMAND may have come to the end of its input before we could hear of it: no wish is taken
    /// for more before that is known.
    fn take_known_end(&mut self) {
        self.note_known_end();
        self.handle_events();
    }

    /// The same, to be told before what was seen of a COMMAND that may have ended its reading.
    pub(super) fn note_known_end(&mut self) {
        if self.lines.is_some() {
            self.note_lines();
        } else {
            self.look_for_input_end();
        }
    }

    fn look_for_input_end(&mut self) {
        let Some(input) = self.traffic.stdin.until_ended() else { return };
        let mut ready = Vec::new();
        poll::wait(&[(input, Readiness::Ended)], Some(Duration::ZERO), &mut ready);
        if ready == [true] {
            self.note_input_end();
        }
    }

    pub(super) fn take_input(&mut self, ready: Ready) {
        if ready.tripwire {
            self.take_sprung();
        }
        if ready.input_ended {
            self.note_input_end();
            self.handle_events();
        }
    }

    fn note_input_end(&mut self) {
        let had_carried = self.traffic.stdin.ended();
        // What has come before it comes first.
        if self.has_bytes_to_wake_for() {
            self.events.push_back(Event::InputWaits);
        }
        self.events.push_back(Event::InputEnded);
        // Of lines it is known better what is left.
        if had_carried && self.lines.is_none() {
            self.events.push_back(Event::InputSpent);
        }
    }

    fn take_sprung(&mut self) {
        self.hold_back();
        if let Some(traffic) = self.traffic.sprung(now, self.trees.members()) {
            self.feed(Event::Moved(traffic));
        }
    }

    pub(super) fn take_deadline(&mut self) {
        if self.lifecycle.deadline().is_some_and(|deadline| now() >= deadline) {
            self.feed(Event::Due);
        }
    }
}

/// The signal with this number, which the kernel named.
fn named(number: i32) -> Signal {
    Signal::from_number(number).unwrap_or(Signal::KILL)
}
