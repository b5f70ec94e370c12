//! Everybody who can look after a command, started in the way that each of them wants.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::peers::Peers;
use crate::process::{Guard, signal};

/// What is measured, and beside whom.
pub(crate) struct Setting {
    pub(crate) recycle: PathBuf,
    pub(crate) peers: Peers,
}

/// All three triggers, far from being due.
pub(crate) const TRIGGERS: [&str; 6] =
    ["--idle", "30s", "--max-rss", "1100M", "--max-lifetime", "6h"];

/// Who looks after a command.
#[derive(Clone)]
pub(crate) enum Kind {
    /// `recycle` with these options.
    Recycle(Vec<String>),
    /// A program that takes the command after these words.
    Wrapper(&'static str, &'static [&'static str]),
    /// A program that is given a directory in which the command is `run`.
    Service(&'static str),
    /// Looks at memory every second.
    Monit,
    /// supervisord alone.
    Supervisord,
    /// supervisord, and memmon that looks at memory every 5 seconds.
    Memmon,
}

impl Kind {
    pub(crate) fn recycle(options: &[&str]) -> Self {
        Self::Recycle(options.iter().map(|&word| word.to_owned()).collect())
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Recycle(options) if options.is_empty() => "`recycle`".to_owned(),
            Self::Recycle(options) => format!("`recycle {}`", options.join(" ")),
            Self::Wrapper(program, []) => format!("`{program}`"),
            Self::Wrapper(program, words) => format!("`{program} {}`", words.join(" ")),
            Self::Service(program) => format!("`{program}`"),
            Self::Monit => "`monit`, every 1 s".to_owned(),
            Self::Supervisord => "`supervisord`".to_owned(),
            Self::Memmon => "`supervisord` and `memmon`, every 5 s".to_owned(),
        }
    }

    /// Has it run this command.
    pub(crate) fn start(&self, setting: &Setting, words: &[&str]) -> Result<Running> {
        let directory = TempDir::new()?;
        let place = directory.path();
        let mut command = match self {
            Self::Recycle(options) => {
                let mut command = Command::new(&setting.recycle);
                command.args(options).arg("--").args(words);
                command
            }
            Self::Wrapper(program, options) => {
                let mut command = setting.peers.command(program)?;
                command.args(*options).args(words);
                command
            }
            Self::Service(program) => {
                write_run(place, words)?;
                let mut command = setting.peers.command(program)?;
                command.arg(place);
                command
            }
            Self::Monit => monit(setting, place, words)?,
            Self::Supervisord => supervisord(setting, place, words, "")?,
            Self::Memmon => {
                let memmon = "[eventlistener:memmon]\nevents=TICK_5\n\
                    command=python3 -m superlance.memmon -p command=300MB\n";
                supervisord(setting, place, words, memmon)?
            }
        };
        let [stdin, stdout, stderr] = [(); 3].map(|()| Stdio::null());
        let guard = Guard::start(command.stdin(stdin).stdout(stdout).stderr(stderr))?;
        let orphan = matches!(self, Self::Monit).then(|| place.join("pid"));
        Ok(Running { guard: Some(guard), orphan, _directory: directory })
    }
}

/// An executable script that becomes the command.
fn write_run(place: &Path, words: &[&str]) -> Result<PathBuf> {
    let quoted = words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''")));
    let script = format!("#!/bin/sh\nexec {}\n", quoted.collect::<Vec<_>>().join(" "));
    let path = place.join("run");
    fs::write(&path, script)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
    Ok(path)
}

/// Its command is nobody's child: it is known by a file with its pid.
fn monit(setting: &Setting, place: &Path, words: &[&str]) -> Result<Command> {
    let mut command = setting.peers.command("monit")?;
    write_run(place, words)?;
    let at = place.display();
    fs::write(place.join("start"), format!("{at}/run >{at}/out 2>&1 &\necho $! >{at}/pid\n"))?;
    fs::write(place.join("stop"), format!("kill $(cat {at}/pid)\n"))?;
    let rules = format!(
        "set daemon 1\nset logfile {at}/log\nset pidfile {at}/monit\nset idfile {at}/id\n\
         set statefile {at}/state\ncheck process command with pidfile {at}/pid\n\
         start program = \"/bin/sh {at}/start\"\nstop program = \"/bin/sh {at}/stop\"\n\
         if totalmem > 300 MB then restart\n"
    );
    let path = place.join("rules");
    fs::write(&path, rules)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    command.arg("-I").arg("-c").arg(path);
    Ok(command)
}

fn supervisord(setting: &Setting, place: &Path, words: &[&str], more: &str) -> Result<Command> {
    let mut command = setting.peers.supervisord()?;
    let run = write_run(place, words)?;
    let at = place.display();
    let rules = format!(
        "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={at}/pid\n\
         [unix_http_server]\nfile={at}/socket\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://{at}/socket\n\
         [program:command]\ncommand={}\nautorestart=true\nstartsecs=0\n{more}",
        run.display()
    );
    let path = place.join("rules");
    fs::write(&path, rules)?;
    command.arg("-c").arg(path);
    Ok(command)
}

/// Somebody at work. Ends with the command when dropped.
pub(crate) struct Running {
    /// Gone while it is dropped.
    guard: Option<Guard>,
    /// Where the pid is of a command that has to be ended by us.
    orphan: Option<PathBuf>,
    _directory: TempDir,
}

impl Running {
    /// Its own processes: not the command's.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let Some(pid) = self.guard.as_ref().map(Guard::id) else { return Vec::new() };
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        let helpers = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        let is_own = |pid: &u32| {
            let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.contains("superlance")
        };
        [pid].into_iter().chain(helpers.filter(is_own)).collect()
    }

    /// Fails if it is not at work any more.
    pub(crate) fn check(&mut self) -> Result<()> {
        let Some(Guard(child)) = &mut self.guard else { return Ok(()) };
        child.try_wait()?.map_or(Ok(()), |status| Err(anyhow::anyhow!("failed: {status}")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // monit leaves its command running.
        let Some(path) = &self.orphan else { return };
        self.guard.take();
        let pid = fs::read_to_string(path).unwrap_or_default();
        if let Ok(pid) = pid.trim().parse() {
            signal(pid, Signal::SIGTERM);
        }
    }
}
