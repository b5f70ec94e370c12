//! Options as variables: defaults that are exported once, for services of every kind.

use crate::harness::{End, Run};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;

/// As somebody exports them for all services of a host.
const DEFAULTS: [(&str, &str); 12] = [
    ("RECYCLE_JITTER", "10%"),
    ("RECYCLE_MIN_LIFETIME", "1m"),
    ("RECYCLE_QUIET", "2s"),
    ("RECYCLE_QUIET_WAIT", "30s"),
    ("RECYCLE_SETTLE", "5s"),
    ("RECYCLE_TRAFFIC", "sockets"),
    ("RECYCLE_IDLE_FLOOR", "64B"),
    ("RECYCLE_DRAIN_TIMEOUT", "5s"),
    ("RECYCLE_PRE_STOP", "true"),
    ("RECYCLE_PRE_STOP_TIMEOUT", "3s"),
    ("RECYCLE_NAME", "web"),
    ("RECYCLE_STOP_TIMEOUT", "20s"),
];

fn with(options: &str, variables: &[(&str, &str)]) -> Run {
    variables.iter().fold(Run::new(options), |run, (name, value)| run.env(name, value))
}

/// What is logged where COMMAND runs and ends with 3.
fn log(options: &str, variables: &[(&str, &str)]) -> String {
    let (end, run) = with(options, variables).stdin_pipe().fixture("exit:3").finish();
    assert_eq!(end, End::Code(3), "{options} {variables:?}: {}", run.stderr());
    run.stderr()
}

/// The names of the variables that were ignored, in the one line that says so.
fn ignored(options: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let log = log(options, variables);
    let Some(rest) = log.strip_prefix("recycle: ignored: ") else {
        assert_eq!(log, "", "{options} {variables:?}");
        return Vec::new();
    };
    assert_eq!(log.lines().count(), 1, "{log}");
    let named = rest.match_indices("RECYCLE_").map(|(place, _)| {
        let name = &rest[place + "RECYCLE_".len()..];
        name.split(|c: char| !(c.is_ascii_uppercase() || c == '_')).next().unwrap().to_owned()
    });
    named.collect()
}

fn refused(options: &str, variables: &[(&str, &str)]) -> String {
    let (end, run) = with(options, variables).stdin_pipe().fixture("exit:3").finish();
    let stderr = run.stderr();
    assert_eq!(end, End::Code(125), "{options} {variables:?}: {stderr}");
    assert_eq!((stderr.lines().count(), run.journal().len()), (1, 0), "{stderr}");
    stderr
}

#[test]
fn exported_defaults_suit_each_kind_of_service() {
    let plain = ignored("", &DEFAULTS);
    let all = [
        "TRAFFIC",
        "JITTER",
        "MIN_LIFETIME",
        "QUIET",
        "QUIET_WAIT",
        "IDLE_FLOOR",
        "SETTLE",
        "DRAIN_TIMEOUT",
        "PRE_STOP",
        "PRE_STOP_TIMEOUT",
        "NAME",
    ];
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(plain), sorted(all.map(str::to_owned).to_vec()));
    let idle = ignored("--idle 1h", &DEFAULTS);
    assert_eq!(sorted(idle), ["DRAIN_TIMEOUT", "JITTER", "QUIET", "QUIET_WAIT"]);
    let memory = ignored("--max-rss 1G", &DEFAULTS);
    assert_eq!(sorted(memory), ["DRAIN_TIMEOUT", "JITTER", "SETTLE"]);
    let all = "--idle 1h --max-lifetime 2h --stdin lines";
    assert_eq!(ignored(all, &DEFAULTS), Vec::<String>::new());
}

#[test]
fn a_variable_that_does_not_apply_is_ignored_with_a_reason() {
    for (options, variable, value, reason) in [
        ("", "JITTER", "5%", "requires --max-lifetime"),
        ("--idle 1h", "QUIET", "2s", "requires --max-rss, --max-pss or --max-lifetime"),
        ("", "NAME", "x", "requires --log-format json, --log-format logfmt, --metrics, "),
        ("--max-rss 1G", "SETTLE", "1s", "requires --idle"),
        ("--quiet 1s --max-rss 1G", "IDLE_FLOOR", "auto", "'auto' requires --idle"),
        ("--max-rss 1G", "QUIET_WAIT", "1h", "requires --quiet"),
        ("", "TRAFFIC", "tcp", "requires --idle, --quiet, --sample-every, "),
        ("--kill-rss 1G", "PRE_STOP", "true", "requires --idle, --max-rss, --max-pss, "),
        ("", "THEN", "exit", "requires --idle, --max-rss, --max-pss, --kill-rss, "),
        ("--idle 1h", "MAX_LINE", "1K", "requires --stdin lines"),
        ("--stdin lines", "DRAIN_TIMEOUT", "1s", "requires --idle, "),
        ("--kill-rss 1G", "MIN_LIFETIME", "1h", "requires --idle, "),
    ] {
        let name = format!("RECYCLE_{variable}");
        let (end, run) =
            Run::new(options).env(&name, value).stdin_pipe().fixture("exit:3").finish();
        let line = run.stderr();
        assert_eq!(end, End::Code(3), "{line}");
        let expected = format!("recycle: ignored: {name} ({reason}");
        assert!(line.starts_with(&expected), "{expected}: {line}");
        // Not with -q; and a flag is still an error.
        let quiet = format!("{options} -q");
        assert_eq!(log(&quiet, &[(&name, value)]), "");
        let option = variable.to_lowercase().replace('_', "-");
        let flag = refused(&format!("{options} --{option} {value}"), &[]);
        assert!(flag.contains(&format!("--{option} '{value}'")), "{flag}");
    }
}

/// Of no use is also what only an ignored variable would have been of use for.
#[test]
fn what_depends_on_an_ignored_variable_is_ignored_too() {
    let variables = [("RECYCLE_PRE_STOP", "true"), ("RECYCLE_NAME", "x")];
    assert_eq!(ignored("", &variables), ["PRE_STOP", "NAME"]);
    assert_eq!(ignored("--idle 1h", &variables), Vec::<String>::new());
    let line = refused("--pre-stop-timeout 1s", &variables);
    assert!(line.contains("--pre-stop-timeout '1s': requires --pre-stop"), "{line}");
    assert!(line.contains("RECYCLE_PRE_STOP is ignored: requires --idle, "), "{line}");
}

#[test]
fn a_value_that_cannot_be_parsed_is_an_error_wherever_it_applies() {
    for (variable, value) in [
        ("RECYCLE_JITTER", "5"),
        ("RECYCLE_QUIET", "9ms"),
        ("RECYCLE_NAME", ""),
        ("RECYCLE_SETTLE", "soon"),
        ("RECYCLE_IDLE_FLOOR", "8"),
        ("RECYCLE_THEN", "sleep"),
        ("RECYCLE_MAX_LINE", "0B"),
    ] {
        let line = refused("", &[(variable, value)]);
        assert!(line.starts_with(&format!("recycle: {variable} '{value}': ")), "{line}");
    }
}

#[test]
fn a_flag_wins_over_a_variable_that_contradicts_it() {
    for (options, variable, value) in [
        ("--max-rss 300M", "MAX_PSS", "512M"),
        ("--max-pss 300M", "MAX_RSS", "200M"),
        ("--max-rss 300M", "KILL_RSS", "200M"),
        ("--max-pss 300M", "KILL_RSS", "200M"),
        ("--kill-rss 200M", "MAX_RSS", "300M"),
        ("--max-lifetime 1h", "MIN_LIFETIME", "2h"),
        ("--idle 1h --min-lifetime 2h", "MAX_LIFETIME", "1h"),
        ("--max-rss 1G --quiet 10s", "QUIET_WAIT", "5s"),
        ("--idle 1h --then wait", "TRAFFIC", "sockets"),
        ("--idle 1h --traffic sockets", "THEN", "wait"),
        ("--verbose --idle 1h", "QUIET_LOG", "1"),
    ] {
        let name = format!("RECYCLE_{variable}");
        let log = log(options, &[(&name, value)]);
        let expected = format!("recycle: ignored: {name} (contradicts --");
        assert!(log.starts_with(&expected), "{options} {name}={value}: {log}");
    }
    assert_eq!(log("-q", &[("RECYCLE_VERBOSE", "1")]), "");
    // Off is off.
    assert_eq!(log("-q", &[("RECYCLE_VERBOSE", "0"), ("RECYCLE_OBSERVE", "no")]), "");
}

/// The flag needs what it contradicts: nothing could be made of the two.
#[test]
fn a_flag_that_requires_the_variable_that_it_contradicts_is_an_error() {
    let line = refused("--max-rss 1G --quiet-wait 1s", &[("RECYCLE_QUIET", "2s")]);
    assert!(line.contains("--quiet-wait '1s': requires --quiet"), "{line}");
    assert!(line.contains("RECYCLE_QUIET is ignored: contradicts --quiet-wait '1s'"), "{line}");
}

#[test]
fn two_variables_that_contradict_each_other_are_an_error() {
    for (options, variables) in [
        ("", [("RECYCLE_MAX_RSS", "300M"), ("RECYCLE_MAX_PSS", "512M")]),
        ("", [("RECYCLE_MAX_RSS", "300M"), ("RECYCLE_KILL_RSS", "200M")]),
        ("", [("RECYCLE_MAX_LIFETIME", "1h"), ("RECYCLE_MIN_LIFETIME", "2h")]),
        ("--max-rss 1G", [("RECYCLE_QUIET", "10s"), ("RECYCLE_QUIET_WAIT", "5s")]),
        ("--idle 1h", [("RECYCLE_THEN", "wait"), ("RECYCLE_TRAFFIC", "tcp")]),
        ("", [("RECYCLE_QUIET_LOG", "1"), ("RECYCLE_VERBOSE", "1")]),
    ] {
        let line = refused(options, &variables);
        for (name, _) in variables {
            assert!(line.contains(name), "{name}: {line}");
        }
    }
    // ... unless neither applies.
    let variables = [("RECYCLE_QUIET", "10s"), ("RECYCLE_QUIET_WAIT", "5s")];
    assert_eq!(ignored("--idle 1h", &variables), ["QUIET", "QUIET_WAIT"]);
}

/// Nothing ends, and nothing waits, where standard input is no stream.
#[test]
fn a_variable_that_standard_input_does_not_fit_is_ignored() {
    for (options, variable, value) in
        [("", "RECYCLE_EOF_TIMEOUT", "5s"), ("--idle 1h", "RECYCLE_THEN", "wait")]
    {
        let (end, run) = Run::new(options).env(variable, value).fixture("exit:3").finish();
        let line = run.stderr();
        assert_eq!(end, End::Code(3), "{line}");
        let expected = format!("recycle: ignored: {variable} (standard input is not a pipe");
        assert!(line.starts_with(&expected), "{line}");
        assert_eq!(log(options, &[(variable, value)]), "");
    }
    let (_ours, theirs) = UnixDatagram::pair().unwrap();
    let run = Run::new("").env("RECYCLE_STDIN", "lines").env("RECYCLE_MAX_LINE", "1K");
    let (end, run) = run.stdin(OwnedFd::from(theirs)).fixture("exit:3").finish();
    let line = "recycle: ignored: RECYCLE_STDIN (standard input is a socket of messages, which has \
                no lines), RECYCLE_MAX_LINE (requires --stdin lines)\n";
    assert_eq!((end, run.stderr().as_str()), (End::Code(3), line));
}

#[test]
fn machines_are_told_which_variables_are_ignored() {
    let variables = [("RECYCLE_JITTER", "5%"), ("RECYCLE_QUIET", "2s")];
    let log = log("--log-format json", &variables);
    let line: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(line["event"], "variables_ignored", "{line}");
    assert_eq!(line["variables"], "RECYCLE_JITTER,RECYCLE_QUIET");
    assert_eq!(line["level"], "info");
}

/// What is ignored is said with its value, but no secret is.
#[test]
fn an_explanation_names_ignored_variables() {
    let variables = [
        ("RECYCLE_JITTER", "5%"),
        ("RECYCLE_STOP_TIMEOUT", "1s"),
        ("RECYCLE_PRE_STOP", "curl -H secret"),
    ];
    let (end, run) = with("--explain", &variables).command(["true"]).finish();
    assert_eq!((end, run.stderr()), (End::Code(0), String::new()));
    let text = run.stdout().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("From the environment: RECYCLE_STOP_TIMEOUT=1s Ignored"), "{text}");
    let jitter = "RECYCLE_JITTER=5% (requires --max-lifetime)";
    assert!(text.contains(&format!("Ignored from the environment: {jitter}")), "{text}");
    assert!(text.contains("RECYCLE_PRE_STOP=... (requires --idle"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}
