//! nginx goes idle and comes back.

use crate::harness::{Client, End, Run, free_port, tool};
use std::fs;
use std::time::Duration;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r";

#[test]
fn nginx_goes_idle_and_comes_back() {
    let nginx = tool("nginx");
    let port = free_port();
    let run = Run::new("--idle 1s");
    let prefix = run.dir().display().to_string();
    let configuration = format!(
        "daemon off; pid nginx.pid; error_log stderr error; worker_processes 2; events {{}}
         http {{
             access_log off;
             client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
             uwsgi_temp_path uwsgi; scgi_temp_path scgi;
             server {{ listen 127.0.0.1:{port}; location / {{ return 200 'hello'; }} }}
         }}"
    );
    fs::write(run.dir().join("nginx.conf"), configuration).unwrap();
    let nginx = nginx.display().to_string();
    let command = [&nginx, "-p", &prefix, "-c", "nginx.conf", "-e", "stderr"];
    let mut run = run.command(command).ceiling(Duration::from_secs(60)).spawn();

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
