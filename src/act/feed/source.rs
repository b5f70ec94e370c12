//! Standard input, read without waiting for it.

use std::fs::File;
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, recv};

use crate::sys::files::{self, Kind, STDIN};

/// How that is done.
#[derive(Debug)]
pub(super) enum Source {
    /// A description of our own: those who share the inherited one may want to wait.
    Own(File),
    Socket,
    /// The inherited one, when there is something to read: a file, or there is no `/proc`.
    Shared,
}

impl Source {
    pub(super) fn find() -> Self {
        // Of a file the offset is shared, too, and is to stay so.
        match Kind::of(STDIN) {
            Kind::Socket => Self::Socket,
            Kind::Pipe | Kind::Terminal => {
                files::reopen_to_read(STDIN).map_or(Self::Shared, Self::Own)
            }
            Kind::File | Kind::Messages | Kind::Nothing => Self::Shared,
        }
    }

    /// 0 is the end of input.
    ///
    /// # Errors
    /// `EAGAIN`: there is nothing now; those of `read(2)`.
    pub(super) fn read(&self, room: &mut [u8]) -> nix::Result<usize> {
        match self {
            Self::Own(file) => nix::unistd::read(file, room),
            Self::Socket => recv(STDIN.as_raw_fd(), room, MsgFlags::MSG_DONTWAIT),
            Self::Shared => nix::unistd::read(STDIN, room),
        }
    }

    /// Whether it may be read when nothing is there.
    pub(super) fn does_not_wait(&self) -> bool {
        match self {
            Self::Own(_) | Self::Socket => true,
            Self::Shared => false,
        }
    }
}
