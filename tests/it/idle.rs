//! Idle: a generation that had traffic and has none any more. TCP here, stdin in `stdin.rs`, what
//! else sockets do in `traffic.rs`.

use crate::harness::{Client, End, Run, Running, let_pass, listener, look_up, send_signal};
use std::time::Duration;

/// A server that can be told to leave: it listens only when it can.
pub(crate) fn server(options: &str, steps: &str) -> Running {
    Run::new(options).fixture(&format!("trap:TERM:exit=0 {steps}")).spawn()
}

pub(crate) fn assert_goes_idle(run: &mut Running, last_ms: i64, idle_ms: i64) {
    if run.is_never_idle() {
        return;
    }
    let told = run.await_entry(1, "got TERM");
    assert!(told.t_ms >= last_ms + idle_ms);
    assert_eq!(run.await_entry(2, "trap:TERM").reason.as_deref(), Some("idle"));
}

#[test]
fn a_server_whose_clients_fall_silent_is_recycled_and_serves_again() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let mut run = server("--idle 1s", &format!("listen:{address}"));
        let mut clients = [run.connect(1), run.connect(1)];
        let [_, (answer, last_ms)] = [0, 1].map(|client| clients[client].exchange("hello"));
        assert_eq!(answer, "hello");
        assert_goes_idle(&mut run, last_ms, 1000);
        let mut client = run.connect(2);
        assert_eq!(client.exchange("again").0, "again");
        run.await_entry(3, "listening");
    }
}

/// The negative control: the same silence, longer, ends in COMMAND's own exit.
#[test]
fn without_idle_silence_means_nothing() {
    let mut run = server("", "bg:listen:0 sleep:2500ms wait-file:go exit:5");
    let mut client = run.connect(1);
    client.exchange("hello");
    run.touch("go");
    assert_eq!(run.finish(), End::Code(5));
    assert_eq!(run.generations(), 1);
}

/// Close to it memory is looked at dozens of times a second, and each look walks the tree.
#[test]
fn a_memory_limit_close_by_does_not_keep_it_from_going_idle() {
    let run = Run::new("--idle 8s --max-rss 70M");
    let mut run = run.fixture("trap:TERM:exit=0 hold:62M listen:0").spawn();
    let mut client = run.connect(1);
    let (_, last_ms) = client.exchange("hello");
    assert_goes_idle(&mut run, last_ms, 8000);
}

#[test]
fn one_byte_every_half_idle_time_keeps_it() {
    let mut run = server("--idle 2s", "listen:0");
    let mut client = run.connect(1);
    // A second one that is silent changes nothing.
    let _silent = run.connect(1);
    let mut last_ms = 0;
    for _ in 0..6 {
        // On the same connection: it would not survive a recycle.
        last_ms = client.exchange("").1;
        let_pass(Duration::from_secs(1));
    }
    assert_goes_idle(&mut run, last_ms, 2000);
}

#[test]
fn a_connection_is_traffic_even_if_nothing_is_said() {
    let mut run = server("--idle 1s", "listen:0");
    let _silent = run.connect(1);
    run.await_entry(2, "listening");
}

#[test]
fn what_is_only_sent_is_traffic() {
    let mut run = server("--idle 1s", "push:200ms");
    let mut client = run.connect(1);
    client.receive(15);
    assert_eq!(run.generations(), 1);
    drop(client);
    run.await_entry(2, "listening");
}

#[test]
fn a_server_that_never_had_traffic_is_never_idle() {
    let mut run = server("--idle 300ms", "bg:listen:0 sleep:2s exit:5");
    assert_eq!(run.finish(), End::Code(5));
    assert_eq!(run.generations(), 1);
}

#[test]
fn a_command_that_works_on_a_request_is_left_to_finish() {
    // However little of a busy CPU it gets.
    let mut run = server("--idle 1s --idle-cpu 1%", "work-on-request:5s");
    let mut client = run.connect(1);
    let (answer, _) = client.exchange("please");
    assert_eq!(answer, "done");
    let answered = run.await_entry(1, "answered");
    assert_goes_idle(&mut run, answered.t_ms, 1000);
}

/// The same work with the check turned off: then silence is all that counts.
#[test]
fn with_an_idle_cpu_of_100_percent_work_is_no_excuse() {
    let mut run = server("--idle 1s --idle-cpu 100%", "bg:listen:0 spin");
    let mut client = run.connect(1);
    let (_, last_ms) = client.exchange("hello");
    assert_goes_idle(&mut run, last_ms, 1000);
}

/// A database, as far as COMMAND can tell: answers one line and keeps the connection.
fn with_database(options: &str, steps: &str) -> Running {
    let database = listener();
    let address = database.local_addr().unwrap();
    let mut run = server(options, &format!("connect:{address} ready {steps}"));
    database.set_nonblocking(true).unwrap();
    let (stream, _) = run.wait_for("COMMAND to connect", |_| database.accept().ok());
    let mut client = Client::new(stream).unwrap();
    assert_eq!(client.receive_line(), "hello");
    client.send("welcome");
    run.await_entry(1, "ready");
    // Both stay open for as long as the test binary runs.
    std::mem::forget((client, database));
    run
}

#[test]
fn a_handshake_with_a_database_alone_does_not_recycle() {
    let mut run = with_database("--idle 500ms", "sleep:3s exit:5");
    assert_eq!(run.finish(), End::Code(5));
    assert_eq!(run.generations(), 1);
}

#[test]
fn without_a_time_to_settle_it_does() {
    let mut run = with_database("--idle 500ms --settle 0s", "forever");
    let connected = run.await_entry(1, "connect");
    assert_goes_idle(&mut run, connected.t_ms, 500);
}

/// A handshake does not keep what came in from counting, either.
#[test]
fn a_database_and_a_client_are_two_things() {
    let mut run = with_database("--idle 1s", "listen:0");
    let mut client = run.connect(1);
    let (_, last_ms) = client.exchange("hello");
    assert_goes_idle(&mut run, last_ms, 1000);
}

#[test]
fn what_stays_inside_the_tree_is_no_traffic() {
    let mut run = server("--idle 1s", "bg:loopback:100ms listen:0");
    run.await_entry(1, "looped");
    let mut client = run.connect(1);
    let (_, last_ms) = client.exchange("hello");
    assert_goes_idle(&mut run, last_ms, 1000);
}

#[test]
fn the_traffic_of_a_descendant_counts() {
    let mut run = server("--idle 2s", "orphan:1:setsid,listen:0 forever");
    let mut client = run.connect(1);
    let mut last_ms = 0;
    for _ in 0..4 {
        last_ms = client.exchange("").1;
        let_pass(Duration::from_secs(1));
    }
    assert_goes_idle(&mut run, last_ms, 2000);
}

#[test]
fn what_is_not_asked_for_does_not_count() {
    let options = "--idle 500ms --traffic stdin";
    let script = "trap:TERM:exit=0 bg:listen:0 sleep:2s exit:5";
    let mut run = Run::new(options).fixture(script).stdin_pipe().spawn();
    let mut client = run.connect(1);
    client.exchange("hello");
    assert_eq!(run.finish(), End::Code(5));
    assert_eq!(run.generations(), 1);
}

#[test]
fn idleness_that_nothing_could_show_is_refused() {
    let (end, run) = Run::new("--idle 1s --traffic stdin").fixture("ready").finish();
    assert_eq!(end, End::Code(125));
    assert!(run.stderr().contains("nothing to watch"), "{}", run.stderr());
    assert!(run.journal().is_empty());
}

#[test]
fn a_command_that_is_stopped_is_not_recycled() {
    let mut run = server("--idle 1s", "listen:0");
    let mut client = run.connect(1);
    let command = run.await_entry(1, "listening").pid;
    client.exchange("hello");
    send_signal(command, libc::SIGSTOP);
    run.wait_for("COMMAND to be stopped", |_| look_up(command).filter(|it| it.state == 'T'));
    let_pass(Duration::from_secs(3));
    // What comes before it is woken makes it busy again.
    client.send("still there");
    send_signal(command, libc::SIGCONT);
    assert_eq!(client.receive_line(), "still there");
    assert_eq!(run.generations(), 1);
}
