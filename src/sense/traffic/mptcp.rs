//! MPTCP: the dump of TCP sockets has its subflows, with times, payload and the inode of the socket
//! that COMMAND holds. Bytes that were not read yet wait one layer above.

use std::collections::{BTreeMap, BTreeSet};

use super::dialogue::Dialogue;
use super::inet_diag::{self, FAMILIES, Socket, State};
use super::tcp::port;

/// Tells subflows how many bytes wait unread on their connection. Costs a dump of all MPTCP sockets
/// (0.8 ms for each family), so it is asked only if the tree has one.
pub(super) fn fill_unread(dialogue: &mut Dialogue, sockets: &mut [(Socket, bool)]) {
    let is_subflow = |socket: &Socket| socket.is_mptcp && socket.state == State::Connected;
    if !sockets.iter().any(|(socket, _)| is_subflow(socket)) {
        return;
    }
    let mut unread = BTreeMap::new();
    for family in FAMILIES {
        let each = |body: &[u8]| {
            let Some(socket) = inet_diag::socket(body) else { return };
            if socket.state == State::Connected && socket.inode != 0 {
                unread.insert(socket.inode, socket.unread);
            }
        };
        // A kernel that does not tell has them in the subflows' queues, or nowhere.
        let _ = dialogue.ask(&inet_diag::dump_mptcp(family), each);
    }
    for (socket, _) in sockets.iter_mut().filter(|(socket, _)| is_subflow(socket)) {
        socket.unread = socket.unread.max(unread.get(&socket.inode).copied().unwrap_or(0));
    }
}

/// Inodes of the MPTCP connections that were accepted on one of these ports.
pub(super) fn accepted<'a>(
    sockets: impl Iterator<Item = &'a Socket>,
    listeners: &BTreeSet<u16>,
) -> BTreeSet<u64> {
    let subflows = sockets.filter(|socket| socket.is_mptcp && socket.inode != 0);
    let accepted = subflows.filter(|socket| listeners.contains(&port(socket)));
    accepted.map(|socket| socket.inode).collect()
}
