//! The integration tests: the real binary against the fixture and against real programs, one
//! module per behaviour.
#![cfg(test)]

mod bad_input;
mod docs;
mod exit_status;
mod harness;
mod idle;
mod lifetime;
mod memory;
mod real_nginx;
mod real_node;
mod restart;
mod signals;
mod stdin;
mod stopping;
mod talking;
mod tidy;
mod transparent;
