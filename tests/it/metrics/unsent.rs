//! Datagrams that nobody gets, or too late: the run goes on as if nobody had asked for them.

use super::receiver::{ADDRESS, Receiver};
use crate::harness::{
    Container, End, Run, Running, execute, fixture_path, own_network, receive_datagram,
};
use std::fs;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::Duration;

const OPTIONS: &str = "--metrics statsd://127.0.0.1:8125 --map-signal USR1:recycle";

/// Sockets of the test's network that this process holds, with their addresses in hexadecimal
/// digits: here, there.
fn sockets(pid: i32) -> Vec<(String, String)> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let links = links.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let held: Vec<_> = links.map(|link| link.display().to_string()).collect();
    let table = fs::read_to_string("/proc/thread-self/net/udp").unwrap();
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    let ours = rows.filter(|row| held.contains(&format!("socket:[{}]", row[9])));
    ours.map(|row| (row[1].to_owned(), row[2].to_owned())).collect()
}

#[test]
fn nobody_listens() {
    let options = format!("{OPTIONS} --sample-every 20ms --max-lifetime 100ms");
    let mut run = Run::new(&options).term_held().fixture("ready unblock forever").spawn();
    run.await_entry(6, "ready");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    assert_eq!(run.stderr().matches("metrics").count(), 0, "{}", run.stderr());
}

/// Not one is lost once somebody is there: that nobody was is heard of only when the next one is
/// sent.
#[test]
fn somebody_listens_later() {
    let options = format!("{OPTIONS} --sample-every 1h");
    let mut run = Run::new(&options).fixture("ready forever").spawn();
    // Nothing is sent after the first sample.
    run.await_stderr("recycle: sample: ");
    let socket = UdpSocket::bind(ADDRESS).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    run.recycle();
    let mut buffer = [0; 100];
    let length = receive_datagram(&socket, &mut buffer).unwrap();
    let first = String::from_utf8_lossy(&buffer[..length]);
    assert_eq!(first, "recycle.fixture.recycles.signal:1|c");
}

#[test]
fn a_server_may_go_and_come_back() {
    let mut server = Receiver::start();
    let options = format!("{OPTIONS} --sample-every 50ms");
    let mut run = Run::new(&options).fixture("ready forever").spawn();
    server.await_gauge("recycle.fixture.generation", |generation| generation == 1.0);
    drop(server);
    run.recycle();
    run.await_entry(2, "ready");
    let mut server = Receiver::start();
    server.await_gauge("recycle.fixture.generation", |generation| generation == 2.0);
}

/// A network that takes eight bits a second, until this is dropped: what waits there would keep it
/// for hours, and so much of what the kernel has for answers to others that it gives none any more,
/// on the whole machine (`icmp(7)`).
struct SlowNetwork;

impl SlowNetwork {
    fn new() -> Self {
        own_network();
        tc("qdisc add dev lo root tbf rate 8bit burst 2000 limit 100000000");
        Self
    }
}

impl Drop for SlowNetwork {
    fn drop(&mut self) {
        tc("qdisc del dev lo root");
    }
}

fn tc(words: &str) {
    let output = execute("tc", &words.split(' ').collect::<Vec<_>>());
    assert!(std::thread::panicking() || output.status.success(), "tc {words}: {output:?}");
}

/// The queue of such a network fills up, then the socket's.
#[test]
fn a_full_socket_makes_nobody_wait() {
    let _slow = SlowNetwork::new();
    let options = format!("{OPTIONS} --restart always --backoff 1ms..1ms --max-restarts 9999/1s");
    let run = Run::new(&options);
    let server = UdpSocket::bind(ADDRESS).unwrap();
    // The negative control: here one has to wait.
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let full = (0..10_000).find_map(|_| other.send_to(&[0; 50], ADDRESS).err());
    assert_eq!(full.map(|error| error.kind()), Some(ErrorKind::WouldBlock));
    let mut run = run.fixture("ready at:400:forever exit:0").spawn();
    run.await_entry(400, "ready");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    drop(server);
}

/// It is ours alone, and off, there is none.
#[test]
fn the_socket_is_not_commands() {
    let mut run = Run::new(OPTIONS).fixture("ready forever").spawn();
    for generation in 1..=3 {
        let command = run.await_entry(generation, "ready").pid;
        assert_eq!(sockets(run.pid()).len(), 1);
        assert_eq!(sockets(command), []);
        run.recycle();
    }
    let mut run = Run::new("--sample-every 50ms").fixture("ready forever").spawn();
    run.await_stderr("sample");
    assert_eq!(sockets(run.pid()), []);
}

/// Bytes that wait to be read at this port.
fn unread(port: u16) -> u32 {
    let table = fs::read_to_string("/proc/thread-self/net/udp").unwrap();
    let rows = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let here = format!(":{port:04X}");
    let row = rows.into_iter().find(|row| row[1].ends_with(&here)).unwrap();
    u32::from_str_radix(row[4].split_once(':').unwrap().1, 16).unwrap()
}

/// Datagrams that came here for nobody (`NoPorts`). Whoever sent them need not be told: the kernel
/// does so only now and then (`icmp_ratelimit`, icmp(7)).
fn refused() -> u32 {
    let counters = fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
    let row = counters.lines().rfind(|row| row.starts_with("Udp: ")).unwrap();
    row.split(' ').nth(2).unwrap().parse().unwrap()
}

/// Nobody but the server could send anything there; what it sends is not kept.
#[test]
fn nobody_can_send_to_it() {
    let run = Run::new(OPTIONS);
    let server = UdpSocket::bind(ADDRESS).unwrap();
    let mut run = run.fixture("ready forever").spawn();
    let (_, client) = server.recv_from(&mut [0; 100]).unwrap();
    run.await_entry(1, "ready");
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.send_to(b"hello", client).unwrap();
    run.wait_for("a refusal", |_| (refused() == 1).then_some(()));
    // Not so many that the kernel would lose those of other tests.
    (0..200).for_each(|_| drop(server.send_to(&[0; 1000], client)));
    let kept = unread(client.port());
    assert!(kept < 10_000, "{kept} bytes wait for nobody");
    // The negative control: usually they do wait.
    (0..100).for_each(|_| drop(stranger.send_to(&[0; 1000], ADDRESS)));
    assert!(unread(8125) > 50_000);
}

fn assert_goes_on_without(run: &mut Running, word: &str) {
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entry(2, "ready");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    let stderr = run.stderr();
    assert_eq!(stderr.matches(word).count(), 1, "{stderr}");
    assert_eq!(stderr.lines().filter(|line| line.contains("nowhere")).count(), 1, "{stderr}");
}

#[test]
fn a_host_that_nobody_knows_is_said_once() {
    let options = "--metrics statsd://nowhere.invalid:8125/x --map-signal USR1:recycle";
    let mut run = Run::new(options).fixture("ready forever").spawn();
    assert_goes_on_without(&mut run, "recycle: metrics cannot go to 'statsd://nowhere.invalid");
    assert!(run.stderr().contains("; going on without\n"), "{}", run.stderr());
    let options = format!("{options} --log-format json");
    let mut run = Run::new(&options).fixture("ready forever").spawn();
    assert_goes_on_without(&mut run, r#""event":"metrics_failed""#);
    // ... and whoever else was named is told.
    let options = format!("{options} --metrics statsd://{ADDRESS}");
    let run = Run::new(&options);
    let server = UdpSocket::bind(ADDRESS).unwrap();
    let (end, _) = run.fixture("exit:0").finish();
    assert_eq!(end, End::Code(0));
    server.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert!(receive_datagram(&server, &mut [0; 100]).is_ok());
}

/// In a container there is no way to anywhere at first; then there is one.
#[test]
fn a_network_that_comes_later_is_found() {
    let options = "--metrics statsd://10.0.0.1:8125 --sample-every 100ms";
    let run = Run::new(options);
    let fixture = fixture_path().to_str().unwrap();
    let mut container = Container::start(run.command([fixture, "ready", "forever"]));
    container.await_entry(1, "ready");
    container.await_stderr("recycle: sample: ");
    let server = container.outside(|| UdpSocket::bind("10.0.0.1:8125").unwrap());
    server.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut buffer = [0; 1000];
    let length = receive_datagram(&server, &mut buffer).unwrap();
    assert!(String::from_utf8_lossy(&buffer[..length]).contains(".rss:"));
}
