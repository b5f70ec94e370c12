//! The real core in a simulated world: random traces under simulated time, and what must hold in
//! all of them. A trace that fails prints its seed and its history.
//!
//! Properties are of three kinds. *Safety* (nothing forbidden happens) is checked at each action in
//! `laws`, *progress* (a due timer does something) and *liveness* (what is due happens) in `world`.

mod laws;
mod random;
mod scenario;
mod stories;
mod world;

use random::Random;
use world::World;

/// Random traces; in a debug build they take about 4 s.
const TRACES: u64 = 6_000;

#[test]
fn every_random_trace_keeps_the_laws() {
    for seed in 0..TRACES {
        World::new(Random::new(seed)).run(seed);
    }
}

#[test]
fn shifting_all_times_changes_nothing() {
    for seed in 0..200 {
        let history = |origin_ms| World::starting_at(Random::new(seed), origin_ms).run(seed);
        assert_eq!(history(0), history(1_000_000_007), "seed {seed}");
    }
}

/// A trace set in which something never happens proves nothing about it.
#[test]
fn the_traces_see_all_that_can_happen() {
    let mut seen = String::new();
    for seed in 0..TRACES / 10 {
        seen.extend(World::new(Random::new(seed)).run(seed).into_iter().map(|line| line + "\n"));
    }
    for what in [
        "KillRss",
        "Rss {",
        "Pss {",
        "Lifetime {",
        "Idle {",
        "Signal(",
        "GaveUp",
        "StartFailed",
        "LimitTooLow",
        "KillLimitTooLow",
        "NothingLeftToRead",
        "StillAlive",
        "Refused",
        "Sweep(Kill)",
        "Sweep(Ask)",
        "Suspend",
        "Held(MinLifetime)",
        "Held(Interrupted)",
        "Held(Traffic)",
        "Held(Storm)",
        "Held(Stopped)",
        "Quit(Status(7))",
        "Quit(Signal",
    ] {
        assert!(seen.contains(what), "no trace has {what}");
    }
}
