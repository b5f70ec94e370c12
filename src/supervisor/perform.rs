//! What the core asked for, done: every action has its line here, and what comes of it is an event.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::{Supervisor, now};
use crate::act::leave;
use crate::act::stop::{self, Passed, Scope, Sweep};
use crate::act::terminal::Modes;
use crate::decide::action::{Action, Force};
use crate::decide::delivery::Unsent;
use crate::decide::event::{Event, Look, Observation, TrafficLook, Tree};
use crate::decide::exit::{End, Failure, Signal, Stage};
use crate::decide::notice::Notice;
use crate::decide::reason::Cause;
use crate::decide::traffic::Traffic;
use crate::sense::{startable, tree};
use crate::sys::signals::{self, Batch};
use crate::sys::{clock, process};

/// So long a tree that grows while it is swept is gone through again before anything else.
const SWEEPING: Duration = Duration::from_millis(50);

impl Supervisor {
    pub(super) fn perform(&mut self, action: Action) {
        match action {
            Action::Start { generation, cause } => self.start(generation, cause),
            Action::Check => self.check(),
            Action::CutInput => self.cut_input(),
            Action::WatchInterrupts => self.watch_interrupts(),
            Action::Prepare(preparation) => self.prepare(preparation),
            Action::Pass(signal) => {
                let sent = self.pass(signal);
                self.note_sent(signal, sent);
            }
            Action::PassToRest(signal) => {
                let sent = self.pass_to_rest(signal);
                self.note_sent(signal, sent);
            }
            Action::Wake => {
                let sent = self.wake();
                self.note_sent(Signal::CONT, sent);
            }
            Action::Sweep(force) => {
                // A big tree needs every descriptor that we can spare.
                self.traffic.ended(now());
                self.memory.forget();
                self.slumber.forget();
                self.trees.forget();
                if force == Force::Kill {
                    self.dismiss_watcher();
                }
                self.sweep.get_or_insert_with(|| Sweep::new(force)).escalate(force);
                self.sweep_on();
            }
            Action::Look(look) => {
                let seen = self.look(look);
                self.note_known_end();
                self.events.push_back(Event::Observed(seen));
            }
            Action::Suspend(signal) => {
                if let Some(terminal) = &self.terminal {
                    terminal.take_back(self.trees.group());
                }
                if leave::suspend(signal) {
                    let shared = self.redirect(Signal::CONT);
                    self.events.push_back(Event::Signalled { signal: Signal::CONT, shared });
                }
            }
            Action::Tell(notice) => self.tell(&notice.corrected_by(&self.unsent)),
            Action::TellLeft => self.tell_left(),
            Action::Quit(end) => {
                // What a COMMAND that went well did to the terminal is what it is for: stty(1).
                let modes = if end == End::SUCCESS { Modes::Left } else { Modes::Restored };
                self.reclaim_terminal(modes);
                self.end_watcher();
                self.leave_nobody_stopped();
                self.end = Some(end);
                self.will_leave();
            }
        }
    }

    fn start(&mut self, generation: u64, cause: Option<Cause>) {
        self.sweep = None;
        self.end_watcher();
        self.give_up_preparing();
        if generation > 1 {
            self.reclaim_terminal(Modes::Restored);
        }
        match self.spawn(generation, cause) {
            Ok((pid, waits)) => {
                self.generation = generation;
                let group = self.program.has_own_group().then_some(pid);
                self.trees.began(generation, pid, group);
                self.slumber.forget();
                self.events.push_back(Event::Started);
                self.events.extend(waits.map(Event::Moved));
            }
            Err(failure) => {
                self.traffic.ended(now());
                self.take_back_lines();
                self.reclaim_terminal(Modes::Restored);
                self.events.push_back(Event::StartFailed(failure));
            }
        }
    }

    fn tell_left(&mut self) {
        if !self.walk() {
            return;
        }
        let left = self.trees.members().iter().filter(|process| !process.is_zombie());
        let names: Vec<_> = left.filter_map(|process| tree::name(process.id.pid)).collect();
        if let Some(program) = names.first().cloned() {
            self.tell(&Notice::LeftBehind { processes: names.len(), program });
        }
    }

    /// The answer comes before all that waits: what is due is due now.
    fn check(&mut self) {
        let (candidates, directory) = (self.program.candidates(), self.program.directory());
        let obstacle = startable::obstacle(candidates, directory.later());
        self.events.push_front(Event::Checked(obstacle));
    }

    /// Tells of input that waits for the new process.
    fn spawn(
        &mut self,
        generation: u64,
        cause: Option<Cause>,
    ) -> Result<(Pid, Option<Traffic>), Failure> {
        let no_pipe = |errno| Failure { stage: Stage::Fork, errno: errno as i32 };
        let input = self.open_input().map_err(no_pipe)?;
        self.hold_back();
        let mut waits = None;
        // What comes to our group from here on COMMAND's process gets as well, but for the moment
        // in which the kernel makes it.
        let watch = || {
            waits = self.traffic.began(now());
            self.waited = signals::waiting();
        };
        let input = input.as_ref().map(AsFd::as_fd);
        let pid = self.program.spawn(generation, cause, input, watch);
        // While we waited for COMMAND's `execve`, SIGCHLD may have been read.
        self.unreaped = true;
        Ok((pid?, waits))
    }

    /// What was not sent is not reported as sent: neither by what is told of this step, nor of the
    /// stop that begins with it.
    fn note_sent(&mut self, signal: Signal, sent: nix::Result<()>) {
        let Err(errno) = sent else { return };
        let unsent = Unsent { signal, errno: errno as i32 };
        self.unsent.push(unsent);
        if unsent.is_refused() {
            self.events.push_front(Event::Undelivered(signal));
        }
    }

    fn pass(&mut self, signal: Signal) -> nix::Result<()> {
        let command = self.trees.command().ok_or(Errno::ESRCH)?;
        if signal == Signal::KILL {
            self.dismiss_watcher();
        }
        let own_group = self.program.has_own_group();
        // What cannot be seen now is not what it was at the last walk.
        let seen = self.scope == Scope::Group && !own_group && self.walk();
        let members = if seen { self.trees.members().to_vec() } else { Vec::new() };
        let is_still = |id| self.trees.is_still(id);
        stop::pass(command, signal, self.scope, own_group, &members, is_still)
    }

    /// COMMAND was reaped: its number is nobody's. Where the tree cannot be seen its group is all
    /// that is known of.
    fn pass_to_rest(&mut self, signal: Signal) -> nix::Result<()> {
        if self.walk() {
            let members = self.trees.members().to_vec();
            return stop::pass_to_all(&members, signal, |id| self.trees.is_still(id));
        }
        let group = self.trees.group().ok_or(Errno::ESRCH)?;
        process::signal_group(group, signal.number())
    }

    /// What a terminal stopped is the whole group.
    fn wake(&mut self) -> nix::Result<()> {
        let Some(terminal) = self.terminal.as_ref().filter(|terminal| terminal.is_ours()) else {
            return self.pass(Signal::CONT);
        };
        // It may have a group of its own although we gave it none, or have left the one we gave.
        match self.trees.command().filter(|command| process::leads_group(*command)) {
            Some(command) => {
                terminal.give(command);
                process::signal_group(command, Signal::CONT.number())
            }
            None => self.pass(Signal::CONT),
        }
    }

    /// After COMMAND's end: what it had of the terminal is ours again.
    pub(super) fn reclaim_terminal(&self, modes: Modes) {
        if let Some(terminal) = &self.terminal {
            terminal.reclaim(self.trees.group(), modes);
        }
    }

    /// Walks the tree; that it cannot be seen is said.
    fn walk(&mut self) -> bool {
        let walked = self.trees.walk().map(drop);
        if let Err(unseen) = walked {
            self.tell(&Notice::CannotSee(unseen));
        }
        walked.is_ok()
    }

    /// One pass over a tree that is to go.
    pub(super) fn sweep_on(&mut self) {
        if self.trees.command().is_none() {
            self.reclaim_terminal(Modes::Restored);
        }
        // Not for ever: signals and ends must be heard, too.
        let until = now() + SWEEPING;
        let mut passed = self.pass_over();
        while passed == Passed::Grown && now() < until {
            passed = self.pass_over();
        }
        if passed == Passed::Defied {
            self.events.push_back(Event::TreeDefied);
        }
        // Not before COMMAND itself was reaped: its end is an event of its own.
        let awaited = self.trees.command().is_some() || self.interrupts.is_awaited();
        if !awaited && !self.trees.has_roots() {
            self.sweep = None;
            self.take_back_lines();
            self.events.push_back(Event::TreeGone);
        }
    }

    /// Before the end: nobody comes to kill later what was stopped to be killed.
    fn leave_nobody_stopped(&mut self) {
        if let Some(sweep) = self.sweep.as_mut().filter(|sweep| sweep.has_frozen()) {
            sweep.escalate(Force::Kill);
            self.pass_over();
        }
    }

    fn pass_over(&mut self) -> Passed {
        let seen = self.walk();
        let Some(sweep) = &mut self.sweep else { return Passed::Empty };
        if !seen {
            sweep.pass_blindly(self.trees.command(), self.trees.group());
            return Passed::Known;
        }
        let members = self.trees.members().to_vec();
        sweep.pass(&members, &self.trees.groups(), |id| self.trees.is_still(id))
    }

    /// Listeners that rang while we did not want to be woken.
    fn take_io(&mut self) {
        let mut batch = Batch::new();
        while let Some(received) = batch.next_io(&self.signals) {
            if received.by_kernel {
                self.traffic.rang();
            } else if !received.own {
                let signal = Signal::IO;
                self.events.push_back(Event::Signalled { signal, shared: false });
            }
        }
    }

    fn look(&mut self, look: Look) -> Observation {
        let began = clock::cpu_used();
        let now = now();
        let mut unseen = Vec::new();
        let tree = match look.walk.then(|| self.trees.walk()) {
            Some(Ok(members)) => {
                self.memory.walked(now, members);
                let asleep = look.memory.is_some() && self.slumber.look(members);
                Some(Tree {
                    asleep,
                    cpu: self.trees.cpu(),
                    stopped: self.trees.command_is_stopped(),
                    processes: self.trees.members().len(),
                })
            }
            Some(Err(reason)) => {
                unseen.push(reason);
                None
            }
            None => None,
        };
        if look.traffic.is_some() {
            self.disown_datagrams();
            self.hold_back();
            self.take_io();
        }
        let members = self.trees.members();
        let settled_by = look.settled_by.unwrap_or(now);
        let command = self.trees.command();
        // Of processes that could not be found nothing is known: that is not zero.
        let sees = tree.is_some() || !look.walk;
        let memory = look.memory.filter(|_| sees).and_then(|closely| {
            self.memory.look(closely, settled_by, command, members, &mut unseen)
        });
        // Nor of the sockets that they have.
        let mut traffic = look
            .traffic
            .filter(|_| sees)
            .and_then(|widely| self.traffic.look(super::now, widely, members, &mut unseen));
        if look.traffic >= Some(TrafficLook::Changed)
            && let Some(traffic) = &mut traffic
        {
            self.take_io();
            self.traffic.look_again(super::now, self.trees.members(), traffic);
        }
        let cost = clock::cpu_used().saturating_sub(began);
        Observation { generation: self.generation, look, memory, traffic, tree, unseen, cost }
    }
}
