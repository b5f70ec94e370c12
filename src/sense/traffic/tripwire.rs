//! Tells that something moved on a socket for which the kernel keeps no time.
//!
//! An edge-triggered `epoll(7)` registration lives as long as the open socket, not as long as the
//! descriptor by which it was made: our copy is closed at once, and the socket dies when COMMAND
//! closes it. A socket that can be written to keeps its event until we fetch it, also if COMMAND
//! has read the bytes before that.
//!
//! A listener cannot be written to, and an event that COMMAND was quicker to take is gone (one in
//! six was, in a test; two in five on one processor). So a Unix listener rings us by signal, which
//! is never lost. TCP listeners need neither: the kernel keeps the times of their connections.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::sources::Sources;
use super::untimed::{self, Fetcher, Kind, Nature, Survey, Untimed};
use crate::decide::awake::Mover;
use crate::decide::time::Time;
use crate::decide::traffic::{Traffic, Way};

/// So many events are fetched at a time.
const AT_ONCE: usize = 64;
const MORE_ROUNDS: usize = 16;

/// The tripwires of one generation: what a dead one's sockets still report is heard by nobody.
#[derive(Debug, Default)]
pub(super) struct Tripwires {
    epoll: Option<Epoll>,
    /// By inode. An event of any other socket is not the tree's any more.
    watched: BTreeMap<u64, Watched>,
    /// Somebody connected to a listener since the last look.
    rang: bool,
}

#[derive(Clone, Copy, Debug)]
struct Watched {
    nature: Nature,
    /// As of the last survey.
    unread: u32,
}

impl Tripwires {
    /// Watches these sockets and no others. What is new may have moved before: nobody knows. Tells
    /// which kinds cannot be watched, and why.
    pub(super) fn watch(
        &mut self,
        now: Time,
        survey: &Survey,
        (sources, inherited): (&Sources, impl Fn(u64) -> bool),
        sum: &mut Traffic,
    ) -> BTreeMap<Kind, nix::Error> {
        let mut refused = BTreeMap::new();
        let mut fetcher = Fetcher::default();
        let before = std::mem::take(&mut self.watched);
        for socket in &survey.sockets {
            if let Some(known) = before.get(&socket.inode) {
                let nature = socket.nature.unwrap_or(known.nature);
                if socket.waits || socket.unread != known.unread {
                    sum.note(nature.way, now);
                    sum.note_mover(now, || nature.kind.mover());
                }
                if nature.kind != Kind::UnixListener {
                    self.watched.insert(socket.inode, Watched { nature, unread: socket.unread });
                    continue;
                }
            }
            match self.add(&mut fetcher, socket, sources, survey.tcp_is_elsewhere) {
                Ok(Added::New(nature)) if nature.is_connection && !inherited(socket.inode) => {
                    sum.note_imprecisely(nature.way, now);
                    sum.note_mover(now, || nature.kind.mover());
                }
                Ok(Added::New(nature)) if socket.waits => {
                    sum.note_imprecisely(nature.way, now);
                    sum.note_mover(now, || nature.kind.mover());
                }
                Ok(Added::New(_) | Added::Gone) => sum.note_unsure(now),
                Ok(Added::Known | Added::NoMatter) => {}
                Err(error) => {
                    let kind = socket.nature.map_or(Kind::Other, |nature| nature.kind);
                    refused.insert(kind, error);
                }
            }
        }
        // A new registration reports once, although nothing moved; the others speak the truth.
        self.drain(now, sum, |inode| before.contains_key(&inode));
        refused
    }

    fn add(
        &mut self,
        fetcher: &mut Fetcher,
        socket: &Untimed,
        sources: &Sources,
        tcp_is_elsewhere: bool,
    ) -> nix::Result<Added> {
        let Some(fetched) = fetcher.fetch(socket.inode, socket.holder)? else {
            return Ok(Added::Gone);
        };
        let nature = socket.nature.or_else(|| untimed::nature(&fetched, sources, tcp_is_elsewhere));
        let Some(nature) = nature else { return Ok(Added::NoMatter) };
        let known = match nature.kind {
            Kind::UnixListener => fetched.ring()?,
            Kind::Other | Kind::Unix | Kind::Udp => {
                let epoll = match &mut self.epoll {
                    Some(epoll) => epoll,
                    none => none.insert(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?),
                };
                let events = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
                epoll.add(fetched.as_fd(), EpollEvent::new(events, socket.inode))?;
                false
            }
        };
        self.watched.insert(socket.inode, Watched { nature, unread: socket.unread });
        Ok(if known { Added::Known } else { Added::New(nature) })
    }

    /// Whether this socket was there at the last survey.
    pub(super) fn watches(&self, inode: u64) -> bool {
        self.watched.contains_key(&inode)
    }

    /// What has moved since the last time.
    pub(super) fn moved(&mut self, now: Time, sum: &mut Traffic) {
        self.drain(now, sum, |_| true);
        if std::mem::take(&mut self.rang) && self.has_listener() {
            sum.note_imprecisely(Way::Inbound, now);
            sum.note_mover(now, || Mover::UnixListener);
        }
    }

    /// A listener rang.
    pub(super) fn ring(&mut self) {
        self.rang = true;
    }

    /// Whether a listener may ring.
    pub(super) fn has_listener(&self) -> bool {
        self.watched.values().any(|watched| watched.nature.kind == Kind::UnixListener)
    }

    /// Becomes readable when something moves.
    pub(super) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.epoll.as_ref().map(|epoll| epoll.0.as_fd())
    }

    /// An event that comes again meanwhile waits behind the others: after as many rounds as they
    /// need, each has been heard. Those that move faster than we hear are left for the next time.
    fn drain(&self, now: Time, sum: &mut Traffic, counts: impl Fn(u64) -> bool) {
        let Some(epoll) = &self.epoll else { return };
        let mut events = [EpollEvent::empty(); AT_ONCE];
        // Sockets that are not watched any more may have their events among them.
        for _ in 0..=self.watched.len() / AT_ONCE + MORE_ROUNDS {
            let Ok(count) = epoll.wait(&mut events, EpollTimeout::ZERO) else { return };
            for event in events.iter().take(count) {
                let watched = self.watched.get(&event.data());
                if let Some(watched) = watched.filter(|_| counts(event.data())) {
                    sum.note_imprecisely(watched.nature.way, now);
                    sum.note_mover(now, || watched.nature.kind.mover());
                }
            }
            if count < events.len() {
                break;
            }
        }
    }
}

/// What came of watching one more.
enum Added {
    New(Nature),
    Known,
    Gone,
    /// Nothing can move on it that counts.
    NoMatter,
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::eventfd::EventFd;
    use std::time::Duration;

    /// There are always as many events as can be fetched at a time: without a bound, fetching them
    /// would never end.
    #[test]
    fn what_always_moves_is_left_for_the_next_time() {
        let epoll = Epoll::new(EpollCreateFlags::empty()).unwrap();
        let moving: Vec<_> = (0..AT_ONCE).map(|_| EventFd::from_value(1).unwrap()).collect();
        for fd in &moving {
            epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, 1)).unwrap();
        }
        let nature = Nature { kind: Kind::Udp, way: Way::Inbound, is_connection: false };
        let watched = BTreeMap::from([(1, Watched { nature, unread: 0 })]);
        let mut tripwires = Tripwires { epoll: Some(epoll), watched, rang: false };
        let (now, mut sum) = (Time::at(Duration::from_secs(5)), Traffic::default());
        tripwires.moved(now, &mut sum);
        assert_eq!(sum.inbound, Some(now));
    }
}
