//! Whether two processes or threads share something (`kcmp(2)`).
//!
//! Errors are the same for all: `ESRCH`: one of them is gone; `EPERM`: we may not trace them, or a
//! filter refuses the call; `ENOSYS`: the kernel was built without it.

use nix::errno::Errno;
use nix::unistd::Pid;

/// `KCMP_VM` and `KCMP_FILES` (`linux/kcmp.h`).
const VM: i32 = 1;
const FILES: i32 = 2;

/// Whether both use one address space, as a child of `vfork(2)` and its parent do.
///
/// # Errors
/// See above.
pub(crate) fn same_memory(one: Pid, other: Pid) -> nix::Result<bool> {
    same(one, other, VM)
}

/// Whether both have the same table of descriptors. Each may be a thread.
///
/// # Errors
/// See above.
pub(crate) fn shares_files(one: Pid, other: Pid) -> nix::Result<bool> {
    same(one, other, FILES)
}

#[expect(unsafe_code, reason = "nix has no kcmp")]
fn same(one: Pid, other: Pid, kind: i32) -> nix::Result<bool> {
    let (one, other) = (one.as_raw(), other.as_raw());
    // SAFETY: it touches no memory of ours; the last two arguments are not used for these kinds.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, one, other, kind, 0_u64, 0_u64) };
    Errno::result(order).map(|order| order == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process;

    #[test]
    fn a_process_shares_with_itself_and_not_with_its_parent() {
        let us = Pid::this();
        assert_eq!(shares_files(us, us), Ok(true));
        assert_eq!(shares_files(us, Pid::parent()), Ok(false));
        assert_eq!(shares_files(us, Pid::from_raw(i32::MAX >> 3)), Err(Errno::ESRCH));
    }

    #[test]
    fn memory_is_our_own_and_no_others() {
        let us = Pid::this();
        assert_eq!(same_memory(us, us), Ok(true));
        // A child that was forked has a copy; it ends without running anything of ours.
        let (wait, go) = nix::unistd::pipe().unwrap();
        let child = process::fork(|| {
            let mut byte = [0];
            nix::unistd::read(&wait, &mut byte).map_or(1, |_| 0)
        });
        let child = child.unwrap();
        assert_eq!(same_memory(us, child), Ok(false));
        nix::unistd::write(&go, b"x").unwrap();
        nix::sys::wait::waitpid(child, None).unwrap();
        assert_eq!(same_memory(us, child), Err(Errno::ESRCH));
    }
}
