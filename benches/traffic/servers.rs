//! The commands that are wrapped while something is measured: this program again, as a server that
//! gives every byte back at once. On TERM it says when that came, and when its last traffic was.

use std::collections::BTreeMap;
use std::hint::spin_loop;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::time::{ClockId, clock_gettime};

use crate::common::{shared_micros, term_fd};
use crate::kinds::{Kind, PLACE};

pub(crate) trait Stream: Read + Write + AsFd {}
impl<T: Read + Write + AsFd> Stream for T {}

/// Runs the role that these words name: a kind of traffic, and a path for it.
pub(crate) fn run(words: &[String]) {
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == word(0));
    Server::open(kind.unwrap(), word(1)).serve();
}

/// Where clients come in.
enum Door {
    Tcp(TcpListener),
    Udp(UdpSocket),
    Unix(UnixListener),
    Stdin,
}

const TERM: u64 = 0;
const DOOR: u64 = 1;

struct Server {
    kind: Kind,
    epoll: Epoll,
    door: Door,
    /// By the number that stands for it in events.
    connections: BTreeMap<u64, Box<dyn Stream>>,
    newest: u64,
    /// Right before the last byte went out.
    last: i128,
}

impl Server {
    fn open(kind: Kind, path: &str) -> Self {
        let door = match kind {
            Kind::Tcp | Kind::TcpShort | Kind::Work => Door::Tcp(TcpListener::bind(PLACE).unwrap()),
            Kind::Udp => Door::Udp(UdpSocket::bind(PLACE).unwrap()),
            Kind::Unix | Kind::UnixShort => {
                // The generation before left it.
                let _ = std::fs::remove_file(path);
                Door::Unix(UnixListener::bind(path).unwrap())
            }
            Kind::Stdin => Door::Stdin,
        };
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
        Self { kind, epoll, door, connections: BTreeMap::new(), newest: DOOR, last: 0 }
    }

    fn add(&self, fd: impl AsFd, number: u64) {
        self.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, number)).unwrap();
    }

    fn serve(mut self) {
        let term = term_fd();
        self.add(&term, TERM);
        match &self.door {
            Door::Tcp(listener) => self.add(listener, DOOR),
            Door::Udp(socket) => self.add(socket, DOOR),
            Door::Unix(listener) => self.add(listener, DOOR),
            Door::Stdin => self.add(std::io::stdin(), DOOR),
        }
        say("ready");
        let mut events = [EpollEvent::empty(); 64];
        loop {
            let count = self.epoll.wait(&mut events, EpollTimeout::NONE).unwrap();
            for event in &events[..count] {
                match event.data() {
                    TERM => return say(&format!("stopping {} {}", shared_micros(), self.last)),
                    DOOR => self.answer_the_door(),
                    number => self.answer(number),
                }
            }
        }
    }

    fn answer_the_door(&mut self) {
        let mut buffer = [0; 64];
        let connection: Box<dyn Stream> = match &self.door {
            Door::Tcp(listener) => Box::new(listener.accept().unwrap().0),
            Door::Unix(listener) => Box::new(listener.accept().unwrap().0),
            Door::Udp(socket) => {
                let (count, from) = socket.recv_from(&mut buffer).unwrap();
                self.last = shared_micros();
                socket.send_to(&buffer[..count], from).unwrap();
                return;
            }
            Door::Stdin => {
                // Its writer knows when it wrote. At the end of input TERM is still awaited.
                if nix::unistd::read(std::io::stdin(), &mut buffer) == Ok(0) {
                    self.epoll.delete(std::io::stdin()).unwrap();
                }
                return;
            }
        };
        self.newest += 1;
        self.add(&connection, self.newest);
        self.connections.insert(self.newest, connection);
    }

    fn answer(&mut self, number: u64) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let mut buffer = [0; 64];
        let count = connection.read(&mut buffer).unwrap_or(0);
        self.last = shared_micros();
        let answered = count > 0 && connection.write_all(&buffer[..count]).is_ok();
        if !answered || self.kind.is_short() {
            self.connections.remove(&number);
        }
        if answered && self.kind == Kind::Work {
            self.last = work();
        }
    }
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

/// Computes. Tells since when it took less than 5% of an idle time of 1 s: what came before that
/// must not be in the window any more when the decision falls.
fn work() -> i128 {
    const MICROS: i128 = 200_000;
    const QUIET_MICROS: i128 = 50_000;
    let mut course = vec![(shared_micros(), cpu_micros())];
    let end = course[0].1 + MICROS;
    while course.last().is_some_and(|(_, used)| *used < end) {
        for _ in 0..2000 {
            spin_loop();
        }
        course.push((shared_micros(), cpu_micros()));
    }
    let (_, all) = course[course.len() - 1];
    let loud = course.iter().rev().find(|(_, used)| all - used >= QUIET_MICROS);
    loud.unwrap().0
}

fn cpu_micros() -> i128 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap();
    i128::from(time.tv_sec()) * 1_000_000 + i128::from(time.tv_nsec()) / 1_000
}
