//! `--observe`: COMMAND lives on, and what would have been is told, with what to set. The exact
//! numbers are held by the unit tests of `src/decide/observe`.

use crate::harness::{End, Run, Running, let_pass, lives, now_ms};
use std::time::Duration;

/// The lines that tell of a recycle that would have been.
fn would(run: &Running) -> Vec<String> {
    let start = "recycle: would recycle generation 1: ";
    let stderr = run.stderr();
    stderr.lines().filter_map(|line| line.strip_prefix(start)).map(str::to_owned).collect()
}

/// The last lines, from the sum on.
fn sum(run: &Running) -> Vec<String> {
    let stderr = run.stderr();
    let lines: Vec<_> = stderr.lines().map(str::to_owned).collect();
    let begins = lines.iter().rposition(|line| line.starts_with("recycle: observed "));
    lines[begins.unwrap_or_else(|| panic!("no sum: {stderr}"))..].to_vec()
}

fn await_would(run: &mut Running, count: usize) {
    run.wait_for(&format!("{count} of what would be"), |run| {
        (would(run).len() >= count).then_some(())
    });
}

/// It is the same process still.
fn assert_untouched(run: &mut Running) {
    let pid = run.await_entry(1, "ready").pid;
    assert!(lives(pid));
    assert_eq!(run.generations(), 1);
    assert!(run.entries("got ").is_empty(), "{:?}", run.journal());
    assert!(run.recycles().is_empty());
}

const WATCHED: &str = "trap:TERM:exit=3 trap:HUP";

#[test]
fn what_holds_too_much_is_told_of_and_left_alone() {
    let options = "--observe --max-rss 40M --kill-rss 150M";
    let mut run = Run::new(options).fixture(&format!("{WATCHED} ready leak:50M/s")).spawn();
    await_would(&mut run, 1);
    let held = |run: &Running| {
        let rss = std::fs::read_to_string(format!("/proc/{}/statm", run.entries("ready")[0].pid));
        rss.ok()?.split(' ').nth(1)?.parse::<u64>().ok()
    };
    run.wait_for("more than would be killed for", |run| {
        held(run).filter(|pages| pages * 4096 > 170 << 20)
    });
    assert_untouched(&mut run);
    let told = would(&run);
    let rss = told[0].strip_prefix("rss ").and_then(|rest| rest.split_once("M > 40M "));
    assert!(rss.is_some_and(|(rss, _)| rss.parse::<f64>().unwrap() >= 40.0), "{told:?}");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(3));
    let sum = sum(&run);
    assert!(sum[0].ends_with("; there would have been 1 recycle: 1 rss"), "{sum:?}");
    assert!(sum[1].starts_with("recycle: memory: "), "{sum:?}");
    assert!(sum[3].contains("to set: too soon to tell"), "{sum:?}");
    assert_eq!(run.stderr().lines().last(), sum.last().map(String::as_str));
}

/// The negative control: the same without `--observe`.
#[test]
fn without_it_the_same_is_recycled() {
    let mut run = Run::new("--max-rss 40M").fixture("once:leak:50M/s ready forever").spawn();
    run.await_entry(2, "ready");
    assert!(!run.stderr().contains("observed"), "{}", run.stderr());
}

#[test]
fn who_went_idle_goes_idle_again_only_after_more_traffic() {
    let options = "--observe --max-lifetime 1h --idle 500ms";
    let script = format!("{WATCHED} ready listen:0");
    let mut run = Run::new(options).fixture(&script).spawn();
    let mut client = run.connect(1);
    for round in 1..=3 {
        let (_, last_ms) = client.exchange("hello");
        await_would(&mut run, round);
        assert!(now_ms() >= last_ms + 500);
    }
    let told = would(&run);
    assert!(told.iter().all(|line| line.starts_with("idle ")), "{told:?}");
    // Nothing moves any more.
    let_pass(Duration::from_millis(1_500));
    assert_eq!(would(&run), told);
    client.exchange("still there");
    assert_untouched(&mut run);
}

#[test]
fn lives_go_by() {
    let script = format!("{WATCHED} ready forever");
    let mut run = Run::new("--observe --max-lifetime 300ms").fixture(&script).spawn();
    await_would(&mut run, 3);
    assert_untouched(&mut run);
    let told = would(&run);
    assert!(told.iter().all(|line| line.starts_with("lifetime 0.3s after ")), "{told:?}");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(3));
    let count = would(&run).len();
    let told = format!("there would have been {count} recycles: {count} lifetime");
    assert!(sum(&run)[0].ends_with(&told), "{:?}", sum(&run));
}

#[test]
fn a_signal_that_asks_for_a_recycle_is_told_and_others_are_passed_on() {
    let options = "--observe --map-signal USR1:recycle";
    let mut run = Run::new(options).fixture(&format!("{WATCHED} ready forever")).spawn();
    run.await_entry(1, "ready");
    run.recycle();
    await_would(&mut run, 1);
    assert_untouched(&mut run);
    assert!(would(&run)[0].starts_with("asked by SIGUSR1 after "), "{:?}", would(&run));
    run.signal(libc::SIGHUP);
    run.await_entry(1, "got HUP");
    run.signal(libc::SIGTERM);
    run.await_entry(1, "got TERM");
    assert_eq!(run.finish(), End::Code(3));
    assert!(sum(&run)[0].contains("1 recycle: 1 signal"), "{:?}", sum(&run));
}

#[test]
fn command_ends_and_starts_again_as_ever() {
    let (end, run) = Run::new("--observe").fixture("exit:7").finish();
    assert_eq!(end, End::Code(7));
    assert!(sum(&run)[0].contains(" observed 1 generation for "), "{:?}", sum(&run));
    let options = "--observe --restart on-failure --backoff 10ms..20ms --max-restarts 2/1h";
    let (end, run) = Run::new(options).fixture("die:KILL").finish();
    assert_eq!(end, End::Signal(libc::SIGKILL));
    assert_eq!(run.generations(), 3);
    assert!(sum(&run)[0].contains(" observed 3 generations for "), "{:?}", sum(&run));
    let (end, run) = Run::new("--observe").command(["no-such-program"]).finish();
    assert_eq!(end, End::Code(127));
    assert_eq!(run.stderr().lines().count(), 1, "{}", run.stderr());
}

/// Without any limit there is memory and traffic to tell of: sockets and standard input alike.
#[test]
fn without_a_limit_it_sees_memory_and_traffic() {
    let mut run = Run::new("--observe").stdin_pipe().fixture("hold:30M ready echo").spawn();
    run.await_entry(1, "ready");
    run.send("x\n");
    let_pass(Duration::from_millis(3_500));
    run.send("y\n");
    let_pass(Duration::from_millis(2_500));
    run.close_stdin();
    assert_eq!(run.finish(), End::Code(0));
    let sum = sum(&run);
    assert!(sum[0].ends_with("there would have been no recycle"), "{sum:?}");
    let (_, most) = sum[1].split_once("M usually, ").unwrap();
    let most: f64 = most.split('M').next().unwrap().parse().unwrap();
    assert!((30.0..60.0).contains(&most), "{sum:?}");
    assert!(
        sum[2].contains("traffic: 1 quiet gap, of ") || sum[2].contains(" 2 quiet gaps"),
        "{sum:?}"
    );
}

#[test]
fn at_each_sample_the_sum_is_told_for_machines_too() {
    let options = "--observe --log-format json --sample-every 200ms --max-lifetime 300ms";
    let mut run = Run::new(options).fixture("ready forever").spawn();
    let events = |run: &Running, event: &str| {
        let event = format!(r#","event":"{event}","#);
        let stderr = run.stderr();
        let lines = stderr.lines().filter(|line| line.contains(&event)).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    run.wait_for("three samples", |run| (events(run, "observed").len() >= 3).then_some(()));
    run.wait_for("what would be", |run| events(run, "would_recycle").pop());
    run.signal(libc::SIGTERM);
    run.finish();
    let would = events(&run, "would_recycle").remove(0);
    for field in [r#""generation":1,"age":"#, r#","lived":"#] {
        let (_, rest) = would.split_once(field).unwrap();
        let seconds: f64 = rest.split(',').next().unwrap().parse().unwrap();
        assert!(seconds >= 0.3, "{would}");
    }
    assert!(would.contains(r#","reason":"lifetime","lifetime":0.3,"message":"#), "{would}");
    let sum = run.stderr().lines().last().unwrap().to_owned();
    let count = events(&run, "would_recycle").len();
    assert!(sum.contains(&format!(r#","would_lifetime":{count},"#)), "{sum}");
    assert!(sum.contains(r#""message":"observed 1 generation for "#), "{sum}");
    assert!(sum.contains("; memory: "), "{sum}");
}

/// Five windows of 10 s, and the first minute, in which nothing is suggested.
#[test]
fn heartbeats_are_measured_and_a_floor_is_suggested() {
    let options = "--observe --idle 20s --log-format json --sample-every 1s";
    let run = Run::new(options).ceiling(Duration::from_secs(150));
    let mut run = run.fixture("trap:TERM:exit=3 beat:8/500ms").spawn();
    let mut client = run.connect(1);
    client.send("go");
    let seen = run.wait_for("a floor", |run| {
        let stderr = run.stderr();
        let mut lines = stderr.lines().filter(|line| line.contains("suggested_idle_floor"));
        lines.next().map(str::to_owned)
    });
    let number = |line: &str, field: &str| -> f64 {
        let (_, rest) =
            line.split_once(&format!("\"{field}\":")).unwrap_or_else(|| panic!("{line}"));
        rest.split([',', '}']).next().unwrap().parse().unwrap()
    };
    // 20 beats in 10 s, or one more.
    let (inbound, outbound) =
        (number(&seen, "background_inbound"), number(&seen, "background_outbound"));
    assert!((144.0..=192.0).contains(&inbound) && outbound == 0.0, "{seen}");
    let floor = number(&seen, "suggested_idle_floor");
    assert!(floor >= 4.0 * inbound && floor < 4.0 * inbound + 32.0, "{seen}");
    assert!(!seen.contains("suggested_settle"), "{seen}");
    // It is told only once it is known.
    let stderr = run.stderr();
    let known = stderr.lines().find(|line| line.contains("background_inbound")).unwrap();
    assert!(number(known, "span") >= 50.0, "{known}");
    assert_eq!(run.generations(), 1);
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(3));
    let last = run.stderr().lines().last().unwrap().to_owned();
    assert!(last.contains("; background: ") && last.contains("--idle-floor "), "{last}");
}
