//! The one blocking call.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

/// What is waited for on a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// There is something to read, or never will be again (`POLLIN`, `POLLHUP`, `POLLERR`).
    Readable,
    /// There is room to write, or nobody reads any more (`POLLOUT`, `POLLERR`).
    Writable,
    /// The other end is gone (`POLLHUP`, `POLLRDHUP`, `POLLERR`); data alone wakes nobody.
    Ended,
}

/// How long to wait where the kernel does not tell what is ready.
const BLIND_PAUSE: Duration = Duration::from_millis(20);

/// Waits until one of these is ready or the timeout (`None`: never) has passed, and tells which
/// are. Interrupted, it tells that none is: the caller looks at its deadline and comes again.
///
/// The kernel refuses more of them than `RLIMIT_NOFILE` allows, which may be lowered while we run
/// (`poll(2)`, `EINVAL`), and when it has no memory. Then everything that can be tried
/// without waiting is called ready after a pause; an end, which cannot be made sure of, is not.
pub(crate) fn wait(
    sources: &[(BorrowedFd<'_>, Readiness)],
    timeout: Option<Duration>,
    ready: &mut Vec<bool>,
) {
    let mut fds: Vec<PollFd<'_>> = sources
        .iter()
        .map(|(fd, readiness)| match readiness {
            Readiness::Readable => PollFd::new(*fd, PollFlags::POLLIN),
            Readiness::Writable => PollFd::new(*fd, PollFlags::POLLOUT),
            Readiness::Ended => PollFd::new(*fd, PollFlags::from_bits_retain(libc::POLLRDHUP)),
        })
        .collect();
    ready.clear();
    // The kernel refuses times that it cannot hold; nobody minds being woken once a day.
    let timeout = timeout.map(|timeout| timeout.min(Duration::from_secs(3600 * 24)));
    match ppoll(&mut fds, timeout.map(TimeSpec::from_duration), None) {
        Ok(_) => ready.extend(fds.iter().map(|fd| fd.any().unwrap_or(true))),
        Err(Errno::EINTR) => ready.resize(sources.len(), false),
        Err(_) => {
            let pause = timeout.unwrap_or(BLIND_PAUSE).min(BLIND_PAUSE);
            let _ = ppoll(&mut [], Some(TimeSpec::from_duration(pause)), None);
            ready.extend(sources.iter().map(|(_, readiness)| *readiness != Readiness::Ended));
        }
    }
}
