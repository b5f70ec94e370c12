//! Shell commands beside COMMAND: `--on-event` and `--pre-stop`.
//!
//! Each runs below a keeper, a process of ours that is the subreaper of all that the command
//! starts, that waits for all of it, and that kills what is left when its time is over. So none of
//! it ever becomes a child of ours, to be taken for an orphan of COMMAND's, and we wait for nobody.
//! A keeper that outlives us sees its command through: that is not ours to cut short.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{AccessFlags, Pid};

use crate::decide::exit::{Exit, Signal};
use crate::decide::notice::HookFailure;
use crate::sys::children::{self, Status};
use crate::sys::poll::{self, Readiness};
use crate::sys::process::{self, Pointers};
use crate::sys::signals::{self, Inherited, Signals};
use crate::sys::{clock, files};

const SHELL: &std::ffi::CStr = c"/bin/sh";
/// The keeper dies of this when the time is over: nobody else sends it.
const TIME_IS_OVER: Signal = Signal::ALRM;
/// So long a keeper tries to kill what is left.
const KILLING: Duration = Duration::from_secs(1);

/// The shell, and what every command finds in its environment.
#[derive(Debug)]
pub(crate) struct Shell {
    env: Vec<CString>,
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
    /// Variables named in `hidden` are kept from its commands.
    ///
    /// # Errors
    /// There is no `/bin/sh` that could be executed.
    pub(crate) fn find(hidden: &[String], inherited: Inherited) -> nix::Result<Self> {
        shell_is_there()?;
        let is_hidden = |name: &OsStr| hidden.iter().any(|hidden| name == OsStr::new(hidden));
        let env = std::env::vars_os().filter(|(name, _)| !is_hidden(name));
        let env = env.filter_map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            CString::new(name.into_vec()).ok()
        });
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

    /// The keeper's life; its status is the shell's, as a shell would have it.
    fn keep(&self, errand: Errand<'_>, input: OwnedFd, signals: &Signals) -> i32 {
        if prepare_keeper().is_err() {
            return 126;
        }
        let until = clock::now() + errand.limit;
        let keeper = Pid::this();
        let shell = process::fork(|| self.become_shell(keeper, errand, &input));
        drop(input);
        let Ok(shell) = shell else { return 126 };
        let mut status = 126;
        loop {
            while let Some(changed) = children::next_changed() {
                if changed.pid == shell {
                    status = shell_status(changed.status).unwrap_or(status);
                }
            }
            let now = clock::now();
            if !children::has_children() {
                return status;
            }
            if now >= until {
                kill_all(shell, signals);
                signals::own::die_by(TIME_IS_OVER.number());
                return 126;
            }
            await_child(signals, until - now);
        }
    }

    /// The child's way to the shell: nothing of ours but standard error, and the event to read.
    fn become_shell(&self, keeper: Pid, errand: Errand<'_>, input: &OwnedFd) -> i32 {
        let variables = errand.variables.iter();
        let variables = variables.filter_map(|(name, value)| {
            CString::new(OsStr::new(&format!("{name}={value}")).as_bytes()).ok()
        });
        let variables: Vec<_> = variables.collect();
        let args = [c"sh".to_owned(), c"-c".to_owned(), errand.command.clone()];
        let prepared = process::die_with_parent(keeper)
            .and_then(|()| nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0)))
            .and_then(|()| files::become_stdin(input.as_fd()))
            .map(|()| files::close_above_stderr())
            .and_then(|()| self.inherited.restore().map_err(|_| Errno::EINVAL));
        if prepared.is_ok() {
            let env = Pointers::to(self.env.iter().chain(&variables));
            process::exec(SHELL, &Pointers::to(args.iter()), &env);
        }
        126
    }
}

/// # Errors
/// There is no `/bin/sh` that could be executed.
pub(crate) fn shell_is_there() -> nix::Result<()> {
    nix::unistd::access(SHELL, AccessFlags::X_OK)
}

/// A session of its own: no terminal's business. Its standard output is our standard error: ours is
/// COMMAND's.
fn prepare_keeper() -> nix::Result<()> {
    nix::unistd::setsid()?;
    process::become_subreaper()?;
    files::stderr_as_stdout()
}

/// Until a child changes, or so long.
fn await_child(signals: &Signals, timeout: Duration) {
    let mut ready = Vec::new();
    poll::wait(&[(signals.as_fd(), Readiness::Readable)], Some(timeout), &mut ready);
    while signals.next().is_some() {}
}

fn kill_all(shell: Pid, signals: &Signals) {
    let until = clock::now() + KILLING;
    while children::has_children() && clock::now() < until {
        let _ = process::signal_group(shell, Signal::KILL.number());
        for child in children::children_of_this_thread() {
            let _ = process::signal(child, Signal::KILL.number());
        }
        await_child(signals, Duration::from_millis(10));
        while children::next_changed().is_some() {}
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

/// What the end of a keeper says about its command, if that failed.
pub(crate) fn failure(end: Exit, limit: Duration) -> Option<HookFailure> {
    match end {
        Exit::Status(0) => None,
        Exit::Killed(TIME_IS_OVER) => Some(HookFailure::TimedOut(limit)),
        Exit::Status(_) | Exit::Killed(_) => Some(HookFailure::Ended(end)),
    }
}
