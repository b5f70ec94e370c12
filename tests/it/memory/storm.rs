//! Generations that are over their limit right after the start: what needs so much is left alone
//! longer and longer, what leaks is not.

use crate::harness::Run;

#[test]
fn a_start_up_over_the_limit_does_not_storm() {
    let script = "hold:60M ready sleep:4s mark:lived forever";
    let mut run = Run::new("--max-rss 50M").fixture(script).spawn();
    run.await_stderr("too low");
    // One generation lives on although it is over the limit all the time.
    run.await_entries(1, "mark:lived");
    assert!(run.generations() <= 3, "{} generations", run.generations());
    assert_eq!(run.stderr().matches("too low").count(), 1);
}

/// It was held for 20 s and more, at up to 2 GB.
#[test]
fn a_fast_leak_is_recycled_at_half_as_much_again_and_then_more_slowly() {
    let options = "--max-rss 60M --backoff 300ms..10s";
    let mut run = Run::new(options).fixture("ready trap:TERM:exit=0 leak:200M/s").spawn();
    run.await_stderr("too low");
    // The third generation is held, until it runs away; the next one starts later.
    run.await_entry(3, "got TERM");
    run.await_stderr("waiting longer before each start");
    let ended_ms = run.await_entry(3, "got TERM").t_ms;
    let started_ms = run.await_entry(4, "ready").t_ms;
    assert!(started_ms >= ended_ms + 300, "{ended_ms} {started_ms}");
    let ended_ms = run.await_entry(4, "got TERM").t_ms;
    assert!(run.await_entry(5, "ready").t_ms >= ended_ms + 600);
    // Each of them grew to half as much again before it was stopped.
    let third = run.recycles()[2].clone();
    assert!(third.contains("rss") && third.contains("> 60M"), "{third}");
}

/// The control: what has stopped growing before that is held, although it is over the limit.
#[test]
fn a_fast_start_up_that_ends_below_that_is_held() {
    let script = "leak:200M/s:70M ready sleep:3s mark:lived forever";
    let mut run = Run::new("--max-rss 60M").fixture(script).spawn();
    run.await_stderr("too low");
    run.await_entries(1, "mark:lived");
    assert!(!run.stderr().contains("waiting longer"), "{}", run.stderr());
}
