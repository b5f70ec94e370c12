//! The figures that `recycle` is held to, measured side by side with tini where it is installed,
//! and printed as one Markdown table: `cargo bench --bench figures`. Medians of interleaved runs;
//! nothing is asserted.
//!
//! The binary measured is the static musl build where that target is installed, else the plain one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    unsafe_code,
    reason = "a measuring program, not a supervisor: it waits, prints and gives up"
)]

mod commands;
#[path = "../common/mod.rs"]
mod common;
mod rows;

fn main() {
    if let Some(words) = common::role() {
        return commands::run(&words);
    }
    let recycle = common::begin();
    println!("| what | recycle | against | to reach |\n|---|---|---|---|");
    for row in [
        rows::start_to_exit,
        rows::resident_memory,
        rows::quiet_cost,
        rows::growth_slow,
        rows::growth_fast,
        rows::idle_precision,
        rows::busy_connections,
        rows::restart_gap,
    ] {
        println!("{}", row(&recycle));
    }
}
