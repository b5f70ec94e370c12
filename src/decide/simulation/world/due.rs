//! Progress and liveness: what is due must happen. Checked after each step, against the true state
//! of the world.

mod input;

use std::time::Duration;

use super::{Clock, World};
use crate::action::Action;
use crate::event::{Event, TrafficLook};
use crate::exit::{Exit, Signal};
use crate::notice::Notice;
use crate::reason::Reason;
use crate::rules::{Mapped, Measure};
use crate::simulation::book::{Follow, Life};
use crate::simulation::command::Command;
use crate::time::Time;

/// No generation is held by a storm beyond this age.
const LONGEST_STORM: Duration = Duration::from_secs(300);
/// What the slowest looks, and another one before the stop, may take.
const SLACK: Duration = Duration::from_millis(2_500);

/// The same, where nothing but traffic is looked at.
const IDLE_SLACK: Duration = Duration::from_millis(100);

/// A process that outlives KILL this long is worth a word.
const PATIENCE: Duration = Duration::from_secs(10);

/// The counters may ask for the pages at once, and these for the traffic; and a slow answer may
/// find the next look due.
const MOST_IN_VAIN: u32 = 3;

type Checked = Result<(), &'static str>;

fn law(kept: bool, name: &'static str) -> Checked {
    if kept { Ok(()) } else { Err(name) }
}

fn looks_at_all(action: &Action) -> bool {
    matches!(action, Action::Look(look) if look.traffic == Some(TrafficLook::All))
}

fn tells_would(action: &Action) -> bool {
    matches!(action, Action::Tell(Notice::WouldRecycle { .. }))
}

fn tells_asked(action: &Action) -> bool {
    let asked = |reason: &Reason| matches!(reason, Reason::Signal(_));
    matches!(action, Action::Tell(Notice::WouldRecycle { reason, .. }) if asked(reason))
}

impl World {
    fn observes(&self) -> bool {
        self.rules().observe.is_some()
    }

    /// A timer that is due does something, or is due later.
    pub(super) fn check_progress(&self, clock: Clock) -> Checked {
        let moved = clock == Clock::Stumbling
            || self.core.deadline().is_none_or(|deadline| deadline > self.now);
        let acts = self.book.quit || !self.coming.is_empty();
        law(moved || acts, "a due timer does something")
    }

    /// An answer that decides nothing moves the deadline into the future; only to confirm what it
    /// showed may it be asked again at once.
    pub(super) fn check_answer(&mut self, actions: &[Action]) -> Checked {
        let mut done =
            actions.iter().filter(|action| !matches!(action, Action::Tell(_) | Action::TellLeft));
        let decides = done.any(|action| !matches!(action, Action::Look(_)));
        let again = self.core.deadline().is_some_and(|deadline| deadline <= self.now);
        match self.book.told {
            Event::Observed(_) if again && !decides => self.in_vain += 1,
            Event::Observed(_) => self.in_vain = 0,
            _ if decides => self.in_vain = 0,
            _ => {}
        }
        law(self.in_vain <= MOST_IN_VAIN, "an answer moves the deadline")
    }

    /// What still comes after the end changes nothing.
    pub(super) fn check_done(&mut self) -> Checked {
        let mut actions = Vec::new();
        let term = Event::Signalled { signal: Signal::TERM, shared: false };
        for event in [Event::Due, Event::TreeGone, term, Event::Exited(Exit::Status(0))] {
            self.core.step(self.now, event, &mut actions);
        }
        let done = actions.is_empty() && self.core.deadline().is_none();
        law(done, "nothing comes after the end")
    }

    /// What must follow at once.
    pub(super) fn check_step(&self, actions: &[Action]) -> Checked {
        let book = &self.book;
        let has = |wanted: &dyn Fn(&Action) -> bool| actions.iter().any(wanted);
        law(actions.len() <= super::MOST_ACTIONS, "no more than a few actions for one event")?;
        let followed = match book.follow {
            Follow::Nothing => true,
            Follow::Quit | Follow::QuitAs(_) => book.quit,
            Follow::Restart(_) => !book.quit,
            Follow::Suspend(signal) => has(&|action| *action == Action::Suspend(signal)),
            Follow::Wake => has(&|action| *action == Action::Wake),
        };
        law(followed, "what must follow an event follows")?;
        let exited = matches!(book.told, Event::Exited(_));
        let goes_on = exited && (!book.quit || book.terminated);
        let swept = has(&|action| matches!(action, Action::Sweep(_)));
        law(!goes_on || swept, "what COMMAND left behind is told to go")?;
        let widens = has(&looks_at_all) || has(&tells_would);
        law(!self.must_widen() || widens, "what ended makes the core look at all")?;
        let tells = |action: &Action| matches!(action, Action::Tell(Notice::LinesTaken { .. }));
        law(!book.owes_lines || has(&tells), "lines that may be lost are told of")?;
        self.check_signal(actions)
    }

    /// Something without timestamps has ended, or may have moved: only all sockets can tell more.
    fn must_widen(&self) -> bool {
        let book = &self.book;
        let running = book.life == Life::Running;
        let answered = matches!(&book.told, Event::Observed(_));
        answered && running && !book.input_spent && !book.ends() && book.effort.must_widen
    }

    /// Every signal is passed on while COMMAND lives, but one that it got as well, or that the map
    /// says otherwise about.
    fn check_signal(&self, actions: &[Action]) -> Checked {
        let Event::Signalled { signal, shared } = self.book.told else { return Ok(()) };
        let passed = match signal {
            Signal::CONT => Action::Wake,
            _ => Action::Pass(signal),
        };
        let passes = actions.contains(&passed);
        match self.rules.map.of(signal) {
            Mapped::Pass(to) if self.book.left.is_some() => {
                let passes = actions.contains(&Action::PassToRest(to));
                law(passes != (shared && to == signal), "after TERM the rest gets signals")
            }
            _ if !self.book.command_lives() => Ok(()),
            Mapped::Pass(_) | Mapped::PassOnly => {
                law(passes != shared, "a signal is passed on once")
            }
            Mapped::Drop => law(!passes, "a signal that is mapped to none is dropped"),
            Mapped::Recycle => {
                let over = self.book.leaving || self.book.outstays.is_some();
                let alone = over || self.book.input_spent;
                let told = actions.iter().any(tells_asked);
                let decided = self.book.ending.is_some() || actions.contains(&Action::Check);
                let begins = if self.observes() { told } else { decided };
                law(alone || begins, "a recycle that was asked for begins")
            }
        }
    }

    /// What must have happened by now.
    pub(super) fn check_due(&self) -> Checked {
        let book = &self.book;
        if book.quit {
            return Ok(());
        }
        if book.life == Life::Absent {
            return self.check_absence();
        }
        let late = book.left.flatten().is_some_and(|until| self.now > until);
        law(!late, "what TERM has left is waited for no longer than a stop")?;
        self.check_outliving()?;
        if book.is_preparing() {
            self.check_preparing()?;
        } else {
            let asked = book.ending.map(|ending| ending.asked).max(book.outstays);
            let overdue = asked.is_some_and(|at| self.now > at + self.rules.stop_timeout);
            law(!overdue || book.killed.is_some(), "KILL comes at the stop timeout")?;
        }
        let undying = book.killed.is_some_and(|at| self.now > at + PATIENCE);
        law(!undying || book.complained, "what outlives KILL is told of")?;
        let Some(command) = &self.command else { return Ok(()) };
        self.check_kill(command)?;
        let over = book.input_spent || book.ends();
        if over || book.life != Life::Running || command.stopped || !command.alive {
            return Ok(());
        }
        self.check_recycles(command)
    }

    /// kill-rss also counts during a stop, after TERM and after the end of the input.
    fn check_kill(&self, command: &Command) -> Checked {
        let rss = self.rules.memory.kill.filter(|(_, measure)| *measure == Measure::Rss);
        // What is shared is killed for when RSS is over half as much again.
        let bytes = |limit: u64| if self.habits.shares { limit + limit / 2 } else { limit };
        let since = rss.and_then(|(limit, _)| command.over_since(bytes(limit.0)));
        let running = self.book.life == Life::Running && command.alive && !self.observes();
        let late = since.is_some_and(|since| self.now > since.max(self.clear_since) + SLACK);
        law(!running || !late || self.book.killed.is_some(), "over kill-rss, the tree is killed")
    }

    fn check_recycles(&self, command: &Command) -> Checked {
        let (book, rules) = (&self.book, &self.rules);
        let asked = book.asked.map(|asked| asked.max(self.clear_since) + SLACK);
        let kept = self.observes() || asked.is_none_or(|then| self.now <= then);
        law(kept, "a recycle that was asked for comes when COMMAND can start")?;
        let free = (book.began + rules.min_lifetime).max(self.clear_since);
        let free = free.max(book.held_until.unwrap_or(free));
        let wait = rules.quiet.map(|quiet| quiet.wait).unwrap_or_default();
        let late = |since: Time| self.now > since.max(free) + wait + SLACK;
        let expired = rules.lifetime.map(|lifetime| book.began + lifetime.max);
        law(!expired.is_some_and(late), "a generation that has lived its life is recycled")?;
        let calm = if book.stormy { book.started + LONGEST_STORM } else { book.started };
        // What was told is not over again before it was below.
        let limit = rules.memory.max_rss.filter(|_| !self.observes());
        let over = limit.and_then(|limit| command.over_since(limit.0));
        let over = over.map(|since| since.max(calm));
        law(!over.is_some_and(late), "a generation over its limit is recycled")?;
        let far = limit.and_then(|limit| command.over_since(limit.0 + limit.0 / 2));
        law(!far.is_some_and(late), "a storm holds nothing that grows to half as much again")?;
        // It has the least room for coincidences.
        if self.clock == Clock::Chosen { Ok(()) } else { self.check_idle(command, free, wait) }
    }

    fn check_idle(&self, command: &Command, free: Time, wait: Duration) -> Checked {
        let Some(idle) = self.rules.idle else { return Ok(()) };
        let Some(last) = self.talk.last().filter(|_| self.talk.surely_armed()) else {
            return Ok(());
        };
        if self.book.spaced {
            return Ok(());
        }
        // What a blind look lost may be all that would have armed it.
        if self.was_blind && !self.book.effort.armed {
            return Ok(());
        }
        let busy_until = command.busy_until().unwrap_or(last);
        // What is in the way of seeing quiet makes the wait begin anew; so does what only may have
        // moved.
        let quiet_since = last.max(busy_until).max(self.clear_since);
        let quiet_since = quiet_since.max(self.talk.unsure.unwrap_or(last));
        // A byte is only known to have come since the last look, and payload between two samples.
        let mut blur = idle.after / 50 + IDLE_SLACK;
        if self.rules.floor.is_some() {
            blur += idle.after / 20;
        }
        if self.rules.idle_cpu.is_some() {
            blur += idle.after / 5;
        }
        // Nobody looks when work ends after the traffic did: a new window is then covered by
        // samples. Who was blind did not see either when what has no timestamps moved.
        let unseen_work = self.rules.idle_cpu.is_some() && busy_until > last;
        // Nor is payload sampled while an idle recycle is held.
        let unseen_payload = self.rules.floor.is_some() && free > last;
        if self.was_blind || unseen_work || unseen_payload {
            blur += idle.after;
        }
        let due = (quiet_since + idle.after).max(free);
        let late = self.now > due + blur + wait;
        law(!late, "an idle generation is recycled")
    }
}
