//! `recycle`: so far only the core, which nothing drives yet.
#![allow(dead_code, reason = "the shell that drives the core comes with the next commit")]

mod decide;
mod units;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(125)
}
