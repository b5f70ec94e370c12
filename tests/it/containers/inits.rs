//! What a container expects of its PID 1, of `recycle` and of its peers, `tini` and `dumb-init`.
//! Equal, where nothing else is said.

use super::alone;
use crate::harness::{Container, End, Process, Root, lives, look_up, send_signal, static_recycle};
use std::fs;

const INITS: [&str; 3] = ["/recycle --", "/tini -g --", "/dumb-init --"];

/// Empties the gate, and its thousand `cat`s end, all at once.
const ORPHANS: &str = "\
mkfifo gate go
exec 3<>gate
(i=0; while [ $i -lt 1000 ]; do cat <gate 3>&- & i=$((i+1)); done)
echo made
read _ <go
exec 3>&-
exec sleep 1000
";

fn start(init: &str, command: &str) -> Container {
    let root = Root::new().with("tini-static", "/tini").with("dumb-init", "/dumb-init");
    let root = root.file("/orphans", ORPHANS);
    Container::start_in(root, alone(init, command), "")
}

/// PID 1 has all the orphans, which end and which nobody else can reap.
fn orphans_end(init: &str) -> Container {
    let mut container = start(init, "/bin/sh /orphans");
    container.wait_for("all orphans", |run| run.stdout().contains("made").then_some(()));
    container.await_children(|children| children.len() >= 1000);
    fs::write(container.dir().join("go"), "\n").unwrap();
    container
}

#[test]
fn a_thousand_orphans_are_reaped_while_command_lives() {
    for init in INITS {
        let mut container = orphans_end(init);
        container.await_children(|children| {
            let [command] = children else { return false };
            look_up(*command).is_some_and(|command| command.command == "sleep 1000")
        });
        send_signal(container.init(), libc::SIGTERM);
        assert_eq!(container.finish(), End::Code(128 + libc::SIGTERM), "{init}");
    }
}

/// All of the tree, that is, and not one by one.
#[test]
fn a_thousand_orphans_are_stopped_by_a_recycle() {
    let mut container = start("/recycle --map-signal USR1:recycle --", "/bin/sh /orphans");
    for generations in 1..=2 {
        container.wait_for("all orphans", |run| {
            (run.stdout().matches("made").count() == generations).then_some(())
        });
        // COMMAND, and those of its own generation.
        container.await_children(|children| children.len() == 1001);
        send_signal(container.init(), libc::SIGUSR1);
    }
    container.wait_for("the recycles", |run| (run.recycles().len() == 2).then_some(()));
}

/// The negative control: a program that is no init, as PID 1.
#[test]
fn without_an_init_a_thousand_orphans_stay() {
    let mut container = orphans_end("");
    container.await_children(|all| all.iter().filter(|&&pid| !lives(pid)).count() == 1000);
}

#[test]
fn status_is_that_of_command() {
    let ends = [("exit:0", 0), ("exit:255", 255), ("die:KILL", 137), ("die:SEGV", 139)];
    for init in INITS {
        for (step, status) in ends {
            let mut container = start(init, &format!("/fixture {step}"));
            assert_eq!(container.finish(), End::Code(status), "{init} {step}");
        }
    }
}

/// Dumb-init alone has a status of its own for both.
#[test]
fn what_cannot_be_started_has_the_status_that_a_shell_gives_it() {
    for (init, statuses) in INITS.into_iter().zip([[127, 126], [127, 126], [2, 2]]) {
        for (command, status) in ["/nowhere", "/orphans"].into_iter().zip(statuses) {
            let mut container = start(init, command);
            assert_eq!(container.finish(), End::Code(status), "{init} {command}");
        }
    }
}

/// With all three, where `recycle` is told so: the others are, or know nothing else.
#[test]
fn a_whole_group_is_told() {
    for init in ["/recycle --signal-scope group --", INITS[1], INITS[2]] {
        let steps = "trap:TERM:exit=3:after=300ms child:trap:TERM:exit=0,ready,forever forever";
        let mut container = start(init, &format!("/fixture {steps}"));
        container.await_entries(1, "ready");
        container.await_entries(1, "spawned");
        container.stop(60);
        assert_eq!(container.finish(), End::Code(3), "{init}");
        let mut told: Vec<_> =
            container.entries("got TERM").into_iter().map(|entry| entry.pid).collect();
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), 2, "{init}");
    }
}

#[test]
fn signals_are_passed_on() {
    let signals = [
        ("HUP", libc::SIGHUP),
        ("INT", libc::SIGINT),
        ("QUIT", libc::SIGQUIT),
        ("USR1", libc::SIGUSR1),
        ("USR2", libc::SIGUSR2),
        ("WINCH", libc::SIGWINCH),
        ("IO", libc::SIGIO),
        ("TERM", libc::SIGTERM),
    ];
    for init in INITS {
        let mut container = start(init, "/fixture trap:all ready wait-file:go exit:3");
        container.await_entries(1, "ready");
        for (name, number) in signals {
            send_signal(container.init(), number);
            container.await_entries(1, &format!("got {name}"));
        }
        container.touch("go");
        assert_eq!(container.finish(), End::Code(3), "{init}");
        // What `recycle` sends after TERM is in the next test.
        let heard = container.entries("got").len() - container.entries("got CONT").len();
        assert_eq!(heard, signals.len(), "{init}: once each");
    }
}

/// Better than its peers: they send TERM only, which a stopped COMMAND does not hear.
#[test]
fn a_stopped_command_is_woken_for_its_term_by_recycle_alone() {
    for (init, status) in INITS.into_iter().zip([3, 137, 137]) {
        let mut container = start(init, "/fixture trap:TERM:exit=3 stop-self forever");
        container.wait_for("a stopped COMMAND", |run| {
            let stopped = |process: &Process| process.state == 'T';
            run.processes().iter().any(stopped).then_some(())
        });
        container.stop(2);
        assert_eq!(container.finish(), End::Code(status), "{init}");
    }
}

/// In an image that knows nothing of `recycle`: it stands where podman's own init would, and takes
/// its options from the environment.
#[test]
fn podman_takes_it_for_its_init() {
    let recycle = static_recycle().display().to_string();
    let options = format!("--init --init-path={recycle} --env=RECYCLE_MAX_LIFETIME=1s");
    let steps = "/fixture trap:TERM:exit=3 ready forever";
    let root = Root::empty_but_for_the_fixture();
    let mut container = Container::start_in(root, alone(steps, ""), &options);
    for generation in 1..=3 {
        container.await_entry(generation, "ready");
    }
    let line = container.recycles().remove(0);
    assert!(line.contains("generation 1 recycled: lifetime"), "{line}");
    container.stop(60);
    assert_eq!(container.finish(), End::Code(3));
}
