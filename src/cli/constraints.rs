//! Checks options against the tables `NEEDS` and `CONFLICTS`. A flag that does not apply, or that
//! contradicts another one, is an error. A variable is ignored: it may be a default for many
//! commands, exported once.

use anyhow::bail;

use super::{CONFLICTS, Config, Conflict, NEEDS, Typed};
use crate::sense::traffic::stdin;
use crate::sys::files::{self, Kind};

/// A variable that does not apply to this command line.
#[derive(Clone, Debug)]
pub(crate) struct Ignored {
    /// Its option, without dashes.
    pub(crate) option: &'static str,
    pub(crate) variable: String,
    pub(crate) value: String,
    /// A phrase: `requires --idle`.
    pub(crate) reason: String,
}

/// The variables that have to be ignored, beside those that are; after that, others may have to be.
///
/// # Errors
/// A flag does not apply, or two options of the same source contradict each other.
pub(super) fn check(
    config: &Config,
    typed: &Typed<'_>,
    ignored: &[Ignored],
) -> anyhow::Result<Vec<Ignored>> {
    let mut found = Vec::new();
    for (option, any_of) in NEEDS {
        if !applies(typed, option) || any_of.iter().any(|other| applies(typed, other)) {
            continue;
        }
        let (name, value) = split(option);
        let value = value.map(|value| format!("'{value}' ")).unwrap_or_default();
        let requires = format!("requires {}", list(any_of));
        if typed.by_variable(name) {
            found.push(typed.ignored(name, format!("{value}{requires}")));
        } else {
            bail!("{}: {requires}{}", typed.given_as(name), lost(any_of, ignored));
        }
    }
    if found.is_empty() {
        found.extend(contradicted(config, typed)?);
    }
    if found.is_empty() {
        found.extend(unfit(config, typed));
    }
    // An option may have more than one reason.
    found.dedup_by_key(|ignored| ignored.option);
    Ok(found)
}

/// The first variable that contradicts a flag.
fn contradicted(config: &Config, typed: &Typed<'_>) -> anyhow::Result<Option<Ignored>> {
    let Some(conflict) = CONFLICTS.iter().find(|conflict| (conflict.is_broken)(config, typed))
    else {
        return Ok(None);
    };
    let Conflict { option, other, rule, .. } = *conflict;
    let contradicts = |name| format!("contradicts {}", typed.given_as(name));
    let is_flag = |name| typed.given(name) && !typed.by_variable(name);
    if typed.by_variable(option) && is_flag(other) {
        Ok(Some(typed.ignored(option, contradicts(other))))
    } else if typed.by_variable(other) && is_flag(option) {
        Ok(Some(typed.ignored(other, contradicts(option))))
    } else {
        bail!("{}: {rule} {}", typed.given_as(option), typed.given_as(other))
    }
}

/// A variable that standard input does not fit. (Of a flag, that is an error at the start.)
fn unfit(config: &Config, typed: &Typed<'_>) -> Option<Ignored> {
    let candidates = ["stdin", "then", "eof-timeout"];
    if !candidates.iter().any(|option| typed.by_variable(option)) {
        return None;
    }
    let unfit = stdin::unfit(&config.rules, Kind::of(files::STDIN))?;
    let (option, _) = split(unfit.option);
    typed.by_variable(option).then(|| typed.ignored(option, unfit.why.to_owned()))
}

/// An option of a table, without its dashes, and its value.
fn split(entry: &'static str) -> (&'static str, Option<&'static str>) {
    let entry = entry.strip_prefix("--").unwrap_or(entry);
    entry.split_once(' ').map_or((entry, None), |(option, value)| (option, Some(value)))
}

/// Whether this entry of a table was asked for: `--idle`, `--stdin lines`, or
/// `--map-signal FROM:recycle` with any signal for FROM.
fn applies(typed: &Typed<'_>, entry: &'static str) -> bool {
    let (option, value) = split(entry);
    match value {
        None => typed.is_on(option),
        Some(value) => {
            let end = value.strip_prefix("FROM");
            let mut values = typed.values(option);
            typed.given(option) && values.any(|it| end.map_or(it == value, |end| it.ends_with(end)))
        }
    }
}

/// `--idle, --max-rss or --max-pss`
fn list(entries: &[&str]) -> String {
    match entries {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

/// What would have been enough, had it not been ignored.
fn lost(entries: &[&'static str], ignored: &[Ignored]) -> String {
    let lost = ignored.iter().find(|it| entries.iter().any(|entry| split(entry).0 == it.option));
    lost.map(|it| format!("; {} is ignored: {}", it.variable, it.reason)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::{Args, parse};
    use crate::units::Bytes;

    /// A value that each option of the tables takes.
    fn value(option: &str) -> &'static str {
        match option {
            "jitter" | "idle-cpu" => "5%",
            "traffic" => "tcp",
            "idle-floor" | "max-line" => "64K",
            "max-rss" => "1G",
            "max-pss" => "512M",
            "kill-rss" => "2G",
            "metrics" => "prom:x.prom",
            "name" | "on-event" | "pre-stop" => "x",
            "then" => "exit",
            "observe" => "",
            _ => "1m",
        }
    }

    /// The words that turn entries of a table on.
    fn words(entries: &[&'static str]) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for (option, given) in entries.iter().map(|entry| split(entry)) {
            let flag = format!("--{option}");
            if words.contains(&flag) {
                continue;
            }
            let value = given.unwrap_or(value(option)).replace("FROM", "USR1");
            words.push(flag);
            words.extend(Some(value).filter(|value| !value.is_empty()));
        }
        words
    }

    /// Adds what these entries need themselves, but nothing of `avoided`.
    fn with_needs(mut entries: Vec<&'static str>, avoided: &[&'static str]) -> Vec<&'static str> {
        let mut done = 0;
        while let Some(entry) = entries.get(done).copied() {
            let needs = NEEDS.iter().filter(|(option, _)| {
                let ((name, value), (ours, given)) = (split(option), split(entry));
                name == ours && (value.is_none() || value == given)
            });
            let wanted = needs.filter_map(|(_, them)| them.iter().find(|it| !avoided.contains(it)));
            entries.extend(wanted.copied().collect::<Vec<_>>());
            done += 1;
            entries = dedup(entries);
        }
        entries
    }

    fn dedup(entries: Vec<&'static str>) -> Vec<&'static str> {
        let mut unique = Vec::new();
        for entry in entries {
            if !unique.contains(&entry) {
                unique.push(entry);
            }
        }
        unique
    }

    fn refusal(words: Vec<String>) -> Option<String> {
        let words = ["recycle".to_owned()].into_iter().chain(words).chain(["true".to_owned()]);
        let parsed = parse(words.map(Into::into), || Some(Bytes(8 << 30)));
        parsed.err().map(|error| format!("{error:#}"))
    }

    #[test]
    fn each_need_is_enforced_and_met_by_each_alternative() {
        for (option, any_of) in NEEDS {
            let alone = refusal(words(&with_needs(vec![option], any_of))).unwrap_or_default();
            let expected = format!(": requires {}", list(any_of));
            assert!(alone.ends_with(&expected), "{option}: {alone:?}, not {expected:?}");
            for met in any_of {
                let given = words(&with_needs(vec![option, met], &[]));
                assert_eq!(refusal(given.clone()), None, "{given:?}");
            }
        }
    }

    #[test]
    fn the_tables_name_options_that_exist() {
        let command = Args::command();
        let exists = |option: &str| command.get_arguments().any(|it| it.get_long() == Some(option));
        for (option, any_of) in NEEDS {
            for entry in any_of.iter().chain([&option]) {
                assert!(exists(split(entry).0), "{entry}");
            }
        }
        for conflict in CONFLICTS {
            assert!(exists(conflict.option) && exists(conflict.other), "{}", conflict.option);
        }
    }

    /// The entry of an option under OPTIONS, as a reader sees its words.
    fn entry(manual: &str, option: &str) -> String {
        let tag = format!("--{option}");
        let is_its = |entry: &&str| {
            let line = entry.lines().next().unwrap_or_default();
            line.split([' ', '"']).any(|word| word == tag)
        };
        let (_, options) = manual.split_once("\n.SH OPTIONS\n").unwrap();
        let found = options.split("\n.TP\n").find(is_its).unwrap_or_else(|| panic!("no {tag}"));
        let words = found.lines().map(|line| match line.strip_prefix('.') {
            Some(request) => request.split_once(' ').map_or("", |(_, words)| words),
            None => line,
        });
        words.collect::<Vec<_>>().join(" ").replace("\" FROM\" ", " FROM").replace("\\fR", "")
    }

    #[test]
    fn the_manual_has_the_tables() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/man/recycle.1");
        let manual = std::fs::read_to_string(path).unwrap().replace("\\-", "-");
        let manual =
            ["\\fB", "\\fI", "\\fR"].iter().fold(manual, |text, font| text.replace(font, ""));
        for (option, any_of) in NEEDS {
            let entry = entry(&manual, split(option).0);
            let needs: Vec<_> = entry.split("equires").skip(1).collect();
            let has = |text: &&str| {
                any_of.iter().all(|other| {
                    let (name, value) = split(other);
                    text.contains(&format!("--{name}"))
                        && value.is_none_or(|value| text.contains(value))
                })
            };
            assert!(needs.iter().any(has), "{option}, {any_of:?}: {entry}");
        }
        for Conflict { option, other, .. } in &CONFLICTS {
            let entry = entry(&manual, option);
            assert!(entry.contains(&format!("--{other}")), "{option}, {other}: {entry}");
        }
    }

    #[test]
    fn each_conflict_of_flags_is_an_error_that_names_both() {
        for (given, line) in [
            (
                "--max-rss 1G --quiet 2m --quiet-wait 1m",
                "--quiet-wait '1m': must not be less than --quiet '2m'",
            ),
            ("--max-rss 1G --quiet 2m", "--quiet-wait '1m': must not be less than --quiet '2m'"),
            (
                "--min-lifetime 2h --max-lifetime 1h",
                "--min-lifetime '2h': must not be more than --max-lifetime '1h'",
            ),
            ("--max-rss 1G --max-pss 1G", "--max-pss '1G': must be less than --max-rss '1G'"),
            ("--max-rss 1G --kill-rss 1G", "--kill-rss '1G': must be more than --max-rss '1G'"),
            ("--max-pss 1G --kill-rss 1G", "--kill-rss '1G': must be more than --max-pss '1G'"),
            (
                "--idle 1h --then wait --traffic tcp",
                "--then 'wait': requires stdin in --traffic 'tcp'",
            ),
            ("-q -v", "--quiet-log: contradicts --verbose"),
        ] {
            let words = given.split(' ').map(str::to_owned).collect();
            assert_eq!(refusal(words).as_deref(), Some(line), "{given}");
        }
    }
}
