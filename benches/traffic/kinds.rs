//! The kinds of traffic there are.

/// How a client talks to the wrapped command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    /// A connection for each request.
    TcpShort,
    Udp,
    Unix,
    UnixShort,
    Stdin,
    /// A request over TCP is answered at once, and computed on after that.
    Work,
}

/// Where TCP and UDP servers are: each has a network of its own.
pub(crate) const PLACE: (&str, u16) = ("127.0.0.1", 4000);

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Tcp,
        Self::TcpShort,
        Self::Udp,
        Self::Unix,
        Self::UnixShort,
        Self::Stdin,
        Self::Work,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP, one connection",
            Self::TcpShort => "TCP, a connection per request",
            Self::Udp => "UDP",
            Self::Unix => "Unix, one connection",
            Self::UnixShort => "Unix, a connection per request",
            Self::Stdin => "standard input, a pipe",
            Self::Work => "CPU, from where its last 5% of the idle time began",
        }
    }

    /// A connection is for one request only.
    pub(crate) fn is_short(self) -> bool {
        matches!(self, Self::TcpShort | Self::UnixShort)
    }

    /// By how many ms it may be late: 20 ms, which is also 2% of the idle time; CPU time is sampled
    /// ten times in it.
    pub(crate) fn reach(self) -> f64 {
        if self == Self::Work { 100.0 } else { 20.0 }
    }

    /// By how many ms it may be early: CPU times are told in ticks of 10 ms, once for user and once
    /// for system.
    pub(crate) fn blur(self) -> f64 {
        if self == Self::Work { 20.0 } else { 0.0 }
    }
}
