//! The commands that are wrapped while something is measured: this program again, in another role.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::mman::{MapFlags, ProtFlags, mmap};
use nix::sys::socket::{Backlog, listen};

use crate::common::{shared_micros, term_fd};

/// Runs the role that these words name.
pub(crate) fn run(words: &[String]) {
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let number = |at: usize| word(at).parse::<u64>().unwrap();
    match word(0) {
        "grow" => grow(number(1), Duration::from_millis(number(2)), word(3), word(4)),
        "fork" => fork(number(1), number(2) << 20, number(3), word(4)),
        "serve" => serve(number(1)),
        "produce" => produce(number(1), number(2)),
        "discard" => discard(),
        "live" => live(Duration::from_millis(number(1)), word(2)),
        other => panic!("no such role: {other:?}"),
    }
}

/// One line more in this file.
fn tell(path: &str, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// What `grow` must not exceed.
pub(crate) const LIMIT: u64 = 300 << 20;
/// Pages that exist already: fresh ones cost too much on a virtual machine to grow this fast.
pub(crate) const PIECE: u64 = 128 << 20;
/// Only a loop that nobody ends comes this far.
const MOST: u64 = 8 << 30;
/// Up to here everybody grows fast: there is nothing to measure yet.
const HEAD_START: u64 = 200 << 20;
const HEAD_START_RATE: f64 = 1e9;

fn resident_bytes() -> u64 {
    crate::process::Memory::of(std::process::id()).unwrap().rss_kb * 1024
}

/// Waits for a random part of `pause`, then grows at `rate` bytes a second until TERM. Tells then
/// how many microseconds ago the limit was crossed, by how many bytes it is exceeded, and how many
/// bytes a second it has grown since it was crossed.
fn grow(rate: u64, pause: Duration, pages: &str, result: &str) {
    let term = term_fd();
    // Pids are as good as random here.
    std::thread::sleep(pause.mul_f64(f64::from(std::process::id() * 7919 % 1000) / 1000.0));
    let pages = File::open(pages).unwrap();
    let length = std::num::NonZeroUsize::new(PIECE as usize).unwrap();
    let map = || {
        let flags = MapFlags::MAP_SHARED;
        // SAFETY: the mapping is of a file of this length that nobody truncates.
        unsafe {
            let start = mmap(None, length, ProtFlags::PROT_READ, flags, &pages, 0).unwrap();
            std::slice::from_raw_parts::<u8>(start.cast().as_ptr(), length.get())
        }
    };
    let mut piece = map();
    let baseline = resident_bytes();
    let head_start = HEAD_START as f64 / HEAD_START_RATE;
    let began = Instant::now();
    let (mut touched, mut sum) = (0_u64, 0_u64);
    let mut crossed = None;
    while touched < MOST {
        if crossed.is_none() && baseline + touched > LIMIT {
            crossed = Some(shared_micros());
        }
        if matches!(term.read_signal(), Ok(Some(_))) {
            let Some(at) = crossed else { return };
            let ago = shared_micros() - at;
            let excess = (baseline + touched).saturating_sub(LIMIT);
            let speed = excess as f64 / (ago as f64 / 1e6);
            return tell(result, &format!("{ago} {excess} {speed:.0}"));
        }
        let seconds = began.elapsed().as_secs_f64();
        let grown = (seconds - head_start).max(0.0) * rate as f64;
        let due = (grown + seconds.min(head_start) * HEAD_START_RATE) as u64;
        if touched >= due {
            std::thread::sleep(Duration::from_micros(50));
        }
        while touched < due.min(MOST) {
            let at = touched % PIECE;
            if at == 0 && touched > 0 {
                piece = map();
            }
            sum += u64::from(piece[at as usize]);
            touched += 4096;
        }
    }
    panic!("nobody ended this: {sum}");
}

/// So many workers share this many bytes with us; we grow at `rate` bytes a second until TERM.
/// The file holds, at any time, how many bytes we have.
fn fork(workers: u64, bytes: u64, rate: u64, result: &str) {
    let mut held = vec![vec![1_u8; bytes as usize]];
    for _ in 0..workers {
        // SAFETY: one thread; the child does nothing but wait.
        if let nix::unistd::ForkResult::Child = unsafe { nix::unistd::fork() }.unwrap() {
            loop {
                std::thread::park();
            }
        }
    }
    let file = File::create(result).unwrap();
    let baseline = resident_bytes();
    let began = Instant::now();
    let mut grown = 0;
    while grown < MOST / 4 {
        let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
        while grown + (1 << 20) <= due {
            held.push(vec![1; 1 << 20]);
            grown += 1 << 20;
            file.write_at(format!("{:>15}", baseline + grown).as_bytes(), 0).unwrap();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Tells when it starts to run, and when it ends: when told to or, unless that is 0, after `span`.
fn live(span: Duration, result: &str) {
    tell(result, &format!("started {}", shared_micros()));
    let term = term_fd();
    let mut fds = [PollFd::new(term.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(span).unwrap();
    poll(&mut fds, if span.is_zero() { PollTimeout::NONE } else { timeout }).unwrap();
    tell(result, &format!("ended {}", shared_micros()));
}

/// Accepts `count` connections on a port that it prints, and reads all that comes.
fn serve(count: u64) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // All may knock at once: a client whose knock is lost tries again after a second.
    listen(&listener, Backlog::MAXALLOWABLE).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    std::io::stdout().flush().unwrap();
    let term = term_fd();
    let mut connections: Vec<TcpStream> = Vec::new();
    while (connections.len() as u64) < count {
        let (connection, _) = listener.accept().unwrap();
        connection.set_nonblocking(true).unwrap();
        connections.push(connection);
    }
    println!("ready");
    std::io::stdout().flush().unwrap();
    let mut buffer = [0; 4096];
    while !matches!(term.read_signal(), Ok(Some(_))) {
        for connection in &mut connections {
            while matches!(connection.read(&mut buffer), Ok(1..)) {}
        }
        let mut fds = [PollFd::new(term.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::from(20_u8)).unwrap();
    }
    println!("stopping {}", shared_micros());
}

/// What a pipe holds.
const PIPE: usize = 64 << 10;

/// Writes so many bytes, in lines of this length, as fast as they are taken. Lines end anywhere in
/// what is written at once, as they do when a program fills a buffer.
fn produce(bytes: u64, length: u64) {
    let length = usize::try_from(length).unwrap();
    let end = |at: usize| if (at + 1).is_multiple_of(length) { b'\n' } else { b'x' };
    let pattern: Vec<u8> = (0..PIPE + length).map(end).collect();
    // Not buffered: standard output would look for the ends of lines.
    let mut out = File::from(std::io::stdout().as_fd().try_clone_to_owned().unwrap());
    let mut left = usize::try_from(bytes).unwrap();
    let mut at = 0;
    while left > 0 {
        let piece = left.min(PIPE);
        out.write_all(&pattern[at..at + piece]).unwrap();
        at = (at + piece) % length;
        left -= piece;
    }
}

/// Reads to the end, and tells how much that was.
fn discard() {
    let mut input = File::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let mut buffer = vec![0; PIPE];
    let mut bytes = 0;
    loop {
        match input.read(&mut buffer).unwrap() {
            0 => break,
            read => bytes += read,
        }
    }
    println!("{bytes}");
}
