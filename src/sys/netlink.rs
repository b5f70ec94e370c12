//! A netlink socket to the kernel's socket diagnosis (`sock_diag(7)`). Bytes in, bytes out.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    socket,
};

use super::beside;

/// The socket.
#[derive(Debug)]
pub(crate) struct SockDiag(OwnedFd);

/// Which messages a socket receives, by the local port of the TCP socket that they are about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PortFilter<'a> {
    Only(&'a [u16]),
    AllBut(&'a [u16]),
}

/// Groups that are told of each dying TCP socket (`SKNLGRP_INET_TCP_DESTROY` and its like of IPv6,
/// `linux/sock_diag.h`).
const DEATHS: [libc::c_int; 2] = [1, 3];

impl SockDiag {
    /// # Errors
    /// `EPERM`, `EAFNOSUPPORT`, `EPROTONOSUPPORT`: forbidden or not built in; `EMFILE`.
    pub(crate) fn open() -> nix::Result<Self> {
        let protocol = SockProtocol::NetlinkSockDiag;
        socket(AddressFamily::Netlink, SockType::Datagram, SockFlag::SOCK_CLOEXEC, protocol)
            .map(Self)
    }

    /// The same in another network namespace, open as a file of `/proc/PID/ns`. We never enter it
    /// ourselves: a way back that fails would be the end of all we do.
    ///
    /// # Errors
    /// `EPERM`: only root may (`setns(2)`); those of `open`.
    #[expect(unsafe_code, reason = "nix has setns only with a feature that nothing else needs")]
    pub(crate) fn open_in(network: BorrowedFd<'_>) -> nix::Result<Self> {
        let mut opened = Err(Errno::ECHILD);
        beside::run(|| {
            // SAFETY: it touches no memory.
            let entered = unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) };
            opened = Errno::result(entered).and_then(|_| Self::open());
        })?;
        opened
    }

    /// Becomes one that is not asked, but told of each TCP socket that dies in its namespace, from
    /// `hear_deaths` on.
    ///
    /// # Errors
    /// As for `open`.
    pub(crate) fn for_deaths(self) -> nix::Result<Self> {
        bind(self.0.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(self)
    }

    /// One that is not asked, but told of each TCP socket that dies, from `hear_deaths` on.
    ///
    /// # Errors
    /// As for `open`.
    pub(crate) fn open_for_deaths() -> nix::Result<Self> {
        Self::open()?.for_deaths()
    }

    /// Joins or leaves the groups that are told of deaths. While nobody is in them they cost
    /// nothing.
    ///
    /// # Errors
    /// `EPERM`; `ENOENT`, `EINVAL`: the kernel does not have them.
    #[expect(unsafe_code, reason = "nix does not know the option")]
    pub(crate) fn hear_deaths(&self, hear: bool) -> nix::Result<()> {
        let option =
            if hear { libc::NETLINK_ADD_MEMBERSHIP } else { libc::NETLINK_DROP_MEMBERSHIP };
        for group in DEATHS {
            // SAFETY: the kernel reads one int, which `group` is.
            Errno::result(unsafe {
                libc::setsockopt(
                    self.0.as_raw_fd(),
                    libc::SOL_NETLINK,
                    option,
                    (&raw const group).cast(),
                    libc::socklen_t::try_from(size_of_val(&group)).unwrap_or_default(),
                )
            })?;
        }
        Ok(())
    }

    /// Has the kernel drop messages before they reach this socket, by the local port of the TCP
    /// socket that they are about: a program for its packet filter (`SO_ATTACH_FILTER`,
    /// `socket(7)`). It replaces the one before.
    ///
    /// # Errors
    /// `ENOMEM`; `EINVAL`: too many ports (some 2,000).
    #[expect(unsafe_code, reason = "nix does not know the option")]
    pub(crate) fn filter_local_ports(&self, filter: PortFilter<'_>) -> nix::Result<()> {
        // Behind the header of a message, `struct inet_diag_msg` has it in network order.
        const LOCAL_PORT: u32 = 16 + 4;
        let step = |code: u32, on_true, on_false, k| libc::sock_filter {
            code: u16::try_from(code).unwrap_or_default(),
            jt: on_true,
            jf: on_false,
            k,
        };
        // What the filter returns is how many bytes of the message are kept.
        let (ports, named, unnamed) = match filter {
            PortFilter::Only(ports) => (ports, u32::MAX, 0),
            PortFilter::AllBut(ports) => (ports, 0, u32::MAX),
        };
        let mut program = vec![step(libc::BPF_LD | libc::BPF_H | libc::BPF_ABS, 0, 0, LOCAL_PORT)];
        for port in ports {
            let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
            program.push(step(equal, 0, 1, u32::from(*port)));
            program.push(step(libc::BPF_RET | libc::BPF_K, 0, 0, named));
        }
        program.push(step(libc::BPF_RET | libc::BPF_K, 0, 0, unnamed));
        let whole = libc::sock_fprog {
            len: u16::try_from(program.len()).map_err(|_| Errno::EINVAL)?,
            filter: program.as_mut_ptr(),
        };
        // SAFETY: the kernel reads one `sock_fprog`, and `len` steps behind its pointer.
        Errno::result(unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ATTACH_FILTER,
                (&raw const whole).cast(),
                libc::socklen_t::try_from(size_of_val(&whole)).unwrap_or_default(),
            )
        })
        .map(drop)
    }

    /// # Errors
    /// Those of `send(2)`.
    pub(crate) fn send(&self, request: &[u8]) -> nix::Result<()> {
        send(self.0.as_raw_fd(), request, MsgFlags::empty()).map(drop)
    }

    /// The next datagram. The kernel writes answers while it is asked, so there is nothing to wait
    /// for.
    ///
    /// # Errors
    /// `EAGAIN`: there is none; `ENOBUFS`: one was lost.
    pub(crate) fn receive<'a>(&self, buffer: &'a mut [u8]) -> nix::Result<&'a [u8]> {
        let length = recv(self.0.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT)?;
        Ok(buffer.get(..length).unwrap_or_default())
    }
}

/// How many datagrams are received at once, and how long each may be: the kernel announces every
/// destroyed socket in one of some 500 bytes.
const AT_ONCE: usize = 32;
const LONGEST: usize = 1 << 10;

/// Room for many datagrams that are received by one system call.
#[derive(Debug, Default)]
pub(crate) struct Bulk(Vec<u8>);

impl SockDiag {
    /// Receives what waits, up to 32 datagrams, and hands each to `each`. One that is longer than
    /// 1 KiB is cut. Tells how many there were.
    ///
    /// # Errors
    /// `EAGAIN`: none waits; `ENOBUFS`: some were lost before those that wait now.
    #[expect(unsafe_code, reason = "nix allocates for each call")]
    pub(crate) fn receive_many(
        &self,
        bulk: &mut Bulk,
        mut each: impl FnMut(&[u8]),
    ) -> nix::Result<usize> {
        bulk.0.resize(AT_ONCE * LONGEST, 0);
        // SAFETY: both structures are plain data; zero is a valid value of each.
        let (mut vectors, mut headers): ([libc::iovec; AT_ONCE], [libc::mmsghdr; AT_ONCE]) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        let places = bulk.0.chunks_exact_mut(LONGEST).zip(&mut vectors).zip(&mut headers);
        for ((place, vector), header) in places {
            *vector = libc::iovec { iov_base: place.as_mut_ptr().cast(), iov_len: place.len() };
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: each header leads to one vector, and each vector to memory of its own in `bulk`;
        // all of them live until the call returns. No timeout is given.
        let received = Errno::result(unsafe {
            libc::recvmmsg(
                self.0.as_raw_fd(),
                headers.as_mut_ptr(),
                u32::try_from(AT_ONCE).unwrap_or_default(),
                // The C libraries do not agree on the type of this one.
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        })?;
        let received = usize::try_from(received).unwrap_or_default();
        for (header, place) in headers.iter().zip(bulk.0.chunks_exact(LONGEST)).take(received) {
            let length = usize::try_from(header.msg_len).unwrap_or_default();
            each(place.get(..length).unwrap_or(place));
        }
        Ok(received)
    }
}

impl AsFd for SockDiag {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
