//! The world around the core: COMMAND and what it may do, standard input, signals, and effects that
//! take their time, so that other things happen in between.

use std::collections::BTreeMap;

use super::book::{Book, Seen};
use super::command::{Command, Habits};
use super::input::{Input, Reader};
use super::laws::{LIKELY, Law, Moment, TIMED, TIMELESS};
use super::random::Random;
use super::scenario::{self, Concern};
use super::talk::{Talk, Voice};
use crate::action::Action;
use crate::event::Event;
use crate::exit::{Exit, Signal};
use crate::lifecycle::Lifecycle;
use crate::notice::Notice;
use crate::rules::{Observe, Rules};
use crate::time::Time;
use crate::units::Bytes;

mod acting;
mod due;
mod feeding;
mod happening;
mod passing;

/// Something that is going to happen.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a few wait at a time, and only in tests")]
enum Coming {
    Act(Action),
    /// What the core will be told, and what was true when it was found out.
    Tell(Event, Option<Seen>),
    Happen(Happening),
}

/// What happens by itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happening {
    /// Something moves, so many bytes.
    Talk(Voice, u64),
    /// So many lines come on standard input.
    Lines(u64),
    /// One that is too long, which takes so many milliseconds to come.
    LongLine(u64),
    LineEnd,
    InputEnd,
    /// COMMAND reads some of its lines.
    Read,
    End(Exit),
    Stop(Signal),
    /// We hear of a stop, unless it is over already.
    TellOfStop(Signal),
    Continue,
    /// COMMAND gives memory back.
    Free,
    /// COMMAND forks; the child shows its parent's size for so many milliseconds.
    Fork(u64),
    /// COMMAND computes for so many milliseconds.
    Compute(u64),
    /// COMMAND has slept, and begins to leak.
    Wake,
    LeftoversEnd,
    Signal(Signal),
}

/// One line of a trace.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "only while a trace is told again")]
pub(super) enum Line {
    Told(Event),
    Did(Action),
}

/// How the core is told the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    True,
    /// The same, but somebody chooses the moments, who may find the one coincidence in thousands
    /// that laws about lateness, and about how often one looks, have no room for.
    Chosen,
    /// It steps back now and then.
    Stumbling,
}

/// One trace.
pub(super) struct World {
    random: Random,
    clock: Clock,
    rules: Rules,
    habits: Habits,
    concern: Concern,
    core: Lifecycle,
    book: Book,
    now: Time,
    coming: BTreeMap<(Time, u64), Coming>,
    sequence: u64,
    /// Actions are done in the order in which they were asked for.
    acted_until: Time,
    /// COMMAND, from the `Start` that made it until the core was told that its tree is gone.
    command: Option<Command>,
    /// How it reads lines.
    reader: Option<Reader>,
    input: Input,
    generation: u64,
    /// When the core is told that a start worked: no end is told before.
    start_told: Time,
    sweeping: bool,
    talk: Talk,
    /// Since then nothing was in the way of what is due: no blindness, no stopping, no computing.
    clear_since: Time,
    /// COMMAND's file is missing until then.
    missing_until: Time,
    /// In this generation, a look could not see.
    was_blind: bool,
    /// Steps at this very instant, without what chance has brought, and what that leads to.
    at_once: i32,
    /// Answers in a row that were asked for again at once.
    in_vain: u32,
    /// Only when the trace is told again: writing it down costs more than living it.
    pub(super) history: Option<Vec<(Time, Line)>>,
}

/// More steps than this at one instant are a busy loop.
const MOST_AT_ONCE: i32 = 50;
/// What happens by itself may lead to so many steps: it is passed on, COMMAND is woken.
const STEPS_OF_CHANCE: i32 = 3;
/// More actions than this for one event are a busy loop, too.
const MOST_ACTIONS: usize = 8;

impl World {
    pub(super) fn new(seed: u64, origin: Time, clock: Clock) -> Self {
        Self::with(Random::new(seed), seed, origin, clock)
    }

    /// `kind`: what the trace is about is not drawn.
    pub(super) fn with(mut random: Random, kind: u64, origin: Time, clock: Clock) -> Self {
        let observe = (kind % 8 == 5).then_some(Observe { memory: Bytes(1 << 30) });
        let concern = Concern::of(kind / 8);
        let is_init = kind % 3 == 1;
        let rules = Rules { observe, is_init, ..scenario::rules(&mut random) };
        let rules = concern.rules(&mut random, rules);
        let mut world = Self {
            clock,
            habits: scenario::habits(&mut random),
            concern,
            core: Lifecycle::new(rules.clone(), origin, random.below(u64::MAX)),
            book: Book::new(origin, &rules),
            now: origin,
            coming: BTreeMap::new(),
            sequence: 0,
            acted_until: origin,
            command: None,
            reader: None,
            input: Input::new(rules.lines.is_some()),
            generation: 0,
            start_told: origin,
            sweeping: false,
            talk: Talk::new(origin, &rules),
            clear_since: origin,
            missing_until: origin,
            was_blind: false,
            at_once: 0,
            in_vain: 0,
            history: None,
            rules,
            random,
        };
        world.plan_happenings();
        world
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Tells the core, judges what it does, and has it done.
    fn tell(&mut self, event: Event, seen: Option<Seen>) -> Result<(), &'static str> {
        if let Some(history) = &mut self.history {
            history.push((self.now, Line::Told(event.clone())));
        }
        if let (Event::Exited(_), Some(command)) = (&event, &mut self.command) {
            command.reaped = true;
        }
        let told_now = match self.clock {
            Clock::Stumbling if self.random.once_in(4) => {
                self.now.before(self.random.millis(0, 5_000))
            }
            Clock::True | Clock::Chosen | Clock::Stumbling => self.now,
        };
        if self.clock != Clock::Stumbling {
            self.check_due()?;
        }
        let answered = matches!(event, Event::Observed(_));
        self.book.tell(told_now, &event, seen, &self.rules);
        let mut actions = Vec::new();
        self.core.step(told_now, event, &mut actions);
        for action in &actions {
            self.judge(action)?;
            self.book.did(action, &self.rules);
        }
        if self.clock != Clock::Stumbling {
            self.check_step(&actions)?;
            self.check_answer(&actions)?;
        }
        let checks = actions.contains(&Action::Check);
        for action in actions {
            self.take_on(action);
        }
        self.check_gone();
        if checks {
            self.check()?;
        }
        if !answered {
            return Ok(());
        }
        self.talk.looking = self.talk.looking.saturating_sub(1);
        self.spring()
    }

    /// A tripwire, if it is taut, tells at once.
    fn spring(&mut self) -> Result<(), &'static str> {
        let lives = self.command.as_ref().is_some_and(|command| command.alive);
        match self.talk.spring(self.now).filter(|_| lives) {
            Some(moved) => self.tell(Event::Moved(moved), None),
            None => Ok(()),
        }
    }

    fn judge(&mut self, action: &Action) -> Result<(), &'static str> {
        if let Some(history) = &mut self.history {
            history.push((self.now, Line::Did(action.clone())));
        }
        let tree_lives = self.command.as_ref().is_some_and(Command::is_there);
        let (book, rules) = (&self.book, &self.rules);
        let moment = Moment { action, book, rules, tree_lives };
        let (timed, likely): (&[Law], &[Law]) = match self.clock {
            Clock::True => (TIMED, LIKELY),
            Clock::Chosen => (TIMED, &[]),
            Clock::Stumbling => (&[], &[]),
        };
        match TIMELESS.iter().chain(timed).chain(likely).find(|law| !(law.keeps)(&moment)) {
            Some(broken) => Err(broken.name),
            None => Ok(()),
        }
    }

    /// An action is done a little later; that is when things like to happen in between.
    fn take_on(&mut self, action: Action) {
        let disturbed_once_in = match action {
            Action::Tell(Notice::WouldRecycle { .. }) => return self.talk.begin_anew(self.now),
            Action::Tell(_)
            | Action::TellLeft
            | Action::WatchInterrupts
            | Action::Quit(_)
            | Action::Suspend(_)
            | Action::Check => return,
            Action::Start { .. } => {
                self.talk = Talk::new(self.now, &self.rules);
                (self.clear_since, self.was_blind) = (self.now, false);
                if self.habits.reconnects {
                    let after = self.random.millis(20, 100);
                    self.plan(after, Coming::Happen(scenario::reconnect(&self.rules)));
                }
                if self.concern == Concern::Little { 8 } else { 3 }
            }
            Action::Pass(_)
            | Action::PassToRest(_)
            | Action::Wake
            | Action::Prepare(_)
            | Action::CutInput
            | Action::Sweep(_) => 30,
            Action::Look(_) => 100,
        };
        let at = self.acted_until.max(self.now + self.random.micros(3_000));
        self.acted_until = at;
        self.plan(at.since(self.now), Coming::Act(action));
        if self.random.once_in(disturbed_once_in) {
            let after = self.random.micros(6_000);
            let happening = self.concern.in_between(&mut self.random);
            let happening =
                happening.unwrap_or_else(|| scenario::any(&mut self.random, &self.rules));
            self.plan(after, Coming::Happen(happening));
        }
    }
}
