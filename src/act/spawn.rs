//! Starting a generation: fork, exec, and everything in between. An error comes back with its
//! stage.
//!
//! We wait until the child is COMMAND: whether that worked is known at once. The price: a file that
//! takes its time to be read (a network's) holds us up as well, TERM included.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use nix::errno::Errno;
use nix::unistd::Pid;

use super::directory::{Directory, PWD};
use super::terminal::{self, Group};
use crate::decide::exit::{End, Failure, Stage};
use crate::decide::reason::Cause;
use crate::sys::environment::{self, Entry};
use crate::sys::files;
use crate::sys::process;
use crate::sys::signals::Inherited;

/// COMMAND, ready to be started again and again.
#[derive(Debug)]
pub(crate) struct Program {
    /// The files to try, in this order.
    candidates: Vec<CString>,
    args: Vec<CString>,
    /// What COMMAND always finds in its environment.
    env: Vec<Entry>,
    /// Variables that name the process they are meant for, and named us: they are to name COMMAND.
    pid_variables: Vec<&'static str>,
    /// COMMAND leads a process group of its own.
    own_group: bool,
    /// It has the terminal's foreground from its first moment, if this group of ours had it.
    foreground_of: Option<Pid>,
    inherited: Inherited,
    directory: Directory,
    /// Where a regular file on standard input was when we were started.
    input_start: Option<u64>,
}

/// Of systemd (`sd_listen_fds(3)`, `sd_watchdog_enabled(3)`, `systemd.exec(5)`).
const PID_VARIABLES: [&str; 3] = ["LISTEN_PID", "WATCHDOG_PID", "SYSTEMD_EXEC_PID"];
/// What such a variable's name ends with where it names the same process once more, by the number
/// of its pidfd: `LISTEN_PIDFDID`. Whoever finds none goes by the pid.
const BY_PIDFD: &[u8] = b"FDID";

/// The variables that tell COMMAND where it is in its life.
const GENERATION: &str = "RECYCLE_GENERATION";
const REASON: &str = "RECYCLE_REASON";

const SHELL: &CStr = c"/bin/sh";

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
        directory: Directory,
    ) -> Result<Self, std::ffi::NulError> {
        let args = command.iter().map(|arg| CString::new(arg.as_bytes()));
        let args = args.collect::<Result<Vec<_>, _>>()?;
        let us = std::process::id().to_string();
        let names_us = |name: &&str| std::env::var_os(name).is_some_and(|pid| pid == *us);
        let pid_variables: Vec<_> = PID_VARIABLES.into_iter().filter(names_us).collect();
        let given_anew = |entry: &Entry| {
            let mut anew = [GENERATION, REASON].iter().chain(&pid_variables);
            anew.any(|name| entry.name() == name.as_bytes())
                || directory.is_given() && entry.name() == PWD
        };
        let names_us_again = |entry: &Entry| {
            let name = entry.name().strip_suffix(BY_PIDFD);
            name.is_some_and(|name| pid_variables.iter().any(|known| known.as_bytes() == name))
        };
        let env = environment::entries().filter(|entry| !entry.is_among(hidden));
        let env = env.filter(|entry| !given_anew(entry) && !names_us_again(entry)).collect();
        let name = command.first().map(OsString::as_os_str).unwrap_or_default();
        Ok(Self {
            candidates: files_for(name),
            args,
            env,
            pid_variables,
            own_group: group != Group::Shared,
            foreground_of: (group == Group::Foreground).then(nix::unistd::getpgrp),
            inherited,
            directory,
            input_start: input_start(),
        })
    }

    /// The files to try, in this order.
    pub(crate) fn candidates(&self) -> &[CString] {
        &self.candidates
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Whether COMMAND leads a process group of its own.
    pub(crate) fn has_own_group(&self) -> bool {
        self.own_group
    }

    /// Whether it starts with the terminal's foreground.
    pub(crate) fn has_foreground(&self) -> bool {
        self.foreground_of.is_some()
    }

    /// Starts a generation, and returns when it is COMMAND. `input` is its standard input; `None`:
    /// ours. `watch` is called when all is ready but the process, which may be done with something
    /// before we run again. One that is stopped on its way is returned as it is.
    ///
    /// # Errors
    /// No pids, memory or descriptors left; standard input cannot be rewound; COMMAND cannot be
    /// executed. There is no process left of it.
    pub(crate) fn spawn(
        &self,
        generation: u64,
        cause: Option<Cause>,
        input: Option<BorrowedFd<'_>>,
        watch: impl FnOnce(),
    ) -> Result<Pid, Failure> {
        let failed = |stage| move |errno: Errno| Failure { stage, errno: errno as i32 };
        if generation > 1 && input.is_none() {
            self.rewind().map_err(failed(Stage::Rewind))?;
        }
        let own = [
            variable(GENERATION.into(), generation.to_string().as_ref()),
            cause.and_then(|cause| variable(REASON.into(), cause.word().as_ref())),
        ];
        let own = own.iter().flatten().map(CString::as_c_str).chain(self.directory.pwd());
        let env: Vec<_> = self.env.iter().map(|entry| entry.as_c_str()).chain(own).collect();
        let parent = Pid::this();
        watch();
        let (pid, reason) = process::fork_and_exec(|| {
            let (stage, errno) = self.become_command(generation, parent, input, &env);
            let failure = failed(stage)(errno);
            let status = match End::from(failure) {
                End::Status(status) => i32::from(status),
                End::Signal(_) => 125,
            };
            (status, encode(failure))
        })
        .map_err(failed(Stage::Fork))?;
        reason.map_or(Ok(pid), |reason| Err(decode(reason)))
    }

    /// The child's way to `execve`. The order matters: the kernel is told to kill us with our
    /// parent before anything else can go wrong, the foreground is taken while SIGTTOU is still
    /// blocked, and signals are let in last, when their dispositions are COMMAND's and not ours.
    fn become_command(
        &self,
        generation: u64,
        parent: Pid,
        input: Option<BorrowedFd<'_>>,
        env: &[&CStr],
    ) -> (Stage, Errno) {
        if let Err(errno) = self.prepare(parent, input) {
            return (Stage::Prepare, errno);
        }
        if let Err(errno) = self.directory.enter(generation) {
            return (Stage::Directory, errno);
        }
        let pid = std::process::id().to_string();
        let pids = self.pid_variables.iter().map(|&name| variable(name.into(), pid.as_ref()));
        let pids: Vec<_> = pids.collect();
        let env: Vec<_> =
            env.iter().copied().chain(pids.iter().flatten().map(CString::as_c_str)).collect();
        let args: Vec<_> = self.args.iter().map(CString::as_c_str).collect();
        let mut worst = Errno::ENOENT;
        for candidate in &self.candidates {
            match process::exec(candidate, &args, &env) {
                Errno::ENOENT | Errno::ENOTDIR => {}
                // A script without "#!", for the shell, as execvp(3) has it.
                Errno::ENOEXEC => {
                    let rest = args.get(1..).unwrap_or_default();
                    let args = [&[SHELL, candidate.as_c_str()], rest].concat();
                    return (Stage::Exec, exec_by_shell(&args, &env));
                }
                // Another directory of PATH may have one that we may execute.
                Errno::EACCES => worst = Errno::EACCES,
                errno => return (Stage::Exec, errno),
            }
        }
        (Stage::Exec, worst)
    }

    fn prepare(&self, parent: Pid, input: Option<BorrowedFd<'_>>) -> nix::Result<()> {
        process::die_with_parent(parent)?;
        if self.own_group {
            nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
        }
        if let Some(ours) = self.foreground_of {
            terminal::take_foreground(ours);
        }
        // After the foreground, which is asked of the terminal that our own standard input is.
        if let Some(input) = input {
            files::become_stdin(input)?;
        }
        self.inherited.restore().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))
    }

    /// Each generation reads a regular file from where the first one did. The offset is shared with
    /// everybody who has the file open, which is what makes this work.
    fn rewind(&self) -> nix::Result<()> {
        let Some(start) = self.input_start else { return Ok(()) };
        let offset = i64::try_from(start).unwrap_or(i64::MAX);
        nix::unistd::lseek(files::STDIN, offset, nix::unistd::Whence::SeekSet).map(drop)
    }
}

/// The arguments have the script in the second place.
fn exec_by_shell(args: &[&CStr], env: &[&CStr]) -> Errno {
    match process::exec(SHELL, args, env) {
        // Without a shell it is the script that cannot be executed.
        Errno::ENOENT => Errno::ENOEXEC,
        errno => errno,
    }
}

/// The child's failures, in the order of their numbers in what it writes.
const STAGES: [Stage; 3] = [Stage::Prepare, Stage::Directory, Stage::Exec];

/// What the child writes of a failure.
fn encode(failure: Failure) -> [u8; 5] {
    let stage = STAGES.iter().position(|stage| *stage == failure.stage).unwrap_or_default();
    let [a, b, c, d] = failure.errno.to_ne_bytes();
    [u8::try_from(stage).unwrap_or_default(), a, b, c, d]
}

/// What that means.
fn decode([stage, a, b, c, d]: [u8; 5]) -> Failure {
    let stage = STAGES.get(usize::from(stage)).copied().unwrap_or(Stage::Prepare);
    Failure { stage, errno: i32::from_ne_bytes([a, b, c, d]) }
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
    fn a_failure_passes_through_the_pipe() {
        for stage in STAGES {
            for errno in [1, 2, 13, 133, i32::MAX] {
                let failure = Failure { stage, errno };
                assert_eq!(decode(encode(failure)), failure);
            }
        }
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
