//! Reads the fixture's journal.

use super::{Client, Running, read};

/// One line: `gen=2 reason=rss pid=123 t=4567 TEXT`.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// `None` where `recycle` did not start the process (a sidecar).
    pub(crate) generation: Option<u32>,
    /// `RECYCLE_REASON`; `None` when unset.
    pub(crate) reason: Option<String>,
    /// As the writer sees it: in a PID namespace of its own it is not ours.
    pub(crate) pid: i32,
    /// CLOCK_MONOTONIC, see `now_ms`.
    pub(crate) t_ms: i64,
    pub(crate) text: String,
}

impl Entry {
    /// Whether it is this, or begins with it as a whole word: `listening` for `listening ADDRESS`.
    pub(super) fn says(&self, text: &str) -> bool {
        let rest = self.text.strip_prefix(text);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ':']))
    }

    /// The number after the text's first word, as in `spawned 123`.
    pub(crate) fn number(&self) -> i32 {
        self.text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap()
    }
}

/// Complete lines only: the last one may still be on its way.
pub(super) fn parse(text: &str) -> Vec<Entry> {
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .map(|line| entry(line).unwrap_or_else(|| panic!("not a line of the journal: {line:?}")))
        .collect()
}

fn entry(line: &str) -> Option<Entry> {
    let mut words = line.splitn(5, ' ');
    let mut value = |name| words.next()?.strip_prefix(name);
    Some(Entry {
        generation: value("gen=")?.parse().ok(),
        reason: Some(value("reason=")?).filter(|&reason| reason != "-").map(str::to_owned),
        pid: value("pid=")?.parse().ok()?,
        t_ms: value("t=")?.parse().ok()?,
        text: words.next()?.to_owned(),
    })
}

impl Running {
    pub(crate) fn journal(&self) -> Vec<Entry> {
        parse(&read(&self.path("journal")))
    }

    /// Every entry so far, of any generation, that is or begins with this word or step.
    pub(crate) fn entries(&self, text: &str) -> Vec<Entry> {
        self.journal().into_iter().filter(|entry| entry.says(text)).collect()
    }

    /// The newest generation that has written anything; 0 before the first.
    pub(crate) fn generations(&self) -> u32 {
        self.journal().iter().filter_map(|entry| entry.generation).max().unwrap_or(0)
    }

    pub(crate) fn await_entry(&mut self, generation: u32, text: &str) -> Entry {
        self.wait_for(&format!("gen={generation} {text}"), |run| {
            run.entries(text).into_iter().find(|entry| entry.generation == Some(generation))
        })
    }

    /// An entry of any generation that this process did not write.
    pub(crate) fn await_entry_not_by(&mut self, pid: i32, text: &str) -> Entry {
        self.wait_for(&format!("{text} of another than {pid}"), |run| {
            run.entries(text).into_iter().find(|entry| entry.pid != pid)
        })
    }

    /// Waits for so many entries of any generation; returns all there are by then.
    pub(crate) fn await_entries(&mut self, number: usize, text: &str) -> Vec<Entry> {
        self.wait_for(&format!("{number} times {text}"), |run| {
            Some(run.entries(text)).filter(|entries| entries.len() >= number)
        })
    }

    /// Where the generation's `listen` (or the like) can be reached, from anywhere.
    pub(crate) fn address(&mut self, generation: u32) -> String {
        let entry = self.await_entry(generation, "listening");
        let address = entry.text.trim_start_matches("listening ");
        match address.strip_prefix("./") {
            Some(path) => self.path(path).display().to_string(),
            None => address.to_owned(),
        }
    }

    /// Connects to the generation's `listen` (or the like).
    pub(crate) fn connect(&mut self, generation: u32) -> Client {
        Client::connect(&self.address(generation)).unwrap()
    }
}
