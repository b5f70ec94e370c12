//! Real servers in a container of their own, asked over its cable: gone idle, they are recycled,
//! and serve again.

use super::alone;
use crate::harness::{Container, End, Root, let_pass, now_ms};
use std::time::Duration;

/// Asks the server at this port, which goes idle then, and comes back: twice.
fn assert_goes_idle(container: &mut Container, port: u16, request: &str, answer: &str) {
    for recycles in 1..=2 {
        // As browsers do: one more connection, on which nothing is said so far.
        let _silent = container.client(port);
        let mut client = container.client(port);
        let (line, last_ms) = client.exchange(request);
        assert_eq!(line, answer);
        container.wait_for("the recycle", |run| (run.recycles().len() >= recycles).then_some(()));
        assert!(now_ms() >= last_ms + 1000);
    }
    assert_eq!(container.client(port).exchange(request).0, answer);
    for line in container.recycles() {
        assert!(line.contains(" recycled: idle"), "{line}");
    }
    assert!(super::unseen(container).is_empty());
}

const REQUEST: &str = "GET / HTTP/1.0\r\n\r";
const ANSWER: &str = "HTTP/1.1 200 OK";

fn httpd(recycle: &str, options: &str) -> Container {
    httpd_with("hello\n", recycle, options)
}

fn httpd_with(page: &str, recycle: &str, options: &str) -> Container {
    let root = Root::new().file("/www/index.html", page);
    let run = alone(recycle, "/bin/httpd -f -p 8080 -h /www");
    Container::start_in(root, run, options)
}

fn assert_httpd_goes_idle(options: &str) {
    let mut container = httpd("/recycle --idle 1s --", options);
    assert_goes_idle(&mut container, 8080, REQUEST, ANSWER);
    container.stop(60);
    assert_eq!(container.finish(), End::Code(128 + libc::SIGTERM));
}

#[test]
fn httpd_goes_idle() {
    assert_httpd_goes_idle("");
}

#[test]
fn httpd_goes_idle_with_nothing_to_write_to_and_no_rights() {
    assert_httpd_goes_idle("--read-only --user=1000:1000 --cap-drop=all");
}

/// The negative controls: idle without being asked, and asked without `--idle`.
#[test]
fn httpd_stays_where_it_is_not_to_be_recycled() {
    let mut asked = httpd("/recycle --", "");
    assert_eq!(asked.client(8080).exchange(REQUEST).0, ANSWER);
    let unasked = httpd("/recycle --idle 1s --", "");
    let_pass(Duration::from_secs(4));
    for mut container in [asked, unasked] {
        assert_eq!(container.recycles(), [""; 0]);
        assert_eq!(container.client(8080).exchange(REQUEST).0, ANSWER);
    }
}

/// One short connection in each generation, as early as can be: with its server's first breath. Its
/// answer is more than a client that only reconnects would get: recycles are not spaced.
#[test]
fn one_request_right_after_the_start_is_enough_to_go_idle() {
    let mut container = httpd_with(&"x".repeat(64 << 10), "/recycle --idle 200ms --", "");
    for recycles in 1..=40 {
        let mut client = container.client(8080);
        assert_eq!(client.exchange(REQUEST).0, ANSWER);
        container.wait_for("the recycle", |run| (run.recycles().len() >= recycles).then_some(()));
    }
}

fn assert_redis_goes_idle(options: &str) {
    let root = Root::new().with("redis-server", "/redis");
    let redis = "/redis --port 6379 --bind 0.0.0.0 --protected-mode no --appendonly no";
    let recycle = "/recycle --idle 1s --max-rss 80% --";
    let mut container = Container::start_in(root, alone(recycle, redis), options);
    assert_goes_idle(&mut container, 6379, "PING", "+PONG");
    // It has a handler of its own, and ends well.
    container.stop(60);
    assert_eq!(container.finish(), End::Code(0));
}

#[test]
fn redis_goes_idle() {
    assert_redis_goes_idle("--memory=100m");
}

#[test]
fn redis_goes_idle_with_no_rights() {
    assert_redis_goes_idle("--user=1000:1000 --cap-drop=all");
}
