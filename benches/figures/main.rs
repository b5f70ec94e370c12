//! The figures that `recycle` is held to, side by side with its peers: `cargo bench --bench
//! figures`, as root (everything with sockets has a network of its own). `benches/peers.sh` brings
//! the peers; who is missing is named so. Prints a report in Markdown, and writes it to
//! `docs/benchmarks.md`. Nothing is asserted: a figure that is not reached is told, and one that
//! cannot be measured does not keep the others from it.
//!
//! `cargo bench --bench figures -- memory gap` measures only the sections whose titles have one of
//! these words, and writes nothing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    unsafe_code,
    reason = "a measuring program, not a supervisor: it waits, prints and gives up"
)]

#[path = "../common/mod.rs"]
mod common;
mod figure;
mod machine;
#[path = "../../tests/it/harness/network.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod network;
mod peers;
mod process;
mod roles;
mod rows;
mod sample;
mod supervisors;

use std::time::Instant;

use anyhow::Result;

use crate::figure::{Figure, Table};
use crate::supervisors::Setting;

type Row = fn(&Setting) -> Result<Figure>;

/// In this order: what takes the least noise comes first.
const ROWS: [(&str, Row); 14] = [
    ("Start to exit", rows::start::start_to_exit),
    ("Resident memory", rows::rest::memory),
    ("Wake-ups and CPU at rest", rows::rest::quiet_cost),
    ("Wake-ups beside memory limits", rows::host::limits),
    ("Reaction to growth", rows::growth::growth),
    ("Growth while recycles are held", rows::limits::held),
    ("Workers that share memory", rows::limits::workers),
    ("Idle precision", rows::traffic::idle_precision),
    ("Busy connections", rows::traffic::busy_connections),
    ("Beside strangers' connections", rows::host::strangers),
    ("nginx under load", rows::web::nginx_under_load),
    ("Restart gap", rows::gap::restart_gap),
    ("Ten thousand recycles", rows::life::recycles),
    ("Lines handed over", rows::lines::lines),
];

/// Measures one section. In a thread of its own: its network is its own, and so is its end.
fn measure(title: &str, row: Row, setting: &Setting) -> Result<Figure> {
    let began = Instant::now();
    eprint!("{title} ... ");
    let figure = std::thread::scope(|scope| scope.spawn(|| row(setting)).join());
    eprintln!("{:.0} s", began.elapsed().as_secs_f64());
    figure.unwrap_or_else(|panic| {
        let why = panic.downcast_ref::<String>().map_or("it panicked", String::as_str);
        Err(anyhow::anyhow!("{}", why.replace('\n', " ")))
    })
}

fn main() {
    if let Some(words) = common::role() {
        return roles::run(&words);
    }
    let began = Instant::now();
    let wanted: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted: Vec<_> = wanted.iter().map(|word| word.to_lowercase()).collect();
    let is_wanted = |title: &str| {
        wanted.is_empty() || wanted.iter().any(|word| title.to_lowercase().contains(word))
    };
    let machine = machine::machine();
    let binary = common::begin();
    let setting = Setting { recycle: binary.path.clone(), peers: peers::Peers::find() };
    let versions = machine::versions(&binary, &setting.peers);
    let sections: Vec<_> = ROWS
        .into_iter()
        .filter(|(title, _)| is_wanted(title))
        .map(|(title, row)| (title, measure(title, row, &setting)))
        .collect();
    let report = report(&sections, &[machine, versions], began.elapsed().as_secs());
    println!("{report}");
    if wanted.is_empty() {
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");
        std::fs::create_dir_all(docs).unwrap();
        std::fs::write(format!("{docs}/benchmarks.md"), report).unwrap();
    }
}

fn report(sections: &[(&str, Result<Figure>)], tables: &[Table; 2], seconds: u64) -> String {
    let mut summary = Table::new(&["what", "`recycle`", "to reach", ""]);
    let mut details = String::new();
    for (title, section) in sections {
        details += &format!("\n## {title}\n\n");
        match section {
            Ok(Figure { about, goals, table }) => {
                goals.iter().for_each(|goal| summary.line(goal.line()));
                details += &format!("{about}\n\n{}", table.markdown());
            }
            Err(error) => {
                summary.absent(title, &format!("not measured: {error:#}"));
                details += &format!("Not measured: {error:#}\n");
            }
        }
    }
    let [machine, versions] = tables.each_ref().map(Table::markdown);
    format!(
        "# Benchmarks\n\nWritten by `cargo bench --bench figures`, in {seconds} s. Everybody is \
         measured in the same run, on the same machine; trust ratios more than absolute times. \
         `benches/peers.sh` brings the others. `cargo bench --bench traffic` has more about \
         traffic.\n\n{}{details}\n## Machine\n\n{machine}\n## \
         Versions\n\n{versions}",
        summary.markdown()
    )
}
