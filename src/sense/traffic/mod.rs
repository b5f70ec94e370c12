//! When traffic last moved: on standard input, and on the tree's sockets.
//!
//! Sockets are TCP connections that are alive when looked at. Not seen yet: connections that came
//! and went between two looks, and sockets of other kinds; the man page says so.

mod inet_diag;
pub(crate) mod stdin;
mod tcp;

use std::os::fd::BorrowedFd;

use nix::sys::stat::{SFlag, fstat};

use self::stdin::StdinSense;
use self::tcp::TcpSense;
use crate::decide::event::{Traffic, TrafficLook, Unseen};
use crate::decide::time::Time;
use crate::sys::files;
use crate::sys::process::Process;

/// `--traffic`: what counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    pub(crate) stdin: bool,
    pub(crate) sockets: bool,
}

/// The watcher of all traffic.
#[derive(Debug)]
pub(crate) struct TrafficSense {
    sources: Sources,
    pub(crate) stdin: StdinSense,
    tcp: TcpSense,
    /// Sockets that are our own standard descriptors: not traffic.
    own: Vec<u64>,
    /// When the generation began: what moved before is not its traffic.
    began: Time,
    /// Whether a byte on standard input is to wake us.
    alert: bool,
}

impl TrafficSense {
    pub(crate) fn new(sources: Sources, stdin: StdinSense) -> Self {
        let own = [files::STDIN, files::STDOUT, files::STDERR];
        Self {
            sources,
            stdin,
            tcp: TcpSense::default(),
            own: own.into_iter().filter_map(socket_inode).collect(),
            began: Time::at(std::time::Duration::ZERO),
            alert: true,
        }
    }

    /// A new generation. Tells whether input waits for it, which is traffic at its start: it may
    /// have read that before anybody looks.
    pub(crate) fn began(&mut self, now: Time) -> bool {
        self.began = now;
        self.tcp = TcpSense::default();
        self.alert = true;
        // Asked in any case: that data came is to be known at the end of input.
        let waits = self.stdin.moved().unwrap_or(false);
        waits && self.sources.stdin
    }

    /// Becomes readable when silence breaks. While traffic is known to flow it wakes nobody.
    pub(crate) fn tripwire(&self) -> Option<BorrowedFd<'_>> {
        let wanted = self.alert && self.sources.stdin || self.stdin.awaits_first();
        self.stdin.tripwire().filter(|_| wanted)
    }

    /// The tripwire was readable; it keeps silent until the next look. Tells whether bytes moved.
    pub(crate) fn sprung(&mut self) -> bool {
        self.alert = false;
        self.stdin.moved().unwrap_or(false) && self.sources.stdin
    }

    /// When traffic last moved; `None`: it cannot be seen.
    pub(crate) fn look(
        &mut self,
        now: Time,
        look: TrafficLook,
        members: &[Process],
        unseen: &mut Vec<Unseen>,
    ) -> Option<Traffic> {
        let mut sum = match (look, self.sources.sockets) {
            (_, false) => Ok(Traffic::default()),
            (TrafficLook::Hottest, true) => Ok(self.tcp.ask_hottest(now).unwrap_or_default()),
            (TrafficLook::All, true) => self.tcp.look(now, members, &self.own),
        };
        let since = self.began;
        if let Ok(sum) = &mut sum {
            sum.inbound = sum.inbound.filter(|at| *at >= since);
            sum.outbound = sum.outbound.filter(|at| *at >= since);
        }
        self.alert = true;
        let moved = match self.sources.stdin && self.stdin.is_source() {
            true => self.stdin.moved(),
            false => Ok(false),
        };
        match (sum, moved) {
            (Ok(sum), Ok(false)) => Some(sum),
            // It moved at some time since the last look: nobody knows when.
            (Ok(sum), Ok(true)) => Some(Traffic { inbound: Some(now), imprecise: true, ..sum }),
            (sum, moved) => {
                unseen.extend(sum.err());
                unseen.extend(moved.err());
                None
            }
        }
    }
}

fn socket_inode(fd: BorrowedFd<'_>) -> Option<u64> {
    let stat = fstat(fd).ok()?;
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    (kind == SFlag::S_IFSOCK).then_some(stat.st_ino)
}
