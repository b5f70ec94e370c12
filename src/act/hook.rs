//! Shell commands beside COMMAND: `--on-event` and `--pre-stop`.
//!
//! Each runs below a keeper, a process of ours that is the subreaper of all that the command
//! starts, that waits for all of it, and that kills what is left when its time is over. So none of
//! it ever becomes a child of ours, to be taken for an orphan of COMMAND's, and we wait for nobody.
//! A keeper that outlives us sees its command through: that is not ours to cut short.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{AccessFlags, Pid};

use crate::decide::exit::{Exit, Signal};
use crate::decide::notice::HookFailure;
use crate::sys::children::{self, Status};
use crate::sys::environment::{self, Entry};
use crate::sys::poll::{self, Readiness};
use crate::sys::process;
use crate::sys::signals::{self, Batch, Inherited, Signals};
use crate::sys::{clock, files};

const SHELL: &std::ffi::CStr = c"/bin/sh";
/// The variable that names an event, and with `_` behind it the beginning of those with its fields.
const EVENT: &str = "RECYCLE_EVENT";
/// The keeper dies of this when the time is over: nobody else sends it.
const TIME_IS_OVER: Signal = Signal::ALRM;
/// What is left is killed again after this, then after twice as long, and so on.
const KILL_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_KILL_PAUSE: Duration = Duration::from_secs(1);

/// The shell, and what every command finds in its environment.
#[derive(Debug)]
pub(crate) struct Shell {
    env: Vec<Entry>,
    inherited: Inherited,
}

/// A command to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errand<'a> {
    pub(crate) command: &'a CString,
    /// In its environment, names and values.
    pub(crate) variables: &'a [(String, String)],
    /// On its standard input.
    pub(crate) input: &'a str,
    pub(crate) limit: Duration,
}

impl Shell {
    /// Variables named in `hidden` are kept from its commands, and so are those of another event,
    /// which we may have been started for.
    ///
    /// # Errors
    /// There is no `/bin/sh` that could be executed.
    pub(crate) fn find(hidden: &[String], inherited: Inherited) -> nix::Result<Self> {
        shell_is_there()?;
        let is_of_event = |entry: &Entry| {
            let rest = entry.name().strip_prefix(EVENT.as_bytes());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"_"))
        };
        let env = environment::entries();
        let env = env.filter(|entry| !entry.is_among(hidden) && !is_of_event(entry));
        Ok(Self { env: env.collect(), inherited })
    }

    /// Starts a command; its keeper is our child, and ends when it has.
    ///
    /// # Errors
    /// No pids, memory or descriptors left; nothing was started.
    pub(crate) fn run(&self, errand: Errand<'_>, signals: &Signals) -> nix::Result<Pid> {
        let (input, write_end) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // A pipe has room for a page at least (pipe(7)): more than any event has.
        let _ = nix::unistd::write(&write_end, errand.input.as_bytes());
        drop(write_end);
        process::fork(|| self.keep(errand, input, signals))
    }

    /// The keeper's life; its status is the shell's, as a shell would have it. TERM tells it that
    /// nobody needs the command any more.
    fn keep(&self, errand: Errand<'_>, input: OwnedFd, signals: &Signals) -> i32 {
        if prepare_keeper(input, signals.as_fd()).is_err() {
            return 126;
        }
        let keeper = Pid::this();
        let Ok(shell) = process::fork(|| self.become_shell(keeper, errand)) else { return 126 };
        let until = clock::now().saturating_add(errand.limit);
        let mut kept = Kept { shell: Some(shell), status: 126 };
        let mut fate = Fate::Waits;
        let mut pause = KILL_PAUSE;
        loop {
            let more = kept.reap();
            if !children::has_children() {
                break;
            }
            let now = clock::now();
            if fate == Fate::Waits && now >= until {
                fate = Fate::TimeIsOver;
            }
            if fate == Fate::Waits {
                fate = await_child(signals, if more { Duration::ZERO } else { until - now });
            } else {
                kept.kill();
                // Some do not die at once, and some not at all: they stay ours, not COMMAND's.
                await_child(signals, pause);
                pause = (pause * 2).min(LONGEST_KILL_PAUSE);
            }
        }
        match fate {
            Fate::Waits => return kept.status,
            Fate::NotNeeded => return 0,
            Fate::TimeIsOver => signals::own::die_by(TIME_IS_OVER.number()),
        }
        126
    }

    /// The child's way to the shell: nothing of ours but standard error, and the event to read.
    fn become_shell(&self, keeper: Pid, errand: Errand<'_>) -> i32 {
        let variables = errand.variables.iter();
        let variables = variables.filter_map(|(name, value)| {
            CString::new(OsStr::new(&format!("{name}={value}")).as_bytes()).ok()
        });
        let variables: Vec<_> = variables.collect();
        let args = [c"sh", c"-c", errand.command];
        let prepared = process::die_with_parent(keeper)
            .and_then(|()| nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0)))
            .map(|()| files::close_above_stderr())
            .and_then(|()| self.inherited.restore().map_err(|_| Errno::EINVAL));
        if prepared.is_ok() {
            let env = self.env.iter().map(|entry| entry.as_c_str());
            let env: Vec<_> = env.chain(variables.iter().map(CString::as_c_str)).collect();
            process::exec(SHELL, &args, &env);
        }
        126
    }
}

/// # Errors
/// There is no `/bin/sh` that could be executed.
pub(crate) fn shell_is_there() -> nix::Result<()> {
    nix::unistd::access(SHELL, AccessFlags::X_OK)
}

/// A session of its own: no terminal's business. Nothing of what COMMAND has stays open here: its
/// standard output is our standard error, its standard input the event.
fn prepare_keeper(input: OwnedFd, signals: BorrowedFd<'_>) -> nix::Result<()> {
    nix::unistd::setsid()?;
    process::become_subreaper()?;
    files::become_stdin(input.as_fd())?;
    files::open_stderr_as_stdout()?;
    // What owned the descriptors that are closed now is never used again.
    std::mem::forget(input);
    files::close_above_stderr_but(signals);
    Ok(())
}

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It has its time.
    Waits,
    TimeIsOver,
    NotNeeded,
}

/// Until a child changes, or so long, or until nobody needs it any more.
fn await_child(signals: &Signals, timeout: Duration) -> Fate {
    let mut ready = Vec::new();
    poll::wait(&[(signals.as_fd(), Readiness::Readable)], Some(timeout), &mut ready);
    let mut fate = Fate::Waits;
    let mut batch = Batch::new();
    while let Some(received) = batch.next(signals) {
        if received.number == Signal::TERM.number() {
            fate = Fate::NotNeeded;
        }
    }
    fate
}

/// What the keeper has.
struct Kept {
    /// `None`: it was reaped, and its number may be another's.
    shell: Option<Pid>,
    status: i32,
}

impl Kept {
    /// Tells whether there may be more to reap.
    fn reap(&mut self) -> bool {
        let mut count = 0;
        for changed in children::changed() {
            count += 1;
            if Some(changed.pid) == self.shell
                && let Some(status) = shell_status(changed.status)
            {
                (self.shell, self.status) = (None, status);
            }
        }
        count == children::MOST
    }

    fn kill(&self) {
        let kill = Signal::KILL.number();
        if let Some(shell) = self.shell {
            let _ = process::signal_group(shell, kill);
        }
        for child in children::children_of_this_thread() {
            let _ = process::signal(child, kill);
        }
    }
}

/// As a shell has it; `None`: it has only stopped.
fn shell_status(status: Status) -> Option<i32> {
    match status {
        Status::Exited(status) => Some(i32::from(status)),
        Status::Killed(signal) => Some(128 + signal),
        Status::Stopped(_) => None,
    }
}

/// Tells a keeper that nobody needs its command any more.
pub(crate) fn give_up(keeper: Pid) {
    // If it has ended, that is known soon.
    let _ = process::signal(keeper, Signal::TERM.number());
}

/// What the end of a keeper says about its command, if that failed.
pub(crate) fn failure(end: Exit, limit: Duration) -> Option<HookFailure> {
    match end {
        Exit::Status(0) => None,
        Exit::Killed(TIME_IS_OVER) => Some(HookFailure::TimedOut(limit)),
        Exit::Status(_) | Exit::Killed(_) => Some(HookFailure::Ended(end)),
    }
}
