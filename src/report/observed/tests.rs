//! The lines, word by word, and the same for machines.

use std::time::Duration;

use super::*;
use crate::decide::notice::{Growth, Notice};
use crate::decide::reason::{Cause, Reason};
use crate::report::machine;
use crate::report::text::Line;
use crate::report::{Loudness, Record};

const MIB: u64 = 1 << 20;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn nothing() -> Advice {
    Advice { fit: None, idle: None, quiet: None, floor: None, early_job: None }
}

/// A server that leaks, and is not used at night.
fn leaking() -> Observed {
    let causes =
        [Cause::KillRss, Cause::Signal, Cause::Rss, Cause::Pss, Cause::Lifetime, Cause::Idle];
    let would = causes.into_iter().zip([0, 0, 2, 0, 0, 1]).collect();
    let growth =
        Growth { young: Bytes(180 * MIB), grown: Bytes(400 * MIB), per_hour: Bytes(72 * MIB) };
    let course = Course { usual: Bytes(290 * MIB), peak: Bytes(412 * MIB), growth: Some(growth) };
    let fit = Fit::Leak { limit: Bytes(360 * MIB), young: growth.young, within: seconds(9_000) };
    Observed {
        sees_traffic: true,
        last: true,
        generations: 1,
        span: seconds(11_520),
        would,
        course: Some(course),
        gaps: Some(Gaps {
            count: 412,
            median: seconds(3),
            p95: seconds(12),
            longest: seconds(840),
        }),
        background: None,
        advice: Some(Advice { fit: Some(fit), idle: Some(seconds(60)), ..nothing() }),
    }
}

fn lines(observed: Observed) -> Vec<String> {
    let notice = Notice::Observed(Box::new(observed));
    let text = Line { notice: &notice, command: "node" }.to_string();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_leak_and_a_night() {
    let expected = [
        "observed 1 generation for 3h 12m; there would have been 3 recycles: 2 rss, 1 idle",
        "memory: 290M usually, 412M at most, growing by 72M an hour from 180M",
        "traffic: 412 quiet gaps, half of them up to 3s, 95% up to 12s, the longest 14m",
        "to set: recycle --max-rss 360M --idle 1m -- node ...",
        "--max-rss 360M: it had 180M when it was young, and grows to this in 2h 30m",
        "--idle 1m: usual gaps are shorter; it must exceed the longest request",
    ];
    assert_eq!(lines(leaking()), expected);
}

#[test]
fn steady_memory_and_constant_traffic() {
    let course = Course { growth: None, ..leaking().course.unwrap() };
    let fit = Some(Fit::Steady { limit: Bytes(5_100 * MIB) });
    let advice = Some(Advice { fit, quiet: Some(seconds(1)), ..nothing() });
    let would = vec![(Cause::Lifetime, 1), (Cause::Idle, 0)];
    let observed = Observed { generations: 2, would, course: Some(course), advice, ..leaking() };
    let expected = [
        "observed 2 generations for 3h 12m; there would have been 1 recycle: 1 lifetime",
        "memory: 290M usually, 412M at most, not growing steadily",
        "traffic: 412 quiet gaps, half of them up to 3s, 95% up to 12s, the longest 14m",
        "to set: recycle --max-rss 5100M --quiet 1s -- node ...",
        "--max-rss 5100M: well above what it needs",
        "--quiet 1s: half of the gaps are twice as long",
        "no --idle: no gap stands out from the others",
    ];
    assert_eq!(lines(observed), expected);
}

/// A worker with heartbeats.
fn beating() -> Observed {
    let gaps =
        Some(Gaps { count: 9, median: seconds(20), p95: seconds(60), longest: seconds(600) });
    let (inbound, outbound) = (Bytes(0), Bytes(48));
    let background = Some(Background { inbound, outbound, window: seconds(10), gaps });
    let floor = Some((Bytes(2_048), seconds(120)));
    let idle = Some(seconds(120));
    let advice = Advice { idle, floor, early_job: Some(Bytes(4_200)), ..nothing() };
    Observed { background, advice: Some(advice), ..leaking() }
}

#[test]
fn heartbeats_and_an_early_job() {
    let expected = [
        "background: 48B in 10s (inbound 0B, outbound 48B); above it 9 quiet gaps, the longest 10m",
        "to set: recycle --idle 2m --idle-floor 2K --settle 0s -- node ...",
        "--idle-floor 2K: twice the background of 2m; more is traffic",
        concat!(
            "--settle 0s: COMMAND's own connections moved 4.1K at once soon after a start and ",
            "its logins"
        ),
        "--idle 2m: usual gaps are shorter; it must exceed the longest request",
    ];
    assert_eq!(lines(beating())[3..], expected);
    let gaps = Some(Gaps { count: 1, ..beating().background.unwrap().gaps.unwrap() });
    let background = beating().background.map(|background| Background { gaps, ..background });
    let few = Observed { background, advice: Some(nothing()), ..beating() };
    let expected = [
        "background: 48B in 10s (inbound 0B, outbound 48B); above it 1 quiet gap, of 10m",
        "to set: nothing that is sure to help",
        "no --idle: too few gaps to know what is usual",
    ];
    assert_eq!(lines(few)[3..], expected);
    let background = background.map(|background| Background { gaps: None, ..background });
    let advice = Advice { floor: Some((Bytes(96), seconds(10))), ..nothing() };
    let given = Observed { background, advice: Some(advice), ..beating() };
    let expected = [
        "background: 48B in 10s (inbound 0B, outbound 48B)",
        "to set: recycle --idle-floor 96B -- node ...",
        "--idle-floor 96B: twice the background of 10s; more is traffic",
        "no --idle: without traffic that is seen nothing goes idle",
    ];
    assert_eq!(lines(given)[3..], expected);
    let json = for_machines(&Notice::Observed(Box::new(beating())));
    let numbers = concat!(
        r#""gap_longest":840.0,"background_inbound":0,"background_outbound":48,"#,
        r#""background_window":10.0,"suggested_idle":120.0,"suggested_idle_floor":2048,"#,
        r#""suggested_settle":0.0"#,
    );
    assert!(json.ends_with(numbers), "{json}");
}

#[test]
fn little_was_seen() {
    let none = Observed { would: vec![(Cause::Idle, 0)], ..leaking() };
    let soon = Observed { course: None, gaps: None, advice: None, ..none.clone() };
    let expected = [
        "observed 1 generation for 3h 12m; there would have been no recycle",
        "memory: could not be seen",
        "traffic: none was seen",
        "to set: too soon to tell; let it work as usual, best for a day",
    ];
    assert_eq!(lines(soon.clone()), expected);
    let blind = lines(Observed { sees_traffic: false, ..soon });
    assert_eq!(blind[2], "traffic: could not be seen");
    let no_gap = Gaps { count: 0, median: seconds(0), p95: seconds(0), longest: seconds(0) };
    let fit = Some(Fit::Cramped { memory: Bytes(512 * MIB) });
    let advice = Some(Advice { fit, ..nothing() });
    let cramped = Observed { gaps: Some(no_gap), advice, ..none.clone() };
    let expected = [
        "traffic: without a quiet gap of 1s",
        "to set: nothing that is sure to help",
        "no --max-rss: it needs nearly all of the 512M that there are",
        "no --idle: too few gaps to know what is usual",
    ];
    assert_eq!(lines(cramped)[2..], expected);
    let two = Gaps { count: 2, ..no_gap };
    let few = lines(Observed { gaps: Some(two), advice, ..none.clone() });
    assert_eq!(few[5], "no --idle: too few gaps to know what is usual");
    let three = Gaps { count: 3, ..no_gap };
    let enough = lines(Observed { gaps: Some(three), advice, ..none.clone() });
    assert_eq!(enough[5], "no --idle: no gap stands out from the others");
    let one = Gaps { count: 1, longest: seconds(40), ..no_gap };
    let advice = Some(nothing());
    let few = Observed { gaps: Some(one), advice, ..none.clone() };
    assert_eq!(lines(few)[2], "traffic: 1 quiet gap, of 40s");
    let deaf = Observed { gaps: None, advice, ..none };
    assert_eq!(lines(deaf)[4], "no --idle: without traffic that is seen nothing goes idle");
}

/// As a machine's line has it, from the event on.
fn for_machines(notice: &Notice) -> String {
    let record = Record::of(notice, &[]);
    let message = Line { notice, command: "node" }.to_string();
    let loudness = notice.entry().loudness;
    assert_eq!(loudness, Loudness::Normal);
    let line = machine::Line { time: seconds(0), name: "x", loudness, record, message };
    let json = line.json();
    let (_, body) = json.split_once(r#""event":"#).unwrap();
    body.split(r#","message""#).next().unwrap().to_owned()
}

#[test]
fn machines_get_the_numbers() {
    let expected = concat!(
        r#""observed","generations":1,"span":11520.0,"would_kill_rss":0,"would_signal":0,"#,
        r#""would_rss":2,"would_pss":0,"would_lifetime":0,"would_idle":1,"#,
        r#""usual":304087040,"peak":432013312,"young":188743680,"growth":20971,"#,
        r#""gaps":412,"gap_median":3.0,"gap_p95":12.0,"gap_longest":840.0,"#,
        r#""suggested_max_rss":377487360,"suggested_idle":60.0"#,
    );
    assert_eq!(for_machines(&Notice::Observed(Box::new(leaking()))), expected);
    let advice = Some(Advice { quiet: Some(seconds(5)), ..nothing() });
    let would = vec![(Cause::Exit, 0)];
    let little = Observed { would, course: None, gaps: None, advice, ..leaking() };
    let expected =
        r#""observed","generations":1,"span":11520.0,"would_exit":0,"suggested_quiet":5.0"#;
    assert_eq!(for_machines(&Notice::Observed(Box::new(little))), expected);
}

#[test]
fn what_would_be() {
    let (used, limit) = (Bytes(513 * MIB), Bytes(512 * MIB));
    let reason = Reason::Rss { used, limit, pss: None };
    let (age, lived) = (seconds(7_200), seconds(60));
    let notice = Notice::WouldRecycle { generation: 3, age, lived, reason };
    let text = Line { notice: &notice, command: "node" }.to_string();
    assert_eq!(text, "would recycle generation 3: rss 513M > 512M after 1m");
    let expected = concat!(
        r#""would_recycle","generation":3,"age":7200.0,"lived":60.0,"#,
        r#""reason":"rss","used":537919488,"limit":536870912"#,
    );
    assert_eq!(for_machines(&notice), expected);
}
