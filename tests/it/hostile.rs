//! Commands that nobody would wish for. Whatever they do, a planned stop leaves nobody behind and
//! comes to an end, and the next generation finds the world as the first one did.

mod storms;
mod traced;
mod users;

use crate::harness::{End, Run, Running, look_up};
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Recycles generation 1, which has done this. Generation 2 looks who of it still lives.
fn assert_recycled(run: Run, script: &str) -> Running {
    let whole = format!("survivors lock:life {script} ready forever");
    let mut run = run.fixture(&whole).spawn();
    run.await_entry(1, "ready");
    // What it has started may not be there yet.
    if script.contains("mark:up") {
        run.await_entry(1, "mark:up");
    }
    run.recycle();
    run.await_entry(2, "ready");
    assert_eq!(run.entries("survivors none").len(), 2);
    assert!(run.entries("still-locked").is_empty());
    run
}

/// Held by who fills the machine with processes. Two such tests at once hold up the whole of
/// `/proc` for half a minute: what they would show then is each other.
fn machine() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    // One that failed has left nothing behind.
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// By TERM alone: with a timeout of an hour a KILL would show as a test that never ends.
const BY_TERM: &str = "--map-signal USR1:recycle --stop-timeout 1h";
const BY_KILL: &str = "--map-signal USR1:recycle --stop-timeout 300ms";

/// The detector of all these tests: whoever descends from one that holds the lock holds it, too.
#[test]
fn a_lock_shows_who_is_left() {
    let (end, run) = Run::bare().fixture("lock:life orphan:1:sleep:1h exit:0").finish();
    assert_eq!(end, End::Code(0));
    let script = format!("lock:{}", run.dir().join("life").display());
    let (_, second) = Run::bare().fixture(&script).finish();
    assert_eq!(second.entries("still-locked").len(), 1);
}

/// A name is text like any other.
#[test]
fn a_command_that_takes_the_name_of_another_state() {
    for name in ["a)_R_1_(", ")_Z_1_1_1_0_-1", "a)/Z_(", "//", ")_X_(_)"] {
        let script = format!("rename:{name} orphan:1:rename:{name},ignore:TERM,mark:up,forever");
        assert_recycled(Run::new(BY_KILL), &script);
    }
}

#[test]
fn a_command_that_closes_everything() {
    assert_recycled(Run::new(BY_TERM), "close-all");
    assert_recycled(Run::new(BY_KILL), "ignore:TERM close-all");
    let (end, _run) = Run::new("--max-rss 1G --idle 1h").fixture("close-all exit:6").finish();
    assert_eq!(end, End::Code(6));
}

#[test]
fn a_child_that_stops_itself_or_detaches() {
    for child in [
        "child:mark:up,stop-self,forever",
        "child:ignore:TERM,mark:up,stop-self,forever",
        "escape:ignore:TERM,mark:up,stop-self,forever",
        "orphan:1:setsid,child:setsid,ignore:TERM,mark:up,stop-self,forever",
    ] {
        let mut run =
            Run::new(BY_KILL).fixture(&format!("survivors {child} ready forever")).spawn();
        let child = run.await_entry(1, "stop-self").pid;
        run.wait_for("a child that is stopped", |_| {
            look_up(child).filter(|process| process.state == 'T')
        });
        run.await_entry(1, "ready");
        run.recycle();
        run.await_entry(2, "survivors none");
    }
}

/// COMMAND is a group's leader and goes first.
#[test]
fn a_command_that_exits_while_its_group_lives() {
    let child = "child:ignore:TERM,mark:up,forever";
    assert_recycled(Run::new(BY_KILL), child);

    let options = "--restart always --stop-timeout 300ms";
    let script = format!("survivors lock:life {child} once:wait-file:go at:1:exit:3 ready forever");
    let mut run = Run::new(options).fixture(&script).spawn();
    run.await_entry(1, "mark:up");
    run.touch("go");
    run.await_entry(2, "ready");
    assert_eq!(run.entries("survivors none").len(), 2);
    assert!(run.entries("still-locked").is_empty());
}

/// Zombies are gone: no KILL is waited for, and who inherits them reaps them.
#[test]
fn a_parent_of_a_thousand_zombies() {
    let _machine = machine();
    for script in ["zombies:1000", "once:child:zombies:1000,mark:up,forever"] {
        let mut run = assert_recycled(Run::new(BY_TERM), script);
        let pid = run.pid();
        let children = format!("/proc/{pid}/task/{pid}/children");
        run.wait_for("COMMAND to be the only child", |_| {
            let text = fs::read_to_string(&children).unwrap();
            (text.split_whitespace().count() == 1).then_some(())
        });
    }
}

/// `kill 0` at the end of a script means its own group.
#[test]
fn a_command_that_kills_its_own_group_at_its_end() {
    for ending in ["kill-group:TERM", "ignore:TERM kill-group:TERM exit:0", "kill-group:KILL"] {
        let options = "--restart always --backoff 10ms..20ms --max-restarts 100/1h";
        let script = format!("at:4:ready at:4:forever {ending}");
        let mut run = Run::new(options).fixture(&script).spawn();
        run.await_entry(4, "ready");
        run.signal(libc::SIGTERM);
        assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    }
}

#[test]
fn a_command_that_pesters_its_parent() {
    let script = "ignore:IO once:pester:IO/10000 once:pester:CHLD/10000 once:pester:USR2/10000 \
                  once:pester:WINCH/10000";
    let run = Run::new(&format!("{BY_TERM} --map-signal USR2:none"));
    assert_recycled(run, script);

    // One recycle or more, but not a word is lost of what comes after.
    let mut run = Run::new(BY_TERM).fixture("once:pester:USR1/10000 ready forever").spawn();
    let first = run.await_entry(1, "pester").pid;
    run.await_entry_not_by(first, "ready");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));

    let script = "trap:TERM pester:TERM/10000 ready wait-file:go exit:4";
    let mut run = Run::new("--restart always").fixture(script).spawn();
    run.await_entry(1, "ready");
    run.await_entry(1, "got TERM");
    run.touch("go");
    assert_eq!((run.finish(), run.generations()), (End::Code(4), 1));
}

/// What a generation does to itself is not the next one's.
#[test]
fn a_command_that_humbles_itself() {
    let run = assert_recycled(Run::new(BY_KILL), "once:humble once:ignore:TERM");
    let next = run.entries("ready").pop().unwrap().pid;
    let own = |file: &str, pid: i32| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    assert_eq!(own("oom_score_adj", next), own("oom_score_adj", run.pid()));
    assert_ne!(own("oom_score_adj", next).trim(), "1000");
    let nice = |pid| {
        let stat = own("stat", pid);
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(16).unwrap().to_owned()
    };
    assert_eq!(nice(next), nice(run.pid()));
}

#[test]
fn a_command_that_removes_the_directory_under_all_feet() {
    let run = Run::new(BY_TERM).after_shell("mkdir gone; cd gone");
    let mut run = run.fixture("survivors once:remove-cwd ready forever").spawn();
    run.await_entry(1, "ready");
    assert!(!run.dir().join("gone").exists());
    run.recycle();
    run.await_stderr("cannot enter the working directory");
    std::fs::create_dir(run.dir().join("gone")).unwrap();
    run.await_entry(2, "ready");
}
