//! Other users than the one who runs the tests, which must be root: limits do not hold for that
//! one, and nothing is hidden from it.

use super::{Run, copy_program, fixture_path, recycle_path, tool};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};

/// A user who has no other processes: limits on processes count all of a user's.
pub(crate) fn another_user() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    (1_100_000_000 + std::process::id() * 100 + number).to_string()
}

/// Where other users may write into the journal and make files.
pub(crate) fn for_everybody(run: Run) -> Run {
    fs::set_permissions(run.dir(), fs::Permissions::from_mode(0o777)).unwrap();
    let journal = run.dir().join("journal");
    fs::write(&journal, "").unwrap();
    fs::set_permissions(journal, fs::Permissions::from_mode(0o666)).unwrap();
    run
}

/// A program that becomes such a user and executes what follows.
pub(crate) fn to_another_user() -> String {
    let user = another_user();
    format!("{} --reuid={user} --regid={user} --clear-groups", tool("setpriv").display())
}

/// Copies of `./recycle` and `./fixture` where that user can reach them.
pub(crate) fn with_programs(run: Run) -> Run {
    for (from, name) in [(recycle_path(), "recycle"), (fixture_path(), "fixture")] {
        copy_program(from, &run.dir().join(name));
    }
    for_everybody(run)
}

/// `./recycle` with these options as another user.
pub(crate) fn as_another_user(options: &str) -> Run {
    let words = format!("{} ./recycle {options}", to_another_user());
    with_programs(Run::bare()).through(words.split_whitespace())
}

/// Makes the copy of the fixture run with root's rights, whoever starts it.
pub(crate) fn make_fixture_set_uid(run: &Run) {
    fs::set_permissions(run.dir().join("fixture"), fs::Permissions::from_mode(0o4755)).unwrap();
}
