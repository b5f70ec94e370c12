//! `--chart`: draws logs. A mode of its own: what supervises never comes here.
//!
//! Logs are read line by line, and what is kept of them does not grow with their lines, but for the
//! ends of generations.

mod axis;
mod envelope;
mod history;
mod log;
mod paint;
mod picture;
mod prefix;
mod read;
mod summary;
mod words;

use std::cmp::Reverse;
use std::path::PathBuf;

use anyhow::ensure;

use self::history::History;
use self::picture::Subject;

/// More panels than this are not comparable.
const MOST_PANELS: usize = 24;

/// A picture, and what there is to say about how it came about.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) svg: String,
    /// Lines for people.
    pub(crate) remarks: Vec<String>,
}

/// Draws these logs; `-` is standard input.
///
/// # Errors
/// One line: a file that cannot be read, one of a newer schema, or no sample in any of them.
pub(crate) fn draw(files: &[PathBuf]) -> anyhow::Result<Chart> {
    let mut logs = Vec::new();
    let mut remarks = Vec::new();
    for file in files {
        let log = read::log(file)?;
        remarks.extend(log.remark());
        logs.push(log);
    }
    let mut subjects = subjects(logs);
    ensure!(
        subjects.iter().any(|subject| subject.history.sampled),
        "chart: there is no sample in {}: log with --log-format json --sample-every DURATION",
        if files.len() == 1 { "this log" } else { "these logs" },
    );
    let omitted = subjects.len().saturating_sub(MOST_PANELS);
    if omitted > 0 {
        remarks.push(format!(
            "{} processes are too many for one chart: the {MOST_PANELS} with the most memory \
             are drawn",
            subjects.len()
        ));
        keep_biggest(&mut subjects);
    }
    let svg = picture::draw(&subjects, omitted)?;
    Ok(Chart { svg, remarks })
}

/// Each process of each log that something is known of. A name that is in more than one log is
/// followed by the log's.
fn subjects(logs: Vec<read::Log>) -> Vec<Subject> {
    let mut names: Vec<String> = Vec::new();
    let mut all: Vec<(String, String, History)> = Vec::new();
    for log in logs {
        for (name, history) in log.histories {
            if history.sampled || !history.ends.is_empty() {
                names.push(name.clone());
                all.push((name, log.label.clone(), history));
            }
        }
    }
    let subject = |(name, label, history): (String, String, History)| {
        let twice = names.iter().filter(|other| **other == name).count() > 1;
        let name = if twice { format!("{name} ({label})") } else { name };
        Subject { name: words::clean(&name), history }
    };
    all.into_iter().map(subject).collect()
}

/// In the order in which they were.
fn keep_biggest(subjects: &mut Vec<Subject>) {
    let mut peaks: Vec<_> =
        subjects.iter().map(|subject| subject.history.peak()).enumerate().collect();
    peaks.sort_unstable_by_key(|(place, peak)| (Reverse(*peak), *place));
    peaks.truncate(MOST_PANELS);
    let mut place = 0;
    subjects.retain(|_| {
        place += 1;
        peaks.iter().any(|(kept, _)| *kept == place - 1)
    });
}
