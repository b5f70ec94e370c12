//! When payload last moved on the tree's TCP sockets, asked of the kernel after the fact: it keeps
//! the time of the last byte for every socket, so precision does not depend on how often we look.

use std::collections::BTreeSet;
use std::time::Duration;

use super::inet_diag::{self, FAMILIES, Message, Request, Socket, SocketId};
use crate::decide::event::{Sight, Traffic, Unseen};
use crate::decide::time::Time;
use crate::sense::procfs;
use crate::sys::netlink::SockDiag;
use crate::sys::process::Process;

/// The kernel's times have the resolution of its tick. Rather a tick late than early: 10 ms at the
/// slowest rate that Linux knows.
const TICK: Duration = Duration::from_millis(10);
/// A netlink dump comes in datagrams of at most this size.
const DATAGRAM: usize = 32 << 10;

/// The watcher of TCP sockets.
#[derive(Debug, Default)]
pub(super) struct TcpSense {
    diag: Option<SockDiag>,
    /// The socket that moved last, and whether COMMAND accepted it.
    hottest: Option<(SocketId, bool)>,
    buffer: Vec<u8>,
}

impl TcpSense {
    /// Asks the socket that moved last. `None`: there is none, or it is gone.
    pub(super) fn ask_hottest(&mut self, now: Time) -> Option<Traffic> {
        let (id, accepted) = self.hottest?;
        let mut found = None;
        let asked = self.exchange(&Request::ask(id), |socket| found = Some(socket));
        let moved = asked.ok().and(found).and_then(|socket| moved_at(&socket, now));
        if moved.is_none() {
            self.hottest = None;
        }
        moved.map(|at| traffic(at, accepted))
    }

    /// Looks at all sockets of these processes but those in `not_these`.
    ///
    /// # Errors
    /// The kernel does not tell which sockets there are, or a process not which it holds.
    pub(super) fn look(
        &mut self,
        now: Time,
        members: &[Process],
        not_these: &[u64],
    ) -> Result<Traffic, Unseen> {
        let mut ours = BTreeSet::new();
        for process in members.iter().filter(|process| !process.is_zombie()) {
            collect_sockets(process, &mut ours)?;
        }
        for inode in not_these {
            ours.remove(inode);
        }
        let mut sockets = Vec::new();
        for family in FAMILIES {
            let keep = |socket: Socket| {
                if ours.contains(&socket.inode) {
                    sockets.push(socket);
                }
            };
            self.exchange(&Request::dump(family), keep).map_err(unseen)?;
        }
        Ok(self.weigh(now, &sockets))
    }

    fn weigh(&mut self, now: Time, sockets: &[Socket]) -> Traffic {
        let listeners = || sockets.iter().filter(|socket| socket.listening);
        let mut sum = Traffic::default();
        if listeners().any(|listener| listener.receive_queue > 0) {
            // Connections that wait to be accepted are the next requests.
            sum.inbound = Some(now);
        }
        let connected = || sockets.iter().filter(|socket| !socket.listening);
        let ours: BTreeSet<_> = connected().map(|socket| socket.id.ends().0).collect();
        let mut hottest: Option<(Time, (SocketId, bool))> = None;
        // Where both ends are ours, nothing leaves the tree.
        for socket in connected().filter(|socket| !ours.contains(&socket.id.ends().1)) {
            let Some(at) = moved_at(socket, now) else { continue };
            let accepted = listeners().any(|listener| listener.local_port == socket.local_port);
            let one = traffic(at, accepted);
            sum.inbound = sum.inbound.max(one.inbound);
            sum.outbound = sum.outbound.max(one.outbound);
            if hottest.is_none_or(|(most, _)| at > most) {
                hottest = Some((at, (socket.id, accepted)));
            }
        }
        self.hottest = hottest.map(|(_, socket)| socket);
        sum
    }

    /// Sends a request and hands every socket of the answer to `each`.
    fn exchange(&mut self, request: &Request, mut each: impl FnMut(Socket)) -> nix::Result<()> {
        let diag = match self.diag.take() {
            Some(diag) => diag,
            None => SockDiag::open()?,
        };
        self.buffer.resize(DATAGRAM, 0);
        diag.send(request.bytes())?;
        let result = 'answer: loop {
            let datagram = match diag.receive(&mut self.buffer) {
                Ok(datagram) => datagram,
                Err(error) => break Err(error),
            };
            for message in inet_diag::messages(datagram) {
                match message {
                    Message::Socket(socket) => {
                        each(socket);
                        if request.has_one_answer() {
                            break 'answer Ok(());
                        }
                    }
                    Message::Done => break 'answer Ok(()),
                    Message::Error(errno) => break 'answer Err(nix::Error::from_raw(errno)),
                }
            }
        };
        // After a broken answer the rest of it may still come: only a whole one leaves the socket
        // fit for the next request.
        if result.is_ok() {
            self.diag = Some(diag);
        }
        result
    }
}

fn traffic(at: Time, accepted: bool) -> Traffic {
    let (inbound, outbound) = if accepted { (Some(at), None) } else { (None, Some(at)) };
    Traffic { inbound, outbound, imprecise: false }
}

fn moved_at(socket: &Socket, now: Time) -> Option<Time> {
    socket.last_data.map(|age| now.before(age.saturating_sub(TICK)))
}

fn unseen(error: nix::Error) -> Unseen {
    Unseen { what: Sight::Connections, errno: error as i32 }
}

/// The inodes of a process's sockets. One that has gone has none.
fn collect_sockets(process: &Process, inodes: &mut BTreeSet<u64>) -> Result<(), Unseen> {
    let path = format!("/proc/{}/fd", process.id.pid);
    let unseen = |error: std::io::Error| match error.raw_os_error() {
        Some(libc::ENOENT | libc::ESRCH) => Ok(()),
        errno => Err(Unseen { what: Sight::Sockets, errno: errno.unwrap_or(libc::EIO) }),
    };
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) => return unseen(error),
    };
    for entry in entries.flatten() {
        match std::fs::read_link(entry.path()) {
            Ok(link) => {
                let name = std::os::unix::ffi::OsStrExt::as_bytes(link.as_os_str());
                inodes.extend(procfs::socket_inode(name));
            }
            Err(error) => unseen(error)?,
        }
    }
    Ok(())
}
