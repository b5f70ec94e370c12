//! What there is to report: facts with their numbers. `Notice::entry` lists them all; the words are
//! in `report`.

use std::time::Duration;

use super::awake::{Awake, Unarmed};
use super::event::{Memory, Sight, Tree, Unseen};
use super::exit::{Exit, Failure, Signal};
use super::reason::{Cause, Reason};
use super::rules::Measure;
use crate::units::Bytes;

/// One thing worth a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A planned recycle is over: the tree is gone.
    Recycled(Recycled),
    /// COMMAND ended by itself. It will be started again, or: `None`.
    Exited { generation: u64, exit: Exit, age: Duration, again_in: Option<Duration> },
    /// A start failed and will be tried again; `None`: it will not. `again`: the one before failed
    /// for the same reason.
    StartFailed { failure: Failure, again_in: Option<Duration>, again: bool },
    /// A recycle is due, and held: no generation could follow. Told again when the failure is
    /// another one.
    CannotRecycle { generation: u64, reason: Reason, failure: Failure },
    /// Too many restarts.
    GaveUp { restarts: u32, window: Duration },
    /// Two generations in a row were over the memory limit right after their start.
    LimitTooLow { used: Bytes, limit: Bytes, measure: Measure, held_until: Duration },
    /// A recycle came although memory recycles are held: memory had passed 1.5 times the limit, or
    /// 90% of `--kill-rss`. The next start waits.
    Runaway { limit: Bytes, measure: Measure, again_in: Duration },
    /// `--kill-rss` killed two generations in a row right after their start.
    KillLimitTooLow { limit: Bytes, again_in: Duration },
    /// Idle recycles in a row of generations that only saw their clients reconnect: the next such
    /// one is kept until this age.
    OnlyReconnects { generation: u64, kept_until: Duration },
    /// With `--idle-floor auto`: so much moves in the background, and more than the floor is
    /// traffic. 0: nothing does any more. `again`: something was told before.
    Background { bytes: Bytes, window: Duration, floor: Bytes, again: bool },
    /// Some of the tree still lives long after KILL.
    StillAlive { after: Duration },
    /// Every process that is left refuses our signals.
    Refused,
    /// The input has ended, so a recycle that was asked for, or was being prepared, does not come:
    /// the next generation would find nothing.
    NothingLeftToRead,
    /// A line on standard input is longer than this.
    LongLine { longest: Bytes },
    /// A generation that did not end well had taken these, and may not have done with them.
    LinesTaken { generation: u64, lines: u64 },
    /// The input ended so long ago, and COMMAND has not: it is stopped for good.
    OutlivedInput { after: Duration },
    /// For ten windows of `--idle`, or longer, nothing has moved after which it can go idle.
    NeverArmed { generation: u64, age: Duration, why: Unarmed },
    /// Something cannot be seen; what depends on it will not happen.
    CannotSee(Unseen),
    /// Variables that do not apply to this command line, each with the reason.
    VariablesIgnored { variables: Vec<(String, String)> },
    /// Numbers for graphs cannot go where they were to go; `again`: that is tried again.
    MetricsFailed { target: String, error: String, again: bool },
    /// A recycle has been due for a long time, and something holds it still.
    HeldLong { hold: Hold, held: Duration },
    /// COMMAND ended well by itself, and so do we: what it started goes on, and nobody watches it.
    LeftBehind { processes: usize, program: String },
    /// `--on-event` or `--pre-stop` failed; what it was for goes on.
    HookFailed { hook: Hook, failure: HookFailure },
    /// So many events were not told to `--on-event`.
    EventsLost { count: u64 },
    /// `--sample-every`, `--metrics`.
    Sampled { generation: u64, sample: Sample },
    /// With `--observe`: what would have been a recycle, so long after the start or the last one.
    WouldRecycle { generation: u64, age: Duration, lived: Duration, reason: Reason },
    /// The sum of it, so far.
    Observed(Box<Observed>),
    /// Only with `--verbose`, from here on.
    Started { generation: u64 },
    /// What was seen, and when the next look is.
    Looked {
        memory: Option<LookedAtMemory>,
        traffic: Option<Quietness>,
        again_in: Option<Duration>,
    },
    /// A recycle is due, but something holds it.
    Held(Hold),
    /// Nothing holds it any more: a recycle begins.
    Due { generation: u64, age: Duration, reason: Reason },
    /// The stop has begun.
    Stopping { generation: u64, age: Duration, reason: Reason, opening: Opening },
    /// The next start comes after this.
    Backoff { generation: u64, wait: Duration },
    /// The next start comes when input waits.
    Waiting { generation: u64 },
    /// A signal came and was passed on as this one; `None`: COMMAND had got it as well.
    Passed { signal: Signal, to: Option<Signal> },
    /// A signal came and could not be passed on as this one: as in `errno(3)`.
    NotPassed { signal: Signal, to: Signal, errno: i32 },
    /// A signal came and was not passed on.
    Swallowed(Signal),
}

/// `-q`, `-v`, or neither; and from which of them on a notice is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loudness {
    /// Errors only.
    Quiet,
    #[default]
    Normal,
    /// Also explain each decision.
    Verbose,
}

/// What is known of a notice before its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in logs and for hooks.
    pub event: &'static str,
    pub loudness: Loudness,
    /// Whether `--on-event` is run for it.
    pub alerts: bool,
    /// People are told once, however often it comes.
    pub once: bool,
}

impl Notice {
    /// The list of all notices.
    pub fn entry(&self) -> Entry {
        use Loudness::{Normal, Quiet, Verbose};
        let entry = |event, loudness| Entry { event, loudness, alerts: false, once: false };
        let alert = |event, loudness| Entry { alerts: true, ..entry(event, loudness) };
        let once = |entry| Entry { once: true, ..entry };
        match self {
            Self::Recycled(_) => alert("recycled", Normal),
            Self::Exited { exit, again_in, .. } => {
                let loudness = if again_in.is_some() { Normal } else { Verbose };
                Entry { alerts: exit.is_failure(), ..entry("exited", loudness) }
            }
            Self::StartFailed { again: false, .. } => alert("start_failed", Quiet),
            Self::StartFailed { again: true, .. } => entry("start_failed", Verbose),
            Self::CannotRecycle { .. } => entry("cannot_recycle", Normal),
            Self::GaveUp { .. } => alert("gave_up", Quiet),
            Self::LimitTooLow { .. } => once(alert("limit_too_low", Normal)),
            Self::Runaway { .. } => once(alert("runaway", Normal)),
            Self::KillLimitTooLow { .. } => once(alert("kill_limit_too_low", Normal)),
            Self::OnlyReconnects { .. } => alert("only_reconnects", Normal),
            Self::Background { again: false, .. } => entry("background", Normal),
            Self::Background { again: true, .. } => entry("background", Verbose),
            Self::StillAlive { .. } => alert("still_alive", Normal),
            Self::Refused => alert("refused", Quiet),
            Self::NothingLeftToRead => entry("nothing_left_to_read", Normal),
            Self::LongLine { .. } => once(alert("long_line", Quiet)),
            Self::LinesTaken { .. } => alert("lines_taken", Quiet),
            Self::OutlivedInput { .. } => alert("outlived_input", Normal),
            Self::NeverArmed { .. } => once(entry("never_armed", Normal)),
            // A limit that was asked for does nothing then. Each thing unseen is told once.
            Self::CannotSee(Unseen { what: Sight::Processes | Sight::Memory, .. }) => {
                entry("cannot_see", Quiet)
            }
            Self::CannotSee(_) => entry("cannot_see", Normal),
            Self::VariablesIgnored { .. } => entry("variables_ignored", Normal),
            Self::MetricsFailed { .. } => entry("metrics_failed", Normal),
            Self::HeldLong { .. } => alert("held_long", Normal),
            Self::LeftBehind { .. } => alert("left_behind", Normal),
            Self::HookFailed { .. } => entry("hook_failed", Normal),
            Self::EventsLost { .. } => entry("events_lost", Normal),
            Self::Sampled { .. } => entry("sample", Normal),
            Self::WouldRecycle { .. } => entry("would_recycle", Normal),
            Self::Observed(_) => entry("observed", Normal),
            Self::Started { .. } => entry("started", Verbose),
            Self::Looked { .. } => entry("looked", Verbose),
            Self::Held(_) => entry("held", Verbose),
            Self::Due { .. } => entry("due", Verbose),
            Self::Stopping { .. } => entry("recycling", Verbose),
            Self::Backoff { .. } => entry("backoff", Verbose),
            Self::Waiting { .. } => entry("waiting", Normal),
            Self::Passed { .. } => entry("passed", Verbose),
            Self::NotPassed { .. } => entry("not_passed", Verbose),
            Self::Swallowed(_) => entry("swallowed", Verbose),
        }
    }
}

/// What a generation held and did at a moment. `None`: it could not be seen, or nobody looked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Of the generation.
    pub age: Duration,
    pub memory: Option<Memory>,
    /// How long there has been no traffic.
    pub quiet: Option<Duration>,
    pub tree: Option<Tree>,
}

/// What `--observe` has seen, and what follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// It is over; else: at a sample.
    pub last: bool,
    pub generations: u64,
    /// Since the first one started.
    pub span: Duration,
    /// How many recycles there would have been for each reason.
    pub would: Vec<(Cause, u64)>,
    /// `None`: it could not be seen.
    pub course: Option<Course>,
    /// Traffic could be seen.
    pub sees_traffic: bool,
    /// `None`: there was no traffic that could be seen.
    pub gaps: Option<Gaps>,
    /// `None`: there is no steady one.
    pub background: Option<Background>,
    /// `None`: it is too soon.
    pub advice: Option<Advice>,
}

/// Memory over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    pub usual: Bytes,
    pub peak: Bytes,
    /// `None`: it does not grow steadily.
    pub growth: Option<Growth>,
}

/// Memory that grows and grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// What there was before it grew.
    pub young: Bytes,
    /// What it has grown to.
    pub grown: Bytes,
    pub per_hour: Bytes,
}

/// Silences between traffic, of a second or more, in which COMMAND did not work. Without any, the
/// times are zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaps {
    pub count: u64,
    pub median: Duration,
    pub p95: Duration,
    pub longest: Duration,
}

impl Gaps {
    /// Of fewer gaps nobody knows what is usual.
    pub const FEWEST: u64 = 3;
}

/// Steady traffic in the background.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Background {
    /// In each window, on connections that others opened, and on those of COMMAND's own.
    pub inbound: Bytes,
    pub outbound: Bytes,
    pub window: Duration,
    /// Between what is more than that. `None`: nothing is.
    pub gaps: Option<Gaps>,
}

/// What to set. `None`: there is no reason for any.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Advice {
    pub fit: Option<Fit>,
    /// `--idle`.
    pub idle: Option<Duration>,
    /// `--quiet`, with the limit.
    pub quiet: Option<Duration>,
    /// `--idle-floor`, and the idle time that it is for.
    pub floor: Option<(Bytes, Duration)>,
    /// `--settle 0s`: an early job moved so much at once.
    pub early_job: Option<Bytes>,
}

/// How `--max-rss` fits between what COMMAND needs and what there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fit {
    /// Above what a young generation has; it grows to that in this time.
    Leak { limit: Bytes, young: Bytes, within: Duration },
    /// Above all that it had.
    Steady { limit: Bytes },
    /// It needs nearly all of the memory that there is.
    Cramped { memory: Bytes },
}

impl Fit {
    /// `--max-rss`, if it fits.
    pub fn limit(self) -> Option<Bytes> {
        match self {
            Self::Leak { limit, .. } | Self::Steady { limit } => Some(limit),
            Self::Cramped { .. } => None,
        }
    }
}

/// A memory sample with what it is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LookedAtMemory {
    pub memory: Memory,
    pub limit: Bytes,
    /// Bytes per second since the look before.
    pub growth: Bytes,
}

/// How quiet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quietness {
    /// How long there has been no traffic.
    pub quiet: Duration,
    /// What keeps the generation from being idle, if `--idle` or `--quiet` asks.
    pub awake: Option<Awake>,
}

/// What a recycle did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recycled {
    pub generation: u64,
    pub reason: Reason,
    /// Of the generation, when its stop began.
    pub age: Duration,
    pub opening: Opening,
    /// How long after that KILL was sent, if it had to be.
    pub killed_after: Option<Duration>,
    /// How long it took until the whole tree was gone.
    pub gone_in: Duration,
}

/// How a stop began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// COMMAND was sent this signal.
    Asked(Signal),
    /// The same, and COMMAND refused it (`EPERM`).
    Refused(Signal),
    /// The tree was killed at once.
    Killed,
    /// COMMAND ended by itself while its stop was prepared.
    Ended,
    /// It came to the end of its input, which had been closed for that.
    Drained,
}

/// A command of the user's own, beside COMMAND.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    OnEvent,
    PreStop,
}

/// What became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookFailure {
    /// With a status that is not 0, or by a signal.
    Ended(Exit),
    /// It was killed after this.
    TimedOut(Duration),
    /// It could not be started: as in `errno(3)`.
    NotStarted(i32),
}

/// What can hold a recycle that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    MinLifetime,
    /// INT, QUIT or HUP came: COMMAND may be about to end.
    Interrupted,
    /// `--quiet`: there is traffic.
    Traffic,
    /// The limit looks too low for this command.
    Storm,
    /// COMMAND is stopped.
    Stopped,
    /// Idle recycles do not help: COMMAND only sees its clients reconnect.
    Reconnects,
    /// COMMAND cannot be started at the moment.
    Unstartable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_ends_only_failures_alert() {
        for (status, alerts) in [(0, false), (1, true)] {
            let exit = Exit::Status(status);
            let notice =
                Notice::Exited { generation: 1, exit, age: Duration::ZERO, again_in: None };
            assert_eq!(notice.entry().alerts, alerts);
        }
        assert!(Notice::Refused.entry().alerts);
        assert!(!Notice::Started { generation: 1 }.entry().alerts);
    }

    #[test]
    fn some_are_told_people_once_and_errors_also_when_quiet() {
        let limit = Bytes(1);
        let low = Notice::KillLimitTooLow { limit, again_in: Duration::ZERO }.entry();
        assert!(low.once && low.alerts && low.loudness == Loudness::Normal);
        let long = Notice::LongLine { longest: limit }.entry();
        assert!(long.once && long.alerts && long.loudness == Loudness::Quiet);
        let lines = Notice::LinesTaken { generation: 1, lines: 2 }.entry();
        assert!(!lines.once && lines.alerts);
        let ended = Notice::Exited {
            generation: 1,
            exit: Exit::Status(0),
            age: Duration::ZERO,
            again_in: Some(Duration::ZERO),
        };
        assert_eq!(ended.entry().loudness, Loudness::Normal);
    }
}
