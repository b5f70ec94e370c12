//! What could not be seen, and why.

/// What could not be seen, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unseen {
    pub what: Sight,
    /// As in `errno(3)`; 0: nobody forbids it, it cannot be known.
    pub errno: i32,
}

/// What there is to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    Processes,
    Memory,
    Pages,
    /// Standard input.
    Input,
    /// Which sockets COMMAND has: any of the namespace may be its.
    Owners,
    /// Sockets that are registered with an io_uring: nothing stands in.
    Rings,
    /// TCP connections one by one: the namespace's counters stand in.
    Connections,
    /// The deaths of TCP connections: the same.
    Deaths,
    /// TCP in another network namespace: its counters stand in.
    Elsewhere,
    /// Whose a short connection was: it counts.
    Strangers,
    /// Payload of MPTCP connections that ended: it counts.
    MptcpPayload,
    /// Bytes on UDP sockets: the namespace's counters stand in.
    Datagrams,
    /// Bytes on Unix sockets: nothing stands in.
    Unix,
    /// The same, sockets of any other kind.
    Others,
    /// The counters themselves.
    Counters,
}
