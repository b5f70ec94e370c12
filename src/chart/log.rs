//! One line of a JSON log: whether it is ours, and what a chart needs of it. Knows the schema, and
//! nothing of files.
//!
//! A log is what came out of standard error, COMMAND's own lines among ours: a line that is not one
//! of ours is no error. Whoever collects the logs of many processes puts a prefix before each line.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::prefix;
use crate::units::Bytes;

/// The newest schema that is understood here.
pub(super) const SCHEMA: u64 = 1;

/// What a line is.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    Ours(Entry<'a>),
    /// Ours, of a schema that is newer than this program.
    Newer(u64),
    /// Somebody else's.
    Strange,
}

/// A line of ours.
#[derive(Debug, PartialEq)]
pub(super) struct Entry<'a> {
    /// Since 1970, UTC.
    pub(super) at: Duration,
    pub(super) name: Cow<'a, str>,
    /// What the line's prefix calls the process.
    pub(super) source: Option<String>,
    pub(super) event: Event<'a>,
}

/// What happened, as far as a chart shows it.
#[derive(Debug, PartialEq)]
pub(super) enum Event<'a> {
    Started {
        generation: u64,
    },
    Sample(Sample),
    Recycled(Recycled<'a>),
    Exited(Exited),
    /// Nothing that is drawn.
    Other,
}

/// What is `None` was not known, or does not apply.
#[derive(Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) generation: u64,
    pub(super) age: Duration,
    pub(super) rss: Option<Bytes>,
    pub(super) pss: Option<Bytes>,
    pub(super) limits: Limits,
}

/// The limits in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) max_rss: Option<Bytes>,
    pub(super) max_pss: Option<Bytes>,
    pub(super) kill_rss: Option<Bytes>,
}

impl Limits {
    /// Each, with its name.
    pub(super) fn each(self) -> [(&'static str, Option<Bytes>); 3] {
        [("max-rss", self.max_rss), ("max-pss", self.max_pss), ("kill-rss", self.kill_rss)]
    }
}

/// A planned recycle.
#[derive(Debug, PartialEq)]
pub(super) struct Recycled<'a> {
    pub(super) generation: u64,
    /// When its stop began.
    pub(super) age: Duration,
    pub(super) reason: Cow<'a, str>,
    /// What was measured, where memory was the reason.
    pub(super) rss: Option<Bytes>,
    pub(super) pss: Option<Bytes>,
    /// From the beginning of the stop to its end, which is when the line was written.
    pub(super) gone_in: Duration,
}

/// COMMAND ended by itself.
#[derive(Debug, PartialEq)]
pub(super) struct Exited {
    pub(super) generation: u64,
    pub(super) age: Duration,
    /// `exit 3`, `SEGV`.
    pub(super) how: String,
}

/// What every line of ours has.
#[derive(Deserialize)]
struct Head<'a> {
    v: u64,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    event: Cow<'a, str>,
}

/// The fields of all the events that are drawn. What one event lacks is absent.
#[derive(Deserialize)]
struct Fields<'a> {
    generation: Option<u64>,
    age: Option<f64>,
    rss: Option<u64>,
    pss: Option<u64>,
    max_rss: Option<u64>,
    max_pss: Option<u64>,
    kill_rss: Option<u64>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    measure: Option<Cow<'a, str>>,
    used: Option<u64>,
    gone_in: Option<f64>,
    status: Option<i64>,
    #[serde(borrow)]
    signal: Option<Cow<'a, str>>,
}

/// Reads one line, with or without a prefix.
pub(super) fn read(line: &[u8]) -> Line<'_> {
    let mut read_past = 0;
    for (before, object) in prefix::objects(line) {
        if before.len() < read_past {
            // Of what is inside another object nobody says that it is a line.
            continue;
        }
        read_past = before.len() + length(object);
        match read_object(object) {
            Line::Strange => {}
            Line::Ours(entry) => {
                return Line::Ours(Entry { source: prefix::source(before), ..entry });
            }
            newer @ Line::Newer(_) => return newer,
        }
    }
    Line::Strange
}

/// Of the object that the text begins with; 0: there is none.
fn length(text: &[u8]) -> usize {
    let mut objects = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    objects.next().and_then(Result::ok).map_or(0, |_| objects.byte_offset())
}

/// The object that the text begins with; what follows it may be a collector's.
fn first<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Option<T> {
    T::deserialize(&mut serde_json::Deserializer::from_slice(text)).ok()
}

fn read_object(line: &[u8]) -> Line<'_> {
    let Some(head) = first::<Head<'_>>(line) else { return Line::Strange };
    match (head.v, time(&head.time), event(&head.event, line)) {
        (0, ..) | (_, None, _) => Line::Strange,
        (newer, Some(_), _) if newer > SCHEMA => Line::Newer(newer),
        (_, Some(at), Some(event)) => {
            Line::Ours(Entry { at, name: head.name, source: None, event })
        }
        (_, Some(_), None) => Line::Strange,
    }
}

/// `None`: an event that lacks what it cannot lack.
fn event<'a>(name: &str, line: &'a [u8]) -> Option<Event<'a>> {
    if !["started", "sample", "recycled", "exited"].contains(&name) {
        return Some(Event::Other);
    }
    let fields: Fields<'_> = first(line)?;
    let (generation, age) = (fields.generation?, span(fields.age));
    Some(match name {
        "sample" => Event::Sample(Sample {
            generation,
            age,
            rss: fields.rss.map(Bytes),
            pss: fields.pss.map(Bytes),
            limits: Limits {
                max_rss: fields.max_rss.map(Bytes),
                max_pss: fields.max_pss.map(Bytes),
                kill_rss: fields.kill_rss.map(Bytes),
            },
        }),
        "recycled" => Event::Recycled(recycled(generation, age, fields)?),
        "exited" => Event::Exited(Exited { generation, age, how: how(&fields)? }),
        _ => Event::Started { generation },
    })
}

fn recycled<'a>(generation: u64, age: Duration, fields: Fields<'a>) -> Option<Recycled<'a>> {
    let reason = fields.reason?;
    let used = fields.used.map(Bytes);
    let pss = fields.pss.map(Bytes);
    let (rss, pss) = match (reason.as_ref(), fields.measure.as_deref()) {
        ("pss", _) | ("kill-rss", Some("pss")) => (None, used),
        ("rss" | "kill-rss", _) => (used, pss),
        _ => (None, None),
    };
    Some(Recycled { generation, age, reason, rss, pss, gone_in: span(fields.gone_in) })
}

fn how(fields: &Fields<'_>) -> Option<String> {
    match (fields.status, &fields.signal) {
        (_, Some(signal)) => Some(signal.strip_prefix("SIG").unwrap_or(signal).to_owned()),
        (Some(status), None) => Some(format!("exit {status}")),
        (None, None) => None,
    }
}

/// RFC 3339, as a time since 1970.
fn time(text: &str) -> Option<Duration> {
    humantime::parse_rfc3339(text).ok()?.duration_since(UNIX_EPOCH).ok()
}

/// Seconds that no machine can have lived are taken for none.
fn span(seconds: Option<f64>) -> Duration {
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#""v":1,"time":"2026-11-24T12:00:31.204Z","name":"worker""#;

    fn event_of(rest: &str) -> Option<Event<'static>> {
        let line = format!("{{{HEAD},{rest}}}").leak();
        match read(line.as_bytes()) {
            Line::Ours(entry) => {
                assert_eq!(entry.name, "worker");
                assert_eq!(entry.at, Duration::from_millis(1_795_521_631_204));
                Some(entry.event)
            }
            _ => None,
        }
    }

    #[test]
    fn lines_of_ours_are_understood() {
        let sample = r#""level":"info","event":"sample","generation":1,"age":12.5,
            "rss":104857600,"max_rss":314572800,"quiet":0.25,"cpu":1.53,"processes":1,
            "message":"rss 100M of 300M, no traffic for 0.2s, generation 1 for 12.5s""#;
        let limits = Limits { max_rss: Some(Bytes(300 << 20)), ..Limits::default() };
        let expected = Sample {
            generation: 1,
            age: Duration::from_millis(12_500),
            rss: Some(Bytes(100 << 20)),
            pss: None,
            limits,
        };
        assert_eq!(event_of(sample), Some(Event::Sample(expected)));
        let recycled = r#""level":"info","event":"recycled","generation":1,"reason":"rss",
            "used":315621376,"limit":314572800,"age":43.7,"signal":"SIGTERM","gone_in":0.012,
            "message":"""#;
        let expected = Recycled {
            generation: 1,
            age: Duration::from_millis(43_700),
            reason: "rss".into(),
            rss: Some(Bytes(301 << 20)),
            pss: None,
            gone_in: Duration::from_millis(12),
        };
        assert_eq!(event_of(recycled), Some(Event::Recycled(expected)));
        let started = r#""event":"started","generation":2"#;
        assert_eq!(event_of(started), Some(Event::Started { generation: 2 }));
    }

    #[test]
    fn what_was_measured_is_told_by_the_reason() {
        let measured = |rest: &str| {
            let text = format!(r#""event":"recycled","generation":7,"used":9,{rest}"#);
            match event_of(&text) {
                Some(Event::Recycled(Recycled { rss, pss, .. })) => (rss, pss),
                other => panic!("{other:?}"),
            }
        };
        let bytes = |bytes: u64| Some(Bytes(bytes));
        assert_eq!(measured(r#""reason":"rss","pss":5"#), (bytes(9), bytes(5)));
        assert_eq!(measured(r#""reason":"pss""#), (None, bytes(9)));
        assert_eq!(measured(r#""reason":"kill-rss""#), (bytes(9), None));
        assert_eq!(measured(r#""reason":"kill-rss","measure":"pss""#), (None, bytes(9)));
        assert_eq!(measured(r#""reason":"boredom""#), (None, None));
    }

    #[test]
    fn an_end_is_by_status_or_by_signal() {
        let how = |rest: &str| {
            let text = format!(r#""event":"exited","generation":7,"age":1{rest}"#);
            match event_of(&text) {
                Some(Event::Exited(Exited { generation: 7, how, .. })) => Some(how),
                _ => None,
            }
        };
        assert_eq!(how(r#","status":3"#).as_deref(), Some("exit 3"));
        assert_eq!(how(r#","signal":"SIGSEGV""#).as_deref(), Some("SEGV"));
        assert_eq!(how(""), None);
    }

    #[test]
    fn events_and_fields_that_come_later_disturb_nobody() {
        assert_eq!(event_of(r#""event":"dreamt","generation":"many""#), Some(Event::Other));
        let more = r#""event":"started","generation":2,"mood":{"good":true}"#;
        assert_eq!(event_of(more), Some(Event::Started { generation: 2 }));
    }

    #[test]
    fn the_object_is_found_behind_a_prefix() {
        let object = format!(r#"{{{HEAD},"event":"started","generation":2}}"#);
        for (before, after, source) in [
            ("", "", None),
            ("12:00:31 web.1 | ", "\r", Some("web.1")),
            ("\u{1b}[36mweb-1  | \u{1b}[0m", "\u{1b}[0m", Some("web-1")),
            ("{\"a\":1} app[web.1]: ", "", Some("web.1")),
        ] {
            let line = format!("{before}{object}{after}\n");
            let Line::Ours(entry) = read(line.as_bytes()) else { panic!("{line}") };
            let found = (entry.source.as_deref(), entry.name.as_ref());
            assert_eq!(found, (source, "worker"), "{line}");
            assert_eq!(entry.event, Event::Started { generation: 2 });
        }
        let newer = object.replace("\"v\":1", "\"v\":2");
        assert_eq!(read(format!("web.1 | {newer}").as_bytes()), Line::Newer(2));
        assert_eq!(read(format!("{{\"log\":{object}}}").as_bytes()), Line::Strange);
    }

    #[test]
    fn a_newer_schema_is_told_from_another_programs_lines() {
        let text = r#"{"v":2,"time":"2026-11-24T12:00:31.204Z","name":"a","event":"sample"}"#;
        assert_eq!(read(text.as_bytes()), Line::Newer(2));
    }

    #[test]
    fn what_is_not_ours_is_strange() {
        let of_bunyan = r#"{"name":"a","level":30,"msg":"","time":"2026-11-24T12:00:31Z","v":0}"#;
        let no_time = r#"{"v":1,"time":"noon","name":"a","event":"sample","generation":1}"#;
        let below_zero = format!(r#"{{{HEAD},"event":"sample","generation":1,"rss":-1}}"#);
        let no_reason = format!(r#"{{{HEAD},"event":"recycled","generation":1}}"#);
        let twice = format!(r#"{{{HEAD},"name":"b","event":"started","generation":1}}"#);
        let zero = of_bunyan.replace("msg", "event");
        for text in [
            "",
            "Listening on port 8080",
            "{}",
            "[1]",
            "null",
            "{\"v\":1",
            of_bunyan,
            &zero,
            no_time,
            &below_zero,
            &no_reason,
            &twice,
        ] {
            assert_eq!(read(text.as_bytes()), Line::Strange, "{text}");
        }
        assert_eq!(read(b"\xff\xfe{}"), Line::Strange);
    }

    #[test]
    fn spans_that_cannot_be_are_none() {
        for seconds in [-1.0, 1e300, f64::NAN] {
            assert_eq!(span(Some(seconds)), Duration::ZERO, "{seconds}");
        }
    }
}
