//! Samples in, crossings and looks out.

use super::limit::CHEAP;
use super::*;
use crate::event::{Observation, Tree};

pub(super) const LIMIT: u64 = 300 << 20;

pub(super) fn at(millis: u64) -> Time {
    Time::at(Duration::from_millis(millis))
}

pub(super) fn watch(rules: MemoryRules) -> MemoryWatch {
    MemoryWatch::new(at(0), rules)
}

pub(super) fn rss_limit() -> MemoryRules {
    MemoryRules { max_rss: Some(Bytes(LIMIT)), ..MemoryRules::default() }
}

/// Looks as the watch wants to at this time; the world has this much memory.
pub(super) fn look(
    watch: &mut MemoryWatch,
    millis: u64,
    rss: u64,
    settled: u64,
    pss: Option<u64>,
) -> Look {
    let look = watch.wanted(at(millis));
    let paged = look.memory >= Some(MemoryLook::PagesInTime);
    let memory = Memory {
        rss: Bytes(rss),
        settled: Bytes(settled),
        largest: Bytes(settled),
        pss_at_most: None,
        pages_cost: None,
        pss: pss.filter(|_| paged).map(Bytes),
    };
    watch.observe(
        at(millis),
        &Observation {
            generation: 1,
            look,
            memory: Some(memory),
            traffic: None,
            tree: None,
            unseen: Vec::new(),
            cost: Duration::from_micros(10),
        },
    );
    look
}

#[test]
fn the_next_look_is_when_the_limit_could_be_reached() {
    let mut watch = watch(rss_limit());
    look(&mut watch, 0, 44 << 20, 44 << 20, None);
    assert_eq!(watch.deadline(), Some(at(250)), "256 MiB at 1 GiB a second");
    // Seen to grow by 2 GiB a second, it could be there in half a second.
    let mut watch = self::watch(MemoryRules { max_rss: Some(Bytes(5 << 30)), ..rss_limit() });
    for (millis, rss) in [(0, 0), (1000, 2 << 30), (2000, 4 << 30)] {
        look(&mut watch, millis, rss, rss, None);
    }
    assert_eq!(watch.deadline(), Some(at(2500)));
}

#[test]
fn one_sample_over_the_limit_is_confirmed_by_the_pages_at_once() {
    let mut watch = watch(rss_limit());
    look(&mut watch, 0, LIMIT + 1, LIMIT + 1, None);
    assert_eq!((watch.max_rss(), watch.deadline()), (None, Some(at(0))));
    let closely = look(&mut watch, 0, LIMIT + 1, LIMIT + 1, Some(LIMIT));
    assert_eq!((closely.memory, closely.walk), (Some(MemoryLook::Pages), true));
    assert!(watch.max_rss().is_some_and(|over| over.pss == Some(Bytes(LIMIT))));
}

#[test]
fn pages_that_say_otherwise_win_and_are_not_asked_again_at_once() {
    let mut watch = watch(rss_limit());
    look(&mut watch, 0, LIMIT + 1, LIMIT + 1, None);
    look(&mut watch, 0, LIMIT, LIMIT, Some(LIMIT));
    assert_eq!(watch.max_rss(), None);
    assert!(watch.deadline() >= Some(at(4)));
}

#[test]
fn without_pages_a_second_sample_confirms() {
    let mut watch = watch(rss_limit());
    for _ in 0..2 {
        look(&mut watch, 0, LIMIT + 1, LIMIT + 1, None);
    }
    assert!(
        watch.max_rss().is_some(),
        "the pages were asked in vain, and the counters say it again"
    );
    look(&mut watch, 1000, LIMIT, LIMIT, None);
    assert_eq!(watch.max_rss(), None);
}

#[test]
fn a_big_tree_is_not_read_page_by_page_to_confirm() {
    let limit = 2 << 30;
    let mut watch = watch(MemoryRules { max_rss: Some(Bytes(limit)), ..rss_limit() });
    look(&mut watch, 0, limit + 1, limit + 1, None);
    assert_eq!(watch.deadline(), Some(at(4)));
    assert_eq!(look(&mut watch, 4, limit + 1, limit + 1, None).memory, Some(MemoryLook::Counters));
    assert!(watch.max_rss().is_some());
}

#[test]
fn cheap_is_under_one_gibibyte() {
    for (rss, looks) in [(CHEAP.0 - 1, MemoryLook::Pages), (CHEAP.0, MemoryLook::Counters)] {
        let mut watch = watch(rss_limit());
        look(&mut watch, 0, rss, rss, None);
        assert_eq!(look(&mut watch, 4, rss, rss, None).memory, Some(looks), "{rss}");
    }
}

/// What was seen of a tree that has not run since the look before.
pub(super) fn asleep(seen: Observation) -> Observation {
    let tree = Tree { cpu: Duration::ZERO, stopped: false, processes: 2, asleep: true };
    Observation { tree: Some(tree), ..seen }
}

/// The last look as it was made, that it cost a millisecond, and that pages showed this PSS.
pub(super) fn costly(look: Look, rss: u64, pss: u64) -> Observation {
    let paged = look.memory >= Some(MemoryLook::PagesInTime);
    let pss = paged.then_some(Bytes(pss));
    Observation {
        generation: 1,
        look,
        memory: Some(Memory {
            rss: Bytes(rss),
            settled: Bytes(rss),
            largest: Bytes(rss),
            pss,
            pss_at_most: None,
            pages_cost: None,
        }),
        traffic: None,
        tree: None,
        unseen: Vec::new(),
        cost: Duration::from_millis(1),
    }
}

/// A look at 10,000 processes costs 5 ms, of which 400 times would be two seconds.
#[test]
fn what_grows_so_fast_that_a_cheap_look_would_be_late_is_looked_at_more_often() {
    // By 1 MB in two seconds the limit is far away, by 150 MB less than a second.
    for (grown, next) in [(0, 5_000), (1 << 20, 5_000), (150 << 20, 3_100)] {
        let mut watch = self::watch(rss_limit());
        for (millis, rss) in [(0, 100 << 20), (1_000, 100 << 20), (3_000, (100 << 20) + grown)] {
            let look = watch.wanted(at(millis));
            assert_eq!((look.memory, look.walk), (Some(MemoryLook::Counters), millis == 0));
            let cost = Duration::from_millis(5);
            watch.observe(at(millis), &Observation { cost, ..costly(look, rss, 0) });
        }
        assert_eq!(watch.deadline(), Some(at(next)), "{grown}");
    }
}

#[test]
fn a_fork_that_shows_its_parents_size_is_asked_again_when_it_has_settled() {
    let mut watch = watch(rss_limit());
    for millis in [0, 100, 200, 300] {
        look(&mut watch, millis, 2 * LIMIT, LIMIT, None);
        assert_eq!((watch.max_rss(), watch.deadline()), (None, Some(at(millis + 100))));
    }
}

#[test]
fn pss_is_never_asked_for_while_rss_is_under_the_limit() {
    let pss = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let mut watch = watch(pss);
    for millis in [0, 1000, 2000] {
        let counters = look(&mut watch, millis, LIMIT, LIMIT, None).memory;
        assert_eq!(counters, Some(MemoryLook::Counters));
    }
    look(&mut watch, 3000, LIMIT * 2, LIMIT * 2, None);
    let closely = look(&mut watch, 3001, LIMIT * 2, LIMIT * 2, Some(LIMIT));
    assert_eq!((closely.memory, watch.max_pss()), (Some(MemoryLook::Pages), None));
    // It has grown since by what was missing.
    look(&mut watch, 4000, LIMIT * 2 + 1, LIMIT * 2 + 1, Some(LIMIT + 1));
    assert!(watch.max_pss().is_some());
}

#[test]
fn looking_never_costs_more_than_its_share() {
    let mut watch = watch(rss_limit());
    let wanted = watch.wanted(at(0));
    watch.observe(at(0), &costly(wanted, LIMIT, LIMIT));
    assert!(!watch.wanted(at(799)).walk && watch.wanted(at(800)).walk);
    let wanted = watch.wanted(at(4));
    assert!(!wanted.walk);
    watch.observe(at(4), &costly(wanted, LIMIT, LIMIT));
    assert_eq!(watch.deadline(), Some(at(404)), "400 times what it cost");
}

/// 150 MiB are missing to half as much again as the limit: 146 ms at 1 GiB a second.
#[test]
fn while_a_recycle_is_held_memory_is_looked_at_when_it_could_run_away() {
    let mut watch = watch(rss_limit());
    let over = |watch: &mut MemoryWatch, millis| {
        look(watch, millis, LIMIT + 1, LIMIT + 1, Some(LIMIT + 1));
        look(watch, millis, LIMIT + 1, LIMIT + 1, Some(LIMIT + 1));
        assert!(watch.max_rss().is_some());
    };
    let soon = Duration::from_micros(146_484);
    over(&mut watch, 0);
    assert_eq!(watch.deadline(), Some(at(1_000)), "nothing holds it");
    watch.hold(at(0));
    assert_eq!(watch.deadline(), Some(at(0) + soon));
    look(&mut watch, 147, LIMIT + 1, LIMIT + 1, None);
    assert_eq!(watch.deadline(), Some(at(147) + soon), "it is held still");
    // Below the limit the hold is over.
    look(&mut watch, 1_000, 0, 0, None);
    over(&mut watch, 2_000);
    assert_eq!(watch.deadline(), Some(at(3_000)));
}

/// Half as long as it has slept: at 13 s it is too early by half a second.
#[test]
fn a_look_at_a_tree_that_sleeps_joins_another_one() {
    let mut watch = watch(rss_limit());
    for millis in [0, 10_000] {
        let look = watch.wanted(at(millis));
        watch.observe(at(millis), &asleep(costly(look, 44 << 20, 0)));
    }
    assert_eq!(watch.deadline(), Some(at(20_000)), "it has slept for 10 s");
    assert_eq!(watch.wanted_early(at(13_000)), Look::default());
    assert!(watch.wanted_early(at(14_000)).memory.is_some());
    watch.woken(at(14_000));
    watch.observe(at(14_000), &costly(watch.wanted(at(14_000)), 44 << 20, 0));
    assert_eq!(watch.wanted_early(at(14_200)), Look::default(), "it runs");
}

/// Unknown is not asleep.
#[test]
fn a_look_that_cannot_see_the_tree_does_not_prolong_its_sleep() {
    let mut watch = watch(rss_limit());
    for millis in [0, 10_000] {
        let look = watch.wanted(at(millis));
        watch.observe(at(millis), &asleep(costly(look, 44 << 20, 0)));
    }
    watch.observe(at(20_000), &costly(watch.wanted(at(20_000)), 44 << 20, 0));
    assert_eq!(watch.deadline(), Some(at(20_250)));
}

/// What it wrote to after they were read, they do not show.
#[test]
fn a_tree_that_sleeps_has_run_if_it_did_after_the_pages_were_read() {
    let rules = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let pages = Look { memory: Some(MemoryLook::Pages), walk: true, ..Look::default() };
    let counters = Look { memory: Some(MemoryLook::Counters), ..pages };
    for (last_ran, ran) in [(1_000, false), (1_500, true)] {
        let mut watch = watch(rules);
        for (millis, look) in [(0, counters), (1_000, pages), (last_ran, counters)] {
            let mut seen = asleep(costly(look, 2 * LIMIT, LIMIT / 2));
            seen.tree = seen.tree.map(|tree| Tree { asleep: false, ..tree });
            watch.observe(at(millis), &seen);
        }
        watch.observe(at(2_000), &asleep(costly(counters, 2 * LIMIT, 0)));
        assert_eq!(watch.known().map(|known| known.ran), Some(ran), "{last_ran}");
    }
}

/// They were read when it was below the limit.
#[test]
fn a_kill_that_counters_alone_have_proven_is_not_told_with_pss() {
    let kill = Some((Bytes(LIMIT), Measure::Rss));
    let mut watch = watch(MemoryRules { kill, ..MemoryRules::default() });
    let pages = Look { memory: Some(MemoryLook::Pages), ..Look::default() };
    let counters = Look { memory: Some(MemoryLook::Counters), ..Look::default() };
    watch.observe(at(0), &costly(pages, LIMIT, LIMIT / 2));
    for millis in [1_000, 1_004] {
        watch.observe(at(millis), &costly(counters, 2 * LIMIT, 0));
    }
    assert!(watch.kill().is_some_and(|over| over.pss.is_none()), "{:?}", watch.kill());
}
