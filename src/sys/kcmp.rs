//! Whether two processes have the same memory (`kcmp(2)`).

use nix::errno::Errno;
use nix::unistd::Pid;

/// Whether the two use one address space, as a child of `vfork(2)` and its parent do.
///
/// # Errors
/// `EPERM`: we have no ptrace rights over one of them, or a filter refuses the call. `ESRCH`: one
/// of them is gone. `ENOSYS`: the kernel was built without it.
#[expect(unsafe_code, reason = "kcmp(2)")]
pub(crate) fn same_memory(one: Pid, other: Pid) -> nix::Result<bool> {
    /// `include/uapi/linux/kcmp.h`.
    const VM: libc::c_int = 1;
    // SAFETY: numbers go in and a number comes out.
    let order =
        unsafe { libc::syscall(libc::SYS_kcmp, one.as_raw(), other.as_raw(), VM, 0_u64, 0_u64) };
    Errno::result(order).map(|order| order == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process;

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
