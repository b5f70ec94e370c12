//! A file in Prometheus's text format, for the textfile collector of its node exporter, which
//! reads it whenever it likes: it is replaced, never written to.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::number::Numbers;
use crate::report::sights;

/// One file. A relative path is relative to where we are, which nothing of ours changes: it goes
/// along when that directory gets another name.
#[derive(Debug)]
pub(super) struct File {
    /// As it was typed.
    target: String,
    path: PathBuf,
    /// What becomes of it beside it. Not called `*.prom`, or it would be read, too.
    draft: PathBuf,
    /// The label that all numbers bear.
    name: String,
    has_failed: bool,
}

impl File {
    pub(super) fn new(target: String, path: PathBuf, name: &str) -> Self {
        let mut draft = std::ffi::OsString::from(".");
        draft.push(path.file_name().unwrap_or_default());
        draft.push(format!(".{}", std::process::id()));
        let draft = path.with_file_name(draft);
        Self { target, draft, path, name: escaped(name), has_failed: false }
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// Only a file is ever replaced: `/dev/null` would be, too.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn check(&self) -> Result<(), String> {
        match fs::symlink_metadata(&self.path) {
            Ok(there) if !there.is_file() => Err("is there, and is not a regular file".into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Whether there was no failure before the one that there is now.
    pub(super) fn fails_for_the_first_time(&mut self) -> bool {
        !std::mem::replace(&mut self.has_failed, true)
    }

    /// # Errors
    /// What the system says. The file is what it was.
    pub(super) fn write(&self, numbers: &Numbers) -> Result<(), String> {
        // One that had our number may have been killed while it wrote: as PID 1 they all have.
        let _ = fs::remove_file(&self.draft);
        let written = self.draft(&self.text(numbers));
        let replaced = written.and_then(|()| fs::rename(&self.draft, &self.path));
        replaced.map_err(|error| {
            let _ = fs::remove_file(&self.draft);
            sights::error(error.raw_os_error().unwrap_or_default())
        })
    }

    fn draft(&self, text: &str) -> io::Result<()> {
        // A new one: where all may write, somebody may have put a link there.
        let mut draft =
            OpenOptions::new().write(true).create_new(true).mode(0o644).open(&self.draft)?;
        draft.write_all(text.as_bytes())
    }

    /// `recycle_memory_rss_bytes{name="worker"} 61440000`, and what each is.
    fn text(&self, numbers: &Numbers) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        let mut before = None;
        for (number, value) in numbers.known() {
            let family = number.family();
            let kind = if family.counts { "counter" } else { "gauge" };
            // Writing to a String cannot fail.
            if before != Some(family.name) {
                let _ = writeln!(text, "# HELP {} {}", family.name, family.help);
                let _ = writeln!(text, "# TYPE {} {kind}", family.name);
                before = Some(family.name);
            }
            let _ = write!(text, "{}{{name=\"{}\"", family.name, self.name);
            if let Some((label, value)) = number.label() {
                let _ = write!(text, ",{label}=\"{value}\"");
            }
            let _ = writeln!(text, "}} {value}");
        }
        text
    }
}

/// As the format has it in labels.
fn escaped(name: &str) -> String {
    name.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}
