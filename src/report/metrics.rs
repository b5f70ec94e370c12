//! Numbers for those who draw graphs and sound alarms (`--metrics`): taken out of notices, sent to
//! StatsD as they come, written to files for Prometheus at a bounded pace. Nothing here decides
//! anything or waits for a network, and what goes wrong ends nothing.

mod file;
mod number;
mod statsd;
mod target;

use std::time::Duration;

use self::file::File;
use self::number::{Number, Numbers, Value};
use self::statsd::Statsd;
pub(crate) use self::target::{Kind, Server, Target};
use super::Style;
use crate::decide::notice::Notice;
use crate::decide::time::Time;

/// Files are not written more often than this, however fast things happen.
const PAUSE: Duration = Duration::from_secs(1);

/// All that was asked for with `--metrics`.
#[derive(Debug)]
pub(crate) struct Metrics {
    numbers: Numbers,
    servers: Vec<Statsd>,
    files: Vec<File>,
    /// When the files were written last.
    written: Time,
    /// Something has happened since.
    changed: bool,
    /// What went wrong, and is still to be said.
    failures: Vec<Notice>,
}

/// Most runs have none of this: what is cold lies apart, where it takes no memory of theirs.
impl Metrics {
    /// Finds the servers, which may take as long as a resolver does. `None`: nobody is to be told.
    #[cold]
    pub(crate) fn find(targets: Vec<Target>, style: &Style) -> Option<Self> {
        if targets.is_empty() {
            return None;
        }
        let mut found = Self {
            numbers: Numbers::new(&style.limits),
            servers: Vec::new(),
            files: Vec::new(),
            written: Time::at(Duration::ZERO),
            changed: false,
            failures: Vec::new(),
        };
        for Target { text, kind } in targets {
            match kind {
                Kind::File(path) => found.files.push(File::new(text, path, &style.name)),
                Kind::Statsd(server) => match Statsd::find(&server, &style.name) {
                    Ok(statsd) => found.servers.push(statsd),
                    Err(error) => found.failures.push(failure(text, error, false)),
                },
            }
        }
        Some(found)
    }

    /// Writes every file for the first time, and tells every server that we are here.
    ///
    /// # Errors
    /// The file that cannot be written, and why. Nobody was told anything that holds no more.
    #[cold]
    pub(crate) fn begin(&mut self, now: Time) -> Result<(), String> {
        self.written = now;
        let up = self.numbers.began();
        for place in 0..self.files.len() {
            let Some(file) = self.files.get_mut(place) else { break };
            if let Err(error) = file.check().and_then(|()| file.write(&self.numbers)) {
                let line = format!("--metrics '{}': {error}", file.target().escape_default());
                self.files.truncate(place);
                self.servers.clear();
                self.finish();
                return Err(line);
            }
        }
        self.send(&up);
        Ok(())
    }

    /// Takes the numbers out of a notice.
    #[cold]
    pub(crate) fn tell(&mut self, notice: &Notice) {
        let changes = self.numbers.take(notice);
        if !changes.is_empty() {
            self.send(&changes);
            self.changed = true;
        }
    }

    /// When files are to be written; `None`: there is nothing to write.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let due = self.changed && !self.files.is_empty();
        due.then(|| self.written + PAUSE)
    }

    /// Writes the files, if that is due.
    #[cold]
    pub(crate) fn write_due(&mut self, now: Time) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.written = now;
            self.write();
        }
    }

    /// The last word: nothing runs any more.
    #[cold]
    pub(crate) fn finish(&mut self) {
        let down = self.numbers.ended();
        self.send(&down);
        self.write();
    }

    /// What went wrong, to be said; nothing is in it twice.
    pub(crate) fn failures(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.failures)
    }

    /// How many datagrams have left us: they are not COMMAND's.
    pub(crate) fn datagrams(&self) -> u64 {
        self.servers.iter().map(Statsd::sent).sum()
    }

    fn send(&mut self, changes: &[(Number, Value)]) {
        for server in &mut self.servers {
            server.send(changes);
        }
    }

    /// One that cannot be written now is written when there is something new to write.
    fn write(&mut self) {
        self.changed = false;
        for file in &mut self.files {
            if let Err(error) = file.write(&self.numbers)
                && file.fails_for_the_first_time()
            {
                self.failures.push(failure(file.target().to_owned(), error, true));
            }
        }
    }
}

fn failure(target: String, error: String, again: bool) -> Notice {
    Notice::MetricsFailed { target, error, again }
}

#[cfg(test)]
mod tests;
