//! As PID 1 of a container, with podman's own seccomp filter; where less can be seen than that, in
//! `restricted.rs`. Here and there with this system's programs; in the others with the static
//! binary, and nothing of this system that was not asked for.

mod example;
mod inits;
mod limits;
mod platform;
mod restricted;
mod servers;

use crate::harness::{
    CEILING, Client, Container, End, Run, let_pass_since, now_ms, receive_datagram, send_signal,
};
use std::io::{Read, Write};
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A server that leaves when told to.
fn server(options: &str, steps: &str) -> Run {
    Run::new(options).fixture(&format!("trap:TERM:exit=0 {steps}"))
}

/// These programs of a container's own root folder, split at blanks.
fn alone(recycle: &str, command: &str) -> Run {
    Run::bare().command(format!("{recycle} {command}").split_whitespace())
}

/// One exchange over TCP from outside: the connection, still open, and a time before its last
/// byte.
fn talk(container: &mut Container, generation: u32) -> (Client, i64) {
    let address = container.address(generation);
    let mut client = container.outside(|| Client::connect(&address).unwrap());
    let (answer, last_ms) = client.exchange("hello");
    assert_eq!(answer, "hello");
    (client, last_ms)
}

/// The same over UDP. Returns the time only.
fn talk_udp(container: &mut Container, generation: u32) -> i64 {
    let address = container.address(generation);
    let socket = container.outside(|| UdpSocket::bind("0.0.0.0:0").unwrap());
    socket.set_read_timeout(Some(CEILING)).unwrap();
    let last_ms = now_ms();
    socket.send_to(b"hello", address).unwrap();
    let mut answer = [0; 16];
    assert_eq!(receive_datagram(&socket, &mut answer).unwrap(), 5);
    last_ms
}

/// The same over a Unix socket in the directory that container and test share.
fn talk_unix(container: &mut Container, generation: u32) -> (UnixStream, i64) {
    container.await_entry(generation, "listening");
    let mut stream = UnixStream::connect(container.dir().join("socket")).unwrap();
    stream.set_read_timeout(Some(CEILING)).unwrap();
    let last_ms = now_ms();
    stream.write_all(b"hello").unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
    (stream, last_ms)
}

fn assert_goes_idle(container: &mut Container, generation: u32, last_ms: i64) {
    let told = container.await_entry(generation, "got TERM");
    assert!(told.t_ms >= last_ms + 1000);
    let next = container.await_entry(generation + 1, "trap:TERM");
    assert_eq!(next.reason.as_deref(), Some("idle"));
}

fn assert_tcp_goes_idle(container: &mut Container) {
    let (_silent, last_ms) = talk(container, 1);
    assert_goes_idle(container, 1, last_ms);
    // The next one is watched as well.
    let (_silent, last_ms) = talk(container, 2);
    assert_goes_idle(container, 2, last_ms);
}

fn assert_udp_goes_idle(container: &mut Container) {
    for generation in [1, 2] {
        let first_ms = talk_udp(container, generation);
        let_pass_since(first_ms, Duration::from_millis(600));
        let mut last_ms = talk_udp(container, generation);
        // Of datagrams before its first look `recycle` knows nothing, and on a busy machine that
        // may come late: they are sent again, but not for ever.
        for _ in 0..10 {
            let_pass_since(last_ms, Duration::from_millis(2500));
            let told = container.entries("got TERM");
            if told.iter().any(|entry| entry.generation == Some(generation)) {
                break;
            }
            last_ms = talk_udp(container, generation);
        }
        assert_goes_idle(container, generation, last_ms);
    }
}

/// What `recycle` said that it cannot see.
fn unseen(container: &Container) -> Vec<String> {
    let stderr = container.stderr();
    stderr.lines().filter(|line| line.contains("cannot see")).map(str::to_owned).collect()
}

#[test]
fn a_tcp_server_goes_idle() {
    let mut container = Container::start(server("--idle 1s", "listen:0.0.0.0:0"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", container.init())).unwrap();
    let inner = status.lines().find(|line| line.starts_with("NSpid:")).unwrap();
    assert!(inner.ends_with("\t1"), "not PID 1: {inner}");
    assert_tcp_goes_idle(&mut container);
    assert!(unseen(&container).is_empty());
}

/// A health check, say: a process of the container, but none of COMMAND's.
#[test]
fn a_client_in_the_container_itself_is_traffic() {
    let mut container = Container::start(server("--idle 1s", "listen:0.0.0.0:0"));
    let address = container.address(1).replace("10.0.0.2", "127.0.0.1");
    let mut client = container.inside(|| Client::connect(&address).unwrap());
    let (_, last_ms) = client.exchange("hello");
    assert_goes_idle(&mut container, 1, last_ms);
}

#[test]
fn a_udp_server_goes_idle() {
    let mut container = Container::start(server("--idle 1s", "udp:0.0.0.0:0"));
    assert_udp_goes_idle(&mut container);
    assert!(unseen(&container).is_empty());
}

#[test]
fn a_unix_server_goes_idle() {
    let mut container = Container::start(server("--idle 1s", "listen:./socket"));
    for generation in [1, 2] {
        let (_silent, last_ms) = talk_unix(&mut container, generation);
        assert_goes_idle(&mut container, generation, last_ms);
    }
    assert!(unseen(&container).is_empty());
}

/// The negative control: the same silence, longer, ends in COMMAND's own exit.
#[test]
fn without_idle_silence_means_nothing() {
    let steps = "bg:listen:0.0.0.0:0 sleep:2500ms wait-file:go exit:5";
    let mut container = Container::start(server("", steps));
    talk(&mut container, 1);
    container.touch("go");
    assert_eq!(container.finish(), End::Code(5));
    assert_eq!(container.generations(), 1);
}

#[test]
fn pid_1_ends_with_a_status_where_command_was_killed() {
    let mut container = Container::start(Run::new("").fixture("die:SEGV"));
    assert_eq!(container.finish(), End::Code(128 + libc::SIGSEGV));
}

#[test]
fn a_platform_that_stops_the_container_stops_command() {
    let mut container = Container::start(Run::new("").fixture("forever"));
    container.await_entry(1, "forever");
    send_signal(container.init(), libc::SIGTERM);
    assert_eq!(container.finish(), End::Code(128 + libc::SIGTERM));
}
