//! Twenty deploys of real servers while clients ask all the time and a recycle comes every 2 s. The
//! server is away for its restarts, and for nothing else but a file that is missing meanwhile.

use super::load::{Load, Over, ask, last_stopped};
use super::{FAILED_EVENT, HELD_EVENT, switch};
use crate::harness::{End, Run, Running, copy_program, free_port, http, let_pass, now_ms, tool};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
enum Deploy {
    /// The link leads to the new release at once, and the old one stays.
    Replaced,
    /// The same, and the old one is removed.
    Pruned,
    /// For so long nothing can be started.
    Missing(Duration, What, When),
}
use Deploy::{Missing, Pruned, Replaced};

#[derive(Clone, Copy, Debug)]
enum What {
    /// The link and the whole release.
    Directory,
    File,
}
use What::{Directory, File};

#[derive(Clone, Copy, Debug)]
enum When {
    /// A generation runs.
    Running,
    /// One is being stopped.
    Stopping,
}
use When::{Running as WhileRunning, Stopping as WhileStopping};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One `recycle` each, side by side.
const LANES: [(&str, bool, [Deploy; 5]); 4] = [
    (
        "node",
        false,
        [
            Missing(ms(10_000), Directory, WhileRunning),
            Replaced,
            Missing(ms(100), File, WhileStopping),
            Pruned,
            Replaced,
        ],
    ),
    (
        "node",
        true,
        [
            Missing(ms(4_000), Directory, WhileStopping),
            Pruned,
            Missing(ms(1_500), File, WhileRunning),
            Replaced,
            Pruned,
        ],
    ),
    (
        "python3",
        false,
        [
            Missing(ms(7_000), File, WhileRunning),
            Replaced,
            Missing(ms(600), Directory, WhileStopping),
            Missing(ms(300), Directory, WhileRunning),
            Pruned,
        ],
    ),
    (
        "python3",
        true,
        [
            Missing(ms(2_500), Directory, WhileRunning),
            Pruned,
            Replaced,
            Missing(ms(5_000), File, WhileStopping),
            Pruned,
        ],
    ),
];

/// Says which generation it is, and of which release. It ends a while after TERM.
const NODE: &str = "\
const answer = process.env.RECYCLE_GENERATION + ' ' + require('path').basename(__dirname);
const server = require('http').createServer((request, response) => response.end(answer));
server.listen(PORT, '127.0.0.1');
process.on('SIGTERM', () => { server.close(); setTimeout(() => process.exit(0), 300); });
";

/// The same. It ends at once.
const PYTHON: &str = "\
import http.server, os
answer = os.environ['RECYCLE_GENERATION'] + ' ' + os.path.realpath(__file__).split('/')[-2]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())
    def log_message(self, *words):
        pass
http.server.HTTPServer(('127.0.0.1', PORT), Handler).serve_forever()
";

const OPTIONS: &str = "-v --log-format json --max-lifetime 2s --restart on-failure";
const LIFETIME_MS: i64 = 2_000;

/// One `recycle` and its releases.
struct Site {
    run: Running,
    dir: PathBuf,
    /// What `current` leads to.
    release: PathBuf,
}

impl Site {
    fn start(options: &str, program: &str, absolute: bool, port: u16) -> Self {
        let run = Run::new(options);
        let run = if absolute { run } else { run.after_shell("cd current") };
        let dir = run.dir().to_owned();
        let script = if program == "node" { NODE } else { PYTHON };
        let script = script.replace("PORT", &port.to_string());
        fs::write(dir.join("server"), format!("#!{}\n{script}", tool(program).display())).unwrap();
        fs::set_permissions(dir.join("server"), fs::Permissions::from_mode(0o755)).unwrap();
        let release = release(&dir, "first");
        switch(&dir, &release);
        let path = if absolute { dir.join("current/server") } else { "./server".into() };
        Self { run: run.command([path]).spawn(), dir, release }
    }

    /// Takes away what a next generation needs.
    fn remove(&self, what: What) {
        match what {
            Directory => {
                fs::remove_file(self.dir.join("current")).unwrap();
                fs::remove_dir_all(&self.release).unwrap();
            }
            File => fs::remove_file(self.release.join("server")).unwrap(),
        }
    }

    /// Waits for the moment, takes it away, and waits until it has been missing for so long.
    fn miss(&mut self, gap: Duration, what: What, when: When, load: &Mutex<Load>) {
        let stopped = last_stopped(&self.run.stderr());
        self.run.wait_for("the moment", |run| {
            let last = last_stopped(&run.stderr());
            let load = load.lock().unwrap();
            let young = last < load.newest.0 && now_ms() < load.born_after_ms + LIFETIME_MS / 2;
            let moment = match when {
                WhileRunning => young,
                WhileStopping => last > stopped,
            };
            moment.then_some(())
        });
        let told = self.run.stderr().len();
        let (generation, born_after_ms, refused) = {
            let load = load.lock().unwrap();
            (load.newest.0, load.born_after_ms, load.refused)
        };
        self.remove(what);
        // No recycle of it was due yet: it is to be kept.
        let kept = matches!(when, WhileRunning) && now_ms() < born_after_ms + LIFETIME_MS;
        let_pass(gap);
        if gap > ms(LIFETIME_MS.unsigned_abs()) {
            self.run.wait_for("what is said of it", |run| {
                let log = run.stderr().split_off(told);
                let failed = !kept && log.contains(FAILED_EVENT);
                (failed || log.contains(HELD_EVENT)).then_some(())
            });
        }
        if kept {
            assert!(last_stopped(&self.run.stderr()) < generation, "{generation} was stopped");
            assert_eq!(load.lock().unwrap().refused, refused, "{generation} did not answer");
        }
    }

    fn deploy(&mut self, number: usize, deploy: Deploy, load: &Mutex<Load>) {
        if let Missing(gap, what, when) = deploy {
            self.miss(gap, what, when, load);
        }
        let name = format!("release-{number}");
        let new = release(&self.dir, &name);
        switch(&self.dir, &new);
        let old = std::mem::replace(&mut self.release, new);
        if let Pruned = deploy {
            fs::remove_dir_all(old).unwrap();
        }
        self.run.wait_for(&format!("an answer of {name}, {deploy:?}"), |run| {
            assert!(run.lives(), "recycle has ended");
            let load = load.lock().unwrap();
            assert_eq!(load.wrong, [""; 0], "{load:?}");
            (load.newest.1 == name).then_some(())
        });
    }
}

/// A new one, with the server of this site.
fn release(dir: &Path, name: &str) -> PathBuf {
    let release = dir.join("releases").join(name);
    fs::create_dir_all(&release).unwrap();
    copy_program(&dir.join("server"), &release.join("server"));
    release
}

fn assert_survives((program, absolute, deploys): (&str, bool, [Deploy; 5])) {
    let port = free_port();
    let mut site = Site::start(OPTIONS, program, absolute, port);
    site.run.wait_for("the server", |_| http(port, "GET /", b"").ok());
    let (log, load) = (site.dir.join("stderr"), Mutex::new(Load::default()));
    thread::scope(|scope| {
        scope.spawn(|| ask(port, &log, &load));
        let _over = Over(&load);
        for (number, deploy) in deploys.into_iter().enumerate() {
            site.deploy(number, deploy, &load);
        }
    });
    let load = load.into_inner().unwrap();
    assert_eq!(load.wrong, [""; 0], "{load:?}");
    let said = site.run.stderr();
    assert!(said.contains(HELD_EVENT) || said.contains(FAILED_EVENT), "nothing was missed");
    assert!(!said.contains(r#""gave_up""#));
    site.run.signal(libc::SIGTERM);
    let end = site.run.finish();
    assert!(matches!(end, End::Code(0) | End::Signal(libc::SIGTERM)), "{end:?}");
}

#[test]
fn real_servers_are_away_only_for_their_restarts() {
    thread::scope(|scope| {
        let lanes = LANES.map(|lane| scope.spawn(move || assert_survives(lane)));
        lanes.into_iter().for_each(|lane| lane.join().unwrap());
    });
}

/// The negative control: a server that goes away without a stop.
#[test]
fn a_server_that_is_away_for_something_else_is_noticed() {
    let port = free_port();
    let mut site = Site::start("-v --log-format json --max-lifetime 1h", "python3", true, port);
    site.run.wait_for("the server", |_| http(port, "GET /", b"").ok());
    let (log, load) = (site.dir.join("stderr"), Mutex::new(Load::default()));
    thread::scope(|scope| {
        scope.spawn(|| ask(port, &log, &load));
        let _over = Over(&load);
        site.run.wait_for("an answer", |_| (load.lock().unwrap().answers > 0).then_some(()));
        assert_eq!(load.lock().unwrap().wrong, [""; 0]);
        site.run.signal(libc::SIGKILL);
        site.run.wait_for("what the client says", |_| load.lock().unwrap().wrong.pop());
    });
}
