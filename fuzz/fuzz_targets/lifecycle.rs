//! The core in its simulated world, where every choice is the fuzzer's: what COMMAND does and when,
//! how long each effect takes, what the rules are. The laws are those of the simulation.

#![cfg_attr(fuzzing, no_main)]

mod harness;
#[allow(dead_code, reason = "most of it is for others")]
#[path = "../../src/units.rs"]
mod units;

/// The program's, with the simulation, which is a part of its tests.
#[allow(dead_code, unused_imports, reason = "the program and the tests use more of it")]
#[path = "../../src/decide"]
mod decide {
    pub(crate) mod alerts;
    pub(crate) mod awake;
    pub(crate) mod event;
    pub(crate) mod exit;
    mod floor;
    pub(crate) mod lifecycle;
    mod memory;
    pub(crate) mod notice;
    mod observe;
    mod policy;
    mod quiet;
    mod reconnect;
    mod restart;
    pub(crate) mod rules;
    pub(crate) mod sampling;
    pub(crate) mod simulation;
    mod storm;
    pub(crate) mod time;
    pub(crate) mod traffic;
    mod unseen;
}

harness::target!(decide::simulation::live_as_chosen);
