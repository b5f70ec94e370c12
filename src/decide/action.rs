//! What is to be done: the answer of the core to an event.

use std::time::Duration;

use super::event::Look;
use super::exit::{End, Signal};
use super::notice::Notice;
use super::reason::{Cause, Reason};

/// Something is to be done. Imperative.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Start COMMAND; `Started` or `StartFailed` follows.
    Start {
        generation: u64,
        cause: Option<Cause>,
    },
    /// See whether another generation could start; `Checked` follows.
    Check,
    /// Run `--pre-stop`; `Prepared` follows.
    Prepare(Preparation),
    /// Hand over no line more than the one that was begun, and close COMMAND's input; `InputCut`
    /// follows, after a line's end.
    CutInput,
    /// From now until COMMAND's end, hear of a Ctrl-C that reaches COMMAND's process group alone;
    /// `Signalled` follows.
    WatchInterrupts,
    /// Send a signal to COMMAND, as far as `--signal-scope` says.
    Pass(Signal),
    /// Send a signal to all that COMMAND has left behind.
    PassToRest(Signal),
    /// Have COMMAND go on after a stop (CONT): as all that a terminal stopped, with the foreground
    /// if that is ours to give.
    Wake,
    /// Signal every process of the tree; `TreeGone` or `TreeDefied` follows.
    Sweep(Force),
    /// Look at the system; `Observed` follows.
    Look(Look),
    /// Stop ourselves, by the signal that COMMAND was stopped by: a shell that waits for us sees
    /// what it would see of COMMAND.
    Suspend(Signal),
    Tell(Notice),
    /// Tell what COMMAND has left behind, if anything: nobody watches it any more.
    TellLeft,
    /// The last action of all.
    Quit(End),
}

/// What is about to be stopped, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preparation {
    pub generation: u64,
    pub age: Duration,
    pub reason: Reason,
}

/// How a tree is told to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// TERM, then CONT: to each process once.
    Ask,
    /// KILL, until none is left.
    Kill,
}
