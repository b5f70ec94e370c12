//! `--traffic`: what counts.

use crate::decide::traffic::Way;

/// How much of a kind of socket counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Extent {
    #[default]
    Nothing,
    /// What comes from others: accepted connections, sockets that wait for anybody.
    Inbound,
    All,
}

/// What counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    pub(crate) stdin: bool,
    pub(crate) tcp: Extent,
    pub(crate) udp: Extent,
    pub(crate) unix: Extent,
    /// Whatever else there is: SCTP, VSOCK, raw and packet sockets.
    pub(crate) others: Extent,
    pub(crate) ports: Ports,
}

/// Filters: a socket with ports counts if one of them is wanted and none is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ports {
    /// Empty: all.
    pub(crate) wanted: Vec<u16>,
    pub(crate) unwanted: Vec<u16>,
}

impl Extent {
    pub(super) fn has(self, way: Way) -> bool {
        match way {
            Way::Inbound => self >= Self::Inbound,
            Way::Outbound => self == Self::All,
        }
    }

    pub(super) fn is_something(self) -> bool {
        self != Self::Nothing
    }
}

impl Sources {
    /// So much of all sockets counts, at least.
    pub(crate) fn extend_sockets(&mut self, extent: Extent) {
        for kind in [&mut self.tcp, &mut self.udp, &mut self.unix, &mut self.others] {
            *kind = extent.max(*kind);
        }
    }

    /// Whether any socket counts.
    pub(crate) fn sockets(&self) -> bool {
        self.tcp.is_something() || self.has_untimed()
    }

    /// Whether any socket counts for which the kernel keeps no time.
    pub(super) fn has_untimed(&self) -> bool {
        [self.udp, self.unix, self.others].into_iter().any(Extent::is_something)
    }
}

impl Ports {
    /// Whether a socket with these ports, its own and the other end's, counts.
    pub(super) fn let_pass(&self, ports: [u16; 2]) -> bool {
        let among = |list: &[u16]| ports.iter().any(|port| list.contains(port));
        (self.wanted.is_empty() || among(&self.wanted)) && !among(&self.unwanted)
    }

    /// The same if the port of the other end is not known. A client of the tree's listener has one
    /// that was chosen at random.
    pub(super) fn may_let_pass(&self, here: u16, is_listener: bool) -> bool {
        match is_listener {
            true => self.let_pass([here, here]),
            false => !self.unwanted.contains(&here),
        }
    }

    /// Whether sockets without ports count.
    pub(super) fn let_portless_pass(&self) -> bool {
        self.wanted.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_let_pass_as_asked() {
        let ports = |wanted: &[u16], unwanted: &[u16]| Ports {
            wanted: wanted.to_vec(),
            unwanted: unwanted.to_vec(),
        };
        assert!(ports(&[], &[]).let_pass([80, 40_000]));
        assert!(ports(&[80, 81], &[]).let_pass([40_000, 81]));
        assert!(!ports(&[80], &[]).let_pass([81, 40_000]));
        assert!(!ports(&[], &[9090]).let_pass([9090, 40_000]));
        assert!(!ports(&[80], &[9090]).let_pass([80, 9090]));
        assert!(ports(&[80], &[]).may_let_pass(80, true));
        assert!(!ports(&[80], &[]).may_let_pass(81, true));
        assert!(ports(&[5432], &[]).may_let_pass(40_000, false));
        assert!(!ports(&[], &[9090]).may_let_pass(9090, false));
        assert!(ports(&[], &[9090]).let_portless_pass());
        assert!(!ports(&[80], &[]).let_portless_pass());
    }
}
