//! Where the kernel does not tell of TCP sockets one by one, and counters of the network stand in.

use crate::harness::{
    Client, IDLENESS_WITHOUT_SOCK_DIAG, Run, Running, answer_lines, let_pass, listener,
    own_network, tool,
};
use crate::idle::assert_goes_idle;
use std::time::Duration;

/// One system call of `recycle` fails. COMMAND itself is not traced.
pub(super) fn without(call: &str, error: &str, options: &str, steps: &str) -> Running {
    own_network();
    let strace = tool("strace").into_os_string().into_string().unwrap();
    let forbid = format!("-o /dev/null -e trace={call} -e inject={call}:error={error}");
    let words = [strace.as_str()].into_iter().chain(forbid.split(' '));
    Run::new(options).through(words).fixture(&format!("trap:TERM:exit=0 {steps}")).spawn()
}

/// A kernel without socket diagnosis.
fn without_sock_diag(options: &str, steps: &str) -> Running {
    without("socket", "EPROTONOSUPPORT", options, steps)
}

#[test]
fn accepted_connections_arm_without_sock_diag() {
    for at in ["127.0.0.1:0", "[::1]:0"] {
        let run = without_sock_diag("--idle 1s", &format!("serve-short:{at}"));
        let mut run = run.losing(IDLENESS_WITHOUT_SOCK_DIAG);
        // The first look has counted what there was before.
        run.await_stderr("cannot see TCP connections one by one");
        let (_, last_ms) = run.connect(1).exchange("hello");
        assert_goes_idle(&mut run, last_ms, 1000);
    }
}

/// A kernel that shows living connections and does not announce those that end.
#[test]
fn accepted_connections_arm_without_announced_ends() {
    let mut run = without("setsockopt", "EINVAL", "--idle 1s", "serve-short:127.0.0.1:0");
    let address = run.address(1);
    let_pass(Duration::from_secs(1));
    let (_, last_ms) = Client::connect(&address).unwrap().exchange("hello");
    assert_goes_idle(&mut run, last_ms, 1000);
    assert!(run.stderr().contains("TCP connections that come and go"), "{}", run.stderr());
}

/// The negative control: they are a stranger's, and COMMAND does not listen.
#[test]
fn connections_of_others_arm_nothing_without_sock_diag() {
    let strangers = answer_lines(listener());
    let mut run = without_sock_diag("--idle 500ms", "ready forever");
    run.await_entry(1, "ready");
    for _ in 0..5 {
        Client::connect(&strangers).unwrap().exchange("hello");
        let_pass(Duration::from_millis(100));
    }
    let_pass(Duration::from_secs(2));
    assert_eq!(run.entries("got TERM").len(), 0, "armed by connections of others");
}

#[test]
fn observe_counts_no_gap_between_connections_of_others() {
    let strangers = answer_lines(listener());
    let mut run = without_sock_diag("--observe", "ready forever");
    run.await_entry(1, "ready");
    for _ in 0..3 {
        Client::connect(&strangers).unwrap().exchange("hello");
        let_pass(Duration::from_millis(2200));
    }
    let command = run.await_entry(1, "ready").pid;
    crate::harness::send_signal(command, libc::SIGTERM);
    run.finish();
    let stderr = run.stderr();
    assert!(stderr.contains("observed 1 generation") && !stderr.contains("quiet gap"), "{stderr}");
}
