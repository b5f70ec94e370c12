//! How a program of a test is started: its words, its environment, its descriptors, its signals.

use super::pty::Terminal;
use super::refusal::{self, Refusal};
use super::{CEILING, Running, now_ms, own_network};
use std::ffi::{OsStr, OsString, c_int};
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

/// Built up word by word, then spawned. Standard input is `/dev/null` unless told otherwise.
pub(crate) struct Run {
    dir: TempDir,
    prefix: Vec<OsString>,
    recycle: Vec<OsString>,
    command: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    stdin: Stdio,
    stderr: Option<Stdio>,
    terminal: Option<(Terminal, OwnedFd)>,
    ignored: Vec<c_int>,
    blocked: Vec<c_int>,
    refusal: Option<Refusal>,
    ceiling: Duration,
}

impl Run {
    /// `recycle` with these options, which are split at blanks.
    pub(crate) fn new(options: &str) -> Self {
        let mut run = Self::bare();
        run.recycle.push(recycle_path().into());
        run.recycle.extend(words(options));
        run
    }

    /// The command alone, without `recycle`: what a transparent wrapper is compared with.
    pub(crate) fn bare() -> Self {
        own_network();
        let dir = TempDir::with_prefix("recycle-it-").unwrap();
        Self {
            prefix: Vec::new(),
            recycle: Vec::new(),
            command: Vec::new(),
            environment: vec![("FIXTURE_JOURNAL".into(), dir.path().join("journal").into())],
            dir,
            stdin: Stdio::null(),
            stderr: None,
            terminal: None,
            ignored: Vec::new(),
            blocked: Vec::new(),
            refusal: refusal::from_environment(),
            ceiling: CEILING,
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The fixture with this script, which is split at blanks.
    pub(crate) fn fixture(self, script: &str) -> Self {
        self.command([fixture_path().into()].into_iter().chain(words(script)))
    }

    pub(crate) fn command<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.command = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// A program that is given all this as its arguments, and executes it.
    pub(crate) fn through<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.prefix = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Through a shell, which does this first (redirections, a sidecar). `$0` is the fixture.
    pub(crate) fn after_shell(self, script: &str) -> Self {
        let fixture = fixture_path().to_str().unwrap().to_owned();
        self.through(["sh", "-c", &format!("{script}\nexec \"$@\""), &fixture])
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    pub(crate) fn stdin(mut self, input: impl Into<Stdio>) -> Self {
        self.stdin = input.into();
        self
    }

    /// A pipe: see `Running::send` and `Running::close_stdin`.
    pub(crate) fn stdin_pipe(self) -> Self {
        self.stdin(Stdio::piped())
    }

    pub(crate) fn stderr(mut self, output: impl Into<Stdio>) -> Self {
        self.stderr = Some(output.into());
        self
    }

    /// With a terminal that controls it, as the leader of the session, and which is its standard
    /// input, output and error unless told otherwise after this.
    pub(crate) fn on_terminal(mut self) -> Self {
        let (terminal, slave) = Terminal::open();
        self.stdin = slave.try_clone().unwrap().into();
        self.stderr = Some(slave.try_clone().unwrap().into());
        self.terminal = Some((terminal, slave));
        self
    }

    /// Started with these signals ignored, those blocked, all others as usual.
    pub(crate) fn signals(mut self, ignored: &[c_int], blocked: &[c_int]) -> Self {
        self.ignored = ignored.to_owned();
        self.blocked = blocked.to_owned();
        self
    }

    /// TERM waits for COMMAND's step `unblock`: what stands before that is done by every
    /// generation, however soon it is told to end.
    pub(crate) fn term_held(self) -> Self {
        self.signals(&[], &[libc::SIGTERM])
    }

    /// With a system call that fails, in all that is started.
    pub(crate) fn refusing(mut self, refusal: Refusal) -> Self {
        self.refusal = Some(refusal);
        self
    }

    /// With none, whatever the environment asks for: what runs containers has its own filters.
    pub(crate) fn refusing_nothing(mut self) -> Self {
        self.refusal = None;
        self
    }

    /// A longer wait than usual.
    pub(crate) fn ceiling(mut self, ceiling: Duration) -> Self {
        self.ceiling = ceiling;
        self
    }

    #[expect(clippy::disallowed_methods, reason = "tests start programs")]
    pub(crate) fn spawn(self) -> Running {
        let argv: Vec<_> = [self.prefix, self.recycle, self.command].concat();
        let output = |name| File::create(self.dir.path().join(name)).unwrap();
        let (terminal, slave) = self.terminal.unzip();
        let stdout = match &slave {
            Some(slave) => slave.try_clone().unwrap().into(),
            None => Stdio::from(output("stdout")),
        };
        let mut command = Command::new(&argv[0]);
        command
            .args(&argv[1..])
            .current_dir(self.dir.path())
            .env_clear()
            .envs(
                ["PATH", "HOME"]
                    .into_iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(self.environment)
            .stdin(self.stdin)
            .stdout(stdout)
            .stderr(self.stderr.unwrap_or_else(|| output("stderr").into()));
        isolate(&mut command, slave.as_ref().map(AsRawFd::as_raw_fd), self.ignored, self.blocked);
        if let Some(refusal) = self.refusal {
            refuse(&mut command, refusal);
        }
        let started_ms = now_ms();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{argv:?}: {error}"));
        Running {
            stdin: child.stdin.take(),
            terminal,
            child,
            dir: self.dir,
            argv: argv.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            ceiling: self.ceiling,
            refusal: self.refusal,
            lost: Vec::new(),
            started_ms,
            status: None,
        }
    }

    /// Spawns and waits for the end.
    pub(crate) fn finish(self) -> (super::End, Running) {
        let mut running = self.spawn();
        (running.finish(), running)
    }
}

/// A session of its own (so no terminal but the given one, whoever runs the tests), no core files,
/// the signals as given whatever we were started with, and the end when the test ends.
#[expect(unsafe_code, reason = "between fork and exec")]
fn isolate(
    command: &mut Command,
    terminal: Option<RawFd>,
    ignored: Vec<c_int>,
    blocked: Vec<c_int>,
) {
    let prepare = move || {
        nix::unistd::setsid()?;
        if let Some(terminal) = terminal {
            // SAFETY: the request takes a number.
            nix::errno::Errno::result(unsafe { libc::ioctl(terminal, libc::TIOCSCTTY, 0) })?;
        }
        nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0)?;
        // SAFETY: async-signal-safe calls on memory of this frame only.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            for number in 1..=libc::SIGRTMAX() {
                // Refused for some (KILL, STOP), which stay as they are.
                libc::signal(number, libc::SIG_DFL);
            }
            for &number in &ignored {
                libc::signal(number, libc::SIG_IGN);
            }
            let mut mask: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut mask);
            for &number in &blocked {
                libc::sigaddset(&raw mut mask, number);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, std::ptr::null_mut());
        }
        Ok(())
    };
    // SAFETY: `prepare` neither allocates nor takes locks.
    unsafe { command.pre_exec(prepare) };
}

/// The last before exec.
#[expect(unsafe_code, reason = "between fork and exec")]
fn refuse(command: &mut Command, refusal: Refusal) {
    // SAFETY: it neither allocates nor takes locks.
    unsafe { command.pre_exec(move || refusal.begin().map_err(Into::into)) };
}

fn words(text: &str) -> impl Iterator<Item = OsString> {
    text.split_whitespace().map(OsString::from)
}

pub(crate) fn recycle_path() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_recycle"))
}

pub(crate) fn fixture_path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| example("fixture"))
}

/// `cargo test` builds examples; some other runners and `--test it` do not.
pub(crate) fn example(name: &str) -> PathBuf {
    let profile = recycle_path().parent().unwrap();
    let path = profile.join("examples").join(name);
    if !path.exists() {
        build_example(name, profile);
    }
    assert!(path.exists(), "no {}: cargo build --example {name}", path.display());
    path
}

#[expect(clippy::disallowed_methods, reason = "tests start programs")]
fn build_example(name: &str, profile: &Path) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--example", name]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().unwrap().success(), "cannot build {name}");
}
