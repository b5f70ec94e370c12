//! The core: what to do, and when. Pure: std only, no clock, no I/O, no system calls. Time and
//! observations come in as arguments, actions go out as data, and an effect that fails comes back
//! as an event.
//!
//! A crate of its own, so that the compiler keeps it from using anything else.

#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "internal to this package")]

pub mod action;
pub mod alerts;
pub mod awake;
pub mod delivery;
pub mod event;
pub mod exit;
mod floor;
pub mod lifecycle;
mod memory;
pub mod notice;
mod observe;
mod policy;
mod quiet;
pub mod reason;
mod reconnect;
mod restart;
pub mod rules;
pub mod sampling;
#[cfg(any(test, feature = "simulation"))]
#[cfg_attr(not(test), allow(dead_code, reason = "the fuzzer uses a part of it"))]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
pub mod simulation;
mod storm;
pub mod time;
pub mod traffic;
pub mod units;
mod unseen;
