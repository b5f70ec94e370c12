//! The core, told anything: rules out of all that can be typed, and events with any numbers at any
//! times, in any order. It has an answer to everything: nothing overflows, `Quit` is the last
//! action of all, and a deadline that has come is answered. While what happens could happen, and
//! time goes on, it also keeps to the laws that one event after another can be held against; the
//! finer ones are those of `lifecycle`.

#![cfg_attr(fuzzing, no_main)]

use self::choices::{Choices, LONGEST};
use recycle_decide::action::{Action, Force};
use recycle_decide::event::Event;
use recycle_decide::exit::Signal;
use recycle_decide::lifecycle::Lifecycle;
use recycle_decide::notice::Notice;
use recycle_decide::rules::{Mapped, Rules};
use recycle_decide::time::Time;

mod choices;
mod harness;

harness::target!(live);

/// More actions for one event than this are no answer any more.
const MOST_ACTIONS: usize = 16;
/// More answers to a deadline at one instant than this are a busy loop.
const MOST_AT_ONCE: usize = 64;
/// A trace that is longer shows nothing new.
const MOST_EVENTS: usize = 1_000;

fn live(data: &[u8]) {
    let mut choices = Choices::new(data);
    let rules = choices.rules();
    // What cannot happen may happen, and time may go back.
    let sane = !choices.once_in(4);
    let mut now = Time::at(choices.elapsed());
    let mut trace = Trace {
        core: Lifecycle::new(rules.clone(), now, choices.number()),
        rules,
        sane,
        life: Life::Absent,
        generation: 0,
        quit: false,
        leaving: false,
        over: false,
        ends: None,
        input: Input::default(),
        looks: Vec::new(),
    };
    for _ in 0..MOST_EVENTS {
        if choices.are_over() {
            break;
        }
        now = match choices.below(4) {
            0 => now,
            1 => trace.core.deadline().filter(|then| *then > now).unwrap_or(now),
            2 if !sane => Time::at(choices.elapsed()),
            _ => now + choices.elapsed(),
        };
        now = now.min(Time::at(LONGEST));
        let event = choices.event(now, trace.generation, &trace.looks);
        if !sane || trace.can_happen(&event) {
            trace.tell(now, event);
            trace.heed_deadline(now);
        }
    }
}

/// COMMAND's own process, as far as the core was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Absent,
    Starting,
    Running,
    /// What it left behind may live.
    Ended,
}

/// Standard input, as far as the core was told.
#[derive(Clone, Copy, Debug, Default)]
struct Input {
    ended: bool,
    spent: bool,
    /// It is waited for.
    awaited: bool,
    /// COMMAND's is to be closed.
    to_be_cut: bool,
    /// Since when it is.
    cut: Option<Time>,
    /// COMMAND has outlived it.
    outlived: bool,
}

struct Trace {
    core: Lifecycle,
    rules: Rules,
    sane: bool,
    life: Life,
    generation: u64,
    quit: bool,
    /// TERM came.
    leaving: bool,
    /// Memory of this generation was over the limit that kills.
    over: bool,
    /// Since when its end has been waited for.
    ends: Option<Time>,
    input: Input,
    /// What was asked for, and is not answered.
    looks: Vec<recycle_decide::event::Look>,
}

impl Trace {
    fn can_happen(&self, event: &Event) -> bool {
        match event {
            Event::Started | Event::StartFailed(_) => self.life == Life::Starting,
            Event::Exited(_) => matches!(self.life, Life::Starting | Life::Running),
            Event::TreeGone => self.life == Life::Ended,
            Event::Observed(seen) => seen.generation <= self.generation,
            Event::InputCut => self.input.to_be_cut && self.life != Life::Absent,
            Event::InputSpent => self.input.ended,
            _ => true,
        }
    }

    fn tell(&mut self, now: Time, event: Event) {
        match &event {
            Event::Started => self.life = Life::Running,
            Event::StartFailed(_) | Event::TreeGone => self.life = Life::Absent,
            Event::Exited(_) => {
                self.life = Life::Ended;
                self.ends = self.ends.or(Some(now));
            }
            Event::Signalled { signal, .. } => {
                let passed = matches!(self.rules.map.of(*signal), Mapped::Pass(_));
                self.leaving |= *signal == Signal::TERM && passed;
            }
            Event::Observed(seen) => {
                let memory = seen.memory.filter(|_| seen.generation == self.generation);
                let over = memory.zip(self.rules.memory.kill);
                self.over |= over.is_some_and(|(memory, (limit, _))| memory.settled > limit);
                self.looks.retain(|look| *look != seen.look);
            }
            Event::InputEnded => self.input.ended = true,
            Event::InputSpent => self.input.spent = true,
            Event::InputCut => self.input.cut = self.input.cut.or(Some(now)),
            _ => {}
        }
        let failed = matches!(event, Event::StartFailed(_));
        let mut actions = Vec::new();
        self.core.step(now, event.clone(), &mut actions);
        assert!(actions.len() <= MOST_ACTIONS, "{event:?}: {actions:?}");
        if failed {
            // One that never ran is not counted.
            self.generation = self.generation.saturating_sub(1);
        }
        for action in &actions {
            assert!(!self.quit, "{action:?} after the end, for {event:?}");
            if let Action::Quit(_) = action {
                self.quit = true;
            }
            if self.sane {
                self.judge(now, &event, action);
            }
            if let Action::Start { generation, .. } = action {
                (self.life, self.generation) = (Life::Starting, *generation);
                (self.over, self.ends) = (false, None);
                let Input { ended, spent, outlived, .. } = self.input;
                self.input = Input { ended, spent, outlived, ..Input::default() };
                self.looks.clear();
            }
            match action {
                Action::CutInput => self.input.to_be_cut = true,
                Action::Tell(Notice::Waiting { .. }) => self.input.awaited = true,
                Action::Tell(Notice::OutlivedInput { .. }) => self.input.outlived = true,
                _ => {}
            }
            if let Action::Look(look) = action {
                self.looks.push(*look);
            }
        }
        assert!(!self.quit || self.core.deadline().is_none(), "a deadline after the end");
        let asleep = self.sane && self.input.awaited;
        assert!(!asleep || self.core.deadline().is_none(), "nothing of ours wakes");
    }

    /// COMMAND has had its time to come to the end of its input.
    fn is_drained(&self, now: Time) -> bool {
        let Some(lines) = self.rules.lines else { return true };
        self.input.outlived || self.input.cut.is_some_and(|cut| now >= cut + lines.drain_timeout)
    }

    fn judge(&mut self, now: Time, event: &Event, action: &Action) {
        let lives = matches!(self.life, Life::Starting | Life::Running);
        let others =
            matches!(event, Event::Signalled { .. } | Event::Stopped(_) | Event::InBackground);
        match action {
            Action::Start { generation, .. } => {
                assert_eq!(self.life, Life::Absent, "two generations");
                assert_eq!(*generation, self.generation + 1, "generations count up by one");
                assert!(!self.leaving, "a start after TERM");
                assert!(!self.input.outlived, "a start after a stop for good");
                let woken = matches!(event, Event::InputWaits);
                assert!(!self.input.awaited || woken, "a start without input");
                let nothing = self.rules.lines.is_some() && self.input.spent;
                assert!(*generation == 1 || !nothing, "a start for nothing");
            }
            Action::Pass(_) | Action::Wake => {
                assert!(lives, "{action:?} to nobody");
                assert!(others || self.is_drained(now), "{action:?} to one that drains");
            }
            Action::Tell(Notice::Stopping { .. } | Notice::OutlivedInput { .. }) => {
                self.ends = Some(now);
            }
            Action::Sweep(Force::Kill) => {
                let late = self.ends.is_some_and(|since| now >= since + self.rules.stop_timeout);
                assert!(late || self.over, "KILL comes too early");
            }
            _ => {}
        }
    }

    /// A deadline that has come is answered: it moves, or something is done and waited for.
    fn heed_deadline(&mut self, now: Time) {
        for _ in 0..MOST_AT_ONCE {
            if self.core.deadline().is_none_or(|then| then > now) {
                return;
            }
            self.tell(now, Event::Due);
        }
        panic!("a deadline is never answered: {:?}", self.core);
    }
}
