//! Whether two processes or threads share something (`kcmp(2)`).

use nix::errno::Errno;
use nix::unistd::Pid;

/// `KCMP_FILES` (`linux/kcmp.h`).
const FILES: i32 = 2;

/// Whether both have the same table of descriptors. Each may be a thread.
///
/// # Errors
/// `ESRCH`: one of them is gone; `EPERM`: we may not trace them; `ENOSYS`: not built in, or
/// forbidden.
#[expect(unsafe_code, reason = "nix has no kcmp")]
pub(crate) fn shares_files(one: Pid, other: Pid) -> nix::Result<bool> {
    let (one, other) = (one.as_raw(), other.as_raw());
    // SAFETY: it touches no memory of ours; the last two arguments are not used for this type.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, one, other, FILES, 0, 0) };
    Errno::result(order).map(|order| order == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_shares_with_itself_and_not_with_its_parent() {
        let us = Pid::this();
        assert_eq!(shares_files(us, us), Ok(true));
        assert_eq!(shares_files(us, Pid::parent()), Ok(false));
        assert_eq!(shares_files(us, Pid::from_raw(i32::MAX >> 3)), Err(Errno::ESRCH));
    }
}
