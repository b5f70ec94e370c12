//! The words for why a generation is not idle.

use std::fmt;
use std::time::Duration;

use crate::decide::awake::{Awake, Connection, Mover, Unarmed};
use crate::units::Span;

/// Why a generation is not idle.
pub(in crate::report) struct Why(pub(in crate::report) Awake);

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Awake::Unarmed(Unarmed::NothingMoved) => out.write_str("not armed: nothing has moved"),
            Awake::Unarmed(Unarmed::OnlySettling) => {
                out.write_str("not armed: only its own connections, within --settle")
            }
            Awake::Unarmed(Unarmed::BelowFloor { moved, floor }) => {
                write!(out, "not armed: only {moved} moved, --idle-floor is {floor}")
            }
            Awake::Unarmed(Unarmed::OnlyUnclear) => {
                out.write_str("not armed: only short connections of unknown owner")
            }
            Awake::Traffic(None) => out.write_str("awake: traffic"),
            Awake::Traffic(Some(mover)) => write_mover(out, mover),
            Awake::Unclear => out.write_str(
                "awake: short connections of unknown owner (--traffic inbound leaves them out)",
            ),
            Awake::Unsure => {
                out.write_str("awake: something may have moved, seen for the first time")
            }
            Awake::Unseen => out.write_str("awake: its traffic cannot be seen"),
            Awake::Working { used, within } => {
                write!(out, "awake: {} of CPU time in {} (--idle-cpu)", Span(used), Span(within))
            }
        }
    }
}

fn write_mover(out: &mut fmt::Formatter<'_>, mover: Mover) -> fmt::Result {
    match mover {
        Mover::Stdin => out.write_str("awake: standard input"),
        Mover::Tcp(Connection { here, there, payload }) => {
            write!(out, "awake: TCP {here} to {there}, {payload} so far")
        }
        Mover::Udp => out.write_str("awake: a UDP socket"),
        Mover::Unix => out.write_str("awake: a Unix socket"),
        Mover::UnixListener => out.write_str("awake: connections to a Unix socket"),
        Mover::Other => out.write_str("awake: a socket that is neither TCP, UDP nor Unix"),
    }
}

/// The same in a word, for machines.
pub(in crate::report) fn word(awake: Awake) -> &'static str {
    match awake {
        Awake::Unarmed(why) => unarmed_word(why),
        Awake::Traffic(Some(Mover::Stdin)) => "stdin",
        Awake::Traffic(Some(Mover::Tcp(_))) => "tcp",
        Awake::Traffic(Some(Mover::Udp)) => "udp",
        Awake::Traffic(Some(Mover::Unix | Mover::UnixListener)) => "unix",
        Awake::Traffic(Some(Mover::Other)) => "others",
        Awake::Traffic(None) => "traffic",
        Awake::Unclear => "unclear",
        Awake::Unsure => "unsure",
        Awake::Unseen => "unseen",
        Awake::Working { .. } => "cpu",
    }
}

/// Why a generation cannot go idle, in a word.
pub(in crate::report) fn unarmed_word(why: Unarmed) -> &'static str {
    match why {
        Unarmed::NothingMoved => "no-traffic",
        Unarmed::OnlySettling => "settling",
        Unarmed::BelowFloor { .. } => "below-floor",
        Unarmed::OnlyUnclear => "only-unclear",
    }
}

/// `generation 1 cannot go idle yet: for 20s nothing has moved on its standard input and sockets`
pub(super) fn write_never_armed(
    out: &mut fmt::Formatter<'_>,
    generation: u64,
    age: Duration,
    why: Unarmed,
) -> fmt::Result {
    write!(out, "generation {generation} cannot go idle yet (--idle): for {} ", Span(age))?;
    match why {
        Unarmed::NothingMoved => {
            out.write_str("nothing has moved on its standard input or sockets")
        }
        Unarmed::OnlySettling => out.write_str(
            "nothing has moved but on connections that it opened itself before --settle was over",
        ),
        Unarmed::BelowFloor { moved, floor } => {
            write!(out, "no more than --idle-floor {floor} has moved in a window, lately {moved}")
        }
        Unarmed::OnlyUnclear => {
            out.write_str("only short connections have ended here, which may be other programs'")
        }
    }
}
