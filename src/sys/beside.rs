//! A process beside us for a moment, which shares our memory and our descriptors: what it does to
//! its namespaces does not happen to us.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// Runs `child` to its end while we stand still. Descriptors that it opens or closes are ours; its
/// namespaces are its own. Its end sends no signal, and no `wait` for COMMAND finds it. It may be
/// killed at any point, so it must not allocate.
///
/// # Errors
/// `EAGAIN` (no pids left), `ENOMEM` (`clone(2)`).
#[expect(unsafe_code, reason = "clone")]
pub(super) fn run<F: FnMut()>(mut child: F) -> nix::Result<()> {
    /// In units of 16 bytes, which is how stacks are aligned.
    const STACK: usize = 1024;
    extern "C" fn enter<F: FnMut()>(child: *mut libc::c_void) -> i32 {
        // SAFETY: it is the `child` below, and nobody else uses it while we run.
        unsafe { (*child.cast::<F>())() };
        0
    }
    let mut stack = Vec::<u128>::new();
    stack.try_reserve_exact(STACK).map_err(|_| Errno::ENOMEM)?;
    // A signal to our process group is for us: the child must not run our handlers, too.
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
    // SAFETY: the stack is ours alone and lives until the child has ended: with CLONE_VFORK we do
    // not run before that. So does all that `child` borrows. We have one thread.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK).cast();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES;
        libc::clone(enter::<F>, top, flags, (&raw mut child).cast())
    };
    let started = Errno::result(pid).map(Pid::from_raw);
    let ended = started.and_then(|pid| waitpid(pid, Some(WaitPidFlag::__WCLONE)));
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    ended.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shares_memory_and_descriptors_and_is_gone_afterwards() {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let mut ran = 0;
        run(|| {
            ran = nix::unistd::getpid().as_raw();
            let _ = nix::unistd::write(&writer, b"x");
        })
        .unwrap();
        assert!(ran != 0 && ran != nix::unistd::getpid().as_raw());
        assert_eq!(nix::unistd::read(&reader, &mut [0; 2]), Ok(1));
        assert_eq!(nix::sys::signal::kill(Pid::from_raw(ran), None), Err(Errno::ESRCH));
    }
}
