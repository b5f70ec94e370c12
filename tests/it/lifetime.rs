//! Lifetimes and what holds a recycle back; what a generation is told; what follows a stop.

use crate::harness::{End, Run, Running, let_pass, now_ms};
use std::time::Duration;

/// Told to end at any moment it says so: see `Run::term_held`.
const POLITE: &str = "trap:TERM:exit=0 ready unblock forever";

#[test]
fn every_generation_ends_at_its_lifetime_and_not_before() {
    let mut run = Run::new("--max-lifetime 300ms").term_held().fixture(POLITE).spawn();
    assert_eq!(run.await_entry(4, "ready").reason.as_deref(), Some("lifetime"));
    let mut before_ms = run.started_ms;
    for generation in 1..=3 {
        // A generation starts after the one before it was told to stop.
        let told_ms = run.await_entry(generation, "got TERM").t_ms;
        assert!(told_ms >= before_ms + 300);
        before_ms = told_ms;
    }
}

#[test]
fn without_a_lifetime_nothing_ends() {
    let (end, run) = Run::new("").fixture("trap:TERM sleep:1s exit:5").finish();
    assert_eq!((end, run.generations()), (End::Code(5), 1));
}

#[test]
fn jitter_shortens_it_by_so_much_at_most() {
    let options = "--max-lifetime 600ms --jitter 50%";
    let mut run = Run::new(options).term_held().fixture(POLITE).spawn();
    let mut before_ms = run.started_ms;
    for generation in 1..=4 {
        let told_ms = run.await_entry(generation, "got TERM").t_ms;
        assert!(told_ms >= before_ms + 300);
        before_ms = told_ms;
    }
}

#[test]
fn a_minimal_lifetime_holds_a_recycle() {
    let script = format!("hold:60M {POLITE}");
    let options = "--max-rss 30M --min-lifetime 1500ms";
    let mut run = Run::new(options).term_held().fixture(&script).spawn();
    let told = run.await_entry(1, "got TERM");
    assert!(told.t_ms >= run.started_ms + 1500);
    run.await_entry(2, "ready");
}

#[test]
fn a_minimal_lifetime_does_not_hold_what_was_asked_for() {
    let mut run = Run::new("--map-signal USR1:recycle --min-lifetime 1h --max-lifetime 2h")
        .fixture(POLITE)
        .spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entry(2, "ready");
}

/// Reads its input for as long as there is some, so that every line is traffic.
const READER: &str = "trap:TERM:exit=0 ready echo";

/// Sends a line and sees it read. Returns a time before that.
fn feed(run: &mut Running) -> i64 {
    let before_ms = now_ms();
    let read = run.entries("echoed").len();
    run.send("line\n");
    run.await_entries(read + 1, "echoed");
    let_pass(Duration::from_millis(200));
    before_ms
}

fn assert_waits_for_the_gap(due: &str, script: &str) {
    let options = format!("{due} --quiet 2s --quiet-wait 1h");
    let mut run = Run::new(&options).fixture(script).stdin_pipe().spawn();
    run.await_entry(1, "ready");
    let mut last_ms = 0;
    for _ in 0..15 {
        last_ms = feed(&mut run);
    }
    let told = run.await_entry(1, "got TERM");
    assert!(told.t_ms >= last_ms + 2000);
    run.await_entry(2, "ready");
}

#[test]
fn a_recycle_waits_for_a_gap_in_the_traffic() {
    assert_waits_for_the_gap("--max-lifetime 500ms", READER);
    assert_waits_for_the_gap("--max-rss 30M", &format!("hold:60M {READER}"));
}

#[test]
fn it_gives_up_waiting_for_one() {
    let options = "--max-lifetime 500ms --quiet 2s --quiet-wait 3s";
    let mut run = Run::new(options).fixture(READER).stdin_pipe().spawn();
    run.await_entry(1, "ready");
    let told = run.wait_for("TERM while traffic goes on", |run| {
        run.send("line\n");
        let_pass(Duration::from_millis(200));
        run.entries("got TERM").pop()
    });
    assert!(told.t_ms >= run.started_ms + 500 + 3000);
    run.await_entry(2, "ready");
}

/// Where there was no traffic at all, the generation's start is the last that happened.
#[test]
fn without_any_traffic_it_is_quiet_since_its_start() {
    let options = "--max-lifetime 300ms --quiet 1s --quiet-wait 1h";
    let mut run = Run::new(options).term_held().fixture(POLITE).spawn();
    assert!(run.await_entry(1, "got TERM").t_ms >= run.started_ms + 1000);
    run.await_entry(2, "ready");
}

#[test]
fn a_planned_stop_can_be_the_end() {
    for (then, status) in [("exit", 0), ("exit:0", 0), ("exit:7", 7), ("exit:255", 255)] {
        let options = format!("--max-lifetime 300ms --then {then}");
        let script = "trap:TERM:exit=3 unblock forever";
        let (end, run) = Run::new(&options).term_held().fixture(script).finish();
        assert_eq!((end, run.generations()), (End::Code(status), 1));
        assert_eq!(run.entries("got TERM").len(), 1);
    }
}

/// ... but an end that was not planned is COMMAND's.
#[test]
fn then_exit_says_nothing_about_other_ends() {
    let (end, _run) = Run::new("--max-lifetime 1h --then exit:7").fixture("exit:3").finish();
    assert_eq!(end, End::Code(3));
}

fn variables(run: &mut Running, generation: u32) -> String {
    let entry = run.await_entry(generation, "variables");
    entry.text.trim_start_matches("variables ").to_owned()
}

#[test]
fn a_generation_knows_its_number_and_why_the_last_one_ended() {
    let script = "env once:exit:1 at:2:forever forever";
    let options = "--restart always --map-signal USR1:recycle";
    // What another `recycle` outside has set says nothing about ours.
    let run = Run::new(options).env("RECYCLE_GENERATION", "9").env("RECYCLE_REASON", "rss");
    let mut run = run.fixture(script).spawn();
    assert_eq!(variables(&mut run, 1), "RECYCLE_GENERATION=1");
    assert_eq!(variables(&mut run, 2), "RECYCLE_GENERATION=2 RECYCLE_REASON=exit");
    run.recycle();
    assert_eq!(variables(&mut run, 3), "RECYCLE_GENERATION=3 RECYCLE_REASON=signal");
}

#[test]
fn options_may_be_variables_which_command_does_not_see() {
    let run = Run::new("").env("RECYCLE_MAX_LIFETIME", "300ms").env("RECYCLE_THEN", "exit:7");
    let (end, mut run) = run.term_held().fixture("env unblock forever").finish();
    assert_eq!(end, End::Code(7));
    assert_eq!(variables(&mut run, 1), "RECYCLE_GENERATION=1");
}

#[test]
fn a_flag_wins_over_its_variable() {
    let run = Run::new("--then exit:8").env("RECYCLE_MAX_LIFETIME", "300ms");
    let (end, _run) = run.env("RECYCLE_THEN", "exit:7").fixture("forever").finish();
    assert_eq!(end, End::Code(8));
}

#[test]
fn a_variable_of_no_option_is_commands_own() {
    let (_, mut run) = Run::new("").env("RECYCLE_BIN_DAY", "monday").fixture("env").finish();
    assert_eq!(variables(&mut run, 1), "RECYCLE_BIN_DAY=monday RECYCLE_GENERATION=1");
}
