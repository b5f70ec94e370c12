//! `--pre-stop`: before the signal of a planned stop, and for its time at most.

use super::with_hook;
use crate::harness::{End, Running, lives, look_up};

/// By a signal, so that the tests say when.
const ASKED: &str = "--map-signal USR1:recycle --stop-timeout 1h";

fn recycled(options: &str, hook: &str, script: &str) -> Running {
    recycled_at(options, hook, script).0
}

/// ... and a time before that.
fn recycled_at(options: &str, hook: &str, script: &str) -> (Running, i64) {
    let run = with_hook(&format!("{ASKED} {options}"), "RECYCLE_PRE_STOP", hook);
    let mut run = run.env("MARK", "mark:hook").fixture(script).spawn();
    run.await_entry(1, "ready");
    let before_ms = run.recycle();
    (run, before_ms)
}

const POLITE: &str = "trap:TERM:exit=0 ready forever";

#[test]
fn it_has_ended_before_command_is_told() {
    let hook = "$F mark:hook wait-file:go mark:$RECYCLE_EVENT-$RECYCLE_EVENT_REASON";
    let mut run = recycled("--pre-stop-timeout 1h", hook, POLITE);
    run.await_entries(1, "mark:hook");
    assert_eq!(run.entries("got TERM").len(), 0);
    run.touch("go");
    run.await_entry(2, "ready");
    let journal = run.journal();
    let place = |text: &str| journal.iter().position(|entry| entry.text == text).unwrap();
    assert!(place("mark:due-signal") < place("got TERM"));
    let recycles = run.recycles();
    assert!(recycles[0].contains(": asked by SIGUSR1 after "), "{recycles:?}");
}

/// COMMAND lives while it runs, and can be asked by its pid.
#[test]
fn it_is_told_commands_pid() {
    let hook = "kill -USR2 $RECYCLE_EVENT_PID && cat >json && $F wait-file:go";
    let script = "trap:USR2 trap:TERM:exit=0 ready forever";
    let mut run = recycled("--pre-stop-timeout 1h", hook, script);
    let command = run.await_entry(1, "got USR2").pid;
    run.touch("go");
    run.await_entry(2, "ready");
    let json = std::fs::read_to_string(run.dir().join("json")).unwrap();
    assert!(json.contains(&format!(r#""pid":{command},"#)), "{json}");
}

#[test]
fn it_has_its_time_and_no_more() {
    let hook = "$F ignore:TERM mark:hook forever";
    let (mut run, before_ms) = recycled_at("--pre-stop-timeout 500ms", hook, POLITE);
    let told_ms = run.await_entry(1, "got TERM").t_ms;
    assert!(told_ms >= before_ms + 500);
    run.await_entry(2, "ready");
    for hook in run.entries("mark:hook") {
        run.await_gone(hook.pid);
    }
    run.await_stderr("recycle: --pre-stop was killed after 0.5s\n");
}

#[test]
fn one_that_fails_holds_nothing_up() {
    let mut run = recycled("--pre-stop-timeout 1h", "exit 5", POLITE);
    run.await_entry(2, "ready");
    run.await_stderr("recycle: --pre-stop exited with status 5\n");
}

#[test]
fn a_command_that_ends_meanwhile_is_recycled() {
    let hook = "$F mark:hook wait-file:go";
    let script = "once:ready once:wait-file:end once:exit:7 ready forever";
    let mut run = recycled("--pre-stop-timeout 1h", hook, script);
    let hook = run.await_entries(1, "mark:hook")[0].pid;
    run.touch("end");
    assert_eq!(run.await_entry(2, "ready").reason.as_deref(), Some("signal"));
    run.wait_for("the line", |run| run.recycles().pop());
    let line = run.recycles().remove(0);
    assert!(line.contains(" (ended by itself before, gone in "), "{line}");
    // Nobody needs it any more, and the next generation least of all.
    run.await_gone(hook);
    assert!(!run.stderr().contains("--pre-stop"), "{}", run.stderr());
}

/// INT is a wish for the end: the stop goes on, and nothing follows.
#[test]
fn an_int_meanwhile_makes_the_stop_the_end() {
    let script = "trap:INT trap:TERM:exit=0 ready forever";
    let mut run = recycled("--pre-stop-timeout 1h", "$F mark:hook wait-file:go", script);
    run.await_entries(1, "mark:hook");
    run.signal(libc::SIGINT);
    run.await_entry(1, "got INT");
    run.touch("go");
    assert_eq!(run.finish(), End::Code(0));
    assert_eq!(run.generations(), 1);
}

#[test]
fn an_end_that_is_asked_for_does_not_wait() {
    let hook = "$F mark:hook wait-file:go";
    let mut run = recycled("--pre-stop-timeout 1h", hook, POLITE);
    let hook = run.await_entries(1, "mark:hook")[0].pid;
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(0));
    assert!(lives(hook));
    run.touch("go");
    run.await_gone(hook);
}

/// Not planned: a TERM from outside, and memory that cannot wait.
#[test]
fn without_a_planned_stop_it_is_not_run() {
    let run = with_hook(ASKED, "RECYCLE_PRE_STOP", "$F mark:hook");
    let mut run = run.fixture(POLITE).spawn();
    run.await_entry(1, "ready");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(0));
    assert_eq!(run.entries("mark:hook").len(), 0);

    let run = with_hook("--kill-rss 60M --max-lifetime 1h", "RECYCLE_PRE_STOP", "$F mark:hook");
    let mut run = run.fixture("once:leak:50M/s ready forever").spawn();
    run.await_entry(2, "ready");
    assert_eq!(run.entries("mark:hook").len(), 0);
}

#[test]
fn memory_that_cannot_wait_does_not_wait_for_it() {
    let hook = "$F mark:hook wait-file:go";
    let options = format!("{ASKED} --kill-rss 100M --pre-stop-timeout 1h");
    let run = with_hook(&options, "RECYCLE_PRE_STOP", hook);
    let mut run =
        run.fixture("once:ready once:wait-file:leak once:leak:100M/s ready forever").spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entries(1, "mark:hook");
    run.touch("leak");
    assert_eq!(run.await_entry(2, "ready").reason.as_deref(), Some("kill-rss"));
    run.touch("go");
}

/// What is left to read is lost to the next generation.
#[test]
fn input_that_ends_meanwhile_calls_it_off() {
    let hook = "$F mark:hook wait-file:go";
    let options = format!("{ASKED} --pre-stop-timeout 1h");
    let run = with_hook(&options, "RECYCLE_PRE_STOP", hook).stdin_pipe();
    let mut run = run.fixture("ready trap:TERM count-stdin exit:6").spawn();
    run.await_entry(1, "ready");
    run.send("some data\n");
    run.recycle();
    run.await_entries(1, "mark:hook");
    run.close_stdin();
    // That wakes it: when it sleeps again, or has ended with COMMAND, it has seen it.
    run.wait_for("a look", |run| look_up(run.pid()).is_none_or(|it| it.state == 'S').then_some(()));
    run.touch("go");
    assert_eq!(run.finish(), End::Code(6));
    assert_eq!(run.generations(), 1);
}
