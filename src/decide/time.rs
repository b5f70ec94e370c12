//! Points in time, as the core sees them: handed in from outside, never read from a clock.

use std::ops::Add;
use std::time::Duration;

/// A point in time: a duration since an origin that only the giver knows (for the program,
/// `CLOCK_MONOTONIC`; for the simulation, zero).
///
/// All arithmetic saturates. A clock that steps back makes elapsed times zero, never huge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(Duration);

impl Time {
    /// The point `elapsed` after the origin.
    pub const fn at(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The point `span` before this one, or the origin.
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// The earlier of two deadlines, where `None` means "never".
pub fn earliest(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
