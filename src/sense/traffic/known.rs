//! What a survey found out about TCP: by this it is told whose a connection was that has died.

use std::collections::{BTreeMap, BTreeSet};

use super::inet_diag::{Socket, State};
use super::sources::Sources;
use super::tcp::port;
use crate::decide::traffic::Way;

/// What the last survey found: by this the dead are told apart.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Ports that the tree listens on, and ports that only others listen on.
    pub(super) listeners: BTreeSet<u16>,
    pub(super) strange_listeners: BTreeSet<u16>,
    /// By cookie: connections of the tree; `None`: they stay inside it, or are not to count.
    pub(super) ours: BTreeMap<u64, Option<Way>>,
    /// Cookies of the connections of others.
    strangers: BTreeSet<u64>,
}

/// Whose a connection was that has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Ours(Way),
    /// It does not count.
    Nobodys,
    Unclear,
}

impl Known {
    pub(super) fn add_stranger(&mut self, socket: &Socket) {
        match socket.state {
            State::Listening => {
                self.strange_listeners.insert(port(socket));
            }
            // What no process holds may still come to the tree: a connection not yet accepted.
            State::Connected | State::Other if socket.inode != 0 => {
                self.strangers.insert(socket.id.cookie());
            }
            State::Connected | State::Other => {}
        }
    }

    /// Whether another program has a socket here.
    pub(super) fn has_strangers(&self) -> bool {
        !self.strangers.is_empty() || !self.strange_listeners.is_empty()
    }

    /// Whose a connection was that has died.
    pub(super) fn whose(&self, socket: &Socket, sources: &Sources) -> Whose {
        let id = &socket.id;
        let [here, there] = id.ports();
        // A listener, whose end is announced, too: it was no connection.
        if socket.has_no_peer() && !socket.info.is_some_and(|info| info.was_connected) {
            return Whose::Nobodys;
        }
        if let Some(way) = self.ours.get(&id.cookie()) {
            return way.map_or(Whose::Nobodys, Whose::Ours);
        }
        let wanted = match socket.has_no_peer() {
            true => sources.ports.may_let_pass(here, self.listeners.contains(&here)),
            false => sources.ports.let_pass([here, there]),
        };
        if self.strangers.contains(&id.cookie()) || !wanted {
            return Whose::Nobodys;
        }
        if self.listeners.contains(&here) {
            return Whose::Ours(Way::Inbound);
        }
        let ((address, _), (other, _)) = id.ends();
        // The client's end of a connection to us, on this machine: the other end is the tree's,
        // and tells for itself.
        let client = address == other && self.listeners.contains(&there);
        if client || self.strange_listeners.contains(&here) {
            return Whose::Nobodys;
        }
        Whose::Unclear
    }
}
