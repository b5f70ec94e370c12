//! Programs that `--explain` says go to the background do: they end, and their server lives on. In
//! the foreground there is no warning, and they stay.

use crate::harness::{Client, End, Run, Running, free_port, lives, pypi, send_signal, tool};
use std::fs;

const WARNING: &str = "goes to the background";
const REPORT: &str = "no longer watched: run it in the foreground";

/// The words that start a server on this port, in the background or not. Its pid is in `pid`.
type Server = fn(&Run, u16, bool) -> Vec<String>;

fn redis(_run: &Run, port: u16, background: bool) -> Vec<String> {
    let redis = tool("redis-server").display().to_string();
    let daemonize = if background { "yes" } else { "no" };
    let words =
        format!("--port {port} --bind 127.0.0.1 --pidfile pid --dir . --daemonize {daemonize}");
    [redis].into_iter().chain(words.split(' ').map(str::to_owned)).collect()
}

fn nginx(run: &Run, port: u16, background: bool) -> Vec<String> {
    let configuration = format!(
        "pid pid; error_log stderr error; worker_processes 1; events {{}}
         http {{
             access_log off; client_body_temp_path body; proxy_temp_path proxy;
             fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
             server {{ listen 127.0.0.1:{port}; location / {{ return 200 'hello'; }} }}
         }}"
    );
    fs::write(run.dir().join("nginx.conf"), configuration).unwrap();
    let nginx = tool("nginx").display().to_string();
    let prefix = run.dir().display().to_string();
    let words = ["-p", &prefix, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"];
    let words = &words[..words.len() - if background { 2 } else { 0 }];
    [nginx].into_iter().chain(words.iter().map(|&word| word.to_owned())).collect()
}

fn gunicorn(run: &Run, port: u16, background: bool) -> Vec<String> {
    let application = "def app(environ, respond):\n    respond('200 OK', [])\n    return [b'']\n";
    fs::write(run.dir().join("application.py"), application).unwrap();
    let gunicorn = pypi().join("bin/gunicorn").display().to_string();
    let here = run.dir().display().to_string();
    let words = format!("-w 1 -b 127.0.0.1:{port} -p pid --chdir {here} application:app");
    let daemon = if background { vec!["-D".to_owned()] } else { Vec::new() };
    let words = words.split(' ').map(str::to_owned);
    [gunicorn].into_iter().chain(daemon).chain(words).collect()
}

fn run(server: Server, port: u16, background: bool, options: &str) -> Run {
    let run = Run::new(options).env("PYTHONPATH", pypi());
    let home = run.dir().to_owned();
    let words = server(&run, port, background);
    run.env("HOME", home).command(words)
}

/// Waits until the server answers; returns its pid.
fn listening(run: &mut Running, port: u16) -> i32 {
    let address = format!("127.0.0.1:{port}");
    run.wait_for("the server to listen", |_| Client::connect(&address).ok().map(drop));
    run.wait_for("its pid", |run| {
        fs::read_to_string(run.dir().join("pid")).ok()?.trim().parse().ok()
    })
}

fn check(server: Server) {
    let warned = |background| {
        let (end, run) = run(server, 1, background, "--explain --max-rss 1G").finish();
        assert_eq!(end, End::Code(0), "{}", run.stderr());
        let words: Vec<_> = run.stdout().split_whitespace().map(str::to_owned).collect();
        words.join(" ").contains(WARNING)
    };
    assert!(warned(true));
    assert!(!warned(false));

    let port = free_port();
    let (end, mut away) = run(server, port, true, "--max-rss 1G").finish();
    let pid = listening(&mut away, port);
    assert!(lives(pid));
    send_signal(pid, libc::SIGTERM);
    away.wait_for("its end", |_| (!lives(pid)).then_some(()));
    assert_eq!(end, End::Code(0), "{}", away.stderr());
    assert!(away.stderr().contains(REPORT), "{}", away.stderr());

    let port = free_port();
    let mut stays = run(server, port, false, "--max-rss 1G").spawn();
    let pid = listening(&mut stays, port);
    assert!(lives(stays.pid()));
    stays.signal(libc::SIGTERM);
    stays.finish();
    assert!(!lives(pid));
    assert!(!stays.stderr().contains(REPORT), "{}", stays.stderr());
}

#[test]
fn redis_that_daemonizes_is_warned_of_and_leaves() {
    check(redis);
}

#[test]
fn nginx_without_daemon_off_is_warned_of_and_leaves() {
    check(nginx);
}

#[test]
fn gunicorn_that_daemonizes_is_warned_of_and_leaves() {
    check(gunicorn);
}
