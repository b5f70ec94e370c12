//! Containers, by podman and runc: no daemon, no image, no network but the one made here. Takes
//! root.
//!
//! Unless there is a `Root`, the programs and the system's libraries have the same paths inside as
//! outside; the temp dir always has. So a `Run` needs no other words there. Standard output and
//! error are the files that a `Run` makes of them, with nothing in between, and the journal's clock
//! is the same.

use super::podman::{Contents, Removal, execute, prepare};
use super::{Client, Root, Run, Running, lives, tool};
use std::cell::OnceCell;
use std::fs::{self, File};
use std::ops::{Deref, DerefMut};
use std::os::fd::AsRawFd;

/// The container's side of its network, where there is one other address.
const INSIDE: &str = "10.0.0.2";
const OUTSIDE: &str = "10.0.0.1";

/// Used like the `Running` that it is. Dropping it removes the container.
pub(crate) struct Container {
    run: Running,
    /// At the other end of the container's cable, once there is one.
    outside: OnceCell<File>,
    removal: Removal,
}

impl Container {
    /// With podman's own seccomp filter.
    pub(crate) fn start(run: Run) -> Self {
        Self::start_from(run, Contents::system(), "")
    }

    /// With this file's worth of a seccomp filter.
    pub(crate) fn start_filtered(run: Run, filter: &str) -> Self {
        Self::start_filtered_with(run, filter, "")
    }

    /// The same, with more of podman's options.
    pub(crate) fn start_filtered_with(run: Run, filter: &str, options: &str) -> Self {
        let file = run.dir().join("seccomp.json");
        fs::write(&file, filter).unwrap();
        let options = format!("--security-opt=seccomp={} {options}", file.display());
        Self::start_from(run, Contents::system(), &options)
    }

    /// With that root folder and no other. The options are podman's, split at blanks.
    pub(crate) fn start_in(root: Root, run: Run, options: &str) -> Self {
        Self::start_from(run, Contents::root(root), options)
    }

    /// From an image, whose command the `Run` need not have.
    pub(crate) fn start_image(image: &str, run: Run, options: &str) -> Self {
        Self::start_from(run, Contents::image(image), options)
    }

    fn start_from(run: Run, contents: Contents, options: &str) -> Self {
        let (words, removal) = prepare(&run, contents, options);
        let run = run.through(words).refusing_nothing();
        Self { run: run.spawn(), outside: OnceCell::new(), removal }
    }

    /// At a terminal: what is sent to it is typed there, and what is shown there is its stdout.
    pub(crate) fn start_at_terminal(root: Root, command: &str) -> Self {
        let run = Run::bare().stdin_pipe();
        // The other log has no terminal.
        let options =
            format!("-it --log-driver=k8s-file --log-opt=path={}/log", run.dir().display());
        let (words, removal) = prepare(&run, Contents::root(root), &options);
        let words = format!("{} {command}", words.join(" "));
        // Podman wants one on its side, too.
        let run = run.through(["script", "-qec", &words, "/dev/null"]).refusing_nothing();
        tool("script");
        Self { run: run.spawn(), outside: OnceCell::new(), removal }
    }

    /// PID 1 of the container, by the number that it has out here.
    pub(crate) fn init(&mut self) -> i32 {
        self.run.wait_for("the container", |run| {
            let number = fs::read_to_string(run.dir().join("pid")).ok()?;
            number.trim().parse().ok().filter(|&pid| lives(pid))
        })
    }

    /// Until the children of PID 1 are such; zombies are included, the numbers those out here.
    pub(crate) fn await_children(&mut self, are: impl Fn(&[i32]) -> bool) -> Vec<i32> {
        let file = format!("/proc/{0}/task/{0}/children", self.init());
        self.run.wait_for("other children", |_| {
            let children = fs::read_to_string(&file).unwrap();
            let children = children.split_whitespace().map(|pid| pid.parse().unwrap());
            Some(children.collect::<Vec<_>>()).filter(|children| are(children))
        })
    }

    /// `podman stop`: TERM, and KILL after so many seconds.
    pub(crate) fn stop(&self, seconds: u32) {
        self.podman(&["stop", &format!("--time={seconds}")], &[]);
    }

    /// `podman exec`, until what it executes has ended.
    pub(crate) fn exec(&self, command: &[&str]) -> String {
        self.podman(&["exec"], command)
    }

    /// The same, not waiting for anything.
    pub(crate) fn exec_detached(&self, command: &[&str]) {
        self.podman(&["exec", "--detach"], command);
    }

    fn podman(&self, before: &[&str], after: &[&str]) -> String {
        let words = [&["--runtime=runc"], before, &[&self.removal.name], after].concat();
        let output = execute("podman", &words);
        assert!(output.status.success(), "podman {}: {output:?}", words.join(" "));
        String::from_utf8(output.stdout).unwrap()
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

    /// A connection from there to this port, as soon as somebody listens.
    pub(crate) fn client(&mut self, port: u16) -> Client {
        self.outside(|| ());
        let network = self.outside.get().unwrap();
        let connect = || Client::connect(&format!("{INSIDE}:{port}")).ok();
        self.run.wait_for(&format!("port {port}"), |_| within(network, connect))
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
