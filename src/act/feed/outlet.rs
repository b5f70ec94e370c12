//! COMMAND's pipe, as we hold it: by the end that is written to.
//!
//! Were we to hold the other one as well, we could not tell when nobody reads any more (`POLLERR`,
//! `pipe(7)`); how much is unread the kernel tells at either end (`FIONREAD`). Only when the end
//! that is written to is closed, for COMMAND to see the end of its input, the other one takes its
//! place.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use crate::sys::files;
use crate::sys::poll::{self, Readiness};

#[derive(Debug)]
pub(super) enum Outlet {
    /// There is no generation.
    None,
    Open {
        writer: OwnedFd,
        later: Later,
        /// COMMAND's side is closed.
        deaf: bool,
    },
    /// COMMAND has had, or is to have, the end of its input.
    Closed { reader: Option<OwnedFd> },
}

/// How the other end is had when this one is closed. What it tells must not be lost for want of a
/// descriptor, which the tree may use up meanwhile.
#[derive(Debug)]
pub(super) enum Later {
    /// It is opened anew, in the place of this descriptor, which is good for nothing else.
    Opened { place: OwnedFd },
    /// There is no `/proc`.
    Kept { reader: OwnedFd },
}

impl Outlet {
    /// With the end that COMMAND reads from.
    ///
    /// # Errors
    /// No descriptors, or no memory for pipes left (`pipe(2)`).
    pub(super) fn open() -> nix::Result<(Self, OwnedFd)> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let copy = |fd: &OwnedFd| fd.try_clone().map_err(|_| Errno::EMFILE);
        let later = match files::reopen_to_read(writer.as_fd()) {
            Ok(_) => Later::Opened { place: copy(&writer)? },
            Err(_) => Later::Kept { reader: copy(&reader)? },
        };
        Ok((Self::Open { writer, later, deaf: false }, reader))
    }

    /// What can be written to, as long as somebody reads.
    pub(super) fn writer(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Open { writer, deaf: false, .. } => Some(writer.as_fd()),
            Self::None | Self::Open { .. } | Self::Closed { .. } => None,
        }
    }

    /// COMMAND comes to the end of its input.
    pub(super) fn close(&mut self) {
        *self = match std::mem::replace(self, Self::None) {
            Self::Open { writer, later, .. } => Self::Closed { reader: later.reader(&writer) },
            other => other,
        };
    }

    /// How much COMMAND has not read of what it was handed; `None`: nobody knows.
    pub(super) fn unread(&self) -> Option<usize> {
        let end = match self {
            Self::Open { writer, .. } => writer,
            Self::Closed { reader: Some(reader) } => reader,
            Self::None | Self::Closed { reader: None } => return None,
        };
        files::unread(end.as_fd()).and_then(|unread| usize::try_from(unread).ok())
    }

    /// Finds out whether anybody reads.
    pub(super) fn listen(&mut self) {
        let Some(writer) = self.writer() else { return };
        let mut ready = Vec::new();
        poll::wait(&[(writer, Readiness::Ended)], Some(Duration::ZERO), &mut ready);
        if ready == [true] {
            self.note_deaf();
        }
    }

    /// Nobody reads any more.
    pub(super) fn note_deaf(&mut self) {
        if let Self::Open { deaf, .. } = self {
            *deaf = true;
        }
    }

    /// Whether COMMAND has closed its input.
    pub(super) fn is_deaf(&self) -> bool {
        matches!(self, Self::Open { deaf: true, .. })
    }
}

impl Later {
    /// The other end of the pipe that is written to here.
    fn reader(self, writer: &OwnedFd) -> Option<OwnedFd> {
        match self {
            Self::Opened { place } => {
                drop(place);
                files::reopen_to_read(writer.as_fd()).ok().map(OwnedFd::from)
            }
            Self::Kept { reader } => Some(reader),
        }
    }
}
