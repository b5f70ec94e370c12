//! Background traffic: heartbeats, pings and polls, learned for `--idle-floor auto` and measured by
//! `--observe`. It is what is small, steady and endless on connections that stay open. Real traffic
//! must not be learned, so whatever is not clearly background is not.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Time;
use crate::traffic::Payload;
use crate::units::Bytes;

/// So many half windows in a row must be alike. Halves, so that one request in each window is not
/// steady.
const HALVES: usize = 10;
/// At most this much a second is learned ...
const MOST_PER_SECOND: u64 = 2 << 10;
/// ... and at most this much a window: what is allowed is twice that.
const MOST: u64 = 32 << 10;

/// What was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Background {
    /// Bytes in a window, on connections that others opened and on those of COMMAND's own.
    pub inbound: u64,
    pub outbound: u64,
    /// The most that one connection moved between two looks.
    burst: u64,
    /// How many connections were open.
    connections: u64,
}

impl Background {
    /// In a window, both ways.
    pub fn bytes(self) -> Bytes {
        Bytes(self.inbound.saturating_add(self.outbound))
    }

    /// What a window may carry and be quiet: twice the background.
    pub fn floor(self) -> Bytes {
        Bytes(self.allowed(self.connections))
    }

    /// The same while so many connections are open: in proportion, within the bound.
    pub(super) fn allowed(self, connections: u64) -> u64 {
        let twice = u128::from(self.bytes().0) * 2;
        let allowed = twice * u128::from(connections) / u128::from(self.connections.max(1));
        u64::try_from(allowed).unwrap_or(u64::MAX).min(MOST * 2)
    }

    /// What one connection may move between two looks that are so many paces apart.
    pub(super) fn allowed_burst(self, paces: u64) -> u64 {
        self.burst.saturating_mul(2).saturating_mul(paces.max(1))
    }

    /// Whether this is so much less than what was learned before that it takes its place.
    fn is_far_below(self, before: Self) -> bool {
        self.connections >= before.connections && self.bytes().0 < before.bytes().0 / 2
    }
}

/// Half a window.
#[derive(Clone, Copy, Debug, Default)]
struct Half {
    inbound: u64,
    outbound: u64,
    /// The most that all connections, and that one of them, moved between two looks.
    step: u64,
    burst: u64,
}

impl Half {
    fn total(self) -> u64 {
        self.inbound.saturating_add(self.outbound)
    }
}

/// The learner: one for each generation.
#[derive(Debug)]
pub(crate) struct Learner {
    window: Duration,
    learned: Option<Background>,
    /// Oldest first: all in a row, while no connection was opened or closed.
    halves: VecDeque<Half>,
    /// The half that goes on: since when, what had moved before it, and its maxima.
    began: Time,
    before: Payload,
    open: Half,
    looked: Time,
    latest: Payload,
}

impl Learner {
    pub(crate) fn new(started: Time, window: Duration, learned: Option<Background>) -> Self {
        Self {
            window,
            learned,
            halves: VecDeque::with_capacity(HALVES),
            began: started,
            before: Payload::default(),
            open: Half::default(),
            looked: started,
            latest: Payload::default(),
        }
    }

    pub(crate) fn learned(&self) -> Option<Background> {
        self.learned
    }

    /// A look could not see: what moved meanwhile is unknown, and that is not steady.
    pub(crate) fn blind(&mut self, now: Time) {
        self.begin_anew(now);
    }

    /// Takes in what has moved since the generation began. Tells whether that changed what is
    /// known.
    pub(crate) fn observe(&mut self, now: Time, payload: Payload) -> bool {
        let moved = payload.own().saturating_sub(self.latest.own());
        let changed = payload.changes != self.latest.changes;
        let late = now.since(self.looked) > self.window / 4;
        (self.looked, self.latest) = (now, payload);
        if changed || late {
            // The first bytes of a connection are no beat.
            self.begin_anew(now);
            return false;
        }
        self.open.step = self.open.step.max(moved);
        self.open.burst = self.open.burst.max(payload.burst());
        let (half, took) = (self.window / 2, now.since(self.began));
        if took < half {
            return false;
        }
        // The look may be late.
        let share = |bytes: u64| {
            let share = u128::from(bytes) * half.as_nanos();
            u64::try_from(share.div_ceil(took.as_nanos().max(1))).unwrap_or(u64::MAX)
        };
        let half = Half {
            inbound: share(payload.inbound.saturating_sub(self.before.inbound)),
            outbound: share(payload.outbound.saturating_sub(self.before.outbound)),
            ..std::mem::take(&mut self.open)
        };
        (self.began, self.before) = (now, payload);
        if self.halves.len() >= HALVES {
            self.halves.pop_front();
        }
        self.halves.push_back(half);
        self.learn()
    }

    fn begin_anew(&mut self, now: Time) {
        self.halves.clear();
        self.open = Half::default();
        (self.began, self.looked, self.before) = (now, now, self.latest);
    }

    fn learn(&mut self) -> bool {
        if self.halves.len() < HALVES {
            return false;
        }
        let connections = self.latest.connections;
        let silent = self.halves.iter().all(|half| half.total() == 0);
        if silent && self.learned.is_some_and(|learned| connections >= learned.connections) {
            self.learned = None;
            return true;
        }
        // What was learned is never raised: real traffic that comes later must not be learned.
        let news = self.steady(connections);
        let news = news.filter(|new| self.learned.is_none_or(|before| new.is_far_below(before)));
        self.learned = news.or(self.learned);
        news.is_some()
    }

    /// The background, if all halves are alike and small.
    fn steady(&self, connections: u64) -> Option<Background> {
        let halves = || self.halves.iter().map(|half| half.total());
        let pairs = || self.halves.iter().zip(self.halves.iter().skip(1));
        let windows = || pairs().map(|(one, other)| one.total().saturating_add(other.total()));
        let (least_half, most_in_half) = (halves().min()?, halves().max()?);
        let (least, most) = (windows().min()?, windows().max()?);
        // A beat more or less of each side may be in each. Of the largest steps the smallest is a
        // beat: a message in one half is not in all.
        let beats = self.halves.iter().map(|half| half.step).min()?.saturating_mul(2);
        let halves_alike = most_in_half - least_half <= beats.max(most_in_half / 2);
        let windows_alike = most - least <= beats.max(most / 8);
        if least_half == 0 || !halves_alike || !windows_alike {
            return None;
        }
        let (first, second) =
            pairs().max_by_key(|(one, other)| one.total().saturating_add(other.total()))?;
        let burst = self.halves.iter().map(|half| half.burst).max()?;
        let background = Background {
            inbound: first.inbound.saturating_add(second.inbound),
            outbound: first.outbound.saturating_add(second.outbound),
            burst,
            connections,
        };
        (background.bytes() <= self.most()).then_some(background)
    }

    fn most(&self) -> Bytes {
        let millis = u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX);
        Bytes((millis.saturating_mul(MOST_PER_SECOND) / 1000).min(MOST))
    }
}

#[cfg(test)]
mod tests;
