//! What is seen, and what comes of it: exact numbers.

use super::*;
use crate::event::{Memory, Tree};
use crate::notice::{Fit, Gaps};
use crate::rules::{Idle, Observe};
use crate::traffic::{Payload, Traffic, Way};

const MIB: u64 = 1 << 20;

fn at(seconds: u64) -> Time {
    Time::at(Duration::from_secs(seconds))
}

fn rules() -> Rules {
    let observe = Some(Observe { memory: Bytes(1 << 30) });
    Rules { observe, idle_cpu: Some(Share::percent(5)), ..Rules::none() }
}

/// The first generation runs at 0.
fn observer() -> Observer {
    let mut observer = Observer::new(at(0), &rules()).unwrap();
    observer.started(at(0));
    observer
}

/// A look at everything, of which this was seen.
fn seen() -> Observation {
    let memory = Memory {
        rss: Bytes(9 * MIB),
        settled: Bytes(8 * MIB),
        largest: Bytes(8 * MIB),
        pss: None,
        pss_at_most: None,
        pages_cost: None,
    };
    Observation {
        generation: 1,
        look: Look { memory: Some(MemoryLook::Counters), ..Look::ALL_TRAFFIC },
        memory: Some(memory),
        traffic: Some(Traffic::default()),
        tree: Some(Tree { cpu: Duration::ZERO, stopped: false, processes: 1, asleep: false }),
        unseen: Vec::new(),
        cost: Duration::ZERO,
    }
}

impl Observer {
    /// A look each second from here to there, the last traffic then.
    fn silent(&mut self, seconds: std::ops::Range<u64>, last: u64) {
        for second in seconds {
            self.looked(at(second), &seen(), Some(at(last)));
        }
    }

    fn gaps(&self) -> Option<(u64, u64)> {
        let Gaps { count, longest, .. } = self.report(at(0), true).unwrap().gaps?;
        Some((count, longest.as_secs()))
    }
}

#[test]
fn a_silence_is_as_long_as_looks_at_everything_say() {
    let mut observer = observer();
    assert_eq!(observer.gaps(), None, "no traffic yet");
    observer.looked(at(1), &seen(), None);
    assert_eq!(observer.gaps(), None);
    observer.silent(5..9, 5);
    assert_eq!(observer.gaps(), Some((1, 3)), "it goes on still");
    // The next look is late, and traffic began again at some time before.
    observer.silent(20..21, 20);
    assert_eq!(observer.gaps(), Some((1, 3)));
    // Who asks one socket alone knows nothing of the others.
    let mut hottest = seen();
    hottest.look.traffic = Some(TrafficLook::Hottest);
    observer.looked(at(30), &hottest, Some(at(20)));
    assert_eq!(observer.gaps(), Some((1, 3)));
    // Who asks about memory alone knows nothing at all.
    let mut memory = seen();
    (memory.look.traffic, memory.traffic) = (None, None);
    observer.looked(at(31), &memory, Some(at(20)));
    assert_eq!(observer.gaps(), Some((1, 3)));
    observer.silent(34..35, 20);
    assert_eq!(observer.gaps(), Some((2, 14)));
}

#[test]
fn what_could_not_be_seen_is_no_silence() {
    for (blind, stopped, gaps) in
        [(false, false, (1, 5)), (true, false, (0, 0)), (false, true, (0, 0))]
    {
        let mut observer = observer();
        observer.silent(5..8, 5);
        let mut look = seen();
        look.traffic = look.traffic.filter(|_| !blind);
        look.tree = look.tree.map(|tree| Tree { stopped, ..tree });
        observer.looked(at(8), &look, Some(at(5)));
        observer.silent(9..11, 5);
        assert_eq!(observer.gaps(), Some(gaps), "{blind} {stopped}");
        // The next one is.
        observer.silent(20..23, 20);
        assert_eq!(observer.gaps(), Some((gaps.0 + 1, gaps.1.max(2))));
    }
}

/// A look with so much CPU time used, the last traffic at 5.
fn worked(observer: &mut Observer, second: u64, millis: u64) {
    let mut look = seen();
    let cpu = Duration::from_millis(millis);
    look.tree = look.tree.map(|tree| Tree { cpu, ..tree });
    observer.looked(at(second), &look, Some(at(5)));
}

#[test]
fn who_works_is_not_quiet() {
    // 5% of the 4 s since the first sample in it.
    for (millis, gaps) in [(199, (1, 4)), (200, (0, 0))] {
        let mut observer = observer();
        // Work before the silence is none in it.
        worked(&mut observer, 5, 5_000);
        worked(&mut observer, 7, 5_000);
        worked(&mut observer, 9, 5_000 + millis);
        assert_eq!(observer.gaps(), Some(gaps), "{millis}");
    }
    // 100%: CPU use says nothing.
    let mut observer = Observer { idle_cpu: None, ..observer() };
    for second in 5..9 {
        worked(&mut observer, second, second * 1_000);
    }
    assert_eq!(observer.gaps(), Some((1, 3)));
}

#[test]
fn between_generations_nothing_is_quiet() {
    let mut observer = observer();
    observer.silent(5..9, 5);
    observer.started(at(30));
    assert_eq!(observer.gaps(), Some((0, 0)), "who ended was not quiet");
    observer.silent(31..33, 31);
    assert_eq!(observer.gaps(), Some((1, 1)));
    let report = observer.report(at(40), true).unwrap();
    assert_eq!((report.generations, report.span), (2, Duration::from_secs(40)));
}

#[test]
fn memory_is_that_of_the_generation_that_lived_longest_and_its_peak_that_of_all() {
    let mut observer = observer();
    let hold = |observer: &mut Observer, second, mib| {
        let mut look = seen();
        look.memory = look.memory.map(|memory| Memory { settled: Bytes(mib * MIB), ..memory });
        observer.looked(at(second), &look, None);
    };
    let usual = |observer: &mut Observer, generation: std::ops::Range<u64>, mib| {
        observer.started(at(generation.start));
        for second in generation {
            hold(observer, second, mib);
        }
        let course = observer.report(at(0), true).unwrap().course.unwrap();
        (course.usual.0 / MIB, course.peak.0 / MIB)
    };
    assert_eq!(usual(&mut observer, 0..10, 100), (100, 100));
    assert_eq!(usual(&mut observer, 10..15, 900), (100, 900));
    assert_eq!(usual(&mut observer, 15..40, 300), (300, 900));
    assert_eq!(usual(&mut observer, 40..50, 200), (300, 900));
    // Of two that lived as long, it is the first.
    assert_eq!(usual(&mut observer, 50..75, 500), (300, 900));
    assert_eq!(usual(&mut observer, 80..90, 200), (300, 900));
    let blind = Observation { memory: None, ..seen() };
    observer.looked(at(60), &blind, None);
    let course = observer.report(at(0), true).unwrap().course.unwrap();
    assert_eq!(course.usual, Bytes(300 * MIB));
}

#[test]
fn nothing_is_suggested_in_the_first_minute() {
    let mut observer = observer();
    observer.silent(0..59, 0);
    assert_eq!(
        observer.report(Time::at(Duration::from_millis(59_999)), true).unwrap().advice,
        None
    );
    let advice = observer.report(at(60), true).unwrap().advice.unwrap();
    assert_eq!(advice.fit, Some(Fit::Steady { limit: Bytes(24 * MIB) }));
    let fresh = Observer::new(at(0), &rules()).unwrap();
    assert_eq!(fresh.report(at(100), true), None, "nothing ran");
    assert!(Observer::new(at(0), &Rules::none()).is_none());
}

#[test]
fn idle_is_suggested_after_what_was_seen() {
    let mut observer = observer();
    let mut now = 0;
    for gap in [3, 3, 3, 200, 3, 3] {
        observer.silent(now..now + gap + 1, now);
        now += gap + 1;
    }
    let report = observer.report(at(now), true).unwrap();
    assert_eq!(report.advice.unwrap().idle, Some(Duration::from_secs(60)));
    let gaps = report.gaps.unwrap();
    assert_eq!((gaps.count, gaps.longest), (6, Duration::from_secs(200)));
}

/// What was seen of TCP.
fn carried(payload: Payload) -> Observation {
    let traffic = Traffic { payload: Some(payload), ..Traffic::default() };
    Observation { traffic: Some(traffic), ..seen() }
}

/// The early job that is told, with jobs of so many bytes 4 s after the starts of two generations.
fn early_job(jobs: [u64; 2]) -> Option<u64> {
    let idle = Idle { after: Duration::from_secs(60), settle: Duration::from_secs(10) };
    let mut observer = Observer::new(at(0), &Rules { idle: Some(idle), ..rules() }).unwrap();
    for (began, job) in [0, 30].into_iter().zip(jobs) {
        observer.started(at(began));
        for second in 1..30 {
            let outbound = if second >= 4 { job } else { 0 };
            let payload = Payload { outbound, connections: 1, ..Payload::default() };
            observer.looked(at(began + second), &carried(payload), None);
        }
    }
    observer.report(at(60), true).unwrap().advice.unwrap().early_job.map(|job| job.0)
}

#[test]
fn the_largest_early_job_of_all_generations_is_told() {
    assert_eq!(early_job([0, 0]), None);
    assert_eq!(early_job([900, 0]), Some(900));
    assert_eq!(early_job([0, 900]), Some(900));
    assert_eq!(early_job([2_000, 900]), Some(2_000));
    assert_eq!((early_job([0, 256]), early_job([0, 257])), (None, Some(257)));
}

/// One beat a second, and something else after the one at 70 s.
fn gaps_above_beats(other: Option<u64>) -> u64 {
    let mut observer = observer();
    let mut payload = Payload { connections: 1, ..Payload::default() };
    for second in 1..=90 {
        payload.outbound_burst = 0;
        payload.add(Way::Outbound, 8);
        payload.last = Some(at(second));
        let later = other.filter(|_| second == 70).map(Duration::from_millis);
        let last = at(second) + later.unwrap_or_default();
        observer.looked(at(second) + Duration::from_millis(100), &carried(payload), Some(last));
    }
    observer.report(at(90), true).unwrap().background.unwrap().gaps.unwrap().count
}

#[test]
fn traffic_soon_after_a_beat_is_the_beat() {
    let beats = gaps_above_beats(None);
    assert_eq!(gaps_above_beats(Some(50)), beats);
    assert_eq!(gaps_above_beats(Some(51)), beats + 1);
}

// When it looks.

#[test]
fn a_look_that_costs_much_comes_seldom() {
    for (cost, next) in [(0, 1_100), (5, 1_100), (6, 1_300), (20, 4_100)] {
        let mut observing = Observing::new(at(0), &rules());
        let cost = Duration::from_millis(cost);
        observing.looked(Time::at(EARLIEST), &Observation { cost, ..seen() }, true);
        let millis = observing.deadline().unwrap().since(at(0)).as_millis();
        assert_eq!(millis, next, "{cost:?}");
    }
    assert_eq!(Observing::new(at(0), &Rules::none()).deadline(), None);
}

#[test]
fn a_look_that_comes_late_is_followed_at_the_same_pace_and_never_at_once() {
    for (late, next) in [(0, 1_100), (999, 1_100), (1_000, 2_100), (5_000, 6_100)] {
        let mut observing = Observing::new(at(0), &rules());
        observing.looked(Time::at(EARLIEST + Duration::from_millis(late)), &seen(), true);
        let millis = observing.deadline().unwrap().since(at(0)).as_millis();
        assert_eq!(millis, next, "{late}");
    }
}

#[test]
fn only_a_look_that_shows_all_is_the_one_that_was_due() {
    let first = Some(Time::at(EARLIEST));
    let walk = Observation { look: Look { walk: true, ..Look::default() }, ..seen() };
    let memory = Look { memory: Some(MemoryLook::Counters), ..Look::default() };
    let memory = Observation { look: memory, ..seen() };
    for (now, look) in [(at(1), walk), (at(1), memory), (Time::at(EARLIEST / 2), seen())] {
        let mut observing = Observing::new(at(0), &rules());
        observing.looked(now, &look, true);
        assert_eq!(observing.deadline(), first, "{look:?}");
    }
}

#[test]
fn it_asks_for_all_that_it_needs_when_it_is_time() {
    let rules = rules();
    let (observing, activity) = (Observing::new(at(0), &rules), Activity::new(at(0), &rules));
    let early = Time::at(Duration::from_millis(99));
    assert_eq!(observing.wanted(early, &activity, false), Look::default());
    let now = Time::at(EARLIEST);
    let all = Look {
        memory: Some(MemoryLook::Counters),
        // What was forked since then shows its parent's size.
        settled_by: Some(at(0)),
        ..Look::ALL_TRAFFIC
    };
    assert_eq!(observing.wanted(now, &activity, false), all);
    assert_eq!(observing.wanted(now, &activity, true), Look { traffic: None, ..all });
}
