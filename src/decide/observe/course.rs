//! The memory of one generation over time, in a few dozen slots that grow wider as it grows older:
//! what it usually holds, and whether that grows steadily.

use std::time::Duration;

use crate::notice::Growth;
use crate::units::Bytes;

/// More slots are never kept: at this number each two become one.
const MOST: usize = 64;
/// The width of a slot at first.
const NARROWEST: Duration = Duration::from_secs(1);
/// The start is not usual: of all slots, one in so many.
const WARM_UP: usize = 8;
/// Growth is told only of so many slots, two for each quarter.
const FEWEST: usize = 8;
/// Less than this is noise.
const LEAST: u64 = 1 << 20;

/// What was seen in a slot.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    sum: u128,
    count: u64,
}

impl Slot {
    fn mean(self) -> Option<u64> {
        u64::try_from(self.sum.checked_div(u128::from(self.count))?).ok()
    }
}

/// The course of one generation's memory.
#[derive(Clone, Debug)]
pub(super) struct Course {
    width: Duration,
    slots: Vec<Slot>,
    age: Duration,
    /// The least that it ever held, after its first second.
    lowest: Bytes,
}

impl Course {
    pub(super) fn new() -> Self {
        Self { width: NARROWEST, slots: Vec::new(), age: Duration::ZERO, lowest: Bytes(u64::MAX) }
    }

    /// How old the generation was when it was seen last.
    pub(super) fn age(&self) -> Duration {
        self.age
    }

    /// At this age it held so much.
    pub(super) fn add(&mut self, age: Duration, memory: Bytes) {
        self.age = age;
        if age >= NARROWEST {
            self.lowest = self.lowest.min(memory);
        }
        while age >= self.width * u32::try_from(MOST).unwrap_or(u32::MAX) {
            self.widen();
        }
        let slot = usize::try_from(age.as_nanos() / self.width.as_nanos()).unwrap_or(MOST);
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, Slot::default());
        }
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.sum += u128::from(memory.0);
            slot.count += 1;
        }
    }

    fn widen(&mut self) {
        self.width *= 2;
        let pairs = self.slots.chunks(2).map(|pair| Slot {
            sum: pair.iter().map(|slot| slot.sum).sum(),
            count: pair.iter().map(|slot| slot.count).sum(),
        });
        self.slots = pairs.collect();
    }

    /// What it usually held once it was warm.
    pub(super) fn usual(&self) -> Option<Bytes> {
        let warm = self.slots.get(self.slots.len() / WARM_UP..).unwrap_or_default();
        median(warm).map(Bytes)
    }

    /// Its growth, if that is steady: more in each quarter of the time, and still so in the last.
    pub(super) fn growth(&self) -> Option<Growth> {
        let slots = self.slots.len();
        if slots < FEWEST {
            return None;
        }
        let quarter = (slots - slots / WARM_UP) / 4;
        let warm = self.slots.get(slots - quarter * 4..)?;
        let medians: Option<Vec<_>> = warm.chunks(quarter).map(median).collect();
        let &[first, second, third, fourth] = medians?.as_slice() else { return None };
        let grown = fourth.saturating_sub(first);
        let steady = first < second && second < third;
        // The last of three steps is at least a third of their mean.
        let goes_on = fourth.saturating_sub(third).saturating_mul(9) >= grown;
        if !steady || !goes_on || grown < LEAST || grown < first / 20 {
            return None;
        }
        // From the middle of the first quarter to that of the last one.
        let half = self.width * u32::try_from(quarter).ok()? / 2;
        let span = half * 6;
        let before = self.width * u32::try_from(slots - quarter * 4).ok()? + half;
        let young = first.saturating_sub(share(grown, before, span));
        Some(Growth {
            young: Bytes(young).max(self.lowest),
            grown: Bytes(fourth.saturating_add(share(grown, half, span))),
            per_hour: Bytes(share(grown, Duration::from_secs(3600), span)),
        })
    }
}

/// The middle of these: of an even number, between the two in the middle.
fn median(slots: &[Slot]) -> Option<u64> {
    let mut means: Vec<_> = slots.iter().filter_map(|slot| slot.mean()).collect();
    means.sort_unstable();
    let upper = means.get(means.len() / 2).copied()?;
    let lower = means.get((means.len() - 1) / 2).copied()?;
    Some(lower.midpoint(upper))
}

/// What comes to `part`, if so much comes to `whole`.
fn share(bytes: u64, part: Duration, whole: Duration) -> u64 {
    let product = u128::from(bytes) * part.as_millis();
    u64::try_from(product / whole.as_millis().max(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// One sample a second; memory in MiB at each.
    fn course(seconds: u64, memory: impl Fn(u64) -> u64) -> Course {
        let mut course = Course::new();
        for second in 0..seconds {
            course.add(Duration::from_secs(second), Bytes(memory(second) * MIB));
        }
        course
    }

    #[test]
    fn a_steady_leak_has_the_growth_and_the_beginning_that_it_has() {
        for seconds in [16, 64, 1_000, 40_000] {
            // 100 MiB at first, 1 MiB a second.
            let growth = course(seconds, |second| 100 + second).growth().unwrap();
            assert_eq!(growth.per_hour, Bytes(3600 * MIB), "{seconds}");
            // The mean of a slot is that of its middle; the first second does not count.
            let (young, grown) = (growth.young.0 / MIB, growth.grown.0 / MIB);
            assert!((99..=101).contains(&young), "{seconds}: {young}");
            // The last slot may not be full yet.
            let last = 99 + seconds;
            let near = last - seconds / 32..=last + seconds / 32;
            assert!(near.contains(&grown), "{seconds}: {grown}");
        }
    }

    #[test]
    fn what_does_not_grow_in_each_quarter_does_not_grow_steadily() {
        assert_eq!(course(1_000, |_| 100).growth(), None);
        assert_eq!(course(1_000, |second| 2_000 - second).growth(), None);
        // It fills a cache, and then no more.
        assert_eq!(course(1_000, |second| 100 + second.min(500)).growth(), None);
        // Bursts are no growth.
        assert_eq!(
            course(1_000, |second| if second % 100 > 90 { 500 } else { 100 }).growth(),
            None
        );
        assert_eq!(course(7, |second| 100 + 10 * second).growth(), None, "too soon");
        assert!(course(8, |second| 100 + 10 * second).growth().is_some());
    }

    /// A thousand seconds, of which the first 112 are warm-up, with so much in each quarter.
    fn quarters(bytes: [u64; 4]) -> Option<Growth> {
        let mut course = Course::new();
        for second in 0..1_000 {
            let [first, second_quarter, third, fourth] = bytes;
            let memory = match second {
                0..112 => 0,
                112..336 => first,
                336..560 => second_quarter,
                560..784 => third,
                _ => fourth,
            };
            course.add(Duration::from_secs(second), Bytes(memory));
        }
        course.growth()
    }

    #[test]
    fn growth_goes_on_if_the_last_step_is_a_third_of_the_others() {
        let growth = quarters([1_000, 1_400, 1_800, 1_900].map(|mib| mib * MIB)).unwrap();
        // 900 MiB in three quarters of 224 s each, of which half of one was before, with the
        // warm-up, and half of one comes after.
        assert_eq!(growth.per_hour, Bytes(900 * MIB * 3600 / 672));
        assert_eq!(growth.young, Bytes(1_000 * MIB - 900 * MIB * 224 / 672));
        assert_eq!(growth.grown, Bytes(1_900 * MIB + 900 * MIB * 112 / 672));
        assert_eq!(quarters([1_000, 1_400, 1_800, 1_899].map(|mib| mib * MIB)), None);
        // Each quarter counts.
        for equal in [[1, 1, 2, 3], [1, 2, 2, 3], [1, 2, 3, 3]] {
            assert_eq!(quarters(equal.map(|mib| (1_000 + mib * 100) * MIB)), None, "{equal:?}");
        }
    }

    /// Of forty seconds an eighth are five, and a quarter of the rest are eight.
    #[test]
    fn the_warm_up_is_an_eighth_and_what_is_left_of_quarters() {
        let memory = |second: u64| if second < 8 { 0 } else { 1_000 * (second / 8) };
        let growth = course(40, memory).growth().unwrap();
        // From 1000 to 4000 MiB in 24 s.
        assert_eq!(growth.per_hour, Bytes(3_000 * MIB * 150));
        assert_eq!(growth.grown, Bytes(4_500 * MIB));
    }

    #[test]
    fn little_growth_is_noise() {
        let grows = |first: u64, by: u64| {
            let steps = [0, by / 3, by / 3 * 2, by];
            quarters(steps.map(|step| first + step)).is_some()
        };
        assert!(grows(5 * MIB, MIB) && !grows(5 * MIB, MIB - 1), "a MiB");
        assert!(grows(400 * MIB, 20 * MIB) && !grows(400 * MIB, 20 * MIB - 1), "a twentieth");
    }

    #[test]
    fn what_grows_faster_and_faster_was_never_less_than_it_was() {
        // A process that has only just begun is no measure.
        let memory = |second| if second == 0 { 1 } else { 100 + second * second / 100 };
        let growth = course(1_000, memory).growth().unwrap();
        assert_eq!(growth.young, Bytes(100 * MIB));
    }

    #[test]
    fn usual_is_what_it_held_most_of_the_time_once_it_was_warm() {
        let usual = |memory: fn(u64) -> u64| course(800, memory).usual();
        assert_eq!(usual(|second| if second < 100 { 900 } else { 100 }), Some(Bytes(100 * MIB)));
        // The first 96 seconds are warm-up: the middle of the rest is at 448.
        assert_eq!(usual(|second| if second < 432 { 900 } else { 100 }), Some(Bytes(100 * MIB)));
        assert_eq!(usual(|second| if second < 464 { 900 } else { 100 }), Some(Bytes(900 * MIB)));
        assert_eq!(usual(|second| if second < 448 { 900 } else { 100 }), Some(Bytes(500 * MIB)));
        assert_eq!(Course::new().usual(), None);
        assert_eq!(course(1, |_| 7).usual(), Some(Bytes(7 * MIB)));
    }

    #[test]
    fn it_takes_no_more_room_than_it_may() {
        let mut course = Course::new();
        for hours in 0..100_000 {
            course.add(Duration::from_secs(3600 * hours), Bytes(hours));
            assert!(course.slots.len() <= MOST);
        }
        assert!(course.slots.len() > MOST / 2);
        assert_eq!(course.age(), Duration::from_secs(3600 * 99_999));
    }

    #[test]
    fn what_nobody_saw_is_left_out() {
        let mut gaps = Course::new();
        for second in (0..1_000).step_by(100) {
            gaps.add(Duration::from_secs(second), Bytes(100 * MIB));
        }
        assert_eq!(gaps.usual(), Some(Bytes(100 * MIB)));
        assert_eq!(gaps.growth(), None);
    }
}
