//! Calls that the kernel may not have, or that a filter may forbid (seccomp, gVisor, old kernels):
//! the one place that says which answers are about the call and not about what it was asked for.

use nix::errno::Errno;

/// Whether the call itself was refused, so that whatever stands in for it is to be tried. An old
/// kernel answers `ENOSYS`, or `EINVAL` or `EOPNOTSUPP` to a flag; a filter answers what it likes,
/// mostly `EPERM`, or `EACCES`.
pub(crate) fn is_refused(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ENOSYS | Errno::EPERM | Errno::EACCES | Errno::EINVAL | Errno::EOPNOTSUPP
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_about_the_call_and_not_about_its_object() {
        for errno in [Errno::ENOSYS, Errno::EPERM, Errno::EINVAL, Errno::EACCES, Errno::EOPNOTSUPP]
        {
            assert!(is_refused(errno), "{errno}");
        }
        for errno in [Errno::ESRCH, Errno::EMFILE, Errno::EBADF, Errno::EPIPE, Errno::EAGAIN] {
            assert!(!is_refused(errno), "{errno}");
        }
    }
}
