//! Requests to socket diagnosis, and what comes back.

use super::wire::{Message, Request, Scope, messages};
use crate::sys::netlink::SockDiag;

/// Answers come in datagrams of at most this size.
const DATAGRAM: usize = 32 << 10;

/// A socket to the kernel that is kept open, and a place for its answers.
#[derive(Debug)]
pub(super) struct Dialogue {
    socket: Option<SockDiag>,
    /// A socket that is missing is opened.
    in_ours: bool,
    buffer: Vec<u8>,
}

impl Default for Dialogue {
    fn default() -> Self {
        Self { socket: None, in_ours: true, buffer: Vec::new() }
    }
}

impl Dialogue {
    /// Over this socket, which may be of another network namespace. After a broken answer another
    /// one is needed.
    pub(super) fn over(socket: SockDiag) -> Self {
        Self { socket: Some(socket), in_ours: false, buffer: Vec::new() }
    }

    /// Sends a request and hands the message about every socket of the answer to `each`.
    ///
    /// # Errors
    /// The kernel refuses, or knows no such socket (`ENOENT`).
    pub(super) fn ask(
        &mut self,
        request: &Request,
        mut each: impl FnMut(&[u8]),
    ) -> nix::Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None if self.in_ours => SockDiag::open()?,
            None => return Err(nix::Error::ENOTCONN),
        };
        self.buffer.resize(DATAGRAM, 0);
        socket.send(&request.bytes)?;
        let result = 'answer: loop {
            // After a broken answer the rest of it may still come: only a whole one, which may be
            // an error, leaves the socket fit for the next request.
            let datagram = socket.receive(&mut self.buffer)?;
            for message in messages(datagram) {
                match message {
                    Message::Socket(body) => {
                        each(body);
                        if request.scope == Scope::One {
                            break 'answer Ok(());
                        }
                    }
                    Message::Done => break 'answer Ok(()),
                    Message::Error(errno) => break 'answer Err(nix::Error::from_raw(errno)),
                }
            }
        };
        self.socket = Some(socket);
        result
    }
}
