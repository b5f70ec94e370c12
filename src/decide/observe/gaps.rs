//! Quiet gaps between traffic: how many, and how long, in buckets that each are 5% wider than the
//! one before. However long one observes, they take the same room.

use std::time::Duration;

use crate::notice::Gaps;

/// Shorter ones are not told from traffic.
pub(super) const SHORTEST: Duration = Duration::from_secs(1);
/// Each bucket is wider than the one before by one part in so many.
const PRECISION: u32 = 20;
/// Longer gaps than 400 days are as long as that.
const MOST: usize = 360;

/// All gaps so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    /// How many there were in each bucket.
    counts: Vec<u64>,
    longest: Duration,
}

impl Histogram {
    /// Takes in one gap; one that is too short is none.
    pub(super) fn add(&mut self, gap: Duration) {
        if gap < SHORTEST {
            return;
        }
        let bucket = ends().take(MOST - 1).take_while(|end| *end <= gap).count();
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.longest = self.longest.max(gap);
    }

    fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// So many are no longer than this: the end of a bucket, or the longest of all.
    fn shortest(&self, many: u64) -> Duration {
        let mut sum = 0;
        let bucket = self.counts.iter().zip(ends()).find(|(count, _)| {
            sum += *count;
            sum >= many
        });
        bucket.map_or(self.longest, |(_, end)| end.min(self.longest))
    }

    /// Sums up, by nearest ranks.
    pub(super) fn gaps(&self) -> Gaps {
        let count = self.count();
        Gaps {
            count,
            median: self.shortest(count.div_ceil(2)),
            p95: self.shortest((count * 95).div_ceil(100)),
            longest: self.longest,
        }
    }

    /// The longest but for a twentieth of all: of a few gaps, but for one.
    pub(super) fn longest_usual(&self) -> Duration {
        let count = self.count();
        self.shortest(count.saturating_sub((count / 20).max(1)))
    }
}

/// Where the buckets end.
fn ends() -> impl Iterator<Item = Duration> {
    let next = |end: &Duration| Some(*end + *end / PRECISION);
    std::iter::successors(Some(SHORTEST + SHORTEST / PRECISION), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn of(gaps: impl IntoIterator<Item = Duration>) -> Histogram {
        let mut histogram = Histogram::default();
        gaps.into_iter().for_each(|gap| histogram.add(gap));
        histogram
    }

    #[test]
    fn buckets_begin_with_the_shortest_gap_and_grow() {
        let ends: Vec<_> = ends().take(100).collect();
        assert!(ends[0] > SHORTEST && ends.is_sorted(), "{ends:?}");
    }

    #[test]
    fn a_gap_is_known_to_a_twentieth() {
        for millis in (1_000..10_000_000).step_by(7_919) {
            let gap = Duration::from_millis(millis);
            // A longer one, so that it is not the longest.
            let told = of([gap, gap * 2]).gaps().median;
            assert!(
                told >= gap && told <= gap + gap / PRECISION + Duration::from_nanos(400),
                "{gap:?} {told:?}"
            );
        }
    }

    #[test]
    fn quantiles_are_those_of_the_nearest_rank() {
        let gaps = of((1..=100).map(seconds)).gaps();
        assert_eq!((gaps.count, gaps.longest), (100, seconds(100)));
        let near = |told: Duration, gap| told >= seconds(gap) && told <= seconds(gap) * 21 / 20;
        assert!(near(gaps.median, 50) && near(gaps.p95, 95), "{gaps:?}");
        assert!(near(of((1..=100).map(seconds)).longest_usual(), 95));
        let few = of([1, 2, 3, 4, 50].map(seconds));
        assert!(near(few.gaps().median, 3) && near(few.longest_usual(), 4), "{few:?}");
        assert_eq!(few.gaps().p95, seconds(50), "of five it is the longest");
    }

    #[test]
    fn one_gap_is_all_of_them_and_none_is_usual() {
        let gaps = of([seconds(7)]).gaps();
        assert_eq!((gaps.count, gaps.median, gaps.p95), (1, seconds(7), seconds(7)));
        assert!(of([seconds(7)]).longest_usual() <= SHORTEST + SHORTEST / PRECISION);
        let none = of([Duration::from_millis(999)]).gaps();
        assert_eq!((none.count, none.longest, none.median), (0, Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn it_takes_no_more_room_than_it_may() {
        let histogram = of((0..60).map(|power| Duration::from_secs(1 << power)));
        assert_eq!(histogram.counts.len(), MOST);
        assert_eq!(histogram.count(), 60);
        assert_eq!(histogram.gaps().longest, Duration::from_secs(1 << 59));
        assert!(ends().nth(MOST - 2).unwrap() > Duration::from_secs(3600 * 24 * 400));
    }
}
