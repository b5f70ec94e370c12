//! The world around the core: COMMAND and what it may do, standard input, signals, and effects that
//! take their time, so that other things happen in between.

use std::collections::BTreeMap;
use std::time::Duration;

use super::laws::{Judge, Truth};
use super::random::Random;
use super::scenario;
use crate::decide::event::{Action, Event};
use crate::decide::exit::{Exit, Signal};
use crate::decide::lifecycle::Lifecycle;
use crate::decide::notice::Notice;
use crate::decide::rules::Rules;
use crate::decide::time::Time;

mod acting;
mod happening;

/// Something that is going to happen.
#[derive(Clone, Debug)]
enum Coming {
    Act(Action),
    Tell(Event),
    Happen(Happening),
}

/// What happens by itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happening {
    Inbound,
    Outbound,
    Input,
    InputEnd,
    Crash(Exit),
    Stop,
    Continue,
    /// A process that COMMAND left behind ends.
    LeftoversEnd,
    Signal(Signal),
}

/// COMMAND's process and its tree.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) ignores_signals: bool,
    pub(super) base_bytes: u64,
    pub(super) leak_per_second: u64,
    pub(super) leaves_behind: bool,
    /// What it leaves behind ignores TERM.
    pub(super) stubborn: bool,
    /// What it leaves behind refuses every signal.
    pub(super) defiant: bool,
    /// What it leaves behind outlives KILL for a while.
    pub(super) uninterruptible: bool,
    pub(super) stopped: bool,
    pub(super) alive: bool,
    pub(super) reaped: bool,
}

/// One trace.
pub(super) struct World {
    random: Random,
    rules: Rules,
    core: Lifecycle,
    judge: Judge,
    now: Time,
    coming: BTreeMap<(Time, u64), Coming>,
    sequence: u64,
    /// Actions are done in the order in which they were asked for.
    acted_until: Time,
    command: Option<Command>,
    generation: u64,
    started: Time,
    stopping: bool,
    sweeping: bool,
    inbound: Option<Time>,
    outbound: Option<Time>,
    looked: Time,
    stopped_at_look: bool,
    /// Signals, stops and blindness: what is due may be late from here.
    disturbed: Time,
    quiet_steps: u32,
    history: Vec<(Time, String)>,
}

const STEPS: usize = 400;

impl World {
    pub(super) fn new(random: Random) -> Self {
        Self::starting_at(random, 0)
    }

    pub(super) fn starting_at(mut random: Random, origin_ms: u64) -> Self {
        let now = Time::at(Duration::from_millis(origin_ms));
        let rules = scenario::rules(&mut random);
        let core = Lifecycle::new(rules.clone(), now, random.below(u64::MAX));
        let mut world = Self {
            random,
            rules,
            core,
            judge: Judge::default(),
            now,
            coming: BTreeMap::new(),
            sequence: 0,
            acted_until: now,
            command: None,
            generation: 0,
            started: now,
            stopping: false,
            sweeping: false,
            inbound: None,
            outbound: None,
            looked: now,
            stopped_at_look: false,
            disturbed: now,
            quiet_steps: 0,
            history: Vec::new(),
        };
        for (after, happening) in scenario::happenings(&mut world.random) {
            world.plan(after, Coming::Happen(happening));
        }
        world
    }

    /// Lives through the trace; the actions, as text without times.
    pub(super) fn run(mut self, seed: u64) -> Vec<String> {
        for _ in 0..STEPS {
            if let Err(law) = self.advance() {
                let lines: Vec<_> = self.history.iter().map(|line| format!("{line:?}")).collect();
                panic!("seed {seed}: {law}\n{:#?}\n{}", self.rules, lines.join("\n"));
            }
            if self.judge.has_quit() {
                break;
            }
        }
        self.history
            .into_iter()
            .map(|(_, line)| line)
            .filter(|line| !line.starts_with('<'))
            .collect()
    }

    fn plan(&mut self, after: Duration, coming: Coming) {
        self.sequence += 1;
        self.coming.insert((self.now + after, self.sequence), coming);
    }

    fn soon(&mut self, most_ms: u64) -> Duration {
        Duration::from_micros(self.random.below(most_ms * 1000 + 1))
    }

    fn advance(&mut self) -> Result<(), String> {
        let next = self.coming.keys().next().copied();
        let deadline = self.core.deadline();
        match (next, deadline) {
            (Some((at, _)), deadline) if deadline.is_none_or(|deadline| at <= deadline) => {
                self.now = self.now.max(at);
                let (_, coming) = self.coming.pop_first().unwrap();
                match coming {
                    Coming::Act(action) => self.act(action),
                    Coming::Tell(event) => return self.tell(event),
                    Coming::Happen(happening) => return self.happen(happening),
                }
                Ok(())
            }
            (_, Some(deadline)) => {
                self.quiet_steps = if deadline > self.now { 0 } else { self.quiet_steps + 1 };
                self.now = self.now.max(deadline);
                if self.quiet_steps > 20 {
                    return Err("progress: a due timer does something".into());
                }
                self.check_liveness()?;
                self.tell(Event::Due)
            }
            (None, None) | (Some(_), None) => {
                // Nothing will ever happen again: only COMMAND can still end.
                match self.command.as_ref().is_some_and(|command| command.alive) {
                    true => {
                        self.disturbed = self.now;
                        self.happen(Happening::Crash(Exit::Status(0)))
                    }
                    false => Err("liveness: nothing is awaited, and nothing lives".into()),
                }
            }
        }
    }

    /// Tells the core, and judges what it does.
    fn tell(&mut self, event: Event) -> Result<(), String> {
        self.history.push((self.now, format!("< {event:?}")));
        let ended_by_itself = matches!(event, Event::Exited(_)) && !self.stopping;
        match &event {
            Event::Signalled { signal: Signal::TERM, .. } => self.judge.terminated(),
            Event::InputEnded => self.judge.input_ended(),
            Event::Exited(_) => {
                if let Some(command) = &mut self.command {
                    command.reaped = true;
                }
            }
            _ => {}
        }
        if ended_by_itself {
            self.judge.exited(self.now);
        }
        let mut actions = Vec::new();
        let leave = matches!(event, Event::Signalled { signal: Signal::TERM, .. });
        self.core.step(self.now, event, &mut actions);
        for mut action in actions {
            let truth = self.truth();
            self.judge.judge(&action, &self.rules, truth)?;
            self.stopping |= matches!(action, Action::Tell(Notice::Stopping { .. }));
            if let Action::Start { .. } = action {
                (self.started, self.stopping) = (self.now, false);
                (self.inbound, self.outbound) = (None, None);
                self.disturbed = self.now;
            }
            let at = self.acted_until.max(self.now + self.soon_if_slow(&action));
            self.acted_until = at;
            let after = at.since(self.now);
            self.plan(after, Coming::Act(action.clone()));
            if let Action::Look(look) = &mut action {
                look.settled_by = None;
            }
            self.history.push((self.now, format!("{action:?}")));
        }
        let gone = self.command.as_ref().is_none_or(|command| command.reaped);
        match leave && gone && self.generation > 0 && !self.judge.has_quit() && !self.is_starting()
        {
            true => Err("liveness: TERM with COMMAND gone is the end".into()),
            false => self.check_gone(),
        }
    }

    fn is_starting(&self) -> bool {
        self.coming.values().any(|coming| {
            matches!(
                coming,
                Coming::Act(Action::Start { .. })
                    | Coming::Tell(Event::Started | Event::StartFailed(_))
            )
        })
    }

    fn soon_if_slow(&mut self, action: &Action) -> Duration {
        match action {
            Action::Tell(_) | Action::Quit(_) => Duration::ZERO,
            _ => self.soon(3),
        }
    }

    fn truth(&self) -> Truth {
        let rss = self.rss();
        let command = self.command.as_ref();
        let traffic = self.inbound.max(self.outbound).filter(|at| *at >= self.started);
        let settled = self.rules.idle.map(|idle| self.started + idle.settle);
        Truth {
            now: self.now,
            started: self.started,
            command: command.is_some_and(|command| !command.reaped) || self.is_starting(),
            tree: command.is_some_and(|command| !command.reaped || command.leaves_behind),
            rss,
            pss: rss / 10 * 6,
            traffic: traffic.filter(|at| *at <= self.looked),
            armed: self.inbound.is_some_and(|at| at >= self.started)
                || settled.is_some_and(|settled| self.outbound >= Some(settled)),
            stopped: self.stopped_at_look,
        }
    }

    fn rss(&self) -> u64 {
        let Some(command) = &self.command else { return 0 };
        let lived = u64::try_from(self.now.since(self.started).as_millis()).unwrap();
        command.base_bytes + command.leak_per_second / 1000 * lived
    }
}
