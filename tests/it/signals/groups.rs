//! `--signal-scope group` where COMMAND shares the group of `recycle`, whatever the kernel forbids.

use crate::harness::{End, Run, Running, look_up, send_signal, tool};

/// COMMAND's parent, with which it shares its group.
fn recycle_of(command: i32) -> i32 {
    let command = look_up(command).unwrap();
    assert_eq!(look_up(command.parent).unwrap().group, command.group);
    command.parent
}

/// Through `strace`, where these system calls fail like this.
fn forbidden(calls: &str, error: &str) -> Run {
    let strace = tool("strace").into_os_string().into_string().unwrap();
    let trace = format!("trace={calls}");
    let inject = format!("inject={calls}:error={error}");
    let words = [&strace, "-o", "trace", "-e", &trace, "-e", &inject];
    Run::new("--signal-scope group --max-lifetime 1h").on_terminal().through(words)
}

#[test]
fn the_group_gets_signals_without_pidfds() {
    for calls in ["pidfd_open", "pidfd_send_signal"] {
        for error in ["ENOSYS", "EPERM"] {
            let script = "trap:USR1 child:trap:USR1,ready,forever forever";
            let mut run = forbidden(calls, error).fixture(script).spawn();
            let child = run.await_entry(1, "ready").pid;
            let command = look_up(child).unwrap().parent;
            let recycle = recycle_of(command);
            send_signal(recycle, libc::SIGUSR1);
            let got = run.await_entries(2, "got USR1");
            assert!(got.iter().any(|entry| entry.pid == command));
            assert!(got.iter().any(|entry| entry.pid == child));
            send_signal(recycle, libc::SIGTERM);
            assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
        }
    }
}

const ENDS_BY_TERM: &str =
    "trap 'echo got TERM; exit 3' TERM; echo ready $$; while :; do sleep 0.05; done";

/// A shell, which needs no `/proc`. Returns its pid, too.
fn without_proc(options: &str) -> (Running, i32) {
    let hide = "mount -t tmpfs none /proc; \"$0\" \"$@\"; exit $?";
    let run = Run::new(options).on_terminal().through(["unshare", "-m", "sh", "-c", hide]);
    let mut run = run.command(["sh", "-c", ENDS_BY_TERM]).spawn();
    let command = run.await_number("ready ");
    (run, command)
}

#[test]
fn command_gets_signals_without_proc() {
    let (mut run, command) = without_proc("--signal-scope group");
    send_signal(recycle_of(command), libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(3));
}

/// It ends by the signal that the line names, and not by KILL.
#[test]
fn a_planned_stop_asks_without_proc() {
    let options = "--signal-scope group --map-signal USR1:recycle";
    let (mut run, command) = without_proc(options);
    send_signal(recycle_of(command), libc::SIGUSR1);
    run.await_screen("got TERM");
    assert_ne!(run.await_number("ready "), command);
}
