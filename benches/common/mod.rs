//! What all measurements need: the binary that is measured, commands for it to wrap, clocks.

pub(crate) mod used;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The words of the role that this program was started in, if it is the wrapped command.
pub(crate) fn role() -> Option<Vec<String>> {
    let mut words = std::env::args().skip(1);
    (words.next().as_deref() == Some("command")).then(|| words.collect())
}

/// The binary that is measured.
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    /// How it was built, in words.
    pub(crate) build: &'static str,
}

/// Gets ready to measure, and builds what: the static musl build where that target is installed,
/// else the plain one.
pub(crate) fn begin() -> Binary {
    // Many connections need many descriptors.
    let files = nix::sys::resource::Resource::RLIMIT_NOFILE;
    let (_, most) = nix::sys::resource::getrlimit(files).unwrap();
    nix::sys::resource::setrlimit(files, most, most).unwrap();
    const MUSL: &str = "x86_64-unknown-linux-musl";
    let binary = match release_build(Some(MUSL)) {
        Some(path) => Binary { path, build: "static, x86_64-unknown-linux-musl" },
        None => Binary {
            path: release_build(None).unwrap(),
            build: "linked against the system's C library",
        },
    };
    evict(&binary.path);
    binary
}

/// Has the kernel read this file anew. Of a file that was just written it maps more than was ever
/// touched, in pieces as large as the writes were.
pub(crate) fn evict(path: &Path) {
    let Ok(file) = std::fs::File::open(path) else { return };
    let _ = file.sync_all();
    let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
}

/// Builds the binary as it is released, for this target if it is installed.
fn release_build(target: Option<&str>) -> Option<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--bin", "recycle"]);
    cargo.args(target.iter().flat_map(|target| ["--target", target]));
    let built = cargo.status().ok()?.success();
    let directory = PathBuf::from(env!("CARGO_BIN_EXE_recycle"));
    let place = directory.parent()?.parent()?.join(target.unwrap_or_default());
    built.then(|| place.join("release/recycle"))
}

/// `recycle` with these options, wrapping this program in a role.
pub(crate) fn wrapped(recycle: &Path, options: &[&str], role: &[&str]) -> Command {
    let mut command = Command::new(recycle);
    command
        .args(options)
        .arg("--")
        .arg(std::env::current_exe().unwrap())
        .arg("command")
        .args(role)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

pub(crate) fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let out: ChildStdout = child.stdout.take().unwrap();
    BufReader::new(out).lines().map_while(Result::ok)
}

/// The time that all processes of the machine share, in microseconds.
pub(crate) fn shared_micros() -> i128 {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).unwrap();
    i128::from(time.tv_sec()) * 1_000_000 + i128::from(time.tv_nsec()) / 1_000
}

/// Readable when TERM has come.
pub(crate) fn term_fd() -> SignalFd {
    let mut set = SigSet::empty();
    set.add(Signal::SIGTERM);
    set.thread_block().unwrap();
    SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK).unwrap()
}
