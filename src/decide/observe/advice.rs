//! What to set, after what was seen. Every number has its reason; what cannot be known yet is not
//! guessed.

use std::time::Duration;

use super::background::WINDOW;
use crate::notice::{Advice, Course, Fit, Gaps};
use crate::units::Bytes;

/// After less than this nothing is suggested.
pub(super) const SOON: Duration = Duration::from_secs(60);
/// However small a program is, it has so much room above its need.
const LEAST_ROOM: u64 = 16 << 20;
/// No `--idle` below this: heartbeats and people who think are slower.
const SHORTEST_IDLE: Duration = Duration::from_secs(60);
/// `--quiet` between these: sooner it is in the midst of something, later `--quiet-wait` is over.
const SHORTEST_QUIET: Duration = Duration::from_secs(1);
const LONGEST_QUIET: Duration = Duration::from_secs(30);

/// Of what grows faster than that a recycle comes at most so often, if there is memory for it.
const PER_HOUR: u64 = 6;

/// Times that people would write.
const ROUND: [u64; 18] =
    [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400];

/// What was seen, and the memory that there is.
pub(super) struct Seen<'a> {
    pub(super) course: Option<&'a Course>,
    pub(super) gaps: Option<&'a Gaps>,
    /// The longest of the usual gaps.
    pub(super) usual_gap: Duration,
    pub(super) memory: Bytes,
    /// The background traffic in each `WINDOW`.
    pub(super) background: Option<Bytes>,
    /// The `--idle` that was given.
    pub(super) idle: Option<Duration>,
    /// What came before COMMAND had settled and after its logins; 0: nothing.
    pub(super) early_job: Bytes,
}

pub(super) fn advise(seen: &Seen<'_>) -> Advice {
    let fit = seen.course.map(|course| fit(course, seen.memory));
    let gaps = seen.gaps.filter(|gaps| gaps.count >= Gaps::FEWEST);
    let idle = gaps.and_then(|gaps| idle(gaps, seen.usual_gap));
    let held = idle.is_none() && matches!(fit, Some(fit) if fit.limit().is_some());
    let quiet = gaps.filter(|_| held).and_then(quiet);
    let window = idle.or(seen.idle);
    let floor = seen.background.zip(window).map(|(bytes, window)| (floor(bytes, window), window));
    let early_job = window.map(|_| seen.early_job).filter(|job| *job > Bytes(0));
    Advice { fit, idle, quiet, floor, early_job }
}

/// A limit above what it needs and below what there is.
fn fit(course: &Course, memory: Bytes) -> Fit {
    let Bytes(peak) = course.peak;
    let most = memory.0 / 10 * 8;
    let (least, wanted) = match course.growth {
        // A recycle brings back what it had at first; above that there is room for bursts.
        Some(growth) => {
            let Bytes(young) = growth.young;
            let burst = peak.saturating_sub(growth.grown.0);
            let rarely = young + growth.per_hour.0 / PER_HOUR;
            (young + burst, (young * 2).max((young + burst) / 4 * 5).max(rarely))
        }
        None => (peak, (peak / 4 * 5).max(course.usual.0 / 2 * 3)),
    };
    if least > memory.0 / 10 * 7 {
        return Fit::Cramped { memory };
    }
    let limit = Bytes(rounded(wanted.max(least + LEAST_ROOM).min(most)));
    match course.growth {
        Some(growth) => {
            let room = limit.0.saturating_sub(growth.young.0);
            let millis = u128::from(room) * 3_600_000 / u128::from(growth.per_hour.0.max(1));
            let within = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
            Fit::Leak { limit, young: growth.young, within }
        }
        None => Fit::Steady { limit },
    }
}

/// To two digits of MiB, and never more: what is rounded up may be more than there is.
fn rounded(bytes: u64) -> u64 {
    let mib = (bytes >> 20).max(1);
    let digits = mib.ilog10();
    let step = 10_u64.pow(digits.saturating_sub(1));
    (mib / step * step) << 20
}

/// Twice the background of so long, and a little more: to 32 bytes, or a kilobyte.
fn floor(Bytes(bytes): Bytes, window: Duration) -> Bytes {
    let twice = u128::from(bytes) * 2 * window.as_millis();
    let twice = twice.div_ceil(WINDOW.as_millis());
    let step = if twice < 1024 { 32 } else { 1024 };
    Bytes(u64::try_from(twice.next_multiple_of(step)).unwrap_or(u64::MAX))
}

/// Longer than usual gaps, if longer ones exist.
fn idle(gaps: &Gaps, usual: Duration) -> Option<Duration> {
    let wanted = (usual * 2).max(SHORTEST_IDLE);
    let idle = ROUND.into_iter().map(Duration::from_secs).find(|round| *round >= wanted)?;
    (idle < gaps.longest).then_some(idle)
}

/// Shorter than half of the gaps, by far: then one comes soon.
fn quiet(gaps: &Gaps) -> Option<Duration> {
    let wanted = (gaps.median / 2).min(LONGEST_QUIET);
    let quiet = ROUND.into_iter().map(Duration::from_secs).rfind(|round| *round <= wanted)?;
    (quiet >= SHORTEST_QUIET).then_some(quiet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Growth;

    const MIB: u64 = 1 << 20;
    const GIB: Bytes = Bytes(1 << 30);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn steady(usual: u64, peak: u64) -> Course {
        Course { usual: Bytes(usual * MIB), peak: Bytes(peak * MIB), growth: None }
    }

    fn leak(young: u64, grown: u64, peak: u64, per_hour: u64) -> Course {
        let [young, grown, per_hour] = [young, grown, per_hour].map(|mib| Bytes(mib * MIB));
        let growth = Some(Growth { young, grown, per_hour });
        Course { growth, ..steady(0, peak) }
    }

    /// `--max-rss` in MiB.
    fn limit(course: Course, memory: Bytes) -> Option<u64> {
        fit(&course, memory).limit().map(|limit| limit.0 / MIB)
    }

    #[test]
    fn what_does_not_grow_gets_room_above_its_peak_and_above_what_is_usual() {
        assert_eq!(limit(steady(100, 400), GIB), Some(500), "a quarter above the peak");
        assert_eq!(limit(steady(80, 88), GIB), Some(120), "half above what is usual");
        assert_eq!(limit(steady(8, 80), GIB), Some(100));
        assert_eq!(limit(steady(8, 8), GIB), Some(24), "16 MiB at least");
        assert_eq!(limit(leak(8, 50, 50, 1), GIB), Some(24));
    }

    #[test]
    fn a_leak_gets_as_much_again_as_it_had_when_it_was_young() {
        assert_eq!(limit(leak(100, 300, 300, 50), GIB), Some(200));
        let Fit::Leak { limit: Bytes(bytes), young, within } = fit(&leak(100, 300, 300, 50), GIB)
        else {
            panic!()
        };
        assert_eq!((bytes, young), (200 * MIB, Bytes(100 * MIB)));
        assert_eq!(within, Duration::from_secs(3600 * 2), "100 MiB at 50 an hour");
        // Bursts of 400 MiB above the trend.
        assert_eq!(limit(leak(100, 200, 600, 50), GIB), Some(620), "a quarter above both");
        // It would be there in a minute: room for ten, if there is any.
        assert_eq!(limit(leak(100, 300, 300, 1_800), GIB), Some(400));
        assert_eq!(limit(leak(100, 300, 300, 60_000), GIB), Some(810));
    }

    #[test]
    fn no_limit_is_above_four_fifths_of_the_memory_that_there_is() {
        // 80% of 1000 MiB, and room below it for what it needs.
        let memory = Bytes(1_000 * MIB);
        assert_eq!(limit(steady(100, 700), memory), Some(800));
        let cramped = fit(&steady(100, 701), memory);
        assert_eq!(cramped, Fit::Cramped { memory });
        assert_eq!(cramped.limit(), None);
        assert_eq!(limit(leak(700, 900, 900, 1), memory), Some(800));
        assert_eq!(fit(&leak(701, 900, 900, 1), memory), Fit::Cramped { memory });
        assert_eq!(fit(&leak(301, 400, 800, 1), memory), Fit::Cramped { memory }, "its bursts");
    }

    #[test]
    fn limits_have_two_digits_and_never_more_than_they_had() {
        for (mib, round) in
            [(0, 1), (1, 1), (9, 9), (99, 99), (100, 100), (109, 100), (1_999, 1_900)]
        {
            assert_eq!(rounded(mib * MIB + MIB - 1), round * MIB, "{mib}");
        }
    }

    fn gaps(count: u64, median: u64, longest: u64) -> Gaps {
        let [median, longest] = [median, longest].map(seconds);
        Gaps { count, median, p95: longest, longest }
    }

    #[test]
    fn idle_is_longer_than_usual_gaps_and_shorter_than_some() {
        for (usual, longest, wanted) in [
            (30, 61, Some(60)),
            (30, 60, None),
            (31, 121, Some(120)),
            (31, 120, None),
            (150, 1_000, Some(300)),
            (151, 1_000, Some(600)),
            (1, 61, Some(60)),
            (43_200, 100_000, Some(86_400)),
            (43_201, 1_000_000, None),
        ] {
            let told = idle(&gaps(9, 1, longest), seconds(usual));
            assert_eq!(told, wanted.map(seconds), "{usual} {longest}");
        }
    }

    #[test]
    fn quiet_is_half_as_long_as_half_of_the_gaps() {
        for (median, wanted) in [
            (1, None),
            (2, Some(1)),
            (3, Some(1)),
            (4, Some(2)),
            (9, Some(2)),
            (10, Some(5)),
            (59, Some(20)),
            (60, Some(30)),
            (10_000, Some(30)),
        ] {
            assert_eq!(quiet(&gaps(9, median, median)), wanted.map(seconds), "{median}");
        }
    }

    fn nothing() -> Seen<'static> {
        Seen {
            course: None,
            gaps: None,
            usual_gap: Duration::ZERO,
            memory: GIB,
            background: None,
            idle: None,
            early_job: Bytes(0),
        }
    }

    #[test]
    fn a_floor_is_twice_the_background_of_the_idle_time_rounded_up() {
        for (bytes, window, wanted) in [
            (48, 10, 96),
            (48, 60, 576),
            (40, 5, 64),
            (8, 60, 96),
            (85, 60, 1_024),
            (86, 60, 2_048),
            (8_500, 300, 499 << 10),
        ] {
            assert_eq!(floor(Bytes(bytes), seconds(window)), Bytes(wanted), "{bytes} {window}");
        }
    }

    #[test]
    fn a_floor_and_no_settling_are_for_idleness_alone() {
        let seen = || Seen { background: Some(Bytes(48)), early_job: Bytes(900), ..nothing() };
        let advice = advise(&seen());
        assert_eq!((advice.floor, advice.early_job), (None, None));
        let advice = advise(&Seen { idle: Some(seconds(20)), ..seen() });
        assert_eq!(advice.floor, Some((Bytes(192), seconds(20))));
        assert_eq!((advice.idle, advice.early_job), (None, Some(Bytes(900))));
        let gaps = gaps(9, 1, 100);
        let advice = advise(&Seen { gaps: Some(&gaps), idle: Some(seconds(20)), ..seen() });
        assert_eq!(advice.idle, Some(seconds(60)));
        assert_eq!(advice.floor, Some((Bytes(576), seconds(60))), "that of the idle time to set");
        let none =
            Seen { idle: Some(seconds(20)), early_job: Bytes(0), background: None, ..seen() };
        let advice = advise(&none);
        assert_eq!((advice.floor, advice.early_job), (None, None));
    }

    #[test]
    fn quiet_is_for_limits_where_nothing_goes_idle() {
        let course = steady(100, 100);
        let advice = |course: Option<&Course>, gaps: Option<Gaps>| {
            let usual_gap = seconds(5);
            let gaps = gaps.as_ref();
            let advice = advise(&Seen { course, gaps, usual_gap, ..nothing() });
            let limit = advice.fit.and_then(Fit::limit).map(|limit| limit.0 / MIB);
            (limit, advice.idle, advice.quiet)
        };
        let (some, minute) = (Some(&course), Some(seconds(60)));
        assert_eq!(advice(some, Some(gaps(3, 4, 10))), (Some(150), None, Some(seconds(2))));
        assert_eq!(advice(some, Some(gaps(3, 4, 100))), (Some(150), minute, None));
        assert_eq!(advice(some, Some(gaps(2, 4, 100))), (Some(150), None, None), "too few");
        assert_eq!(advice(some, None), (Some(150), None, None));
        assert_eq!(advice(None, Some(gaps(3, 4, 10))), (None, None, None), "no limit to hold");
        assert_eq!(advice(None, Some(gaps(3, 4, 100))), (None, minute, None));
        let cramped = steady(900, 900);
        assert_eq!(advice(Some(&cramped), Some(gaps(3, 4, 10))), (None, None, None));
    }
}
