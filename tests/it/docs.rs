//! The manual pages, the README and `--help` agree, and describe what the code does.

pub(crate) mod lines;

use crate::harness::{End, Run, tool};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// Long options without their dashes; what each is without being given, if anything.
type Options = BTreeMap<String, Option<String>>;

/// What manual and README have for an option that is not there unless it is given.
const NOTHING: [&str; 3] = ["off", "none", ""];
/// Options that are about the program, and no variables.
const NO_VARIABLE: [&str; 3] = ["chart", "help", "version"];
/// The manual: the command, its logs and hooks, how it works.
pub(crate) const MANUAL: [&str; 3] =
    ["man/recycle.1", "man/recycle-events.5", "man/recycle-internals.7"];
/// `man/recycle.1` is at most this long, at 80 columns.
const MOST_LINES: usize = 400;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What `-h` or `--help` prints.
fn help(flag: &str) -> String {
    let (end, run) = Run::new(flag).finish();
    assert_eq!((end, run.stderr()), (End::Code(0), String::new()));
    run.stdout()
}

/// The entries of the options in it, each on one line.
fn help_entries(flag: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    let mut open = false;
    for line in help(flag).lines() {
        let starts = line.trim_start().starts_with('-') && line.starts_with(' ');
        open = starts || (open && !line.trim().is_empty());
        match entries.last_mut() {
            Some(entry) if open && !starts => *entry = format!("{entry} {}", line.trim()),
            _ if starts => entries.push(line.trim().to_owned()),
            _ => {}
        }
    }
    entries
}

fn in_help(flag: &str) -> Options {
    let option = |entry: String| {
        let default = entry.split_once("[default: ").and_then(|(_, rest)| rest.split_once(']'));
        (first_option(&entry), default.map(|(default, _)| default.to_owned()))
    };
    help_entries(flag).into_iter().map(option).collect()
}

/// The entries of the manual's OPTIONS: the tag, and the rest.
fn manual_entries() -> Vec<(String, String)> {
    let manual = text("man/recycle.1");
    let section = between(&manual, ".SH OPTIONS\n", "\n.SH ");
    let entries = section.split(".TP\n").skip(1).map(|entry| {
        let entry = entry.split("\n.SS ").next().unwrap();
        let (tag, rest) = entry.split_once('\n').unwrap();
        (plain(tag), rest.lines().map(plain).collect::<Vec<_>>().join("\n"))
    });
    entries.collect()
}

fn in_manual() -> Options {
    let option = |(tag, rest): (String, String)| {
        let default = rest.lines().find_map(|line| line.strip_prefix("Default: ")).unwrap_or("");
        (first_option(&tag), something(default.strip_suffix('.').unwrap_or(default)))
    };
    manual_entries().into_iter().map(option).collect()
}

fn in_readme() -> Options {
    let readme = text("README.md");
    let rows =
        between(&readme, "## Options\n", "\n## ").lines().filter(|row| row.starts_with("| `-"));
    let option = |row: &str| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        (first_option(cells[1]), something(cells[2]))
    };
    rows.map(option).collect()
}

fn something(default: &str) -> Option<String> {
    (!NOTHING.contains(&default)).then(|| default.to_owned())
}

fn first_option(text: &str) -> String {
    options(text).into_iter().next().unwrap_or_else(|| panic!("no option in {text:?}"))
}

/// Everything that looks like a long option, without its dashes, in order.
fn options(text: &str) -> Vec<String> {
    let ends = |c: char| !(c.is_ascii_lowercase() || c == '-');
    let pieces = text.split("--").skip(1);
    let names = pieces.map(|piece| piece.split(ends).next().unwrap());
    names
        .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
        .map(str::to_owned)
        .collect()
}

pub(crate) fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    rest.split(end).next().unwrap()
}

/// A line of roff as a reader sees it.
fn plain(line: &str) -> String {
    let line = line.replace("\\-", "-").replace("\\(aq", "'").replace("\\(ha", "^");
    let line = ["\\fB", "\\fI", "\\fR"].iter().fold(line, |line, font| line.replace(font, ""));
    let line = line.replace("\\(dq", "''");
    let Some((request, words)) = line.strip_prefix('.').and_then(|line| line.split_once(' '))
    else {
        return line;
    };
    // What is in quotes is one word, blanks and all.
    let words = words.split('"').enumerate().flat_map(|(place, part)| match place % 2 {
        1 => vec![part],
        _ => part.split_whitespace().collect(),
    });
    let words: Vec<_> = words.collect();
    // The macros with two letters alternate between fonts and put no blanks between.
    words.join(if request.len() == 2 { "" } else { " " })
}

#[test]
fn help_manual_and_readme_agree_about_options_and_defaults() {
    let help = in_help("--help");
    assert!(help.len() > 20, "{help:?}");
    assert_eq!(help, in_manual(), "--help, then the manual");
    assert_eq!(in_help("-h"), in_readme(), "-h, then the README");
    for (option, default) in in_readme() {
        assert_eq!(help.get(&option), Some(&default), "README: --{option}");
    }
}

/// Options of other programs that our texts name.
const OF_OTHERS: [&str; 4] = ["daemon", "daemonize", "detach", "preserve-status"];

#[test]
fn short_help_is_short_and_says_where_the_rest_is() {
    let short = help("-h");
    assert!(short.lines().count() <= 32, "{short}");
    assert_eq!(in_help("-h").len(), 12, "{short}");
    assert!(short.contains("All options: recycle --help"), "{short}");
    // What both say of an option is the same.
    let all = help_entries("--help");
    for entry in help_entries("-h") {
        let words = |entry: &str| entry.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(all.iter().any(|other| words(other) == words(&entry)), "{entry}");
    }
}

/// The heading above each option, in order.
fn groups<'a>(lines: impl Iterator<Item = (Option<&'a str>, Option<String>)>) -> Vec<String> {
    let mut group = "";
    let mut groups = Vec::new();
    for (heading, option) in lines {
        group = heading.unwrap_or(group);
        groups.extend(option.map(|option| format!("{group}: --{option}")));
    }
    groups
}

#[test]
fn help_and_manual_have_the_same_groups_in_the_same_order() {
    let help = help("--help");
    let (_, help) = help.split_once("COMMAND [ARG]...").unwrap();
    let in_help = groups(help.lines().map(|line| {
        let heading = line.strip_suffix(':').filter(|line| !line.starts_with(' '));
        let option = line.starts_with(' ') && line.trim_start().starts_with('-');
        (heading, option.then(|| first_option(line)))
    }));
    let manual = text("man/recycle.1");
    let section = between(&manual, ".SH OPTIONS\n", "\n.SH ");
    let mut is_tag = false;
    let in_manual = groups(section.lines().map(|line| {
        let tag = std::mem::replace(&mut is_tag, line == ".TP");
        (line.strip_prefix(".SS "), tag.then(|| first_option(&plain(line))))
    }));
    assert_eq!(in_help, in_manual, "--help, then the manual");
}

#[test]
fn completions_have_each_option() {
    for option in in_help("--help").into_keys() {
        for (name, forms) in [
            ("completions/recycle.bash", [format!(" --{option} "), format!(" --{option}\"")]),
            ("completions/_recycle", [format!("--{option}=["), format!("--{option}[")]),
            ("completions/recycle.fish", [format!(" -l {option} "), format!(" -l {option}\n")]),
        ] {
            let text = text(name);
            assert!(forms.iter().any(|form| text.contains(form)), "{name} has no --{option}");
        }
    }
}

#[test]
fn nobody_speaks_of_options_that_are_not_there() {
    let mut known: BTreeSet<_> = in_help("--help").into_keys().collect();
    assert!(OF_OTHERS.iter().all(|option| !known.contains(*option)));
    known.extend(OF_OTHERS.map(str::to_owned));
    let readme = text("README.md");
    let others = ["cargo ", "podman "];
    let ours = |line: &&str| !others.iter().any(|other| line.starts_with(other));
    let readme = readme.lines().filter(ours).map(str::to_owned);
    let manual: Vec<_> =
        MANUAL.iter().flat_map(|page| text(page).lines().map(plain).collect::<Vec<_>>()).collect();
    let manual = manual.into_iter().filter(|line| ours(&line.as_str()));
    let changelog = text("CHANGELOG.md");
    let recipes = text("docs/recipes.md");
    let recipes = recipes.lines().filter(ours).map(str::to_owned);
    for line in readme.chain(recipes).chain(manual).chain(changelog.lines().map(str::to_owned)) {
        for option in options(&line) {
            assert!(known.contains(&option), "there is no --{option}: {line}");
        }
    }
}

#[test]
fn every_option_has_the_variable_that_the_manual_names() {
    let manual: BTreeMap<_, _> =
        manual_entries().into_iter().map(|(tag, rest)| (first_option(&tag), rest)).collect();
    for entry in help_entries("--help") {
        let option = first_option(&entry);
        if NO_VARIABLE.contains(&option.as_str()) {
            continue;
        }
        let variable = format!("RECYCLE_{}", option.replace('-', "_").to_ascii_uppercase());
        let rest = &manual[&option];
        assert!(rest.contains(&format!("Environment: {variable}.")), "{option}: {rest}");
        // Whatever has a value can have a wrong one.
        if entry.contains('<') {
            // Of a name, or of what a shell is given, only nothing is wrong.
            let anything = ["name", "on-event", "pre-stop"].contains(&option.as_str());
            let wrong = if anything { "" } else { "?" };
            let (end, run) = Run::new("").env(&variable, wrong).command(["true"]).finish();
            assert_eq!(end, End::Code(125), "{variable} is not heeded");
            assert!(run.stderr().contains(&variable), "{variable}: {}", run.stderr());
        }
    }
}

/// What the tests have found out, word by word.
#[test]
fn the_comparison_is_what_the_tests_found() {
    let comparison = text("docs/comparison.md");
    let rows = comparison.lines().filter(|line| line.starts_with('|'));
    let rows: String = rows.map(|row| format!("{row}\n")).collect();
    assert_eq!(rows, crate::peers::table());
}

#[test]
fn all_say_how_it_ends() {
    let manual = text("man/recycle.1");
    let manual = between(&manual, ".SH EXIT STATUS\n", "\n.SH ");
    for text in [manual, &help("--help")] {
        for status in ["125", "126", "127"] {
            assert!(text.contains(status), "no {status} in: {text}");
        }
    }
}

#[test]
fn all_warn_of_long_requests() {
    let readme = text("README.md");
    let row = readme.lines().find(|row| row.starts_with("| `--idle ")).unwrap();
    let (_, entry) =
        manual_entries().into_iter().find(|(tag, _)| tag.starts_with("--idle ")).unwrap();
    for text in [row, &entry] {
        assert!(text.to_lowercase().contains("must exceed the longest request"), "{text}");
    }
}

#[test]
fn help_fits_a_terminal() {
    let help = help("-h") + &help("--help");
    let wide: Vec<_> = help.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "over 80 columns:\n{}", wide.join("\n"));
}

#[test]
fn the_manual_is_good_roff() {
    let groff = tool("groff");
    for page in MANUAL.map(file) {
        let words = [groff.as_os_str(), "-man".as_ref(), "-ww".as_ref(), "-z".as_ref()];
        let words = words.into_iter().chain([page.as_os_str()]);
        let (end, run) = Run::bare().command(words).finish();
        assert_eq!((end, run.stderr().as_str()), (End::Code(0), ""));
    }
}

#[test]
fn recycle_1_is_short() {
    let (man, page) = (tool("man"), file("man/recycle.1"));
    let words = [man.as_os_str(), "-l".as_ref(), page.as_os_str()];
    let run = Run::bare().env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8").command(words);
    let (end, run) = run.finish();
    assert_eq!(end, End::Code(0), "{}", run.stderr());
    let lines = run.stdout().lines().count();
    assert!(lines > 100, "{}", run.stdout());
    assert!(lines <= MOST_LINES, "{lines} lines: move details to the other pages");
}

/// The words in quotes behind each of these openings, which may be followed by blanks.
fn quoted(source: &str, openings: &[&str]) -> BTreeSet<String> {
    let after = |opening: &&str| {
        let pieces = source.split(*opening).skip(1).map(str::trim_start);
        let words = pieces.filter_map(|piece| piece.strip_prefix('"')?.split('"').next());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    openings.iter().flat_map(after).collect()
}

#[test]
fn recycle_events_5_has_every_event_and_field() {
    let sources = ["src/report/record.rs", "src/report/observed.rs"].map(text).concat();
    let entries = text("src/decide/notice.rs");
    let entries = between(&entries, "pub fn entry(", "\n    }\n}");
    let events = quoted(entries, &["entry(", "alert("]);
    let fields = quoted(&sources, &[".with(", ".with_some("]);
    let would: BTreeSet<_> = sources
        .split('"')
        .filter(|word| word.starts_with("would_") && *word != "would_exit")
        .map(str::to_owned)
        .collect();
    assert!(events.len() > 30 && fields.len() > 40 && would.len() > 5, "{events:?} {fields:?}");
    let sights = text("src/report/sights.rs");
    let sights = quoted(between(&sights, "fn word(", "\n}"), &["=>"]);
    let awake = text("src/report/text/awake.rs");
    let awake = quoted(between(&awake, "fn word(", "\nfn "), &["=>"]);
    assert!(sights.len() > 10 && awake.len() > 10, "{sights:?} {awake:?}");
    let page = text("man/recycle-events.5").replace("\\-", "-");
    let logs = between(&page, ".SH LOGS\n", "\n.SH ");
    for event in events {
        assert!(logs.contains(&format!(".TP\n\\fB{event}\\fR\n")), "no event {event}");
    }
    for word in fields.iter().chain(&would).chain(&sights).chain(&awake) {
        assert!(logs.contains(&format!("\\fB{word}\\fR")), "no {word}");
    }
}

#[test]
fn the_changelog_knows_what_comes() {
    let changelog = text("CHANGELOG.md");
    let here = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    let heading = |line: &str| line == "## [Unreleased]" || line.starts_with(&here);
    assert!(changelog.lines().any(heading), "neither [Unreleased] nor {here}");
}

#[test]
fn the_readme_says_where_the_examples_are() {
    let readme = text("README.md");
    for name in lines::EXAMPLES {
        assert!(readme.contains(&format!("`{name}`")), "no {name}");
    }
}

#[test]
fn documents_know_no_machine() {
    let documents = ["README.md", "docs/recipes.md", "CHANGELOG.md"];
    for name in documents.into_iter().chain(MANUAL).chain(lines::EXAMPLES) {
        let text = text(name);
        for path in ["/home/", "/root", "/work/", "/tmp/"] {
            assert!(!text.contains(path), "{name} has {path}");
        }
    }
}
