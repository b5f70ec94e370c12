//! Servers that wake up by themselves: whether a short connection of unknown owner was theirs
//! cannot be told from their CPU time. Then the message names the option that helps.

use super::sleepers::get;
use super::strangers::Strangers;
use super::{
    IDLE, IDLE_MS, INBOUND, assert_goes_idle, await_recycle, print_figure, script, send_requests,
};
use crate::harness::{Client, End, Run, Running, UNIX_IDLENESS, free_port, now_ms, pypi, tool};

use crate::real_postgres::{as_nobody, programs};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// Without the option it is recycled, not before the window is over, or the message names the
/// option.
fn assert_recycled_or_told(
    about: &str,
    run: &mut Running,
    ask: impl FnMut(&mut Running) -> Option<()>,
) {
    let last_ms = send_requests(run, ask);
    if run.is_never_idle() {
        return;
    }
    let recycled = run.wait_for("a recycle, or the option that helps", |run| {
        let recycled = !run.recycles().is_empty();
        (recycled || run.stderr().contains(INBOUND)).then_some(recycled)
    });
    assert!(!recycled || now_ms() >= last_ms + IDLE_MS, "recycled before the window was over");
    print_figure(&format!("{about}: {}", if recycled { "recycled" } else { "option named" }));
}

const NODE: &str = "\
require('http').createServer((request, response) => response.end('hello'))
    .listen(Number(process.argv[2]), '127.0.0.1');
";

/// A timer of its own goes off a second after the last request; then it sleeps.
#[test]
fn node_goes_idle_beside_strangers_a_second_late_or_with_inbound_in_time() {
    let _strangers = Strangers::five();
    for (about, options) in [("Node", IDLE), ("Node, inbound", &with_inbound())] {
        let port = free_port();
        let mut run = script(options, "node", NODE, port);
        assert_goes_idle(about, &mut run, |_| get(port));
    }
}

fn with_inbound() -> String {
    format!("{IDLE} {INBOUND}")
}

fn redis(options: &str, port: u16) -> Running {
    let redis = tool("redis-server").display().to_string();
    let port = port.to_string();
    let command = [&redis, "--port", &port, "--bind", "127.0.0.1", "--save", ""];
    Run::new(options).command(command).spawn()
}

fn ping(port: u16) -> Option<()> {
    let mut client = Client::connect(&format!("127.0.0.1:{port}")).ok()?;
    client.try_exchange("PING").ok().map(drop)
}

/// Ten times a second: between any two looks it has run.
#[test]
fn redis_that_ticks_is_told_what_helps() {
    let _strangers = Strangers::five();
    let port = free_port();
    let mut run = redis(IDLE, port);
    let last_ms = send_requests(&mut run, |_| ping(port));
    run.await_stderr(INBOUND);
    assert!(run.recycles().is_empty() || now_ms() >= last_ms + IDLE_MS, "recycled too early");
}

#[test]
fn redis_goes_idle_beside_strangers_with_inbound() {
    let _strangers = Strangers::five();
    let port = free_port();
    let mut run = redis(&with_inbound(), port);
    assert_goes_idle("Redis, inbound", &mut run, |_| ping(port));
}

/// Wakes up twice a second.
#[test]
fn python_http_server_is_told_what_helps() {
    let _strangers = Strangers::five();
    let start = |options: &str, port: u16| {
        let python = tool("python3").display().to_string();
        let port = port.to_string();
        let words = [&python, "-m", "http.server", "--bind", "127.0.0.1", &port];
        Run::new(options).command(words).spawn()
    };
    let port = free_port();
    assert_recycled_or_told("http.server", &mut start(IDLE, port), |_| get(port));
    let port = free_port();
    let mut run = start(&with_inbound(), port);
    assert_goes_idle("http.server, inbound", &mut run, |_| get(port));
}

const APPLICATION: &str = "\
def app(environ, start_response):
    start_response('200 OK', [('Content-Length', '5')])
    return [b'hello']
";

pub(crate) fn gunicorn(options: &str, port: u16) -> Running {
    let run = Run::new(options).env("PYTHONPATH", pypi());
    // Its control socket is in there.
    let home = run.dir().to_owned();
    let run = run.env("HOME", home);
    fs::write(run.dir().join("application.py"), APPLICATION).unwrap();
    let python = tool("python3").display().to_string();
    let address = format!("127.0.0.1:{port}");
    let words = [&python, "-m", "gunicorn", "-w", "2", "-b", &address, "application:app"];
    run.command(words).spawn()
}

/// Its master wakes up once a second.
#[test]
fn gunicorn_is_told_what_helps() {
    let _strangers = Strangers::five();
    let port = free_port();
    let mut run = gunicorn(IDLE, port).losing(UNIX_IDLENESS);
    assert_recycled_or_told("gunicorn", &mut run, |_| get(port));
    let port = free_port();
    let mut run = gunicorn(&with_inbound(), port).losing(UNIX_IDLENESS);
    assert_goes_idle("gunicorn, inbound", &mut run, |_| get(port));
}

/// A cluster, in a directory that the server's user may write to.
fn cluster() -> TempDir {
    let place = TempDir::with_prefix("recycle-it-").unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let (bin, data) = (programs(), place.path().join("data"));
    let initdb =
        format!("{}/initdb -D {} --no-sync -A trust -U test", bin.display(), data.display());
    let (end, made) = Run::bare().command(as_nobody(&initdb)).env("LC_ALL", "C").finish();
    assert_eq!(end, End::Code(0), "{}", made.stderr());
    place
}

fn postgres(options: &str, place: &Path, port: u16) -> Running {
    let (bin, place) = (programs().display().to_string(), place.display());
    let command = format!(
        "{bin}/postgres -D {place}/data -k {place} -p {port} -c listen_addresses=127.0.0.1 \
         -c fsync=off"
    );
    let run = Run::new(&format!("{options} --stop-signal INT"));
    run.command(as_nobody(&command)).spawn()
}

/// A client on one connection, once the server answers.
fn psql(run: &mut Running, port: u16) -> Running {
    let psql = programs().join("psql").display().to_string();
    let port = port.to_string();
    let words = [&psql, "-XqAt", "-h", "127.0.0.1", "-p", &port, "-U", "test", "-d", "postgres"];
    let client = || Run::bare().command(words);
    run.wait_for("PostgreSQL to serve", |_| {
        let (end, _) = Run::bare().command(words.iter().chain(&["-c", "select 1"])).finish();
        (end == End::Code(0)).then_some(())
    });
    client().stdin_pipe().spawn()
}

fn query(client: &mut Running) -> Option<()> {
    let before = client.stdout().lines().count();
    client.send("select 42;\n");
    client
        .wait_for("the answer", |client| (client.stdout().lines().count() > before).then_some(()));
    Some(())
}

/// Its writers wake up five times a second after there was something to write.
#[test]
fn postgresql_is_told_what_helps() {
    let _strangers = Strangers::five();
    let place = cluster();
    let port = free_port();
    let mut run = postgres(IDLE, place.path(), port).losing(UNIX_IDLENESS);
    let mut client = psql(&mut run, port);
    assert_recycled_or_told("PostgreSQL", &mut run, |_| query(&mut client));
    run.signal(libc::SIGINT);
    run.finish();
    let mut run = postgres(&with_inbound(), place.path(), port).losing(UNIX_IDLENESS);
    let mut client = psql(&mut run, port);
    let last_ms = send_requests(&mut run, |_| query(&mut client));
    await_recycle("PostgreSQL, inbound", &mut run, last_ms, IDLE_MS);
    query(&mut psql(&mut run, port));
}
