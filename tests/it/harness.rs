//! Starts `recycle` as a test wants it, waits for what the fixture's journal says, and leaves
//! nothing behind. Waiting happens in one place, `Running::wait_for`; no test sleeps to be safe.

mod client;
mod container;
mod input;
mod journal;
mod network;
mod podman;
mod process;
mod producer;
mod pty;
mod pypi;
mod refusal;
mod root;
mod run;
mod users;

pub(crate) use client::{Client, answer_lines, http, receive_datagram};
pub(crate) use container::Container;
pub(crate) use input::{Input, Kind};
pub(crate) use journal::Entry;
pub(crate) use network::{free_port, in_network_of, listener, own_network};
pub(crate) use podman::{execute, limits, read_filter};
pub(crate) use process::{Process, lives, process as look_up, wakeups};
pub(crate) use producer::Producer;
pub(crate) use pypi::pypi;
pub(crate) use refusal::{
    IDLENESS_WITHOUT_SOCK_DIAG, Loss, Refusal, TRAFFIC_UNIX, UDP_IDLENESS, UNIX_IDLENESS,
    pass_under, refusals,
};
pub(crate) use root::{Root, libraries, static_recycle};
#[cfg(feature = "chart")]
pub(crate) use run::example;
pub(crate) use run::{Run, fixture_path, recycle_path};
pub(crate) use users::{
    another_user, as_another_user, for_everybody, make_fixture_set_uid, to_another_user,
    with_programs,
};

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ExitStatus};
use std::time::Duration;
use tempfile::TempDir;

/// How long a test waits for anything before it fails: longer than the busiest host needs.
pub(crate) const CEILING: Duration = Duration::from_secs(120);

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Signal(i32),
}

/// Milliseconds of CLOCK_MONOTONIC, the clock of the journal.
pub(crate) fn now_ms() -> i64 {
    let now = nix::time::ClockId::CLOCK_MONOTONIC.now().unwrap();
    now.tv_sec() * 1000 + now.tv_nsec() / 1_000_000
}

/// Time that belongs to the scenario itself ("a client that says nothing for a second"). Never
/// use it to give the program time for something: that is what `wait_for` is for.
#[expect(clippy::disallowed_methods, reason = "the one sleep of the scenarios")]
pub(crate) fn let_pass(time: Duration) {
    std::thread::sleep(time);
}

/// The same, so long after that moment (`now_ms`): no drift, whatever has been done since.
pub(crate) fn let_pass_since(since_ms: i64, time: Duration) {
    let passed = u64::try_from(now_ms() - since_ms).unwrap();
    let_pass(time.saturating_sub(Duration::from_millis(passed)));
}

/// A started program. Dropping it kills everything it started; in a test that fails it also says
/// all that is known.
pub(crate) struct Running {
    child: Child,
    dir: TempDir,
    argv: Vec<String>,
    ceiling: Duration,
    refusal: Option<Refusal>,
    /// What the refusal takes away of what the test needs.
    lost: Vec<Loss>,
    /// Taken before the start: a lower bound for everything that follows.
    pub(crate) started_ms: i64,
    stdin: Option<ChildStdin>,
    terminal: Option<pty::Terminal>,
    status: Option<ExitStatus>,
}

impl Running {
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// The temp dir, which is also the program's working directory.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn stdout(&self) -> String {
        read(&self.path("stdout"))
    }

    pub(crate) fn stderr(&self) -> String {
        read(&self.path("stderr"))
    }

    /// The lines of stderr that report a recycle.
    pub(crate) fn recycles(&self) -> Vec<String> {
        let stderr = self.stderr();
        stderr.lines().filter(|line| line.contains(" recycled: ")).map(str::to_owned).collect()
    }

    /// Creates a file that the fixture's `wait-file:NAME` waits for.
    pub(crate) fn touch(&self, name: &str) {
        fs::write(self.path(name), "").unwrap();
    }

    pub(crate) fn signal(&self, signal: i32) {
        send_signal(self.pid(), signal);
    }

    /// Asks for a recycle, given `--map-signal USR1:recycle`. Returns a time before that.
    pub(crate) fn recycle(&self) -> i64 {
        let before_ms = now_ms();
        self.signal(libc::SIGUSR1);
        before_ms
    }

    /// Writes to the program's standard input, which must be a pipe of ours.
    pub(crate) fn send(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    // Waiting.

    pub(crate) fn await_stderr(&mut self, text: &str) {
        self.wait_for(&format!("{text:?} on stderr"), |run| {
            run.stderr().contains(text).then_some(())
        });
    }

    /// Until the process is gone from the system, or a zombie.
    pub(crate) fn await_gone(&mut self, pid: i32) {
        self.wait_for(&format!("the end of {pid}"), |_| (!lives(pid)).then_some(()));
    }

    /// Until the process was reaped, too.
    pub(crate) fn await_reaped(&mut self, pid: i32) {
        let proc = format!("/proc/{pid}");
        self.wait_for(&format!("no {proc}"), |_| (!Path::new(&proc).exists()).then_some(()));
    }

    /// Until the program itself has ended.
    pub(crate) fn finish(&mut self) -> End {
        self.stdin = None;
        let status = self.wait_for("the end", Self::try_status);
        match status.signal() {
            Some(signal) => {
                assert!(!status.core_dumped(), "left a core file");
                End::Signal(signal)
            }
            None => End::Code(status.code().unwrap()),
        }
    }

    /// Whether the program itself has not ended.
    pub(crate) fn lives(&mut self) -> bool {
        self.try_status().is_none()
    }

    fn try_status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().unwrap();
        }
        self.status
    }

    /// The only place where a test waits. Fails the test at the ceiling.
    #[expect(clippy::disallowed_methods, reason = "the one place that waits, between two looks")]
    pub(crate) fn wait_for<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&mut Self) -> Option<T>,
    ) -> T {
        let ceiling_ms = now_ms() + i64::try_from(self.ceiling.as_millis()).unwrap();
        loop {
            // Before the look, so that at least one comes after the ceiling.
            let late = now_ms() > ceiling_ms;
            self.terminal.iter_mut().for_each(pty::Terminal::drain);
            if let Some(found) = look(self) {
                return found;
            }
            assert!(!late, "waited {:?} in vain for {what}", self.ceiling);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    // The tree.

    /// Every living process that the program started, itself included, by descent or by the
    /// journal that its environment names.
    pub(crate) fn processes(&self) -> Vec<Process> {
        // A number that was waited for may be another's by now.
        let root = self.status.is_none().then(|| self.pid());
        process::tree(root, &self.path("journal"))
    }

    fn report(&mut self) {
        let status = self.try_status();
        let processes: String =
            self.processes().iter().map(|process| format!("{process}\n")).collect();
        #[expect(clippy::disallowed_macros, reason = "what the test runner shows with a failure")]
        {
            eprintln!("--- argv: {}\n--- status: {status:?}", self.argv.join(" "));
            for name in ["stderr", "stdout", "journal"] {
                eprintln!("--- {name}:\n{}", tail(&read(&self.path(name))));
            }
            eprintln!("--- screen:\n{}", tail(&self.screen()));
            eprintln!("--- processes:\n{processes}---");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.report();
        }
        // While they are held none forks another: whose an nginx's worker was that has lost its
        // master, nobody could tell.
        let mut held = BTreeSet::new();
        while self.processes().iter().fold(false, |more, process| {
            send_signal(process.pid, libc::SIGSTOP);
            held.insert(process.pid) || more
        }) {}
        // Again and again: one that was just being forked is found in the next round.
        loop {
            let processes = self.processes();
            for process in &processes {
                send_signal(process.pid, libc::SIGKILL);
            }
            if self.try_status().is_some() && processes.is_empty() {
                return;
            }
            std::thread::yield_now();
        }
    }
}

/// To any process. One that is gone already is fine.
#[expect(unsafe_code, reason = "nix knows no real-time signals")]
pub(crate) fn send_signal(pid: i32, signal: i32) {
    // SAFETY: kill(2) touches no memory of ours.
    unsafe { libc::kill(pid, signal) };
}

/// Where a program is. A test that needs a real one fails without it.
pub(crate) fn tool(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("this test needs `{name}`: install it"))
}

/// Copies a program, in a process of its own: what another test forks meanwhile would hold on to
/// the copy that is being written, and nobody could execute it (`ETXTBSY`).
#[expect(clippy::disallowed_methods, reason = "tests start programs")]
pub(crate) fn copy_program(from: &Path, to: &Path) {
    let status = std::process::Command::new(tool("cp")).args([from, to]).status().unwrap();
    assert!(status.success(), "cannot copy {} to {}", from.display(), to.display());
}

/// Empty when the file is not there (yet).
fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(8000);
    text.get(start..).unwrap_or(text)
}
