//! `--kill-rss` where processes share pages.

use std::time::Duration;

use crate::event::{Look, Memory, MemoryLook, Observation, Sight, Tree, Unseen};
use crate::memory::MemoryWatch;
use crate::memory::tests::{LIMIT, at, costly, look, rss_limit, watch};
use crate::rules::{Measure, MemoryRules};
use crate::units::Bytes;

/// Permission denied, `errno(3)`.
const EACCES: i32 = 13;

const RSS: Measure = Measure::Rss;

fn kill(bytes: u64, measure: Measure) -> MemoryRules {
    MemoryRules { kill: Some((Bytes(bytes), measure)), ..MemoryRules::default() }
}

/// The same as `look`, of two processes that share all that is not PSS.
fn shared(watch: &mut MemoryWatch, millis: u64, rss: u64, pss: Option<u64>) -> Look {
    let look = watch.wanted(at(millis));
    let pss = pss.filter(|_| look.memory >= Some(MemoryLook::PagesInTime)).map(Bytes);
    let seen = costly(look, 0, 0);
    let memory = Memory {
        rss: Bytes(rss),
        settled: Bytes(rss),
        largest: Bytes(rss / 2),
        pss,
        pss_at_most: None,
        pages_cost: None,
    };
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
    // A tree that runs may write to shared pages: PSS is read again, and kills alone.
    for millis in [1_000, 2_000, 3_000] {
        let look = shared(&mut watch, millis, LIMIT + 1, Some(LIMIT));
        assert_eq!((look.memory, watch.kill()), (Some(MemoryLook::PagesInTime), None));
    }
    shared(&mut watch, 4_000, LIMIT + 1, Some(LIMIT + 1));
    let over = watch.kill().unwrap();
    assert_eq!((over.used.0, over.pss), (LIMIT + 1, Some(Bytes(LIMIT + 1))));
}

#[test]
fn kill_rss_kills_for_rss_where_pss_cannot_be_known_in_time() {
    let mut watch = watch(kill(LIMIT, Measure::Rss));
    shared(&mut watch, 0, LIMIT + 1, None);
    assert_eq!(shared(&mut watch, 0, LIMIT + 1, None).memory, Some(MemoryLook::PagesInTime));
    assert!(watch.kill().is_some_and(|over| over.pss.is_none()));
}

#[test]
fn pages_that_were_too_slow_are_read_before_a_recycle_and_unreadable_ones_are_not() {
    let mut slow = watch(kill(LIMIT, Measure::Rss));
    shared(&mut slow, 0, LIMIT + 1, None);
    assert_eq!(shared(&mut slow, 0, LIMIT + 1, None).memory, Some(MemoryLook::PagesInTime));
    assert_eq!(slow.last_look(at(0)).memory, Some(MemoryLook::Pages));
    let mut unreadable = watch(rss_limit());
    look(&mut unreadable, 0, LIMIT + 1, LIMIT + 1, None);
    let closely = look(&mut unreadable, 0, LIMIT + 1, LIMIT + 1, None);
    assert_eq!(closely.memory, Some(MemoryLook::Pages));
    assert_eq!(unreadable.last_look(at(0)).memory, Some(MemoryLook::Counters));
    // The kernel refuses it: then it is not a matter of time.
    let mut refused = watch(kill(LIMIT, Measure::Rss));
    shared(&mut refused, 0, LIMIT + 1, None);
    let look = refused.wanted(at(0));
    assert_eq!(look.memory, Some(MemoryLook::PagesInTime));
    let mut seen = costly(look, LIMIT + 1, 0);
    seen.memory = seen.memory.map(|memory| Memory { pss: None, ..memory });
    seen.unseen = vec![Unseen { what: Sight::Pages, errno: 13 }];
    refused.observe(at(0), &seen);
    assert_eq!(refused.last_look(at(0)).memory, Some(MemoryLook::Counters));
}

#[test]
fn kill_rss_kills_at_half_as_much_again_whatever_is_shared() {
    let over = LIMIT + LIMIT / 2 + 2;
    let mut watch = watch(kill(LIMIT, Measure::Rss));
    shared(&mut watch, 0, LIMIT + 1, None);
    shared(&mut watch, 0, LIMIT + 1, Some(LIMIT / 2));
    let next = watch.deadline().unwrap();
    assert!(next < at(200), "it could be there in 150 ms: {next:?}");
    assert_eq!(watch.kill(), None);
    shared(&mut watch, 1_000, over, Some(LIMIT / 2));
    assert!(watch.kill().is_some_and(|over| over.pss == Some(Bytes(LIMIT / 2))));
}

/// A tree of more than 1 GiB is not read page by page to confirm it.
#[test]
fn a_kill_for_rss_is_not_told_with_the_pss_of_an_earlier_look() {
    let limit = 2 << 30;
    let mut watch = watch(kill(limit, Measure::Rss));
    shared(&mut watch, 0, limit + 1, None);
    shared(&mut watch, 0, limit + 1, Some(limit / 2));
    for millis in [1_000, 1_004] {
        assert_eq!(watch.kill(), None);
        shared(&mut watch, millis, 2 * limit, None);
    }
    assert!(watch.kill().is_some_and(|over| over.pss.is_none()), "{:?}", watch.kill());
}

/// The control: one process shares nothing with itself.
#[test]
fn kill_rss_kills_one_process_for_its_rss() {
    let mut watch = watch(kill(LIMIT, Measure::Rss));
    look(&mut watch, 0, LIMIT + 1, LIMIT + 1, None);
    look(&mut watch, 0, LIMIT + 1, LIMIT + 1, Some(LIMIT / 2));
    assert!(watch.kill().is_some());
}

/// A set-user-ID child of COMMAND does not let its pages be read. PSS counts again without it.
#[test]
fn refused_look_at_the_pages_is_repeated() {
    let tree = |processes| Tree { cpu: Duration::ZERO, stopped: false, processes, asleep: false };
    for (millis, processes, again) in [
        (9_999, Some(3), false),
        (10_000, Some(3), true),
        (1_000, Some(3), false),
        (1_000, Some(2), true),
        (1_000, None, false),
    ] {
        let mut watch = watch(kill(LIMIT, Measure::Pss));
        shared(&mut watch, 0, LIMIT + 1, None);
        let refused = watch.wanted(at(0));
        assert_eq!(refused.memory, Some(MemoryLook::Pages));
        let memory = |pss| Memory {
            largest: Bytes(LIMIT / 2),
            ..costly(refused, LIMIT + 1, pss).memory.unwrap()
        };
        let memory = Memory { pss: None, ..memory(0) };
        let unseen = vec![Unseen { what: Sight::Pages, errno: EACCES }];
        let seen = costly(refused, 0, 0);
        let (memory, tree_then) = (Some(memory), Some(tree(3)));
        watch.observe(at(0), &Observation { memory, tree: tree_then, unseen, ..seen });
        assert_eq!(watch.last_look(at(1)).memory, Some(MemoryLook::Counters));
        let counters = watch.wanted(at(millis));
        assert_eq!(counters.memory, Some(MemoryLook::Counters));
        let seen = costly(counters, 0, 0);
        watch.observe(at(millis), &Observation { memory, tree: processes.map(tree), ..seen });
        let pages = watch.pages_wanted().is_some();
        assert_eq!(pages, again, "{millis} {processes:?}");
    }
}

/// As long as it hides, RSS decides alone; once PSS can be read again, shared pages do not kill.
#[test]
fn kill_rss_spares_shared_pages_after_an_earlier_refused_look() {
    let mut watch = watch(MemoryRules { max_pss: Some(Bytes(LIMIT)), ..kill(2 * LIMIT, RSS) });
    let look = |watch: &mut MemoryWatch, millis, rss, pss| {
        let look = watch.wanted(at(millis));
        let memory = Memory { largest: Bytes(LIMIT), ..costly(look, rss, 0).memory.unwrap() };
        let pss = memory.pss.and(pss);
        let hidden = look.memory >= Some(MemoryLook::PagesInTime) && pss.is_none();
        let unseen = Unseen { what: Sight::Pages, errno: EACCES };
        let unseen = if hidden { vec![unseen] } else { vec![] };
        let seen = costly(look, 0, 0);
        let memory = Some(Memory { pss: pss.map(Bytes), ..memory });
        watch.observe(at(millis), &Observation { memory, unseen, ..seen });
    };
    look(&mut watch, 0, LIMIT + 1, None);
    look(&mut watch, 0, LIMIT + 1, None);
    assert!(watch.pages_unseen.is_some());
    for second in 1..=12 {
        look(&mut watch, second * 1_000, LIMIT + 1, Some(LIMIT));
    }
    // Then it forks, and shares all that it has.
    for second in 13..=20 {
        look(&mut watch, second * 1_000, 2 * LIMIT + 2, Some(LIMIT + 1));
        assert_eq!(watch.kill(), None, "{second}");
    }
}

/// A small process hides its pages. With all of its RSS, PSS is below the limit.
#[test]
fn kill_rss_spares_shared_pages_beside_a_process_that_hides_its_pages() {
    for (at_most, killed) in [(LIMIT, false), (LIMIT + 1, true)] {
        let mut watch = watch(kill(LIMIT, RSS));
        for millis in [0, 0, 1_000, 2_000] {
            let look = watch.wanted(at(millis));
            let paged = look.memory >= Some(MemoryLook::PagesInTime);
            let pss_at_most = paged.then_some(Bytes(at_most));
            let seen = costly(look, LIMIT + 2, 0);
            let (largest, pss) = (Bytes(LIMIT / 2), None);
            let memory = seen.memory.map(|memory| Memory { largest, pss, pss_at_most, ..memory });
            let unseen = vec![Unseen { what: Sight::Pages, errno: EACCES }];
            let unseen = if paged { unseen } else { vec![] };
            watch.observe(at(millis), &Observation { memory, unseen, ..seen });
        }
        assert_eq!(watch.kill().is_some(), killed, "{at_most}");
    }
}

/// Two processes, of which the larger one has exactly the limit: that alone crosses nothing.
#[test]
fn one_process_of_exactly_the_limit_is_no_proof_for_kill_rss() {
    for (largest, wanted) in [(LIMIT, MemoryLook::PagesInTime), (LIMIT + 1, MemoryLook::Pages)] {
        let mut watch = watch(kill(LIMIT, Measure::Rss));
        let look = watch.wanted(at(0));
        let mut seen = costly(look, LIMIT + LIMIT / 4, 0);
        let largest = Bytes(largest);
        seen.memory = seen.memory.map(|memory| Memory { largest, ..memory });
        watch.observe(at(0), &seen);
        assert_eq!(watch.wanted(at(0)).memory, Some(wanted));
    }
}

#[test]
fn kill_rss_asks_no_more_for_pages_that_were_too_slow_or_are_over_the_limit() {
    let mut slow = watch(kill(LIMIT, Measure::Rss));
    shared(&mut slow, 0, LIMIT + 1, None);
    shared(&mut slow, 0, LIMIT + 1, None);
    assert!(slow.kill().is_some());
    shared(&mut slow, 1_000, LIMIT, None);
    assert!(slow.kill().is_none());
    for millis in [2_000, 3_000] {
        assert_eq!(slow.kill(), None);
        let look = shared(&mut slow, millis, LIMIT + 1, None);
        assert_eq!(look.memory, Some(MemoryLook::Counters), "a second sample confirms it");
    }
    assert!(slow.kill().is_some());

    let mut over = watch(kill(LIMIT, Measure::Rss));
    shared(&mut over, 0, LIMIT + 2, None);
    shared(&mut over, 0, LIMIT + 2, Some(LIMIT + 1));
    assert!(over.kill().is_some());
    let look = shared(&mut over, 2_000, LIMIT + 2, None);
    assert_eq!((look.memory, over.kill().is_some()), (Some(MemoryLook::Counters), true));
}

/// Reading them costs a millisecond, and the counters 10 us: 20 times that is worth waiting for.
#[test]
fn until_kill_rss_may_read_the_pages_again_the_counters_are_not_asked_in_vain() {
    let mut watch = watch(kill(LIMIT, Measure::Rss));
    let mut sees = |millis, rss: u64, pss: Option<u64>| {
        let look = watch.wanted(at(millis));
        let paged = look.memory >= Some(MemoryLook::PagesInTime);
        assert_eq!(paged, pss.is_some(), "{millis}");
        let memory = Memory {
            rss: Bytes(rss),
            settled: Bytes(rss),
            largest: Bytes(rss / 2),
            pss: pss.map(Bytes),
            pss_at_most: None,
            pages_cost: Some(Duration::from_millis(1)),
        };
        let cost = Duration::from_micros(if paged { 1_000 } else { 10 });
        watch
            .observe(at(millis), &Observation { memory: Some(memory), cost, ..costly(look, 0, 0) });
        watch.deadline()
    };
    let (over, missing) = (LIMIT + 1, 5 << 20);
    sees(0, over, None);
    sees(0, over, Some(LIMIT - missing));
    assert_eq!(sees(5, over + missing + 1, None), Some(at(20)));
}
