//! A planned stop: the signal, the time it is given, KILL, and nobody left when the next
//! generation starts.

use crate::harness::{Run, lives, send_signal};

#[test]
fn a_command_that_ignores_term_is_killed_at_the_stop_timeout_and_not_before() {
    let script = "trap:TERM ready forever";
    let run = Run::new("--map-signal USR1:recycle --stop-timeout 1s").fixture(script);
    let mut run = run.spawn();
    run.await_entry(1, "ready");
    let before_ms = run.recycle();
    let next = run.await_entry(2, "ready");
    assert!(next.t_ms >= before_ms + 1000);
    assert_eq!(run.entries("got TERM").len(), 1);
}

#[test]
fn a_stop_timeout_of_nothing_kills_at_once() {
    let run = Run::new("--map-signal USR1:recycle --stop-timeout 0s");
    let mut run = run.fixture("ignore:TERM ready forever").spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entry(2, "ready");
}

/// The timeout of all tests with an hour in it would show as a test that never ends.
#[test]
fn one_that_ends_at_once_is_followed_at_once() {
    let run = Run::new("--map-signal USR1:recycle --stop-timeout 1h");
    let mut run = run.fixture("ready forever").spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entry(2, "ready");
}

#[test]
fn the_stop_signal_can_be_another() {
    let script = "trap:INT:exit=0 ignore:TERM ready forever";
    let run = Run::new("--map-signal USR1:recycle --stop-timeout 1h --stop-signal INT");
    let mut run = run.fixture(script).spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entry(2, "ready");
    run.await_entry(1, "got INT");
}

/// Recycles a first generation that makes descendants with this step. The second one looks, as
/// the first thing it does, who of the first still lives.
fn assert_tree_is_gone(options: &str, step: &str, descendants: usize) {
    let script = format!("from:2:survivors once:{step} once:mark:made ready forever");
    let options = format!("--map-signal USR1:recycle {options}");
    let mut run = Run::new(&options).fixture(&script).spawn();
    run.await_entry(1, "ready");
    run.await_entries(descendants, "mark:in-place");
    let pids: Vec<_> = run.journal().iter().map(|entry| entry.pid).collect();
    assert!(pids.iter().any(|&pid| lives(pid)));
    run.recycle();
    run.await_entry(2, "survivors none");
    run.await_entry(2, "ready");
}

#[test]
fn what_left_the_session_or_the_parent_or_was_stopped_is_gone_before_the_next_generation() {
    for step in [
        "child:mark:in-place,forever",
        "escape:mark:in-place,forever",
        "orphan:2:mark:in-place,forever",
        "orphan:1:setsid,mark:in-place,forever",
        "child:mark:in-place,stop-self,forever",
    ] {
        let descendants = if step.starts_with("orphan:2") { 2 } else { 1 };
        // An hour: TERM and CONT are enough for these, no KILL is needed.
        assert_tree_is_gone("--stop-timeout 1h", step, descendants);
    }
}

#[test]
fn even_when_it_ignores_term() {
    for step in [
        "child:ignore:TERM,mark:in-place,forever",
        "escape:ignore:TERM,mark:in-place,forever",
        "orphan:2:ignore:TERM,mark:in-place,forever",
        "orphan:1:setsid,ignore:TERM,mark:in-place,forever",
        "child:ignore:TERM,mark:in-place,stop-self,forever",
        // A moving target: every process starts the next one and ends.
        "orphan:1:ignore:TERM,mark:in-place,breed:100",
    ] {
        assert_tree_is_gone("--stop-timeout 300ms", step, 1);
    }
}

#[test]
fn a_stopped_command_is_woken_for_its_term() {
    let run = Run::new("--map-signal USR1:recycle --stop-timeout 1h");
    let mut run = run.fixture("trap:TERM:exit=0 once:stop-self ready forever").spawn();
    let pid = run.await_entry(1, "stop-self").pid;
    run.wait_for("COMMAND to be stopped", |_| {
        crate::harness::look_up(pid).filter(|process| process.state == 'T')
    });
    run.recycle();
    run.await_entry(2, "ready");
    run.await_entry(1, "got TERM");
}

/// First COMMAND, in its own time; then what it left.
#[test]
fn descendants_get_their_term_when_command_has_ended() {
    let script = "orphan:1:trap:TERM:exit=0,ready,forever trap:TERM:exit=0:after=500ms forever";
    let run = Run::new("--map-signal USR1:recycle --stop-timeout 1h");
    let mut run = run.fixture(script).spawn();
    let orphan = run.await_entry(1, "ready").pid;
    let command = run.await_entry_not_by(orphan, "forever").pid;
    run.recycle();
    run.await_entry(2, "ready");
    let told = |pid| {
        let told: Vec<_> = run.entries("got TERM");
        told.iter().filter(|entry| entry.pid == pid).map(|entry| entry.t_ms).collect::<Vec<_>>()
    };
    let (command, orphan) = (told(command), told(orphan));
    assert_eq!((command.len(), orphan.len()), (1, 1));
    assert!(orphan[0] >= command[0] + 500);
}

#[test]
fn what_command_daemonized_survives_commands_own_end() {
    let script = "orphan:1 escape orphan:1:setsid,ignore:TERM,forever child:forever exit:3";
    let (end, mut run) = Run::new("").fixture(script).finish();
    assert_eq!(end, crate::harness::End::Code(3));
    let sleepers = run.await_entries(4, "forever");
    assert!(sleepers.iter().all(|entry| lives(entry.pid)));
    assert!(run.entries("got").is_empty());
}

#[test]
fn it_does_not_survive_when_a_generation_follows_commands_own_end() {
    let script = "from:2:survivors once:orphan:2 once:escape once:exit:1 ready forever";
    let mut run = Run::new("--restart always").fixture(script).spawn();
    run.await_entry(2, "survivors none");
}

#[test]
fn a_sidecar_survives_every_recycle() {
    // Two of them: one as it is, one that left the session and has a child of its own.
    let sidecars = "\"$0\" trap:TERM mark:sidecar forever &
        \"$0\" setsid trap:TERM child:trap:TERM,mark:sidecar,forever mark:sidecar forever &";
    let run = Run::new("--map-signal USR1:recycle --stop-timeout 300ms").after_shell(sidecars);
    let mut run = run.fixture("ignore:TERM ready forever").spawn();
    let sidecars = run.await_entries(3, "mark:sidecar");
    for generation in 1..=3 {
        run.await_entry(generation, "ready");
        run.recycle();
    }
    run.await_entry(4, "ready");
    assert_eq!(sidecars.len(), 3);
    assert!(sidecars.iter().all(|entry| entry.generation.is_none() && lives(entry.pid)));
    assert!(run.entries("got TERM").is_empty());
}

#[test]
fn if_recycle_is_killed_command_is_killed() {
    let mut run = Run::new("").fixture("ignore:TERM ignore:HUP ready forever").spawn();
    let command = run.await_entry(1, "ready").pid;
    assert_ne!(command, run.pid());
    run.signal(libc::SIGKILL);
    run.await_gone(command);
}

/// COMMAND that dies of a stop it was not asked for has failed; asked for, it has not.
#[test]
fn a_death_by_the_stop_signal_is_no_failure_when_it_was_planned() {
    let options = "--map-signal USR1:recycle --restart on-failure --max-restarts 1/1h";
    let mut run = Run::new(options).fixture("ready forever").spawn();
    for generation in 1..=4 {
        run.await_entry(generation, "ready");
        run.recycle();
    }
    // The one restart that the budget allows is still there.
    let command = run.await_entry(5, "ready").pid;
    send_signal(command, libc::SIGKILL);
    run.await_entry(6, "ready");
}

/// Neither the tree nor a sidecar can be seen then: COMMAND and its group are what is left to kill.
#[test]
fn without_proc_a_command_that_ignores_term_is_killed_all_the_same() {
    let hide = "mount -t tmpfs none /proc; sleep 60 & exec \"$0\" \"$@\"";
    let world = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "sh", "-c", hide];
    let options = "--max-lifetime 300ms --stop-timeout 300ms";
    let deaf = "trap '' TERM; echo generation $RECYCLE_GENERATION; while :; do sleep 1; done";
    let mut run = Run::new(options).through(world).command(["sh", "-c", deaf]).spawn();
    // Or a later one, where that was over before it could say anything.
    run.wait_for("the third", |run| {
        let stdout = run.stdout();
        let numbers = stdout.lines().filter_map(|line| line.strip_prefix("generation "));
        numbers.filter_map(|number| number.parse::<u32>().ok()).find(|&number| number >= 3)
    });
    run.await_stderr("cannot see which processes COMMAND has");
}

/// A walk that cannot open what it finds has not found nothing.
#[test]
fn a_tree_bigger_than_our_descriptors_is_gone_before_the_next_generation() {
    let script = "ignore:TERM orphan:80:ignore:TERM,forever survivors ready forever";
    let options = "--map-signal USR1:recycle --max-rss 90% --stop-timeout 300ms";
    let mut run = Run::new(options).after_shell("ulimit -Sn 48").fixture(script).spawn();
    for generation in 1..=2 {
        run.await_entry(generation, "ready");
        run.recycle();
    }
    run.await_entry(3, "ready");
    assert_eq!(run.entries("survivors none").len(), 3);
}
