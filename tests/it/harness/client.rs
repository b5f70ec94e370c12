//! The other end of the fixture's sockets, and of real servers.

use super::now_ms;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Reads do not wait for ever.
const CEILING: Duration = Duration::from_secs(20);

/// A connection that stays open until it is dropped.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(CEILING))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// An error means that nobody listens (yet).
    pub(crate) fn connect(address: &str) -> io::Result<Self> {
        Self::new(TcpStream::connect(address)?)
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

    /// Waits for so many bytes.
    pub(crate) fn receive(&mut self, bytes: usize) {
        self.0.read_exact(&mut vec![0; bytes]).unwrap();
    }
}

/// A port that was free a moment ago, for programs that must be told one.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
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
