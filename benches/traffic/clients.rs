//! Those who talk to the wrapped servers.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStdin};
use std::time::{Duration, Instant};

use crate::common::shared_micros;
use crate::kinds::{Kind, PLACE};
use crate::servers::Stream;

/// A client of one generation.
pub(crate) enum Client<'a> {
    Connected(Box<dyn Stream>),
    /// Connects for each request.
    Short(Kind, &'a Path),
    Datagrams(UdpSocket),
    Writer(&'a ChildStdin),
}

impl<'a> Client<'a> {
    pub(crate) fn new(kind: Kind, path: &'a Path, stdin: Option<&'a ChildStdin>) -> Self {
        match kind {
            Kind::Tcp | Kind::Work | Kind::Unix => Self::Connected(connect(kind, path)),
            Kind::TcpShort | Kind::UnixShort => Self::Short(kind, path),
            Kind::Udp => {
                let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
                socket.connect(PLACE).unwrap();
                Self::Datagrams(socket)
            }
            Kind::Stdin => Self::Writer(stdin.unwrap()),
        }
    }

    /// Sends one byte and waits for it to come back, where it does. Tells the time right before.
    pub(crate) fn ask(&mut self) -> i128 {
        let mut answer = [0];
        match self {
            Self::Connected(stream) => {
                let at = shared_micros();
                stream.write_all(b"x").unwrap();
                stream.read_exact(&mut answer).unwrap();
                at
            }
            Self::Short(kind, path) => {
                let mut stream = connect(*kind, path);
                let at = shared_micros();
                stream.write_all(b"x").unwrap();
                stream.read_exact(&mut answer).unwrap();
                // The server closes first.
                assert_eq!(stream.read(&mut answer).unwrap(), 0);
                at
            }
            Self::Datagrams(socket) => {
                let at = shared_micros();
                socket.send(b"x").unwrap();
                socket.recv(&mut answer).unwrap();
                at
            }
            Self::Writer(pipe) => {
                let at = shared_micros();
                pipe.write_all(b"x").unwrap();
                at
            }
        }
    }
}

fn connect(kind: Kind, path: &Path) -> Box<dyn Stream> {
    match kind {
        Kind::Unix | Kind::UnixShort => Box::new(UnixStream::connect(path).unwrap()),
        _ => Box::new(TcpStream::connect(PLACE).unwrap()),
    }
}

/// Asks so many times a second, each of the clients in turn. Tells the time of the last time.
pub(crate) fn chatter(clients: &mut [Client<'_>], span: Duration, pause: Duration) -> i128 {
    let began = Instant::now();
    let mut due = Duration::ZERO;
    let mut last = 0;
    for at in (0..clients.len()).cycle() {
        due += pause;
        if due > span {
            break;
        }
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        last = clients[at].ask();
    }
    std::thread::sleep(span.saturating_sub(began.elapsed()));
    last
}

pub(crate) fn end(mut child: Child) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
    child.wait().unwrap();
}
