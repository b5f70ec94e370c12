//! Where the ticks of an axis are and what they are called: round sizes, and round times of the
//! kind that the span asks for. Pure.

use std::time::{Duration, UNIX_EPOCH};

use crate::units::{Bytes, Span};

/// A tick of the axis of time: where, and its label.
pub(super) type Tick = (Duration, String);

/// The axis of time.
#[derive(Debug, PartialEq)]
pub(super) struct Times {
    pub(super) ticks: Vec<Tick>,
    /// What the labels do not say.
    pub(super) caption: String,
}

/// More steps than this from one end to the other have no room for their labels.
const STEPS: u128 = 6;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Steps in milliseconds. Up to the first the ticks count from the start, up to the second they are
/// times of day, up to the third they are days; then they are months.
const FROM_START: [u64; 11] = [
    SECOND / 10,
    SECOND / 5,
    SECOND / 2,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    20 * SECOND,
    30 * SECOND,
    MINUTE,
];
const OF_DAY: [u64; 11] = [
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
];
const DAYS: [u64; 4] = [DAY, 2 * DAY, 7 * DAY, 14 * DAY];
/// In months.
const MONTHS: [u64; 12] = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1_200, 24_000];

const NAMES: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The axis of time from one time to another.
pub(super) fn times(from: Duration, to: Duration) -> Times {
    let span = to.saturating_sub(from).as_millis();
    let step = |steps: &[u64]| steps.iter().copied().find(|step| span <= u128::from(*step) * STEPS);
    if let Some(step) = step(&FROM_START) {
        return from_start(from, to, step);
    }
    let (start, end) = (stamp(from), stamp(to));
    if let Some(step) = step(&OF_DAY) {
        let (first, last) = (start.date(), end.date());
        let days = if first == last { first } else { format!("{first} to {last}") };
        let label = |at| stamp(at).of_day();
        return Times {
            ticks: multiples(from, to, step, 0, label),
            caption: format!("{days}, UTC"),
        };
    }
    if let Some(step) = step(&DAYS) {
        let (first, last) = (start.year, end.year);
        let years = if first == last { first } else { format!("{first} to {last}") };
        // A week begins on Monday; 1970 began on a Thursday.
        let ticks = multiples(from, to, step, 4 * DAY, |at| stamp(at).day_and_month());
        return Times { ticks, caption: format!("{years}, UTC") };
    }
    Times { ticks: months(from, to), caption: "UTC".into() }
}

fn from_start(from: Duration, to: Duration, step: u64) -> Times {
    let step = Duration::from_millis(step);
    let mut ticks = vec![(from, "0s".to_owned())];
    let mut after = step;
    while from + after <= to {
        ticks.push((from + after, Span(after).to_string()));
        after += step;
    }
    let start = stamp(from);
    Times { ticks, caption: format!("after {} {} UTC", start.date(), start.clock) }
}

/// The multiples of a step, counted from `offset` after the beginning of 1970.
fn multiples(
    from: Duration,
    to: Duration,
    step: u64,
    offset: u64,
    label: impl Fn(Duration) -> String,
) -> Vec<Tick> {
    let (step, offset) = (Duration::from_millis(step), Duration::from_millis(offset));
    let number = from.saturating_sub(offset).as_nanos().div_ceil(step.as_nanos());
    let mut at = offset + step.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
    let mut ticks = Vec::new();
    while at <= to {
        ticks.push((at, label(at)));
        at += step;
    }
    ticks
}

fn months(from: Duration, to: Duration) -> Vec<Tick> {
    let month = |at| stamp(at).months();
    let (first, last) = (month(from), month(to));
    let span = last.saturating_sub(first);
    let step = MONTHS.into_iter().find(|step| u128::from(span) <= u128::from(*step) * STEPS);
    let step = step.unwrap_or(span).max(1);
    let mut ticks = Vec::new();
    let mut next = first.next_multiple_of(step);
    while next <= last {
        let (year, month) = (next / 12, next % 12 + 1);
        let at = humantime::parse_rfc3339(&format!("{year:04}-{month:02}-01T00:00:00Z"));
        let at = at.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let label = if step < 12 { format!("{year}-{month:02}") } else { year.to_string() };
        ticks.extend(at.filter(|at| (from..=to).contains(at)).map(|at| (at, label)));
        next += step;
    }
    ticks
}

/// A time in pieces, UTC.
struct Stamp {
    year: String,
    month: String,
    day: String,
    /// `12:00:31`
    clock: String,
}

fn stamp(at: Duration) -> Stamp {
    let text = humantime::format_rfc3339_seconds(UNIX_EPOCH + at).to_string();
    let piece = |from, to| text.get(from..to).unwrap_or_default().to_owned();
    Stamp { year: piece(0, 4), month: piece(5, 7), day: piece(8, 10), clock: piece(11, 19) }
}

impl Stamp {
    fn date(&self) -> String {
        format!("{}-{}-{}", self.year, self.month, self.day)
    }

    /// `12:00`, and at midnight which day begins.
    fn of_day(&self) -> String {
        match self.clock.get(..5) {
            Some("00:00") | None => self.day_and_month(),
            Some(time) => time.to_owned(),
        }
    }

    /// `24 Nov`
    fn day_and_month(&self) -> String {
        let number = self.month.parse::<usize>().unwrap_or_default();
        let name = NAMES.get(number.saturating_sub(1)).copied().unwrap_or_default();
        format!("{} {name}", self.day.trim_start_matches('0'))
    }

    /// Months since the year 0.
    fn months(&self) -> u64 {
        let number = |text: &str| text.parse::<u64>().unwrap_or_default();
        number(&self.year) * 12 + number(&self.month).saturating_sub(1)
    }
}

/// The sizes to mark on an axis from 0 to `top`, which are round and print exactly; 0 among them.
pub(super) fn sizes(top: Bytes) -> Vec<Bytes> {
    let units = [0, 10, 20, 30, 40].map(|shift| 1_u64 << shift);
    let steps = units.into_iter().flat_map(|unit| factors().map(move |factor| unit * factor));
    let ticks = |step: u64| {
        let number = top.0 / step;
        let ticks = (0..=number).map(|number| Bytes(step.saturating_mul(number)));
        (1..=5).contains(&number).then(|| ticks.collect::<Vec<_>>())
    };
    let exact = |ticks: &Vec<Bytes>| ticks.iter().all(|tick| is_exact(*tick));
    steps.filter_map(ticks).find(exact).unwrap_or_else(|| vec![Bytes(0), top])
}

/// 1, 2, 5 and so on; and halves of 1024, because half a G is 512M.
fn factors() -> impl Iterator<Item = u64> {
    let decade = |power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power));
    let small = [1, 2, 5, 10, 20, 50, 100, 200, 256, 512];
    small.into_iter().chain((3..8).flat_map(decade))
}

/// Whether the one digit that is printed behind the point is all there is.
fn is_exact(size: Bytes) -> bool {
    let unit =
        [40, 30, 20, 10].into_iter().map(|shift| 1_u64 << shift).find(|unit| size.0 >= *unit);
    unit.is_none_or(|unit| (u128::from(size.0) * 10).is_multiple_of(u128::from(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Duration {
        humantime::parse_rfc3339(text).unwrap().duration_since(UNIX_EPOCH).unwrap()
    }

    fn labels(from: &str, seconds: u64) -> (Vec<String>, String) {
        let from = time(from);
        let Times { ticks, caption } = times(from, from + Duration::from_secs(seconds));
        (ticks.into_iter().map(|(_, label)| label).collect(), caption)
    }

    #[test]
    fn a_minute_counts_from_its_start() {
        let (ticks, caption) = labels("2026-11-24T12:00:31Z", 60);
        assert_eq!(ticks, ["0s", "10s", "20s", "30s", "40s", "50s", "1m"]);
        assert_eq!(caption, "after 2026-11-24 12:00:31 UTC");
        assert_eq!(
            labels("2026-11-24T12:00:31Z", 1).0,
            ["0s", "0.2s", "0.4s", "0.6s", "0.8s", "1s"]
        );
        assert_eq!(labels("2026-11-24T12:00:31Z", 200).0.last().unwrap(), "3m");
    }

    #[test]
    fn hours_are_times_of_day() {
        let (ticks, caption) = labels("2026-11-24T12:07:31Z", 3600);
        assert_eq!(ticks, ["12:10", "12:20", "12:30", "12:40", "12:50", "13:00"]);
        assert_eq!(caption, "2026-11-24, UTC");
    }

    #[test]
    fn midnight_says_which_day_begins() {
        let (ticks, caption) = labels("2026-11-24T16:00:00Z", 16 * 3600);
        assert_eq!(ticks, ["18:00", "21:00", "25 Nov", "03:00", "06:00"]);
        assert_eq!(caption, "2026-11-24 to 2026-11-25, UTC");
    }

    #[test]
    fn a_month_is_weeks_from_monday() {
        let (ticks, caption) = labels("2026-11-24T16:00:00Z", 30 * 86_400);
        assert_eq!(ticks, ["30 Nov", "7 Dec", "14 Dec", "21 Dec"]);
        assert_eq!(caption, "2026, UTC");
    }

    #[test]
    fn a_year_is_months_and_an_age_is_years() {
        let (ticks, caption) = labels("2026-11-24T16:00:00Z", 365 * 86_400);
        assert_eq!(ticks, ["2027-01", "2027-03", "2027-05", "2027-07", "2027-09", "2027-11"]);
        assert_eq!(caption, "UTC");
        let (ticks, _) = labels("1970-01-01T00:00:00Z", 253_402_300_799);
        assert_eq!(ticks, ["2000", "4000", "6000", "8000"]);
    }

    /// Whatever the span, there are ticks, in order, inside, and not too many.
    #[test]
    fn every_span_has_ticks_with_room_for_their_labels() {
        let from = time("2024-02-28T23:59:58.5Z");
        let mut span = Duration::from_millis(300);
        while span < Duration::from_secs(400 * 365 * 86_400) {
            let to = from + span;
            let Times { ticks, .. } = times(from, to);
            assert!((1..=7).contains(&ticks.len()), "{span:?}: {ticks:?}");
            assert!(ticks.iter().all(|(at, _)| (from..=to).contains(at)), "{span:?}: {ticks:?}");
            assert!(ticks.is_sorted_by(|a, b| a.0 < b.0), "{span:?}: {ticks:?}");
            span = span.mul_f64(1.07);
        }
    }

    fn marks(top: u64) -> Vec<String> {
        sizes(Bytes(top)).iter().map(Bytes::to_string).collect()
    }

    #[test]
    fn sizes_are_round() {
        const M: u64 = 1 << 20;
        assert_eq!(marks(330 * M), ["0B", "100M", "200M", "300M"]);
        assert_eq!(marks(68 * M), ["0B", "20M", "40M", "60M"]);
        assert_eq!(marks(1000 * M), ["0B", "200M", "400M", "600M", "800M", "1000M"]);
        assert_eq!(marks(1024 * M), ["0B", "200M", "400M", "600M", "800M", "1000M"]);
        assert_eq!(marks(1300 * M), ["0B", "512M", "1G"]);
        assert_eq!(marks(3000 * M), ["0B", "512M", "1G", "1.5G", "2G", "2.5G"]);
        assert_eq!(marks(13 << 30), ["0B", "5G", "10G"]);
        assert_eq!(marks(1), ["0B", "1B"]);
    }

    /// Up to what nobody has.
    #[test]
    fn every_size_has_marks() {
        let mut top = 1_u64;
        while let Some(next) = top.checked_mul(11) {
            let sizes = sizes(Bytes(top));
            assert!((2..=6).contains(&sizes.len()), "{top}: {sizes:?}");
            assert!(sizes.iter().all(|size| size.0 <= top && is_exact(*size)), "{top}: {sizes:?}");
            top = next / 10 + 1;
        }
    }
}
