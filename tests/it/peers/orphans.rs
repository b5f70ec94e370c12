//! What COMMAND leaves behind: who reaps it, who ends it.

use super::{EQUAL, Row, Wrapper, check, ready, settled, yes_or_no};
use crate::harness::{End, Run, Running, lives, look_up, send_signal};
use std::fs;

pub(super) const ROWS: &[Row] = &[
    Row {
        about: "a thousand orphans are reaped as PID 1",
        probe: |wrapper| yes_or_no(reaps_a_thousand(wrapper.as_pid_1())),
        found: ["yes", "yes", "yes"],
        verdict: EQUAL,
    },
    Row {
        about: "... and where it is not PID 1",
        probe: reaps_elsewhere,
        found: ["yes", "with `-s`", "no: the system's init does"],
        verdict: "better without being asked",
    },
    Row {
        about: "a daemon of COMMAND's (setsid), after TERM",
        probe: daemon_after_term,
        found: ["gets TERM", "lives on", "lives on"],
        verdict: "better: it is told",
    },
    Row {
        about: "what COMMAND left in its process group, after it ended by itself",
        probe: left_behind,
        found: ["lives on", "lives on", "gets TERM"],
        verdict: "different: a planned stop ends all of it",
    },
    Row {
        about: "its own working directory",
        probe: working_directory,
        found: ["that of its start", "that of its start", "`/`"],
        verdict: "worse than `dumb-init`: a file system stays in use",
    },
];

/// A shell that makes a thousand orphans and stays.
const THOUSAND: &str = "\
i=0
while [ $i -lt 1000 ]; do (: &); i=$((i+1)); done
echo made
exec sleep 1000
";

/// The run itself makes the namespace.
fn pid_1(run: &Running) -> i32 {
    run.processes().into_iter().find(|it| it.parent == run.pid()).unwrap().pid
}

fn children(pid: i32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn reaps_a_thousand(run: Run) -> bool {
    let mut run = run.command(["sh", "-c", THOUSAND]).spawn();
    run.wait_for("a thousand", |run| run.stdout().contains("made").then_some(()));
    let wrapper = pid_1(&run);
    run.wait_for("COMMAND alone", |_| (children(wrapper).len() == 1).then_some(()));
    let command = children(wrapper)[0];
    run.wait_for("COMMAND", |_| Some(look_up(command)?.command == "sleep 1000").filter(|it| *it))
}

/// Whether an orphan is its child, and is reaped when it ends.
fn reaps(run: Run) -> bool {
    let mut run = run.fixture("orphan:1:mark:orphan,wait-file:go ready forever").spawn();
    ready(&mut run);
    let orphan = run.await_entries(1, "mark:orphan")[0].pid;
    let ours = look_up(orphan).unwrap().parent == run.pid();
    run.touch("go");
    run.await_gone(orphan);
    if ours {
        run.await_reaped(orphan);
    }
    ours
}

fn reaps_elsewhere(wrapper: Wrapper) -> String {
    match wrapper {
        Wrapper::Tini if !reaps(wrapper.run()) && reaps(wrapper.run_with("-g -s")) => {
            "with `-s`".to_owned()
        }
        _ if reaps(wrapper.run()) => "yes".to_owned(),
        _ => "no: the system's init does".to_owned(),
    }
}

fn daemon_after_term(wrapper: Wrapper) -> String {
    let daemon = "escape:trap:TERM,trap:USR1,mark:daemon,forever";
    let mut run =
        wrapper.run().fixture(&format!("{daemon} trap:TERM:exit=4 ready forever")).spawn();
    ready(&mut run);
    let daemon = run.await_entries(1, "mark:daemon")[0].pid;
    run.signal(libc::SIGTERM);
    after_the_end(run, daemon)
}

fn left_behind(wrapper: Wrapper) -> String {
    let orphan = "orphan:1:trap:TERM,trap:USR1,mark:orphan,forever";
    let mut run = wrapper.run().fixture(&format!("{orphan} ready wait-file:go exit:4")).spawn();
    ready(&mut run);
    let orphan = run.await_entries(1, "mark:orphan")[0].pid;
    run.touch("go");
    after_the_end(run, orphan)
}

/// What becomes of a process that COMMAND has left behind.
fn after_the_end(mut run: Running, daemon: i32) -> String {
    assert_eq!(run.finish(), End::Code(4));
    // Whatever it was sent until then, it has taken notice of when it gets this.
    settled(&mut run, daemon);
    send_signal(daemon, libc::SIGUSR1);
    run.await_entries(1, "got USR1");
    assert!(lives(daemon));
    let told = run.entries("got TERM").iter().filter(|entry| entry.pid == daemon).count();
    match told {
        0 => "lives on".to_owned(),
        1 => "gets TERM".to_owned(),
        times => format!("gets TERM {times} times"),
    }
}

fn working_directory(wrapper: Wrapper) -> String {
    let mut run = wrapper.run().fixture("trap:USR1 ready forever").spawn();
    ready(&mut run);
    // What passes signals on has done all that it does at the start.
    run.signal(libc::SIGUSR1);
    run.await_entries(1, "got USR1");
    let directory = fs::read_link(format!("/proc/{}/cwd", run.pid())).unwrap();
    match directory == fs::canonicalize(run.dir()).unwrap() {
        true => "that of its start".to_owned(),
        false => format!("`{}`", directory.display()),
    }
}

#[test]
fn orphans_are_as_the_table_says() {
    check(ROWS);
}
