//! The numbers, and what they are called. Names, units and meanings are a promise
//! (`recycle-events(5)`, METRICS): new ones may come, old ones stay.

use std::fmt;
use std::time::Duration;

use crate::decide::notice::{Notice, Sample};
use crate::decide::reason::Cause;
use crate::units::Bytes;

/// One number, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Number {
    Up,
    Generation,
    Age,
    Rss,
    Pss,
    /// By the name that its option has in the log.
    Limit(&'static str),
    Quiet,
    Cpu,
    Processes,
    /// By the word for the reason.
    Recycles(&'static str),
    Exits,
    Restarts,
    StartFailures,
    GaveUp,
}

/// How much, or how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Count(u64),
    /// In seconds, to the millisecond.
    Span(Duration),
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(out, "{count}"),
            Self::Span(span) => write!(out, "{}.{:03}", span.as_secs(), span.subsec_millis()),
        }
    }
}

/// Numbers with new values: of a counter, what was added.
pub(super) type Changes = Vec<(Number, Value)>;

/// What Prometheus calls numbers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) counts: bool,
}

/// All that a planned recycle may come from.
const CAUSES: [Cause; 6] =
    [Cause::Rss, Cause::Pss, Cause::KillRss, Cause::Lifetime, Cause::Idle, Cause::Signal];

impl Number {
    /// Whether it only grows.
    pub(super) fn counts(self) -> bool {
        self.family().counts
    }

    /// Whether it is about the moment of a sample.
    fn is_sampled(self) -> bool {
        match self {
            Self::Age | Self::Rss | Self::Pss | Self::Quiet | Self::Cpu | Self::Processes => true,
            Self::Up
            | Self::Generation
            | Self::Limit(_)
            | Self::Recycles(_)
            | Self::Exits
            | Self::Restarts
            | Self::StartFailures
            | Self::GaveUp => false,
        }
    }

    /// What StatsD calls it, and the log.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Generation => "generation",
            Self::Age => "age",
            Self::Rss => "rss",
            Self::Pss => "pss",
            Self::Limit(name) => name,
            Self::Quiet => "quiet",
            Self::Cpu => "cpu",
            Self::Processes => "processes",
            Self::Recycles(_) => "recycles",
            Self::Exits => "exits",
            Self::Restarts => "restarts",
            Self::StartFailures => "start_failures",
            Self::GaveUp => "gave_up",
        }
    }

    /// What tells it from others of its family: name and value of a label.
    pub(super) fn label(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Limit(name) => Some(("limit", name)),
            Self::Recycles(reason) => Some(("reason", reason)),
            _ => None,
        }
    }

    pub(super) fn family(self) -> Family {
        let gauge = |name, help| Family { name, help, counts: false };
        let counter = |name, help| Family { name, help, counts: true };
        match self {
            Self::Up => gauge("recycle_up", "Whether recycle runs."),
            Self::Generation => {
                gauge("recycle_generation", "Number of the generation that was started last.")
            }
            Self::Age => gauge(
                "recycle_generation_age_seconds",
                "Time since the start of the generation, at the last sample.",
            ),
            Self::Rss => gauge(
                "recycle_memory_rss_bytes",
                "Sum of the resident memory of all processes, at the last sample.",
            ),
            Self::Pss => gauge(
                "recycle_memory_pss_bytes",
                "Sum of the proportional memory of all processes, at the last sample.",
            ),
            Self::Limit(_) => gauge("recycle_memory_limit_bytes", "Limits in force."),
            Self::Quiet => gauge(
                "recycle_traffic_quiet_seconds",
                "Time since traffic last moved, at the last sample.",
            ),
            Self::Cpu => gauge(
                "recycle_generation_cpu_seconds",
                "CPU time that the generation has used, at the last sample.",
            ),
            Self::Processes => gauge("recycle_processes", "Processes, at the last sample."),
            Self::Recycles(_) => {
                counter("recycle_recycles_total", "Planned recycles since recycle was started.")
            }
            Self::Exits => {
                counter("recycle_exits_total", "Times that the command ended by itself.")
            }
            Self::Restarts => counter(
                "recycle_restarts_total",
                "Times that the command is started again because it ended by itself.",
            ),
            Self::StartFailures => counter("recycle_start_failures_total", "Starts that failed."),
            Self::GaveUp => {
                counter("recycle_gave_up_total", "Times that there were too many restarts.")
            }
        }
    }
}

/// Those that are known.
#[derive(Debug)]
pub(super) struct Numbers {
    /// In their order.
    known: Changes,
    limits: Changes,
}

impl Numbers {
    /// Nothing has happened, and that is known: a counter that begins at 0 can be seen to grow.
    pub(super) fn new(limits: &[(&'static str, Bytes)]) -> Self {
        let limits: Changes = limits
            .iter()
            .map(|(name, limit)| (Number::Limit(name), Value::Count(limit.0)))
            .collect();
        let recycles = CAUSES.map(|cause| Number::Recycles(cause.word()));
        let others = [Number::Exits, Number::Restarts, Number::StartFailures, Number::GaveUp];
        let mut numbers = Self { known: Changes::new(), limits };
        let zeros = recycles.into_iter().chain(others).map(|number| (number, Value::Count(0)));
        let zeros = numbers.limits.iter().copied().chain(zeros).collect();
        numbers.change(zeros);
        numbers
    }

    pub(super) fn known(&self) -> &[(Number, Value)] {
        &self.known
    }

    /// We run; tells what is new.
    pub(super) fn began(&mut self) -> Changes {
        self.change(vec![(Number::Up, Value::Count(1))])
    }

    /// Nothing runs any more.
    pub(super) fn ended(&mut self) -> Changes {
        self.forget_sample();
        self.change(vec![(Number::Up, Value::Count(0))])
    }

    /// Tells what is new by this.
    pub(super) fn take(&mut self, notice: &Notice) -> Changes {
        let changes = match notice {
            Notice::Sampled { generation, sample } => {
                self.forget_sample();
                let mut changes = sampled(sample);
                changes.push((Number::Generation, Value::Count(*generation)));
                changes.extend(&self.limits);
                changes
            }
            Notice::Started { generation } => {
                self.forget_sample();
                vec![(Number::Generation, Value::Count(*generation))]
            }
            Notice::Recycled(recycled) => {
                self.forget_sample();
                vec![once(Number::Recycles(recycled.reason.cause().word()))]
            }
            Notice::Exited { again_in, .. } => {
                self.forget_sample();
                let again = again_in.map(|_| once(Number::Restarts));
                [once(Number::Exits)].into_iter().chain(again).collect()
            }
            Notice::StartFailed { .. } => vec![once(Number::StartFailures)],
            Notice::GaveUp { .. } => vec![once(Number::GaveUp)],
            // What was left of the tree is gone.
            Notice::Backoff { .. } | Notice::Waiting { .. } => {
                self.forget_sample();
                Vec::new()
            }
            Notice::CannotRecycle { .. }
            | Notice::LimitTooLow { .. }
            | Notice::KillLimitTooLow { .. }
            | Notice::OnlyReconnects { .. }
            | Notice::Background { .. }
            | Notice::Runaway { .. }
            | Notice::StillAlive { .. }
            | Notice::Refused
            | Notice::NothingLeftToRead
            | Notice::LongLine { .. }
            | Notice::LinesTaken { .. }
            | Notice::OutlivedInput { .. }
            | Notice::LeftBehind { .. }
            | Notice::NeverArmed { .. }
            | Notice::CannotSee(_)
            | Notice::VariablesIgnored { .. }
            | Notice::MetricsFailed { .. }
            | Notice::HookFailed { .. }
            | Notice::EventsLost { .. }
            | Notice::HeldLong { .. }
            | Notice::WouldRecycle { .. }
            | Notice::Observed(_)
            | Notice::Looked { .. }
            | Notice::Held(_)
            | Notice::Due { .. }
            | Notice::Stopping { .. }
            | Notice::Passed { .. }
            | Notice::NotPassed { .. }
            | Notice::Swallowed(_) => Vec::new(),
        };
        self.change(changes)
    }

    fn change(&mut self, changes: Changes) -> Changes {
        for change @ (number, value) in &changes {
            let place = self.known.partition_point(|(known, _)| known < number);
            let known = self.known.get_mut(place).filter(|(known, _)| known == number);
            match (known, *value) {
                (Some((_, Value::Count(count))), Value::Count(more)) if number.counts() => {
                    *count = count.saturating_add(more);
                }
                (Some((_, known)), value) => *known = value,
                (None, _) => self.known.insert(place, *change),
            }
        }
        changes
    }

    /// What is known no more is not there: it is never zero.
    fn forget_sample(&mut self) {
        self.known.retain(|(number, _)| !number.is_sampled());
    }
}

fn once(number: Number) -> (Number, Value) {
    (number, Value::Count(1))
}

fn sampled(sample: &Sample) -> Changes {
    let Sample { age, memory, quiet, tree } = *sample;
    let bytes = |bytes: Bytes| Value::Count(bytes.0);
    let processes = tree.and_then(|tree| u64::try_from(tree.processes).ok());
    let changes = [
        (Number::Age, Some(Value::Span(age))),
        (Number::Rss, memory.map(|memory| bytes(memory.rss))),
        (Number::Pss, memory.and_then(|memory| memory.pss).map(bytes)),
        (Number::Quiet, quiet.map(Value::Span)),
        (Number::Cpu, tree.map(|tree| Value::Span(tree.cpu))),
        (Number::Processes, processes.map(Value::Count)),
    ];
    changes.into_iter().filter_map(|(number, value)| Some((number, value?))).collect()
}
