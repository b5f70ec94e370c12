//! What a platform does to a container: it stops it, it executes something in it, it gives it a
//! terminal.

use super::{alone, assert_tcp_goes_idle};
use crate::harness::{Container, End, Root, now_ms, send_signal};

fn start(options: &str, steps: &str, podman: &str) -> Container {
    let run = alone(&format!("/recycle {options} --"), &format!("/fixture {steps}"));
    Container::start_in(Root::new(), run, podman)
}

// `podman stop`.

#[test]
fn a_stop_lets_command_end_as_it_wants() {
    let mut container = start("--restart always", "trap:TERM:exit=3:after=300ms forever", "");
    container.await_entry(1, "forever");
    container.stop(60);
    assert_eq!(container.finish(), End::Code(3));
    assert_eq!(container.entries("got").len(), 1);
    assert_eq!(container.generations(), 1);
}

#[test]
fn a_stop_between_two_generations_is_the_end() {
    let mut container = start("--restart always --backoff 1h..1h", "exit:5", "");
    container.await_stderr("next start in 1h");
    container.stop(60);
    assert_eq!(container.finish(), End::Code(128 + libc::SIGTERM));
    assert_eq!(container.generations(), 1);
}

/// How long that takes is podman's to decide, not `--stop-timeout`'s.
#[test]
fn a_command_that_ignores_a_stop_is_killed_by_podman() {
    let mut container = start("--stop-timeout 100ms", "ignore:TERM forever", "");
    container.await_entry(1, "forever");
    let before_ms = now_ms();
    container.stop(2);
    assert_eq!(container.finish(), End::Code(128 + libc::SIGKILL));
    assert!(now_ms() >= before_ms + 2000);
}

/// As PID 1 `recycle` would take it along. It has more time than `--stop-timeout` gives.
#[test]
fn a_stop_lets_what_command_left_behind_end_as_it_wants() {
    let steps = "trap:TERM:exit=3 child:trap:TERM:exit=0:after=1s,ready,forever forever";
    let mut container = start("--stop-timeout 100ms", steps, "");
    container.await_entries(1, "ready");
    container.await_entries(1, "spawned");
    let before_ms = now_ms();
    container.stop(60);
    assert_eq!(container.finish(), End::Code(3));
    assert!(now_ms() >= before_ms + 1000);
}

/// The negative control: as PID 1 itself, COMMAND hears no signal that it has no handler for.
#[test]
fn without_an_init_a_stop_is_not_heard() {
    let mut container = Container::start_in(Root::new(), alone("", "/fixture forever"), "");
    container.await_entries(1, "forever");
    container.stop(1);
    assert_eq!(container.finish(), End::Code(128 + libc::SIGKILL));

    let mut container = start("", "forever", "");
    container.await_entry(1, "forever");
    container.stop(60);
    assert_eq!(container.finish(), End::Code(128 + libc::SIGTERM));
}

// `podman exec`.

/// The process of the container that was started by these words.
fn await_command(container: &mut Container, command: &str) -> i32 {
    container.wait_for(command, |run| {
        let all = run.processes();
        all.iter().find(|process| process.command == command).map(|process| process.pid)
    })
}

#[test]
fn what_is_executed_beside_command_outlives_a_recycle_and_is_reaped() {
    let steps = "trap:TERM:exit=0 survivors once:orphan:1:forever ready forever";
    let mut container = start("--map-signal USR1:recycle", steps, "");
    container.await_entry(1, "ready");
    container.exec_detached(&["/bin/sleep", "1000"]);
    container.exec(&["/bin/sh", "-c", "sleep 2000 </dev/null >/dev/null 2>&1 &"]);
    let executed = await_command(&mut container, "/bin/sleep 1000");
    let orphan = await_command(&mut container, "sleep 2000");
    // COMMAND, its orphan, and the other one's.
    container.await_children(|children| children.len() == 3 && children.contains(&orphan));

    send_signal(container.init(), libc::SIGUSR1);
    container.await_entry(2, "survivors none");
    container.await_entry(2, "ready");
    assert_eq!(await_command(&mut container, "/bin/sleep 1000"), executed);
    assert_eq!(await_command(&mut container, "sleep 2000"), orphan);

    send_signal(orphan, libc::SIGKILL);
    container.await_children(|children| children.len() == 1);
    container.stop(60);
    assert_eq!(container.finish(), End::Code(0));
    container.await_gone(executed);
}

// A terminal.

/// Without anybody at it, as a platform gives one.
#[test]
fn at_a_terminal_command_hears_no_more_than_elsewhere() {
    let terminal = "--tty --log-driver=none";
    let steps = "trap:all from:2:wait-file:go from:2:exit:5 ready forever";
    let mut container = start("--map-signal USR1:recycle --stop-timeout 1s", steps, terminal);
    container.await_entry(1, "ready");
    send_signal(container.init(), libc::SIGUSR1);
    container.await_entry(2, "wait-file:go");
    container.touch("go");
    assert_eq!(container.finish(), End::Code(5));
    let heard: Vec<_> = container.entries("got").into_iter().map(|entry| entry.text).collect();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(["got TERM", "got CONT"].iter().all(|text| heard.iter().any(|it| it == text)));
}

#[test]
fn at_a_terminal_a_server_goes_idle() {
    let steps = "trap:TERM:exit=0 listen:0.0.0.0:0";
    let mut container = start("--idle 1s", steps, "--tty --log-driver=none");
    assert_tcp_goes_idle(&mut container);
}

#[test]
fn ctrl_c_arrives_once() {
    let command = "/recycle -- /fixture trap:INT ready wait-file:go exit:5";
    let mut container = Container::start_at_terminal(Root::new(), command);
    container.await_entry(1, "ready");
    container.send("\x03");
    container.await_entry(1, "got INT");
    container.touch("go");
    assert_eq!(container.finish(), End::Code(5));
    assert_eq!(container.entries("got INT").len(), 1);
}

/// What `podman run -it IMAGE sh` is for.
#[test]
fn a_shell_has_its_jobs() {
    let mut container = Container::start_at_terminal(Root::new(), "/recycle -- /bin/sh");
    let echoes = |text: &'static str| {
        move |run: &mut crate::harness::Running| run.stdout().contains(text).then_some(())
    };
    container.send("echo $((4 + 38))\n");
    container.wait_for("42", echoes("42"));
    container.send("sleep 1000\n");
    await_command(&mut container, "sleep 1000");
    container.send("\x03");
    container.send("echo $((10 + 13))\n");
    container.wait_for("23", echoes("23"));
    container.send("exit 7\n");
    assert_eq!(container.finish(), End::Code(7));
    assert!(!container.stdout().contains("job control"), "{}", container.stdout());
}
