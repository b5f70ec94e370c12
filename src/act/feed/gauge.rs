//! Tells when COMMAND reads on, which a pipe that is not full does not (`pipe(7)`). Needed only
//! where lines are so long that memory has no room for two.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

#[derive(Debug)]
pub(super) enum Gauge {
    Unused,
    /// It watches this generation's pipe (`inotify(7)`).
    On(Inotify),
    /// It watched one of an earlier generation.
    Off(Inotify),
    /// There is none: no `/proc`, or too many watches.
    Broken,
}

impl Gauge {
    /// Tells whether it can tell.
    pub(super) fn turn_on(&mut self, pipe: BorrowedFd<'_>) -> bool {
        let inotify = match std::mem::replace(self, Self::Broken) {
            Self::On(inotify) | Self::Off(inotify) => Ok(inotify),
            Self::Unused | Self::Broken => {
                Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)
            }
        };
        let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
        let watch = |inotify: Inotify| {
            inotify.add_watch(path.as_str(), AddWatchFlags::IN_ACCESS).map(|_| inotify)
        };
        *self = inotify.and_then(watch).map_or(Self::Broken, Self::On);
        matches!(self, Self::On(_))
    }

    /// The pipe is another one from now on.
    pub(super) fn turn_off(&mut self) {
        *self = match std::mem::replace(self, Self::Unused) {
            Self::On(inotify) => Self::Off(inotify),
            other => other,
        };
    }

    /// Whether there is nothing to turn on.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self, Self::On(_) | Self::Broken)
    }

    /// What it has told is known; what it tells from here on is new.
    pub(super) fn reset(&self) {
        if let Self::On(inotify) = self {
            let _ = inotify.read_events();
        }
    }

    /// Becomes readable when COMMAND reads on.
    pub(super) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::On(inotify) => Some(inotify.as_fd()),
            Self::Unused | Self::Off(_) | Self::Broken => None,
        }
    }
}
