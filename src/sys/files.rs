//! Descriptors: writing without waiting, counting unread bytes, reading small files.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::socket::{MsgFlags, getsockopt, send, sockopt::SockType};
use nix::sys::stat::{SFlag, fstat};

use super::optional;

/// The standard descriptors: `entry` has made sure that they are open, and nothing of ours closes
/// them.
pub(crate) const STDIN: BorrowedFd<'static> = standard(0);
pub(crate) const STDOUT: BorrowedFd<'static> = standard(1);
pub(crate) const STDERR: BorrowedFd<'static> = standard(2);

#[expect(unsafe_code, reason = "std hands them out only with a buffer that we do not need")]
const fn standard(fd: i32) -> BorrowedFd<'static> {
    // SAFETY: 0 to 2 stay open as long as the program runs.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// What a descriptor leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pipe,
    /// One that carries bytes.
    Socket,
    /// One that carries messages (`SOCK_DGRAM`, `SOCK_SEQPACKET`, `socket(2)`): no lines.
    Messages,
    Terminal,
    /// A regular file: no source of traffic, and no end that means anything.
    File,
    /// The same: `/dev/null`, nothing.
    Nothing,
}

impl Kind {
    pub(crate) fn of(fd: BorrowedFd<'_>) -> Self {
        let Ok(stat) = fstat(fd) else { return Self::Nothing };
        match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
            SFlag::S_IFIFO => Self::Pipe,
            SFlag::S_IFSOCK => match getsockopt(&fd, SockType) {
                Ok(nix::sys::socket::SockType::Stream) => Self::Socket,
                _ => Self::Messages,
            },
            SFlag::S_IFCHR if std::io::IsTerminal::is_terminal(&fd) => Self::Terminal,
            SFlag::S_IFREG => Self::File,
            _ => Self::Nothing,
        }
    }

    /// Whether it can have traffic at all.
    pub(crate) fn is_source(self) -> bool {
        match self {
            Self::Pipe | Self::Socket | Self::Messages | Self::Terminal => true,
            Self::File | Self::Nothing => false,
        }
    }
}

/// Whether this is a directory that a process of ours could enter.
///
/// # Errors
/// It is not, as `chdir(2)` would say.
pub(crate) fn can_enter(directory: &Path) -> nix::Result<()> {
    if nix::sys::stat::stat(directory)?.st_mode & libc::S_IFMT != libc::S_IFDIR {
        return Err(Errno::ENOTDIR);
    }
    nix::unistd::eaccess(directory, nix::unistd::AccessFlags::X_OK)
}

/// Makes a descriptor the standard input of this process, which is to become another program.
///
/// # Errors
/// Those of `dup2(2)`.
#[expect(unsafe_code, reason = "nix's dup2 wants to own what it replaces")]
pub(crate) fn become_stdin(fd: BorrowedFd<'_>) -> nix::Result<()> {
    nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::empty()))?;
    // SAFETY: nothing of ours owns standard input.
    Errno::result(unsafe { libc::dup2(fd.as_raw_fd(), 0) }).map(drop)
}

/// Has what this process writes to standard output end up on standard error; both lead nowhere if
/// that was closed.
///
/// # Errors
/// Those of `open(2)` and `dup2(2)`.
#[expect(unsafe_code, reason = "nix's dup2 wants to own what it replaces")]
pub(crate) fn open_stderr_as_stdout() -> nix::Result<()> {
    // What stands in for a closed one is closed by exec (`entry`).
    let flags = nix::fcntl::fcntl(STDERR, nix::fcntl::FcntlArg::F_GETFD)?;
    let nowhere = if flags & libc::FD_CLOEXEC == 0 {
        None
    } else {
        let null = File::options().write(true).open("/dev/null");
        Some(null.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or_default()))?)
    };
    // SAFETY: nothing of ours owns the standard descriptors.
    unsafe {
        if let Some(null) = nowhere {
            Errno::result(libc::dup2(null.as_raw_fd(), 2))?;
        }
        Errno::result(libc::dup2(2, 1)).map(drop)
    }
}

/// Lets go of COMMAND's input and output, so that whoever is at their other ends need not wait for
/// us.
pub(crate) fn let_go_of_input_and_output() {
    let_go_of(&[0, 1]);
}

/// The same for the input alone.
pub(crate) fn let_go_of_input() {
    let_go_of(&[0]);
}

#[expect(unsafe_code, reason = "nix's dup2 wants to own what it replaces")]
fn let_go_of(standard: &[i32]) {
    let Ok(null) = File::options().read(true).write(true).open("/dev/null") else { return };
    for fd in standard {
        // SAFETY: nothing of ours owns the standard descriptors.
        let _ = unsafe { libc::dup2(null.as_raw_fd(), *fd) };
    }
}

/// Closes all but the standard descriptors, in a process that is to become another program.
pub(crate) fn close_above_stderr() {
    close_from_to(3, libc::c_uint::MAX);
}

/// The same, but for one that is still needed.
pub(crate) fn close_above_stderr_but(needed: BorrowedFd<'_>) {
    let needed = libc::c_uint::try_from(needed.as_raw_fd()).unwrap_or(2);
    if needed > 3 {
        close_from_to(3, needed - 1);
    }
    close_from_to((needed + 1).max(3), libc::c_uint::MAX);
}

/// One by one where the kernel cannot close them together (before Linux 5.9, or forbidden).
fn close_from_to(first: libc::c_uint, last: libc::c_uint) {
    if close_range(first, last).is_err() {
        let mut open = open_descriptors();
        open.retain(|fd| libc::c_uint::try_from(*fd).is_ok_and(|fd| (first..=last).contains(&fd)));
        open.into_iter().for_each(close);
    }
}

#[expect(unsafe_code, reason = "nix has no close_range")]
fn close_range(first: libc::c_uint, last: libc::c_uint) -> nix::Result<()> {
    // SAFETY: what owns descriptors here is never used again: exec or the end comes next.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }).map(drop)
}

#[expect(unsafe_code, reason = "what owns it is not at hand")]
fn close(fd: i32) {
    // SAFETY: as above. One that is closed already does no harm: we have one thread.
    let _ = unsafe { libc::close(fd) };
}

/// The descriptors that are open; without `/proc`, all that may be.
fn open_descriptors() -> Vec<i32> {
    /// What the kernel allows as long as nobody has told it otherwise (`fs.nr_open`).
    const MOST: u64 = 1 << 20;
    if let Ok(listed) = std::fs::read_dir("/proc/self/fd") {
        let names = listed.flatten().map(|entry| entry.file_name());
        return names.filter_map(|name| name.to_str()?.parse().ok()).collect();
    }
    let limits = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE);
    let most = limits.map_or(MOST, |(_, hard)| hard.min(MOST));
    (0..i32::try_from(most).unwrap_or(i32::MAX)).collect()
}

/// Enough for most files of `/proc`.
const SMALL: usize = 1 << 10;

nix::ioctl_read_bad!(fionread, libc::FIONREAD, libc::c_int);

/// How many bytes wait to be read, where the kernel can tell (pipes, sockets, terminals).
#[expect(unsafe_code, reason = "ioctl")]
pub(crate) fn unread(fd: BorrowedFd<'_>) -> Option<u32> {
    let mut count = 0;
    // SAFETY: the kernel writes one int, which `count` is.
    unsafe { fionread(fd.as_raw_fd(), &mut count) }.ok()?;
    u32::try_from(count).ok()
}

/// Writes what fits without waiting; what does not is lost. Tells how much it was. The descriptor
/// is shared with COMMAND, so its flags are not ours to change: `RWF_NOWAIT` (`pwritev2(2)`) where
/// that is to be had, else what sockets have for it (`send(2)`) or a description of our own that
/// does not wait, else a write right after it was found writable.
pub(crate) fn write_without_waiting(fd: BorrowedFd<'_>, bytes: &[u8]) -> usize {
    match write_nowait(fd, bytes) {
        // A regular file would have had to wait for its disk.
        Err(errno) if optional::is_refused(errno) || errno == Errno::EAGAIN => {}
        written => return written.unwrap_or(0),
    }
    let mut poll = [PollFd::new(fd, PollFlags::POLLOUT)];
    if nix::poll::poll(&mut poll, PollTimeout::ZERO) != Ok(1) {
        return 0;
    }
    match (Kind::of(fd), of_our_own(fd)) {
        (Kind::Socket | Kind::Messages, _) => send(fd.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT),
        (_, Some(file)) => nix::unistd::write(&file, bytes),
        (_, None) => nix::unistd::write(fd, bytes),
    }
    .unwrap_or(0)
}

#[expect(unsafe_code, reason = "nix has no pwritev2")]
fn write_nowait(fd: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<usize> {
    let piece = [IoSlice::new(bytes)];
    // SAFETY: an IoSlice is an iovec (its documentation promises that), and there is one. The last
    // three arguments are an offset of -1, low and high half ("at the current position"), and a
    // flag.
    let written = unsafe {
        libc::syscall(
            libc::SYS_pwritev2,
            fd.as_raw_fd(),
            piece.as_ptr(),
            1,
            -1_i64,
            -1_i64,
            libc::RWF_NOWAIT,
        )
    };
    Errno::result(written).map(|written| usize::try_from(written).unwrap_or(0))
}

/// Another description of a terminal or a pipe, one that does not wait: it may be writable and have
/// no room for a line.
fn of_our_own(fd: BorrowedFd<'_>) -> Option<File> {
    let may_fill = matches!(Kind::of(fd), Kind::Terminal | Kind::Pipe);
    may_fill.then(|| reopen(fd, File::options().write(true)).ok()).flatten()
}

/// Another description of what a descriptor leads to, to be read from, and one that does not wait.
///
/// # Errors
/// Those of `open(2)`; there is no `/proc`.
pub(crate) fn reopen_to_read(fd: BorrowedFd<'_>) -> io::Result<File> {
    reopen(fd, File::options().read(true))
}

fn reopen(fd: BorrowedFd<'_>, options: &mut OpenOptions) -> io::Result<File> {
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

/// Reads a whole file of `/proc` in place of what `buffer` held, from its start.
///
/// # Errors
/// Those of `pread(2)`; `ESRCH` when the process that it is about is gone.
pub(crate) fn read_whole<'a>(file: &File, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    buffer.resize(buffer.capacity().max(SMALL), 0);
    let mut length = 0;
    loop {
        if length == buffer.len() {
            buffer.resize(length * 2, 0);
        }
        let rest = buffer.get_mut(length..).unwrap_or_default();
        match file.read_at(rest, u64::try_from(length).unwrap_or(u64::MAX)) {
            Ok(0) => break,
            // The first read of such a file gives a page of it: less than we asked for is all.
            Ok(read) if length == 0 && read < SMALL => {
                length = read;
                break;
            }
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(length);
    Ok(buffer)
}

/// The same for a file that is not open.
///
/// # Errors
/// Those of `open(2)`, too.
pub(crate) fn read_path<'a>(path: &str, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    read_whole(&File::open(path)?, buffer)
}

/// The links in a directory of `/proc` that are named by numbers, such as `/proc/PID/fd`. Hands
/// each
/// number and what it leads to, up to 63 bytes of that, to `each`. By path from the root it would
/// take twice as long.
///
/// # Errors
/// Those of `open(2)`; those of `readlink(2)` go to `each`.
#[expect(unsafe_code, reason = "nix allocates for each link")]
pub(crate) fn numbered_links(
    directory: &str,
    mut each: impl FnMut(i32, io::Result<&[u8]>),
) -> io::Result<()> {
    let names = std::fs::read_dir(directory)?;
    let open = File::open(directory)?;
    let mut target = [0_u8; 63];
    let mut path = Vec::new();
    for entry in names.flatten() {
        let name = entry.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        path.clear();
        path.extend_from_slice(name.as_encoded_bytes());
        path.push(0);
        // SAFETY: the path ends with a zero, and the kernel writes at most as many bytes as
        // `target` has.
        let length = unsafe {
            libc::readlinkat(
                open.as_raw_fd(),
                path.as_ptr().cast(),
                target.as_mut_ptr().cast(),
                target.len(),
            )
        };
        match usize::try_from(length) {
            Ok(length) => each(number, Ok(target.get(..length).unwrap_or_default())),
            Err(_) => each(number, Err(io::Error::last_os_error())),
        }
    }
    Ok(())
}
