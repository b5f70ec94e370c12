//! Imports run one way: sense, decide, act; and nobody but the loop sees all.

use super::assert_none;
use super::source::{Source, bare_sources, is_name};
use std::fs;

/// What a part of the program may use: parts of ours, and libraries beside std.
struct Rule {
    part: &'static str,
    ours: &'static [&'static str],
    libraries: &'static [&'static str],
}

/// Every part but `supervisor` and `main`, which see all. A part may always use itself.
const RULES: [Rule; 9] = [
    Rule { part: "units", ours: &[], libraries: &[] },
    // Pure.
    Rule { part: "decide", ours: &["units"], libraries: &[] },
    Rule { part: "sys", ours: &[], libraries: &["nix", "libc"] },
    Rule { part: "sense", ours: BELOW, libraries: &["nix", "libc"] },
    Rule { part: "act", ours: BELOW, libraries: &["memchr", "nix", "libc"] },
    // A mode of its own: it draws what was written, and knows nobody who runs.
    Rule {
        part: "chart",
        ours: &["units"],
        libraries: &["anyhow", "humantime", "plotters", "serde", "serde_json"],
    },
    Rule { part: "report", ours: BELOW, libraries: &["humantime", "serde", "serde_json"] },
    Rule {
        part: "cli",
        ours: &[
            "act::stop",
            "decide::exit",
            "decide::rules",
            "report",
            "sense::traffic",
            "sys::environment",
            "sys::files::can_enter",
            "units",
        ],
        libraries: &["anyhow", "clap", "humantime"],
    },
    // It asks all who know something, and does nothing.
    Rule { part: "explain", ours: ASKED, libraries: &[] },
];

/// Who is asked what will be: of `act`, where things are and whose.
const ASKED: &[&str] = &[
    "act::hook::shell_is_there",
    "act::spawn::files_for",
    "act::stop::Scope",
    "act::terminal::Group",
    "act::terminal::Terminal",
    "cli",
    "decide::event",
    "decide::exit",
    "decide::rules",
    "report",
    "sense",
    "sys",
    "units",
];

/// What sense, act and report stand on. Of `decide` the plain types only: no state, no decision.
const BELOW: &[&str] = &[
    "sys",
    "units",
    "decide::awake",
    "decide::event",
    "decide::exit",
    "decide::notice",
    "decide::rules",
    "decide::time",
    "decide::traffic",
];

#[test]
fn imports_run_one_way() {
    let libraries = libraries();
    let mut wrong = Vec::new();
    for source in bare_sources().iter().filter(|source| source.is_program()) {
        let module = module(&source.path);
        let Some(rule) = RULES.iter().find(|rule| module.first().is_some_and(|at| at == rule.part))
        else {
            continue;
        };
        for path in our_paths(&source.code, &module) {
            let allowed = |part: &str| path == part || path.starts_with(&format!("{part}::"));
            if !allowed(rule.part) && !rule.ours.iter().any(|part| allowed(part)) {
                wrong.push(format!("{}: crate::{path}", source.path));
            }
        }
        for library in libraries.iter().filter(|library| uses_library(source, library)) {
            if !rule.libraries.contains(&library.as_str()) {
                wrong.push(format!("{}: {library}", source.path));
            }
        }
    }
    assert_none("imports run one way", wrong);
}

/// Every part has its rule.
#[test]
fn nobody_is_forgotten() {
    let parts = bare_sources().into_iter().filter(Source::is_program);
    let parts = parts.filter_map(|source| module(&source.path).into_iter().next());
    let free = ["main", "supervisor"];
    let known =
        |part: &String| free.contains(&part.as_str()) || RULES.iter().any(|rule| rule.part == part);
    assert_none("every part has its rule", parts.filter(|part| !known(part)));
}

/// The libraries that Cargo.toml names.
fn libraries() -> Vec<String> {
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let sections = manifest.split("\n[").filter(|section| {
        section.lines().next().is_some_and(|heading| heading.ends_with("dependencies]"))
    });
    let lines = sections.flat_map(|section| section.lines().skip(1));
    let names = lines.filter_map(|line| line.split_once(" = "));
    let names: Vec<_> = names.map(|(name, _)| name.trim().replace('-', "_")).collect();
    assert!(names.iter().any(|name| name == "nix"), "{names:?}");
    names
}

/// `src/decide/lifecycle/living.rs` is `decide::lifecycle::living`.
fn module(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    path.split('/').filter(|part| *part != "mod").map(str::to_owned).collect()
}

fn uses_library(source: &Source, library: &str) -> bool {
    let path = format!("{library}::");
    source.code.match_indices(&path).any(|(at, _)| {
        let before = source.code[..at].chars().next_back();
        !before.is_some_and(|c| is_name(c) || c == ':')
    })
}

/// Every path that names something of ours from the root down, as it reads behind `crate::`.
fn our_paths(code: &str, module: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for root in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| is_name(c) || c == ':') {
                continue;
            }
            let mut base: Vec<_> = if root == "crate::" { Vec::new() } else { module.to_vec() };
            let mut rest = &code[at..];
            while let Some(up) = rest.strip_prefix("super::") {
                base.pop();
                rest = up;
            }
            rest = rest.strip_prefix("crate::").or(rest.strip_prefix("self::")).unwrap_or(rest);
            expand(&base.join("::"), rest, &mut found);
        }
    }
    found
}

/// The paths of a use tree such as `a::{b, c::d}` below a base; returns what comes after it.
fn expand<'a>(base: &str, tree: &'a str, found: &mut Vec<String>) -> &'a str {
    let tree = tree.trim_start();
    if let Some(mut branch) = tree.strip_prefix('{') {
        loop {
            branch = expand(base, branch, found).trim_start();
            branch = branch.strip_prefix(',').unwrap_or(branch).trim_start();
            if let Some(rest) = branch.strip_prefix('}') {
                return rest;
            }
            assert!(!branch.is_empty(), "a use tree has no end: {tree}");
        }
    }
    let end = tree.find(|c| !is_name(c) && c != '*').unwrap_or(tree.len());
    let (name, rest) = tree.split_at(end);
    let path = if base.is_empty() { name.to_owned() } else { format!("{base}::{name}") };
    match rest.strip_prefix("::") {
        Some(rest) => expand(&path, rest, found),
        None => {
            found.push(path);
            let rest = rest.trim_start();
            rest.strip_prefix("as ").map_or(rest, |alias| alias.trim_start_matches(is_name))
        }
    }
}

#[test]
fn paths_are_found_however_they_are_written() {
    let module = ["decide".to_owned(), "lifecycle".to_owned()];
    let code = "use crate::{a, b::{self, c as d}, e}; use super::f::G; self::h(); super::super::i;";
    let mut found = our_paths(code, &module);
    found.sort();
    let all = ["a", "b::c", "b::self", "decide::f::G", "decide::lifecycle::h", "e", "i"];
    assert_eq!(found, all);
}
