//! Where it was measured, and what.

use std::fs;
use std::process::Command;

use crate::common::Binary;
use crate::figure::Table;
use crate::peers::Peers;

/// What a command prints on its first line, if it can be run and is content.
fn said(program: &str, words: &[&str]) -> Option<String> {
    let output = Command::new(program).args(words).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

/// A value from a file of lines like `name: value` or `name="value"`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?.trim_start();
        rest.strip_prefix([':', '='])
    })?;
    Some(value.trim().trim_matches('"').to_owned())
}

fn memory() -> Option<String> {
    let kilobytes = field("/proc/meminfo", "MemTotal")?;
    let kilobytes: f64 = kilobytes.strip_suffix("kB")?.trim().parse().ok()?;
    Some(format!("{:.1} GiB", kilobytes / 1024.0 / 1024.0))
}

pub(crate) fn machine() -> Table {
    let cores = std::thread::available_parallelism().ok().map(|count| count.to_string());
    let kernel = said("uname", &["-srm"]);
    let libc = said("getconf", &["GNU_LIBC_VERSION"]);
    let load = fs::read_to_string("/proc/loadavg").ok();
    let load = load.and_then(|text| text.split(' ').next().map(str::to_owned));
    table([
        ("processor", field("/proc/cpuinfo", "model name")),
        ("cores", cores),
        ("memory", memory()),
        ("kernel", kernel),
        ("distribution", field("/etc/os-release", "PRETTY_NAME")),
        ("C library", libc),
        ("huge pages", fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").ok()),
        ("load average at the start", load),
    ])
}

fn table<const N: usize>(rows: [(&str, Option<String>); N]) -> Table {
    let mut table = Table::new(&["", ""]);
    for (what, value) in rows {
        let value = value.unwrap_or_else(|| "not known".to_owned());
        table.line([what.to_owned(), value.trim().to_owned()]);
    }
    table
}

/// Which commit was built, and whether as it is there.
fn commit() -> Option<String> {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"])?;
    let parts = ["diff", "--quiet", "HEAD", "--", "src", "Cargo.toml", "Cargo.lock", "linker"];
    let is_clean = said("git", &parts).is_some();
    Some(if is_clean { commit } else { format!("{commit}, with changes") })
}

pub(crate) fn versions(binary: &Binary, peers: &Peers) -> Table {
    let size = fs::metadata(&binary.path).map(|it| it.len() / 1024).unwrap_or_default();
    let mut table = table([
        ("`recycle`", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("its commit", commit()),
        ("its build", Some(format!("{}, {size} KiB", binary.build))),
        ("compiler", said("rustc", &["--version"])),
        ("Python", said("python3", &["--version"])),
    ]);
    for (name, version) in peers.versions() {
        table.line([format!("`{name}`"), version]);
    }
    table
}
