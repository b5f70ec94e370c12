//! The other programs on the host: threads of the test, which is not part of any COMMAND's tree.
//! They stop when they are dropped, and fail the test if one of them did nothing.

use crate::harness::{let_pass, listener, now_ms, own_network, receive_datagram};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello";

const MOST_AT_ONCE: i64 = 200;

/// A thread that does the same thing again and again.
struct Stranger {
    name: &'static str,
    rounds: Arc<AtomicU64>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

pub(super) struct Strangers {
    stop: Arc<AtomicBool>,
    all: Vec<Stranger>,
}

impl Strangers {
    fn none() -> Self {
        own_network();
        Self { stop: Arc::default(), all: Vec::new() }
    }

    /// The five: a poller with its server, which answers short requests, a health checker, a
    /// client of a name server, and two ends of one connection that is never quiet.
    pub(super) fn five() -> Self {
        let mut strangers = Self::none();
        let server = serve(listener());
        let resolver = answer_datagrams();
        let (mut near, mut far) = pair(&listener());
        let every = Duration::from_millis;
        strangers.add("poller", every(500), move || poll(server));
        strangers.add("health checker", every(700), move || TcpStream::connect(server).map(drop));
        strangers.add("DNS client", every(300), move || resolve(resolver));
        strangers.add("keep-alive pair", every(20), move || {
            near.write_all(b"ping")?;
            far.read_exact(&mut [0; 4])?;
            far.write_all(b"pong")?;
            near.read_exact(&mut [0; 4])
        });
        strangers
    }

    /// So many short connections a second, from one thread to itself; more at once if it is late,
    /// but not so many that nothing else runs.
    pub(super) fn crowd(a_second: u32) -> Self {
        let mut strangers = Self::none();
        let listener = listener();
        let (began_ms, mut made) = (now_ms(), 0);
        strangers.add("crowd", Duration::from_millis(10), move || {
            let due = (now_ms() - began_ms) * i64::from(a_second) / 1000;
            let count = (due - made).min(MOST_AT_ONCE);
            made += count;
            (0..count).try_for_each(|_| exchange(&listener))
        });
        strangers
    }

    #[expect(clippy::disallowed_methods, reason = "tests have other ends")]
    fn add(
        &mut self,
        name: &'static str,
        every: Duration,
        mut act: impl FnMut() -> io::Result<()> + Send + 'static,
    ) {
        let rounds = Arc::<AtomicU64>::default();
        let (stop, count) = (Arc::clone(&self.stop), Arc::clone(&rounds));
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                act()?;
                count.fetch_add(1, Ordering::Relaxed);
                let_pass(every);
            }
            Ok(())
        });
        self.all.push(Stranger { name, rounds, thread: Some(thread) });
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ends = self.all.iter_mut().filter_map(|it| Some((it.thread.take()?.join(), it)));
        let failed: Vec<_> = ends
            .filter(|(end, it)| {
                !matches!(end, Ok(Ok(()))) || it.rounds.load(Ordering::Relaxed) == 0
            })
            .map(|(end, it)| format!("{}: {end:?}", it.name))
            .collect();
        assert!(std::thread::panicking() || failed.is_empty(), "strangers failed: {failed:?}");
    }
}

/// Answers each connection and closes it, for as long as the tests run.
#[expect(clippy::disallowed_methods, reason = "tests have other ends")]
fn serve(listener: TcpListener) -> SocketAddr {
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream);
        }
    });
    address
}

/// A health checker says nothing, and is gone.
fn answer(mut stream: TcpStream) -> io::Result<()> {
    if stream.read(&mut [0; 1024])? > 0 {
        stream.write_all(ANSWER)?;
    }
    Ok(())
}

fn poll(server: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(server)?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

/// Sends each datagram back, for as long as the tests run.
#[expect(clippy::disallowed_methods, reason = "tests have other ends")]
fn answer_datagrams() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..length], client);
        }
    });
    address
}

/// A question on a socket of its own, as resolvers in C libraries do.
fn resolve(resolver: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    socket.connect(resolver)?;
    socket.send(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x04test\0\0\x01\0\x01")?;
    receive_datagram(&socket, &mut [0; 512]).map(drop)
}

fn pair(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    for end in [&near, &far] {
        end.set_nodelay(true).unwrap();
    }
    (near, far)
}

/// A request and its answer, 512 bytes, on a connection that both ends close.
fn exchange(listener: &TcpListener) -> io::Result<()> {
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    near.write_all(&[b'x'; 256])?;
    far.read_exact(&mut [0; 256])?;
    far.write_all(&[b'x'; 256])?;
    near.read_exact(&mut [0; 256])
}
