//! A container's own root folder: nothing of this system but what is put into it.

use super::{copy_program, recycle_path, tool};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

const TARGET: &str = "x86_64-unknown-linux-musl";

/// For `Container::start_in`. The programs that tests use most are there, at these paths:
/// `/recycle` and `/fixture`, linked statically, and `/bin/busybox` with its applets (`/bin/sh`).
pub(crate) struct Root(TempDir);

impl Root {
    pub(crate) fn new() -> Self {
        let root = Self::empty();
        root.put(&static_build().join("recycle"), "/recycle");
        root.put(&static_build().join("examples/fixture"), "/fixture");
        let root = root.with("busybox", "/bin/busybox");
        for applet in applets() {
            // It is one of its own.
            if applet != "busybox" {
                symlink("busybox", root.path().join("bin").join(applet)).unwrap();
            }
        }
        root
    }

    /// `/recycle`, linked statically, and `/busybox`. Nothing else, no folder either.
    pub(crate) fn bare() -> Self {
        let root = Self::empty();
        root.put(&static_recycle(), "/recycle");
        root.put(&tool("busybox"), "/busybox");
        root
    }

    /// `/fixture`, linked statically.
    pub(crate) fn empty_but_for_the_fixture() -> Self {
        let root = Self::empty();
        root.put(&static_build().join("examples/fixture"), "/fixture");
        root
    }

    pub(super) fn empty() -> Self {
        let root = Self(TempDir::with_prefix("recycle-root-").unwrap());
        // For whoever is in there.
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        root
    }

    /// A program of this system at a path of its own, with the libraries that it is linked with
    /// where they are here.
    pub(crate) fn with(self, program: &str, inside: &str) -> Self {
        let program = tool(program);
        for library in libraries(&program) {
            self.put(Path::new(&library), &library);
        }
        self.put(&program, inside);
        self
    }

    pub(crate) fn file(self, inside: &str, text: &str) -> Self {
        let path = self.place(inside);
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, from: &Path, inside: &str) {
        copy_program(from, &self.place(inside));
    }

    fn place(&self, inside: &str) -> PathBuf {
        let path = self.path().join(inside.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }
}

/// Where the static `recycle` is, as `cargo build --release` for this target leaves it.
pub(crate) fn static_recycle() -> PathBuf {
    static_build().join("recycle")
}

/// Built once in a run of the tests, into cargo's own folder: whoever builds it after the tests
/// finds it there.
fn static_build() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let target = recycle_path().ancestors().nth(2).unwrap();
        // By itself first: with the fixture, other features of the libraries would be asked for.
        build(target, &[]);
        build(target, &["--example", "fixture"]);
        target.join(TARGET).join("release")
    })
}

#[expect(clippy::disallowed_methods, reason = "tests start programs")]
fn build(target: &Path, what: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--target", TARGET, "--target-dir"]).arg(target).args(what);
    let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(status.success(), "cannot build for {TARGET}; is it there? rustup target add {TARGET}");
}

/// Their paths, the loader's included. What is linked statically has none.
pub(crate) fn libraries(program: &Path) -> Vec<String> {
    let words = output("ldd", &[program.to_str().unwrap()]);
    // `NAME => PATH (ADDRESS)`, or the loader's path alone.
    let paths = words.split_whitespace().filter(|word| word.starts_with('/'));
    paths.filter(|word| !word.ends_with(':')).map(str::to_owned).collect()
}

fn applets() -> Vec<String> {
    output("busybox", &["--list"]).lines().map(str::to_owned).collect()
}

#[expect(clippy::disallowed_methods, reason = "tests start programs")]
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool(program)).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
