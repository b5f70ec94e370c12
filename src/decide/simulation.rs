//! The real core in a simulated world: random traces under simulated time, and what must hold in
//! all of them. A trace that fails prints its seed and its history, and can be told again.
//!
//! Properties are of three kinds. *Safety* (nothing forbidden happens) is in `laws`, *progress* (a
//! due timer does something) and *liveness* (what is due happens) are in `world/due`.
//! *Invariance* (when it happens does not matter) is here.

mod book;
mod command;
mod effort;
mod input;
mod laws;
mod random;
mod restarts;
mod samples;
mod scenario;
#[cfg(test)]
mod stories;
mod talk;
mod world;

use std::time::Duration;

use crate::action::Action;
use crate::time::Time;
use random::Random;
use world::{Clock, Line, World};

/// Random traces; in a debug build they take about 5 s.
const TRACES: u64 = 9_000;
/// How long a trace goes on at the most.
const MOMENTS: u32 = 300;

const ORIGIN: Time = Time::at(Duration::from_secs(3600));

/// Lives through a trace with its history written down.
fn retell(seed: u64, origin: Time, clock: Clock) -> (World, Result<(), &'static str>) {
    let mut world = World::new(seed, origin, clock);
    world.history = Some(Vec::new());
    let result = world.run(MOMENTS);
    (world, result)
}

/// A trace without times: all but the origin of time is the same.
fn actions(world: World, origin: Time) -> Vec<String> {
    let lines = world.history.unwrap().into_iter().filter_map(|(at, line)| match line {
        Line::Told(_) => None,
        Line::Did(Action::Look(mut look)) => {
            look.settled_by = None;
            Some(format!("{:?} {look:?}", at.since(origin)))
        }
        Line::Did(action) => Some(format!("{:?} {action:?}", at.since(origin))),
    });
    lines.collect()
}

fn live(seed: u64, clock: Clock) {
    if World::new(seed, ORIGIN, clock).run(MOMENTS).is_ok() {
        return;
    }
    let (world, result) = retell(seed, ORIGIN, clock);
    tell_and_fail(seed, &world, result);
}

/// With the last lines of the history: a long trace has many.
fn tell_and_fail(seed: u64, world: &World, result: Result<(), &'static str>) {
    let lines = world.history.iter().flatten().map(|(at, line)| match line {
        Line::Told(event) => format!("{:?} <- {event:?}", at.since(ORIGIN)),
        Line::Did(action) => format!("{:?}    -> {action:?}", at.since(ORIGIN)),
    });
    let lines: Vec<_> = lines.collect();
    let lines = lines.get(lines.len().saturating_sub(400)..).unwrap_or_default();
    panic!("seed {seed}: {result:?}\n{:#?}\n{}", world.rules(), lines.join("\n"));
}

/// A trace that somebody else chooses, byte by byte; where the bytes end, chance goes on.
fn choose(bytes: &[u8]) -> World {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    World::with(Random::chosen(rest), u64::from(*first), ORIGIN, Clock::Chosen)
}

/// Lives through it. For the fuzzer, too.
pub fn live_as_chosen(bytes: &[u8]) {
    if choose(bytes).run(MOMENTS).is_err() {
        let mut world = choose(bytes);
        world.history = Some(Vec::new());
        let result = world.run(MOMENTS);
        tell_and_fail(0, &world, result);
    }
}

/// Those that were kept: `fuzz/README.md`.
#[test]
fn what_a_fuzzer_has_chosen_keeps_the_laws() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/lifecycle");
    let traces: Vec<_> = std::fs::read_dir(kept).unwrap().collect();
    assert!(!traces.is_empty(), "no trace is kept");
    for trace in traces {
        live_as_chosen(&std::fs::read(trace.unwrap().path()).unwrap());
    }
}

#[test]
fn every_random_trace_keeps_the_laws() {
    for seed in 0..TRACES {
        live(seed, Clock::True);
    }
}

/// Each trace lives as long as it can. The same ones in each run, so that a failure is the
/// change's; `SIMULATION_SEED` asks for others. (About one in 16,000 of those strains a law about
/// lateness or the number of looks by a coincidence of slow answers, mostly with a floor; none one
/// of safety.)
#[test]
fn a_day_of_random_faults_is_survived() {
    let given = std::env::var("SIMULATION_SEED").ok().and_then(|seed| seed.parse().ok());
    let first = given.unwrap_or(100_000);
    let day = Duration::from_secs(3600 * 24);
    let (mut lived, mut seed) = (Duration::ZERO, first);
    while lived < day {
        let mut world = World::new(seed, ORIGIN, Clock::True);
        match world.run_for(day.saturating_sub(lived)) {
            Ok(time) => lived += time,
            Err(_) => {
                let mut world = World::new(seed, ORIGIN, Clock::True);
                world.history = Some(Vec::new());
                let result = world.run_for(day).map(drop);
                tell_and_fail(seed, &world, result);
            }
        }
        seed += 1;
    }
    #[expect(clippy::disallowed_macros, reason = "shown by the test runner when asked")]
    {
        println!("{lived:?} simulated, seeds {first} to {}", seed - 1);
    }
}

#[test]
fn a_clock_that_steps_back_is_survived() {
    for seed in 0..TRACES / 10 {
        live(seed, Clock::Stumbling);
    }
}

#[test]
fn shifting_all_times_changes_nothing() {
    let later = ORIGIN + Duration::from_secs(3600 * 100_000);
    for seed in 0..TRACES / 100 {
        let told = |origin| actions(retell(seed, origin, Clock::True).0, origin);
        assert_eq!(told(ORIGIN), told(later), "seed {seed}");
    }
}

/// A trace set in which something never happens proves nothing about it.
#[test]
fn the_traces_see_all_that_can_happen() {
    let mut seen = String::new();
    for seed in 0..TRACES / 6 {
        let world = retell(seed, ORIGIN, Clock::True).0;
        let has_floor = world.rules().floor.is_some();
        let told = actions(world, ORIGIN).concat();
        if has_floor && told.contains("reason: Idle") {
            seen.push_str("idle with a floor");
        }
        seen.push_str(&told);
    }
    for what in [
        "reason: KillRss",
        "reason: Rss",
        "reason: Pss",
        "reason: Lifetime",
        "reason: Idle",
        "reason: Signal",
        "idle with a floor",
        "WouldRecycle",
        "Observed(",
        "traffic: Some(Hottest)",
        "GaveUp",
        "StartFailed",
        "again: true",
        "CannotRecycle",
        "Held(Unstartable)",
        "LimitTooLow",
        "KillLimitTooLow",
        "NothingLeftToRead",
        "StillAlive",
        "Refused",
        "Sweep(Kill)",
        "Sweep(Ask)",
        "PassToRest(",
        "Suspend(",
        "Wake",
        "Passed {",
        "opening: Refused(",
        "Swallowed",
        "Held(MinLifetime)",
        "Held(Interrupted)",
        "Held(Traffic)",
        "Held(Storm)",
        "Held(Stopped)",
        "Held(Reconnects)",
        "OnlyReconnects {",
        "CutInput",
        "opening: Drained",
        "Waiting {",
        "LinesTaken {",
        "OutlivedInput {",
        "Quit(Status(7))",
        "Quit(Status(125))",
        "Quit(Status(127))",
        "Quit(Signal",
    ] {
        assert!(seen.contains(what), "no trace has {what}");
    }
}
