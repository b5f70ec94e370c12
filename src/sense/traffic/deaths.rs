//! TCP connections that come and go between two looks: the kernel announces each TCP socket of the
//! network namespace that it destroys, with its ports and times (`linux/sock_diag.h`).
//!
//! There are two subscriptions. One is for COMMAND's own ports: connections that it accepted. The
//! other one is for all the rest, which may be connections that COMMAND opened, or another
//! program's. The kernel filters both by port, so that other programs cannot fill the queue of the
//! first one.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd};

use super::inet_diag::{self, Socket};
use super::tcp;
use super::wire::{Message, messages};
use crate::decide::time::Time;
use crate::sys::netlink::{Bulk, PortFilter, SockDiag};

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

/// More deaths than this between two looks are a flood: for a while it is enough to know that.
const FLOOD: usize = 32;

/// So often is the queue asked at a time: it holds a few hundred, and may be filled meanwhile.
const MOST_BATCHES: usize = 64;

/// Both subscriptions.
#[derive(Debug, Default)]
pub(super) struct DeathSense {
    /// Open only while ports of COMMAND are known.
    accepted: Subscription,
    others: Subscription,
    bulk: Bulk,
}

/// What was announced since the last time.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) deaths: Vec<Death>,
    /// Of connections that COMMAND accepted, some were not announced to us.
    pub(super) accepted: Missed,
    /// The same of all others.
    pub(super) others: Missed,
    /// So many of the others were announced.
    pub(super) count_of_others: usize,
}

/// Whether more happened than was announced to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Missed {
    #[default]
    Nothing,
    /// More than the queue holds.
    Overflow,
    /// We were not subscribed, because so many died.
    Flood,
    /// We have only just subscribed for the first time.
    Began,
}

impl DeathSense {
    /// Subscribes, if that has not been done, to what is announced from now on.
    ///
    /// # Errors
    /// The kernel does not let us.
    pub(super) fn begin(&mut self) -> nix::Result<Missed> {
        if self.others.state != State::Never {
            return Ok(Missed::Nothing);
        }
        self.others.join(PortFilter::AllBut(&[]))?;
        Ok(Missed::Began)
    }

    /// What was announced since the last time, for a look: where we had left because of a flood of
    /// accepted connections, we subscribe again.
    pub(super) fn hear(&mut self, now: Time) -> Heard {
        let mut heard = Heard::default();
        if self.accepted.state == State::Left {
            heard.accepted = if self.accepted.rejoin() { Missed::Flood } else { Missed::Overflow };
        }
        self.overhear(now, &mut heard);
        heard
    }

    /// What was announced since the last time, between two looks.
    pub(super) fn overhear(&mut self, now: Time, heard: &mut Heard) {
        let deaths = &mut heard.deaths;
        let (count, lost) = self.accepted.drain(&mut self.bulk, now, |death| deaths.push(death));
        if lost && heard.accepted == Missed::Nothing {
            heard.accepted = Missed::Overflow;
        }
        let flood = count >= FLOOD || heard.accepted != Missed::Nothing;
        self.accepted.note_flood(flood);
        // The port may have become COMMAND's while its message waited: then both have it.
        let known: BTreeSet<_> = deaths.iter().map(|death| death.socket.id.cookie()).collect();
        let (count, lost) = self.others.drain(&mut self.bulk, now, |death| {
            if !known.contains(&death.socket.id.cookie()) {
                deaths.push(death);
            }
        });
        heard.count_of_others = count;
        heard.others = match self.others.state {
            State::Left => Missed::Flood,
            _ if lost => Missed::Overflow,
            _ => Missed::Nothing,
        };
    }

    /// Other programs' connections come and go in great numbers, while the tree does not run:
    /// unsubscribes from them until `resume`.
    pub(super) fn leave_others(&mut self) {
        self.others.leave();
    }

    /// The tree has run, and may have opened connections: we want to hear of those that follow.
    pub(super) fn resume(&mut self) {
        if self.others.state == State::Left {
            self.others.rejoin();
        }
    }

    /// Silence was broken. If many accepted connections ended before, we unsubscribe until the next
    /// look: to tell us of each costs the kernel more than us.
    pub(super) fn rest(&mut self) {
        if self.accepted.state == State::Flooded {
            self.accepted.leave();
        }
    }

    /// Whether many accepted connections ended not long ago, and the next one will make us rest.
    pub(super) fn is_flooded(&self) -> bool {
        self.accepted.state == State::Flooded
    }

    /// Unsubscribes; what follows is another generation's.
    pub(super) fn close(&mut self) {
        (self.accepted, self.others) = (Subscription::default(), Subscription::default());
    }

    /// A survey has found these ports: those that the tree listens on, and those that only other
    /// programs listen on. `only_accepted`: what COMMAND opened itself does not count.
    pub(super) fn sort_by_ports(&mut self, ours: &[u16], strange: &[u16], only_accepted: bool) {
        // In this order nothing is missed; what comes twice is known by its cookie.
        let follows = !ours.is_empty() && self.accepted.follow(PortFilter::Only(ours));
        if follows && only_accepted {
            self.others.leave();
            return;
        }
        let mut dropped = strange.to_vec();
        dropped.extend(ours.iter().filter(|_| follows));
        // Where the kernel cannot take that, more is announced than is of use.
        self.others.filter(PortFilter::AllBut(&dropped));
    }

    /// Readable when a connection ends that COMMAND accepted.
    pub(super) fn accepted_tripwire(&self) -> Option<BorrowedFd<'_>> {
        self.accepted.tripwire()
    }

    /// Readable when another one ends.
    pub(super) fn others_tripwire(&self) -> Option<BorrowedFd<'_>> {
        self.others.tripwire()
    }

    /// Whether we have unsubscribed from all but accepted connections.
    pub(super) fn has_left_others(&self) -> bool {
        self.others.state == State::Left
    }
}

/// Whether we are subscribed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Never,
    Joined,
    /// There were many the last time.
    Flooded,
    Left,
}

#[derive(Debug, Default)]
struct Subscription {
    socket: Option<SockDiag>,
    state: State,
    /// Of the filter in force.
    ports: Vec<u16>,
}

impl Subscription {
    /// # Errors
    /// The kernel does not let us.
    fn join(&mut self, filter: PortFilter<'_>) -> nix::Result<()> {
        let socket = SockDiag::open_for_deaths()?;
        let (PortFilter::Only(ports) | PortFilter::AllBut(ports)) = filter;
        if !ports.is_empty() {
            socket.filter_local_ports(filter)?;
        }
        socket.hear_deaths(true)?;
        *self = Self { socket: Some(socket), state: State::Joined, ports: ports.to_vec() };
        Ok(())
    }

    /// Subscribes to these ports, or changes the ports of the subscription. Tells whether we are
    /// subscribed to no others, or were until a flood came.
    fn follow(&mut self, filter: PortFilter<'_>) -> bool {
        let follows = match self.state {
            State::Never => self.join(filter).is_ok(),
            State::Joined | State::Flooded | State::Left => self.filter(filter),
        };
        if !follows {
            // The kernel takes a filter of some 2,000 ports at most.
            *self = Self::default();
        }
        follows
    }

    /// Whether the kernel has taken the filter.
    fn filter(&mut self, filter: PortFilter<'_>) -> bool {
        let (PortFilter::Only(ports) | PortFilter::AllBut(ports)) = filter;
        let Some(socket) = &self.socket else { return false };
        if ports == self.ports {
            return true;
        }
        let taken = socket.filter_local_ports(filter).is_ok();
        if taken {
            self.ports = ports.to_vec();
        }
        taken
    }

    fn rejoin(&mut self) -> bool {
        let joined = self.socket.as_ref().is_some_and(|socket| socket.hear_deaths(true).is_ok());
        if joined {
            self.state = State::Joined;
        }
        joined
    }

    fn leave(&mut self) {
        if let Some(socket) = &self.socket
            && self.state != State::Left
            && socket.hear_deaths(false).is_ok()
        {
            self.state = State::Left;
        }
    }

    fn note_flood(&mut self, flood: bool) {
        match self.state {
            State::Joined | State::Flooded if flood => self.state = State::Flooded,
            State::Joined | State::Flooded => self.state = State::Joined,
            State::Never | State::Left => {}
        }
    }

    fn tripwire(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().filter(|_| self.state != State::Left).map(AsFd::as_fd)
    }

    /// How many there were, and whether some were lost.
    fn drain(&self, bulk: &mut Bulk, now: Time, mut each: impl FnMut(Death)) -> (usize, bool) {
        let (mut count, mut lost) = (0, false);
        let Some(socket) = &self.socket else { return (count, lost) };
        for _ in 0..MOST_BATCHES {
            let received = socket.receive_many(bulk, |datagram| {
                for message in messages(datagram) {
                    count += 1;
                    let Message::Socket(body) = message else { continue };
                    if let Some(socket) = inet_diag::socket(body) {
                        let last_data = tcp::moved_at(&socket, now).unwrap_or(now);
                        each(Death { socket, last_data });
                    }
                }
            });
            match received {
                Ok(_) => {}
                Err(nix::Error::ENOBUFS) => lost = true,
                Err(_) => break,
            }
        }
        (count, lost)
    }
}
