//! Rules that neither the compiler, rustfmt nor clippy can hold: all are about text.

use std::fs;
use std::path::{Path, PathBuf};

const WIDEST: usize = 100;

/// What each part of the program may use of the others, besides the core and itself. What is not
/// listed (the library's root, `supervisor`, `explain`, `fuzzing`) may use everything.
const MAY_USE: [(&str, &[&str]); 6] = [
    ("sys", &[]),
    ("sense", &["sys"]),
    ("act", &["sys"]),
    ("report", &["sys"]),
    ("cli", &["act", "report", "sense", "sys"]),
    // It draws logs; it knows nothing of what supervises.
    ("chart", &[]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below these directories of the project.
fn sources(directories: &[&str]) -> Vec<(PathBuf, String)> {
    let mut left: Vec<_> = directories.iter().map(|directory| root().join(directory)).collect();
    let mut found = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
        }
    }
    assert!(!found.is_empty(), "no sources in {directories:?}");
    found
}

/// Fails with everything that was found, so that it can be mended in one go.
fn assert_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn parts_use_only_what_they_may() {
    let mut wrong = Vec::new();
    for (part, may_use) in MAY_USE {
        let (file, directory) = (format!("src/{part}.rs"), format!("src/{part}"));
        let both = [file, directory].into_iter().filter(|path| root().join(path).exists());
        let both: Vec<_> = both.collect();
        for (path, text) in sources(&both.iter().map(String::as_str).collect::<Vec<_>>()) {
            for used in text.split("crate::").skip(1) {
                let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                if ![part, "decide", "units"].contains(&used) && !may_use.contains(&used) {
                    wrong.push(format!("{}: crate::{used}", path.display()));
                }
            }
        }
    }
    assert_none("a part may not use this", &wrong);
}

/// Only the loop drives the state machine.
#[test]
fn the_lifecycle_belongs_to_the_supervisor() {
    let mut wrong = Vec::new();
    for (path, text) in sources(&["src"]) {
        let path = path.display().to_string();
        let may = ["src/decide/", "src/supervisor"].iter().any(|part| path.starts_with(part));
        if !may && ["lifecycle::", "delivery::", "alerts::"].iter().any(|it| text.contains(it)) {
            wrong.push(path);
        }
    }
    assert_none("these use what only the supervisor may", &wrong);
}

#[test]
fn unsafe_code_is_in_sys() {
    let mut wrong = Vec::new();
    for (path, text) in sources(&["src"]) {
        // The compiler denies it where no attribute allows it; the core forbids even that.
        let allowed =
            ["expect(unsafe_code", "allow(unsafe_code"].iter().any(|it| text.contains(it));
        if allowed && !path.starts_with("src/sys") {
            wrong.push(path.display().to_string());
        }
    }
    assert_none("only src/sys may be unsafe", &wrong);
}

#[test]
fn clocks_are_read_in_one_place() {
    let mut wrong = Vec::new();
    for (path, text) in sources(&["src"]) {
        let clocks = ["src/sys/clock.rs", "src/sys/cpu_clock.rs"].map(PathBuf::from);
        let used = ["Instant", "SystemTime", "ClockId", "clock_gettime", "gettimeofday"];
        // Tests of /proc compare with the clocks of the kernel.
        let program = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = program.lines().filter(|line| !line.trim_start().starts_with("//"));
        let found = code.into_iter().any(|line| used.iter().any(|word| line.contains(word)));
        let is_test = path.ends_with("tests.rs") || path.starts_with("src/decide/simulation");
        if found && !clocks.contains(&path) && !is_test {
            wrong.push(path.display().to_string());
        }
    }
    assert_none("only src/sys/clock.rs reads a clock", &wrong);
}

#[test]
fn lines_fit_and_files_say_what_they_are() {
    let mut wrong = Vec::new();
    for (path, text) in sources(&["benches", "examples", "fuzz/fuzz_targets", "src", "tests"]) {
        let path = path.display();
        if !text.starts_with("//! ") {
            wrong.push(format!("{path}: does not begin with //!"));
        }
        for (number, line) in text.lines().enumerate() {
            if line.chars().count() > WIDEST {
                wrong.push(format!("{path}:{}: wider than {WIDEST} columns", number + 1));
            }
            if line.trim_start().starts_with("#[ignore") {
                wrong.push(format!("{path}:{}: an ignored test", number + 1));
            }
        }
    }
    assert_none("mend these", &wrong);
}
