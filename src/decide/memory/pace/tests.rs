//! PSS: what it may be between two looks at the pages, and when they are worth their cost.

use std::time::Duration;

use crate::event::{Look, Memory, MemoryLook, Observation};
use crate::memory::MemoryWatch;
use crate::memory::tests::{LIMIT, asleep, at, costly, look, watch};
use crate::rules::MemoryRules;
use crate::time::Time;
use crate::units::Bytes;

#[test]
fn pages_are_not_asked_again_before_they_can_be_over_the_limit_nor_at_too_high_a_cost() {
    let limit = 2 * LIMIT;
    let rules = MemoryRules { max_pss: Some(Bytes(limit)), ..MemoryRules::default() };
    // At 1 GiB a second.
    let (pages, counters) = (MemoryLook::Pages, MemoryLook::Counters);
    for (missing, millis, look) in [(512 << 20, 500, pages), (256 << 20, 250, counters)] {
        let mut watch = watch(rules);
        for _ in 0..2 {
            let wanted = watch.wanted(at(0));
            watch.observe(at(0), &costly(wanted, 2 * limit, limit - missing));
        }
        assert_eq!(watch.deadline(), Some(at(millis)), "{missing}");
        // Reading cost 1 ms: not before 300 ms.
        assert_eq!(watch.wanted(at(millis)).memory, Some(look), "{missing}");
    }
}

/// Between two looks at the pages, PSS is what it was and what RSS has grown by.
#[test]
fn pages_are_asked_again_when_rss_has_grown_by_what_was_missing() {
    let rules = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let mut watch = watch(rules);
    let (rss, missing) = (3 * LIMIT, 50 << 20);
    look(&mut watch, 0, rss, rss, None);
    // That costs 1 ms: without growth of RSS it is not done again before 300 ms.
    pss_at(&mut watch, 0, rss, LIMIT - missing);
    for (millis, grown) in [(100, missing / 2), (200, 0), (290, missing / 2)] {
        let seen = look(&mut watch, millis, rss + grown, rss + grown, None);
        assert_eq!(seen.memory, Some(MemoryLook::Counters));
        assert!(watch.deadline() > Some(at(millis)), "{millis}: nothing can be over");
    }
    look(&mut watch, 295, rss + missing / 2 + 1, rss + missing / 2 + 1, None);
    assert_eq!(watch.deadline(), Some(at(295)), "what has shrunk and grown again has grown");
    let seen = look(&mut watch, 295, rss + missing, rss + missing, Some(LIMIT + 1));
    assert_eq!(seen.memory, Some(MemoryLook::Pages));
    assert!(watch.max_pss().is_some());
}

/// Reading the pages costs 1 ms; the tree has three times the limit in RSS, and this PSS.
fn pss_at(watch: &mut MemoryWatch, millis: u64, rss: u64, pss: u64) -> Look {
    let look = watch.wanted(at(millis));
    watch.observe(at(millis), &costly(look, rss, pss));
    look
}

/// 5% of a processor where growth may have crossed the limit; it was a third of a percent.
#[test]
fn growth_up_to_the_limit_makes_a_look_at_the_pages_urgent() {
    let rules = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let mut watch = watch(rules);
    let (rss, missing) = (3 * LIMIT, 5 << 20);
    pss_at(&mut watch, 0, rss, 0);
    pss_at(&mut watch, 0, rss, LIMIT - missing);
    pss_at(&mut watch, 5, rss + missing + 1, 0);
    assert_eq!(watch.deadline(), Some(at(20)), "20 times what it cost");
    let look = pss_at(&mut watch, 20, rss + missing + 1, LIMIT + 1);
    assert_eq!((look.memory, watch.max_pss().is_some()), (Some(MemoryLook::Pages), true));
}

/// Whoever can read what has run since, without the rest, says what that would cost.
#[test]
fn what_a_look_at_the_pages_would_cost_now_decides() {
    let rules = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let mut watch = watch(rules);
    let rss = 3 * LIMIT;
    pss_at(&mut watch, 0, rss, 0);
    pss_at(&mut watch, 0, rss, LIMIT - 1);
    let look = watch.wanted(at(4));
    let mut seen = costly(look, rss + 2, 0);
    let pages_cost = Some(Duration::from_micros(500));
    seen.memory = seen.memory.map(|memory| Memory { pages_cost, ..memory });
    watch.observe(at(4), &seen);
    assert_eq!(watch.deadline(), Some(at(10)));
}

/// A server that forks and forks grows in RSS, and not in PSS.
#[test]
fn looks_at_the_pages_that_show_no_growth_become_rare() {
    let rules = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let mut watch = watch(rules);
    let (mut rss, mut now) = (3 * LIMIT, 0);
    let mut pauses = Vec::new();
    pss_at(&mut watch, 0, rss, 0);
    pss_at(&mut watch, 0, rss, LIMIT - 2);
    for _ in 0..10 {
        rss += LIMIT;
        pss_at(&mut watch, now + 4, rss, 0);
        let next = (now..).find(|millis| Some(at(*millis)) >= watch.deadline()).unwrap();
        pauses.push(next - now);
        now = next;
        assert_eq!(pss_at(&mut watch, now, rss, LIMIT - 2).memory, Some(MemoryLook::Pages));
        assert_eq!(watch.max_pss(), None);
    }
    assert_eq!(pauses, [20, 20, 20, 20, 40, 80, 160, 300, 300, 300]);
    // What grows is looked at often again.
    pss_at(&mut watch, now + 4, rss + 3, 0);
    pss_at(&mut watch, now + 300, rss + 3, LIMIT - 1);
    pss_at(&mut watch, now + 304, rss + 9, 0);
    assert_eq!(watch.deadline(), Some(at(now + 320)));
}

/// Forked processes write to the pages that they share: PSS grows up to RSS, which stays.
/// The first version read PSS once, and never again.
#[test]
fn pss_that_grows_without_rss_is_read_again() {
    let rules = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let mut watch = watch(rules);
    let (rss, began) = (2 * LIMIT, 10_000);
    let pss = |millis: u64| LIMIT / 2 + millis.saturating_sub(began) * (LIMIT / 2 / 10_000);
    pss_at(&mut watch, 0, rss, 0);
    let (mut now, mut reads) = (0, Vec::new());
    while watch.max_pss().is_none() {
        assert!(now < 21_000, "PSS is over the limit since 20 s");
        let look = pss_at(&mut watch, now, rss, pss(now));
        reads.extend((look.memory == Some(MemoryLook::Pages)).then_some(now));
        now = (now..).find(|millis| Some(at(*millis)) >= watch.deadline()).unwrap();
    }
    let pauses: Vec<_> = reads.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.iter().all(|pause| (20..=1_000).contains(pause)), "{pauses:?}");
    // A third of a percent of a processor while it is far from the limit.
    let far = reads.iter().filter(|millis| **millis < began).count();
    assert!((30..=34).contains(&far), "{far}");
}

/// A look costs 20 ms: once a second near the limit, once in 6 s far from it.
#[test]
fn pss_is_read_more_often_near_its_limit() {
    let rules = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    for (pss, next) in [(LIMIT / 4 * 3, 1_000), (LIMIT / 4 * 3 - 1, 6_000)] {
        let mut watch = watch(rules);
        for _ in 0..2 {
            let look = watch.wanted(at(0));
            let seen = costly(look, 2 * LIMIT, pss);
            watch.observe(at(0), &Observation { cost: Duration::from_millis(20), ..seen });
        }
        assert_eq!(watch.next_pages(), Some(at(next)), "{pss}");
    }
}

/// 200 MiB in 6 s, and 100 MiB are missing: it needs 3 s, or less if it has begun late.
#[test]
fn pss_that_grows_is_read_again_in_half_the_time_that_it_needs() {
    let rules = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let mut watch = watch(rules);
    for (millis, pss) in [(0, 0), (0, 0), (6_000, 0), (12_000, 200 << 20)] {
        let look = watch.wanted(at(millis));
        let seen = costly(look, 2 * LIMIT, pss);
        watch.observe(at(millis), &Observation { cost: Duration::from_millis(20), ..seen });
    }
    assert_eq!(watch.next_pages(), Some(at(13_500)));
}

/// It must run to write to a page.
#[test]
fn pss_of_a_tree_that_sleeps_is_not_read_again_before_it_wakes() {
    let rules = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let mut watch = watch(rules);
    let (rss, pss) = (2 * LIMIT, LIMIT / 10 * 9);
    pss_at(&mut watch, 0, rss, 0);
    pss_at(&mut watch, 0, rss, pss);
    // It may have run after the pages were read: only the next look can tell.
    let mut reads = Vec::new();
    for millis in [1_000, 2_000, 10_000, 60_000] {
        let look = watch.wanted(at(millis));
        reads.push(look.memory);
        watch.observe(at(millis), &asleep(costly(look, rss, pss)));
    }
    let (pages, counters) = (Some(MemoryLook::Pages), Some(MemoryLook::Counters));
    assert_eq!(reads, [pages, counters, counters, counters]);
    watch.woken(at(70_000));
    assert_eq!((watch.wanted(at(70_000)).memory, watch.deadline()), (pages, Some(at(70_000))));
}

/// A look at the counters that costs a millisecond is not repeated for 400 ms, but for a limit that
/// is crossed before. At 1 GiB a second, growth of 512 MiB a second takes twice as long.
#[test]
fn what_crosses_the_limit_when_the_next_look_comes_anyway_is_not_urgent() {
    for (missing, next) in [(214_748_365, 1_400), (214_748_365 - 1_100, 1_199)] {
        let grown = 512 << 20;
        let rules = MemoryRules { max_rss: Some(Bytes(grown + missing)), ..MemoryRules::default() };
        let mut watch = watch(rules);
        for (millis, rss) in [(0, 0), (1_000, grown)] {
            let mut look = watch.wanted(at(millis));
            look.walk &= millis == 0;
            assert_eq!(look.memory, Some(MemoryLook::Counters));
            watch.observe(at(millis), &costly(look, rss, 0));
        }
        let deadline = watch.deadline().unwrap().since(at(0));
        assert_eq!(deadline.as_millis(), next, "{missing}");
    }
}

/// PSS over the limit for certain, and read for a millisecond at 20 ms.
fn confirmed() -> MemoryWatch {
    let rules = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let mut watch = watch(rules);
    let rss = 3 * LIMIT;
    pss_at(&mut watch, 0, rss - 1, 0);
    pss_at(&mut watch, 0, rss - 1, LIMIT);
    pss_at(&mut watch, 5, rss, 0);
    pss_at(&mut watch, 20, rss, LIMIT + 1);
    watch
}

/// The counters, and when the next look comes.
fn counters(watch: &mut MemoryWatch, millis: u64, rss: u64) -> Option<Time> {
    let look = Look { memory: Some(MemoryLook::Counters), ..Look::default() };
    watch.observe(at(millis), &costly(look, rss, 0));
    watch.deadline()
}

#[test]
fn once_the_pages_have_confirmed_a_crossing_they_are_urgent_only_to_end_a_hold() {
    // 150 MiB more are half as much again as the limit.
    let (rss, far) = (3 * LIMIT, 3 * LIMIT + LIMIT / 2 - 1);
    let mut watch = confirmed();
    assert!(watch.max_pss().is_some());
    assert_eq!(watch.deadline(), Some(at(320)), "300 times what they cost");
    assert_eq!(counters(&mut watch, 200, far + 1), Some(at(320)), "nothing holds it");
    let mut watch = confirmed();
    watch.hold(at(20));
    assert_eq!(counters(&mut watch, 150, rss), Some(at(320)));
    assert_eq!(counters(&mut watch, 200, far), Some(at(320)));
    assert_eq!(counters(&mut watch, 204, far + 1), Some(at(204)));
}

#[test]
fn what_has_passed_all_that_ends_a_hold_is_not_looked_at_for_it() {
    let rules = MemoryRules { max_rss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let mut watch = watch(rules);
    for pss in [None, Some(LIMIT)] {
        look(&mut watch, 0, LIMIT + 1, LIMIT + 1, pss);
    }
    watch.hold(at(0));
    look(&mut watch, 147, 2 * LIMIT, 2 * LIMIT, None);
    assert!(watch.runs_away());
    assert_eq!(watch.deadline(), Some(at(1_147)));
}
