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
    let paged = look.memory >= Some(MemoryLook::PagesInTime);
    let memory = Memory {
        rss: Bytes(rss),
        settled: Bytes(settled),
        largest: Bytes(settled),
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

/// The last look as it was made, that it cost a millisecond, and that pages showed this PSS.
fn costly(look: Look, rss: u64, pss: u64) -> Observation {
    let paged = look.memory >= Some(MemoryLook::PagesInTime);
    let pss = paged.then_some(Bytes(pss));
    Observation {
        generation: 1,
        look,
        memory: Some(Memory { rss: Bytes(rss), settled: Bytes(rss), largest: Bytes(rss), pss }),
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
    // At 1 GiB a second.
    for (missing, millis) in [(512 << 20, 500), (256 << 20, 250)] {
        let mut watch = watch(rules);
        for _ in 0..2 {
            let wanted = watch.wanted(at(0));
            watch.observe(at(0), &costly(wanted, 2 * limit, limit - missing));
        }
        assert_eq!(watch.deadline(), Some(at(millis)), "{missing}");
        assert_eq!(watch.wanted(at(millis)).memory, Some(MemoryLook::Counters), "{missing}");
    }
}

/// Between two looks at the pages, PSS is what it was and what RSS has grown by.
#[test]
fn pages_are_asked_again_when_rss_has_grown_by_what_was_missing() {
    let rules = MemoryRules { max_pss: Some(Bytes(LIMIT)), ..MemoryRules::default() };
    let mut watch = watch(rules);
    let (rss, missing) = (3 * LIMIT, 50 << 20);
    look(&mut watch, 0, rss, rss, None);
    look(&mut watch, 0, rss, rss, Some(LIMIT - missing));
    for (millis, grown) in [(100, missing / 2), (200, 0), (300, missing / 2)] {
        let seen = look(&mut watch, millis, rss + grown, rss + grown, None);
        assert_eq!(seen.memory, Some(MemoryLook::Counters));
        assert!(watch.deadline() > Some(at(millis)), "{millis}: nothing can be over");
    }
    look(&mut watch, 400, rss + missing / 2 + 1, rss + missing / 2 + 1, None);
    assert_eq!(watch.deadline(), Some(at(400)), "what has shrunk and grown again has grown");
    let seen = look(&mut watch, 400, rss + missing, rss + missing, Some(LIMIT + 1));
    assert_eq!(seen.memory, Some(MemoryLook::Pages));
    assert!(watch.max_pss().is_some());
}

fn kill(bytes: u64, measure: Measure) -> MemoryRules {
    MemoryRules { kill: Some((Bytes(bytes), measure)), ..MemoryRules::default() }
}

/// The same as `look`, of two processes that share all that is not PSS.
fn shared(watch: &mut MemoryWatch, millis: u64, rss: u64, pss: Option<u64>) -> Look {
    let look = watch.wanted(at(millis));
    let pss = pss.filter(|_| look.memory >= Some(MemoryLook::PagesInTime)).map(Bytes);
    let seen = costly(look, 0, 0);
    let memory = Memory { rss: Bytes(rss), settled: Bytes(rss), largest: Bytes(rss / 2), pss };
    watch.observe(at(millis), &Observation { memory: Some(memory), ..seen });
    look
}

#[test]
fn kill_rss_asks_for_pss_where_processes_share_and_believes_it() {
    let mut watch = watch(kill(LIMIT, Measure::Rss));
    shared(&mut watch, 0, LIMIT + 1, None);
    assert_eq!((watch.kill(), watch.deadline()), (None, Some(at(0))));
    let closely = shared(&mut watch, 0, LIMIT + 1, Some(LIMIT / 2 + 2));
    assert_eq!((closely.memory, watch.kill()), (Some(MemoryLook::PagesInTime), None));
    // As often as you look: it is less than the limit.
    for millis in [1_000, 2_000, 3_000] {
        let look = shared(&mut watch, millis, LIMIT + 1, None);
        assert_eq!((look.memory, watch.kill()), (Some(MemoryLook::Counters), None));
    }
    // Grown by so much that PSS may be over the limit.
    shared(&mut watch, 4_000, LIMIT + LIMIT / 2, None);
    shared(&mut watch, 4_400, LIMIT + LIMIT / 2, Some(LIMIT + 1));
    let over = watch.kill().unwrap();
    assert_eq!((over.used.0, over.pss), (LIMIT + LIMIT / 2, Some(Bytes(LIMIT + 1))));
}

#[test]
fn kill_rss_kills_for_rss_where_pss_cannot_be_known_in_time() {
    let mut watch = watch(kill(LIMIT, Measure::Rss));
    shared(&mut watch, 0, LIMIT + 1, None);
    assert_eq!(shared(&mut watch, 0, LIMIT + 1, None).memory, Some(MemoryLook::PagesInTime));
    assert!(watch.kill().is_some_and(|over| over.pss.is_none()));
}

#[test]
fn kill_rss_kills_at_half_as_much_again_whatever_is_shared() {
    let over = LIMIT + LIMIT / 2 + 2;
    let mut watch = watch(kill(LIMIT, Measure::Rss));
    shared(&mut watch, 0, LIMIT + 1, None);
    shared(&mut watch, 0, LIMIT + 1, Some(LIMIT / 2));
    let next = watch.deadline().unwrap();
    assert!(next < at(200), "it could be there in 150 ms: {next:?}");
    for millis in [1_000, 1_400] {
        assert_eq!(watch.kill(), None);
        shared(&mut watch, millis, over, Some(LIMIT / 2));
    }
    assert!(watch.kill().is_some_and(|over| over.pss == Some(Bytes(LIMIT / 2))));
}

/// The control: one process shares nothing with itself.
#[test]
fn kill_rss_kills_one_process_for_its_rss() {
    let mut watch = watch(kill(LIMIT, Measure::Rss));
    look(&mut watch, 0, LIMIT + 1, LIMIT + 1, None);
    look(&mut watch, 0, LIMIT + 1, LIMIT + 1, Some(LIMIT / 2));
    assert!(watch.kill().is_some());
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
    look(&mut watch, 4000, LIMIT * 2 + 1, LIMIT * 2 + 1, None);
    look(&mut watch, 4004, LIMIT * 2 + 1, LIMIT * 2 + 1, Some(LIMIT + 1));
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
