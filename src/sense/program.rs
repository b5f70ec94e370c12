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

/// An interpreter may be a script as well, so many times (`exec_binprm`, `fs/exec.c`).
const DEEPEST: u32 = 5;

/// Looks for a program among these files, in this order, as it would be executed in this directory
/// (`None`: ours).
pub(crate) fn find<'a>(
    candidates: impl IntoIterator<Item = &'a CStr>,
    directory: Option<&Path>,
) -> Search {
    let mut worst = Search::Missing;
    for candidate in candidates {
        let file = Path::new(OsStr::from_bytes(candidate.to_bytes()));
        match can_execute(file, directory, DEEPEST) {
            Ok(interpreter) => {
                return Search::Found(Found { file: file.to_owned(), interpreter });
            }
            Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(_) if worst == Search::Missing => worst = Search::Forbidden(file.to_owned()),
            Err(_) => {}
        }
    }
    worst
}

/// Returns the words after `#!`, if it is a script. The kernel says of one without its interpreter
/// that it is not there.
///
/// # Errors
/// Those of `execve(2)`.
fn can_execute(file: &Path, directory: Option<&Path>, depth: u32) -> nix::Result<Vec<String>> {
    eaccess(file, AccessFlags::X_OK)?;
    if !file.is_file() {
        return Err(Errno::EACCES);
    }
    let start = start_of(file);
    let Some((interpreter, rest)) = first_line(&start) else { return Ok(Vec::new()) };
    let name = Path::new(OsStr::from_bytes(interpreter));
    let path = directory.map_or_else(|| name.to_owned(), |directory| directory.join(name));
    let depth = depth.checked_sub(1).ok_or(Errno::ELOOP)?;
    can_execute(&path, directory, depth)?;
    let words = [interpreter].into_iter().chain(rest.split(|byte| is_blank(*byte)));
    let words = words.filter(|word| !word.is_empty());
    Ok(words.map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}

/// What the kernel reads of a file to find out what it is. One that may be executed and not read
/// says nothing.
fn start_of(file: &Path) -> Vec<u8> {
    let mut start = Vec::new();
    let read = File::open(file).and_then(|file| file.take(FIRST_LINE).read_to_end(&mut start));
    read.map(|_| start).unwrap_or_default()
}

/// The path of the interpreter in a first line, and what follows it; `None`: it is no script, or
/// one for the shell. By the rules of `fs/binfmt_script.c`: blanks are space and tab alone, and a
/// path that is cut off is none.
fn first_line(start: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = start.strip_prefix(b"#!")?;
    let end = rest.iter().position(|byte| *byte == b'\n');
    let line = rest.get(..end.unwrap_or(rest.len()))?;
    let begin = line.iter().position(|byte| !is_blank(*byte))?;
    let line = line.get(begin..)?;
    let ends = |byte: &u8| is_blank(*byte) || *byte == 0;
    let is_cut_off = end.is_none() && u64::try_from(start.len()) == Ok(FIRST_LINE);
    match line.iter().position(ends) {
        Some(0) => None,
        Some(length) => line.split_at_checked(length),
        None if is_cut_off => None,
        None => Some((line, &[])),
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
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

    fn names(start: &str) -> Vec<String> {
        let words = |(interpreter, rest): (&[u8], &[u8])| {
            let line = [interpreter, b" ", rest].concat();
            let line = String::from_utf8(line).unwrap();
            line.split_whitespace().map(str::to_owned).collect()
        };
        let interpreter = first_line(start.as_bytes()).map(words).unwrap_or_default();
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
            find(paths.iter().map(CString::as_c_str), None)
        };
        let script = Found { file: path("script"), interpreter: vec!["/bin/sh".into()] };
        assert_eq!(search(&["none", "text", "orphan", "script"]), Search::Found(script));
        assert_eq!(search(&["none", "text", "orphan"]), Search::Forbidden(path("text")));
        assert_eq!(search(&["orphan", "."]), Search::Forbidden(path(".")));
        assert_eq!(search(&["none", "text/none", "orphan"]), Search::Missing);
    }

    fn interpreter(start: &[u8]) -> Option<&[u8]> {
        first_line(start).map(|(interpreter, _)| interpreter)
    }

    #[test]
    fn a_first_line_is_read_as_the_kernel_reads_it() {
        assert_eq!(interpreter(b"#!/bin/sh\n"), Some(&b"/bin/sh"[..]));
        assert_eq!(interpreter(b"#! \t/bin/sh\t-e"), Some(&b"/bin/sh"[..]));
        assert_eq!(interpreter(b"#!/bin/sh\r\n"), Some(&b"/bin/sh\r"[..]));
        assert_eq!(interpreter(b"#!/a\xffb\n"), Some(&b"/a\xffb"[..]));
        // A no-break space and an ideographic one are none.
        assert_eq!(interpreter("#!/a\u{a0}b c\n".as_bytes()), Some("/a\u{a0}b".as_bytes()));
        assert_eq!(interpreter(b"#!/a\x0bb c\n"), Some(&b"/a\x0bb"[..]));
        for shell in [&b"#!"[..], b"#!\n/bin/sh", b"#! \t\n", b"# !/bin/sh\n", b""] {
            assert_eq!(interpreter(shell), None);
        }
        let long = |length| [b"#!".to_vec(), vec![b'a'; length]].concat();
        assert_eq!(interpreter(&long(254)), None, "who knows what follows");
        assert_eq!(interpreter(&[long(253), b" ".to_vec()].concat()).map(<[u8]>::len), Some(253));
        assert_eq!(interpreter(&long(253)).map(<[u8]>::len), Some(253));
    }

    /// What is there, and whether a script with that interpreter is found.
    #[test]
    fn an_interpreter_is_what_the_kernel_would_execute() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &[u8], text: &[u8], mode| {
            let path = folder.path().join(OsStr::from_bytes(name));
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        make(b"interp", b"", 0o755);
        make(b"in\xffterp", b"", 0o755);
        make("in\u{a0}terp".as_bytes(), b"", 0o755);
        make(b"text", b"", 0o644);
        make(b"nested", b"#!./interp\n", 0o755);
        make(b"broken", b"#!./none\n", 0o755);
        make(b"loop", b"#!./loop\n", 0o755);
        let search = |line: &[u8]| {
            make(b"script", line, 0o755);
            let path = folder.path().join("script");
            let path = CString::new(path.into_os_string().into_encoded_bytes()).unwrap();
            find([path.as_c_str()], Some(folder.path()))
        };
        let found =
            ["#!./interp\n", "#!interp", "#!./nested x\n", "#!./in\u{a0}terp\n", "#!\n", "echo"];
        for line in found.iter().map(|line| line.as_bytes()).chain([&b"#!./in\xffterp\n"[..]]) {
            assert!(matches!(search(line), Search::Found(_)), "{line:?}");
        }
        for line in ["#!./interp\r\n", "#!./broken\n", "#!./none\n", "#!./text/none\n"] {
            assert_eq!(search(line.as_bytes()), Search::Missing, "{line}");
        }
        for line in ["#!./text\n", "#!./folder\n", "#!./loop\n"] {
            let forbidden = Search::Forbidden(folder.path().join("script"));
            assert_eq!(search(line.as_bytes()), forbidden, "{line}");
        }
    }
}
