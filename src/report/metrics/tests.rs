//! Numbers letter by letter, and the pace at which files are written.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::decide::event::{Memory, Tree};
use crate::decide::exit::{Exit, Failure, Signal, Stage};
use crate::decide::notice::{Opening, Recycled, Sample};
use crate::decide::reason::Reason;
use crate::report::{Format, Loudness};
use crate::units::Bytes;

const AGAIN: Option<Duration> = Some(Duration::from_secs(1));

fn style() -> Style {
    Style {
        loudness: Loudness::Normal,
        format: Format::Text,
        name: "a\"b\\c\nd".to_owned(),
        samples: false,
        limits: vec![("max_rss", Bytes(1 << 30)), ("kill_rss", Bytes(u64::MAX))],
    }
}

fn at(millis: u64) -> Time {
    Time::at(Duration::from_millis(millis))
}

/// Metrics that go to this file, begun at the time 0.
fn metrics(dir: &TempDir, file: &str) -> Result<Metrics, String> {
    let target = Target { text: format!("prom:{file}"), kind: Kind::File(dir.path().join(file)) };
    let mut metrics = Metrics::find(vec![target], &style()).unwrap();
    metrics.begin(at(0)).map(|()| metrics)
}

fn sampled(generation: u64) -> Notice {
    let memory = Memory {
        rss: Bytes(61_440_000),
        settled: Bytes(5),
        largest: Bytes(5),
        pss_at_most: None,
        pages_cost: None,
        pss: Some(Bytes(7)),
    };
    let tree =
        Tree { cpu: Duration::from_millis(1_530), stopped: false, processes: 3, asleep: false };
    let (memory, tree, quiet) = (Some(memory), Some(tree), Some(Duration::ZERO));
    let sample = Sample { age: Duration::from_micros(12_345_678), memory, quiet, tree };
    Notice::Sampled { generation, sample }
}

fn recycled() -> Notice {
    Notice::Recycled(Recycled {
        generation: 1,
        reason: Reason::Lifetime { limit: Duration::from_secs(1) },
        age: Duration::from_secs(1),
        opening: Opening::Asked(Signal::TERM),
        killed_after: None,
        gone_in: Duration::ZERO,
    })
}

fn exited(again_in: Option<Duration>) -> Notice {
    Notice::Exited { generation: 2, exit: Exit::Status(1), age: Duration::ZERO, again_in }
}

/// What is written right now: names and values, without the comments and the common label.
fn lines(metrics: &mut Metrics, file: &Path) -> Vec<String> {
    metrics.write();
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let bare = lines.map(|line| line.replace(r#"{name="a\"b\\c\nd"}"#, "").replace(LABEL, "{"));
    bare.map(|line| line.strip_prefix("recycle_").unwrap().to_owned()).collect()
}

const LABEL: &str = r#"{name="a\"b\\c\nd","#;

const LIMITS: [&str; 2] = [
    r#"memory_limit_bytes{limit="kill_rss"} 18446744073709551615"#,
    r#"memory_limit_bytes{limit="max_rss"} 1073741824"#,
];

/// Counters, of which those for lifetime, exits, restarts, failures and giving up are these.
fn counters([lifetime, exits, restarts, failures, gave_up]: [u64; 5]) -> Vec<String> {
    let recycles = |reason, count| format!("recycles_total{{reason=\"{reason}\"}} {count}");
    let words = ["idle", "kill-rss", "lifetime", "pss", "rss", "signal"];
    let recycles = words.map(|word| recycles(word, if word == "lifetime" { lifetime } else { 0 }));
    let others = [
        format!("exits_total {exits}"),
        format!("restarts_total {restarts}"),
        format!("start_failures_total {failures}"),
        format!("gave_up_total {gave_up}"),
    ];
    recycles.into_iter().chain(others).collect()
}

#[test]
fn a_file_has_what_is_known_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let (mut metrics, file) = (metrics(&dir, "x.prom").unwrap(), dir.path().join("x.prom"));
    let mut expect = |notice: Option<Notice>, gauges: &[&str], counts: [u64; 5]| {
        notice.iter().for_each(|notice| metrics.tell(notice));
        let mut expected: Vec<_> = gauges.iter().map(|line| (*line).to_owned()).collect();
        expected.extend(counters(counts));
        assert_eq!(lines(&mut metrics, &file), expected, "{notice:?}");
    };
    let [kill, max] = LIMITS;
    expect(None, &["up 1", kill, max], [0; 5]);
    let started = |generation| Some(Notice::Started { generation });
    expect(started(1), &["up 1", "generation 1", kill, max], [0; 5]);
    let seen = [
        "up 1",
        "generation 1",
        "generation_age_seconds 12.345",
        "memory_rss_bytes 61440000",
        "memory_pss_bytes 7",
        kill,
        max,
        "traffic_quiet_seconds 0.000",
        "generation_cpu_seconds 1.530",
        "processes 3",
    ];
    expect(Some(sampled(1)), &seen, [0; 5]);
    // What could not be seen this time is not what it was.
    let age = Duration::from_secs(20);
    let blind = Sample { age, memory: None, quiet: None, tree: None };
    let blind = Notice::Sampled { generation: 1, sample: blind };
    let aged = ["up 1", "generation 1", "generation_age_seconds 20.000", kill, max];
    expect(Some(blind), &aged, [0; 5]);
    expect(Some(sampled(1)), &seen, [0; 5]);
    expect(Some(recycled()), &["up 1", "generation 1", kill, max], [1, 0, 0, 0, 0]);
    let second = ["up 1", "generation 2", kill, max];
    expect(started(2), &second, [1, 0, 0, 0, 0]);
    expect(Some(exited(AGAIN)), &second, [1, 1, 1, 0, 0]);
    // What is left of the tree is still seen, until it is gone, too.
    let left = seen.map(|line| if line == "generation 1" { "generation 2" } else { line });
    expect(Some(sampled(2)), &left, [1, 1, 1, 0, 0]);
    let wait = Duration::from_secs(1);
    expect(Some(Notice::Backoff { generation: 2, wait }), &second, [1, 1, 1, 0, 0]);
    let failure = Failure { stage: Stage::Exec, errno: 2 };
    let failed = Notice::StartFailed { failure, again_in: AGAIN, again: false };
    expect(Some(failed), &second, [1, 1, 1, 1, 0]);
    expect(Some(exited(None)), &second, [1, 2, 1, 1, 0]);
    let gave_up = Notice::GaveUp { restarts: 1, window: wait };
    expect(Some(gave_up), &second, [1, 2, 1, 1, 1]);
    metrics.tell(&sampled(2));
    metrics.finish();
    let mut last: Vec<_> = ["up 0", "generation 2", kill, max].map(str::to_owned).to_vec();
    last.extend(counters([1, 2, 1, 1, 1]));
    assert_eq!(lines(&mut metrics, &file), last);
}

#[test]
fn each_family_says_what_it_is_once_and_right_before_its_numbers() {
    let dir = TempDir::new().unwrap();
    let mut metrics = metrics(&dir, "x.prom").unwrap();
    metrics.tell(&sampled(1));
    metrics.write();
    let text = fs::read_to_string(dir.path().join("x.prom")).unwrap();
    let mut families = Vec::new();
    for line in text.lines() {
        let words: Vec<_> = line.split([' ', '{']).collect();
        match words[..] {
            ["#", "HELP", name, _, ..] => families.push(name.to_owned()),
            ["#", "TYPE", name, kind] => {
                assert_eq!(families.last().map(String::as_str), Some(name));
                assert_eq!(kind, if name.ends_with("_total") { "counter" } else { "gauge" });
            }
            [name, ..] => assert_eq!(families.last().map(String::as_str), Some(name)),
            [] => {}
        }
    }
    let number = families.len();
    families.sort();
    families.dedup();
    assert_eq!((families.len(), number), (14, 14));
}

/// Whatever happens, once a second at most; and what happened last does not wait for more.
#[test]
fn files_are_written_at_a_bounded_pace() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("x.prom");
    let mut metrics = metrics(&dir, "x.prom").unwrap();
    let is_new = || fs::remove_file(&file).is_ok();
    assert!(is_new());
    assert_eq!(metrics.deadline(), None);
    metrics.write_due(at(5_000));
    assert!(!is_new(), "there is nothing to write");
    metrics.tell(&Notice::Refused);
    assert_eq!(metrics.deadline(), None);
    for now in 1..1_000 {
        metrics.tell(&recycled());
        assert_eq!(metrics.deadline(), Some(at(1_000)));
        metrics.write_due(at(now));
        assert!(!is_new(), "{now}");
    }
    metrics.write_due(at(1_000));
    assert!(fs::read_to_string(&file).unwrap().contains("reason=\"lifetime\"} 999\n"));
    assert!(is_new());
    assert_eq!(metrics.deadline(), None);
    metrics.tell(&recycled());
    metrics.write_due(at(1_999));
    assert!(!is_new());
    metrics.write_due(at(9_000));
    assert!(is_new());
    metrics.tell(&recycled());
    metrics.finish();
    assert!(is_new(), "the last word waits for nothing");
}

#[test]
fn a_failure_is_said_once_and_tried_again_with_what_is_new() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("gone")).unwrap();
    let mut metrics = metrics(&dir, "gone/x.prom").unwrap();
    fs::remove_dir_all(dir.path().join("gone")).unwrap();
    let mut failures = |now| {
        metrics.tell(&sampled(1));
        metrics.write_due(at(now));
        assert_eq!(metrics.deadline(), None, "it is not tried again for its own sake");
        metrics.failures()
    };
    let (target, error) = ("prom:gone/x.prom".to_owned(), "No such file or directory".to_owned());
    assert_eq!(failures(1_000), [Notice::MetricsFailed { target, error, again: true }]);
    assert_eq!(failures(2_000), []);
    fs::create_dir(dir.path().join("gone")).unwrap();
    assert_eq!(failures(3_000), []);
    assert!(dir.path().join("gone/x.prom").exists());
    fs::remove_dir_all(dir.path().join("gone")).unwrap();
    assert_eq!(failures(4_000), []);
}

/// The first one is not left behind as if somebody ran.
#[test]
fn where_one_file_cannot_be_written_the_others_say_that_nobody_runs() {
    let dir = TempDir::new().unwrap();
    let target = |file: &str| Target {
        text: format!("prom:{file}\u{1b}"),
        kind: Kind::File(dir.path().join(file)),
    };
    let targets = vec![target("one"), target("none/two"), target("three")];
    let mut metrics = Metrics::find(targets, &style()).unwrap();
    let line = "--metrics 'prom:none/two\\u{1b}': No such file or directory";
    assert_eq!(metrics.begin(at(0)), Err(line.to_owned()));
    assert!(fs::read_to_string(dir.path().join("one")).unwrap().contains("\"} 0\n"));
    assert!(!fs::read_to_string(dir.path().join("one")).unwrap().contains("\"} 1\n"));
    assert!(!dir.path().join("three").exists());
}
