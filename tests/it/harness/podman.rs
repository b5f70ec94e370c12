//! What podman is told: what a container is made of, what limits it, when it goes.

use super::{Root, Run, fixture_path, recycle_path, tool};
use nix::sys::resource::{Resource, getrlimit};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

/// Podman's own seccomp filter.
pub(crate) fn read_filter() -> String {
    fs::read_to_string("/usr/share/containers/seccomp.json").unwrap()
}

/// What podman makes the container of.
pub(super) struct Contents {
    mounts: Vec<String>,
    last: Vec<String>,
    root: Option<Root>,
}

impl Contents {
    /// This system's programs and libraries.
    pub(super) fn system() -> Self {
        let root = Root::empty();
        Self { mounts: mounts(root.path()), ..Self::root(root) }
    }

    pub(super) fn root(root: Root) -> Self {
        let path = root.path().display().to_string();
        Self { mounts: Vec::new(), last: vec!["--rootfs".to_owned(), path], root: Some(root) }
    }

    pub(super) fn image(name: &str) -> Self {
        Self { mounts: Vec::new(), last: vec![name.to_owned()], root: None }
    }
}

/// The words for podman, those of the `Run` come after them; and how to be rid of the container.
pub(super) fn prepare(run: &Run, contents: Contents, options: &str) -> (Vec<String>, Removal) {
    // Unlike the program, podman knows all containers of the machine by their names.
    let name = run.dir().file_name().unwrap().to_str().unwrap().to_owned();
    // For whoever COMMAND makes of itself in there.
    fs::set_permissions(run.dir(), Permissions::from_mode(0o777)).unwrap();
    // Nothing between the program and the test, and an end should the test find none.
    let fixed = "podman --runtime=runc run --rm --network=none --log-driver=passthrough \
                 --timeout=300 --env=FIXTURE_JOURNAL";
    let mut words: Vec<_> = fixed.split(' ').map(str::to_owned).collect();
    words.extend(limits());
    words.extend(contents.mounts);
    words.extend([
        format!("--volume={0}:{0}", run.dir().display()),
        format!("--workdir={}", run.dir().display()),
        format!("--pidfile={}", run.dir().join("pid").display()),
        format!("--name={name}"),
    ]);
    words.extend(options.split_whitespace().map(str::to_owned));
    words.extend(contents.last);
    tool("runc");
    (words, Removal { name, _root: contents.root })
}

/// Comes after `Running` has killed what was in the container, and podman with it.
pub(super) struct Removal {
    pub(super) name: String,
    _root: Option<Root>,
}

impl Drop for Removal {
    fn drop(&mut self) {
        // Whoever watches the container for podman may be in the midst of it: then it fails, once
        // or twice.
        let gone = (0..20).any(|_| {
            let remove = ["rm", "--force", "--ignore", "--time=0", &self.name];
            let exists = ["container", "exists", &self.name];
            execute("podman", &remove).status.success()
                || execute("podman", &exists).status.code() == Some(1)
        });
        assert!(std::thread::panicking() || gone, "{} is still there", self.name);
    }
}

/// Podman's own are higher than a test that may not raise any can ask for.
pub(crate) fn limits() -> impl Iterator<Item = String> {
    let both = [("nofile", Resource::RLIMIT_NOFILE), ("nproc", Resource::RLIMIT_NPROC)];
    both.into_iter().map(|(name, resource)| {
        let number = getrlimit(resource).unwrap().1.min(4096);
        format!("--ulimit={name}={number}:{number}")
    })
}

/// The system's programs and libraries, and ours, read-only. What is a link to `/usr` outside is
/// one inside.
fn mounts(root: &Path) -> Vec<String> {
    let mut seen = vec![Path::new("/usr"), recycle_path(), fixture_path()];
    for dir in ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"].map(Path::new) {
        match fs::read_link(dir) {
            Ok(target) => symlink(target, root.join(dir.strip_prefix("/").unwrap())).unwrap(),
            Err(_) if dir.is_dir() => seen.push(dir),
            Err(_) => {}
        }
    }
    seen.iter().map(|path| format!("--volume={0}:{0}:ro", path.display())).collect()
}

#[expect(clippy::disallowed_methods, reason = "tests start programs")]
pub(crate) fn execute(program: &str, arguments: &[&str]) -> Output {
    Command::new(tool(program)).args(arguments).output().unwrap()
}
