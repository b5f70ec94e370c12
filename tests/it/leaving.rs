//! TERM from outside, where COMMAND is a shell or a package manager: the real server behind it has
//! its time.

use crate::harness::{End, Run, Running, let_pass, lives, send_signal, tool};
use std::fs;
use std::time::Duration;

/// A server that needs a second for its requests after TERM.
const APP: &str = "
process.on('SIGTERM', () => {
  require('fs').writeFileSync('draining', '');
  setTimeout(() => { require('fs').writeFileSync('drained', ''); process.exit(0); }, 1000);
});
require('fs').writeFileSync('server', String(process.pid));
setInterval(() => {}, 1000);
";

/// Starts it behind this, and has its TERM come. Returns the server's number.
fn told(run: Run) -> (Running, i32) {
    let (run, server) = started(run);
    run.signal(libc::SIGTERM);
    (run, server)
}

fn started(run: Run) -> (Running, i32) {
    fs::write(run.dir().join("app.js"), APP).unwrap();
    let package = r#"{"name": "app", "version": "1.0.0", "scripts": {"start": "node app.js"}}"#;
    fs::write(run.dir().join("package.json"), package).unwrap();
    let mut run = run.spawn();
    let server = run.wait_for("the server", |run| {
        fs::read_to_string(run.dir().join("server")).ok()?.parse().ok()
    });
    (run, server)
}

fn drained(run: &Running) -> bool {
    run.dir().join("drained").exists()
}

#[test]
fn a_server_behind_a_shell_is_waited_for() {
    tool("node");
    let script = "true && node app.js && true";
    let (mut run, server) = told(Run::new("").command(["sh", "-c", script]));
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    assert!(drained(&run) && !lives(server));
}

#[test]
fn a_server_behind_npm_is_waited_for() {
    tool("npm");
    let (mut run, server) = told(Run::new("").command(["npm", "start"]));
    run.finish();
    assert!(drained(&run) && !lives(server));
}

#[test]
fn it_has_the_time_of_a_stop_and_is_not_killed() {
    tool("node");
    let script = "true && node app.js && true";
    let run = Run::new("--max-lifetime 1h --stop-timeout 100ms").command(["sh", "-c", script]);
    let (mut run, server) = told(run);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    assert!(!drained(&run));
    run.await_gone(server);
    assert!(drained(&run), "nobody has killed it");
}

const BEHIND_A_SHELL: [&str; 3] = ["sh", "-c", "true && node app.js && true"];
const WITHOUT_PROC: &str = "mount -t tmpfs none /proc; exec \"$0\" \"$@\"";

/// The process group is all that is known of the rest, and it has all of it here.
#[test]
fn without_proc_the_rest_gets_term_and_is_waited_for() {
    tool("node");
    let world = ["unshare", "--mount", "sh", "-c", WITHOUT_PROC];
    let (mut run, _) = told(Run::new("").through(world).command(BEHIND_A_SHELL));
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    assert!(drained(&run), "{}", run.stderr());
}

/// As PID 1 `recycle` would wait for it for ever.
#[test]
fn with_a_foreign_proc_the_rest_gets_term_and_is_waited_for() {
    tool("node");
    let world = ["unshare", "--pid", "--fork", "--kill-child"];
    let (mut run, _) = started(Run::new("").through(world).command(BEHIND_A_SHELL));
    let unshare = run.pid();
    let recycle = run.processes().into_iter().find(|it| it.parent == unshare).unwrap().pid;
    send_signal(recycle, libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(128 + libc::SIGTERM));
    assert!(drained(&run), "{}", run.stderr());
}

/// A stopped process takes its TERM only after CONT.
#[test]
fn without_proc_a_planned_stop_asks_the_rest() {
    let rest = "trap 'echo rest got TERM; exit' TERM; echo rest ready; kill -STOP $$
                while :; do sleep 0.05; done";
    let shell = "trap 'exit 0' TERM; sh rest.sh & wait";
    let world = ["unshare", "--mount", "sh", "-c", WITHOUT_PROC];
    let run = Run::new("--map-signal USR1:recycle --then exit:4 --stop-timeout 1h");
    fs::write(run.dir().join("rest.sh"), rest).unwrap();
    let mut run = run.through(world).command(["sh", "-c", shell]).spawn();
    run.wait_for("the rest", |run| run.stdout().contains("rest ready").then_some(()));
    run.signal(libc::SIGUSR1);
    assert_eq!(run.finish(), End::Code(4));
    assert!(run.stdout().contains("rest got TERM"), "{}", run.stdout());
}

/// The rest of the tree counts each TERM.
#[test]
fn a_second_term_reaches_the_rest() {
    let script = "trap:TERM ready forever";
    let fixture = crate::harness::fixture_path().to_str().unwrap();
    let shell = format!("{fixture} {script} & wait");
    let mut run =
        Run::new("--stop-timeout 1h --max-lifetime 2h").command(["sh", "-c", &shell]).spawn();
    let server = run.await_entry(1, "ready").pid;
    for times in 1..=3 {
        run.signal(libc::SIGTERM);
        run.await_entries(times, "got TERM");
        let_pass(Duration::from_millis(50));
    }
    assert!(lives(run.pid()));
    send_signal(server, libc::SIGKILL);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
}
