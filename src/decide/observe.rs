//! `--observe`: what would have been, and what to set. It stops nothing and starts nothing. The
//! observer outlives generations; when it wants to look, `Observing` knows, which does not.

mod advice;
mod background;
mod course;
mod gaps;

use std::time::Duration;

use self::advice::Seen;
use self::background::BackgroundWatch;
use self::course::Course;
use self::gaps::Histogram;
use super::event::{Look, MemoryLook, Observation, TrafficLook};
use super::memory::settled_by;
use super::notice::{self, Gaps, Observed};
use super::quiet::Activity;
use super::reason::Cause;
use super::rules::Rules;
use super::time::Time;
use crate::units::{Bytes, Share};

/// It looks this often.
const PACE: Duration = Duration::from_secs(1);
/// The first time in each generation.
const EARLIEST: Duration = Duration::from_millis(100);
/// A look that cost `c` is not repeated before `c` times this: half a percent of one CPU.
const PAUSE: u32 = 200;

/// When the observer looks at one generation.
#[derive(Debug)]
pub(crate) struct Observing {
    next: Option<Time>,
    /// When a look at everything can be afforded again.
    next_all: Time,
}

impl Observing {
    pub(crate) fn new(started: Time, rules: &Rules) -> Self {
        Self { next: rules.observe.map(|_| started + EARLIEST), next_all: started }
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.next
    }

    /// What is to be looked at now. In a silence only a look at everything can tell that it goes
    /// on, and only that can tell how much moves in the background. Once nothing is planned any
    /// more traffic is of no interest.
    pub(crate) fn wanted(&self, now: Time, activity: &Activity, only_memory: bool) -> Look {
        if self.next.is_none_or(|next| now < next) {
            return Look::default();
        }
        let traffic = match (only_memory, activity.is_still() || now >= self.next_all) {
            (true, _) => Look::default(),
            (false, true) => Look::ALL_TRAFFIC,
            (false, false) => activity.look(now, PACE),
        };
        let memory = Some(MemoryLook::Counters);
        let settled_by = settled_by(now);
        Look { memory, walk: true, settled_by, ..Look::default() }.and(traffic)
    }

    /// Takes in a look.
    pub(crate) fn looked(&mut self, now: Time, seen: &Observation, still: bool) {
        let was_all = seen.look.traffic == Some(TrafficLook::All);
        if was_all {
            self.next_all = now + seen.cost * PAUSE;
        }
        if let Some(next) = self.next.filter(|next| now >= *next)
            && seen.look.walk
            && seen.look.memory.is_some()
        {
            // While something moves, that alone can be asked until then.
            let cost = if was_all && !still { Duration::ZERO } else { seen.cost };
            let pause = PACE.max(cost * PAUSE);
            // At the same pace, but none is made up for.
            let on_time = next + pause;
            self.next = Some(if on_time > now { on_time } else { now + pause });
        }
    }
}

/// What was seen, of all generations.
#[derive(Debug)]
pub(crate) struct Observer {
    memory: Bytes,
    /// What work is, in a silence.
    idle_cpu: Option<Share>,
    /// When the first generation started.
    began: Option<Time>,
    /// When this one did.
    started: Time,
    generations: u64,
    would: Vec<(Cause, u64)>,
    peak: Bytes,
    course: Course,
    /// Of the generation that lived longest, before this one.
    longest: Course,
    track: Track,
    background: BackgroundWatch,
    /// The `--idle` that was given.
    idle: Option<Duration>,
}

impl Observer {
    pub(crate) fn new(now: Time, rules: &Rules) -> Option<Self> {
        let causes =
            [Cause::KillRss, Cause::Signal, Cause::Rss, Cause::Pss, Cause::Lifetime, Cause::Idle];
        Some(Self {
            memory: rules.observe?.memory,
            idle_cpu: rules.idle_cpu,
            began: None,
            started: now,
            generations: 0,
            would: causes.map(|cause| (cause, 0)).to_vec(),
            peak: Bytes(0),
            course: Course::new(),
            longest: Course::new(),
            track: Track::default(),
            background: BackgroundWatch::new(now, rules),
            idle: rules.idle.map(|idle| idle.after),
        })
    }

    /// The next generation runs.
    pub(crate) fn started(&mut self, now: Time) {
        self.began.get_or_insert(now);
        self.started = now;
        self.generations += 1;
        let last = std::mem::replace(&mut self.course, Course::new());
        if last.age() > self.longest.age() {
            self.longest = last;
        }
        self.track.started();
        self.background.started(now);
    }

    /// A recycle would have been.
    pub(crate) fn would(&mut self, cause: Cause) {
        let counts = self.would.iter_mut().filter(|(other, _)| *other == cause);
        counts.for_each(|(_, count)| *count += 1);
    }

    /// Takes in a look; `last` is when traffic last moved for certain: what may have been another
    /// program's neither begins nor ends a gap.
    pub(crate) fn looked(&mut self, now: Time, seen: &Observation, last: Option<Time>) {
        if let Some(memory) = seen.memory {
            self.course.add(now.since(self.started), memory.settled);
            self.peak = self.peak.max(memory.settled);
        }
        self.track.looked(now, seen, last, self.idle_cpu);
        self.background.looked(now, seen, last, self.idle_cpu);
    }

    /// The sum of it, the last or not; `None`: nothing ever ran.
    pub(crate) fn report(&self, now: Time, last: bool) -> Option<Observed> {
        let span = now.since(self.began?);
        let longest =
            [&self.course, &self.longest].into_iter().max_by_key(|course| course.age())?;
        let course = longest.usual().map(|usual| {
            let growth = longest.growth();
            notice::Course { usual, peak: self.peak, growth }
        });
        let gaps = self.track.sum(self.idle_cpu);
        let learned = self.background.background();
        let above = learned.map(|_| self.background.above.sum(self.idle_cpu));
        let background = learned.map(|learned| notice::Background {
            inbound: Bytes(learned.inbound),
            outbound: Bytes(learned.outbound),
            window: background::WINDOW,
            gaps: above.as_ref().and_then(Track::gaps),
        });
        // With a floor, what is above it decides when COMMAND is idle.
        let usual_gap = above.as_ref().unwrap_or(&gaps).gaps.longest_usual();
        let gaps = gaps.gaps();
        let counted = background.map_or(gaps, |background| background.gaps);
        let seen = Seen {
            course: course.as_ref(),
            gaps: counted.as_ref(),
            usual_gap,
            memory: self.memory,
            background: learned.map(|learned| learned.bytes()),
            idle: self.idle,
            early_job: Bytes(self.background.early_job()),
        };
        let advice = (span >= advice::SOON).then(|| advice::advise(&seen));
        let (generations, would) = (self.generations, self.would.clone());
        let sees_traffic = self.track.sees;
        Some(Observed {
            last,
            generations,
            span,
            would,
            course,
            sees_traffic,
            gaps,
            background,
            advice,
        })
    }
}

/// Quiet gaps between traffic, and the silence that goes on.
#[derive(Clone, Debug, Default)]
struct Track {
    silence: Silence,
    gaps: Histogram,
    traffic: bool,
    /// Some look could see whether there was traffic.
    sees: bool,
}

impl Track {
    /// Between two generations it is quiet for another reason.
    fn started(&mut self) {
        self.silence = Silence::default();
    }

    /// Takes in a look; `last` is when traffic last moved.
    fn looked(
        &mut self,
        now: Time,
        seen: &Observation,
        last: Option<Time>,
        idle_cpu: Option<Share>,
    ) {
        if let Some(widely) = seen.look.traffic {
            self.moved(last, idle_cpu);
            self.sees |= seen.traffic.is_some();
            let stopped = seen.tree.is_some_and(|tree| tree.stopped);
            if seen.traffic.is_none() || stopped {
                self.silence.lost = true;
            } else if widely == TrafficLook::All {
                self.silence.confirm(now);
            }
        }
        if let Some(tree) = seen.tree {
            self.silence.sample(now, tree.cpu);
        }
    }

    /// Traffic may have moved; `last` is when.
    fn moved(&mut self, last: Option<Time>, idle_cpu: Option<Share>) {
        if last > self.silence.since {
            if let Some(gap) = self.silence.gap(idle_cpu) {
                self.gaps.add(gap);
            }
            self.silence = Silence { since: last, ..Silence::default() };
            self.traffic = true;
        }
    }

    /// The same, with the silence that goes on.
    fn sum(&self, idle_cpu: Option<Share>) -> Self {
        let mut sum = self.clone();
        if let Some(open) = self.silence.gap(idle_cpu) {
            sum.gaps.add(open);
        }
        sum
    }

    /// `None`: there was no traffic.
    fn gaps(&self) -> Option<Gaps> {
        self.traffic.then(|| self.gaps.gaps())
    }
}

/// The silence that goes on, if it is one.
#[derive(Clone, Copy, Debug, Default)]
struct Silence {
    /// When traffic last moved.
    since: Option<Time>,
    /// It went on until then for certain.
    until: Option<Time>,
    /// The first and the last sample of CPU time in it.
    first: Option<(Time, Duration)>,
    latest: Option<(Time, Duration)>,
    /// Something could not be seen, or COMMAND was stopped.
    lost: bool,
}

impl Silence {
    fn confirm(&mut self, now: Time) {
        self.until = Some(now);
    }

    fn sample(&mut self, now: Time, cpu: Duration) {
        self.first.get_or_insert((now, cpu));
        self.latest = Some((now, cpu));
    }

    /// How long it is, if it is one, and COMMAND did not work in it.
    fn gap(&self, idle_cpu: Option<Share>) -> Option<Duration> {
        let gap = self.until?.since(self.since?);
        (!self.lost && !self.works(idle_cpu)).then_some(gap)
    }

    fn works(&self, idle_cpu: Option<Share>) -> bool {
        let (Some((first, before)), Some((latest, used)), Some(share)) =
            (self.first, self.latest, idle_cpu)
        else {
            return false;
        };
        let span = latest.since(first);
        !span.is_zero() && used.saturating_sub(before) >= share.of_time(span)
    }
}

#[cfg(test)]
mod tests;
