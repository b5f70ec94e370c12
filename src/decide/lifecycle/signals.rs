//! What signals mean, and what is done about them wherever they come.

use super::{Action, Lifecycle, Notice, Signal};
use crate::decide::rules::Mapped;

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
    /// TSTP, TTIN, TTOU: we stop, too.
    Suspend,
    /// CONT: COMMAND goes on.
    Wake,
    /// `--map-signal SIGNAL:recycle`.
    Recycle,
}

/// What a signal says about the end of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
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
    pub(crate) fn wish(&self, signal: Signal) -> Option<Wish> {
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
            Meaning::Suspend => actions.push(Action::Suspend(signal)),
            Meaning::Nothing
            | Meaning::Interrupt
            | Meaning::HangUp
            | Meaning::Wake
            | Meaning::Recycle => {}
        }
        meaning
    }
}

/// What is done about a COMMAND that was stopped on a terminal: the shell that waits for us must
/// learn of it. Where none does, nobody could ever wake COMMAND after a Ctrl-Z.
pub(super) fn stopped(signal: Signal, foreground: bool, shell: bool, actions: &mut Vec<Action>) {
    match signal {
        // A shell's `fg` may give us the foreground without a word.
        Signal::TTIN | Signal::TTOU if foreground => actions.push(Action::Wake),
        _ if shell => actions.push(Action::Suspend(signal)),
        Signal::TSTP => actions.push(Action::Wake),
        // By hand, or because others have the foreground: it would only stop again.
        _ => {}
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
    use crate::decide::rules::{Rules, SignalMap};
    use crate::decide::time::Time;
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
