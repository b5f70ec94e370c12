//! Could COMMAND be started now? Nothing is executed, so that what only an attempt shows (no
//! memory, a file that is being written) is not known.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

use super::program::{self, Search};
use crate::decide::exit::{Failure, Stage};
use crate::sys::files;

/// What keeps the first of these files that can be executed from being started in this directory
/// (`None`: ours).
pub(crate) fn obstacle(candidates: &[CString], directory: Option<&Path>) -> Option<Failure> {
    if let Some(directory) = directory
        && let Err(errno) = files::can_enter(directory)
    {
        return Some(failure(Stage::Directory, errno));
    }
    match find(candidates, directory) {
        Search::Found(_) => None,
        Search::Forbidden(_) => Some(failure(Stage::Exec, Errno::EACCES)),
        Search::Missing => Some(failure(Stage::Exec, Errno::ENOENT)),
    }
}

/// Looks for COMMAND among these files, as it will be looked for in this directory.
pub(crate) fn find(candidates: &[CString], directory: Option<&Path>) -> Search {
    let files: Vec<_> = candidates.iter().filter_map(|file| seen_from(directory, file)).collect();
    program::find(files.iter().map(CString::as_c_str), directory)
}

fn failure(stage: Stage, errno: Errno) -> Failure {
    Failure { stage, errno: errno as i32 }
}

fn seen_from(directory: Option<&Path>, file: &CStr) -> Option<CString> {
    let file = Path::new(OsStr::from_bytes(file.to_bytes()));
    let path = directory.map_or_else(|| file.to_owned(), |directory| directory.join(file));
    CString::new(path.into_os_string().into_encoded_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_in_the_way_is_told_as_a_start_would() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let make = |name: &str, mode| {
            std::fs::write(path(name), "").unwrap();
            std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        make("server", 0o755);
        make("text", 0o644);
        let obstacle = |directory: Option<&str>, file: &str| {
            let file = CString::new(file).unwrap();
            let found = super::obstacle(&[file], directory.map(path).as_deref());
            found.map(|Failure { stage, errno }| (stage, Errno::from_raw(errno)))
        };
        let absolute = path("server").into_os_string().into_string().unwrap();
        assert_eq!(obstacle(None, &absolute), None);
        assert_eq!(obstacle(Some("."), "./server"), None);
        assert_eq!(obstacle(None, "./server"), Some((Stage::Exec, Errno::ENOENT)));
        assert_eq!(obstacle(Some("."), "./text"), Some((Stage::Exec, Errno::EACCES)));
        let nowhere = Some((Stage::Directory, Errno::ENOENT));
        assert_eq!(obstacle(Some("none"), &absolute), nowhere);
        assert_eq!(obstacle(Some("text"), &absolute), Some((Stage::Directory, Errno::ENOTDIR)));
    }
}
