//! Whoever writes into the pipe that is a program's standard input. Where the pipe is full it
//! waits, as everybody does, but not for ever.

use super::CEILING;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Write};
use std::os::fd::AsFd;

/// Dropping it ends the input.
pub(crate) struct Producer(PipeWriter);

impl Producer {
    /// And the end that the program is given.
    pub(crate) fn new() -> (Self, PipeReader) {
        let (reader, writer) = io::pipe().unwrap();
        // The other end is not concerned: each has flags of its own.
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_WRONLY | OFlag::O_NONBLOCK)).unwrap();
        (Self(writer), reader)
    }

    /// As much as there is room for. An error means that nobody will read any of it.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }

    pub(crate) fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let written = self.try_write(bytes).unwrap();
            bytes = &bytes[written..];
            if written == 0 {
                self.wait_for_room();
            }
        }
    }

    fn wait_for_room(&self) {
        let timeout = PollTimeout::try_from(CEILING).unwrap();
        let mut room = [PollFd::new(self.0.as_fd(), PollFlags::POLLOUT)];
        let ready = match poll(&mut room, timeout) {
            Err(nix::errno::Errno::EINTR) => return,
            result => result.unwrap(),
        };
        assert!(ready > 0, "nobody reads what is written, for {CEILING:?}");
    }
}
