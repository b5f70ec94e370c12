//! Reads the fixture's journal.

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
