//! A record as one line for machines: JSON, or logfmt.

use std::fmt::Write;
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Loudness;
use super::record::{Record, VERSION, Value};
use crate::units::Bytes;

/// A record with all that goes into every line.
pub(super) struct Line<'a> {
    /// When it was said, since 1970.
    pub(super) time: Duration,
    pub(super) name: &'a str,
    pub(super) loudness: Loudness,
    pub(super) record: Record,
    /// The same for people.
    pub(super) message: String,
}

impl Line<'_> {
    /// `2026-11-24T12:00:00.123Z` (RFC 3339).
    fn stamp(&self) -> String {
        humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + self.time).to_string()
    }

    fn level(&self) -> &'static str {
        match self.loudness {
            Loudness::Quiet => "error",
            Loudness::Normal => "info",
            Loudness::Verbose => "debug",
        }
    }

    /// `{"v":1,"time":"...","name":"worker","level":"info","event":"recycled",...}`
    pub(super) fn json(&self) -> String {
        // Nothing in it can fail: no map with keys that are no text, no number that is none.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// `RECYCLE_EVENT=recycled`, `RECYCLE_EVENT_GENERATION=3` and so on.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let mut variables = vec![("RECYCLE_EVENT".to_owned(), self.record.event.to_owned())];
        let common = [("time", self.stamp()), ("name", self.name.to_owned())];
        let message = [("level", self.level().to_owned()), ("message", self.message.clone())];
        let fields = self.record.fields.iter().map(|(key, value)| (*key, plain(value)));
        variables.extend(
            common
                .into_iter()
                .chain(fields)
                .chain(message)
                .map(|(key, value)| (format!("RECYCLE_EVENT_{}", key.to_ascii_uppercase()), value)),
        );
        variables
    }

    /// `time=... level=info name=worker event=recycled generation=3 ...`, and of a sample what
    /// drains of logs on Heroku make graphs of: `source=worker sample#memory_rss=512.0MB`.
    pub(super) fn logfmt(&self) -> String {
        let mut line = String::new();
        let mut add = |key: &str, value: &str| {
            let gap = if line.is_empty() { "" } else { " " };
            // Writing to a String cannot fail.
            let _ = write!(line, "{gap}{key}={}", quoted(value));
        };
        add("time", &self.stamp());
        add("level", self.level());
        add("name", self.name);
        add("event", self.record.event);
        for (key, value) in &self.record.fields {
            add(key, &plain(value));
        }
        if self.record.event == "sample" {
            add("source", self.name);
            for (key, value) in &self.record.fields {
                if let Value::Bytes(bytes) = value {
                    add(&format!("sample#memory_{key}"), &megabytes(*bytes));
                }
            }
        }
        add("message", &self.message);
        line
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", &VERSION)?;
        map.serialize_entry("time", &self.stamp())?;
        map.serialize_entry("name", self.name)?;
        map.serialize_entry("level", self.level())?;
        map.serialize_entry("event", self.record.event)?;
        for (key, value) in &self.record.fields {
            map.serialize_entry(key, value)?;
        }
        map.serialize_entry("message", &self.message)?;
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Bytes(bytes) => serializer.serialize_u64(bytes.0),
            Self::Span(span) => serializer.serialize_f64(seconds(*span)),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// To the millisecond.
fn seconds(span: Duration) -> f64 {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    // Divided, and not added up: so it is the number nearest to three decimals.
    millis as f64 / 1000.0
}

fn plain(value: &Value) -> String {
    match value {
        Value::Count(count) => count.to_string(),
        Value::Bytes(bytes) => bytes.0.to_string(),
        Value::Span(span) => seconds(*span).to_string(),
        Value::Text(text) => text.clone().into_owned(),
    }
}

/// A megabyte is 1024 kilobytes there.
fn megabytes(bytes: Bytes) -> String {
    let tenths = u128::from(bytes.0) * 10 / (1 << 20);
    format!("{}.{}MB", tenths / 10, tenths % 10)
}

/// In quotes where it must be, with JSON's escapes.
fn quoted(value: &str) -> String {
    let harmless = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\');
    if !value.is_empty() && value.chars().all(harmless) {
        return value.to_owned();
    }
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
