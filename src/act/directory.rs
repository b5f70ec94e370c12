//! The directory that COMMAND works in: by its name, not by what the name meant when we were
//! started. A deploy replaces a directory, or has a link point to another one.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::unistd::{self, AccessFlags};

/// Where generations begin.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// `--chdir`, which the first generation enters. `None`: it stays where we are.
    first: Option<CString>,
    /// What each later one enters. `None`: we are in a directory that has no name that we know.
    later: Option<CString>,
}

impl Directory {
    /// `given` by `--chdir`. Without a later generation (`only_one`) the name of our own directory
    /// is not looked for.
    pub(crate) fn find(given: Option<&Path>, only_one: bool) -> Self {
        let ours = if only_one { None } else { our_name() };
        let later = match (ours, given) {
            (Some(ours), Some(given)) => Some(ours.join(given)),
            (ours, given) => ours.or(given.map(Path::to_owned)),
        };
        let name = |path: PathBuf| CString::new(path.into_os_string().into_vec()).ok();
        Self { first: given.map(Path::to_owned).and_then(name), later: later.and_then(name) }
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
