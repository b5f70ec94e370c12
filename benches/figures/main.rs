//! The figures that `recycle` is held to, measured side by side with tini where it is installed,
//! and printed as one Markdown table: `cargo bench`. Medians of interleaved runs; nothing is
//! asserted.
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
mod rows;

use std::path::PathBuf;
use std::process::Command;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("command", rest)) = words.split_first().map(|(word, rest)| (word.as_str(), rest)) {
        return commands::run(rest);
    }
    // Many connections need many descriptors.
    let files = nix::sys::resource::Resource::RLIMIT_NOFILE;
    let (_, most) = nix::sys::resource::getrlimit(files).unwrap();
    nix::sys::resource::setrlimit(files, most, most).unwrap();
    let recycle = static_build().unwrap_or_else(|| env!("CARGO_BIN_EXE_recycle").into());
    println!("Measured: {}\n", recycle.display());
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

/// Builds the static binary, if its target is installed.
fn static_build() -> Option<PathBuf> {
    const TARGET: &str = "x86_64-unknown-linux-musl";
    let build = ["build", "--quiet", "--release", "--bin", "recycle", "--target", TARGET];
    let built = Command::new(env!("CARGO")).args(build).status().ok()?;
    let directory = PathBuf::from(env!("CARGO_BIN_EXE_recycle"));
    let target = directory.parent()?.parent()?.join(TARGET);
    built.success().then(|| target.join("release/recycle"))
}
