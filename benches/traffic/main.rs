//! How exactly and how cheaply `recycle` senses traffic, printed as Markdown tables:
//! `cargo bench --bench traffic`, as root. Takes over three minutes and next to no CPU; nothing is
//! asserted, but what is early or late is marked.
//!
//! Everything that is watched here has a network of its own, as in the tests: connections of others
//! in the same one might count.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a measuring program, not a supervisor: it waits, prints and gives up"
)]

mod clients;
#[path = "../common/mod.rs"]
mod common;
mod cost;
mod kinds;
#[path = "../../tests/it/harness/network.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod network;
mod precision;
mod servers;

use kinds::Kind;

fn main() {
    if let Some(words) = common::role() {
        return servers::run(&words);
    }
    let common::Binary { path: recycle, build } = common::begin();
    println!("Measured: recycle, {build}.\n");
    println!(
        "Last byte -> stop signal, minus the idle time (--idle 1s), in ms. Noise: by how much a"
    );
    println!("sleep of 10 ms was late meanwhile, at worst.\n");
    println!("| traffic | recycles | p50 | p99 | least | noise | to reach |");
    println!("|---|---|---|---|---|---|---|");
    for kind in Kind::ALL {
        println!("{}", precision::row(&recycle, kind));
    }
    cost::print(&recycle);
}
