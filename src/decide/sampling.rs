//! Samples for people and graphs: when is the next one due, and what is to be looked at for it?
//! They decide nothing. One of these lives as long as its generation.

use std::time::Duration;

use super::event::{Look, Memory, MemoryLook, Observation};
use super::memory::settled_by;
use super::quiet::Activity;
use super::time::Time;

/// What looking page by page costs, for each MiB, times 400: of `--sample-every` a quarter of a
/// percent may go into it.
const PAGES_PAUSE_PER_MIB: Duration = Duration::from_millis(4);
/// The first sample of a generation: before, there is little to see of a program.
const EARLIEST: Duration = Duration::from_millis(100);
/// A bigger tree is never looked at page by page for a sample.
const MOST_PAGES: u64 = 1 << 30;

/// The samples of one generation.
#[derive(Debug)]
pub struct Sampling {
    /// How often, and when the next one is due; `None`: never.
    pace: Option<(Duration, Time)>,
    /// As last seen.
    memory: Option<Memory>,
}

impl Sampling {
    pub fn new(started: Time, every: Option<Duration>) -> Self {
        Self { pace: every.map(|every| (every, started + every.min(EARLIEST))), memory: None }
    }

    pub fn deadline(&self) -> Option<Time> {
        self.pace.map(|(_, next)| next)
    }

    /// What a sample that is due now needs to be looked at. Traffic only before a stop: then it is
    /// the load balancer's business.
    pub fn wanted(&self, now: Time, activity: &Activity, stops: bool) -> Look {
        let Some((every, _)) = self.pace.filter(|(_, next)| now >= *next) else {
            return Look::default();
        };
        let traffic = if stops { Look::default() } else { activity.look(now, every) };
        let rss = self.memory.map(|memory| memory.rss.0);
        let pages = rss.is_some_and(|rss| {
            let mib = u32::try_from(rss >> 20).unwrap_or(u32::MAX);
            rss < MOST_PAGES && PAGES_PAUSE_PER_MIB * mib <= every
        });
        let memory = Some(if pages { MemoryLook::Pages } else { MemoryLook::Counters });
        let settled_by = settled_by(now);
        Look { memory, walk: true, settled_by, ..Look::default() }.and(traffic)
    }

    /// Takes in what was seen; tells whether that is the sample that was due.
    pub fn take(&mut self, now: Time, seen: &Observation) -> bool {
        self.memory = seen.memory.or(self.memory);
        let Some((every, next)) = &mut self.pace else { return false };
        let whole = seen.look.walk && seen.look.memory.is_some();
        if !whole || now < *next {
            return false;
        }
        // At the same pace, but none is made up for.
        let on_time = *next + *every;
        *next = if on_time > now { on_time } else { now + *every };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TrafficLook;

    const EVERY: Duration = Duration::from_secs(10);

    fn at(millis: u64) -> Time {
        Time::at(Duration::from_millis(millis))
    }

    /// A look that was made, and whether it is taken for the sample.
    fn taken(sampling: &mut Sampling, millis: u64, look: Look) -> bool {
        let seen = Observation {
            generation: 1,
            look,
            memory: None,
            traffic: None,
            tree: None,
            unseen: Vec::new(),
            cost: Duration::ZERO,
        };
        sampling.take(at(millis), &seen)
    }

    const WHOLE: Look = Look {
        memory: Some(MemoryLook::Counters),
        traffic: Some(TrafficLook::Hottest),
        walk: true,
        settled_by: None,
    };

    #[test]
    fn only_a_whole_look_that_is_due_is_a_sample() {
        let mut sampling = Sampling::new(at(0), Some(EVERY));
        assert!(!taken(&mut sampling, 99, WHOLE));
        assert!(!taken(&mut sampling, 100, Look { memory: None, ..WHOLE }));
        assert!(!taken(&mut sampling, 100, Look { walk: false, ..WHOLE }));
        assert!(taken(&mut sampling, 100, WHOLE));
        assert!(!taken(&mut sampling, 100, WHOLE), "once");
        assert!(!taken(&mut Sampling::new(at(0), None), 100, WHOLE), "nobody asked");
    }

    /// A fork shows its parent's whole size for a moment: that is no crossing.
    #[test]
    fn what_has_just_been_forked_is_new_to_a_sample_too() {
        let rules = crate::rules::Rules::none();
        let activity = Activity::new(at(0), &rules);
        let wanted = Sampling::new(at(0), Some(EVERY)).wanted(at(5_000), &activity, true);
        assert_eq!(wanted.settled_by, Some(at(4_900)));
        assert_eq!((wanted.memory, wanted.traffic), (Some(MemoryLook::Counters), None));
    }

    #[test]
    fn the_pace_is_kept_and_nothing_is_made_up_for() {
        for (millis, next) in [(100, 10_100), (10_099, 10_100), (10_100, 20_100), (99_000, 109_000)]
        {
            let mut sampling = Sampling::new(at(0), Some(EVERY));
            assert!(taken(&mut sampling, millis, WHOLE));
            assert_eq!(sampling.deadline(), Some(at(next)), "{millis}");
        }
    }
}
