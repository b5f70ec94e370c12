//! nginx goes idle and comes back; and stays awake under short connections that no look finds.

use crate::harness::{Client, End, Run, Running, free_port, http, let_pass, now_ms, tool};
use std::fs;
use std::thread;
use std::time::Duration;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r";

/// With a line of its own for the configuration.
pub(crate) fn nginx(options: &str, port: u16, setting: &str) -> Running {
    with_nginx(Run::new(options), port, setting).spawn()
}

/// The same, however it is started.
pub(crate) fn with_nginx(run: Run, port: u16, setting: &str) -> Run {
    let nginx = tool("nginx");
    let prefix = run.dir().display().to_string();
    let configuration = format!(
        "daemon off; pid nginx.pid; error_log stderr error; worker_processes 2; events {{}}
         http {{
             access_log off; {setting}
             client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
             uwsgi_temp_path uwsgi; scgi_temp_path scgi;
             server {{ listen 127.0.0.1:{port}; location / {{ return 200 'hello'; }} }}
         }}"
    );
    fs::write(run.dir().join("nginx.conf"), configuration).unwrap();
    let nginx = nginx.display().to_string();
    let command = [&nginx, "-p", &prefix, "-c", "nginx.conf", "-e", "stderr"];
    run.command(command)
}

#[test]
fn nginx_goes_idle_and_comes_back() {
    let port = free_port();
    let mut run = nginx("--idle 1s", port, "");
    let address = format!("127.0.0.1:{port}");
    for recycles in 0..=2 {
        run.wait_for("the next recycle", |run| (run.recycles().len() >= recycles).then_some(()));
        let mut client = run.wait_for("nginx to listen", |_| Client::connect(&address).ok());
        assert_eq!(client.exchange(REQUEST).0, "HTTP/1.1 200 OK");
        // The browser keeps its connection, and says nothing more.
        std::mem::forget(client);
    }
    for line in run.recycles() {
        assert!(line.contains(" recycled: idle"), "{line}");
    }
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(0));
}

/// A connection for each request, again and again. Returns a time before the last one.
fn request_until(port: u16, end_ms: i64) -> i64 {
    let mut last_ms = 0;
    while now_ms() < end_ms {
        last_ms = now_ms();
        assert_eq!(http(port, "GET /", b"").unwrap().0, "HTTP/1.1 200 OK");
        let_pass(Duration::from_millis(9));
    }
    last_ms
}

/// About 300 a second for 10 s.
#[test]
fn nginx_stays_awake_under_short_connections() {
    let port = free_port();
    let mut run = nginx("--idle 2s", port, "keepalive_timeout 0;");
    run.wait_for("nginx to listen", |_| http(port, "GET /", b"").ok());
    let end_ms = now_ms() + 10_000;
    let last_ms = thread::scope(|scope| {
        let clients = [0; 3].map(|_| scope.spawn(|| request_until(port, end_ms)));
        clients.map(|client| client.join().unwrap()).into_iter().max().unwrap()
    });
    assert_eq!(run.recycles(), [""; 0], "recycled under load");
    run.wait_for("the recycle", |run| run.recycles().first().cloned());
    assert!(now_ms() >= last_ms + 2000);
    // Longer than it took before: it has had no traffic, so this was the only one.
    let_pass(Duration::from_secs(4));
    assert_eq!(run.recycles().len(), 1);
    assert!(run.recycles()[0].contains(" recycled: idle"), "{:?}", run.recycles());
    run.wait_for("nginx to serve again", |_| http(port, "GET /", b"").ok());
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(0));
}
