//! A line of any length in little room: of each short span of time the first, the last, the lowest
//! and the highest point are kept, so that a picture of it looks the same and no spike is lost.
//!
//! The spans begin short, and double whenever there are too many of them: nobody has to know
//! beforehand how long a log is.

use std::time::Duration;

use crate::units::Bytes;

/// How many spans are kept: more than a picture has columns.
const SPANS: usize = 4096;

/// A point of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) at: Duration,
    pub(super) value: Bytes,
    /// Which life it belongs to: the line is broken between two lives.
    pub(super) life: usize,
}

/// What is kept of one span.
#[derive(Clone, Copy, Debug)]
struct Kept {
    first: Point,
    last: Point,
    low: Point,
    high: Point,
}

impl Kept {
    fn only(point: Point) -> Self {
        Self { first: point, last: point, low: point, high: point }
    }

    fn add(&mut self, other: Self) {
        if other.first.at < self.first.at {
            self.first = other.first;
        }
        if other.last.at >= self.last.at {
            self.last = other.last;
        }
        if other.low.value < self.low.value {
            self.low = other.low;
        }
        if other.high.value > self.high.value {
            self.high = other.high;
        }
    }

    /// In the order of time, each once.
    fn points(&self) -> Vec<Point> {
        let mut points: Vec<Point> = Vec::with_capacity(4);
        for point in [self.first, self.low, self.high, self.last] {
            let place = points.partition_point(|other| other.at <= point.at);
            points.insert(place, point);
        }
        points.dedup();
        points
    }
}

/// The line.
#[derive(Debug)]
pub(super) struct Envelope {
    /// The length of a span, in milliseconds.
    width_ms: u128,
    /// By the number of the span, counted from 1970.
    spans: Vec<(u128, Kept)>,
}

impl Default for Envelope {
    fn default() -> Self {
        Self { width_ms: 1, spans: Vec::new() }
    }
}

impl Envelope {
    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The highest point.
    pub(super) fn peak(&self) -> Option<Bytes> {
        self.spans.iter().map(|(_, kept)| kept.high.value).max()
    }

    /// Adds a point, which need not be the latest.
    pub(super) fn push(&mut self, point: Point) {
        let number = point.at.as_millis() / self.width_ms;
        let place = match self.spans.last() {
            Some((last, _)) if *last < number => self.spans.len(),
            _ => self.spans.partition_point(|(other, _)| *other < number),
        };
        match self.spans.get_mut(place) {
            Some((other, kept)) if *other == number => kept.add(Kept::only(point)),
            _ => self.spans.insert(place, (number, Kept::only(point))),
        }
        while self.spans.len() > SPANS {
            self.width_ms *= 2;
            self.spans = joined(&self.spans, |(number, _)| number / 2);
        }
    }

    /// The line between two times in so many columns: strokes, one for each unbroken stretch. Where
    /// lives are so many that there are some in each column, there is nothing to see between them:
    /// `apart` says whether a column may have a break.
    pub(super) fn strokes(
        &self,
        from: Duration,
        to: Duration,
        columns: u32,
        apart: bool,
    ) -> Vec<Vec<Point>> {
        let width = (to.saturating_sub(from).as_nanos() / u128::from(columns.max(1))).max(1);
        let column = |kept: &Kept| {
            let column = kept.first.at.saturating_sub(from).as_nanos() / width;
            (column, if apart { kept.first.life } else { 0 })
        };
        let mut strokes: Vec<Vec<Point>> = Vec::new();
        for (_, kept) in joined(&self.spans, |(_, kept)| column(kept)) {
            let points = kept.points();
            let goes_on = |stroke: &Vec<Point>| {
                stroke.last().is_some_and(|last| last.life == kept.first.life)
            };
            match strokes.last_mut() {
                Some(stroke) if goes_on(stroke) => stroke.extend(points),
                _ => strokes.push(points),
            }
        }
        strokes
    }
}

/// Neighbours that get the same number, as one.
fn joined<N: PartialEq>(
    spans: &[(u128, Kept)],
    number: impl Fn(&(u128, Kept)) -> N,
) -> Vec<(N, Kept)> {
    let mut all: Vec<(N, Kept)> = Vec::with_capacity(spans.len());
    for span in spans {
        let number = number(span);
        match all.last_mut() {
            Some((last, kept)) if *last == number => kept.add(span.1),
            _ => all.push((number, span.1)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: u64 = 30 * 86_400;

    fn point(seconds: u64, value: u64) -> Point {
        Point { at: Duration::from_secs(seconds), value: Bytes(value), life: 0 }
    }

    fn strokes(envelope: &Envelope, seconds: u64, columns: u32) -> Vec<Vec<(u64, u64)>> {
        let strokes = envelope.strokes(Duration::ZERO, Duration::from_secs(seconds), columns, true);
        let plain = |point: &Point| (point.at.as_secs(), point.value.0);
        strokes.iter().map(|stroke| stroke.iter().map(plain).collect()).collect()
    }

    #[test]
    fn a_short_line_stays_as_it_is() {
        let mut envelope = Envelope::default();
        let points: Vec<_> = (0..60).map(|second| (second, 100 + second % 7)).collect();
        points.iter().for_each(|(second, value)| envelope.push(point(*second, *value)));
        assert_eq!(strokes(&envelope, 60, 700), [points]);
    }

    /// One sample of 260,000 is high, another one low.
    #[test]
    fn no_spike_of_a_month_is_lost() {
        let mut envelope = Envelope::default();
        for second in (0..MONTH).step_by(10) {
            let value = match second {
                1_234_560 => 999,
                2_222_220 => 1,
                _ => 100 + second % 7,
            };
            envelope.push(point(second, value));
        }
        assert!(envelope.spans.len() <= SPANS, "{}", envelope.spans.len());
        let line = strokes(&envelope, MONTH, 700).concat();
        assert!(line.len() <= 700 * 4 && line.len() > 700, "{}", line.len());
        assert!(line.contains(&(1_234_560, 999)) && line.contains(&(2_222_220, 1)));
        assert!(line.is_sorted_by_key(|(second, _)| *second));
        assert_eq!((line[0].0, line[line.len() - 1].0), (0, MONTH - 10));
        assert_eq!(envelope.peak(), Some(Bytes(999)));
    }

    #[test]
    fn the_line_is_broken_between_two_lives() {
        let mut envelope = Envelope::default();
        for (second, life) in [(0, 0), (10, 0), (20, 1), (30, 1)] {
            envelope.push(Point { life, ..point(second, second) });
        }
        assert_eq!(strokes(&envelope, 30, 700), [[(0, 0), (10, 10)], [(20, 20), (30, 30)]]);
        assert_eq!(strokes(&envelope, 30, 1).len(), 2);
        let together = envelope.strokes(Duration::ZERO, Duration::from_secs(30), 1, false);
        assert_eq!(together.len(), 1);
    }

    /// The line about a recycle comes after samples that were taken during the stop.
    #[test]
    fn points_may_come_late() {
        let mut envelope = Envelope::default();
        for second in [0, 20, 30, 10] {
            envelope.push(point(second, second));
        }
        assert_eq!(strokes(&envelope, 30, 700), [[(0, 0), (10, 10), (20, 20), (30, 30)]]);
    }

    #[test]
    fn any_two_times_have_room() {
        let mut envelope = Envelope::default();
        let last = 253_402_300_799;
        for second in [0, 1, last] {
            envelope.push(point(second, second));
        }
        for second in 0..10_000 {
            envelope.push(point(second * (last / 10_000), 5));
        }
        assert!(envelope.spans.len() <= SPANS);
        assert_eq!(envelope.peak(), Some(Bytes(last)));
        assert!(!strokes(&envelope, last, 700).is_empty());
        assert!(!strokes(&envelope, 0, 0).is_empty());
    }
}
