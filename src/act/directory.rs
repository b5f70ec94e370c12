//! The directory that COMMAND works in: by its name, not by what the name meant when we were
//! started. A deploy replaces a directory, or has a link point to another one.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use nix::unistd::{self, AccessFlags};

/// The variable that names the directory that a process is in.
pub(super) const PWD: &[u8] = b"PWD";

/// Where generations begin.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// `--chdir`, which the first generation enters. `None`: it stays where we are.
    first: Option<CString>,
    /// What each later one enters. `None`: we are in a directory that has no name that we know.
    later: Option<CString>,
    /// With `--chdir`, COMMAND's `PWD=...`, if that can be known.
    pwd: Option<CString>,
}

impl Directory {
    /// `given` by `--chdir`. Without a later generation (`only_one`) the name of our own directory
    /// is not looked for.
    pub(crate) fn find(given: Option<&Path>, only_one: bool) -> Self {
        let ours = if only_one && given.is_none() { None } else { our_name() };
        let pwd = given.and_then(|given| logical_name(ours.as_deref(), given));
        let later = match (ours, given) {
            (Some(ours), Some(given)) => Some(ours.join(given)),
            (ours, given) => ours.or(given.map(Path::to_owned)),
        };
        let name = |path: PathBuf| CString::new(path.into_os_string().into_vec()).ok();
        Self {
            first: given.map(Path::to_owned).and_then(name),
            later: later.and_then(name),
            pwd: pwd.and_then(variable),
        }
    }

    /// Whether COMMAND's directory is not ours, so that our `$PWD` does not name it.
    pub(super) fn is_given(&self) -> bool {
        self.first.is_some()
    }

    /// What COMMAND finds in its environment in place of our own `$PWD`.
    pub(super) fn pwd(&self) -> Option<&CStr> {
        self.pwd.as_deref()
    }

    /// The child's: enters the directory of this generation.
    pub(super) fn enter(&self, generation: u64) -> nix::Result<()> {
        let name = if generation == 1 { &self.first } else { &self.later };
        name.as_deref().map_or(Ok(()), |name: &CStr| unistd::chdir(name))
    }

    /// What a later generation enters, if that has a name.
    pub(crate) fn later(&self) -> Option<&Path> {
        self.later.as_ref().map(|name| Path::new(OsStr::from_bytes(name.as_bytes())))
    }
}

fn variable(pwd: PathBuf) -> Option<CString> {
    CString::new([PWD, b"=", pwd.as_os_str().as_bytes()].concat()).ok()
}

/// What a shell sets `$PWD` to after `cd`: `.` and `..` are taken out of the name. Where that names
/// another directory, because of a link before a `..`, there is none.
fn logical_name(ours: Option<&Path>, given: &Path) -> Option<PathBuf> {
    let whole = ours.map_or_else(|| given.to_owned(), |ours| ours.join(given));
    let mut name = PathBuf::new();
    for component in whole.components() {
        match component {
            Component::ParentDir => drop(name.pop()),
            Component::CurDir => {}
            other => name.push(other),
        }
    }
    let place = |path: &Path| {
        let stat = nix::sys::stat::stat(path).ok()?;
        Some((stat.st_dev, stat.st_ino))
    };
    let there = place(given)?;
    (name.is_absolute() && place(&name) == Some(there)).then_some(name)
}

/// As a shell has it: `$PWD`, which may go through symbolic links, if it names the directory that
/// we are in; else the kernel's own name for it. One that cannot be entered by it is none.
fn our_name() -> Option<PathBuf> {
    let here = nix::sys::stat::stat(".").ok()?;
    let names_it = |path: &PathBuf| {
        path.is_absolute()
            && nix::sys::stat::stat(path.as_path())
                .is_ok_and(|there| (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino))
            && unistd::eaccess(path.as_path(), AccessFlags::X_OK).is_ok()
    };
    let logical = std::env::var_os("PWD").map(PathBuf::from).filter(names_it);
    logical.or_else(|| unistd::getcwd().ok().filter(names_it))
}
