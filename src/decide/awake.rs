//! Why a generation is not idle: what `--verbose` says after each look at traffic.

use std::net::SocketAddr;
use std::time::Duration;

use crate::units::Bytes;

/// What moved last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mover {
    Stdin,
    Tcp(Connection),
    Udp,
    Unix,
    /// Somebody connected to a Unix socket.
    UnixListener,
    Other,
}

/// A TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// COMMAND's end, and the other one.
    pub here: SocketAddr,
    pub there: SocketAddr,
    /// All payload that it has carried, in both directions.
    pub payload: Bytes,
}

/// Why a generation is not idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awake {
    Unarmed(Unarmed),
    /// This moved; `None`: nobody knows what.
    Traffic(Option<Mover>),
    /// Connections came and went that may have been COMMAND's.
    Unclear,
    /// Something may have moved: a socket was seen for the first time, or counters moved.
    Unsure,
    /// What moves cannot be seen.
    Unseen,
    /// So much CPU time was used in such a time.
    Working {
        used: Duration,
        within: Duration,
    },
}

/// Why a generation cannot go idle yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unarmed {
    NothingMoved,
    /// Only on connections that COMMAND opened itself, before `--settle` was over.
    OnlySettling,
    /// So much, and `--idle-floor` allows so much.
    BelowFloor {
        moved: Bytes,
        floor: Bytes,
    },
    /// Only on connections that may have been another program's.
    OnlyUnclear,
}
