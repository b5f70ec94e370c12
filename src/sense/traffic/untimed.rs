//! Sockets for which the kernel keeps no time: UDP, Unix and whatever else. What each one is, and
//! whether it leads out of the tree; the tripwires do the rest.

use std::collections::{BTreeMap, BTreeSet};

use nix::unistd::Pid;

use super::dialogue::Dialogue;
use super::holdings::{Holder, Holdings};
use super::inet_diag::{self, FAMILIES, Protocol, State};
use super::sources::Sources;
use super::unix_diag;
use crate::decide::awake::Mover;
use crate::decide::traffic::Way;
use crate::sys::process::Process;
use crate::sys::sockets::{Fetched, Owner};

/// A socket that leads out of the tree, and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Untimed {
    pub(super) inode: u64,
    pub(super) holder: Holder,
    /// `None`: only the socket itself can tell.
    pub(super) nature: Option<Nature>,
    /// Bytes that wait to be read; that they are more or less than before is traffic.
    pub(super) unread: u32,
    /// Something waits that will move on: connections to be accepted, bytes that the other end is
    /// to read.
    pub(super) waits: bool,
}

/// What a socket is, as far as its traffic goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nature {
    pub(super) kind: Kind,
    pub(super) way: Way,
    /// That it exists at all is traffic.
    pub(super) is_connection: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Udp,
    Unix,
    /// Unix, and others connect to it.
    UnixListener,
    Other,
}

impl Kind {
    /// It, as what moved.
    pub(super) fn mover(self) -> Mover {
        match self {
            Self::Udp => Mover::Udp,
            Self::Unix => Mover::Unix,
            Self::UnixListener => Mover::UnixListener,
            Self::Other => Mover::Other,
        }
    }
}

/// Those that lead out of the tree, and what nobody can say anything about.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) sockets: Vec<Untimed>,
    /// A Unix socket that may be the tree's, held by a process that does not show what it holds.
    pub(super) hidden_unix: bool,
    /// TCP is among them, and other means tell of its traffic.
    pub(super) tcp_is_elsewhere: bool,
}

/// Sorts what is left of the tree's sockets when TCP has been taken out, or is counted elsewhere.
/// `is_known`: whether a socket was there the last time.
pub(super) fn survey(
    dialogue: &mut Dialogue,
    holdings: &mut Holdings,
    (members, is_known): (&[Process], impl Fn(u64) -> bool),
    (sources, not_these): (&Sources, &[u64]),
    tcp_is_elsewhere: bool,
) -> Survey {
    for inode in not_these {
        holdings.take(*inode);
    }
    let mut survey = Survey { tcp_is_elsewhere, ..Survey::default() };
    let hidden_unix = holdings.hidden.is_some() && sources.unix.is_something();
    if holdings.is_empty() && !hidden_unix {
        return survey;
    }
    // A kernel that does not tell leaves them among the others.
    let _ = udp(dialogue, holdings, sources, &mut survey.sockets);
    if !holdings.is_empty() || hidden_unix {
        let choice = (sources, not_these);
        let told = unix(dialogue, holdings, (members, is_known), choice, &mut survey);
        survey.hidden_unix |= hidden_unix && told.is_err();
    }
    let rest = holdings.drain().into_iter();
    survey.sockets.extend(rest.map(|(inode, holder)| Untimed {
        inode,
        holder,
        nature: None,
        unread: 0,
        waits: false,
    }));
    survey
}

/// What a socket is of which socket diagnosis does not tell: of another network namespace (there
/// live the Unix connections that came from one), of another family, or all of them, if diagnosis
/// is forbidden. `None`: nothing can move on it that counts.
pub(super) fn nature(
    socket: &Fetched,
    sources: &Sources,
    tcp_is_elsewhere: bool,
) -> Option<Nature> {
    let is_connection = socket.is_connected();
    let portless = sources.ports.let_portless_pass();
    match socket.family()? {
        // Those lead to the kernel.
        libc::AF_NETLINK | libc::AF_ALG | libc::AF_KEY => None,
        libc::AF_UNIX => {
            let kind = if socket.is_listening() { Kind::UnixListener } else { Kind::Unix };
            let way = if socket.is_named() { Way::Inbound } else { Way::Outbound };
            let counts = sources.unix.has(way) && portless;
            counts.then_some(Nature { kind, way, is_connection })
        }
        libc::AF_INET | libc::AF_INET6 if socket.is_unbound() => None,
        libc::AF_INET | libc::AF_INET6 if socket.protocol() == Some(libc::IPPROTO_UDP) => {
            let way = if is_connection { Way::Outbound } else { Way::Inbound };
            let kind = Kind::Udp;
            sources.udp.has(way).then_some(Nature { kind, way, is_connection: false })
        }
        libc::AF_INET | libc::AF_INET6 if socket.protocol() == Some(libc::IPPROTO_TCP) => {
            let (kind, way) = (Kind::Other, Way::Inbound);
            let counts = !tcp_is_elsewhere && sources.tcp.has(way);
            counts.then_some(Nature { kind, way, is_connection })
        }
        _ => {
            let (kind, way) = (Kind::Other, Way::Inbound);
            let counts = sources.others.has(way) && portless;
            counts.then_some(Nature { kind, way, is_connection })
        }
    }
}

fn udp(
    dialogue: &mut Dialogue,
    holdings: &mut Holdings,
    sources: &Sources,
    found: &mut Vec<Untimed>,
) -> nix::Result<()> {
    let mut ours = Vec::new();
    for family in FAMILIES {
        let each = |body: &[u8]| {
            let Some(socket) = inet_diag::socket(body) else { return };
            if let Some(holder) = holdings.take(socket.inode) {
                ours.push((socket, holder));
            }
        };
        dialogue.ask(&inet_diag::dump(family, Protocol::Udp), each)?;
    }
    let ends: BTreeSet<_> = ours.iter().map(|(socket, _)| socket.id.ends()).collect();
    for (socket, holder) in ours {
        let (here, there) = socket.id.ends();
        let connected = socket.state == State::Connected;
        // Two that are connected to each other, or one to itself, stay inside the tree.
        let within = connected && ends.contains(&(there, here));
        let way = if connected { Way::Outbound } else { Way::Inbound };
        if !within && sources.udp.has(way) && sources.ports.let_pass([here.1, there.1]) {
            let nature = Some(Nature { kind: Kind::Udp, way, is_connection: false });
            let (inode, unread) = (socket.inode, socket.unread);
            found.push(Untimed { inode, holder, nature, unread, waits: false });
        }
    }
    Ok(())
}

/// What is kept of a Unix socket until all are known.
struct Unix {
    inode: u64,
    listening: bool,
    name: Option<Vec<u8>>,
    peer: Option<u64>,
    unread: u32,
    unsent: u32,
}

fn unix(
    dialogue: &mut Dialogue,
    holdings: &mut Holdings,
    (members, is_known): (&[Process], impl Fn(u64) -> bool),
    (sources, not_these): (&Sources, &[u64]),
    survey: &mut Survey,
) -> nix::Result<()> {
    let (mut ours, mut hidden) = (Vec::new(), Vec::new());
    let mut here = BTreeSet::new();
    let may_hide = holdings.hidden.is_some();
    let each = |body: &[u8]| {
        let Some(socket) = unix_diag::socket(body) else { return };
        let unix_diag::Socket { inode, listening, name, peer, unread, unsent } = socket;
        let name = name.map(<[u8]>::to_vec);
        let unix = Unix { inode, listening, name, peer, unread, unsent };
        if may_hide {
            here.insert(inode);
        }
        if holdings.has(inode) {
            ours.push(unix);
        } else if may_hide && !not_these.contains(&inode) {
            hidden.push(unix);
        }
    };
    dialogue.ask(&unix_diag::dump(), each)?;
    let inodes: BTreeSet<_> = ours.iter().map(|socket| socket.inode).collect();
    let mut born = Holdings::default();
    let stays = |peer: u64| inodes.contains(&peer);
    let is_new = |socket: &Unix| {
        !is_known(socket.inode) && socket.peer.is_some_and(|peer| peer != 0 && !stays(peer))
    };
    if ours.iter().any(is_new) {
        // Its other end is somebody else's, or in a process forked since the tree was walked.
        born.grow(members);
    }
    // A pair without names in one namespace is taken to be the tree's with both its ends.
    let leads_out = |socket: &Unix| match socket.peer {
        Some(peer) => socket.name.is_some() || peer != 0 && !here.contains(&peer),
        None => socket.name.is_some(),
    };
    survey.hidden_unix = sources.unix.is_something() && hidden.iter().any(leads_out);
    let listeners: BTreeSet<_> =
        ours.iter().filter(|socket| socket.listening).map(|socket| socket.name.clone()).collect();
    for socket in ours {
        let Some(holder) = holdings.take(socket.inode) else { continue };
        let within = socket.peer.is_some_and(|peer| stays(peer) || born.has(peer));
        let accepted = socket.name.is_some() && listeners.contains(&socket.name);
        let bound = socket.peer.is_none() && socket.name.is_some();
        let way = if accepted || bound { Way::Inbound } else { Way::Outbound };
        if within || !sources.unix.has(way) || !sources.ports.let_portless_pass() {
            continue;
        }
        let kind = if socket.listening { Kind::UnixListener } else { Kind::Unix };
        survey.sockets.push(Untimed {
            inode: socket.inode,
            holder,
            nature: Some(Nature { kind, way, is_connection: socket.peer.is_some() }),
            unread: if socket.listening { 0 } else { socket.unread },
            // The kernel tells of a reader only when it has read most of what waits; and as long as
            // it waits, not even of bytes that come and are read at once. When the other end is
            // gone, nobody will read any more.
            waits: match socket.listening {
                true => socket.unread > 0,
                false => socket.unsent > 0 && socket.peer.is_some_and(|peer| peer != 0),
            },
        });
    }
    Ok(())
}

/// Fetches sockets from the processes that hold them.
#[derive(Debug, Default)]
pub(super) struct Fetcher(BTreeMap<Pid, nix::Result<Owner>>);

impl Fetcher {
    /// A copy of a socket: to be dropped at once, or the socket outlives its owner's close.
    /// `None`: it is gone.
    ///
    /// # Errors
    /// `EPERM`, `ENOSYS`: it is forbidden here, or for this process; `EMFILE`.
    pub(super) fn fetch(&mut self, inode: u64, holder: Holder) -> nix::Result<Option<Fetched>> {
        let fd = holder.fd.ok_or(nix::Error::EOPNOTSUPP)?;
        let owner = self.0.entry(holder.pid).or_insert_with(|| Owner::open(holder.pid));
        let fetched = match owner {
            Ok(owner) => owner.fetch(fd),
            Err(error) => Err(*error),
        };
        match fetched {
            // Another one may have its number by now.
            Ok(fetched) => Ok(Some(fetched).filter(|socket| socket.inode() == Some(inode))),
            Err(nix::Error::EBADF | nix::Error::ESRCH) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
