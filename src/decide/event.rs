//! What goes into the core: what happened and what was seen. Plain data, no effects.

mod memory;

use std::time::Duration;

pub use self::memory::{Memory, MemoryLook};
use super::exit::{Exit, Failure, Signal};
use super::time::Time;
use super::traffic::Traffic;
pub use super::unseen::{Sight, Unseen};

/// Something happened. Past tense.
#[derive(Clone, Debug)]
pub enum Event {
    /// COMMAND's program runs: `execve` worked.
    Started,
    /// The start that was asked for failed; nothing of that generation lives.
    StartFailed(Failure),
    /// The answer to `Action::Check`, which comes before any other event; `None`: another
    /// generation could start now.
    Checked(Option<Failure>),
    /// COMMAND's own process ended and was reaped.
    Exited(Exit),
    /// After COMMAND's own process, the last process of the tree is gone (zombies count as gone).
    TreeGone,
    /// Every process that is left refuses our signals (`EPERM`, `kill(2)`).
    TreeDefied,
    Signalled {
        signal: Signal,
        /// COMMAND got it as well, if it lives: the kernel sent it to the group that we share
        /// (`tty_ioctl(2)`).
        shared: bool,
    },
    /// A signal of `Action::Pass` was not delivered: COMMAND refuses it (`EPERM`, `kill(2)`).
    Undelivered(Signal),
    /// COMMAND's own process was stopped (`WIFSTOPPED`, `wait(2)`).
    Stopped(Halt),
    /// It is us who would read the terminal, and we are in its background: a program that reads
    /// by itself would be stopped now.
    InBackground,
    /// The answer to `Action::Look`.
    Observed(Observation),
    /// A tripwire was sprung: traffic, just now.
    Moved(Traffic),
    /// A tree that slept at the last look has run.
    Ran,
    /// What `Action::Prepare` asked for has ended, however it did, or could not be begun.
    Prepared { generation: u64 },
    /// Standard input has ended: its writer is gone.
    InputEnded,
    /// It has, and had carried data; or no line of it is left: the next would find nothing.
    InputSpent,
    /// There is something to read for a generation.
    InputWaits,
    /// What `Action::CutInput` asked for is done, or done when COMMAND reads on.
    InputCut,
    /// So many lines a generation had taken in its last moments: told before its end, and again
    /// before that of its tree, which may have read on.
    LinesTaken { lines: u64 },
    /// The deadline came while we waited for it, and we did not run then, nor for a while after it:
    /// stopped, frozen with the whole container, or without a processor. COMMAND was most likely no
    /// better off.
    Overslept {
        /// When the wait began.
        since: Time,
    },
    /// The deadline has come.
    Due,
}

/// How COMMAND was stopped, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    pub signal: Signal,
    /// On a terminal that nobody but COMMAND and us uses.
    pub terminal: bool,
    /// We have the foreground there, and can give it to COMMAND.
    pub foreground: bool,
    /// At the terminal a shell waits for us, and takes over when we stop, too.
    pub shell: bool,
}

/// What to look at. Looking costs: nothing more is asked for than what the next decision needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    pub memory: Option<MemoryLook>,
    pub traffic: Option<TrafficLook>,
    /// Walk the tree anew: which processes there are, whether COMMAND is stopped, CPU used.
    pub walk: bool,
    /// Processes first seen after this are new: a fork shows its parent's whole size for a moment.
    pub settled_by: Option<Time>,
}

impl Look {
    /// All traffic of the whole tree.
    pub const ALL_TRAFFIC: Self =
        Self { memory: None, traffic: Some(TrafficLook::All), walk: true, settled_by: None };

    /// The same, as far as it can have changed.
    pub const CHANGED_TRAFFIC: Self =
        Self { traffic: Some(TrafficLook::Changed), ..Self::ALL_TRAFFIC };

    /// Both looks in one.
    pub fn and(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            traffic: self.traffic.max(other.traffic),
            walk: self.walk || other.walk,
            settled_by: self.settled_by.or(other.settled_by),
        }
    }

    /// Whether this look saw at least what the other would see.
    pub fn covers(self, other: Self) -> bool {
        self.memory >= other.memory && self.traffic >= other.traffic && (self.walk || !other.walk)
    }
}

/// How widely to look at traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrafficLook {
    /// The socket that moved last, and standard input.
    Hottest,
    /// Everything, but not again while the tree has not run: then it has opened nothing, and has
    /// read and sent nothing.
    Changed,
    /// Everything.
    All,
}

/// What was seen. A sample belongs to one generation. What was asked for and is `None` could not be
/// seen, and `unseen` says why: it is never zero and never quiet.
#[derive(Clone, Debug)]
pub struct Observation {
    pub generation: u64,
    pub look: Look,
    pub memory: Option<Memory>,
    pub traffic: Option<Traffic>,
    pub tree: Option<Tree>,
    pub unseen: Vec<Unseen>,
    /// CPU time that this look took.
    pub cost: Duration,
}

/// The tree as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tree {
    /// CPU time used by all its processes, and by those that they have waited for.
    pub cpu: Duration,
    /// COMMAND's own process is stopped, by job control or a debugger.
    pub stopped: bool,
    /// How many they are, zombies among them.
    pub processes: usize,
    /// None of them has run since the last look at memory, and `Event::Ran` comes when one does.
    pub asleep: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_covers_what_it_saw_and_no_more() {
        let walk = Look { walk: true, ..Look::default() };
        assert!(walk.covers(walk) && walk.covers(Look::default()));
        assert!(Look::default().covers(Look::default()));
        assert!(!Look::default().covers(walk), "nobody has seen whether COMMAND is stopped");
        let hottest = Look { traffic: Some(TrafficLook::Hottest), ..walk };
        assert!(Look::ALL_TRAFFIC.covers(hottest) && !hottest.covers(Look::ALL_TRAFFIC));
        let memory = |closely| Look { memory: Some(closely), ..walk };
        let (counters, pages) = (memory(MemoryLook::Counters), memory(MemoryLook::Pages));
        assert!(pages.covers(counters) && !counters.covers(pages) && !walk.covers(counters));
    }
}
