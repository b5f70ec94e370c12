//! Where the programs are that `recycle` is measured beside: unpacked by `benches/peers.sh`, or
//! installed. Who is in neither place is missing, which is no error.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::common::evict;

/// A program, and Debian's package that has it.
const PROGRAMS: [(&str, &str); 12] = [
    ("cat", "coreutils"),
    ("catatonit", "catatonit"),
    ("dumb-init", "dumb-init"),
    ("monit", "monit"),
    ("nginx", "nginx"),
    ("runsv", "runit"),
    ("s6-supervise", "s6"),
    ("systemd-socket-activate", "systemd"),
    ("timeout", "coreutils"),
    ("tini", "tini"),
    ("tini-static", "tini"),
    ("wrk", "wrk"),
];

/// What came from PyPI: a directory of it, and the module that is run.
const MODULES: [(&str, &str); 2] =
    [("supervisor", "supervisor.supervisord"), ("superlance", "superlance.memmon")];

pub(crate) struct Peers {
    unpacked: PathBuf,
}

impl Peers {
    pub(crate) fn find() -> Self {
        let peers = Self { unpacked: Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers") };
        // As for recycle itself: some may have been unpacked just now.
        PROGRAMS.iter().filter_map(|(name, _)| peers.path(name)).for_each(|path| evict(&path));
        peers
    }

    fn path(&self, program: &str) -> Option<PathBuf> {
        let own = ["usr/bin", "usr/sbin", "bin", "sbin"].map(|part| self.unpacked.join(part));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::split_paths(&path).collect::<Vec<_>>();
        // Debian keeps servers where only root's PATH leads.
        let others = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/lib/systemd"].map(PathBuf::from);
        let all = own.into_iter().chain(path).chain(others);
        all.map(|place| place.join(program)).find(|path| path.is_file())
    }

    /// A command that runs this program.
    pub(crate) fn command(&self, program: &str) -> Result<Command> {
        let path = self.path(program).context("missing")?;
        let mut command = Command::new(&path);
        if path.starts_with(&self.unpacked) {
            command.env("LD_LIBRARY_PATH", self.libraries());
        }
        Ok(command)
    }

    /// Where the libraries are that were unpacked with their programs.
    fn libraries(&self) -> OsString {
        let places = ["usr/lib", "lib"].map(|part| self.unpacked.join(part));
        let triple = |place: &PathBuf| place.join("x86_64-linux-gnu");
        let all: Vec<_> = places.iter().map(triple).chain(places.iter().cloned()).collect();
        std::env::join_paths(all).unwrap_or_default()
    }

    /// Where Python's modules are, if all of them are.
    pub(crate) fn modules(&self) -> Result<PathBuf> {
        let modules = self.unpacked.join("python");
        let all = MODULES.iter().all(|(package, _)| modules.join(package).is_dir());
        all.then_some(modules).context("missing")
    }

    /// A command that runs supervisord.
    pub(crate) fn supervisord(&self) -> Result<Command> {
        let modules = self.modules()?;
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", modules).args(["-m", MODULES[0].1]);
        Ok(command)
    }

    /// Everybody's name and version.
    pub(crate) fn versions(&self) -> Vec<(String, String)> {
        let debian = PROGRAMS.iter().map(|(name, package)| {
            let version = self.path(name).map(|path| self.version(&path, package));
            ((*name).to_owned(), version.unwrap_or_else(|| "missing".to_owned()))
        });
        let pypi = MODULES.iter().map(|(package, module)| {
            let version = self.pypi_version(package).unwrap_or_else(|| "missing".to_owned());
            let name = module.rsplit('.').next().unwrap_or(module);
            (name.to_owned(), version)
        });
        debian.chain(pypi).collect()
    }

    fn version(&self, path: &Path, package: &str) -> String {
        let unpacked = || {
            let list = std::fs::read_to_string(self.unpacked.join("versions")).ok()?;
            let line =
                |line: &str| line.strip_prefix(package)?.strip_prefix(' ').map(str::to_owned);
            list.lines().find_map(line)
        };
        let installed = || {
            let query = ["--show", "--showformat", "${Version}", package];
            let output = Command::new("dpkg-query").args(query).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let version = if path.starts_with(&self.unpacked) { unpacked() } else { installed() };
        version.map_or_else(|| "of an unknown version".to_owned(), |it| format!("Debian {it}"))
    }

    fn pypi_version(&self, package: &str) -> Option<String> {
        let modules = std::fs::read_dir(self.unpacked.join("python")).ok()?;
        let names = modules.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let version = |name: String| {
            let version = name.strip_prefix(package)?.strip_prefix('-')?;
            Some(format!("PyPI {}", version.strip_suffix(".dist-info")?))
        };
        names.filter_map(version).next()
    }
}
