//! No descriptors left, from the start or later.

use super::{cpu_ticks, finish_third, limit};
use crate::harness::{End, Run, let_pass, lives};
use std::time::Duration;

const EVERYTHING: &str = "--max-lifetime 200ms --idle 1h --max-rss 1G --kill-rss 2G \
                          --stop-timeout 1s --backoff 10ms..20ms";

#[test]
fn with_few_descriptors_it_works_or_says_why_not() {
    for most in 3..=24 {
        let run = Run::new(EVERYTHING).after_shell(&format!("ulimit -n {most}"));
        let (end, run) = finish_third(run);
        let stderr = run.stderr();
        let what = format!("{most} descriptors: {end:?}, {stderr}");
        assert!(run.processes().is_empty(), "{what}");
        if most == 3 && stderr.contains("error while loading shared libraries") {
            continue;
        }
        assert!(stderr.lines().all(|line| line.starts_with("recycle: ")), "{what}");
        if end == End::Signal(libc::SIGTERM) {
            assert!(run.generations() >= 3, "{what}");
        } else {
            assert_eq!(end, End::Code(125), "{what}");
            assert!(stderr.contains("Too many open files"), "{what}");
            // Nothing was started that could not be started again.
            assert_eq!((run.generations(), stderr.lines().count()), (0, 1), "{what}");
        }
    }
}

#[test]
fn with_no_standard_descriptors_and_few_others_it_works_or_says_why_not() {
    for most in 3..=16 {
        let shell = format!("exec <&- >&-; ulimit -n {most}");
        let (end, run) = finish_third(Run::new(EVERYTHING).after_shell(&shell));
        let what = format!("{most} descriptors: {end:?}, {}", run.stderr());
        assert!([End::Signal(libc::SIGTERM), End::Code(125)].contains(&end), "{what}");
        assert!(run.stderr().lines().all(|line| line.starts_with("recycle: ")), "{what}");
        assert!(run.processes().is_empty(), "{what}");
    }
}

/// A share of one CPU that nothing but a spin would use in a quiet second.
fn assert_calm(pid: i32, what: &str) {
    let before = cpu_ticks(pid);
    let_pass(Duration::from_secs(1));
    let used = cpu_ticks(pid) - before;
    assert!(used < 20, "{what}: {used} hundredths of a second in a second");
}

#[test]
fn with_few_descriptors_it_does_not_spin() {
    let options = "--max-lifetime 1h --idle 1h --max-rss 1G --kill-rss 2G";
    let mut worked = 0;
    for most in 8..=14 {
        let run = Run::new(options).after_shell(&format!("ulimit -n {most}"));
        let mut run = run.fixture("orphan:3 ready forever").spawn();
        // Those that cannot start are not the matter here.
        let up = run.wait_for("a start or an end", |run| {
            let ready = run.entries("ready").pop().map(|entry| entry.pid);
            ready.map(Some).or((!lives(run.pid())).then_some(None))
        });
        if up.is_some() {
            worked += 1;
            assert_calm(run.pid(), &format!("{most} descriptors"));
            run.signal(libc::SIGTERM);
            assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
        }
    }
    assert!(worked > 0);
}

/// The negative control: the detector sees a program that spins.
#[test]
fn a_spin_is_seen() {
    let run = Run::bare();
    let mut run = run.fixture("ready spin").spawn();
    let pid = run.await_entry_not_by(0, "ready").pid;
    let before = cpu_ticks(pid);
    run.wait_for("20 hundredths of a second of CPU", |_| {
        (cpu_ticks(pid) - before >= 20).then_some(())
    });
}

/// `prlimit(1)` of a running program: what is open stays open, but nothing can be opened, and the
/// kernel refuses to wait for more descriptors than there may be (`poll(2)`).
#[test]
fn descriptors_may_be_taken_away_while_it_runs() {
    for limits in ["--nofile=0:", "--nofile=1:", "--nofile=3:", "--nofile=6:"] {
        let options = "--idle 1h --max-rss 1G --kill-rss 2G --map-signal USR1:recycle \
                       --restart always --max-restarts 1000/1h --backoff 50ms..100ms";
        let mut run = Run::new(options).fixture("trap:USR2 ready forever").spawn();
        let command = run.await_entry(1, "ready").pid;
        limit(&run, limits);
        assert_calm(run.pid(), limits);
        run.signal(libc::SIGUSR2);
        run.await_entry(1, "got USR2");
        run.recycle();
        // COMMAND starts with the same limit, and may fail of it. Whether there is a word about the
        // next start depends on what a word takes.
        run.await_reaped(command);
        limit(&run, "--nofile=1000:");
        run.await_entries(2, "ready");
        limit(&run, limits);
        run.signal(libc::SIGTERM);
        assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    }
}
