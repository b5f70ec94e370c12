//! What signals mean, and what is done about them wherever they come.

use super::starting::suspend_too;
use super::{
    Action, Aftermath, End, Event, Exit, Lifecycle, Next, Notice, Opening, Signal, State, Why,
};
use crate::event::Halt;
use crate::rules::Mapped;

/// What a signal means to us, beyond being passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    Nothing,
    /// TERM: no more generations.
    End,
    /// INT, QUIT: an end, unless COMMAND takes it for something else.
    Interrupt,
    /// HUP: the same, if COMMAND ends soon. A terminal is gone, or a configuration is to be read.
    HangUp,
    /// TSTP, TTIN, TTOU: we stop, too, if COMMAND does.
    Suspend,
    /// CONT: COMMAND goes on.
    Wake,
    /// `--map-signal SIGNAL:recycle`.
    Recycle,
}

impl Lifecycle {
    /// What a signal that came means. One that is mapped to `none` or `recycle` means that.
    pub fn intent(&self, signal: Signal) -> Intent {
        match (self.rules.map.of(signal), signal) {
            (Mapped::Recycle, _) => Intent::Recycle,
            (Mapped::Drop | Mapped::PassOnly, _) => Intent::Nothing,
            (Mapped::Pass(_), Signal::TERM) => Intent::End,
            (Mapped::Pass(_), Signal::INT | Signal::QUIT) => Intent::Interrupt,
            (Mapped::Pass(_), Signal::HUP) => Intent::HangUp,
            (Mapped::Pass(_), Signal::TSTP | Signal::TTIN | Signal::TTOU) => Intent::Suspend,
            (Mapped::Pass(_), Signal::CONT) => Intent::Wake,
            (Mapped::Pass(_), _) => Intent::Nothing,
        }
    }

    /// Passes a signal on, as far as the rules say, and tells what it means.
    pub(super) fn pass(&self, signal: Signal, shared: bool, actions: &mut Vec<Action>) -> Intent {
        match self.rules.map.of(signal) {
            Mapped::Pass(to) => passed(signal, (!shared || to != signal).then_some(to), actions),
            Mapped::PassOnly => passed(signal, (!shared).then_some(signal), actions),
            Mapped::Drop => actions.push(Action::Tell(Notice::Swallowed(signal))),
            Mapped::Recycle => {}
        }
        let intent = self.intent(signal);
        match intent {
            // To a stopped process TERM means nothing until CONT (signal(7)).
            Intent::End => actions.push(Action::Pass(Signal::CONT)),
            Intent::Nothing
            | Intent::Interrupt
            | Intent::HangUp
            | Intent::Suspend
            | Intent::Wake
            | Intent::Recycle => {}
        }
        intent
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
        suspend_too(self.intent(signal), signal, shared, actions);
    }

    /// Notes which stop COMMAND was passed, until CONT comes or it has stopped. Servers take these
    /// signals for something else (gunicorn's TTIN adds a worker, Sidekiq's TSTP takes no more
    /// jobs): whether we are to stop shows only when COMMAND does.
    pub(super) fn note_stop_signal(&mut self, event: &Event) {
        let Event::Signalled { signal, .. } = *event else { return };
        match (self.intent(signal), self.rules.map.of(signal)) {
            (Intent::Suspend, Mapped::Pass(to)) => self.stop_passed = Some(to),
            _ if signal == Signal::CONT => self.stop_passed = None,
            _ => {}
        }
    }

    /// Notes who wants an end, and how we would end for that.
    pub(super) fn note_interrupt(&mut self, event: &Event) {
        let Event::Signalled { signal, .. } = *event else { return };
        match self.intent(signal) {
            // TERM came before.
            Intent::Interrupt if matches!(self.state, State::Stopping { why: Why::Asked, .. }) => {}
            Intent::Interrupt => self.interrupt = Some(signal),
            Intent::End => self.interrupt = None,
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
            State::Stopping { why: Why::Planned(stop), .. }
            | State::Reaping { after: Aftermath { next: Next::Planned(stop), .. }, .. } => stop,
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
            | State::Stopping { .. } => true,
            State::Waiting { .. } | State::Asleep { .. } | State::Reaping { .. } => false,
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
    fn term_int_quit_and_hup_ask_for_an_end() {
        let map = SignalMap(vec![(Signal::QUIT, Mapped::Drop)]);
        let now = Time::at(Duration::ZERO);
        let core = Lifecycle::new(Rules { map, ..Rules::none() }, now, 0);
        assert_eq!(core.intent(Signal::TERM), Intent::End);
        assert_eq!(core.intent(Signal::INT), Intent::Interrupt);
        assert_eq!(core.intent(Signal::QUIT), Intent::Nothing, "dropped");
        assert_eq!(core.intent(Signal::HUP), Intent::HangUp);
    }
}
