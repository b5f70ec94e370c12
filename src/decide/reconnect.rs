//! Idle recycles that do not help: each generation only sees its clients reconnect, and goes idle
//! again. They are spaced.

use std::time::Duration;

use super::rules::Backoff;

/// So many such recycles in a row are enough.
const ENOUGH: u32 = 2;
/// No idle recycle is put off for longer than this by the doubling.
const LONGEST: Duration = Duration::from_secs(3600);

/// Idle recycles in a row of generations that only saw their clients reconnect.
#[derive(Debug, Default)]
pub(crate) struct Reconnects {
    in_a_row: u32,
    /// Below this age such a generation is not recycled for idleness.
    hold: Duration,
}

impl Reconnects {
    /// A generation was recycled for idleness and had only seen its clients reconnect. Returns the
    /// age below which the next such one is kept, when that is news.
    pub(crate) fn in_vain(&mut self, window: Duration, backoff: Backoff) -> Option<Duration> {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row < ENOUGH {
            return None;
        }
        let first = window.max(backoff.min);
        let longest = LONGEST.max(first);
        self.hold = self.hold.max(first).saturating_mul(2).min(longest);
        (self.in_a_row == ENOUGH).then_some(self.hold)
    }

    /// A generation had traffic of its own.
    pub(crate) fn ended(&mut self) {
        *self = Self::default();
    }

    /// The age below which a generation that only saw its clients reconnect is kept.
    pub(crate) fn hold(&self) -> Duration {
        self.hold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(120);
    const BACKOFF: Backoff =
        Backoff { min: Duration::from_millis(100), max: Duration::from_secs(30) };

    #[test]
    fn the_second_in_a_row_is_news_and_holds_double_up_to_an_hour() {
        let mut reconnects = Reconnects::default();
        assert_eq!(reconnects.in_vain(WINDOW, BACKOFF), None);
        assert_eq!(reconnects.hold(), Duration::ZERO);
        assert_eq!(reconnects.in_vain(WINDOW, BACKOFF), Some(WINDOW * 2));
        let holds = [(); 6].map(|()| {
            assert_eq!(reconnects.in_vain(WINDOW, BACKOFF), None, "it is said once");
            reconnects.hold().as_secs() / 60
        });
        assert_eq!(holds, [8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn real_traffic_ends_it() {
        let mut reconnects = Reconnects::default();
        reconnects.in_vain(WINDOW, BACKOFF);
        reconnects.ended();
        assert_eq!(reconnects.in_vain(WINDOW, BACKOFF), None);
        assert!(reconnects.in_vain(WINDOW, BACKOFF).is_some());
        reconnects.ended();
        assert_eq!(reconnects.hold(), Duration::ZERO);
    }

    #[test]
    fn a_short_window_begins_with_the_backoff_and_a_long_one_stays_what_it_is() {
        let mut reconnects = Reconnects::default();
        let slow = Backoff { min: Duration::from_secs(7), ..BACKOFF };
        reconnects.in_vain(Duration::from_secs(1), slow);
        assert_eq!(reconnects.in_vain(Duration::from_secs(1), slow), Some(slow.min * 2));
        let (mut reconnects, long) = (Reconnects::default(), Duration::from_secs(3600 * 5));
        reconnects.in_vain(long, BACKOFF);
        assert_eq!(reconnects.in_vain(long, BACKOFF), Some(long));
    }
}
