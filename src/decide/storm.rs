//! The storm guard: a memory limit below what COMMAND needs anyway must not mean a restart every
//! few seconds that fixes nothing. It outlives generations.

use std::time::Duration;

/// Over the limit this soon after the start: the leak cannot be the reason.
const EARLY: Duration = Duration::from_secs(10);
/// The age until which the first held generation is held; it doubles from there.
const FIRST_HOLD: Duration = Duration::from_secs(20);
/// No generation is held beyond this age.
const LONGEST_HOLD: Duration = Duration::from_secs(300);
/// Below the limit for this long: the storm is over.
const CALM: Duration = Duration::from_secs(60);

/// Whether generations are over the memory limit from their start.
#[derive(Debug, Default)]
pub(crate) struct Storm {
    /// Generations in a row that were over the limit early, this one included.
    early: u32,
    /// The age until which memory recycles are held; `None`: no storm.
    hold: Option<Duration>,
    /// Generations in a row that `--kill-rss` killed early.
    early_kills: u32,
    /// The generation is recycled although it is held: its memory ran away.
    runs_away: bool,
}

impl Storm {
    /// The generation is over a memory limit for the first time, at this age. Returns the age until
    /// which it will be held, when that is news.
    pub(crate) fn crossed(&mut self, age: Duration) -> Option<Duration> {
        if age > EARLY {
            self.early = 0;
            return None;
        }
        self.early = self.early.saturating_add(1);
        if self.early < 2 {
            return None;
        }
        let news = self.hold.is_none();
        let hold = self.hold.map_or(FIRST_HOLD, |hold| hold.saturating_mul(2).min(LONGEST_HOLD));
        self.hold = Some(hold);
        news.then_some(hold)
    }

    /// The generation was killed for its memory at this age. Tells whether the next one had better
    /// not start at once.
    pub(crate) fn killed(&mut self, age: Duration) -> bool {
        self.early_kills = if age > EARLY { 0 } else { self.early_kills.saturating_add(1) };
        self.early_kills >= 2
    }

    /// The generation is recycled for its memory at this age.
    pub(crate) fn recycled(&mut self, age: Duration) {
        self.runs_away = age < self.hold();
    }

    /// Whether it was recycled although it is held: the next one had better not start at once.
    pub(crate) fn has_run_away(&mut self) -> bool {
        std::mem::take(&mut self.runs_away)
    }

    /// The generation ended, and not because it was killed for its memory.
    pub(crate) fn spared(&mut self) {
        self.early_kills = 0;
    }

    /// The generation ended and was never over a limit.
    pub(crate) fn ended_below(&mut self) {
        self.early = 0;
    }

    /// The generation has been below the limit for this long.
    pub(crate) fn calm_for(&mut self, span: Duration) {
        if span >= CALM {
            *self = Self::default();
        }
    }

    /// The age until which a memory recycle is held.
    pub(crate) fn hold(&self) -> Duration {
        self.hold.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_second_early_crossing_in_a_row_starts_it_and_holds_double() {
        let mut storm = Storm::default();
        assert_eq!(storm.crossed(SECOND), None);
        assert_eq!(storm.hold(), Duration::ZERO);
        assert_eq!(storm.crossed(EARLY), Some(FIRST_HOLD));
        let holds: Vec<_> =
            (0..6).map(|_| (storm.crossed(SECOND), storm.hold().as_secs()).1).collect();
        assert_eq!(holds, [40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn a_recycle_before_the_end_of_a_hold_is_of_memory_that_runs_away() {
        let mut storm = Storm::default();
        storm.recycled(SECOND);
        assert!(!storm.has_run_away());
        storm.crossed(SECOND);
        storm.crossed(SECOND);
        storm.recycled(FIRST_HOLD);
        assert!(!storm.has_run_away());
        storm.recycled(FIRST_HOLD - SECOND);
        assert!(storm.has_run_away() && !storm.has_run_away(), "once");
    }

    #[test]
    fn it_is_said_once() {
        let mut storm = Storm::default();
        let said: Vec<_> = (0..4).map(|_| storm.crossed(SECOND).is_some()).collect();
        assert_eq!(said, [false, true, false, false]);
    }

    #[test]
    fn early_crossings_must_be_in_a_row() {
        let mut storm = Storm::default();
        storm.crossed(SECOND);
        storm.ended_below();
        assert_eq!(storm.crossed(SECOND), None);
        storm.crossed(EARLY + SECOND);
        assert_eq!(storm.crossed(SECOND), None);
        assert_eq!(storm.hold(), Duration::ZERO);
    }

    #[test]
    fn killed_within_ten_seconds_is_early_and_twice_in_a_row_is_once_too_often() {
        let mut storm = Storm::default();
        assert!(!storm.killed(EARLY));
        assert!(storm.killed(EARLY));
        assert!(!storm.killed(EARLY + Duration::from_nanos(1)));
        assert!(!storm.killed(EARLY));
        storm.spared();
        assert!(!storm.killed(EARLY));
        assert!(storm.killed(EARLY));
    }

    #[test]
    fn a_late_crossing_keeps_the_hold_and_a_calm_minute_ends_it() {
        let mut storm = Storm::default();
        storm.crossed(SECOND);
        storm.crossed(SECOND);
        storm.crossed(EARLY + SECOND);
        assert_eq!(storm.hold(), FIRST_HOLD);
        storm.calm_for(CALM - SECOND);
        assert_eq!(storm.hold(), FIRST_HOLD);
        storm.calm_for(CALM);
        assert_eq!(storm.hold(), Duration::ZERO);
    }
}
