//! What the kernel lets us know of sockets here: each way is tried on nobody's socket but our own.

use super::dialogue::Dialogue;
use super::namespace::NamespaceSense;
use super::tcp;
use crate::sys::netlink::SockDiag;
use crate::sys::sockets;

/// TCP connections one by one, with their times.
///
/// # Errors
/// The kernel does not tell.
pub(crate) fn connections() -> nix::Result<()> {
    tcp::somebody_listens(&mut Dialogue::default(), |_| false).map(drop)
}

/// The ends of TCP connections.
///
/// # Errors
/// As above.
pub(crate) fn deaths() -> nix::Result<()> {
    SockDiag::open_for_deaths()?.hear_deaths(true)
}

/// Sockets of other processes, one by one.
///
/// # Errors
/// Forbidden, or an old kernel.
pub(crate) fn fetching() -> nix::Result<()> {
    sockets::can_fetch()
}

/// The counters of the whole network.
pub(crate) fn has_counters() -> bool {
    NamespaceSense::default().is_readable()
}
