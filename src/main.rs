//! `recycle`: parse, run, one error line, exit status. Nothing else.

#[cfg(not(target_os = "linux"))]
compile_error!("recycle runs on Linux only: it stands on signalfd, pidfd, /proc and sock_diag");

mod act;
#[cfg(feature = "chart")]
mod chart;
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

use anyhow::Context;
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
            #[cfg(feature = "chart")]
            Request::Chart(files) => {
                let chart = chart::draw(&files)?;
                for remark in &chart.remarks {
                    report::say(&format_args!("chart: {remark}"));
                }
                print(&chart.svg)
            }
            Request::Print(text) => print(&text),
        });
    act::leave::end(end.unwrap_or_else(|error| {
        report::say(&format_args!("{error:#}"));
        End::FAILED
    }))
}

fn print(text: &str) -> anyhow::Result<End> {
    let mut stdout = std::io::stdout();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.context("cannot write to standard output")?;
    Ok(End::Status(0))
}
