//! What there is to tell people: facts with their numbers. The words are in `report`.

use std::time::Duration;

use super::event::{Memory, Reason, Tree, Unseen};
use super::exit::{Exit, Failure, Signal};
use super::rules::Measure;
use crate::units::Bytes;

/// One thing worth a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Notice {
    /// A planned recycle is over: the tree is gone.
    Recycled(Recycled),
    /// COMMAND ended by itself. It will be started again, or: `None`.
    Exited { generation: u64, exit: Exit, age: Duration, again_in: Option<Duration> },
    /// A start failed and will be tried again; `None`: it will not.
    StartFailed { failure: Failure, again_in: Option<Duration> },
    /// Too many restarts.
    GaveUp { restarts: u32, window: Duration },
    /// Two generations in a row were over the memory limit right after their start.
    LimitTooLow { used: Bytes, limit: Bytes, measure: Measure, held_until: Duration },
    /// `--kill-rss` killed two generations in a row right after their start.
    KillLimitTooLow { limit: Bytes, again_in: Duration },
    /// Some of the tree still lives long after KILL.
    StillAlive { after: Duration },
    /// Every process that is left refuses our signals.
    Refused,
    /// The input has ended, so a recycle that was asked for, or was being prepared, does not come:
    /// the next generation would find nothing.
    NothingLeftToRead,
    /// Something cannot be seen; what depends on it will not happen.
    CannotSee(Unseen),
    /// Numbers for graphs cannot go where they were to go; `again`: that is tried again.
    MetricsFailed { target: String, error: String, again: bool },
    /// A recycle has been due for a long time, and something holds it still.
    HeldLong { hold: Hold, held: Duration },
    /// `--on-event` or `--pre-stop` failed; what it was for goes on.
    HookFailed { hook: Hook, failure: HookFailure },
    /// So many events were not told to `--on-event`.
    EventsLost { count: u64 },
    /// `--sample-every`, `--metrics`.
    Sampled { generation: u64, sample: Sample },
    /// Only with `--verbose`, from here on.
    Started { generation: u64 },
    /// What was seen, and when the next look is.
    Looked { memory: Option<LookedAtMemory>, quiet: Option<Duration>, again_in: Option<Duration> },
    /// A recycle is due, but something holds it.
    Held(Hold),
    /// Nothing holds it any more: a recycle begins.
    Due { generation: u64, age: Duration, reason: Reason },
    /// The stop has begun.
    Stopping { generation: u64, age: Duration, reason: Reason, opening: Opening },
    /// The next start comes after this.
    Backoff { generation: u64, wait: Duration },
    /// A signal came and was not passed on.
    Swallowed(Signal),
}

/// What a generation held and did at a moment. `None`: it could not be seen, or nobody looked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Of the generation.
    pub(crate) age: Duration,
    pub(crate) memory: Option<Memory>,
    /// How long there has been no traffic.
    pub(crate) quiet: Option<Duration>,
    pub(crate) tree: Option<Tree>,
}

/// A memory sample with what it is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LookedAtMemory {
    pub(crate) memory: Memory,
    pub(crate) limit: Bytes,
    /// Bytes per second since the look before.
    pub(crate) growth: Bytes,
}

/// What a recycle did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Recycled {
    pub(crate) generation: u64,
    pub(crate) reason: Reason,
    /// Of the generation, when its stop began.
    pub(crate) age: Duration,
    pub(crate) opening: Opening,
    /// How long after that KILL was sent, if it had to be.
    pub(crate) killed_after: Option<Duration>,
    /// How long it took until the whole tree was gone.
    pub(crate) gone_in: Duration,
}

/// How a stop began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// COMMAND was sent this signal.
    Asked(Signal),
    /// The tree was killed at once.
    Killed,
    /// COMMAND ended by itself while its stop was prepared.
    Ended,
}

/// A command of the user's own, beside COMMAND.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    OnEvent,
    PreStop,
}

/// What became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HookFailure {
    /// With a status that is not 0, or by a signal.
    Ended(Exit),
    /// It was killed after this.
    TimedOut(Duration),
    /// It could not be started: as in `errno(3)`.
    NotStarted(i32),
}

/// What can hold a recycle that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    MinLifetime,
    /// INT, QUIT or HUP came: COMMAND may be about to end.
    Interrupted,
    /// `--quiet`: there is traffic.
    Traffic,
    /// The limit looks too low for this command.
    Storm,
    /// COMMAND is stopped.
    Stopped,
}
