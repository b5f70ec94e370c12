//! What becomes of the core's actions.

use std::time::Duration;

use super::{Coming, Happening, World};
use crate::decide::event::{
    Action, Event, Force, Look, Memory, MemoryLook, Observation, Sight, Traffic, Tree, Unseen,
};
use crate::decide::exit::{Exit, Failure, Signal, Stage};
use crate::decide::simulation::{laws::is_deadly, scenario};
use crate::decide::time::Time;
use crate::units::Bytes;

impl World {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Start { generation, .. } => self.start(generation),
            Action::Pass(signal) => self.signal(signal),
            Action::Sweep(force) => self.sweep(force),
            Action::Look(look) => self.look(look),
            Action::Suspend | Action::Tell(_) | Action::Quit(_) => {}
        }
    }

    fn start(&mut self, generation: u64) {
        self.sweeping = false;
        self.stopped_at_look = false;
        if self.random.once_in(if generation == 1 { 40 } else { 8 }) {
            let stage = self.random.pick(&[Stage::Fork, Stage::Exec]);
            let after = self.soon(2);
            self.command = None;
            return self.plan(after, Coming::Tell(Event::StartFailed(Failure { stage, errno: 2 })));
        }
        self.generation = generation;
        self.command = Some(scenario::command(&mut self.random));
        let after = self.soon(2);
        self.plan(after, Coming::Tell(Event::Started));
    }

    fn signal(&mut self, signal: Signal) {
        let Some(command) = self.command.as_mut().filter(|command| command.alive) else { return };
        if signal == Signal::CONT {
            command.stopped = false;
        }
        let dies = is_deadly(signal) && (!command.ignores_signals || signal == Signal::KILL);
        if dies {
            let after = self.soon(200);
            self.plan(after, Coming::Happen(Happening::Crash(Exit::Killed(signal))));
        }
    }

    fn sweep(&mut self, force: Force) {
        self.sweeping = true;
        let Some(command) = &self.command else { return };
        let (alive, stubborn, defiant) = (command.alive, command.stubborn, command.defiant);
        let slow = command.uninterruptible;
        if command.leaves_behind && defiant && force == Force::Kill {
            self.plan(Duration::ZERO, Coming::Tell(Event::TreeDefied));
        } else if !stubborn || force == Force::Kill {
            let after = if slow { Duration::from_secs(15) } else { self.soon(50) };
            self.plan(after, Coming::Happen(Happening::LeftoversEnd));
        }
        if alive && force == Force::Kill {
            let after = self.soon(10);
            self.plan(after, Coming::Happen(Happening::Crash(Exit::Killed(Signal::KILL))));
        }
    }

    fn look(&mut self, look: Look) {
        let blind = self.random.once_in(40);
        let unseen = Unseen { what: Sight::Processes, errno: 13 };
        self.looked = self.now;
        if blind {
            self.disturbed = self.now;
        }
        let stopped = self.command.as_ref().is_some_and(|command| command.stopped);
        if look.walk && !blind {
            self.stopped_at_look = stopped;
        }
        let rss = Bytes(self.rss());
        let paged = look.memory == Some(MemoryLook::Pages);
        let cpu = self.now.since(self.started) / 50;
        let fresh = |at: &Time| *at >= self.started;
        let seen = Observation {
            generation: self.generation,
            look,
            memory: look.memory.filter(|_| !blind).map(|_| Memory {
                rss,
                settled: rss,
                pss: paged.then_some(Bytes(rss.0 / 10 * 6)),
            }),
            traffic: look.traffic.filter(|_| !blind).map(|_| Traffic {
                inbound: self.inbound.filter(fresh),
                outbound: self.outbound.filter(fresh),
                imprecise: false,
            }),
            tree: (look.walk && !blind).then_some(Tree { cpu, stopped }),
            unseen: if blind { vec![unseen] } else { Vec::new() },
            cost: Duration::from_micros(20),
        };
        let after = self.soon(1);
        self.plan(after, Coming::Tell(Event::Observed(seen)));
    }
}
