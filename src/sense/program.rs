//! Where COMMAND would be found, as `execvp(3)` looks for it, and what it is by its first line.
//! Nothing is executed.

use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, eaccess};

/// What comes of the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    Found(Found),
    /// There is one, and it cannot be executed.
    Forbidden(PathBuf),
    Missing,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) file: PathBuf,
    /// The words after `#!`, if it is a script that has them.
    pub(crate) interpreter: Vec<String>,
}

/// The kernel reads no more of a first line (`BINPRM_BUF_SIZE`, `linux/binfmts.h`).
const FIRST_LINE: u64 = 256;

/// Looks for a program among these files, in this order.
pub(crate) fn find<'a>(candidates: impl IntoIterator<Item = &'a CStr>) -> Search {
    let mut worst = Search::Missing;
    for candidate in candidates {
        let file = Path::new(OsStr::from_bytes(candidate.to_bytes()));
        let may_execute = match eaccess(candidate, AccessFlags::X_OK) {
            Ok(()) => file.is_file(),
            Err(Errno::ENOENT | Errno::ENOTDIR) => continue,
            Err(_) => false,
        };
        if !may_execute {
            if worst == Search::Missing {
                worst = Search::Forbidden(file.to_owned());
            }
            continue;
        }
        let interpreter = interpreter(file);
        // The kernel says of a script without its interpreter that it is not there.
        if interpreter.first().is_none_or(|interpreter| Path::new(interpreter).exists()) {
            return Search::Found(Found { file: file.to_owned(), interpreter });
        }
    }
    worst
}

/// What a script names in its first line. One that may be executed and not read says nothing.
fn interpreter(file: &Path) -> Vec<String> {
    let mut start = Vec::new();
    let read = File::open(file).and_then(|file| file.take(FIRST_LINE).read_to_end(&mut start));
    read.map(|_| words(&start)).unwrap_or_default()
}

fn words(start: &[u8]) -> Vec<String> {
    let Some(rest) = start.strip_prefix(b"#!") else { return Vec::new() };
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line).split_whitespace().map(str::to_owned).collect()
}

impl Found {
    /// The names of what will run: of the file, and of its interpreter, which env(1) may look for.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut names: Vec<_> = name(&self.file).into_iter().collect();
        let mut words = self.interpreter.iter();
        let first = words.next().and_then(|word| name(Path::new(word)));
        let mut looked_for = || words.find(|word| !word.starts_with('-') && !word.contains('='));
        let interpreter = match first.as_deref() {
            Some("env") => looked_for().and_then(|word| name(Path::new(word))),
            _ => first,
        };
        names.extend(interpreter);
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::os::unix::fs::PermissionsExt;

    fn names(first_line: &str) -> Vec<String> {
        let interpreter = words(first_line.as_bytes());
        Found { file: "/opt/bin/serve".into(), interpreter }.names()
    }

    #[test]
    fn a_script_is_what_its_first_line_says() {
        assert_eq!(names("#!/usr/bin/python3 -u\nnode"), ["serve", "python3"]);
        assert_eq!(names("#! /usr/bin/env node\n"), ["serve", "node"]);
        assert_eq!(names("#!/usr/bin/env -S A=b ruby -w\n"), ["serve", "ruby"]);
        assert_eq!(names("#!/usr/bin/env"), ["serve"]);
        assert_eq!(names("\x7fELF"), ["serve"]);
    }

    #[test]
    fn the_first_that_can_be_executed_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let make = |name: &str, text: &str, mode| {
            std::fs::write(path(name), text).unwrap();
            std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        make("text", "", 0o644);
        make("orphan", "#!/no/such/interpreter\n", 0o755);
        make("script", "#!/bin/sh\n", 0o755);
        let search = |names: &[&str]| {
            let paths = names.iter().map(|name| path(name).into_os_string().into_encoded_bytes());
            let paths: Vec<_> = paths.map(|path| CString::new(path).unwrap()).collect();
            find(paths.iter().map(CString::as_c_str))
        };
        let script = Found { file: path("script"), interpreter: vec!["/bin/sh".into()] };
        assert_eq!(search(&["none", "text", "orphan", "script"]), Search::Found(script));
        assert_eq!(search(&["none", "text", "orphan"]), Search::Forbidden(path("text")));
        assert_eq!(search(&["orphan", "."]), Search::Forbidden(path(".")));
        assert_eq!(search(&["none", "text/none", "orphan"]), Search::Missing);
    }
}
