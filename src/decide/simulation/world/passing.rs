//! How time passes: what comes next, until nothing does.

use std::time::Duration;

use super::{Clock, Coming, Happening, MOST_AT_ONCE, STEPS_OF_CHANCE, World};
use crate::event::Event;
use crate::exit::Exit;
use crate::simulation::scenario::{self, HORIZON};
use crate::time::Time;

impl World {
    /// Lives through at most so many moments; an error names the law that was broken.
    pub(crate) fn run(&mut self, moments: u32) -> Result<(), &'static str> {
        for _ in 0..moments {
            self.advance()?;
            if self.book.quit {
                return self.check_done();
            }
        }
        Ok(())
    }

    /// The same, for so much time, with new happenings as the old ones come to an end. Tells how
    /// long it lasted.
    pub(crate) fn run_for(&mut self, time: Duration) -> Result<Duration, &'static str> {
        let began = self.now;
        let mut planned_until = began + HORIZON;
        while !self.book.quit && self.now < began + time {
            self.advance()?;
            if self.now > planned_until {
                planned_until = self.now + HORIZON;
                self.plan_happenings();
            }
        }
        Ok(self.now.since(began))
    }

    pub(super) fn plan_happenings(&mut self) {
        let happenings = scenario::happenings(&mut self.random, &self.rules);
        let more = self.concern.happenings(&mut self.random);
        // Who only connects again does that alone, mostly.
        let alone = self.habits.reconnects && !self.random.once_in(4);
        let happenings = happenings.into_iter().filter(|_| !alone);
        for (after, happening) in happenings.chain(more) {
            self.plan(after, Coming::Happen(happening));
        }
    }

    pub(super) fn plan(&mut self, after: Duration, coming: Coming) {
        self.sequence += 1;
        self.coming.insert((self.now + after, self.sequence), coming);
    }

    pub(super) fn plan_tell(&mut self, after: Duration, event: Event) {
        self.plan(after, Coming::Tell(event, None));
    }

    fn advance(&mut self) -> Result<(), &'static str> {
        let next = self.coming.first_key_value().map(|((at, _), _)| *at);
        if let Some(event) = self.awaited().filter(|_| next.is_none_or(|at| at > self.now)) {
            self.reach(self.now)?;
            return self.tell(event, None);
        }
        match (next, self.core.deadline()) {
            // What happened before the deadline, or with it, comes before the deadline.
            (Some(at), deadline) if deadline.is_none_or(|deadline| at <= deadline) => {
                self.reach(at)?;
                let (_, coming) = self.coming.pop_first().unwrap();
                match coming {
                    Coming::Act(action) => self.act(action),
                    Coming::Tell(event, seen) => {
                        if let Event::Exited(_) = event {
                            self.tell_last_news()?;
                        }
                        self.tell(event, seen)
                    }
                    Coming::Happen(happening) => {
                        self.at_once -= STEPS_OF_CHANCE;
                        self.happen(happening)
                    }
                }
            }
            (_, Some(deadline)) => {
                let stumble = match self.clock {
                    Clock::True | Clock::Chosen => Duration::ZERO,
                    Clock::Stumbling => self.random.millis(1, 50),
                };
                self.reach(deadline.max(self.now) + stumble)?;
                // Whoever wakes looks at everything before he heeds the time.
                if self.tell_news(true)? {
                    return Ok(());
                }
                self.tell(Event::Due, None)?;
                self.check_progress(self.clock)
            }
            (_, None) => self.end_of_plans(),
        }
    }

    /// Nothing is planned any more: only COMMAND's own end can go on from here.
    fn end_of_plans(&mut self) -> Result<(), &'static str> {
        match &self.command {
            Some(command) if command.alive => self.happen(Happening::End(Exit::Status(0))),
            Some(command) if command.is_there() => self.happen(Happening::LeftoversEnd),
            Some(_) | None if self.core.awaits_input() && !self.input.over => {
                let lines = self.random.once_in(2).then_some(Happening::Lines(1));
                self.happen(lines.unwrap_or(Happening::InputEnd))
            }
            Some(_) | None => Err("somebody is waited for"),
        }
    }

    /// Time goes on until then.
    fn reach(&mut self, then: Time) -> Result<(), &'static str> {
        self.at_once = if then > self.now { 0 } else { self.at_once + 1 };
        if self.at_once > MOST_AT_ONCE {
            return Err("no more than a few steps at one instant");
        }
        self.now = self.now.max(then);
        Ok(())
    }
}
