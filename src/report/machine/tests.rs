//! The formats, letter by letter: names and units are a promise.

use super::super::text;
use super::*;
use crate::decide::awake::{Awake, Unarmed};
use crate::decide::event::{Memory, Sight, Tree, Unseen};
use crate::decide::exit::{Exit, Failure, Signal, Stage};
use crate::decide::notice::{Hold, LookedAtMemory, Notice, Opening, Quietness, Recycled, Sample};
use crate::decide::reason::Reason;
use crate::decide::rules::Measure;

const MIB: u64 = 1 << 20;
const LIMITS: &[(&str, Bytes)] = &[("max_rss", Bytes(512 * MIB))];

/// 2026-11-24 12:00:00.123456789 UTC.
const TIME: Duration = Duration::new(1_795_521_600, 123_456_789);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// `recycle-events(5)` has the event, its level, and whether `--on-event` runs for it.
fn assert_documented(notice: &Notice, event: &str, level: &str) {
    let page = include_str!("../../../man/recycle-events.5");
    let tag = format!(".TP\n\\fB{event}\\fR\n");
    let sections = page.split("\n.SS ").filter(|section| section.starts_with("Events of level "));
    let section = sections.clone().find(|section| section.contains(&tag));
    let section = section.unwrap_or_else(|| panic!("no {event}"));
    let (_, entry) = section.split_once(&tag).unwrap();
    let mut entry = entry.split("\n.TP\n").next().unwrap().lines();
    let usual = section.starts_with(&format!("Events of level {level}\n"));
    let at_times = entry.find(|line| line.starts_with("Level "));
    let named = at_times.is_some_and(|line| line.contains(&format!("\\fB{level}\\fR")));
    assert!(usual || named, "{event} is not of level {level}");
    let (_, hooks) = page.split_once("\n.SS \"\\-\\-on\\-event\"\n").unwrap();
    let listed = hooks.split("\n.PP\n").next().unwrap().contains(&format!("\\fB{event}\\fR"));
    // These two only in some cases.
    if listed != notice.entry().alerts {
        assert!(matches!(event, "exited" | "start_failed"), "--on-event: {event}");
    }
}

/// A line in both formats, without what all lines have in common.
fn lines(notice: &Notice) -> (String, String) {
    let record = Record::of(notice, LIMITS);
    let message = text::Line { notice, command: "app" }.to_string();
    let loudness = notice.entry().loudness;
    let line = Line { time: TIME, name: "a b", loudness, record, message };
    let level = line.level();
    assert_documented(notice, line.record.event, level);
    let head = format!(
        r#"{{"v":1,"time":"2026-11-24T12:00:00.123Z","name":"a b","level":"{level}","event":"#
    );
    let (json, logfmt) = (line.json(), line.logfmt());
    let body = json.strip_prefix(&head).unwrap_or_else(|| panic!("{json}"));
    let (body, message) = body.rsplit_once(r#","message":"#).unwrap();
    assert!(message.ends_with("\"}") && message.starts_with('"'), "{json}");
    let head = format!("time=2026-11-24T12:00:00.123Z level={level} name=\"a b\" event=");
    let words = logfmt.strip_prefix(&head).unwrap_or_else(|| panic!("{logfmt}"));
    let (words, _) = words.rsplit_once(" message=").unwrap();
    (body.to_owned(), words.to_owned())
}

fn recycled(reason: Reason) -> Notice {
    Notice::Recycled(Recycled {
        generation: 3,
        reason,
        age: millis(11_520_004),
        opening: Opening::Asked(Signal::TERM),
        killed_after: None,
        gone_in: millis(412),
    })
}

#[test]
fn recycles() {
    let (used, limit) = (Bytes(513 * MIB), Bytes(512 * MIB));
    let measure = Measure::Pss;
    for (reason, json, logfmt) in [
        (
            Reason::Rss { used, limit, pss: Some(Bytes(5)) },
            r#""reason":"rss","used":537919488,"limit":536870912,"pss":5"#,
            "reason=rss used=537919488 limit=536870912 pss=5",
        ),
        (
            Reason::Pss { used, limit },
            r#""reason":"pss","used":537919488,"limit":536870912"#,
            "reason=pss used=537919488 limit=536870912",
        ),
        (
            Reason::KillRss { used, limit, measure, pss: None },
            r#""reason":"kill-rss","measure":"pss","used":537919488,"limit":536870912"#,
            "reason=kill-rss measure=pss used=537919488 limit=536870912",
        ),
        (
            Reason::Lifetime { limit: millis(90_000) },
            r#""reason":"lifetime","lifetime":90.0"#,
            "reason=lifetime lifetime=90",
        ),
        (
            Reason::Idle { quiet: millis(1_250) },
            r#""reason":"idle","quiet":1.25"#,
            "reason=idle quiet=1.25",
        ),
        (
            Reason::Signal(Signal::HUP),
            r#""reason":"signal","by":"SIGHUP""#,
            "reason=signal by=SIGHUP",
        ),
    ] {
        let (told_json, told_logfmt) = lines(&recycled(reason));
        let head = r#""recycled","generation":3,"age":11520.004,"#;
        let tail = r#","signal":"SIGTERM","gone_in":0.412"#;
        assert_eq!(told_json, format!("{head}{json}{tail}"));
        let (head, tail) = ("recycled generation=3 age=11520.004", "signal=SIGTERM gone_in=0.412");
        assert_eq!(told_logfmt, format!("{head} {logfmt} {tail}"));
    }
}

#[test]
fn samples() {
    let memory = Memory {
        rss: Bytes(100 * MIB),
        settled: Bytes(1),
        largest: Bytes(1),
        pss_at_most: None,
        pages_cost: None,
        pss: Some(Bytes(99 * MIB)),
    };
    let tree = Tree { cpu: millis(1_530), stopped: false, processes: 4, asleep: false };
    let whole = Sample {
        age: millis(12_500),
        memory: Some(memory),
        quiet: Some(millis(250)),
        tree: Some(tree),
    };
    let (json, logfmt) = lines(&Notice::Sampled { generation: 1, sample: whole });
    assert_eq!(
        json,
        r#""sample","generation":1,"age":12.5,"rss":104857600,"pss":103809024,"#.to_owned()
            + r#""max_rss":536870912,"quiet":0.25,"cpu":1.53,"processes":4"#
    );
    assert_eq!(
        logfmt,
        "sample generation=1 age=12.5 rss=104857600 pss=103809024 max_rss=536870912 quiet=0.25 \
         cpu=1.53 processes=4 source=\"a b\" sample#memory_rss=100.0MB sample#memory_pss=99.0MB \
         sample#memory_max_rss=512.0MB"
    );
    let blind = Sample { age: millis(1), memory: None, quiet: None, tree: None };
    let (json, _) = lines(&Notice::Sampled { generation: 1, sample: blind });
    assert_eq!(json, r#""sample","generation":1,"age":0.001,"max_rss":536870912"#, "not zero");
}

#[test]
fn starts_and_ends() {
    let exited = |exit, again_in| Notice::Exited { generation: 2, exit, age: millis(7), again_in };
    let failure = Failure { stage: Stage::Exec, errno: libc::ENOENT };
    for (notice, json) in [
        (Notice::Started { generation: 2 }, r#""started","generation":2"#),
        (
            exited(Exit::Status(3), Some(millis(100))),
            r#""exited","generation":2,"age":0.007,"status":3,"again_in":0.1"#,
        ),
        (
            exited(Exit::Killed(Signal::KILL), None),
            r#""exited","generation":2,"age":0.007,"signal":"SIGKILL""#,
        ),
        (
            Notice::Backoff { generation: 2, wait: millis(100) },
            r#""backoff","generation":2,"wait":0.1"#,
        ),
        (
            Notice::CannotRecycle {
                generation: 3,
                reason: Reason::Lifetime { limit: millis(6_000) },
                failure: Failure { stage: Stage::Directory, ..failure },
            },
            concat!(
                r#""cannot_recycle","generation":3,"reason":"lifetime","lifetime":6.0,"#,
                r#""stage":"directory","errno":2,"error":"No such file or directory""#
            ),
        ),
        (
            Notice::StartFailed { failure, again_in: Some(millis(200)), again: false },
            concat!(
                r#""start_failed","stage":"exec","errno":2,"#,
                r#""error":"No such file or directory","again_in":0.2"#
            ),
        ),
        (
            Notice::GaveUp { restarts: 5, window: millis(60_000) },
            r#""gave_up","restarts":5,"window":60.0"#,
        ),
    ] {
        assert_eq!(lines(&notice).0, json);
    }
}

#[test]
fn decisions() {
    let reason = Reason::Lifetime { limit: millis(90_000) };
    let (generation, age) = (2, millis(90_000));
    for (notice, json) in [
        (
            Notice::Due { generation, age, reason },
            r#""due","generation":2,"age":90.0,"reason":"lifetime","lifetime":90.0"#,
        ),
        (
            Notice::Stopping { generation, age, reason, opening: Opening::Killed },
            concat!(
                r#""recycling","generation":2,"age":90.0,"reason":"lifetime","#,
                r#""lifetime":90.0,"signal":"SIGKILL""#
            ),
        ),
        (Notice::Held(Hold::Storm), r#""held","hold":"limit-too-low""#),
        (Notice::Held(Hold::MinLifetime), r#""held","hold":"min-lifetime""#),
        (Notice::Held(Hold::Interrupted), r#""held","hold":"interrupted""#),
        (Notice::Held(Hold::Stopped), r#""held","hold":"stopped""#),
        (Notice::Held(Hold::Unstartable), r#""held","hold":"cannot-start""#),
        (Notice::Held(Hold::Reconnects), r#""held","hold":"reconnects""#),
        (
            Notice::HeldLong { hold: Hold::Traffic, held: millis(300_000) },
            r#""held_long","hold":"quiet","held":300.0"#,
        ),
        (Notice::Swallowed(Signal::HUP), r#""swallowed","signal":"SIGHUP""#),
        (
            Notice::Passed { signal: Signal::HUP, to: Some(Signal::INT) },
            r#""passed","signal":"SIGHUP","to":"SIGINT""#,
        ),
        (
            Notice::NotPassed { signal: Signal::HUP, to: Signal::INT, errno: libc::EPERM },
            concat!(
                r#""not_passed","signal":"SIGHUP","to":"SIGINT","#,
                r#""errno":1,"error":"Operation not permitted""#
            ),
        ),
        (Notice::Passed { signal: Signal::HUP, to: None }, r#""passed","signal":"SIGHUP""#),
        (
            Notice::LeftBehind { processes: 2, program: "redis-server".to_owned() },
            r#""left_behind","processes":2,"program":"redis-server""#,
        ),
        (Notice::NothingLeftToRead, r#""nothing_left_to_read""#),
    ] {
        assert_eq!(lines(&notice).0, json);
    }
}

fn background(bytes: u64, floor: u64, again: bool) -> Notice {
    Notice::Background { bytes: Bytes(bytes), window: millis(5_000), floor: Bytes(floor), again }
}

#[test]
fn background_traffic_is_told_aloud_once() {
    let told = |notice: &Notice| {
        let message = text::Line { notice, command: "node" }.to_string();
        (notice.entry().loudness, message)
    };
    let words = "background traffic: 48B in 5s; more than 96B is traffic";
    assert_eq!(told(&background(48, 96, false)), (Loudness::Normal, words.to_owned()));
    assert_eq!(told(&background(48, 96, true)), (Loudness::Verbose, words.to_owned()));
    let words = "background traffic: none in 5s; every byte is traffic";
    assert_eq!(told(&background(0, 0, true)), (Loudness::Verbose, words.to_owned()));
    let spaced = Notice::OnlyReconnects { generation: 3, kept_until: millis(240_000) };
    let words = "generation 3: idle recycles do not help: each generation only saw its client \
                 reconnect; next idle recycle not before 4m";
    assert_eq!(told(&spaced), (Loudness::Normal, words.to_owned()));
}

#[test]
fn warnings() {
    let (used, limit, measure) = (Bytes(3), Bytes(2), Measure::Rss);
    let held_until = millis(20_000);
    for (notice, json) in [
        (
            Notice::LimitTooLow { used, limit, measure, held_until },
            r#""limit_too_low","measure":"rss","used":3,"limit":2,"held_until":20.0"#,
        ),
        (
            Notice::Runaway { limit, measure, again_in: millis(100) },
            r#""runaway","measure":"rss","limit":2,"again_in":0.1"#,
        ),
        (
            Notice::KillLimitTooLow { limit, again_in: millis(100) },
            r#""kill_limit_too_low","limit":2,"again_in":0.1"#,
        ),
        (
            Notice::OnlyReconnects { generation: 3, kept_until: millis(240_000) },
            r#""only_reconnects","generation":3,"kept_until":240.0"#,
        ),
        (background(0, 0, true), r#""background","bytes":0,"window":5.0,"floor":0"#),
        (Notice::StillAlive { after: millis(10_000) }, r#""still_alive","after":10.0"#),
        (Notice::Refused, r#""refused""#),
        (
            Notice::CannotSee(Unseen { what: Sight::Connections, errno: libc::EPERM }),
            r#""cannot_see","what":"tcp","errno":1,"error":"Operation not permitted""#,
        ),
        (
            Notice::NeverArmed { generation: 2, age: millis(9), why: Unarmed::NothingMoved },
            r#""never_armed","generation":2,"age":0.009,"why":"no-traffic""#,
        ),
        (
            Notice::CannotSee(Unseen { what: Sight::Strangers, errno: 0 }),
            r#""cannot_see","what":"strangers""#,
        ),
        (
            Notice::VariablesIgnored {
                variables: vec![("RECYCLE_A".into(), "x".into()), ("RECYCLE_B".into(), "y".into())],
            },
            r#""variables_ignored","variables":"RECYCLE_A,RECYCLE_B""#,
        ),
        (
            Notice::MetricsFailed { target: "prom:\"".into(), error: "full".into(), again: true },
            r#""metrics_failed","target":"prom:\"","error":"full""#,
        ),
    ] {
        assert_eq!(lines(&notice).0, json);
    }
}

#[test]
fn looks() {
    let memory = Memory {
        rss: Bytes(7),
        settled: Bytes(1),
        largest: Bytes(1),
        pss: None,
        pss_at_most: None,
        pages_cost: None,
    };
    let looked = LookedAtMemory { memory, limit: Bytes(9), growth: Bytes(8) };
    let awake = Some(Awake::Unarmed(Unarmed::OnlySettling));
    let traffic = Some(Quietness { quiet: millis(5), awake });
    let again_in = Some(millis(6));
    assert_eq!(
        lines(&Notice::Looked { memory: Some(looked), traffic, again_in }).0,
        r#""looked","rss":7,"limit":9,"growth":8,"quiet":0.005,"awake":"settling","again_in":0.006"#
    );
    let nothing = Notice::Looked { memory: None, traffic: None, again_in: None };
    assert_eq!(lines(&nothing).0, r#""looked""#);
}

#[test]
fn what_is_no_plain_word_is_quoted() {
    for (value, line) in [
        ("plain/1.5%", "plain/1.5%"),
        ("", r#""""#),
        ("a b", r#""a b""#),
        ("a=b", r#""a=b""#),
        ("a\"b", r#""a\"b""#),
        ("a\\b", r#""a\\b""#),
        ("a\nb", r#""a\nb""#),
        ("ä", "\"ä\""),
    ] {
        assert_eq!(quoted(value), line);
    }
}
