//! Logs for machines: the same events and fields in each format, read back by other programs.

use crate::harness::{End, Run, Running, copy_program, execute, fixture_path};

/// Reads JSON as others do, holds each line against what all lines have, and prints the rest:
/// event and fields, a line each.
const PARSER: &str = r#"
import json, re, sys
for line in open(sys.argv[1], encoding='utf-8'):
    fields = json.loads(line)
    names = list(fields)
    assert names[:5] == ['v', 'time', 'name', 'level', 'event'], names
    assert names[-1] == 'message', names
    assert fields['v'] == 1 and fields['level'] in ('error', 'info', 'debug'), line
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', fields['time']), line
    print(fields['level'], fields['event'], ' '.join(f'{n}={fields[n]}' for n in names[5:-1]))
"#;

/// What python3 prints about what was said on stderr.
fn parse(run: &Running, parser: &str) -> Vec<String> {
    let stderr = run.dir().join("stderr");
    let output = execute("python3", &["-c", parser, stderr.to_str().unwrap()]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}{}", run.stderr());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn parse_json(run: &Running) -> Vec<String> {
    parse(run, PARSER)
}

/// A shell's idea of words in quotes is that of logfmt.
fn parse_logfmt(run: &Running) -> Vec<String> {
    let parser = "import shlex, sys\nfor line in open(sys.argv[1]):\n\
                  \x20   print(' '.join(shlex.split(line)[1:-1]))";
    parse(run, parser)
}

/// Names of events and fields, without values.
fn names(line: &str) -> Vec<String> {
    let words = line.split_whitespace();
    words.map(|word| word.split('=').next().unwrap().to_owned()).collect()
}

fn number(line: &str, field: &str) -> f64 {
    let value = line.split(' ').find_map(|word| word.strip_prefix(field)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {field} in {line}")).parse().unwrap()
}

fn finished(options: &str, script: &str) -> Running {
    let (end, run) = Run::new(options).fixture(script).finish();
    assert_eq!(end, End::Code(0));
    run
}

const ONCE: &str = "--max-lifetime 300ms --then exit";

#[test]
fn each_format_has_the_same_events_with_the_same_fields() {
    let script = "trap:TERM:exit=0 ready forever";
    let json = finished(&format!("-v --log-format json {ONCE}"), script);
    let json = parse_json(&json);
    let events: Vec<_> = json.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(events, ["started", "due", "recycling", "recycled"]);
    let told = "info recycled generation=1 age=";
    assert!(json[3].starts_with(told), "{json:?}");
    assert!(json[3].contains(" reason=lifetime lifetime=0.3 signal=SIGTERM gone_in="), "{json:?}");

    let logfmt = finished(&format!("-v --log-format logfmt {ONCE}"), script);
    let logfmt = parse_logfmt(&logfmt);
    for (json, logfmt) in json.iter().zip(&logfmt) {
        let (level, rest) = json.split_once(' ').unwrap();
        let (event, _) = rest.split_once(' ').unwrap();
        let start = format!("level={level} name=fixture event={event} ");
        assert!(logfmt.starts_with(&start), "{logfmt}");
        assert_eq!(names(logfmt)[3..], names(json)[2..]);
    }
    assert_eq!(logfmt.len(), json.len());

    let text = finished(&format!("-v --log-format text {ONCE}"), script);
    assert_eq!(text.stderr().lines().count(), json.len(), "{}", text.stderr());
}

/// The words are those of the text, whatever the format.
#[test]
fn the_message_is_the_line_for_people() {
    let run = finished(&format!("--log-format json {ONCE}"), "ready forever");
    let (_, message) = run
        .stderr()
        .rsplit_once(r#","message":""#)
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert!(message.starts_with("generation 1 recycled: lifetime 0.3s after "), "{message}");
    assert!(message.contains("(SIGTERM, gone in "), "{message}");
}

#[test]
fn samples_come_at_their_pace() {
    let options = "--log-format json --sample-every 300ms --max-rss 1G";
    let mut run = Run::new(options).fixture("hold:40M ready forever").spawn();
    run.await_entry(1, "ready");
    let before = run.stderr().lines().count();
    run.wait_for("samples", |run| (run.stderr().lines().count() >= before + 4).then_some(()));
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    let lines = parse_json(&run);
    assert!(lines.iter().all(|line| line.starts_with("info sample generation=1 ")), "{lines:?}");
    let ages: Vec<_> = lines.iter().map(|line| number(line, "age")).collect();
    // Each is due so long after the one before was, and may be late.
    let first_due = 0.1;
    for (place, age) in (0_u32..).zip(&ages) {
        assert!(*age >= first_due + 0.3 * f64::from(place) - 0.001, "{ages:?}");
    }
    let last = lines.last().unwrap();
    assert!(number(last, "rss") >= f64::from(40 << 20), "{last}");
    assert!(number(last, "pss") <= number(last, "rss"), "{last}");
    assert_eq!(number(last, "max_rss"), f64::from(1 << 30));
    assert_eq!(number(last, "processes"), 1.0);
    assert!(number(last, "cpu") >= 0.0 && number(last, "quiet") > 0.0, "{last}");
}

/// In words both are rounded, and may look the same.
#[test]
fn memory_that_was_too_much_is_over_the_limit() {
    let options = "--log-format json --max-rss 60M";
    let mut run = Run::new(options).fixture("once:leak:50M/s ready forever").spawn();
    run.await_entry(2, "ready");
    run.signal(libc::SIGTERM);
    run.finish();
    let lines = parse_json(&run);
    let line = lines.iter().find(|line| line.starts_with("info recycled ")).unwrap();
    assert_eq!(number(line, "limit"), f64::from(60 << 20), "{line}");
    assert!(number(line, "used") > f64::from(60 << 20), "{line}");
}

#[test]
fn without_being_asked_for_there_are_no_samples() {
    let options = "--log-format json --max-lifetime 500ms --max-rss 1G";
    let mut run = Run::new(options).term_held().fixture("ready unblock forever").spawn();
    run.await_entry(3, "ready");
    assert!(!run.stderr().contains("sample"), "{}", run.stderr());
}

#[test]
fn quiet_log_leaves_samples_out_and_errors_in() {
    let options = "-q --log-format json --sample-every 50ms --max-lifetime 400ms";
    let mut run = Run::new(options).term_held().fixture("ready unblock forever").spawn();
    run.await_entry(3, "ready");
    assert_eq!(run.stderr(), "");
    let (end, run) = Run::new("-q --log-format json").command(["no-such-program"]).finish();
    assert_eq!(end, End::Code(127));
    let lines = parse_json(&run);
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let start = "error start_failed stage=exec errno=2 error=No such file or directory";
    assert_eq!(line, start);
}

/// What is said of traffic is what moved, not how often we looked.
#[test]
fn a_sample_tells_how_long_there_was_no_traffic() {
    let options = "--log-format json --sample-every 100ms";
    let mut run = Run::new(options).fixture("listen:0 ready echo").spawn();
    let mut client = run.connect(1);
    client.exchange("hello");
    let quiet = |run: &Running| {
        let stderr = run.stderr();
        let told = stderr.lines().filter_map(|line| line.split_once("\"quiet\":"));
        let told = told.filter_map(|(_, rest)| rest.split([',', '}']).next()?.parse::<f64>().ok());
        told.collect::<Vec<_>>()
    };
    let silent = run.wait_for("silence", |run| {
        let quiet = quiet(run);
        quiet.last().is_some_and(|quiet| *quiet > 0.5).then_some(quiet.len())
    });
    client.exchange("hello");
    // It grows from one to the next, unless something moved.
    run.wait_for("traffic", |run| {
        let later = &quiet(run)[silent - 1..];
        later.windows(2).any(|pair| pair[1] < pair[0]).then_some(())
    });
}

#[test]
fn memory_and_traffic_that_nobody_asked_about_are_seen_by_samples_alone() {
    let options = "--log-format logfmt --sample-every 100ms --name web.1";
    let mut run = Run::new(options).fixture("hold:64M ready forever").spawn();
    run.await_entry(1, "ready");
    run.await_stderr(" source=web.1 sample#memory_rss=6");
    run.await_stderr(" source=web.1 sample#memory_rss=6");
}

/// A program may be called anything; a log stays one line an event, and sets no terminal off.
#[test]
fn a_hostile_name_stays_in_its_line() {
    let evil = "a\"b\\c\n{\"v\":1}\u{1b}[31m\u{9b}\u{7f}'é";
    for format in ["json", "logfmt"] {
        let options = format!("--log-format {format} {ONCE}");
        let run = Run::new(&options);
        copy_program(fixture_path(), &run.dir().join(evil));
        let command = format!("./{evil}");
        let (end, run) = run.command([command.as_str(), "ready", "forever"]).finish();
        assert_eq!(end, End::Code(0));
        let stderr = run.stderr();
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(!stderr.trim_end().chars().any(char::is_control), "{stderr:?}");
        if format == "json" {
            assert_eq!(parse_json(&run).len(), 1);
        }
    }
}

#[test]
fn bad_values_name_what_is_allowed() {
    for (options, line) in [
        ("--log-format xml", "--log-format 'xml': expected text, json or logfmt"),
        ("--sample-every 5", "--sample-every '5': "),
        ("--sample-every 1ms", "--sample-every '1ms': must be at least 10ms"),
        ("--name x", "--name 'x': requires --log-format json, --log-format logfmt, "),
        ("--log-format json --name=", "--name '': expected 1 to 255 bytes"),
    ] {
        let (end, run) = Run::new(options).command(["true"]).finish();
        assert_eq!(end, End::Code(125));
        let stderr = run.stderr();
        assert!(stderr.starts_with(&format!("recycle: {line}")), "{options}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}
