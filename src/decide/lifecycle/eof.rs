//! The end of standard input, and `--eof-timeout`.

use super::{Action, End, Event, Exit, Kill, Lifecycle, Notice, State, Time, Watch, Why};
use crate::rules::Restart;

impl Lifecycle {
    pub(super) fn note_input(&mut self, now: Time, event: &Event) {
        match event {
            Event::InputEnded => self.input.ended = self.input.ended.or(Some(now)),
            Event::InputSpent => self.input.spent = true,
            Event::LinesTaken { lines } => self.input.taken = *lines,
            // Time in which nobody ran is not COMMAND's.
            Event::Overslept { since } if self.outlives_input(now) => {
                self.input.ended = self.input.ended.map(|ended| ended + now.since(*since));
            }
            _ => {}
        }
    }

    /// When the time that `--eof-timeout` gives is over.
    pub(super) fn input_over(&self) -> Option<Time> {
        Some(self.input.ended? + self.rules.eof_timeout?)
    }

    /// Whether another generation would start for nothing: no line is left for it, or the time
    /// after the end of input is over.
    pub(super) fn has_no_input_left(&self, now: Time) -> bool {
        let no_line = self.rules.lines.is_some() && self.input.spent;
        no_line || self.outlives_input(now)
    }

    /// Whether the time that `--eof-timeout` gives is over.
    pub(super) fn outlives_input(&self, now: Time) -> bool {
        self.input_over().is_some_and(|over| now >= over)
    }

    /// COMMAND lives on after the end of its input: it is stopped, and then we end.
    pub(super) fn stop_at_eof(
        &self,
        now: Time,
        mut watch: Watch,
        actions: &mut Vec<Action>,
    ) -> State {
        let after = self.input.ended.map(|ended| now.since(ended)).unwrap_or_default();
        actions.push(Action::Tell(Notice::OutlivedInput { after }));
        self.ask_to_stop(actions);
        self.only_kill(now, &mut watch);
        State::Stopping { watch, kill: Kill::At(now + self.rules.stop_timeout), why: Why::Eof }
    }

    /// How we end when a planned stop was this generation's end, and no other follows.
    pub(super) fn last_end(&self, exit: Exit) -> End {
        match exit {
            // That is what it was asked for.
            Exit::Killed(signal) if signal == self.rules.stop_signal => End::SUCCESS,
            exit => exit.into(),
        }
    }

    /// Whether what waits on standard input may be for a generation that is yet to come, or its end
    /// is of interest.
    pub fn may_want_input(&self) -> bool {
        match &self.state {
            State::Stopping { why: Why::Asked | Why::Eof, .. } | State::Done => false,
            State::Waiting { .. }
            | State::Asleep { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Preparing { .. }
            | State::Draining { .. }
            | State::Stopping { .. }
            | State::Reaping { .. } => {
                let planned = self.rules.plans() && self.rules.observe.is_none();
                let restarted = self.rules.restart != Restart::Never;
                planned || restarted || self.rules.eof_timeout.is_some()
            }
        }
    }
}
