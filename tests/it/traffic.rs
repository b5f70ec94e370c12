//! Traffic on every kind of socket: what keeps a generation awake, what does not, and that
//! nobody's sockets suffer from being watched.

mod arms;
mod background;
mod counters;
mod ends;
mod floor;
mod kinds;
mod mptcp;
mod networks;
mod reconnect;
mod ring;
mod short;
mod strangers;
mod threads;
mod users;
mod words;

use crate::harness::{
    Client, Running, UNIX_IDLENESS, let_pass, let_pass_since, now_ms, own_network, receive_datagram,
};
use crate::idle::{assert_goes_idle, server};
use std::io;
use std::net::UdpSocket;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

/// With `--idle 1s`: so often keeps it awake.
const BEAT: Duration = Duration::from_millis(600);

/// What a client of `WORLD` says something to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Tcp,
    OtherTcp,
    Udp,
    Unix,
}

/// A server behind every door. Ports need not be chosen: the network is the test's own.
const WORLD: &str = "bg:udp:7003 bg:listen:./socket bg:listen:7002 listen:7001";

impl Door {
    fn address(self, run: &Running) -> String {
        match self {
            Self::Tcp => "127.0.0.1:7001".to_owned(),
            Self::OtherTcp => "127.0.0.1:7002".to_owned(),
            Self::Udp => "127.0.0.1:7003".to_owned(),
            Self::Unix => run.dir().join("socket").display().to_string(),
        }
    }

    /// A line there and back, on a connection of its own. Returns a time before that; an error
    /// means that nobody is there right now.
    fn knock(self, run: &Running) -> io::Result<i64> {
        let address = self.address(run);
        match self {
            Self::Udp => ask_udp(&address),
            _ => Client::connect(&address)?.try_exchange("hello"),
        }
    }
}

/// A datagram there and back, through a socket of its own.
fn ask_udp(address: &str) -> io::Result<i64> {
    let any = if address.starts_with('[') { "[::1]:0" } else { "127.0.0.1:0" };
    let socket = UdpSocket::bind(any)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.connect(address)?;
    let before_ms = now_ms();
    socket.send(b"hello\n")?;
    receive_datagram(&socket, &mut [0; 64])?;
    Ok(before_ms)
}

/// Takes datagrams and never says anything.
fn silent_udp() -> UdpSocket {
    own_network();
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

/// A world in which every door is open.
fn world(options: &str) -> Running {
    let mut run = server(options, WORLD);
    run.await_entries(4, "listening");
    run
}

/// A server at this address: idleness of one on a Unix socket may be lost.
fn server_at(address: &str, action: &str) -> Running {
    let run = server("--idle 1s", &format!("{action}:{address}"));
    if address.starts_with("./") { run.losing(UNIX_IDLENESS) } else { run }
}

/// The first one to knock, at a server that has been up for a second: what is over before a socket
/// was first seen is known of TCP alone.
fn arm(run: &Running, door: Door) -> i64 {
    let_pass(Duration::from_secs(1));
    door.knock(run).unwrap()
}

/// Beats so often that no window passes without one, then silence: recycled, and not before the
/// time. Between two beats half a window is left for a machine that is slow. If the machine is so
/// slow that a window passes between two beats, the recycle comes then, and not before.
fn assert_awake_while(run: &mut Running, mut beat: impl FnMut(&mut Running) -> i64) {
    let mut last_ms = beat(run);
    for _ in 0..5 {
        let_pass_since(last_ms, BEAT);
        let beaten = catch_unwind(AssertUnwindSafe(|| beat(run)));
        match beaten {
            // It may have reached the next generation.
            _ if was_told(run) => break,
            Ok(before_ms) => last_ms = before_ms,
            Err(failure) => resume_unwind(failure),
        }
    }
    assert_goes_idle(run, last_ms, 1000);
}

/// Whether the first generation was told to end.
fn was_told(run: &Running) -> bool {
    !run.entries("got TERM").is_empty()
}

/// One recycle has happened; no other one follows, since nothing has followed it.
fn assert_no_more(run: &mut Running) {
    if run.has_lost() {
        assert_eq!((run.recycles().len(), run.generations()), (0, 1));
        return;
    }
    run.await_entry(2, "listening");
    let_pass(Duration::from_millis(2500));
    assert_eq!((run.recycles().len(), run.generations()), (1, 2));
}

/// Noise that goes on and on, until the next generation is there: it does not count.
fn assert_idle_in_spite_of(run: &mut Running, armed_ms: i64, mut noise: impl FnMut(&mut Running)) {
    let mut rounds = 0;
    run.wait_for("a recycle in spite of the noise", |run| {
        noise(run);
        let_pass(Duration::from_millis(300));
        rounds += 1;
        (run.generations() > 1 || run.has_lost() && rounds == 5).then_some(())
    });
    assert_goes_idle(run, armed_ms, 1000);
}
