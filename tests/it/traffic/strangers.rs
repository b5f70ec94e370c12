//! Other programs in the same network: here the test itself speaks with itself.

use super::{Door, arm, assert_awake_while, assert_idle_in_spite_of, world};
use crate::harness::{
    Client, Run, Running, UNIX_IDLENESS, answer_lines, let_pass, listener, now_ms, own_network,
};
use crate::idle::{assert_goes_idle, server};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// They are seen alive, and that they are not COMMAND's.
#[test]
fn connections_of_others_that_stay_are_not_traffic() {
    let mut stranger = Client::connect(&answer_lines(listener())).unwrap();
    stranger.exchange("before");
    let mut run = world("--idle 1s").losing(UNIX_IDLENESS);
    let mut client = Client::connect(&Door::Tcp.address(&run)).unwrap();
    let (_, armed_ms) = client.exchange("hello");
    assert_idle_in_spite_of(&mut run, armed_ms, |_| {
        stranger.exchange("hello");
    });
}

#[test]
fn datagrams_and_unix_sockets_of_others_are_not_traffic() {
    let sink = super::silent_udp();
    let (near, far) = UnixStream::pair().unwrap();
    let mut run = world("--idle 1s").losing(UNIX_IDLENESS);
    let mut client = Client::connect(&Door::Tcp.address(&run)).unwrap();
    let (_, armed_ms) = client.exchange("hello");
    assert_idle_in_spite_of(&mut run, armed_ms, |_| {
        sink.send_to(b"hello", sink.local_addr().unwrap()).unwrap();
        std::io::Write::write_all(&mut &near, b"x").unwrap();
        std::io::Read::read_exact(&mut &far, &mut [0]).unwrap();
    });
}

/// A program beside COMMAND that opens a connection, says a line, gets it back and closes, and
/// again after each pause, until it is dropped.
struct Poller {
    /// Milliseconds of the journal's clock: before each connection.
    times_ms: Arc<Mutex<Vec<i64>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Poller {
    fn every(pause: Duration) -> Self {
        let server = answer_lines(listener());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let times_ms = Arc::default();
        let noted_ms: Arc<Mutex<Vec<i64>>> = Arc::clone(&times_ms);
        #[expect(clippy::disallowed_methods, reason = "another program, which goes on by itself")]
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                noted_ms.lock().unwrap().push(now_ms());
                Client::connect(&server).unwrap().exchange("hello");
                let_pass(pause);
            }
        });
        Self { times_ms, stop, thread: Some(thread) }
    }

    /// Nothing was told to end before a window had passed since a connection: on a machine that is
    /// too slow for more of them one may pass.
    fn assert_delays(&self, run: &Running, window_ms: i64) {
        let Some(told) = run.entries("got TERM").into_iter().next() else { return };
        let times_ms = self.times_ms.lock().unwrap();
        let last_ms = times_ms.iter().rfind(|before_ms| **before_ms <= told.t_ms).unwrap();
        assert!(told.t_ms >= last_ms + window_ms, "recycled, and they might be COMMAND's");
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|ended| ended.is_ok()));
    }
}

/// A tree that has not run has opened and closed nothing: the connections were not its.
#[test]
fn a_command_that_sleeps_goes_idle_beside_short_connections_of_others() {
    for pause in [500, 30, 5].map(Duration::from_millis) {
        let _poller = Poller::every(pause);
        let mut run = server("--idle 1s", "listen:0");
        let mut client = run.connect(1);
        let (_, last_ms) = client.exchange("hello");
        assert_goes_idle(&mut run, last_ms, 1000);
    }
}

/// The same with a client that speaks now and then, on a connection that stays and on short ones.
#[test]
fn beside_short_connections_of_others_traffic_keeps_it_awake() {
    let _poller = Poller::every(Duration::from_millis(20));
    let mut run = server("--idle 1s", "listen:0");
    let mut client = run.connect(1);
    assert_awake_while(&mut run, |_| client.exchange("hello").1);
    let mut run = server("--idle 1s", "serve-short:0");
    let address = run.address(1);
    assert_awake_while(&mut run, |_| Client::connect(&address).unwrap().exchange("hello").1);
}

/// A tree that runs all the time may have opened them: unknown is not quiet, and it is said.
#[test]
fn short_connections_of_others_may_be_those_of_a_command_that_runs() {
    for pause in [300, 5].map(Duration::from_millis) {
        let poller = Poller::every(pause);
        let mut run = server("--idle 1s", "bg:chatter:20ms listen:0");
        let mut client = run.connect(1);
        client.exchange("hello");
        let_pass(Duration::from_millis(3600));
        poller.assert_delays(&run, 1000);
        let stderr = run.stderr();
        assert_eq!(stderr.lines().filter(|line| !line.contains(" recycled: ")).count(), 1);
        assert!(stderr.contains("--traffic inbound"), "{stderr}");
    }
}

/// What may have been COMMAND's delays. It does not arm, however much it was, whether COMMAND runs
/// or sleeps.
#[test]
fn connections_of_others_do_not_arm() {
    for options in ["--idle 300ms", "--idle 300ms --idle-floor 16B"] {
        for steps in ["forever", "bg:chatter:20ms forever"] {
            for pause in [50, 3].map(Duration::from_millis) {
                let _poller = Poller::every(pause);
                let mut run = server(&format!("--settle 0s {options}"), steps);
                run.await_entry(1, "forever");
                let_pass(Duration::from_millis(1500));
                assert_eq!(run.entries("got TERM").len(), 0, "{options} {steps} {pause:?}");
            }
        }
    }
}

#[test]
fn without_idle_connections_of_others_are_not_worth_a_word() {
    let _poller = Poller::every(Duration::from_millis(10));
    for options in ["--max-rss 1G", "--sample-every 100ms --metrics prom:./metrics"] {
        let mut run = server(options, "bg:chatter:20ms listen:0");
        run.await_entry(1, "listening");
        let_pass(Duration::from_millis(1000));
        assert!(!run.stderr().contains("inbound"), "{options}: {}", run.stderr());
    }
}

/// More than the kernel's queue holds between two looks.
#[test]
fn a_flood_of_others_does_not_delay_idleness_with_inbound() {
    let _poller = Poller::every(Duration::from_millis(2));
    let mut run = server("--idle 1s --traffic inbound", "bg:chatter:20ms listen:0");
    let mut client = run.connect(1);
    let (_, last_ms) = client.exchange("hello");
    assert_goes_idle(&mut run, last_ms, 1000);
}

#[test]
fn short_connections_of_others_are_ignored_with_inbound() {
    let strangers = answer_lines(listener());
    for (words, lost) in [("inbound", Some(UNIX_IDLENESS)), ("tcp,port:7001", None)] {
        let run = world(&format!("--idle 1s --traffic {words}"));
        let mut run = lost.into_iter().fold(run, Running::losing);
        let armed_ms = arm(&run, Door::Tcp);
        assert_idle_in_spite_of(&mut run, armed_ms, |_| {
            Client::connect(&strangers).unwrap().exchange("hello");
        });
    }
}

/// Whatever COMMAND logs goes over a socket that `recycle` was started with.
#[test]
fn a_log_that_is_a_socket_is_not_traffic() {
    own_network();
    let (_log, theirs) = UnixStream::pair().unwrap();
    let mut run = Run::new("--idle 1s")
        .stderr(OwnedFd::from(theirs))
        .after_shell("exec >&2")
        .fixture("trap:TERM:exit=0 bg:chatter:300ms listen:0")
        .spawn();
    let mut client = run.connect(1);
    let (_, last_ms) = client.exchange("hello");
    assert_goes_idle(&mut run, last_ms, 1000);
}

/// A neighbour that listens on COMMAND's port number, on another address: its connections are not
/// COMMAND's, neither short ones nor one that stays.
#[test]
fn connections_to_the_same_port_of_another_address_do_not_arm() {
    own_network();
    let all = ["--idle 300ms", "--idle 300ms --traffic inbound", "--idle 300ms --idle-floor 8B"];
    for (options, port) in all.into_iter().zip(7005_u16..) {
        let mut run = server(options, &format!("serve-short:127.0.0.1:{port}"));
        run.await_entry(1, "listening");
        let neighbour = answer_lines(TcpListener::bind(("127.0.0.2", port)).unwrap());
        let mut stays = Client::connect(&neighbour).unwrap();
        for _ in 0..20 {
            stays.exchange("hello");
            Client::connect(&neighbour).unwrap().exchange("hello");
            let_pass(Duration::from_millis(100));
        }
        assert_eq!(run.entries("got TERM").len(), 0, "{options}");
        // The control: COMMAND's own do.
        let mut client = Client::connect(&format!("127.0.0.1:{port}")).unwrap();
        let (_, last_ms) = client.exchange("hello, and more");
        assert_goes_idle(&mut run, last_ms, 300);
    }
}
