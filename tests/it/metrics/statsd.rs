//! `statsd://`: what a server has counted is what has happened.

use super::receiver::{ADDRESS, Receiver};
use crate::harness::{End, Run, own_network, receive_datagram};
use std::net::UdpSocket;
use std::time::Duration;

const OPTIONS: &str = "--sample-every 100ms --map-signal USR1:recycle";

fn options(more: &str) -> String {
    format!("{OPTIONS} --metrics statsd://{ADDRESS}{more}")
}

/// Nothing that came was unclear to it.
fn assert_understood(server: &Receiver) {
    assert_eq!(server.counters()["statsd.bad_lines_seen"], 0.0, "{:?}", server.counters());
}

#[test]
fn a_server_has_what_happened() {
    let mut server = Receiver::start();
    let run = Run::new(&options("/app.eu --name web.1 --max-rss 1G --kill-rss 2G"));
    let mut run = run.fixture("hold:40M ready forever").spawn();
    server.await_gauge("app.eu.web_1.rss", |rss| rss >= f64::from(40 << 20));
    server.await_gauge("app.eu.web_1.age", |age| age > 0.3);
    for generation in 2..=4 {
        run.recycle();
        run.await_entry(generation, "ready");
    }
    server.await_counter("app.eu.web_1.recycles.signal", 3.0);
    server.await_gauge("app.eu.web_1.rss", |rss| rss >= f64::from(40 << 20));
    server.await_gauge("app.eu.web_1.generation", |generation| generation == 4.0);
    let gauges = server.gauges();
    let gauge = |name: &str| gauges[&format!("app.eu.web_1.{name}")];
    assert_eq!((gauge("up"), gauge("processes")), (1.0, 1.0));
    assert_eq!((gauge("max_rss"), gauge("kill_rss")), (f64::from(1 << 30), 2_147_483_648.0));
    assert!(gauge("pss") <= gauge("rss") && gauge("cpu") >= 0.0 && gauge("quiet") >= 0.0);
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    server.await_gauge("app.eu.web_1.up", |up| up == 0.0);
    let counters = server.counters();
    let ours = counters.keys().filter(|name| name.starts_with("app.")).collect::<Vec<_>>();
    assert_eq!(ours, ["app.eu.web_1.recycles.signal"]);
    assert_understood(&server);
    assert_eq!(run.stderr().matches("metrics").count(), 0);
}

#[test]
fn a_server_counts_ends_restarts_and_failures() {
    let mut server = Receiver::start();
    let more = options(" --restart on-failure --max-restarts 2/1m --backoff 1ms..1ms");
    let (end, _) = Run::new(&more).fixture("exit:3").finish();
    assert_eq!(end, End::Code(3));
    let own = |name: &str| format!("recycle.fixture.{name}");
    server.await_counter(&own("gave_up"), 1.0);
    server.await_counter(&own("exits"), 3.0);
    server.await_counter(&own("restarts"), 2.0);
    let (end, _) = Run::new(&options("/other")).command(["no-such-program"]).finish();
    assert_eq!(end, End::Code(127));
    server.await_counter("other.no-such-program.start_failures", 1.0);
    server.await_gauge("other.no-such-program.up", |up| up == 0.0);
    assert!(!server.gauges().contains_key("other.no-such-program.generation"));
    assert_understood(&server);
}

/// The negative control: without the option nobody tells it anything.
#[test]
fn a_server_that_nobody_told_of_hears_nothing() {
    let server = Receiver::start();
    let run = Run::new("--sample-every 50ms --max-lifetime 100ms").term_held();
    let run = run.env("STATSD_HOST", "127.0.0.1");
    let mut run = run.fixture("ready unblock forever").spawn();
    run.await_entry(4, "ready");
    assert_eq!(server.counters()["statsd.packets_received"], 0.0);
}

#[test]
fn a_hostile_name_counts_as_nothing_else() {
    let mut server = Receiver::start();
    let name = "up:0|g|#x:y@0.1/../é{}'\"%n";
    let (end, _) = Run::new(&options(&format!(" --name {name}"))).fixture("exit:0").finish();
    assert_eq!(end, End::Code(0));
    let own = "recycle.up_0_g__x_y_0_1__________n";
    server.await_counter(&format!("{own}.exits"), 1.0);
    server.await_gauge(&format!("{own}.up"), |up| up == 0.0);
    let gauges = server.gauges();
    assert!(gauges.keys().all(|name| name.starts_with("statsd.") || name.starts_with(own)));
    assert_understood(&server);
}

fn receive(socket: &UdpSocket) -> String {
    let mut buffer = [0; 1024];
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let length = receive_datagram(socket, &mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

/// Word for word. A sample is one datagram.
#[test]
fn datagrams_are_as_the_manual_says() {
    // One sample for each generation. In the first one nobody reads page by page: no PSS.
    let options = "--metrics statsd://127.0.0.1:8125 --map-signal USR1:recycle --sample-every 1h";
    let run = Run::new(options);
    let socket = UdpSocket::bind(ADDRESS).unwrap();
    let mut run = run.fixture("ready forever").spawn();
    run.await_entry(1, "ready");
    assert_eq!(receive(&socket), "recycle.fixture.up:1|g");
    assert_eq!(receive(&socket), "recycle.fixture.generation:1|g");
    let sample = receive(&socket);
    let names: Vec<_> = sample.lines().map(|line| line.split(':').next().unwrap()).collect();
    let own = |name| format!("recycle.fixture.{name}");
    let known = ["age", "rss", "quiet", "cpu", "processes", "generation"].map(own);
    assert_eq!(names, known);
    assert!(sample.lines().all(|line| line.ends_with("|g")), "{sample}");
    run.recycle();
    assert_eq!(receive(&socket), "recycle.fixture.recycles.signal:1|c");
    assert_eq!(receive(&socket), "recycle.fixture.generation:2|g");
    run.signal(libc::SIGTERM);
    run.finish();
    while receive(&socket) != "recycle.fixture.up:0|g" {}
}

/// A name that is both, as `localhost` often is: most servers listen at the older one.
#[test]
fn of_a_host_with_addresses_of_both_kinds_the_older_is_told() {
    let run = Run::new("--metrics statsd://both:8125/x");
    let socket = UdpSocket::bind(ADDRESS).unwrap();
    std::fs::write(run.dir().join("hosts"), "::1 both\n127.0.0.1 both\n").unwrap();
    let world = "mount --bind hosts /etc/hosts; exec \"$@\"";
    let run = run.through(["unshare", "--mount", "sh", "-c", world, "sh"]);
    let (end, run) = run.fixture("exit:4").finish();
    assert_eq!((end, run.stderr().as_str()), (End::Code(4), ""));
    assert_eq!(receive(&socket), "x.fixture.up:1|g");
}

#[test]
fn hosts_are_names_and_addresses_of_either_kind() {
    own_network();
    // Once each: a copy that another test's fork has for a moment would keep the address.
    let [v4, v6] = ["127.0.0.1:8125", "[::1]:8125"].map(|at| UdpSocket::bind(at).unwrap());
    for (host, socket) in
        [("localhost", &v4), ("127.0.0.1", &v4), ("[::1]", &v6), ("[::ffff:127.0.0.1]", &v4)]
    {
        let run = Run::new(&format!("--metrics statsd://{host}:8125/x"));
        let (end, run) = run.fixture("exit:4").finish();
        assert_eq!((end, run.stderr().as_str()), (End::Code(4), ""));
        assert_eq!(receive(socket), "x.fixture.up:1|g", "{host}");
        // The rest of it is there: it has ended.
        socket.set_nonblocking(true).unwrap();
        while socket.recv(&mut [0; 1024]).is_ok() {}
        socket.set_nonblocking(false).unwrap();
    }
}
