//! A netlink socket to the kernel's socket diagnosis (`sock_diag(7)`). Bytes in, bytes out.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

/// The socket.
#[derive(Debug)]
pub(crate) struct SockDiag(OwnedFd);

impl SockDiag {
    /// # Errors
    /// `EPERM`, `EAFNOSUPPORT`, `EPROTONOSUPPORT`: forbidden or not built in; `EMFILE`.
    pub(crate) fn open() -> nix::Result<Self> {
        let protocol = SockProtocol::NetlinkSockDiag;
        socket(AddressFamily::Netlink, SockType::Datagram, SockFlag::SOCK_CLOEXEC, protocol)
            .map(Self)
    }

    /// # Errors
    /// Those of `send(2)`.
    pub(crate) fn send(&self, request: &[u8]) -> nix::Result<()> {
        send(self.0.as_raw_fd(), request, MsgFlags::empty()).map(drop)
    }

    /// The next datagram of an answer. The kernel writes answers while it is asked, so there is
    /// nothing to wait for.
    ///
    /// # Errors
    /// `EAGAIN`: there is none; `ENOBUFS`: one was lost.
    pub(crate) fn receive<'a>(&self, buffer: &'a mut [u8]) -> nix::Result<&'a [u8]> {
        let length = recv(self.0.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT)?;
        Ok(buffer.get(..length).unwrap_or_default())
    }
}
