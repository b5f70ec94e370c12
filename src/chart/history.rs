//! What became of one process: its memory, its limits, its generations, and how each ended. Told
//! line by line; a log may begin and end anywhere.

use std::time::Duration;

use super::envelope::{Envelope, Point};
use super::log::{Entry, Event, Limits, Recycled, Sample};
use crate::units::Bytes;

/// All that is known of one process.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) rss: Envelope,
    pub(super) pss: Envelope,
    /// From when on which limits were in force.
    pub(super) limits: Vec<(Duration, Limits)>,
    pub(super) lives: Vec<Life>,
    pub(super) ends: Vec<End>,
    /// Whether there was a sample: the ends alone make no line.
    pub(super) sampled: bool,
    /// The times of the first and the last line, whatever it tells.
    pub(super) times: Option<(Duration, Duration)>,
}

/// A generation. The same number comes again when `recycle` itself was started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    generation: u64,
    /// When it was heard of last, and how old it was then.
    age: Duration,
    pub(super) from: Duration,
    pub(super) to: Duration,
    over: bool,
}

/// The end of a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) at: Duration,
    pub(super) why: Why,
    /// The reason, as the log has it; or how it ended by itself.
    pub(super) word: String,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    Rss,
    Pss,
    KillRss,
    Lifetime,
    Idle,
    Signal,
    /// A reason that came after this program.
    Other,
    /// COMMAND ended by itself.
    Exited,
}

impl Why {
    fn of_reason(reason: &str) -> Self {
        match reason {
            "rss" => Self::Rss,
            "pss" => Self::Pss,
            "kill-rss" => Self::KillRss,
            "lifetime" => Self::Lifetime,
            "idle" => Self::Idle,
            "signal" => Self::Signal,
            _ => Self::Other,
        }
    }
}

impl History {
    /// The highest memory that was seen.
    pub(super) fn peak(&self) -> Option<Bytes> {
        self.rss.peak().max(self.pss.peak())
    }

    /// The limits that were in force at the end.
    pub(super) fn last_limits(&self) -> Limits {
        self.limits.last().map_or(Limits::default(), |(_, limits)| *limits)
    }

    /// All that were ever in force.
    pub(super) fn all_limits(&self) -> impl Iterator<Item = Bytes> {
        self.limits.iter().flat_map(|(_, limits)| limits.each()).filter_map(|(_, limit)| limit)
    }

    /// Hears the next line.
    pub(super) fn hear(&mut self, entry: &Entry<'_>) {
        let at = entry.at;
        match &entry.event {
            Event::Started { generation } => self.begin(*generation, at, Duration::ZERO),
            Event::Sample(sample) => self.hear_sample(at, sample),
            Event::Recycled(recycled) => self.hear_recycled(at, recycled),
            Event::Exited(exited) => {
                self.end(exited.generation, at, exited.age);
                let word = exited.how.clone();
                self.ends.push(End { at, why: Why::Exited, word });
            }
            Event::Other => {}
        }
        let (first, last) = self.times.unwrap_or((at, at));
        self.times = Some((first.min(at), last.max(at)));
    }

    fn hear_sample(&mut self, at: Duration, sample: &Sample) {
        let life = self.life(sample.generation, at, sample.age);
        self.sampled |= sample.rss.or(sample.pss).is_some();
        for (line, value) in [(&mut self.rss, sample.rss), (&mut self.pss, sample.pss)] {
            value.into_iter().for_each(|value| line.push(Point { at, value, life }));
        }
        if self.last_limits() != sample.limits {
            self.limits.push((at, sample.limits));
        }
    }

    fn hear_recycled(&mut self, gone: Duration, recycled: &Recycled<'_>) {
        let at = gone.saturating_sub(recycled.gone_in);
        let life = self.end(recycled.generation, at, recycled.age);
        let why = Why::of_reason(&recycled.reason);
        for (line, value) in [(&mut self.rss, recycled.rss), (&mut self.pss, recycled.pss)] {
            value.into_iter().for_each(|value| line.push(Point { at, value, life }));
        }
        self.ends.push(End { at, why, word: recycled.reason.clone().into_owned() });
    }

    /// The number of the life that this is about, which may be news.
    fn life(&mut self, generation: u64, at: Duration, age: Duration) -> usize {
        match self.lives.last_mut() {
            Some(life) if life.generation == generation && life.age <= age && !life.over => {
                life.age = age;
                life.to = life.to.max(at);
            }
            _ => self.begin(generation, at, age),
        }
        self.lives.len().saturating_sub(1)
    }

    fn begin(&mut self, generation: u64, at: Duration, age: Duration) {
        let before = self.lives.last().map_or(Duration::ZERO, |life| life.to);
        let from = at.saturating_sub(age).max(before.min(at));
        self.lives.push(Life { generation, age, from, to: at, over: false });
    }

    /// The same at its end. Samples may have been taken since the stop began.
    fn end(&mut self, generation: u64, at: Duration, age: Duration) -> usize {
        let known = self.lives.last().filter(|life| life.generation == generation && !life.over);
        let age = known.map_or(age, |life| life.age.max(age));
        let number = self.life(generation, at, age);
        self.lives.iter_mut().skip(number).for_each(|life| life.over = true);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn sample(generation: u64, age: u64, rss: u64) -> Event<'static> {
        Event::Sample(Sample {
            generation,
            age: seconds(age),
            rss: Some(Bytes(rss)),
            pss: None,
            limits: Limits::default(),
        })
    }

    fn recycled(generation: u64, age: u64, reason: &'static str, rss: u64) -> Event<'static> {
        Event::Recycled(Recycled {
            generation,
            age: seconds(age),
            reason: reason.into(),
            rss: Some(Bytes(rss)),
            pss: None,
            gone_in: seconds(1),
        })
    }

    fn history(events: impl IntoIterator<Item = (u64, Event<'static>)>) -> History {
        let mut history = History::default();
        for (at, event) in events {
            history.hear(&Entry { at: seconds(at), name: Cow::Borrowed("a"), source: None, event });
        }
        history
    }

    fn lives(history: &History) -> Vec<(u64, u64, u64)> {
        let life = |life: &Life| (life.generation, life.from.as_secs(), life.to.as_secs());
        history.lives.iter().map(life).collect()
    }

    #[test]
    fn a_generation_begins_where_its_age_says() {
        let history = history([
            (110, sample(1, 10, 5)),
            (120, sample(1, 20, 6)),
            (131, recycled(1, 30, "idle", 0)),
            (140, sample(2, 8, 5)),
        ]);
        assert_eq!(lives(&history), [(1, 100, 130), (2, 132, 140)]);
        let idle = End { at: seconds(130), why: Why::Idle, word: "idle".into() };
        assert_eq!(history.ends, [idle]);
        assert_eq!(history.times, Some((seconds(110), seconds(140))));
    }

    #[test]
    fn what_was_measured_at_the_end_is_a_sample_too() {
        let history = history([(110, sample(1, 10, 5)), (131, recycled(1, 30, "rss", 7))]);
        assert_eq!(history.peak(), Some(Bytes(7)));
        let strokes = history.rss.strokes(seconds(110), seconds(131), 700, true);
        assert_eq!(strokes.concat().last().map(|point| point.at), Some(seconds(130)));
    }

    /// A `recycle` that was itself started again begins with generation 1 again.
    #[test]
    fn the_same_number_can_be_another_generation() {
        let history = history([
            (110, sample(1, 10, 5)),
            (120, sample(1, 20, 6)),
            (133, sample(1, 3, 5)),
            (150, Event::Started { generation: 1 }),
            (160, sample(1, 10, 5)),
        ]);
        assert_eq!(lives(&history), [(1, 100, 120), (1, 130, 133), (1, 150, 160)]);
        let strokes = history.rss.strokes(seconds(110), seconds(160), 700, true);
        assert_eq!(strokes.len(), 3);
    }

    #[test]
    fn limits_are_kept_where_they_change() {
        let limited = |max_rss| {
            let Event::Sample(mut sample) = sample(1, 1, 1) else { panic!("not a sample") };
            sample.limits.max_rss = Some(Bytes(max_rss));
            Event::Sample(sample)
        };
        let history = history([(1, limited(5)), (2, limited(5)), (3, limited(6))]);
        assert_eq!(history.limits.len(), 2);
        assert_eq!(history.last_limits().max_rss, Some(Bytes(6)));
    }

    /// A graceful stop takes time.
    #[test]
    fn a_sample_during_the_stop_is_of_the_generation_that_is_stopped() {
        let history = history([
            (110, sample(1, 10, 5)),
            (116, sample(1, 16, 7)),
            (117, recycled(1, 15, "rss", 6)),
            (118, sample(2, 1, 5)),
        ]);
        assert_eq!(lives(&history), [(1, 100, 116), (2, 117, 118)]);
    }
}
