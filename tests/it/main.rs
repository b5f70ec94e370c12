//! The integration tests: the real binary against the fixture and against real programs, one
//! module per behaviour.
#![cfg(test)]

mod background;
mod bad_input;
mod brokers;
#[cfg(feature = "chart")]
mod chart;
mod completions;
mod containers;
#[cfg(feature = "chart")]
mod demo;
mod deploys;
mod docs;
mod empty_root;
mod environment;
mod eof;
mod examples;
mod exit_status;
mod explain;
mod faults;
mod hardening;
mod harness;
mod hooks;
mod hostile;
mod idle;
mod leaving;
mod lifetime;
mod lines;
mod logs;
mod memory;
mod metrics;
mod nested;
mod no_way_in;
mod observe;
mod peers;
mod real_nginx;
mod real_node;
mod real_postgres;
mod real_redis;
mod real_ruby;
mod real_scripts;
mod real_stdio;
mod refused;
mod restart;
mod shared_host;
mod signals;
mod soak;
mod stdin;
mod stopping;
mod talking;
mod terminal;
mod then_command;
mod tidy;
mod traffic;
mod transparent;
mod wait;
