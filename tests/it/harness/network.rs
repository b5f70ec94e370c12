//! A network of the test's own: what other programs on the machine do in theirs may count as
//! traffic, and does not happen here.
#![expect(unsafe_code, reason = "unshare(2) of one thread, and the ioctls that raise lo")]

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::cell::Cell;
use std::ffi::c_char;
use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;

thread_local! {
    static HAS_OWN: Cell<bool> = const { Cell::new(false) };
}

/// Moves this thread, and whatever it starts from now on, into a network namespace of its own,
/// where only loopback is; a second call changes nothing. Every test has a thread of its own, and
/// all `Run`s of a test share one network. Sockets that were made before stay where they are, so
/// it comes first: `Run` and whatever here makes a socket sees to that. Not for the threads that a
/// test starts: they are in already, and would leave.
pub(crate) fn own_network() {
    if HAS_OWN.replace(true) {
        return;
    }
    // SAFETY: unshare(2) of the network touches no memory.
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    let error = io::Error::last_os_error();
    assert_eq!(result, 0, "tests need root: a network of their own: {error}");
    raise_loopback().unwrap();
}

/// Does something in the network of another process, in a thread of its own.
pub(crate) fn in_network_of<T: Send>(pid: i32, act: impl FnOnce() -> T + Send) -> T {
    let network = File::open(format!("/proc/{pid}/ns/net")).unwrap();
    let enter = || {
        // SAFETY: setns(2) touches no memory.
        let result = unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) };
        assert_eq!(result, 0, "setns: {}", io::Error::last_os_error());
        act()
    };
    std::thread::scope(|scope| scope.spawn(enter).join()).unwrap()
}

fn raise_loopback() -> io::Result<()> {
    let any = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: all zeros is a valid value of this plain C structure.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as c_char;
    }
    let mut ask = |code, flags: libc::c_int| {
        // SAFETY: the field of the union that both calls are about; its type has no invalid value.
        unsafe { request.ifr_ifru.ifru_flags |= flags as i16 };
        // SAFETY: both calls read and write a `struct ifreq`, which this is.
        match unsafe { libc::ioctl(any.as_raw_fd(), code, &raw mut request) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    ask(libc::SIOCGIFFLAGS, 0)?;
    ask(libc::SIOCSIFFLAGS, libc::IFF_UP)
}

/// On a port that the kernel chooses.
pub(crate) fn listener() -> TcpListener {
    own_network();
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// A port that was free a moment ago, for programs that must be told one.
pub(crate) fn free_port() -> u16 {
    listener().local_addr().unwrap().port()
}
