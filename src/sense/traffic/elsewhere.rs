//! Processes of the tree that live in another network namespace than ours (`ip netns exec`,
//! `unshare -n`, bubblewrap): their TCP connections. Root asks socket diagnosis in there; for
//! others the counters of that namespace stand in. Sockets of other kinds have tripwires, wherever
//! they are.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::linux::fs::MetadataExt;

use nix::unistd::Pid;

use super::deaths::Death;
use super::dialogue::Dialogue;
use super::holdings::Holdings;
use super::inet_diag;
use super::known::Whose;
use super::namespace::{Moved, NamespaceSense, Stand, net};
use super::proc_tcp;
use super::sources::{Extent, Sources};
use super::tcp::{self, Ask, TcpSense};
use super::wire::{Message, messages};
use crate::decide::event::{Sight, Unseen};
use crate::decide::time::Time;
use crate::decide::traffic::{Payload, Traffic, Way};
use crate::sense::traffic::sockets::Findings;
use crate::sys::netlink::SockDiag;
use crate::sys::process::Process;

/// The other namespaces, by inode.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    networks: BTreeMap<u64, Network>,
}

/// What is known of all looks at TCP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub(super) sources: &'a Sources,
    /// When the generation began.
    pub(super) began: Time,
    /// When something moved counts, and how much.
    pub(super) wanted: (bool, bool),
    /// The tree used CPU time since the last look.
    pub(super) ran: bool,
    /// The same since all its sockets were looked at.
    pub(super) ran_since_survey: bool,
}

/// One of them.
#[derive(Debug)]
struct Network {
    /// One of the tree's processes there.
    member: Pid,
    /// Sockets that live there and ask; or why there are none.
    inside: nix::Result<Inside>,
    counters: NamespaceSense,
    /// The tree listens there, as of the last survey that asked the counters.
    listens: bool,
}

#[derive(Debug)]
struct Inside {
    dialogue: Dialogue,
    tcp: TcpSense,
    deaths: SockDiag,
    /// What was announced since the last look, and whether some of it was lost.
    dead: Vec<Death>,
    lost: bool,
    unclear: Vec<Death>,
    buffer: Vec<u8>,
}

/// So many announcements are received at a time: the queue holds a few hundred.
const MOST_AT_ONCE: usize = 1 << 10;
/// More unclear deaths than these tell nothing new.
const MOST_UNCLEAR: usize = 256;
/// The kernel announces each death in a datagram of its own, of some 500 bytes.
const DATAGRAM: usize = 4 << 10;

impl Elsewhere {
    /// Receives what was announced there since the last look.
    pub(super) fn drain(&mut self, now: Time) {
        for network in self.networks.values_mut() {
            if let Ok(inside) = &mut network.inside {
                inside.drain(now);
            }
        }
    }

    /// Whether a connection ended there, of which the last look did not know.
    pub(super) fn has_news(&self) -> bool {
        let inside = self.networks.values().filter_map(|network| network.inside.as_ref().ok());
        inside.into_iter().any(|inside| inside.lost || !inside.dead.is_empty())
    }

    /// Asks what moved last, and hears of connections that ended.
    pub(super) fn ask_hottest(&mut self, scope: Scope<'_>, findings: &mut Findings<'_>) {
        let now = findings.now;
        for network in self.networks.values_mut() {
            if let Ok(inside) = &mut network.inside {
                inside.hear(now, scope, findings.sum);
                inside.tcp.ask_hottest(now, &mut inside.dialogue, Ask::All, findings.sum);
                if !inside.unclear.is_empty() {
                    // A survey will tell whose they were.
                    findings.sum.note_unsure(now);
                }
            } else if network.count(scope, findings).is_none() {
                // The process that showed them may be gone: a survey finds another.
                findings.sum.note_unsure(now);
            }
        }
    }

    /// Looks at all TCP sockets of the other namespaces, and takes them out of what the tree holds
    /// where they have times.
    ///
    /// # Errors
    /// Not even counters can be seen.
    pub(super) fn survey(
        &mut self,
        members: &[Process],
        holdings: &mut Holdings,
        (scope, not_these): (Scope<'_>, &[u64]),
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        self.find(members, scope, findings);
        let mut seen = Ok(());
        for network in self.networks.values_mut() {
            let again = match &mut network.inside {
                Ok(inside) => inside.survey(members, holdings, (scope, not_these), findings),
                Err(error) => Err(*error),
            };
            if let Err(error) = again {
                network.inside = Err(error);
                seen = seen.and(network.count_together(holdings, scope, error, findings));
            }
        }
        seen
    }

    /// Finds out which namespaces the tree is in by now. One that it has left is let go: our
    /// sockets keep it alive.
    fn find(&mut self, members: &[Process], scope: Scope<'_>, findings: &mut Findings<'_>) {
        let ours = inode("/proc/self/ns/net");
        let mut before = std::mem::take(&mut self.networks);
        for process in members.iter().filter(|process| !process.is_zombie()) {
            let member = process.id.pid;
            let path = format!("/proc/{member}/ns/net");
            let Some(inode) = inode(&path).filter(|inode| Some(*inode) != ours) else { continue };
            if self.networks.contains_key(&inode) {
                continue;
            }
            let network = match before.remove(&inode) {
                Some(known) => Network { member, ..known },
                None => {
                    // What moved before that is not known.
                    findings.sum.note_unsure(findings.now);
                    let inside = Inside::enter(&path, scope);
                    let counters = NamespaceSense::default();
                    Network { member, inside, counters, listens: false }
                }
            };
            self.networks.insert(inode, network);
        }
    }

    /// Adds what has moved there, if that is counted.
    pub(super) fn add_payload(&mut self, payload: &mut Payload) {
        let inside = self.networks.values_mut().filter_map(|network| network.inside.as_mut().ok());
        for more in inside.filter_map(|inside| inside.tcp.payload().moved()) {
            payload.add_all(&more);
        }
    }

    /// The payload of all connections there; `None`: it is not known.
    pub(super) fn carried(&mut self) -> Option<u64> {
        let mut sum = 0_u64;
        for network in self.networks.values_mut() {
            sum = sum.saturating_add(network.inside.as_mut().ok()?.tcp.payload().carried()?);
        }
        Some(sum)
    }
}

impl Network {
    /// The counters stand in.
    fn count_together(
        &mut self,
        holdings: &Holdings,
        scope: Scope<'_>,
        error: nix::Error,
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        let rows = proc_tcp::rows(&net(self.member.as_raw())).unwrap_or_default();
        let ours = || rows.iter().filter(|row| holdings.has(row.inode));
        self.listens = ours().any(|row| row.listening);
        if ours().any(|row| row.unread > 0) {
            findings.sum.note_unsure(findings.now);
        }
        let unseen = Unseen { what: Sight::Elsewhere, errno: error as i32 };
        self.count(scope, findings).ok_or(unseen)?;
        findings.unseen.push(unseen);
        Ok(())
    }

    /// Accepted connections are the tree's if it listens there; all other movement may be another
    /// program's of that network. `None`: it cannot be seen.
    fn count(&mut self, scope: Scope<'_>, findings: &mut Findings<'_>) -> Option<()> {
        self.counters.begin_look_at(self.member.as_raw());
        let accepts = self.counters.moved(Stand::Accepts)?;
        let segments = self.counters.moved(Stand::Segments)?;
        if scope.ran && accepts == Moved::Yes && self.listens {
            findings.sum.note_imprecisely(Way::Inbound, findings.now);
        }
        if scope.ran && segments != Moved::No {
            findings.sum.note_unsure(findings.now);
        }
        Some(())
    }
}

impl Inside {
    /// # Errors
    /// We may not, or the kernel has no socket diagnosis.
    fn enter(path: &str, scope: Scope<'_>) -> nix::Result<Self> {
        let errno =
            |error: std::io::Error| nix::Error::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
        let network = File::open(path).map_err(errno)?;
        let deaths = SockDiag::open_in(network.as_fd())?.for_deaths()?;
        deaths.hear_deaths(true)?;
        Ok(Self {
            dialogue: Dialogue::over(SockDiag::open_in(network.as_fd())?),
            tcp: TcpSense::new(scope.began, scope.wanted),
            deaths,
            dead: Vec::new(),
            lost: false,
            unclear: Vec::new(),
            buffer: Vec::new(),
        })
    }

    fn survey(
        &mut self,
        members: &[Process],
        holdings: &mut Holdings,
        (scope, not_these): (Scope<'_>, &[u64]),
        findings: &mut Findings<'_>,
    ) -> nix::Result<()> {
        let now = findings.now;
        self.hear(now, scope, findings.sum);
        let (dialogue, choice) = (&mut self.dialogue, (scope.sources, not_these));
        self.tcp.survey(now, dialogue, holdings, members, choice, findings.sum)?;
        // Those that are unclear ended after the tree had run.
        let then = Scope { ran_since_survey: true, ..scope };
        for death in std::mem::take(&mut self.unclear) {
            self.bury(&death, then, findings.sum);
        }
        // Whose they are is as clear as it will ever be: unknown is not quiet.
        let counts = scope.sources.tcp == Extent::All;
        let unclear = std::mem::take(&mut self.unclear).into_iter().filter(|_| counts);
        if let Some(at) = unclear.map(|death| death.last_data).max() {
            findings.sum.note_unsure(at);
        }
        Ok(())
    }

    /// Receives what was announced since the last time. In a flood, the rest waits for the next.
    fn drain(&mut self, now: Time) {
        self.buffer.resize(DATAGRAM, 0);
        for _ in 0..MOST_AT_ONCE {
            let datagram = match self.deaths.receive(&mut self.buffer) {
                Ok(datagram) => datagram,
                Err(nix::Error::ENOBUFS) => {
                    self.lost = true;
                    continue;
                }
                Err(_) => break,
            };
            self.dead.extend(messages(datagram).filter_map(|message| {
                let Message::Socket(body) = message else { return None };
                let socket = inet_diag::socket(body)?;
                Some(Death { socket, last_data: tcp::moved_at(&socket, now).unwrap_or(now) })
            }));
        }
    }

    /// Hears of connections that ended since the last look.
    fn hear(&mut self, now: Time, scope: Scope<'_>, sum: &mut Traffic) {
        if std::mem::take(&mut self.lost) && scope.ran {
            sum.note_unsure(now);
        }
        for death in std::mem::take(&mut self.dead) {
            self.bury(&death, scope, sum);
        }
    }

    /// Counts what a connection said before it died, if it is known to be the tree's.
    fn bury(&mut self, death: &Death, scope: Scope<'_>, sum: &mut Traffic) {
        match self.tcp.whose(death, scope.sources) {
            Whose::Ours(way) if scope.sources.tcp.has(way) => self.tcp.count_dead(death, way, sum),
            Whose::Ours(_) | Whose::Nobodys => {}
            // A tree that has not run has opened and closed nothing.
            Whose::Unclear if !scope.ran && !scope.ran_since_survey => {}
            Whose::Unclear if self.unclear.len() < MOST_UNCLEAR => self.unclear.push(*death),
            Whose::Unclear if scope.sources.tcp == Extent::All => sum.note_unsure(death.last_data),
            Whose::Unclear => {}
        }
    }
}

/// Which namespace that is.
fn inode(path: &str) -> Option<u64> {
    std::fs::metadata(path).ok().map(|namespace| namespace.st_ino())
}
