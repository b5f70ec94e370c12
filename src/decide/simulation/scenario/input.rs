//! Traces that standard input matters to: how COMMAND gets it, and what comes on it.

use std::time::Duration;

use super::HORIZON_MS;
use crate::rules::{Lines, Rules, Then};
use crate::simulation::random::Random;
use crate::simulation::world::Happening;
use crate::units::Bytes;

/// What a trace has to do with standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concern {
    /// It may end.
    Little,
    /// It is handed over line by line.
    Lines,
    /// COMMAND reads it, and it is waited for, or its end is.
    Waiting,
}

impl Concern {
    pub(crate) fn of(number: u64) -> Self {
        match number % 4 {
            2 => Self::Lines,
            3 => Self::Waiting,
            _ => Self::Little,
        }
    }

    /// What the rules say about it.
    pub(crate) fn rules(self, random: &mut Random, rules: Rules) -> Rules {
        if self == Self::Little {
            return rules;
        }
        let drain_timeout = Duration::from_millis(random.pick(&[0, 400, 5_000, 30_000]));
        let eof_timeout = Duration::from_millis(random.pick(&[1, 700, 4_000, 20_000]));
        Rules {
            then: if random.once_in(2) { Then::Wait } else { rules.then },
            lines: (self == Self::Lines).then_some(Lines { longest: Bytes(80), drain_timeout }),
            eof_timeout: random.once_in(2).then_some(eof_timeout),
            // Long enough for an end of input to come in between.
            pre_stop: random.pick(&[rules.pre_stop, rules.pre_stop, Some(Duration::from_secs(5))]),
            ..rules
        }
    }

    /// What may come between an action and what it does.
    pub(crate) fn in_between(self, random: &mut Random) -> Option<Happening> {
        if self == Self::Little || random.once_in(2) {
            return None;
        }
        Some(if random.once_in(4) { Happening::InputEnd } else { any(random) })
    }

    /// What comes, and when.
    pub(crate) fn happenings(self, random: &mut Random) -> Vec<(Duration, Happening)> {
        let mut list = Vec::new();
        if self == Self::Little {
            return list;
        }
        let mut at = Duration::ZERO;
        let pauses = random.pick(&[50, 2_000, 15_000]);
        let most = random.pick(&[1, 5, 30]);
        for _ in 0..random.below(most) {
            at += random.millis(1, pauses);
            list.push((at, any(random)));
        }
        if random.once_in(2) {
            let latest = random.pick(&[4_000, 20_000, HORIZON_MS]);
            list.push((random.millis(0, latest), Happening::InputEnd));
        }
        list
    }
}

/// Anything that can come at any moment.
fn any(random: &mut Random) -> Happening {
    match random.below(9) {
        0 => Happening::LongLine(random.pick(&[1, 300, 9_000])),
        // A recycle in the midst of it.
        1 => Happening::Signal(super::named("USR1")),
        _ => Happening::Lines(random.pick(&[1, 1, 3, 12])),
    }
}
