//! Long logs: the file stays small, no spike is lost, no words are written over each other.

use super::drawing::{INK, LIMIT, RSS, draw};
use super::{Log, M, NOON};
use std::fmt::Write;

const MONTH: u64 = 30 * 86_400;

/// A sample each ten seconds of a month: 259,200. One of them is high.
#[test]
fn one_spike_of_a_month_is_in_a_small_file() {
    let mut log = String::new();
    for second in (0..MONTH).step_by(10) {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(NOON + second);
        let time = humantime::format_rfc3339_seconds(time);
        let rss = if second == 1_234_560 { 500 * M } else { 90 * M + second % 7 * M };
        writeln!(
            log,
            r#"{{"v":1,"time":"{time}","name":"a","event":"sample","generation":1,"rss":{rss}}}"#
        )
        .unwrap();
    }
    let drawing = draw(&[("web.log", &log)], "");
    assert!(drawing.size < 50_000, "{}", drawing.size);
    assert!(drawing.has("no recycle; peak 500M"), "{:?}", drawing.texts());
    // As high as its label, whose letters stand a bit lower, in a line that is low otherwise.
    let (height, ground) = (drawing.places("500M")[0].1 - 10.0, drawing.places("100M")[0].1);
    // The first one is the legend's.
    let line = drawing.lines(RSS)[1..].concat();
    let high: Vec<_> = line.iter().filter(|(_, y)| *y < ground - 20.0).collect();
    assert_eq!(high.len(), 1, "{high:?}");
    assert!((high[0].1 - height).abs() <= 1.0, "{high:?}, not {height}");
    for date in ["30 Nov", "7 Dec", "14 Dec", "21 Dec", "2026, UTC"] {
        assert!(drawing.has(date), "no {date:?} in {:?}", drawing.texts());
    }
    drawing.assert_tidy();
}

/// All the marks, and those words that have room.
#[test]
fn a_hundred_recycles_are_a_hundred_marks() {
    let drawing = draw(&[("web.log", &Log::default().leak("worker", 100, 1000).0)], "");
    assert!(drawing.has("100 recycles: 100 rss; peak 101M of 100M"), "{:?}", drawing.texts());
    assert_eq!(drawing.count("polygon", LIMIT), 101);
    let words = drawing.count_of("rss");
    assert!((5..50).contains(&words), "{words}");
    drawing.assert_tidy();
}

/// The one that is different keeps its word.
#[test]
fn a_rare_end_is_not_lost_in_the_crowd() {
    let log = Log::default().leak("worker", 100, 1000);
    let died = r#""generation":101,"age":1,"signal":"SIGSEGV","again_in":0.1"#;
    let log = log.line(503.0, "worker", "exited", died);
    let drawing = draw(&[("web.log", &log.0)], "");
    assert!(drawing.has("SEGV"), "{:?}", drawing.texts());
    assert!(drawing.lines(INK).len() >= 4, "its cross, and the legend's");
    drawing.assert_tidy();
}

/// Seven processes, PSS, and recycles by the thousand.
#[test]
fn what_is_much_of_everything_is_not_a_big_file() {
    let mut log = String::new();
    for process in 0..7 {
        log.push_str(&Log::default().leak(&format!("process-{process}"), 1000, 9).0);
    }
    let with_pss = |line: &str| match line.split_once(",\"max_rss\"") {
        Some((before, after)) => format!("{before},\"pss\":{M},\"max_rss\"{after}\n"),
        None => format!("{line}\n"),
    };
    let log: String = log.lines().map(with_pss).collect();
    let drawing = draw(&[("web.log", &log)], "");
    assert!(drawing.size < 200_000, "{}", drawing.size);
    drawing.assert_tidy();
}

/// As nobody has them.
#[test]
fn limits_that_never_stay_are_not_a_big_file() {
    let mut log = Log::default();
    for second in 0..20_000_u32 {
        let limit = if second.is_multiple_of(2) { 200 * M } else { 20 * M };
        let fields = format!(r#""rss":{M},"max_rss":{limit}"#);
        log = log.sample(second.into(), "worker", 1, second.into(), &fields);
    }
    let drawing = draw(&[("web.log", &log.0)], "");
    assert!(drawing.size < 200_000, "{}", drawing.size);
}
