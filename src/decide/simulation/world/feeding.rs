//! What comes on standard input, and what COMMAND reads of it.

use std::time::Duration;

use super::{Coming, Happening, World};
use crate::event::Event;
use crate::exit::Exit;
use crate::simulation::scenario::Concern;
use crate::simulation::talk::Voice;
use crate::traffic::Way;

impl World {
    /// Tells what is new; nothing may be left for long before anybody finds out.
    pub(super) fn tell_news(&mut self, surely: bool) -> Result<bool, &'static str> {
        let surely = surely || self.input.lines && self.random.once_in(2);
        let news = self.input.news(surely);
        let any = !news.is_empty();
        for event in news {
            self.tell(event, None)?;
        }
        Ok(any)
    }

    /// What COMMAND may have ended of is told before its end, and what it had taken by then.
    pub(super) fn tell_last_news(&mut self) -> Result<(), &'static str> {
        self.tell_news(true)?;
        match self.input.taken() {
            Some(lines) => self.tell(Event::LinesTaken { lines }, None),
            None => Ok(()),
        }
    }

    /// So many lines are written, or as many times some bytes.
    pub(super) fn lines_come(&mut self, count: u64) -> Result<(), &'static str> {
        // Those that come inside a long line are the pieces of it.
        if self.input.over || self.input.inside {
            return Ok(());
        }
        self.input.carried = true;
        self.input.waiting += count;
        self.take_input()
    }

    /// COMMAND, if there is one, gets what waits.
    pub(super) fn take_input(&mut self) -> Result<(), &'static str> {
        if self.input.lines {
            self.input.hand_over();
            self.tell_news(false)?;
            self.read_on();
            return Ok(());
        }
        if self.input.waiting > 0 && self.reads() {
            self.input.waiting = 0;
            return self.says_on_input();
        }
        Ok(())
    }

    /// Where only input can go on: what is known of it, and is not told by itself.
    pub(super) fn awaited(&self) -> Option<Event> {
        match &self.input {
            _ if !self.core.awaits_input() => None,
            input if input.waiting > 0 => Some(Event::InputWaits),
            input if input.over && !input.lines => Some(Event::InputEnded),
            _ => None,
        }
    }

    fn says_on_input(&mut self) -> Result<(), &'static str> {
        self.talk.says(self.now, Voice::Mute(Way::Inbound), 1);
        self.spring()
    }

    fn reads(&self) -> bool {
        self.command.as_ref().is_some_and(|command| command.alive && !command.stopped)
    }

    /// COMMAND is about to read on, or has come to the end of its input.
    pub(super) fn read_on(&mut self) {
        let reads = self.reads();
        let Some(reader) = self.reader.as_mut().filter(|_| reads && self.input.open) else {
            return;
        };
        if self.input.unread > 0 && !self.input.reading {
            self.input.reading = true;
            let within = reader.within;
            let after = self.random.millis(1, within);
            self.plan(after, Coming::Happen(Happening::Read));
        } else if self.input.is_through() && !std::mem::replace(&mut reader.ends, true) {
            let Some(within) = reader.ends_after else { return };
            let end = Happening::End(Exit::Status(reader.status));
            let after = self.random.millis(0, within);
            self.plan(after, Coming::Happen(end));
        }
    }

    pub(super) fn read(&mut self) -> Result<(), &'static str> {
        self.input.reading = false;
        if self.input.unread > 0 && self.reads() {
            let count = 1 + self.random.below(self.input.unread);
            self.input.read(count);
            self.says_on_input()?;
        }
        self.take_input()
    }

    pub(super) fn line_ends(&mut self) -> Result<(), &'static str> {
        self.input.end_long_line();
        self.take_input()
    }

    pub(super) fn input_ends(&mut self) -> Result<(), &'static str> {
        self.input.end_long_line();
        // What has ended without a byte is not spent.
        self.input.carried |= self.concern == Concern::Little || !self.random.once_in(2);
        // What came before it is told before.
        if let Some(event) = self.awaited() {
            self.tell(event, None)?;
        }
        self.input.over = true;
        self.take_input()?;
        self.tell_news(false).map(drop)
    }

    pub(super) fn cut_input(&mut self) -> Result<(), &'static str> {
        self.input.cut();
        self.take_input()
    }

    /// What is told of lines when nothing of a generation is left comes before that.
    pub(super) fn plan_gone(&mut self, after: Duration, gone: Event) {
        if self.input.lines {
            let lines = self.input.take_back();
            self.plan_tell(after, Event::LinesTaken { lines });
            for event in self.input.news(true) {
                self.plan_tell(after, event);
            }
        }
        self.plan_tell(after, gone);
    }
}
