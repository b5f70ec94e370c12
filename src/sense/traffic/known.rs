//! What a survey found out about TCP: by this it is told whose a connection was that has died.

use std::collections::{BTreeMap, BTreeSet};

use super::inet_diag::{End, Socket, State};
use super::sources::Sources;
use crate::decide::traffic::Way;

/// What the last survey found: by this the dead are told apart.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Where the tree listens, and where others do.
    pub(super) listeners: Listeners,
    pub(super) strange_listeners: Listeners,
    /// By cookie: connections of the tree; `None`: they stay inside it, or are not to count.
    pub(super) ours: BTreeMap<u64, Option<Way>>,
    /// Cookies of the connections of others.
    pub(super) strangers: BTreeSet<u64>,
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
                self.strange_listeners.insert(socket);
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

    /// Whether connections to this end come to the tree.
    pub(super) fn accepts(&self, end: End) -> bool {
        let ours = self.listeners.fit(end);
        ours.is_some() && ours >= self.strange_listeners.fit(end)
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
            true => sources.ports.may_let_pass(here, self.listeners.has_port(here)),
            false => sources.ports.let_pass([here, there]),
        };
        if self.strangers.contains(&id.cookie()) || !wanted {
            return Whose::Nobodys;
        }
        let (near, far) = id.ends();
        if self.accepts(near) {
            return Whose::Ours(Way::Inbound);
        }
        // The client's end of a connection to us, on this machine: the other end is the tree's,
        // and tells for itself.
        let client = near.0 == far.0 && self.accepts(far);
        if client || self.strange_listeners.fit(near).is_some() {
            return Whose::Nobodys;
        }
        Whose::Unclear
    }
}

/// Local ends that somebody listens on, ports first.
#[derive(Clone, Debug, Default)]
pub(super) struct Listeners(BTreeSet<(u16, [u8; 16])>);

/// How well a listener fits a connection: the kernel takes the one that fits best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It listens on all addresses of IPv6, and may take IPv4, too.
    Any,
    /// It listens on all addresses of IPv4.
    Family,
    Address,
}

const ANY_V6: [u8; 16] = [0; 16];
const ANY_V4: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0];

impl Listeners {
    pub(super) fn insert(&mut self, listener: &Socket) {
        let ((address, port), _) = listener.id.ends();
        self.0.insert((port, address));
    }

    pub(super) fn extend(&mut self, others: &Self) {
        self.0.extend(&others.0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn ports(&self) -> BTreeSet<u16> {
        self.0.iter().map(|(port, _)| *port).collect()
    }

    pub(super) fn has_port(&self, port: u16) -> bool {
        self.0.range((port, [0; 16])..=(port, [0xff; 16])).next().is_some()
    }

    /// Whether a listener has a place that these do not have.
    pub(super) fn has_more_than(&self, others: &Self) -> bool {
        !self.0.is_subset(&others.0)
    }

    /// The best one for a connection with this local end. One that has lost its address was a
    /// connection to any of them.
    pub(super) fn fit(&self, (address, port): End) -> Option<Fit> {
        let has = |address| self.0.contains(&(port, address));
        let is_v4 = address.starts_with(&ANY_V4[..12]);
        if address == ANY_V6 || address == ANY_V4 {
            self.has_port(port).then_some(Fit::Address)
        } else if has(address) {
            Some(Fit::Address)
        } else if is_v4 && has(ANY_V4) {
            Some(Fit::Family)
        } else {
            has(ANY_V6).then_some(Fit::Any)
        }
    }
}

impl<'a> FromIterator<&'a Socket> for Listeners {
    fn from_iter<T: IntoIterator<Item = &'a Socket>>(sockets: T) -> Self {
        let mut listeners = Self::default();
        sockets.into_iter().for_each(|socket| listeners.insert(socket));
        listeners
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv6Addr};

    fn bytes(address: &str) -> [u8; 16] {
        match address.parse::<IpAddr>().unwrap() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => Ipv6Addr::octets(&v6),
        }
    }

    fn listeners(addresses: &[&str]) -> Listeners {
        Listeners(addresses.iter().map(|address| (80, bytes(address))).collect())
    }

    #[test]
    fn the_listener_that_fits_best_takes_the_connection() {
        for (ours, theirs, address, accepts) in [
            (&["127.0.0.1"][..], &["127.0.0.2"][..], "127.0.0.1", true),
            (&["127.0.0.1"], &["127.0.0.2"], "127.0.0.2", false),
            (&["127.0.0.1"], &["0.0.0.0"], "127.0.0.1", true),
            (&["127.0.0.1"], &["0.0.0.0"], "127.0.0.2", false),
            (&["0.0.0.0"], &["127.0.0.2"], "127.0.0.2", false),
            (&["0.0.0.0"], &["127.0.0.2"], "10.0.0.1", true),
            (&["::"], &[], "10.0.0.1", true),
            (&["::"], &["0.0.0.0"], "10.0.0.1", false),
            (&["::"], &["0.0.0.0"], "::1", true),
            (&["::1"], &["::"], "::2", false),
            // Both, with SO_REUSEPORT: it may be ours.
            (&["0.0.0.0"], &["0.0.0.0"], "10.0.0.1", true),
            (&[], &[], "10.0.0.1", false),
            // It was disconnected before it died.
            (&["127.0.0.1"], &["127.0.0.2"], "0.0.0.0", true),
        ] {
            let (listeners, strange_listeners) = (listeners(ours), listeners(theirs));
            let known = Known { listeners, strange_listeners, ..Known::default() };
            assert_eq!(
                known.accepts((bytes(address), 80)),
                accepts,
                "{ours:?} {theirs:?} {address}"
            );
            assert!(!known.accepts((bytes(address), 81)));
        }
    }
}
