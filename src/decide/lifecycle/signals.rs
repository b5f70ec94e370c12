//! What signals mean, and what is done about them wherever they come.

use super::starting::suspend_too;
use super::{Action, Aftermath, End, Event, Exit, Lifecycle, Next, Notice, Opening, Signal, State};
use crate::event::Halt;
use crate::rules::Mapped;

/// What a signal means to us, beyond being passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Nothing,
    /// TERM: no more generations.
    Leave,
    /// INT, QUIT: an end is wished for.
    Interrupt,
    /// HUP: the same, if COMMAND takes it so soon.
    HangUp,
    /// TSTP, TTIN, TTOU: we stop, too, if COMMAND does.
    Suspend,
    /// CONT: COMMAND goes on.
    Wake,
    /// `--map-signal SIGNAL:recycle`.
    Recycle,
}

/// What a signal says about the end of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// TERM: it is wanted.
    End,
    /// INT, QUIT: it is wished for, unless COMMAND sees to it otherwise.
    Interruption,
    /// HUP: of a terminal that is gone, a parent that wants to be, or no wish at all.
    HangUp,
}

impl Lifecycle {
    /// What a signal that came means. One that is mapped to `none` or `recycle` means that.
    pub(super) fn meaning(&self, signal: Signal) -> Meaning {
        match (self.rules.map.of(signal), signal) {
            (Mapped::Recycle, _) => Meaning::Recycle,
            (Mapped::Drop | Mapped::PassOnly, _) => Meaning::Nothing,
            (Mapped::Pass(_), Signal::TERM) => Meaning::Leave,
            (Mapped::Pass(_), Signal::INT | Signal::QUIT) => Meaning::Interrupt,
            (Mapped::Pass(_), Signal::HUP) => Meaning::HangUp,
            (Mapped::Pass(_), Signal::TSTP | Signal::TTIN | Signal::TTOU) => Meaning::Suspend,
            (Mapped::Pass(_), Signal::CONT) => Meaning::Wake,
            (Mapped::Pass(_), _) => Meaning::Nothing,
        }
    }

    /// What a signal says about the end of all, after `--map-signal`.
    pub fn wish(&self, signal: Signal) -> Option<Wish> {
        match self.meaning(signal) {
            Meaning::Leave => Some(Wish::End),
            Meaning::Interrupt => Some(Wish::Interruption),
            Meaning::HangUp => Some(Wish::HangUp),
            Meaning::Nothing | Meaning::Suspend | Meaning::Wake | Meaning::Recycle => None,
        }
    }

    /// Passes a signal on, as far as the rules say, and tells what it means.
    pub(super) fn pass(&self, signal: Signal, shared: bool, actions: &mut Vec<Action>) -> Meaning {
        match self.rules.map.of(signal) {
            Mapped::Pass(to) => passed(signal, (!shared || to != signal).then_some(to), actions),
            Mapped::PassOnly => passed(signal, (!shared).then_some(signal), actions),
            Mapped::Drop => actions.push(Action::Tell(Notice::Swallowed(signal))),
            Mapped::Recycle => {}
        }
        let meaning = self.meaning(signal);
        match meaning {
            // To a stopped process TERM means nothing until CONT (signal(7)).
            Meaning::Leave => actions.push(Action::Pass(Signal::CONT)),
            Meaning::Nothing
            | Meaning::Interrupt
            | Meaning::HangUp
            | Meaning::Suspend
            | Meaning::Wake
            | Meaning::Recycle => {}
        }
        meaning
    }

    /// The same when COMMAND has ended, after TERM: what it has left behind may be the real server.
    pub(super) fn pass_to_rest(&self, signal: Signal, shared: bool, actions: &mut Vec<Action>) {
        let to = match self.rules.map.of(signal) {
            Mapped::Pass(to) => Some(to),
            Mapped::PassOnly => Some(signal),
            Mapped::Drop => {
                actions.push(Action::Tell(Notice::Swallowed(signal)));
                None
            }
            Mapped::Recycle => None,
        };
        if let Some(to) = to {
            let to = (!shared || to != signal).then_some(to);
            actions.extend(to.map(Action::PassToRest));
            actions.push(Action::Tell(Notice::Passed { signal, to }));
        }
        suspend_too(self.meaning(signal), signal, shared, actions);
    }

    /// Notes which stop COMMAND was passed, until CONT comes or it has stopped. Servers take these
    /// signals for something else (gunicorn's TTIN adds a worker, Sidekiq's TSTP takes no more
    /// jobs): whether we are to stop shows only when COMMAND does.
    pub(super) fn note_stop_signal(&mut self, event: &Event) {
        let Event::Signalled { signal, .. } = *event else { return };
        match (self.meaning(signal), self.rules.map.of(signal)) {
            (Meaning::Suspend, Mapped::Pass(to)) => self.stop_passed = Some(to),
            _ if signal == Signal::CONT => self.stop_passed = None,
            _ => {}
        }
    }

    /// Notes who wants an end, and how we would end for that.
    pub(super) fn note_interrupt(&mut self, event: &Event) {
        let Event::Signalled { signal, .. } = *event else { return };
        match self.meaning(signal) {
            // TERM came before.
            Meaning::Interrupt if matches!(self.state, State::Leaving { .. }) => {}
            Meaning::Interrupt => self.interrupt = Some(signal),
            Meaning::Leave => self.interrupt = None,
            _ => {}
        }
    }

    /// How we end for a COMMAND that was being stopped when INT or QUIT came. If it died of what we
    /// sent, that came first by chance only: whoever typed Ctrl-C wants what a shell does then.
    pub(super) fn interrupted_end(&self, exit: Exit, killed: bool) -> End {
        match (self.interrupt, exit) {
            (Some(interrupt), Exit::Killed(signal))
                if signal == self.rules.stop_signal || killed && signal == Signal::KILL =>
            {
                End::Signal(interrupt)
            }
            _ => exit.into(),
        }
    }

    /// What is done about a COMMAND that was stopped: whoever sent us the signal, and a shell that
    /// waits for us, must learn of it. Where no shell does, nobody could ever wake a COMMAND that
    /// has the terminal to itself after a Ctrl-Z.
    pub(super) fn halted(&mut self, halt: Halt, actions: &mut Vec<Action>) {
        // One that shares our group and was sent STOP alone, or sends it to itself, goes on by
        // itself; after a Ctrl-Z, STOP is its way to stop.
        let by_job_control =
            halt.terminal || halt.signal != Signal::STOP || self.stop_passed == Some(Signal::TSTP);
        match halt.signal {
            // A shell's `fg` may give us the foreground without a word.
            Signal::TTIN | Signal::TTOU if halt.foreground => actions.push(Action::Wake),
            signal if self.stop_passed == Some(signal) || halt.shell && by_job_control => {
                self.stop_passed = None;
                actions.push(Action::Suspend(signal));
            }
            Signal::TSTP if halt.terminal => actions.push(Action::Wake),
            // By hand, or because others have the foreground: it would only stop again.
            _ => {}
        }
    }

    /// The same while COMMAND is about to be stopped for good: that has its time, whatever is
    /// typed meanwhile, and no shell takes over.
    pub(super) fn halted_at_stop(&mut self, halt: Halt, actions: &mut Vec<Action>) {
        self.halted(Halt { shell: false, ..halt }, actions);
    }

    /// COMMAND refused a signal. A stop that was to begin with it has only time to wait for.
    pub(super) fn note_undelivered(&mut self, signal: Signal) {
        let stop = match &mut self.state {
            State::Stopping { stop, .. }
            | State::Clearing { after: Aftermath { next: Next::Planned(stop), .. }, .. } => stop,
            _ => return,
        };
        if stop.opening == Opening::Asked(signal) {
            stop.opening = Opening::Refused(signal);
        }
    }

    /// We are in the background of the terminal that we would read for COMMAND.
    pub(super) fn in_background(&self, actions: &mut Vec<Action>) {
        let lives = match &self.state {
            State::Starting { .. }
            | State::Running { .. }
            | State::Preparing { .. }
            | State::Draining { .. }
            | State::Stopping { .. }
            | State::Leaving { .. }
            | State::Outstaying { .. } => true,
            State::Waiting { .. } | State::Asleep { .. } | State::Clearing { .. } => false,
            State::Done => return,
        };
        if lives {
            actions.push(Action::Pass(Signal::TTIN));
        }
        actions.push(Action::Suspend(Signal::TTIN));
    }
}

/// `to`: what COMMAND gets of us; `None`: the group got it.
fn passed(signal: Signal, to: Option<Signal>, actions: &mut Vec<Action>) {
    actions.extend(to.map(|to| match to {
        Signal::CONT => Action::Wake,
        to => Action::Pass(to),
    }));
    actions.push(Action::Tell(Notice::Passed { signal, to }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Rules, SignalMap};
    use crate::time::Time;
    use std::time::Duration;

    #[test]
    fn who_wants_an_end_says_so_by_term_int_or_quit() {
        let map = SignalMap(vec![(Signal::QUIT, Mapped::Drop)]);
        let now = Time::at(Duration::ZERO);
        let core = Lifecycle::new(Rules { map, ..Rules::none() }, now, 0);
        assert_eq!(core.wish(Signal::TERM), Some(Wish::End));
        assert_eq!(core.wish(Signal::INT), Some(Wish::Interruption));
        assert_eq!(core.wish(Signal::QUIT), None, "dropped");
        assert_eq!(core.wish(Signal::HUP), Some(Wish::HangUp));
    }
}
