//! The escalation of a stop: when KILL comes, and what follows if it does not help.

use std::time::Duration;

use super::{Action, Notice, Time};
use crate::action::Force;

/// A process that outlives KILL this long is worth a word.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// The escalation of a stop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kill {
    At(Time),
    /// Only `--kill-rss` kills.
    Never,
    /// The same, put off because we had not run when it was due. It is put off no second time.
    PutOff(Time),
    /// KILL was sent; at this time we say that it did not help.
    Sent {
        at: Time,
        complain_at: Option<Time>,
    },
}

impl Kill {
    pub(super) fn sent(now: Time) -> Self {
        Self::Sent { at: now, complain_at: Some(now + KILL_PATIENCE) }
    }

    pub(super) fn deadline(self) -> Option<Time> {
        match self {
            Self::At(at) | Self::PutOff(at) => Some(at),
            Self::Never => None,
            Self::Sent { complain_at, .. } => complain_at,
        }
    }

    /// What to meet new processes of the tree with.
    pub(super) fn force(self) -> Force {
        match self {
            Self::At(_) | Self::PutOff(_) | Self::Never => Force::Ask,
            Self::Sent { .. } => Force::Kill,
        }
    }

    /// The grace is over: `--kill-rss` was exceeded.
    pub(super) fn at_once(&mut self, now: Time, actions: &mut Vec<Action>) {
        if let Self::At(_) | Self::PutOff(_) | Self::Never = self {
            actions.push(Action::Sweep(Force::Kill));
            *self = Self::sent(now);
        }
    }

    /// Does what is due: KILL, or a word about a KILL that did not help.
    pub(super) fn escalate(&mut self, now: Time, actions: &mut Vec<Action>) {
        match *self {
            Self::At(at) | Self::PutOff(at) if now >= at => {
                actions.push(Action::Sweep(Force::Kill));
                *self = Self::sent(now);
            }
            Self::Sent { at, complain_at: Some(then) } if now >= then => {
                actions.push(Action::Tell(Notice::StillAlive { after: now.since(at) }));
                *self = Self::Sent { at, complain_at: None };
            }
            Self::At(_) | Self::PutOff(_) | Self::Never | Self::Sent { .. } => {}
        }
    }

    /// Nobody ran since then: the tree gets the time that it had left.
    pub(super) fn put_off(&mut self, now: Time, since: Time) {
        if let Self::At(at) = *self
            && now >= at
        {
            *self = Self::PutOff(now + at.since(since));
        }
    }
}
