//! Containers where less can be seen than elsewhere: `pidfd_getfd` forbidden as by Docker, COMMAND
//! as another user, no netlink.

use super::{assert_tcp_goes_idle, assert_udp_goes_idle, server, talk, talk_unix, unseen};
use crate::harness::{Client, Container, End, Run, fixture_path, let_pass, read_filter};
use std::net::UdpSocket;
use std::time::Duration;

/// Everything is allowed but one kind of netlink socket, the one that tells of other sockets.
const NO_SOCK_DIAG: &str = r#"{
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{
        "names": ["socket"],
        "action": "SCMP_ACT_ERRNO",
        "errnoRet": 1,
        "args": [
            { "index": 0, "value": 16, "op": "SCMP_CMP_EQ" },
            { "index": 2, "value": 4, "op": "SCMP_CMP_EQ" }
        ]
    }]
}"#;

/// Podman's own filter, but that `pidfd_getfd` fails with this.
fn no_getfd(errno: i32) -> String {
    let listed = "\"pidfd_getfd\",";
    let filter = read_filter();
    assert_eq!(filter.matches(listed).count(), 1, "another kind of filter");
    let rule = format!(
        "\"syscalls\": [ {{ \"names\": [\"pidfd_getfd\"], \"action\": \"SCMP_ACT_ERRNO\", \
         \"errnoRet\": {errno} }},"
    );
    filter.replace(listed, "").replacen("\"syscalls\": [", &rule, 1)
}

/// Once, not once per generation.
fn assert_says_nothing_twice(container: &Container) {
    let lines = unseen(container);
    let is_repeated = |line| lines.iter().filter(|other| *other == line).count() > 1;
    assert!(!lines.iter().any(is_repeated), "{lines:?}");
}

fn assert_says_once(container: &Container, what: &str) {
    let lines = unseen(container);
    assert!(lines.iter().any(|line| line.to_lowercase().contains(what)), "{lines:?}");
    assert_says_nothing_twice(container);
}

// What the filters below forbid is forbidden, and nothing else of the kind.

/// The error numbers of `pidfd_getfd` with no descriptor, and of `sock_diag` and routing sockets.
/// In the one language that every Debian has.
const TRY: &str = r#"
syscall 438, -1, 0, 0;
my @errors = $! + 0;
push @errors, socket(my $socket, 16, 3, $_) ? 0 : $! + 0 for 4, 0;
print "@errors\n";
"#;

fn tried(start: impl FnOnce(Run) -> Container) -> String {
    let mut container = start(Run::new("").command(["perl", "-e", TRY]));
    assert_eq!(container.finish(), End::Code(0));
    container.stdout().trim_end().to_owned()
}

#[test]
fn the_filters_forbid_what_they_are_for() {
    assert_eq!(tried(Container::start), "9 0 0");
    for errno in [libc::EPERM, libc::ENOSYS] {
        let filter = no_getfd(errno);
        assert_eq!(tried(|run| Container::start_filtered(run, &filter)), format!("{errno} 0 0"));
    }
    assert_eq!(tried(|run| Container::start_filtered(run, NO_SOCK_DIAG)), "9 1 0");
}

// `pidfd_getfd` forbidden: as Docker does it, and as on an old kernel.

#[test]
fn without_getfd_a_tcp_server_goes_idle() {
    for errno in [libc::EPERM, libc::ENOSYS] {
        let run = server("--idle 1s", "listen:0.0.0.0:0");
        let mut container = Container::start_filtered(run, &no_getfd(errno));
        assert_tcp_goes_idle(&mut container);
        assert_says_nothing_twice(&container);
    }
}

#[test]
fn without_getfd_a_udp_server_goes_idle() {
    for errno in [libc::EPERM, libc::ENOSYS] {
        let run = server("--idle 1s", "udp:0.0.0.0:0");
        let mut container = Container::start_filtered(run, &no_getfd(errno));
        assert_udp_goes_idle(&mut container);
        assert_says_nothing_twice(&container);
    }
}

/// What we send ourselves is in the counters that stand in for COMMAND's sockets.
#[test]
fn without_getfd_our_own_datagrams_keep_nobody_awake() {
    let options = "--idle 1s --metrics statsd://10.0.0.1:8125 --sample-every 200ms";
    let run = server(options, "udp:0.0.0.0:0");
    let mut container = Container::start_filtered(run, &no_getfd(libc::EPERM));
    let receiver = container.outside(|| UdpSocket::bind("10.0.0.1:8125").unwrap());
    assert_udp_goes_idle(&mut container);
    receiver.set_nonblocking(true).unwrap();
    let came = (0..10).filter(|_| receiver.recv(&mut [0; 1000]).is_ok()).count();
    assert!(came >= 5, "{came}");
}

/// What it says there is unknown, and unknown is not quiet.
#[test]
fn without_getfd_who_has_a_unix_server_is_never_idle() {
    let run = server("--idle 1s", "bg:listen:./socket listen:0.0.0.0:0");
    let mut container = Container::start_filtered(run, &no_getfd(libc::EPERM));
    let listening = container.await_entries(2, "listening");
    let address = listening.iter().find_map(|entry| entry.text.strip_prefix("listening 0.0.0.0:"));
    let address = format!("10.0.0.2:{}", address.unwrap());
    let mut client = container.outside(|| Client::connect(&address).unwrap());
    client.exchange("hello");
    talk_unix(&mut container, 1);
    let_pass(Duration::from_secs(4));
    // On the same connection: it would not survive a recycle.
    client.exchange("still there?");
    assert_eq!(container.generations(), 1);
    assert_says_once(&container, "unix");
}

#[test]
fn without_getfd_idleness_of_unix_sockets_alone_is_refused() {
    let run = server("--idle 1s --traffic unix", "listen:./socket");
    let mut container = Container::start_filtered(run, &no_getfd(libc::EPERM));
    assert_eq!(container.finish(), End::Code(125));
    // Podman's own failures have the same status.
    let stderr = container.stderr();
    let lines: Vec<_> = stderr.lines().collect();
    let [line] = lines[..] else { panic!("one line: {lines:?}") };
    assert!(line.starts_with("recycle: ") && line.contains("pidfd_getfd"), "{line}");
    assert!(container.journal().is_empty());
}

// COMMAND becomes somebody whose descriptors even root may not see, without CAP_SYS_PTRACE.

fn as_user(options: &str, steps: &str) -> Run {
    let fixture = fixture_path().to_str().unwrap();
    let words = "setpriv --reuid 1000 --regid 1000 --clear-groups".split(' ').chain([fixture]);
    let words = words.chain(["trap:TERM:exit=0"]).chain(steps.split(' '));
    Run::new(options).command(words)
}

#[test]
fn a_tcp_server_of_another_user_goes_idle() {
    let mut container = Container::start(as_user("--idle 1s", "listen:0.0.0.0:0"));
    assert_tcp_goes_idle(&mut container);
    assert_says_once(&container, "");
}

#[test]
fn a_udp_server_of_another_user_goes_idle() {
    let mut container = Container::start(as_user("--idle 1s", "udp:0.0.0.0:0"));
    assert_udp_goes_idle(&mut container);
    assert_says_once(&container, "");
}

// No netlink: the namespace's counters are left.

#[test]
fn without_sock_diag_a_tcp_server_goes_idle() {
    let run = server("--idle 1s", "listen:0.0.0.0:0");
    let mut container = Container::start_filtered(run, NO_SOCK_DIAG);
    assert_tcp_goes_idle(&mut container);
    assert_says_once(&container, "");
}

/// The counters know nothing of connections, so what moves on an old one has to move them.
#[test]
fn without_sock_diag_what_is_said_on_an_old_connection_counts() {
    let run = server("--idle 2s", "listen:0.0.0.0:0");
    let mut container = Container::start_filtered(run, NO_SOCK_DIAG);
    let (mut client, _) = talk(&mut container, 1);
    for _ in 0..4 {
        let_pass(Duration::from_secs(1));
        // On the same connection: it would not survive a recycle.
        client.exchange("");
    }
    assert_eq!(container.generations(), 1);
}

// `kcmp` forbidden, as podman and Docker do it without CAP_SYS_PTRACE.

const NO_KCMP: &str = r#"{
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{ "names": ["kcmp"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1 }]
}"#;

#[test]
fn without_kcmp_memory_that_two_processes_have_in_common_counts_once() {
    let run = Run::new("--kill-rss 150M").fixture("hold:100M share-memory:1s exit:5");
    let mut container = Container::start_filtered(run, NO_KCMP);
    assert_eq!(container.finish(), End::Code(5), "{}", container.stderr());
    assert_eq!(container.recycles(), [""; 0]);
}
