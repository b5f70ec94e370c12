//! Samples in, crossings and looks out.

use super::limit::CHEAP;
use super::*;
use crate::decide::event::Observation;

const LIMIT: u64 = 300 << 20;

fn at(millis: u64) -> Time {
    Time::at(Duration::from_millis(millis))
}

fn watch(rules: MemoryRules) -> MemoryWatch {
    MemoryWatch::new(at(0), rules)
}

fn rss_limit() -> MemoryRules {
    MemoryRules { max_rss: Some(Bytes(LIMIT)), ..MemoryRules::default() }
}

/// Looks as the watch wants to at this time; the world has this much memory.
fn look(watch: &mut MemoryWatch, millis: u64, rss: u64, settled: u64, pss: Option<u64>) -> Look {
    let look = watch.wanted(at(millis));
    let paged = look.memory == Some(MemoryLook::Pages);
    let memory =
        Memory { rss: Bytes(rss), settled: Bytes(settled), pss: pss.filter(|_| paged).map(Bytes) };
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

/// The last look as it was made, that it cost a millisecond, and that pages showed this PSS.
fn costly(look: Look, rss: u64, pss: u64) -> Observation {
    let paged = look.memory == Some(MemoryLook::Pages);
    let pss = paged.then_some(Bytes(pss));
    Observation {
        generation: 1,
        look,
        memory: Some(Memory { rss: Bytes(rss), settled: Bytes(rss), pss }),
        traffic: None,
        tree: None,
        unseen: Vec::new(),
        cost: Duration::from_millis(1),
    }
}

#[test]
fn pages_are_not_asked_again_before_they_can_be_over_the_limit_nor_at_too_high_a_cost() {
    let limit = 2 * LIMIT;
    let rules = MemoryRules { max_pss: Some(Bytes(limit)), ..MemoryRules::default() };
    // At 1 GiB a second; a look at the pages that cost 1 ms is not repeated before 300 ms.
    for (missing, millis) in [(512 << 20, 500), (256 << 20, 300), (0, 300)] {
        let mut watch = watch(rules);
        for _ in 0..2 {
            let wanted = watch.wanted(at(0));
            watch.observe(at(0), &costly(wanted, 2 * limit, limit - missing));
        }
        assert_eq!(watch.deadline(), Some(at(millis)), "{missing}");
        assert_eq!(watch.wanted(at(millis)).memory, Some(MemoryLook::Pages), "{missing}");
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
    look(&mut watch, 4000, LIMIT * 2, LIMIT * 2, Some(LIMIT + 1));
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
