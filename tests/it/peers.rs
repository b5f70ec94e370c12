//! Beside `tini -g` and `dumb-init`: the same scripts under all three, and what each makes of them.
//! The rows here are the table of docs/comparison.md, word by word.

mod ends;
mod orphans;
mod signals;
mod terminal;

use crate::harness::{Run, Running, look_up, recycle_path, tool};
use std::fs;
use std::path::PathBuf;

/// Who stands beside whom, in the order of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrapper {
    Recycle,
    Tini,
    DumbInit,
}

const WRAPPERS: [Wrapper; 3] = [Wrapper::Recycle, Wrapper::Tini, Wrapper::DumbInit];

/// One thing that they are asked, and what comes out for each.
struct Row {
    about: &'static str,
    /// Looks at what one of them does.
    probe: fn(Wrapper) -> String,
    found: [&'static str; 3],
    /// What it means for `recycle`.
    verdict: &'static str,
}

const EQUAL: &str = "equal";

impl Wrapper {
    /// Its words before a command, with these options of its own in place of the usual ones.
    fn words(self, options: Option<&str>) -> Vec<PathBuf> {
        let (program, usual) = match self {
            Self::Recycle => (recycle_path().to_owned(), ""),
            Self::Tini => (tool("tini-static"), "-g"),
            Self::DumbInit => (tool("dumb-init"), ""),
        };
        let options = options.unwrap_or(usual).split_whitespace().chain(["--"]);
        [program].into_iter().chain(options.map(PathBuf::from)).collect()
    }

    fn run(self) -> Run {
        Run::bare().through(self.words(None))
    }

    fn run_with(self, options: &str) -> Run {
        Run::bare().through(self.words(Some(options)))
    }

    /// In a PID namespace of its own.
    fn as_pid_1(self) -> Run {
        let unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
        let unshare = unshare.into_iter().map(PathBuf::from);
        Run::bare().through(unshare.chain(self.words(None)))
    }
}

/// The table is what it is.
fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for row in rows {
        for (wrapper, told) in WRAPPERS.into_iter().zip(row.found) {
            let found = (row.probe)(wrapper);
            if found != told {
                wrong.push(format!("{}: {wrapper:?}: {found:?}, not {told:?}", row.about));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn rows() -> impl Iterator<Item = &'static Row> {
    [signals::ROWS, ends::ROWS, orphans::ROWS, terminal::ROWS].into_iter().flatten()
}

/// The whole table in Markdown.
pub(crate) fn table() -> String {
    let head = "| | `recycle` | `tini -g` | `dumb-init` | `recycle` is |\n|---|---|---|---|---|\n";
    let row = |row: &Row| {
        let [recycle, tini, dumb_init] = row.found;
        format!("| {} | {recycle} | {tini} | {dumb_init} | {} |\n", row.about, row.verdict)
    };
    head.to_owned() + &rows().map(row).collect::<String>()
}

/// COMMAND's pid, when it has come to its step `ready`. Nobody but it may have one.
fn ready(run: &mut Running) -> i32 {
    run.await_entries(1, "ready")[0].pid
}

/// A set of signals in `/proc/PID/status`.
fn signal_set(pid: i32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    u64::from_str_radix(set.trim(), 16).unwrap()
}

/// Waits until this process has taken notice of all that was sent to it: it sleeps, and no signal
/// waits for it; or it is stopped; or it has ended. Returns its state then, Z for the last.
fn settled(run: &mut Running, pid: i32) -> char {
    run.wait_for(&format!("{pid} at rest"), |_| match look_up(pid).map_or('Z', |it| it.state) {
        'S' if signal_set(pid, "ShdPnd:") | signal_set(pid, "SigPnd:") != 0 => None,
        state @ ('S' | 'T' | 'Z') => Some(state),
        _ => None,
    })
}

/// The same in turn: what the first one passes on is there when it is at rest.
fn states(run: &mut Running, command: i32) -> [char; 2] {
    let wrapper = run.pid();
    [wrapper, command].map(|pid| settled(run, pid))
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
