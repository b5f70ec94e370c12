//! The process that hears a Ctrl-C beside a COMMAND that is being stopped: when it is there.

use std::time::Duration;

use nix::unistd::Pid;

use super::{Supervisor, now};
use crate::act::interrupt::{self, Watcher};
use crate::decide::event::Event;
use crate::decide::exit::{Exit, Signal};
use crate::decide::time::Time;
use crate::sense::tree::cpu;
use crate::sys::process;

/// A watcher that was dismissed and has not ended after this is killed: it may have been stopped.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Interrupts {
    watcher: Option<Watcher>,
    /// When it was dismissed.
    dismissed: Option<Time>,
    /// What was typed, and has been told to the core.
    told: Option<Signal>,
    /// How COMMAND has ended: a key came before that, and is told first.
    ended: Option<Exit>,
}

impl Interrupts {
    /// Whether the watcher has yet to end.
    pub(super) fn is_awaited(&self) -> bool {
        self.watcher.is_some()
    }

    /// When it is to end by force.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.dismissed.filter(|_| self.is_awaited()).map(|since| since + PATIENCE)
    }

    fn is(&self, pid: Pid) -> bool {
        self.watcher.as_ref().is_some_and(|watcher| watcher.pid() == pid)
    }
}

impl Supervisor {
    /// COMMAND is about to be stopped. Where it is not alone in the foreground the key reaches us.
    pub(super) fn watch_interrupts(&mut self) {
        self.interrupts.told = None;
        self.start_watcher();
    }

    fn start_watcher(&mut self) {
        let ours = self.terminal.as_ref().is_some_and(|terminal| terminal.is_ours());
        let group = self.trees.command().filter(|command| process::leads_group(*command));
        let Some(group) = group.filter(|_| ours && !self.interrupts.is_awaited()) else { return };
        // Without one a key may be lost: no reason not to stop.
        if let Ok(watcher) = Watcher::start(group, &self.signals) {
            self.trees.add_stranger(watcher.pid());
            self.interrupts.watcher = Some(watcher);
            self.interrupts.dismissed = None;
        }
    }

    /// COMMAND has ended, or its group is about to get KILL.
    pub(super) fn dismiss_watcher(&mut self) {
        let Some(watcher) = &self.interrupts.watcher else { return };
        if self.interrupts.dismissed.is_none() {
            if let Some(terminal) = &self.terminal {
                terminal.take_back(self.trees.group());
            }
            watcher.dismiss();
            self.interrupts.dismissed = Some(now());
        }
    }

    pub(super) fn hurry_watcher(&self) {
        let late = self.interrupts.deadline().is_some_and(|deadline| now() >= deadline);
        self.interrupts.watcher.iter().filter(|_| late).for_each(Watcher::kill);
    }

    /// COMMAND has ended; whether that is told when the watcher has ended, too.
    pub(super) fn holds_end(&mut self, exit: Exit) -> bool {
        if self.interrupts.is_awaited() {
            self.interrupts.ended = Some(exit);
            self.dismiss_watcher();
        }
        self.interrupts.is_awaited()
    }

    /// Another generation begins, or none will.
    pub(super) fn end_watcher(&mut self) {
        self.interrupts.ended = None;
        if let Some(watcher) = self.interrupts.watcher.take() {
            watcher.end();
            self.trees.reaped(watcher.pid());
        }
    }

    /// A child of ours has ended: whether it was the watcher. `used` is the CPU time of all
    /// children before.
    pub(super) fn take_watcher(&mut self, pid: Pid, end: Exit, used: Option<Duration>) -> bool {
        if !self.interrupts.is(pid) {
            return false;
        }
        self.interrupts.watcher = None;
        if let Some(used) = used {
            self.trees.discount(cpu::of_reaped().saturating_sub(used));
        }
        if let Some(signal) = interrupt::typed(end) {
            self.take_typed(signal);
            if self.interrupts.dismissed.is_none() {
                // COMMAND may handle this one, and be sent another.
                self.start_watcher();
            }
        }
        if let Some(exit) = self.interrupts.ended.take() {
            self.take_end(exit);
        }
        true
    }

    /// What COMMAND died of tells that it was typed, if nothing else has.
    pub(super) fn take_deadly(&mut self, signal: Signal) {
        if self.interrupts.told != Some(signal) {
            self.take_typed(signal);
        }
    }

    /// Somebody typed it, and COMMAND's group alone got it.
    fn take_typed(&mut self, signal: Signal) {
        self.interrupts.told = Some(signal);
        self.note_intent(signal);
        self.feed(Event::Signalled { signal, shared: true });
    }
}
