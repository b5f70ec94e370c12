//! `recycle` as a library: what the binary runs, and what its fuzz targets reach. No stable API.

#[cfg(not(target_os = "linux"))]
compile_error!("recycle runs on Linux only: it needs signalfd, pidfd, /proc and sock_diag");

mod act;
#[cfg(feature = "chart")]
mod chart;
mod cli;
mod explain;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod report;
mod sense;
mod supervisor;
mod sys;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use cli::Request;
use recycle_decide as decide;
use recycle_decide::exit::End;
use recycle_decide::units;

/// Parses the command line, does what it asks for, and reports an error in one line.
pub fn run() -> ExitCode {
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
