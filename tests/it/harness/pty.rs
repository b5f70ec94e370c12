//! A terminal of a test's own: keys are pressed on it, its screen is read, one can see who has its
//! foreground and in what mode it is, and it can be hung up.

use super::Running;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use nix::sys::termios::{LocalFlags, tcgetattr};
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

/// The end that a person would sit at. Closing it hangs the terminal up.
pub(super) struct Terminal {
    /// `None`: hung up.
    master: Option<PtyMaster>,
    screen: Vec<u8>,
    /// How much of it was awaited already.
    seen: usize,
}

impl Terminal {
    /// A new terminal of 24 lines, and the end that programs are given. Neither end leaks into a
    /// program that another test starts at the same time: it could not be hung up any more.
    pub(super) fn open() -> (Self, OwnedFd) {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags | OFlag::O_NONBLOCK).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        set_lines(&master, 24);
        let name = ptsname_r(&master).unwrap();
        let slave = open(Path::new(&name), flags, Mode::empty()).unwrap();
        (Self { master: Some(master), screen: Vec::new(), seen: 0 }, slave)
    }

    /// Takes in what was written, as far as it has come: programs must not block on a full terminal
    /// while a test waits for something else.
    pub(super) fn drain(&mut self) {
        let Some(master) = &mut self.master else { return };
        let mut buffer = [0; 4096];
        // EIO: nobody has the other end open. EAGAIN: nothing more so far.
        while let Ok(bytes) = master.read(&mut buffer) {
            self.screen.extend_from_slice(&buffer[..bytes]);
        }
    }

    fn master(&self) -> &PtyMaster {
        self.master.as_ref().unwrap()
    }
}

#[expect(unsafe_code, reason = "nix does not wrap it")]
fn set_lines(master: &PtyMaster, lines: u16) {
    let size = libc::winsize { ws_row: lines, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the request reads a `winsize`, which outlives the call.
    let result = unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    Errno::result(result).unwrap();
}

/// Those that start it: `Run::on_terminal`.
impl Running {
    fn terminal(&self) -> &Terminal {
        self.terminal.as_ref().unwrap()
    }

    /// All that was written so far; nothing where there is no terminal.
    pub(crate) fn screen(&self) -> String {
        let bytes = self.terminal.as_ref().map_or(&[][..], |terminal| &terminal.screen);
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Presses keys: Ctrl-C is `\x03`, the return key `\r`.
    pub(crate) fn press(&mut self, keys: &str) {
        let master = self.terminal().master();
        // At once or not at all: a few keys always fit, unless nobody reads any.
        assert_eq!(nix::unistd::write(master, keys.as_bytes()), Ok(keys.len()));
    }

    /// Types a line.
    pub(crate) fn enter(&mut self, line: &str) {
        self.press(&format!("{line}\r"));
    }

    /// Until this appears on the screen, after what was awaited last. What is typed appears, too.
    pub(crate) fn await_screen(&mut self, text: &str) {
        self.wait_for(&format!("{text:?} on the screen"), |run| {
            let terminal = run.terminal.as_mut().unwrap();
            let rest = &terminal.screen[terminal.seen..];
            let at = rest.windows(text.len()).position(|there| there == text.as_bytes())?;
            terminal.seen += at + text.len();
            Some(())
        });
    }

    /// Until a line with this and a number is on the screen, after what was awaited last.
    pub(crate) fn await_number(&mut self, label: &str) -> i32 {
        self.wait_for(&format!("{label:?} and a number on the screen"), |run| {
            let terminal = run.terminal.as_mut().unwrap();
            let rest = String::from_utf8_lossy(&terminal.screen[terminal.seen..]).into_owned();
            let mut found = rest.match_indices(label).filter_map(|(at, _)| {
                let (digits, _) = rest[at + label.len()..].split_once('\r')?;
                digits.parse().ok()
            });
            let number = found.next()?;
            terminal.seen = terminal.screen.len();
            Some(number)
        })
    }

    /// The process group that has the terminal's foreground. It need not live.
    #[expect(unsafe_code, reason = "nix takes no number that is no pid")]
    pub(crate) fn foreground(&self) -> i32 {
        let mut group: libc::pid_t = 0;
        let master = self.terminal().master().as_raw_fd();
        // SAFETY: the request writes a `pid_t`, which outlives the call.
        let result = unsafe { libc::ioctl(master, libc::TIOCGPGRP, &raw mut group) };
        // Asked through this end, the kernel answers about the other one.
        Errno::result(result).unwrap();
        group
    }

    pub(crate) fn await_foreground(&mut self, group: i32) {
        self.wait_for(&format!("{group} in the foreground"), |run| {
            (run.foreground() == group).then_some(())
        });
    }

    fn has_mode(&self, flag: LocalFlags) -> bool {
        tcgetattr(self.terminal().master()).unwrap().local_flags.contains(flag)
    }

    /// Whether programs get each key at once, as an editor wants it.
    pub(crate) fn is_raw(&self) -> bool {
        !self.has_mode(LocalFlags::ICANON)
    }

    pub(crate) fn shows_keys(&self) -> bool {
        self.has_mode(LocalFlags::ECHO)
    }

    pub(crate) fn await_raw(&mut self, raw: bool) {
        self.wait_for(&format!("raw={raw}"), |run| (run.is_raw() == raw).then_some(()));
    }

    /// Drags the window.
    pub(crate) fn resize(&mut self, lines: u16) {
        set_lines(self.terminal().master(), lines);
    }

    pub(crate) fn hang_up(&mut self) {
        let terminal = self.terminal.as_mut().unwrap();
        terminal.drain();
        terminal.master = None;
    }
}
