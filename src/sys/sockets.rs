//! Another process's sockets: fetched, asked what they are, and told to ring us.
//!
//! Whoever fetches one holds a copy of it, and a socket lives as long as its last copy: drop it as
//! soon as it has been asked.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    SockaddrIn, SockaddrIn6, SockaddrStorage, UnixAddr, getpeername, getsockname,
};
use nix::unistd::Pid;

/// A process or thread whose descriptors can be fetched.
#[derive(Debug)]
pub(crate) struct Owner(OwnedFd);

/// A copy of a socket of another process.
#[derive(Debug)]
pub(crate) struct Fetched(OwnedFd);

impl Owner {
    /// # Errors
    /// `ESRCH`: it is gone; `ENOSYS`, `EPERM`: forbidden, or an old kernel (`pidfd_open(2)`);
    /// `EINVAL`: a thread, before Linux 6.9.
    pub(crate) fn open(pid: Pid) -> nix::Result<Self> {
        /// `PIDFD_THREAD`.
        const THREAD: i32 = libc::O_EXCL;
        match Self::open_as(pid, 0) {
            // It does not lead its thread group. Newer kernels say ENOENT.
            Err(Errno::EINVAL | Errno::ENOENT) => Self::open_as(pid, THREAD),
            opened => opened,
        }
    }

    #[expect(unsafe_code, reason = "nix has no pidfd_open")]
    fn open_as(pid: Pid, flags: i32) -> nix::Result<Self> {
        // SAFETY: the result is checked before it becomes an owned descriptor.
        unsafe { owned(libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), flags)) }.map(Self)
    }

    /// # Errors
    /// `EPERM`, `ENOSYS`: forbidden, or an old kernel; `EBADF`, `ESRCH`: gone
    /// (`pidfd_getfd(2)`).
    #[expect(unsafe_code, reason = "nix has no pidfd_getfd")]
    pub(crate) fn fetch(&self, fd: i32) -> nix::Result<Fetched> {
        // SAFETY: the result is checked before it becomes an owned descriptor.
        unsafe { owned(libc::syscall(libc::SYS_pidfd_getfd, self.0.as_raw_fd(), fd, 0)) }
            .map(Fetched)
    }
}

/// # Safety
/// A result of 0 or more must be a descriptor that nobody else owns.
#[expect(unsafe_code, reason = "takes ownership")]
unsafe fn owned(result: libc::c_long) -> nix::Result<OwnedFd> {
    let fd = i32::try_from(Errno::result(result)?).unwrap_or(-1);
    // SAFETY: see above.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether descriptors of processes that we may trace can be fetched at all: tried on ourselves.
///
/// # Errors
/// As for `Owner`.
pub(crate) fn can_fetch() -> nix::Result<()> {
    Owner::open(Pid::this())?.fetch(libc::STDIN_FILENO).map(drop)
}

impl Fetched {
    pub(crate) fn inode(&self) -> Option<u64> {
        nix::sys::stat::fstat(&self.0).ok().map(|stat| stat.st_ino)
    }

    /// The address family (`SO_DOMAIN`, `socket(7)`).
    pub(crate) fn family(&self) -> Option<i32> {
        self.option(libc::SO_DOMAIN)
    }

    /// The protocol within it (`SO_PROTOCOL`).
    pub(crate) fn protocol(&self) -> Option<i32> {
        self.option(libc::SO_PROTOCOL)
    }

    /// Whether others connect to it (`SO_ACCEPTCONN`).
    pub(crate) fn is_listening(&self) -> bool {
        self.option(libc::SO_ACCEPTCONN).is_some_and(|listens| listens != 0)
    }

    /// Whether it has another end.
    pub(crate) fn is_connected(&self) -> bool {
        getpeername::<SockaddrStorage>(self.0.as_raw_fd()).is_ok()
    }

    /// Whether it is a Unix socket with a name: an accepted one has its listener's.
    pub(crate) fn is_named(&self) -> bool {
        getsockname::<UnixAddr>(self.0.as_raw_fd()).is_ok_and(|name| !name.is_unnamed())
    }

    /// Whether it is an internet socket without a port: fresh, nothing can have moved on it.
    pub(crate) fn is_unbound(&self) -> bool {
        let fd = self.0.as_raw_fd();
        let v4 = getsockname::<SockaddrIn>(fd).map(|name| name.port());
        let v6 = getsockname::<SockaddrIn6>(fd).map(|name| name.port());
        v4.or(v6) == Ok(0)
    }

    /// Has the kernel send SIGIO to us whenever somebody connects to this listener
    /// (`O_ASYNC`, `fcntl(2)`). Tells whether that was so already.
    ///
    /// # Errors
    /// `EBUSY`: it rings somebody else.
    #[expect(unsafe_code, reason = "nix has no F_SETOWN")]
    pub(crate) fn ring(&self) -> nix::Result<bool> {
        let us = Pid::this().as_raw();
        // SAFETY: these commands of fcntl take an int or nothing, and touch no memory of ours.
        let control = |command, argument: i32| unsafe {
            Errno::result(libc::fcntl(self.0.as_raw_fd(), command, argument))
        };
        let owner = control(libc::F_GETOWN, 0)?;
        let flags = control(libc::F_GETFL, 0)?;
        let asks = flags & libc::O_ASYNC != 0;
        if asks && owner == us {
            return Ok(true);
        }
        if asks && owner != 0 {
            return Err(Errno::EBUSY);
        }
        control(libc::F_SETOWN, us)?;
        control(libc::F_SETFL, flags | libc::O_ASYNC)?;
        Ok(false)
    }

    #[expect(unsafe_code, reason = "nix cannot name all families")]
    fn option(&self, option: libc::c_int) -> Option<i32> {
        let mut value: libc::c_int = 0;
        let mut size = libc::socklen_t::try_from(size_of_val(&value)).ok()?;
        // SAFETY: the kernel writes at most `size` bytes into `value`, which has that many.
        let result = unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw mut value).cast(),
                &raw mut size,
            )
        };
        (result == 0).then_some(value)
    }
}

impl AsFd for Fetched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
