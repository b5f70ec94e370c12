//! Containers, by podman and runc: no daemon, no image, no network but the one made here. Takes
//! root.
//!
//! The programs, the system's libraries and the temp dir have the same paths inside as outside,
//! so a `Run` needs no other words there. Standard output and error are the files that a `Run`
//! makes of them, with nothing in between, and the journal's clock is the same.

use super::{Run, Running, fixture_path, lives, recycle_path, tool};
use nix::sys::resource::{Resource, getrlimit};
use std::cell::OnceCell;
use std::fs::{self, File, Permissions};
use std::ops::{Deref, DerefMut};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Podman's own seccomp filter.
pub(crate) fn read_filter() -> String {
    fs::read_to_string("/usr/share/containers/seccomp.json").unwrap()
}

/// The container's side of its network, where there is one other address.
const INSIDE: &str = "10.0.0.2";
const OUTSIDE: &str = "10.0.0.1";

/// Used like the `Running` that it is. Dropping it removes the container.
pub(crate) struct Container {
    run: Running,
    /// At the other end of the container's cable, once there is one.
    outside: OnceCell<File>,
    _removal: Removal,
}

impl Container {
    /// With podman's own seccomp filter.
    pub(crate) fn start(run: Run) -> Self {
        Self::start_with(run, &[])
    }

    /// With this file's worth of a seccomp filter.
    pub(crate) fn start_filtered(run: Run, filter: &str) -> Self {
        let file = run.dir().join("seccomp.json");
        fs::write(&file, filter).unwrap();
        Self::start_with(run, &[format!("--security-opt=seccomp={}", file.display())])
    }

    fn start_with(run: Run, options: &[String]) -> Self {
        let root = TempDir::with_prefix("recycle-root-").unwrap();
        // Unlike the program, podman knows all containers of the machine by their names.
        let name = root.path().file_name().unwrap().to_str().unwrap().to_owned();
        // For whoever COMMAND makes of itself in there.
        fs::set_permissions(run.dir(), Permissions::from_mode(0o777)).unwrap();
        // Nothing between the program and the test, and an end should the test find none.
        let fixed = "--rm --network=none --log-driver=passthrough --timeout=300 \
                     --env=FIXTURE_JOURNAL";
        let mut words: Vec<_> = ["podman", "--runtime=runc", "run"].map(str::to_owned).into();
        words.extend(fixed.split(' ').map(str::to_owned));
        words.extend(limits());
        words.extend(mounts(root.path()));
        words.extend([
            format!("--volume={0}:{0}", run.dir().display()),
            format!("--workdir={}", run.dir().display()),
            format!("--pidfile={}", run.dir().join("pid").display()),
            format!("--name={name}"),
        ]);
        words.extend_from_slice(options);
        words.extend(["--rootfs".to_owned(), root.path().display().to_string()]);
        let removal = Removal { name, _root: root };
        tool("runc");
        Self { run: run.through(words).spawn(), outside: OnceCell::new(), _removal: removal }
    }

    /// PID 1 of the container, by the number that it has out here.
    pub(crate) fn init(&mut self) -> i32 {
        self.run.wait_for("the container", |run| {
            let number = fs::read_to_string(run.dir().join("pid")).ok()?;
            number.trim().parse().ok().filter(|&pid| lives(pid))
        })
    }

    /// What the server of this generation listens at, as its clients outside know it. It has to
    /// listen at every address.
    pub(crate) fn address(&mut self, generation: u32) -> String {
        let listening = self.run.await_entry(generation, "listening").text;
        let port = listening.strip_prefix("listening 0.0.0.0:").unwrap();
        format!("{INSIDE}:{port}")
    }

    /// Does this in the container's own network, where `localhost` is the container itself.
    /// Sockets that are made there stay there.
    pub(crate) fn inside<T: Send>(&mut self, act: impl FnOnce() -> T + Send) -> T {
        within(&self.network(), act)
    }

    /// Does this at the other end of the container's cable, as clients do in real life.
    pub(crate) fn outside<T: Send>(&mut self, act: impl FnOnce() -> T + Send) -> T {
        if self.outside.get().is_none() {
            let network = self.lay_cable();
            self.outside.set(network).unwrap();
        }
        within(self.outside.get().unwrap(), act)
    }

    fn network(&mut self) -> File {
        File::open(format!("/proc/{}/ns/net", self.init())).unwrap()
    }

    /// The other end is in a network of its own, so the machine's knows nothing of all this, and
    /// tests do not meet each other. It ends with the last socket in it.
    fn lay_cable(&mut self) -> File {
        let init = self.init();
        let own = || {
            unshare_network();
            ip(&format!("link add cable type veth peer name eth0 netns {init}"));
            ip(&format!("address add {OUTSIDE}/24 dev cable"));
            ip("link set cable up");
            File::open("/proc/thread-self/ns/net").unwrap()
        };
        let network = on_a_thread(own);
        self.inside(|| {
            ip(&format!("address add {INSIDE}/24 dev eth0"));
            ip("link set eth0 up");
        });
        network
    }
}

impl Deref for Container {
    type Target = Running;
    fn deref(&self) -> &Running {
        &self.run
    }
}

impl DerefMut for Container {
    fn deref_mut(&mut self) -> &mut Running {
        &mut self.run
    }
}

/// Comes after `Running` has killed what was in the container, and podman with it.
struct Removal {
    name: String,
    _root: TempDir,
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
fn limits() -> impl Iterator<Item = String> {
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

fn within<T: Send>(network: &File, act: impl FnOnce() -> T + Send) -> T {
    on_a_thread(|| {
        enter(network);
        act()
    })
}

/// A network belongs to a thread; the test's own stays where it is.
fn on_a_thread<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    let ended = std::thread::scope(|scope| scope.spawn(act).join());
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[expect(unsafe_code, reason = "nix's would want one more of its features")]
fn enter(network: &File) {
    // SAFETY: setns(2) touches no memory of ours.
    let result = unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "setns: {}", std::io::Error::last_os_error());
}

#[expect(unsafe_code, reason = "nix's would want one more of its features")]
fn unshare_network() {
    // SAFETY: unshare(2) touches no memory of ours.
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "unshare: {}", std::io::Error::last_os_error());
}

fn ip(words: &str) {
    let output = execute("ip", &words.split(' ').collect::<Vec<_>>());
    assert!(output.status.success(), "ip {words}: {output:?}");
}

#[expect(clippy::disallowed_methods, reason = "tests start programs")]
fn execute(program: &str, arguments: &[&str]) -> Output {
    Command::new(tool(program)).args(arguments).output().unwrap()
}
