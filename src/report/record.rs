//! A notice as a name and fields with values: what every machine's format says, each in its way.
//! Names and units are a promise (`recycle-events(5)`, LOGS): new ones may come, old ones stay.

use std::borrow::Cow;
use std::time::Duration;

use super::observed;
use super::sights::{error, word};
use super::text;
use crate::decide::event::{Memory, Unseen};
use crate::decide::exit::{Exit, Failure, Signal, Stage};
use crate::decide::notice::{
    Hold, Hook, HookFailure, LookedAtMemory, Notice, Opening, Quietness, Recycled, Sample,
};
use crate::decide::reason::Reason;
use crate::units::Bytes;

/// The version of names and units.
pub(super) const VERSION: u64 = 1;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Count(u64),
    Bytes(Bytes),
    /// In seconds, to the millisecond.
    Span(Duration),
    Text(Cow<'static, str>),
}

/// One event.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    pub(super) event: &'static str,
    pub(super) fields: Vec<(&'static str, Value)>,
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Duration> for Value {
    fn from(span: Duration) -> Self {
        Self::Span(span)
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<Signal> for Value {
    fn from(signal: Signal) -> Self {
        Self::Text(Cow::Owned(signal.to_string()))
    }
}

impl Record {
    pub(super) fn new(event: &'static str) -> Self {
        Self { event, fields: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Without the field where there is nothing to say.
    pub(super) fn with_some(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Whether it is about this generation, or about none.
    pub(super) fn may_be_of(&self, generation: u64) -> bool {
        let mut fields = self.fields.iter();
        let named = fields.find(|(name, _)| *name == "generation");
        named.is_none_or(|(_, named)| *named == Value::Count(generation))
    }

    /// A reason with its numbers.
    fn because(self, reason: Reason) -> Self {
        let record = self.with("reason", reason.cause().word());
        match reason {
            Reason::KillRss { used, limit, measure, pss } => record
                .with("measure", text::word(measure))
                .with("used", used)
                .with("limit", limit)
                .with_some("pss", pss),
            Reason::Signal(signal) => record.with("by", signal),
            Reason::Rss { used, limit, pss } => {
                record.with("used", used).with("limit", limit).with_some("pss", pss)
            }
            Reason::Pss { used, limit } => record.with("used", used).with("limit", limit),
            Reason::Lifetime { limit } => record.with("lifetime", limit),
            Reason::Idle { quiet } => record.with("quiet", quiet),
        }
    }

    fn recycled(self, recycled: &Recycled) -> Self {
        let Recycled { generation, reason, age, opening, killed_after, gone_in } = *recycled;
        self.with("generation", generation)
            .with("age", age)
            .because(reason)
            .with_some("signal", first_signal(opening))
            .with_some("killed_after", killed_after)
            .with("gone_in", gone_in)
    }

    fn sample(self, generation: u64, sample: &Sample, limits: &[(&'static str, Bytes)]) -> Self {
        let Sample { age, memory, quiet, tree } = *sample;
        let mut record = self
            .with("generation", generation)
            .with("age", age)
            .with_some("rss", memory.map(|memory| memory.rss))
            .with_some("pss", memory.and_then(|memory| memory.pss));
        for (name, limit) in limits {
            record = record.with(name, *limit);
        }
        record
            .with_some("quiet", quiet)
            .with_some("cpu", tree.map(|tree| tree.cpu))
            .with_some("processes", tree.and_then(|tree| u64::try_from(tree.processes).ok()))
    }

    fn exited(
        self,
        exit: Exit,
        generation: u64,
        age: Duration,
        again_in: Option<Duration>,
    ) -> Self {
        let record = self.with("generation", generation).with("age", age);
        let record = match exit {
            Exit::Status(status) => record.with("status", u64::from(status)),
            Exit::Killed(signal) => record.with("signal", signal),
        };
        record.with_some("again_in", again_in)
    }

    fn looked(
        self,
        memory: Option<LookedAtMemory>,
        traffic: Option<Quietness>,
        again_in: Option<Duration>,
    ) -> Self {
        let mut record = self;
        if let Some(LookedAtMemory { memory: Memory { rss, pss, .. }, limit, growth }) = memory {
            record = record.with("rss", rss).with_some("pss", pss).with("limit", limit);
            record = record.with("growth", growth);
        }
        if let Some(Quietness { quiet, awake }) = traffic {
            record = record.with("quiet", quiet).with_some("awake", awake.map(text::awake::word));
        }
        record.with_some("again_in", again_in)
    }

    fn failed(self, failure: Failure) -> Self {
        let stage = match failure.stage {
            Stage::Fork => "fork",
            Stage::Prepare => "prepare",
            Stage::Directory => "directory",
            Stage::Rewind => "rewind",
            Stage::Exec => "exec",
        };
        self.with("stage", stage).with_errno(failure.errno)
    }

    fn hook_failed(self, hook: Hook, failure: HookFailure) -> Self {
        let hook = match hook {
            Hook::OnEvent => "on-event",
            Hook::PreStop => "pre-stop",
        };
        let record = self.with("hook", hook);
        match failure {
            HookFailure::Ended(Exit::Status(status)) => record.with("status", u64::from(status)),
            HookFailure::Ended(Exit::Killed(signal)) => record.with("signal", signal),
            HookFailure::TimedOut(limit) => record.with("killed_after", limit),
            HookFailure::NotStarted(errno) => record.with_errno(errno),
        }
    }

    fn background(self, bytes: Bytes, window: Duration, floor: Bytes) -> Self {
        self.with("bytes", bytes).with("window", window).with("floor", floor)
    }

    fn with_errno(self, errno: i32) -> Self {
        let number = u64::try_from(errno).unwrap_or_default();
        let words = Value::Text(Cow::Owned(error(errno)));
        let mut record = self.with("errno", number);
        record.fields.push(("error", words));
        record
    }

    fn unseen(self, unseen: Unseen) -> Self {
        let record = self.with("what", word(unseen.what));
        if unseen.errno == 0 { record } else { record.with_errno(unseen.errno) }
    }

    /// A start that failed, would fail or is not tried; any other notice has nothing here.
    fn of_start(self, notice: &Notice) -> Self {
        match *notice {
            Notice::StartFailed { failure, again_in, .. } => {
                self.failed(failure).with_some("again_in", again_in)
            }
            Notice::CannotRecycle { generation, reason, failure } => {
                self.with("generation", generation).because(reason).failed(failure)
            }
            Notice::GaveUp { restarts, window } => {
                self.with("restarts", u64::from(restarts)).with("window", window)
            }
            _ => self,
        }
    }

    /// A limit that does not do what it is there for; any other notice has nothing here.
    fn of_limit(self, notice: &Notice) -> Self {
        match *notice {
            Notice::LimitTooLow { used, limit, measure, held_until } => self
                .with("measure", text::word(measure))
                .with("used", used)
                .with("limit", limit)
                .with("held_until", held_until),
            Notice::Runaway { limit, measure, again_in } => self
                .with("measure", text::word(measure))
                .with("limit", limit)
                .with("again_in", again_in),
            Notice::KillLimitTooLow { limit, again_in } => {
                self.with("limit", limit).with("again_in", again_in)
            }
            _ => self,
        }
    }

    fn passed(self, signal: Signal, to: Option<Signal>) -> Self {
        self.with("signal", signal).with_some("to", to)
    }

    fn not_passed(self, signal: Signal, to: Signal, errno: i32) -> Self {
        self.with("signal", signal).with("to", to).with_errno(errno)
    }

    fn held_long(self, hold: Hold, held: Duration) -> Self {
        self.with("hold", hold_word(hold)).with("held", held)
    }

    fn left(self, processes: usize, program: &str) -> Self {
        self.with("processes", u64::try_from(processes).unwrap_or(u64::MAX))
            .with("program", Value::Text(Cow::Owned(program.to_owned())))
    }

    fn ignored(self, variables: &[(String, String)]) -> Self {
        let names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
        self.with("variables", Value::Text(names.join(",").into()))
    }

    /// What there is to say; `limits` are those in force, by the names of their options.
    pub(super) fn of(notice: &Notice, limits: &[(&'static str, Bytes)]) -> Self {
        let record = Self::new(notice.entry().event);
        match *notice {
            Notice::Recycled(ref recycled) => record.recycled(recycled),
            Notice::Exited { generation, exit, age, again_in } => {
                record.exited(exit, generation, age, again_in)
            }
            Notice::StartFailed { .. } | Notice::CannotRecycle { .. } | Notice::GaveUp { .. } => {
                record.of_start(notice)
            }
            Notice::LimitTooLow { .. }
            | Notice::Runaway { .. }
            | Notice::KillLimitTooLow { .. } => record.of_limit(notice),
            Notice::OnlyReconnects { generation, kept_until } => {
                record.with("generation", generation).with("kept_until", kept_until)
            }
            Notice::Background { bytes, window, floor, .. } => {
                record.background(bytes, window, floor)
            }
            Notice::StillAlive { after } => record.with("after", after),
            Notice::Refused => record,
            Notice::NothingLeftToRead => record,
            Notice::LongLine { longest } => record.with("longest", longest),
            Notice::LinesTaken { generation, lines } => {
                record.with("generation", generation).with("lines", lines)
            }
            Notice::OutlivedInput { after } => record.with("after", after),
            Notice::LeftBehind { processes, ref program } => record.left(processes, program),
            Notice::NeverArmed { generation, age, why } => record
                .with("generation", generation)
                .with("age", age)
                .with("why", text::awake::unarmed_word(why)),
            Notice::CannotSee(unseen) => record.unseen(unseen),
            Notice::VariablesIgnored { ref variables } => record.ignored(variables),
            Notice::MetricsFailed { ref target, ref error, .. } => {
                let text = |text: &String| Value::Text(Cow::Owned(text.clone()));
                record.with("target", text(target)).with("error", text(error))
            }
            Notice::HeldLong { hold, held } => record.held_long(hold, held),
            Notice::HookFailed { hook, failure } => record.hook_failed(hook, failure),
            Notice::EventsLost { count } => record.with("count", count),
            Notice::Sampled { generation, ref sample } => record.sample(generation, sample, limits),
            Notice::WouldRecycle { generation, age, lived, reason } => record
                .with("generation", generation)
                .with("age", age)
                .with("lived", lived)
                .because(reason),
            Notice::Observed(ref observed) => observed::fields(record, observed),
            Notice::Started { generation } => record.with("generation", generation),
            Notice::Looked { memory, traffic, again_in } => {
                record.looked(memory, traffic, again_in)
            }
            Notice::Held(hold) => record.with("hold", hold_word(hold)),
            Notice::Due { generation, age, reason } => {
                record.with("generation", generation).with("age", age).because(reason)
            }
            Notice::Stopping { generation, age, reason, opening } => record
                .with("generation", generation)
                .with("age", age)
                .because(reason)
                .with_some("signal", first_signal(opening)),
            Notice::Backoff { generation, wait } => {
                record.with("generation", generation).with("wait", wait)
            }
            Notice::Waiting { generation } => record.with("generation", generation),
            Notice::Passed { signal, to } => record.passed(signal, to),
            Notice::NotPassed { signal, to, errno } => record.not_passed(signal, to, errno),
            Notice::Swallowed(signal) => record.with("signal", signal),
        }
    }
}

/// The one that was sent first.
fn first_signal(opening: Opening) -> Option<Signal> {
    match opening {
        Opening::Asked(signal) => Some(signal),
        Opening::Killed => Some(Signal::KILL),
        Opening::Refused(_) | Opening::Ended | Opening::Drained => None,
    }
}

fn hold_word(hold: Hold) -> &'static str {
    match hold {
        Hold::MinLifetime => "min-lifetime",
        Hold::Interrupted => "interrupted",
        Hold::Traffic => "quiet",
        Hold::Storm => "limit-too-low",
        Hold::Stopped => "stopped",
        Hold::Unstartable => "cannot-start",
        Hold::Reconnects => "reconnects",
    }
}
