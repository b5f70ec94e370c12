//! The core: what to do, and when. Pure: std only, no clock, no I/O, no system calls. Time and
//! observations come in as arguments, actions go out as data, and an effect that fails comes back
//! as an event.

pub(crate) mod alerts;
pub(crate) mod awake;
pub(crate) mod delivery;
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
#[cfg(test)]
mod simulation;
mod storm;
pub(crate) mod time;
pub(crate) mod traffic;
mod unseen;
