//! One of the two programs: started, watched through its log, stopped.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// A program under `recycle`, and what its log has told so far.
pub(crate) struct Curve {
    child: Child,
    log: BufReader<File>,
    /// The beginning of a line that is still being written.
    line: String,
    /// When it was started, by the clock that the log goes by.
    started: Duration,
    /// Its memory in bytes, and when.
    samples: Vec<(Duration, u64)>,
    recycles: Vec<Duration>,
    /// What was said that nobody was told.
    said: Vec<String>,
}

pub(crate) fn megabytes(bytes: u64) -> u64 {
    bytes >> 20
}

impl Curve {
    #[expect(clippy::disallowed_methods, reason = "where the log's times count from")]
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self> {
        crate::die_with_us(&mut command);
        let child = command.stderr(Stdio::from(File::create(log)?)).spawn()?;
        Ok(Self {
            child,
            log: BufReader::new(File::open(log)?),
            line: String::new(),
            started: SystemTime::now().duration_since(UNIX_EPOCH)?,
            samples: Vec::new(),
            recycles: Vec::new(),
            said: Vec::new(),
        })
    }

    /// Reads what is new in the log.
    pub(crate) fn look(&mut self) -> Result<()> {
        while self.log.read_line(&mut self.line)? > 0 && self.line.ends_with('\n') {
            let line = std::mem::take(&mut self.line);
            let entry: Value =
                serde_json::from_str(&line).with_context(|| line.trim_end().to_owned())?;
            self.hear(&entry)?;
        }
        Ok(())
    }

    fn hear(&mut self, entry: &Value) -> Result<()> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| entry.get(name).and_then(Value::as_u64);
        let time = humantime::parse_rfc3339(text("time"))?.duration_since(UNIX_EPOCH)?;
        let at = time.saturating_sub(self.started);
        match text("event") {
            "sample" => self.samples.extend(number("rss").map(|rss| (at, rss))),
            "recycled" => {
                self.samples.extend(number("used").map(|rss| (at, rss)));
                self.recycles.push(at);
                self.said.push(text("message").to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    /// What it said since this was asked last.
    pub(crate) fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    pub(crate) fn recycles(&self) -> &[Duration] {
        &self.recycles
    }

    /// The memory that was seen last.
    pub(crate) fn now(&self) -> u64 {
        self.samples.last().map_or(0, |(_, bytes)| *bytes)
    }

    /// The most that was seen.
    pub(crate) fn peak(&self) -> u64 {
        self.samples.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0)
    }

    /// The most between two times; where nothing was seen, what was seen last before.
    pub(crate) fn between(&self, from: Duration, to: Duration) -> u64 {
        let before = self.samples.iter().rev().find(|(at, _)| *at < from);
        let inside = self.samples.iter().filter(|(at, _)| (from..to).contains(at));
        inside.map(|(_, bytes)| *bytes).max().or(before.map(|(_, bytes)| *bytes)).unwrap_or(0)
    }

    /// Ends it, and reads the rest of its log.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.end();
        self.look()
    }

    fn end(&mut self) {
        if let (Ok(None), Ok(pid)) = (self.child.try_wait(), i32::try_from(self.child.id())) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}

impl Drop for Curve {
    fn drop(&mut self) {
        self.end();
    }
}
