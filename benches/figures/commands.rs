//! The commands that are wrapped while something is measured: this program again, in another role.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::sys::mman::{MapFlags, ProtFlags, mmap};

use crate::common::{shared_micros, term_fd};

/// Runs the role that these words name.
pub(crate) fn run(words: &[String]) {
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
    match words.first().map(String::as_str) {
        Some("grow") => grow(number(1), number(2)),
        Some("serve") => serve(number(1)),
        Some("say-when") => say_when(),
        other => panic!("no such role: {other:?}"),
    }
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// Grows at `rate` bytes a second by pages that exist already (fresh ones cost too much on a
/// virtual machine to grow this fast), until TERM; then prints how long ago `limit` was crossed, in
/// microseconds, and by how many bytes it is exceeded.
fn grow(rate: u64, limit: u64) {
    const MOST: u64 = 900 << 20;
    let term = term_fd();
    let name = c"pages";
    let file = nix::sys::memfd::memfd_create(name, nix::sys::memfd::MFdFlags::empty()).unwrap();
    let mut file = std::fs::File::from(file);
    for _ in 0..MOST >> 20 {
        file.write_all(&[1; 1 << 20]).unwrap();
    }
    let length = std::num::NonZeroUsize::new(MOST as usize).unwrap();
    // SAFETY: the mapping is of a file of this length that nobody truncates.
    let pages: &[u8] = unsafe {
        let flags = MapFlags::MAP_SHARED;
        let start = mmap(None, length, ProtFlags::PROT_READ, flags, file.as_fd(), 0).unwrap();
        std::slice::from_raw_parts(start.cast().as_ptr(), length.get())
    };
    let baseline = resident_bytes();
    let began = Instant::now();
    let mut touched = 0_u64;
    let mut crossed = None;
    let mut sum = 0_u64;
    while touched < MOST {
        if crossed.is_none() && baseline + touched > limit {
            crossed = Some(shared_micros());
        }
        if matches!(term.read_signal(), Ok(Some(_))) {
            let ago = crossed.map_or(0, |at| shared_micros() - at);
            println!("{ago} {}", (baseline + touched).saturating_sub(limit));
            return;
        }
        let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
        if touched >= due {
            std::thread::sleep(Duration::from_micros(50));
        }
        while touched < due.min(MOST) {
            sum += u64::from(pages[touched as usize]);
            touched += 4096;
        }
    }
    println!("never {sum}");
}

/// Says on stdout when it starts to run and when it is told to stop.
fn say_when() {
    println!("started {}", shared_micros());
    std::io::stdout().flush().unwrap();
    let term = term_fd();
    let mut fds = [nix::poll::PollFd::new(term.as_fd(), nix::poll::PollFlags::POLLIN)];
    nix::poll::poll(&mut fds, nix::poll::PollTimeout::NONE).unwrap();
    println!("stopping {}", shared_micros());
}

/// Accepts `count` connections on a port that it prints, and reads all that comes.
fn serve(count: u64) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
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
        let mut fds = [nix::poll::PollFd::new(term.as_fd(), nix::poll::PollFlags::POLLIN)];
        nix::poll::poll(&mut fds, nix::poll::PollTimeout::from(20_u8)).unwrap();
    }
    println!("stopping {}", shared_micros());
}
