//! Datagrams to somebody else (`udp(7)`).

use std::net::{SocketAddr, UdpSocket};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, connect as connect_to, setsockopt, socket,
    sockopt,
};
use std::os::fd::AsRawFd;

/// A socket that sends to this address and waits for nothing. It has no port before it is
/// connected, so that nobody else can ever send to it; what that address sends is not kept.
///
/// # Errors
/// `EMFILE`, `ENETUNREACH`: no way there.
pub(crate) fn connect(address: SocketAddr) -> nix::Result<UdpSocket> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Datagram, flags, None)?;
    // The kernel makes it as small as it can be.
    let _ = setsockopt(&socket, sockopt::RcvBuf, &0);
    connect_to(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(UdpSocket::from(socket))
}
