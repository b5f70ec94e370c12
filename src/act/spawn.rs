//! Starting a generation: fork, exec, and everything in between. An error comes back with its
//! stage.

use std::ffi::{CString, OsStr, OsString};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::Pid;

use super::terminal::{self, Group};
use crate::decide::event::Cause;
use crate::decide::exit::{Failure, Stage};
use crate::sys::children;
use crate::sys::files;
use crate::sys::poll::{self, Readiness};
use crate::sys::process::{self, Pointers};
use crate::sys::signals::{self, Inherited};

/// COMMAND, ready to be started again and again.
#[derive(Debug)]
pub(crate) struct Program {
    /// The files to try, in this order.
    candidates: Vec<CString>,
    args: Vec<CString>,
    /// What COMMAND always finds in its environment.
    env: Vec<CString>,
    /// Variables that name the process they are meant for, and named us (`sd_listen_fds(3)`,
    /// `sd_watchdog_enabled(3)`): they are to name COMMAND.
    pid_variables: Vec<&'static str>,
    /// COMMAND leads a process group of its own.
    own_group: bool,
    /// It has the terminal's foreground from its first moment, if this group of ours had it.
    foreground_of: Option<Pid>,
    inherited: Inherited,
    /// Where a regular file on standard input was when we were started.
    input_start: Option<u64>,
}

/// A process that is about to become COMMAND.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) pid: Pid,
    /// Ends when exec has worked; before that it may bring a failure.
    report: OwnedFd,
}

/// A failure on the wire from child to parent: stage and errno.
const REPORT: usize = 8;

const PID_VARIABLES: [&str; 2] = ["LISTEN_PID", "WATCHDOG_PID"];

/// The variables that tell COMMAND where it is in its life.
const GENERATION: &str = "RECYCLE_GENERATION";
const REASON: &str = "RECYCLE_REASON";

impl Program {
    /// COMMAND with its arguments. Variables named in `hidden` are kept from it.
    ///
    /// # Errors
    /// An argument with a NUL byte, which no program could be given.
    pub(crate) fn new(
        command: &[OsString],
        hidden: &[String],
        inherited: Inherited,
        group: Group,
    ) -> Result<Self, std::ffi::NulError> {
        let args = command.iter().map(|arg| CString::new(arg.as_bytes()));
        let args = args.collect::<Result<Vec<_>, _>>()?;
        let us = std::process::id().to_string();
        let names_us = |name: &&str| std::env::var_os(name).is_some_and(|pid| pid == *us);
        let pid_variables: Vec<_> = PID_VARIABLES.into_iter().filter(names_us).collect();
        let rewritten = [GENERATION, REASON].into_iter().chain(pid_variables.iter().copied());
        let taken: Vec<_> = hidden.iter().map(String::as_str).chain(rewritten).collect();
        let is_hidden = |name: &OsStr| taken.iter().any(|taken| name == OsStr::new(taken));
        let env = std::env::vars_os().filter(|(name, _)| !is_hidden(name));
        let env = env.filter_map(|(name, value)| variable(name, &value)).collect();
        let name = command.first().map(OsString::as_os_str).unwrap_or_default();
        Ok(Self {
            candidates: files_for(name),
            args,
            env,
            pid_variables,
            own_group: group != Group::Shared,
            foreground_of: (group == Group::Foreground).then(nix::unistd::getpgrp),
            inherited,
            input_start: input_start(),
        })
    }

    /// Whether COMMAND leads a process group of its own.
    pub(crate) fn has_own_group(&self) -> bool {
        self.own_group
    }

    /// Whether it starts with the terminal's foreground.
    pub(crate) fn has_foreground(&self) -> bool {
        self.foreground_of.is_some()
    }

    /// Starts a generation. `watch` is called when all is ready but the process: that one may be
    /// done with something before we run again.
    ///
    /// # Errors
    /// No pids, memory or descriptors left; standard input cannot be rewound. Nothing was started.
    pub(crate) fn spawn(
        &self,
        generation: u64,
        cause: Option<Cause>,
        watch: impl FnOnce(),
    ) -> Result<Spawned, Failure> {
        let failed = |stage| move |errno: Errno| Failure { stage, errno: errno as i32 };
        if generation > 1 {
            self.rewind().map_err(failed(Stage::Rewind))?;
        }
        let (report, write_end) =
            nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(failed(Stage::Fork))?;
        let own = [
            variable(GENERATION.into(), generation.to_string().as_ref()),
            cause.and_then(|cause| variable(REASON.into(), cause.word().as_ref())),
        ];
        let args = Pointers::to(self.args.iter());
        let parent = Pid::this();
        watch();
        let pid = process::fork(|| {
            // Here, and not before the fork: only now is there a pid to name. With one thread the
            // child of a fork may allocate.
            let pid = std::process::id().to_string();
            let named = self.pid_variables.iter();
            let named: Vec<_> =
                named.filter_map(|name| variable((*name).into(), pid.as_ref())).collect();
            let env = Pointers::to(self.env.iter().chain(own.iter().flatten()).chain(&named));
            let (stage, errno) = self.become_command(parent, &args, &env);
            // From here on nothing may stop us: our parent waits for our end.
            let _ = signals::block_all();
            let mut bytes = [0; REPORT];
            bytes[..4].copy_from_slice(&(stage as i32).to_ne_bytes());
            bytes[4..].copy_from_slice(&(errno as i32).to_ne_bytes());
            // If nobody hears this, nobody is there.
            let _ = nix::unistd::write(&write_end, &bytes);
            127
        })
        .map_err(failed(Stage::Fork))?;
        if self.own_group {
            // Parent and child both do this: whoever comes second finds it done.
            let _ = nix::unistd::setpgid(pid, pid);
        }
        Ok(Spawned { pid, report })
    }

    /// The child's way to `execve`. The order matters: the kernel is told to kill us with our
    /// parent before anything else can go wrong, the foreground is taken while SIGTTOU is still
    /// blocked, and signals are let in last, when their dispositions are COMMAND's and not ours.
    fn become_command(
        &self,
        parent: Pid,
        args: &Pointers<'_>,
        env: &Pointers<'_>,
    ) -> (Stage, Errno) {
        if let Err(errno) = self.prepare(parent) {
            return (Stage::Prepare, errno);
        }
        let mut worst = Errno::ENOENT;
        for candidate in &self.candidates {
            match process::exec(candidate, args, env) {
                Errno::ENOENT | Errno::ENOTDIR => {}
                // A script without "#!", for the shell, as execvp(3) has it.
                Errno::ENOEXEC => return (Stage::Exec, self.exec_by_shell(candidate, env)),
                // Another directory of PATH may have one that we may execute.
                Errno::EACCES => worst = Errno::EACCES,
                errno => return (Stage::Exec, errno),
            }
        }
        (Stage::Exec, worst)
    }

    fn prepare(&self, parent: Pid) -> nix::Result<()> {
        process::die_with_parent(parent)?;
        if self.own_group {
            nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
        }
        if let Some(ours) = self.foreground_of {
            terminal::take_foreground(ours);
        }
        self.inherited.restore().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))
    }

    fn exec_by_shell(&self, script: &CString, env: &Pointers<'_>) -> Errno {
        let shell = c"/bin/sh".to_owned();
        let args = [&shell, script].into_iter().chain(self.args.iter().skip(1));
        match process::exec(&shell, &Pointers::to(args), env) {
            // Without a shell it is the script that cannot be executed.
            Errno::ENOENT => Errno::ENOEXEC,
            errno => errno,
        }
    }

    /// Each generation reads a regular file from where the first one did. The offset is shared with
    /// everybody who has the file open, which is what makes this work.
    fn rewind(&self) -> nix::Result<()> {
        let Some(start) = self.input_start else { return Ok(()) };
        let offset = i64::try_from(start).unwrap_or(i64::MAX);
        nix::unistd::lseek(files::STDIN, offset, nix::unistd::Whence::SeekSet).map(drop)
    }
}

impl Spawned {
    /// Readable when there is a result.
    pub(crate) fn readiness(&self) -> BorrowedFd<'_> {
        self.report.as_fd()
    }

    /// Whether there is one.
    pub(crate) fn is_done(&self) -> bool {
        let mut ready = Vec::with_capacity(1);
        poll::wait(&[(self.report.as_fd(), Readiness::Readable)], Some(Duration::ZERO), &mut ready);
        ready == [true]
    }

    /// Whether exec has worked. One that failed is reaped.
    pub(crate) fn result(self) -> Result<(), Failure> {
        let mut bytes = [0; REPORT];
        let mut report = std::fs::File::from(self.report);
        if report.read_exact(&mut bytes).is_err() {
            return Ok(());
        }
        children::reap_child(self.pid);
        let [stage, errno] = [0, 4].map(|at| {
            let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
            four.map_or(0, i32::from_ne_bytes)
        });
        let stage = if stage == Stage::Prepare as i32 { Stage::Prepare } else { Stage::Exec };
        Err(Failure { stage, errno })
    }
}

fn variable(mut name: OsString, value: &OsStr) -> Option<CString> {
    name.push("=");
    name.push(value);
    CString::new(name.into_vec()).ok()
}

/// The files that are tried for this name.
pub(crate) fn files_for(name: &OsStr) -> Vec<CString> {
    candidates(name, std::env::var_os("PATH"))
}

/// The files that a shell would try for this name (`execvp(3)`).
fn candidates(name: &OsStr, path: Option<OsString>) -> Vec<CString> {
    let bytes = name.as_bytes();
    if bytes.contains(&b'/') {
        return CString::new(bytes).into_iter().collect();
    }
    if bytes.is_empty() {
        return Vec::new();
    }
    let path = path.unwrap_or_else(|| "/bin:/usr/bin".into());
    let directories = path.as_bytes().split(|byte| *byte == b':');
    let files = directories.map(|directory| match directory {
        // An empty entry is the current directory.
        b"" => [b"./", bytes].concat(),
        directory => [directory, b"/", bytes].concat(),
    });
    files.filter_map(|file| CString::new(file).ok()).collect()
}

/// Where a regular file on standard input is; `None`: it is not one.
fn input_start() -> Option<u64> {
    let stat = nix::sys::stat::fstat(files::STDIN).ok()?;
    let regular = stat.st_mode & libc::S_IFMT == libc::S_IFREG;
    let offset = nix::unistd::lseek(files::STDIN, 0, nix::unistd::Whence::SeekCur).ok()?;
    regular.then_some(u64::try_from(offset).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(name: &str, path: Option<&str>) -> Vec<String> {
        let files = candidates(name.as_ref(), path.map(OsString::from));
        files.into_iter().map(|file| file.into_string().unwrap()).collect()
    }

    #[test]
    fn a_name_is_looked_for_as_a_shell_does() {
        assert_eq!(tried("a", Some("/x:/y")), ["/x/a", "/y/a"]);
        assert_eq!(tried("a", Some(":/y:")), ["./a", "/y/a", "./a"]);
        assert_eq!(tried("a", None), ["/bin/a", "/usr/bin/a"]);
        assert_eq!(tried("./a", Some("/x")), ["./a"]);
        assert_eq!(tried("", Some("/x")), Vec::<String>::new());
    }
}
