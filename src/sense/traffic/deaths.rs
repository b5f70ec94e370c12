//! TCP connections that come and go between two looks: the kernel announces each dying TCP socket
//! of the network namespace, with its ports and times, to whoever listens (`linux/sock_diag.h`).

use std::os::fd::{AsFd, BorrowedFd};

use super::inet_diag::{self, Socket};
use super::tcp;
use super::wire::{Message, messages};
use crate::decide::time::Time;
use crate::sys::netlink::SockDiag;

/// A connection that is no more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Death {
    pub(super) socket: Socket,
    /// When payload last moved on it, or a little later: at the latest when we heard of its end.
    pub(super) last_data: Time,
}

impl Death {
    /// Whether it may have been, at either end, a connection to a listener on this port here.
    pub(super) fn may_be_of(&self, port: u16) -> bool {
        let ((address, here), (other, there)) = self.socket.id.ends();
        here == port || there == port && address == other
    }
}

/// The kernel announces each in a datagram of its own, of some 500 bytes.
const DATAGRAM: usize = 4 << 10;
/// More deaths than this between two looks are a flood: for a while it is enough to know that.
const FLOOD: usize = 32;

/// The listener.
#[derive(Debug, Default)]
pub(super) struct DeathSense {
    socket: Option<SockDiag>,
    hearing: Hearing,
    /// Ports that the kernel does not tell us of.
    dropped: Vec<u16>,
    buffer: Vec<u8>,
}

/// Whether we listen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hearing {
    /// Nothing of what happened is known.
    #[default]
    Never,
    Yes,
    /// There were many the last time.
    Flooded,
    /// Not until the next look: many die, and to hear of each costs the kernel more than us.
    Closed,
}

/// What has happened since we listened last.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// What was handed out, and nothing else.
    All,
    /// We were not listening, because so many died.
    Flood,
    /// More than was handed out: some was lost.
    NotAll,
    /// We have only just begun to listen.
    Nothing,
}

impl DeathSense {
    /// Hands out every death since the last time, and listens from now on.
    ///
    /// # Errors
    /// The kernel does not let us listen.
    pub(super) fn hear(&mut self, now: Time, each: impl FnMut(Death)) -> nix::Result<Heard> {
        match self.hearing {
            Hearing::Never | Hearing::Closed => {
                let socket = match self.socket.take() {
                    Some(socket) => socket,
                    None => SockDiag::open_for_deaths()?,
                };
                socket.hear_deaths(true)?;
                self.socket = Some(socket);
                let before = std::mem::replace(&mut self.hearing, Hearing::Yes);
                if before == Hearing::Never {
                    // What an earlier generation left is not ours.
                    self.drain(now, |_| ());
                    return Ok(Heard::Nothing);
                }
                self.drain(now, each);
                // Until a calm look says otherwise.
                self.hearing = Hearing::Flooded;
                Ok(Heard::Flood)
            }
            Hearing::Yes | Hearing::Flooded => {
                let (count, lost) = self.drain(now, each);
                let flooded = lost || count >= FLOOD;
                self.hearing = if flooded { Hearing::Flooded } else { Hearing::Yes };
                Ok(if lost { Heard::NotAll } else { Heard::All })
            }
        }
    }

    /// Hands out every death since the last time, between two looks. Tells whether some were lost.
    pub(super) fn overhear(&mut self, now: Time, each: impl FnMut(Death)) -> bool {
        let (count, lost) = self.drain(now, each);
        if lost || count >= FLOOD {
            self.hearing = Hearing::Flooded;
        }
        lost
    }

    /// Silence was broken. If many died before, nobody listens until the next look.
    pub(super) fn rest(&mut self) {
        if self.hearing == Hearing::Flooded
            && let Some(socket) = &self.socket
            && socket.hear_deaths(false).is_ok()
        {
            self.hearing = Hearing::Closed;
        }
    }

    /// Whether many died not long ago, and the next one will make us rest.
    pub(super) fn is_flooded(&self) -> bool {
        self.hearing == Hearing::Flooded
    }

    /// Listens no more; what follows is nobody's.
    pub(super) fn close(&mut self) {
        (self.socket, self.hearing) = (None, Hearing::Never);
        self.dropped.clear();
    }

    /// Has the kernel leave out those whose own port is one of these.
    pub(super) fn drop_ports(&mut self, ports: impl Iterator<Item = u16>) {
        let ports: Vec<_> = ports.collect();
        if let Some(socket) = &self.socket
            && ports != self.dropped
            && socket.drop_local_ports(&ports).is_ok()
        {
            self.dropped = ports;
        }
    }

    /// Readable when somebody died.
    pub(super) fn tripwire(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd)
    }

    /// How many there were, and whether some were lost.
    fn drain(&mut self, now: Time, mut each: impl FnMut(Death)) -> (usize, bool) {
        let (mut count, mut lost) = (0, false);
        self.buffer.resize(DATAGRAM, 0);
        let Some(socket) = &self.socket else { return (count, lost) };
        loop {
            let datagram = match socket.receive(&mut self.buffer) {
                Ok(datagram) => datagram,
                Err(nix::Error::ENOBUFS) => {
                    lost = true;
                    continue;
                }
                Err(_) => return (count, lost),
            };
            for message in messages(datagram) {
                count += 1;
                let Message::Socket(body) = message else { continue };
                if let Some(socket) = inet_diag::socket(body) {
                    let last_data = tcp::moved_at(&socket, now).unwrap_or(now);
                    each(Death { socket, last_data });
                }
            }
        }
    }
}
