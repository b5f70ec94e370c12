//! `recycle`: parse, run, one error line, exit status. Nothing else.

#[cfg(not(target_os = "linux"))]
compile_error!("recycle runs on Linux only: it stands on signalfd, pidfd, /proc and sock_diag");

mod act;
mod cli;
mod decide;
mod explain;
mod report;
mod sense;
mod supervisor;
mod sys;
mod units;

use std::io::Write;
use std::process::ExitCode;

use cli::Request;
use decide::exit::End;

/// musl's allocator maps and unmaps single pages: 40 system calls before the first `exec`.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    let end =
        cli::parse(std::env::args_os(), sense::limit::in_force).and_then(|request| match request {
            Request::Run(config) => supervisor::run(*config),
            Request::Explain(config, given) => print(&explain::text(&config, &given)),
            Request::Print(text) => print(&text),
        });
    act::leave::end(end.unwrap_or_else(|error| {
        report::say(&format_args!("{error:#}"));
        End::FAILED
    }))
}

fn print(text: &str) -> anyhow::Result<End> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(End::Status(0))
}
