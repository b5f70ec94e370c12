//! What must be known or done before Rust's runtime runs.
//!
//! The runtime ignores SIGPIPE and opens `/dev/null` in place of closed standard descriptors before
//! `main`. COMMAND must get both as they were. The way not taken: `#![no_main]`, which also loses
//! the runtime's argument handling under musl.

use std::sync::atomic::{AtomicBool, Ordering};

static PIPE_IGNORED: AtomicBool = AtomicBool::new(false);

/// Whether SIGPIPE was ignored when the program was started.
pub(crate) fn pipe_was_ignored() -> bool {
    PIPE_IGNORED.load(Ordering::Relaxed)
}

/// Runs before the runtime: the C library calls every function in this section first.
// SAFETY: the section holds pointers to functions with C linkage, as the ABI asks; the function
// uses nothing that the runtime would have to prepare.
#[expect(unsafe_code, reason = "the only way to run before the runtime")]
#[used]
#[unsafe(link_section = ".init_array")]
static EARLY: extern "C" fn() = early;

#[expect(unsafe_code, reason = "plain system calls before the runtime runs")]
extern "C" fn early() {
    for fd in 0..=2 {
        // SAFETY: neither call touches memory. A descriptor that is closed is filled with one that
        // exec closes again: COMMAND finds it closed, and nothing of ours ends up in its place.
        // A directory: nothing can be read from it or written to it. Not O_PATH: poll(2) knows no
        // such descriptors, and the runtime would take this one for closed.
        unsafe {
            if libc::fcntl(fd, libc::F_GETFD) == -1 {
                libc::open(c"/".as_ptr(), libc::O_DIRECTORY | libc::O_CLOEXEC);
            }
        }
    }
    // SAFETY: `action` is plain data, zero is a valid value of it, and it outlives the call.
    let handler = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGPIPE, std::ptr::null(), &mut action);
        action.sa_sigaction
    };
    PIPE_IGNORED.store(handler == libc::SIG_IGN, Ordering::Relaxed);
}
