//! A log is text that others have written: whatever is in it, the drawing is one, and shows text.

use super::drawing::draw;
use super::{Log, M};

/// Two samples of a process with this name, as JSON has it.
fn named(name: &str) -> String {
    let fields = format!(r#""rss":{M}"#);
    Log::default().sample(0.0, name, 1, 1.0, &fields).sample(9.0, name, 1, 10.0, &fields).0
}

#[test]
fn markup_in_a_name_is_text() {
    let name = r#"<script>alert(1)</script>&amp;]]>"#;
    let drawing = draw(&[("web.log", &named(name))], "");
    assert_eq!(drawing.title, format!("Memory of {name}"));
    assert!(drawing.description.starts_with(name), "{}", drawing.description);
    assert!(drawing.has(&format!("Memory of {name}")), "{:?}", drawing.texts());
}

#[test]
fn markup_is_text_in_panels_and_names_of_files_too() {
    let name = "</text><rect/>";
    let log = named(name);
    let file = "<b>\"'&.log";
    let drawing = draw(&[(file, &log), ("b.log", &log)], "");
    assert!(drawing.has(&format!("{name} (<b>\\\"\\'&.log)")), "{:?}", drawing.texts());
}

/// XML knows no way to write them.
#[test]
fn control_characters_are_replaced() {
    let name = r"a\u0000b\u001b[31mc\n\td\uffff\u202ee";
    let drawing = draw(&[("web.log", &named(name))], "");
    assert_eq!(
        drawing.title,
        "Memory of a\u{fffd}b\u{fffd}[31mc\u{fffd}\u{fffd}d\u{fffd}\u{fffd}e"
    );
}

#[test]
fn a_long_name_ends_early() {
    let log = named(&"w".repeat(5000)) + &named(&"漢".repeat(5000)) + &named("b");
    let drawing = draw(&[("web.log", &log)], "");
    drawing.assert_tidy();
    assert!(drawing.size < 100_000, "{}", drawing.size);
}

#[test]
fn markup_in_reasons_and_signals_is_text() {
    let log = named("worker");
    let reason = r#""generation":1,"age":10,"reason":"<i>\u0007&","gone_in":0"#;
    let died = r#""generation":2,"age":1,"signal":"SIG<b>""#;
    let log =
        Log(log).line(12.0, "worker", "recycled", reason).line(20.0, "worker", "exited", died);
    let drawing = draw(&[("web.log", &log.0)], "");
    assert!(drawing.has("<i>\u{fffd}&") && drawing.has("<b>"), "{:?}", drawing.texts());
}

/// Numbers that no machine has.
#[test]
fn sizes_ages_and_times_beyond_everything() {
    let huge = format!(r#""rss":{},"max_rss":{}"#, u64::MAX, u64::MAX);
    let log = Log::default().sample(0.0, "a", u64::MAX, 1e300, &huge);
    let log = log.sample(5.0, "a", 0, 0.0, r#""rss":0"#);
    let late = log.0.lines().last().unwrap().replace("2026-11-24T12:00:05", "9999-12-31T23:59:59");
    let drawing = draw(&[("web.log", &(log.0 + &late))], "");
    assert_eq!(drawing.stderr, "");
    assert!(drawing.has("4000"), "{:?}", drawing.texts());
    drawing.assert_tidy();
}

#[test]
fn more_processes_than_can_be_compared() {
    let logs: String = (0..100).map(|number| named(&format!("p{number}"))).collect();
    let biggest = named("biggest").replace(&format!("\"rss\":{M}"), "\"rss\":9000000");
    let drawing = draw(&[("web.log", &(logs + &biggest))], "");
    assert_eq!(drawing.title, "Memory of 24 of 101 processes");
    assert!(drawing.has("biggest"), "{:?}", drawing.texts());
    assert_eq!(drawing.stderr.lines().count(), 1, "{}", drawing.stderr);
    assert!(drawing.stderr.contains("101 processes"), "{}", drawing.stderr);
}
