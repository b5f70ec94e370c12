//! A log from its first line to its last: which processes it tells of, and what is not of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, StdinLock};
use std::path::Path;

use anyhow::{Context, bail};

use super::history::History;
use super::log::{self, Line, SCHEMA};
use super::prefix;

/// No line of ours is longer: what is, is read past without being kept.
const LONGEST_LINE: u64 = 1 << 20;

/// What one log tells.
#[derive(Debug)]
pub(super) struct Log {
    /// What to call it.
    pub(super) label: String,
    /// Each process, by what to call it, in the order in which they are first heard of.
    pub(super) histories: Vec<(String, History)>,
    /// How many lines are not of a JSON log of ours.
    strange: u64,
}

impl Log {
    /// A line for people about what was read past.
    pub(super) fn remark(&self) -> Option<String> {
        let label = &self.label;
        match self.strange {
            0 => None,
            1 => Some(format!("1 line of {label} is not of a JSON log")),
            many => Some(format!("{many} lines of {label} are not of a JSON log")),
        }
    }

    fn hear(&mut self, entry: &log::Entry<'_>, places: &mut BTreeMap<String, usize>) {
        let name = match &entry.source {
            Some(source) => Cow::Owned(prefix::called(source, &entry.name)),
            None => Cow::Borrowed(entry.name.as_ref()),
        };
        let place = places.get(name.as_ref()).copied().unwrap_or_else(|| {
            let name = name.into_owned();
            self.histories.push((name.clone(), History::default()));
            places.insert(name, self.histories.len() - 1);
            self.histories.len() - 1
        });
        self.histories.iter_mut().skip(place).take(1).for_each(|(_, history)| history.hear(entry));
    }
}

/// Reads a log; `-` is standard input.
///
/// # Errors
/// One line: it cannot be read, or a line of it is of a newer schema.
pub(super) fn log(path: &Path) -> anyhow::Result<Log> {
    if path.as_os_str() == "-" {
        let stdin: StdinLock<'_> = io::stdin().lock();
        return lines(stdin, "standard input".to_owned());
    }
    let label = path.to_string_lossy().escape_debug().to_string();
    let file = File::open(path).with_context(|| format!("chart: cannot read {label}"))?;
    lines(BufReader::new(file), label)
}

fn lines(mut reader: impl BufRead, label: String) -> anyhow::Result<Log> {
    let mut log = Log { label, histories: Vec::new(), strange: 0 };
    let mut places = BTreeMap::new();
    let mut line = Vec::new();
    let mut number = 0_u64;
    let cannot_read = |label: &str| format!("chart: cannot read {label}");
    while next(&mut reader, &mut line).with_context(|| cannot_read(&log.label))? {
        number += 1;
        match log::read(&line) {
            Line::Ours(entry) => log.hear(&entry, &mut places),
            Line::Strange => log.strange += 1,
            Line::Newer(schema) => bail!(
                "chart: line {number} of {} is of schema {schema}; \
                 this recycle knows up to {SCHEMA}",
                log.label
            ),
        }
    }
    Ok(log)
}

/// Reads the next line in place of what the buffer held; `false`: there is none. Of one that is too
/// long only the beginning is kept, which is no JSON.
fn next(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut part = Vec::new();
    let mut read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', line)?;
    let mut whole = line.ends_with(b"\n");
    let some = read > 0;
    while !whole && read > 0 {
        part.clear();
        read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut part)?;
        whole = part.ends_with(b"\n");
    }
    Ok(some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> anyhow::Result<Log> {
        lines(text, "web.log".into())
    }

    fn sample(name: &str) -> String {
        let head = r#""v":1,"time":"2026-11-24T12:00:00.000Z""#;
        format!(r#"{{{head},"name":"{name}","event":"sample","generation":1,"rss":5}}"#)
    }

    #[test]
    fn other_lines_are_counted_and_read_past() {
        let text = format!("starting\n{}\n\n{{}}\n{}", sample("a"), sample("b"));
        let log = read(text.as_bytes()).unwrap();
        let names: Vec<_> = log.histories.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(log.histories.iter().all(|(_, history)| history.sampled));
        assert_eq!(log.remark().unwrap(), "3 lines of web.log are not of a JSON log");
        assert_eq!(read(b"x").unwrap().remark().unwrap(), "1 line of web.log is not of a JSON log");
        assert_eq!(read(sample("a").as_bytes()).unwrap().remark(), None);
    }

    /// Each dyno, container or line of a Procfile is a process, whatever its COMMAND is called.
    #[test]
    fn a_prefix_tells_processes_of_one_name_apart() {
        let (node, web) = (sample("node"), sample("web"));
        let text = format!("1:00 web.1 | {node}\n1:00 web.2 | {node}\n{node}\n1:00 web.1 | {web}");
        let log = read(text.as_bytes()).unwrap();
        let names: Vec<_> = log.histories.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["web.1 (node)", "web.2 (node)", "node", "web.1"]);
        assert_eq!(log.remark(), None);
    }

    /// A collector that adds fields of its own, or a text, behind the line.
    #[test]
    fn what_follows_an_object_is_not_of_it() {
        for rest in ["trailing }", " {\"pod\":\"a\"}", "}}", "\"}", " {\"v\":9}"] {
            let log = read(format!("web | {}{rest}\n", sample("a")).as_bytes()).unwrap();
            assert_eq!((log.strange, log.histories.len()), (0, 1), "{rest}");
            assert!(log.histories[0].1.sampled, "{rest}");
        }
        let cut = sample("a").replace("}", " }");
        assert_eq!(read(&cut.as_bytes()[..cut.len() - 1]).unwrap().strange, 1);
    }

    /// Not kept in memory, and not taken for several.
    #[test]
    fn a_line_without_end_is_one_line() {
        let long = "x".repeat(usize::try_from(LONGEST_LINE).unwrap() * 3 + 5);
        let log = read(format!("{long}\n{}\n{long}", sample("a")).as_bytes()).unwrap();
        assert_eq!((log.strange, log.histories.len()), (2, 1));
    }

    #[test]
    fn a_newer_schema_is_an_error_that_says_where() {
        let newer = sample("a").replace("\"v\":1", "\"v\":3");
        let error = read(format!("x\n{newer}\n").as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 2 of web.log is of schema 3"), "{error}");
    }
}
