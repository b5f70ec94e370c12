//! Standard input: did bytes move on it, are some unread, is its writer gone? Not a byte is
//! touched: COMMAND reads the same descriptor.
//!
//! A pipe and a terminal are watched with `inotify(7)` through `/proc/self/fd/0`. The way not
//! taken: an edge-triggered epoll, which tells nothing when COMMAND has read the bytes before we
//! look (the kernel asks the pipe again when events are fetched, and finds it empty). A socket is
//! watched with epoll for writability as well: it is nearly always writable, so that the event
//! stays.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::decide::event::{Sight, Unseen};
use crate::decide::rules::{Rules, Then};
use crate::sys::files::{self, Kind};

/// Tells whether bytes moved since it was asked last.
#[derive(Debug)]
enum Tripwire {
    Inotify(Inotify),
    Epoll(Epoll),
}

/// What sprung a tripwire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sprung {
    Bytes,
    /// The other end was closed, and bytes may have come before that.
    End,
}

/// The watcher of standard input.
#[derive(Debug)]
pub(crate) struct StdinSense {
    fd: BorrowedFd<'static>,
    kind: Kind,
    tripwire: Result<Tripwire, Unseen>,
    carried: bool,
    ended: bool,
    /// Lines of it wait between us and COMMAND.
    held_back: bool,
}

/// An option that standard input does not fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unfit {
    /// With its value, where it is another value that fits: `--then wait`.
    pub(crate) option: &'static str,
    pub(crate) why: &'static str,
}

/// The option, if any, that keeps COMMAND from being started with such a standard input.
pub(crate) fn unfit(rules: &Rules, kind: Kind) -> Option<Unfit> {
    if rules.lines.is_some() && kind == Kind::Messages {
        let why = "standard input is a socket of messages, which has no lines";
        Some(Unfit { option: "--stdin lines", why })
    } else if rules.then == Then::Wait && !kind.is_source() {
        let why = "standard input is not a pipe, socket or terminal: no input can be waited for";
        Some(Unfit { option: "--then wait", why })
    } else if rules.eof_timeout.is_some() && rules.lines.is_none() && !kind.is_source() {
        let why = "standard input is not a pipe, socket or terminal: its end cannot be seen";
        Some(Unfit { option: "--eof-timeout", why })
    } else {
        None
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.option, self.why)
    }
}

impl StdinSense {
    /// It cannot have traffic at all.
    pub(crate) const NOTHING: Unseen = Unseen { what: Sight::Input, errno: 0 };

    /// To be made before COMMAND is started: what moves before that is not seen. `watched`: anybody
    /// will ask whether bytes move. To close an inotify descriptor takes the kernel 17 ms, and the
    /// end of every command at a prompt would wait for that. `ends`: somebody wants to know of its
    /// end.
    pub(crate) fn new(fd: BorrowedFd<'static>, watched: bool, ends: bool) -> Self {
        let kind = if watched || ends { Kind::of(fd) } else { Kind::Nothing };
        let tripwire = if watched { Tripwire::on(fd, kind) } else { Err(Errno::EPERM) };
        let tripwire = tripwire.map_err(|error| Unseen { what: Sight::Input, errno: error as i32 });
        // COMMAND may read what waits now before we look again.
        let carried = kind.is_source() && files::unread(fd).is_some_and(|count| count > 0);
        Self { fd, kind, tripwire, carried, ended: !kind.is_source(), held_back: false }
    }

    /// Whether lines of it wait between us and COMMAND: they are unread.
    pub(crate) fn hold_back(&mut self, held_back: bool) {
        self.held_back = held_back;
    }

    /// Whether it can have traffic at all.
    pub(crate) fn is_source(&self) -> bool {
        self.kind.is_source()
    }

    /// Whether a look at it can tell anything.
    pub(crate) fn may_move(&self) -> bool {
        self.is_source() || self.held_back
    }

    /// # Errors
    /// The kernel does not let us watch.
    pub(crate) fn is_watched(&self) -> Result<(), Unseen> {
        match &self.tripwire {
            _ if !self.kind.is_source() => Err(Self::NOTHING),
            Ok(_) => Ok(()),
            Err(unseen) => Err(*unseen),
        }
    }

    /// Whether bytes moved since the last call, or wait to be read.
    ///
    /// # Errors
    /// The kernel does not let us watch.
    pub(crate) fn moved(&mut self) -> Result<bool, Unseen> {
        let unread = self.held_back || files::unread(self.fd).is_some_and(|count| count > 0);
        if !self.kind.is_source() {
            // A file has no tripwire, and its lines that wait are all that can be told of it.
            return Ok(unread && self.held_back);
        }
        let sprung = self.tripwire.as_ref().map(Tripwire::sprung).map_err(|unseen| *unseen)?;
        // The end of a socket springs it, too.
        let moved = sprung == Some(Sprung::Bytes) || sprung.is_some() && unread;
        self.carried |= moved || unread;
        Ok(moved || unread)
    }

    /// Whether its first bytes must not be missed: a socket tells them from its end only by when
    /// they come.
    pub(crate) fn awaits_first(&self) -> bool {
        matches!(self.kind, Kind::Socket | Kind::Messages) && !self.carried && !self.ended
    }

    /// Becomes readable when bytes move.
    pub(crate) fn tripwire(&self) -> Option<BorrowedFd<'_>> {
        match self.tripwire.as_ref().ok()? {
            Tripwire::Inotify(inotify) => Some(inotify.as_fd()),
            Tripwire::Epoll(epoll) => Some(epoll.0.as_fd()),
        }
    }

    /// To be watched for its end, until that has come.
    pub(crate) fn until_ended(&self) -> Option<BorrowedFd<'static>> {
        (!self.ended).then_some(self.fd)
    }

    /// Whether it has.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The writer is gone. Tells whether data had come before; where that cannot be known, it had.
    pub(crate) fn ended(&mut self) -> bool {
        self.ended = true;
        self.moved().is_err() || self.carried
    }
}

impl Tripwire {
    fn on(fd: BorrowedFd<'_>, kind: Kind) -> nix::Result<Self> {
        match kind {
            // One kind of event only: equal ones are merged while they wait, so they never pile up.
            Kind::Pipe => Self::inotify(AddWatchFlags::IN_MODIFY),
            // Output of COMMAND modifies a terminal, too; only input is read from it.
            Kind::Terminal => Self::inotify(AddWatchFlags::IN_ACCESS),
            Kind::Socket | Kind::Messages => Self::epoll(fd),
            Kind::File | Kind::Nothing => Err(nix::Error::EPERM),
        }
    }

    fn inotify(events: AddWatchFlags) -> nix::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        inotify.add_watch("/proc/self/fd/0", events)?;
        Ok(Self::Inotify(inotify))
    }

    fn epoll(fd: BorrowedFd<'_>) -> nix::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let edge = EpollFlags::EPOLLET | EpollFlags::EPOLLRDHUP;
        let events = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | edge;
        epoll.add(fd, EpollEvent::new(events, 0))?;
        let tripwire = Self::Epoll(epoll);
        // It reports once at once, although nothing moved.
        tripwire.sprung();
        Ok(tripwire)
    }

    /// What happened since the last call.
    fn sprung(&self) -> Option<Sprung> {
        match self {
            Self::Inotify(inotify) => inotify.read_events().ok().map(|_| Sprung::Bytes),
            Self::Epoll(epoll) => {
                let mut events = [EpollEvent::empty()];
                epoll.wait(&mut events, EpollTimeout::ZERO).ok().filter(|count| *count > 0)?;
                let ended = EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP;
                let [event] = events;
                Some(if event.events().intersects(ended) { Sprung::End } else { Sprung::Bytes })
            }
        }
    }
}
