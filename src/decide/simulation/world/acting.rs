//! What becomes of the core's actions.

use std::time::Duration;

use super::{Coming, Happening, World};
use crate::action::{Action, Force};
use crate::event::{Event, Look, Memory, MemoryLook, Observation, Sight, Tree, Unseen};
use crate::exit::{Exit, Failure, Signal, Stage};
use crate::simulation::book::Seen;
use crate::simulation::command::{Command, Left};
use crate::simulation::input::Reader;
use crate::simulation::talk::{BLUR, Voice};
use crate::traffic::Way;

/// COMMAND has become another user for a while, and refuses a signal.
const REFUSED_ONCE_IN: u64 = 30;

impl World {
    pub(super) fn act(&mut self, action: Action) -> Result<(), &'static str> {
        match action {
            Action::Start { generation, .. } => return self.start(generation),
            Action::Pass(signal) => return self.signal(signal),
            Action::Prepare(preparation) => {
                let timeout = self.rules.pre_stop.unwrap_or_default();
                let longest = u64::try_from(timeout.as_millis() * 2).unwrap();
                let after = self.random.millis(0, longest);
                let generation = preparation.generation;
                self.plan_tell(after, Event::Prepared { generation });
            }
            Action::Wake => return self.signal(Signal::CONT),
            Action::CutInput => return self.cut_input(),
            Action::Sweep(force) => self.sweep(force),
            Action::Look(look) => self.look(look),
            Action::PassToRest(_)
            | Action::Check
            | Action::Suspend(_)
            | Action::Tell(_)
            | Action::TellLeft
            | Action::WatchInterrupts
            | Action::Quit(_) => {}
        }
        Ok(())
    }

    fn start(&mut self, generation: u64) -> Result<(), &'static str> {
        self.sweeping = false;
        let after = self.random.micros(4_000);
        let missing = self.obstacle();
        if self.random.once_in(self.habits.start_fails_once_in) || missing.is_some() {
            let stage = self.random.pick(&[Stage::Fork, Stage::Exec]);
            let errno = self.random.pick(&[2, 11]);
            self.command = None;
            let failure = missing.unwrap_or(Failure { stage, errno });
            self.plan_gone(after, Event::StartFailed(failure));
            return Ok(());
        }
        (self.generation, self.start_told) = (generation, self.now + after);
        self.command = Some(Command::new(&mut self.random, self.habits, self.now));
        self.plan_tell(after, Event::Started);
        if !self.habits.nap.is_zero() {
            self.plan(self.habits.nap, Coming::Happen(Happening::Wake));
        }
        self.input.open = self.input.lines;
        self.reader = self.input.lines.then(|| Reader::new(&mut self.random));
        self.take_input()
    }

    /// Somebody deploys: COMMAND cannot be started for a while. The answer comes before all else.
    pub(super) fn check(&mut self) -> Result<(), &'static str> {
        if self.obstacle().is_none() && self.random.once_in(self.habits.deploys_once_in) {
            self.missing_until = self.now + self.random.millis(1, 10_000);
        }
        let obstacle = self.obstacle();
        if obstacle.is_some() {
            // What is due is looked at again after a pause.
            let longest = Duration::from_secs(1).max(self.rules.backoff.min);
            self.clear_since = self.missing_until + longest;
        }
        self.tell(Event::Checked(obstacle), None)
    }

    fn obstacle(&self) -> Option<Failure> {
        let missing = Failure { stage: Stage::Exec, errno: 2 };
        (self.now < self.missing_until).then_some(missing)
    }

    fn signal(&mut self, signal: Signal) -> Result<(), &'static str> {
        let Some(command) = self.command.as_mut().filter(|command| command.alive) else {
            return Ok(());
        };
        // CONT may be sent to anybody of the same session (kill(2)).
        let refuses = command.left == Left::Defiant || self.random.once_in(REFUSED_ONCE_IN);
        if refuses && signal != Signal::CONT {
            self.plan_tell(Duration::ZERO, Event::Undelivered(signal));
            return Ok(());
        }
        if signal == Signal::CONT && command.stopped {
            command.stopped = false;
            self.clear_since = self.now;
        }
        if command.stops_at(signal) {
            (command.stopped, self.clear_since) = (true, self.now);
            let after = self.random.micros(500);
            self.plan(after, Coming::Happen(Happening::TellOfStop(signal)));
        } else if command.dies_of(signal) {
            let within = command.obeys_within;
            let after = self.random.millis(0, within);
            self.plan(after, Coming::Happen(Happening::End(Exit::Killed(signal))));
        }
        if signal == Signal::CONT { self.take_input() } else { Ok(()) }
    }

    fn sweep(&mut self, force: Force) {
        self.sweeping = true;
        let Some(command) = &self.command else { return };
        let (alive, left) = (command.alive, command.left);
        match (left, force) {
            (Left::Nothing, _) | (Left::Stubborn | Left::Undying, Force::Ask) => {}
            (Left::Gentle, _) | (Left::Stubborn, Force::Kill) => {
                let after = self.random.millis(0, 50);
                self.plan(after, Coming::Happen(Happening::LeftoversEnd));
            }
            (Left::Undying, Force::Kill) => {
                let after = self.random.millis(9_000, 75_000);
                self.plan(after, Coming::Happen(Happening::LeftoversEnd));
            }
            (Left::Defiant, _) => {
                if !alive {
                    self.plan_tell(Duration::ZERO, Event::TreeDefied);
                }
            }
        }
        if alive && force == Force::Kill {
            let after = self.random.millis(0, 10);
            self.plan(after, Coming::Happen(Happening::End(Exit::Killed(Signal::KILL))));
        }
        self.check_gone();
    }

    fn look(&mut self, look: Look) {
        let blind = self.random.once_in(self.habits.blind_once_in);
        if blind {
            (self.clear_since, self.was_blind) = (self.now, true);
        }
        let (now, walked) = (self.now, look.walk && look.memory.is_some() && !blind);
        let asleep = walked && self.command.as_mut().is_some_and(|command| command.sleeps(now));
        let command = self.command.as_ref();
        let seen = command.map(|command| self.truth(command));
        let memory = command.map(|command| {
            let paged = look.memory >= Some(MemoryLook::PagesInTime) && !self.habits.hides_pages;
            let whole = command.memory(self.now, look.settled_by.unwrap_or(self.now));
            Memory { pss: whole.pss.filter(|_| paged), ..whole }
        });
        let tree = command.map(|command| {
            let stopped = command.alive && command.stopped;
            Tree { cpu: command.cpu(self.now), stopped, processes: 1, asleep }
        });
        if self.input.holds_back() {
            // What waits between us and COMMAND is unread.
            self.talk.says(self.now, Voice::Mute(Way::Inbound), 1);
        }
        // One that fails may have read the tripwires before: what they knew is lost.
        let asked = look.traffic.filter(|_| !blind || self.random.once_in(2));
        let traffic = asked.map(|widely| self.talk.look(self.now, widely)).filter(|_| !blind);
        self.talk.looking += 1;
        let unseen = Unseen { what: Sight::Processes, errno: 13 };
        let observation = Observation {
            generation: self.generation,
            look,
            memory: memory.filter(|_| look.memory.is_some() && !blind),
            traffic,
            tree: tree.filter(|_| look.walk && !blind),
            unseen: if blind { vec![unseen] } else { Vec::new() },
            cost: Duration::from_micros(self.random.pick(&[10, 20, 300])),
        };
        let after = self.random.micros(1_500);
        self.plan(after, Coming::Tell(Event::Observed(observation), seen));
    }

    /// What is true right now.
    fn truth(&self, command: &Command) -> Seen {
        let idle = self.rules.idle;
        let window = idle.map(|idle| idle.after / 10 * 8).unwrap_or_default();
        let worked = command.cpu(self.now).saturating_sub(command.cpu(self.now.before(window)));
        let whole = idle.map(|idle| idle.after).unwrap_or_default();
        let late = if self.was_blind { whole } else { whole / 50 + BLUR };
        Seen { traffic: self.talk.last(), armed: self.talk.armed(late), worked }
    }
}
