//! What watching costs, and what the decision costs when many connections fall silent at once.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use crate::clients::{Client, chatter, end};
use crate::common::used::Used;
use crate::common::{lines, wrapped};
use crate::kinds::Kind;
use crate::network::own_network;
use crate::precision::stopping;

/// The first looks find the sockets; what watching costs is what comes after them.
const BEFORE: Duration = Duration::from_secs(11);
const SPAN: Duration = Duration::from_secs(12);
/// Between two requests: a thousand a second, and few enough to be nearly silent.
const BUSY: Duration = Duration::from_millis(1);
const CALM: Duration = Duration::from_secs(4);

/// Prints both tables.
pub(crate) fn print(recycle: &Path) {
    let (none, few, many) = (0, 100, 10_000);
    let tell = |what: &str, cost: &Cost| println!("| {what} | {cost} |");
    println!("\nWatching, --idle 10s, for {} s:\n", SPAN.as_secs());
    println!("| what | CPU | wake-ups per s |\n|---|---|---|");
    // These disturb each other little, in networks of their own. The others would: the kernel has
    // one table for the TCP connections of all networks, and goes through all of it.
    let (nothing, calm_few, unix, few) = std::thread::scope(|scope| {
        let nothing = scope.spawn(|| Watched::start(recycle, Kind::Tcp, none).cost(CALM));
        let calm_few = scope.spawn(|| Watched::start(recycle, Kind::Tcp, few).cost(CALM));
        let unix = scope.spawn(|| Watched::start(recycle, Kind::UnixShort, 1).cost(BUSY));
        let busy_few = scope.spawn(|| Watched::start(recycle, Kind::Tcp, few).silence());
        let join = |cost: ScopedJoinHandle<'_, Cost>| cost.join().unwrap();
        (join(nothing), join(calm_few), join(unix), busy_few.join().unwrap())
    });
    tell("0 connections, never any", &nothing);
    tell("100 connections, a request every 4 s", &calm_few);
    tell("100 connections, 1,000 requests/s", &few.before);
    let calm_many = in_thread(|| Watched::start(recycle, Kind::Tcp, many).cost(CALM));
    tell("10,000 connections, a request every 4 s", &calm_many);
    let many = in_thread(|| Watched::start(recycle, Kind::Tcp, many).silence());
    tell("10,000 connections, 1,000 requests/s", &many.before);
    let short = in_thread(|| Watched::start(recycle, Kind::TcpShort, 1).cost(BUSY));
    tell("1,000 connections/s, one request each", &short);
    tell("1,000 Unix connections/s, one request each", &unix);
    println!("\nAll fall silent at once, --idle 10s:\n");
    println!("| what | last byte -> stop signal, minus 10 s | CPU of that time |\n|---|---|---|");
    for (what, silence) in [("100", few), ("10,000", many)] {
        let Silence { late, millis, .. } = silence;
        let mark = if late < 0.0 { " **EARLY: A BUG**" } else { "" };
        println!("| {what} connections | {late:.1} ms{mark} | {millis:.1} ms |");
    }
}

/// A thread that has moved to a network of its own never comes back.
fn in_thread<T: Send>(measure: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(measure).join().unwrap())
}

struct Cost {
    percent: f64,
    wake_ups: f64,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:.3}% | {:.1}", self.percent, self.wake_ups)
    }
}

/// What was before everybody fell silent, and what after.
struct Silence {
    before: Cost,
    late: f64,
    millis: f64,
}

/// A server that is watched, and its clients.
struct Watched {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
    clients: Vec<Client<'static>>,
    _directory: tempfile::TempDir,
}

impl Watched {
    /// So many clients, all of which have been heard.
    fn start(recycle: &Path, kind: Kind, count: usize) -> Self {
        own_network();
        let directory = tempfile::tempdir().unwrap();
        let path: &'static PathBuf = Box::leak(Box::new(directory.path().join("socket")));
        let role = [kind.name(), path.to_str().unwrap()];
        let options = ["--idle", "10s", "--then", "exit"];
        let mut child = wrapped(recycle, &options, &role).spawn().unwrap();
        let mut lines = Box::new(lines(&mut child));
        assert_eq!(lines.next().as_deref(), Some("ready"));
        let client = |_| {
            let mut client = Client::new(kind, path, None);
            client.ask();
            client
        };
        let clients = (0..count).map(client).collect();
        Self { child, lines, clients, _directory: directory }
    }

    /// By `recycle` so far.
    fn used(&self) -> Used {
        Used::of(&[self.child.id()]).unwrap()
    }

    /// What watching costs at this pace.
    fn measure(&mut self, pause: Duration) -> (Cost, i128) {
        chatter(&mut self.clients, BEFORE, pause);
        let (began, before) = (Instant::now(), self.used());
        let last = chatter(&mut self.clients, SPAN, pause);
        let (used, seconds) = (self.used().since(before), began.elapsed().as_secs_f64());
        let percent = used.cpu_millis / seconds / 10.0;
        (Cost { percent, wake_ups: used.wake_ups / seconds }, last)
    }

    fn cost(mut self, pause: Duration) -> Cost {
        let (cost, _) = self.measure(pause);
        end(self.child);
        cost
    }

    /// What comes of it when nobody says anything any more.
    fn silence(mut self) -> Silence {
        let (before, last) = self.measure(BUSY);
        let used = self.used();
        let line = self.lines.next().unwrap();
        let millis = self.used().since(used).cpu_millis;
        let (stop, answered) = stopping(&line).unwrap();
        let late = (stop - last.max(answered) - 10_000_000) as f64 / 1e3;
        self.child.wait().unwrap();
        Silence { before, late, millis }
    }
}
