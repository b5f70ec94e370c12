//! The other end of the fixture's sockets, and of real servers.

use super::{CEILING, now_ms};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, UnixAddr, connect, setsockopt, socket,
    sockopt,
};
use std::ffi::c_int;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A connection that stays open until it is dropped.
pub(crate) struct Client(BufReader<Box<dyn Stream>>);

impl Client {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(CEILING))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(Box::new(stream))))
    }

    fn unix(stream: UnixStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(CEILING))?;
        Ok(Self(BufReader::new(Box::new(stream))))
    }

    /// `HOST:PORT` or a path. An error means that nobody listens (yet).
    pub(crate) fn connect(address: &str) -> io::Result<Self> {
        match address.contains('/') {
            true => Self::unix(UnixStream::connect(address)?),
            false => Self::new(TcpStream::connect(address)?),
        }
    }

    /// Over a Unix socket that keeps messages apart.
    pub(crate) fn seqpacket(path: &str) -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
        connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
        Self::unix(UnixStream::from(socket))
    }

    /// Over MPTCP, as long as the other end speaks it.
    #[expect(unsafe_code, reason = "nix does not know the protocol")]
    pub(crate) fn mptcp(address: &str) -> io::Result<Self> {
        let address: SocketAddr = address.parse().unwrap();
        let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
        // SAFETY: it touches no memory; the result is checked before it is owned.
        let socket = unsafe {
            let fd = Errno::result(libc::socket(family, kind, libc::IPPROTO_MPTCP))?;
            OwnedFd::from_raw_fd(fd)
        };
        connect(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
        Self::new(TcpStream::from(socket))
    }

    /// Asks the other end every second whether it is still there.
    pub(crate) fn with_keepalive(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        for option in [libc::TCP_KEEPIDLE, libc::TCP_KEEPINTVL] {
            set_tcp_option(&stream, option, 1)?;
        }
        setsockopt(&stream, sockopt::KeepAlive, &true)?;
        Self::new(stream)
    }

    pub(crate) fn send(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub(crate) fn receive_line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "the connection was closed after {line:?}");
        line.trim_end().to_owned()
    }

    /// One line there, one line back. Returns the answer, and a time before anything was sent.
    pub(crate) fn exchange(&mut self, line: &str) -> (String, i64) {
        let before_ms = now_ms();
        self.send(line);
        (self.receive_line(), before_ms)
    }

    /// The same with somebody who may be about to leave.
    pub(crate) fn try_exchange(&mut self, line: &str) -> io::Result<i64> {
        let before_ms = now_ms();
        self.0.get_mut().write_all(format!("{line}\n").as_bytes())?;
        match self.0.read_line(&mut String::new())? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(before_ms),
        }
    }

    /// Waits for the other end to close, or to break off. What else comes is skipped.
    pub(crate) fn receive_end(&mut self) {
        let result = io::copy(&mut self.0, &mut io::sink());
        // A read that has waited for the ceiling says that it would block.
        let waited = result.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        assert!(!waited, "the connection was never closed");
    }

    /// Whatever comes until the other end closes.
    pub(crate) fn receive_all(&mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        text
    }

    /// Waits for so many bytes.
    pub(crate) fn receive(&mut self, bytes: usize) {
        self.0.read_exact(&mut vec![0; bytes]).unwrap();
    }
}

/// The next datagram, as far as there is room for it. A wait that has a timeout is broken off by
/// signals which mean nothing to us (signal(7)): the end of what another test has started, say.
pub(crate) fn receive_datagram(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match socket.recv(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[expect(unsafe_code, reason = "nix has these only with a feature that nothing else needs")]
fn set_tcp_option(stream: &TcpStream, option: c_int, value: c_int) -> io::Result<()> {
    let size = size_of::<c_int>() as libc::socklen_t;
    let (fd, value) = (stream.as_raw_fd(), (&raw const value).cast());
    // SAFETY: the value is an int of ours, and its size is given.
    match unsafe { libc::setsockopt(fd, libc::IPPROTO_TCP, option, value, size) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A server outside of COMMAND's tree, on threads of its own which last as long as the tests do:
/// answers every line, and sends a datagram nowhere. Returns its address.
#[expect(clippy::disallowed_methods, reason = "tests have other ends")]
pub(crate) fn answer_lines(listener: TcpListener) -> String {
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut client = BufReader::new(stream?);
            std::thread::spawn(move || -> io::Result<()> {
                let mut line = String::new();
                while client.read_line(&mut line)? > 0 {
                    client.get_mut().write_all(b"ok\n")?;
                }
                Ok(())
            });
        }
        io::Result::Ok(())
    });
    address
}

/// One HTTP request on a connection of its own: the status line and the body. An error means that
/// nobody serves right now.
pub(crate) fn http(port: u16, request: &str, body: &[u8]) -> io::Result<(String, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(CEILING))?;
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok((head.lines().next().unwrap_or_default().to_owned(), body.to_owned()))
}
