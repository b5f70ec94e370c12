//! The static binary in a root folder with nothing else but COMMAND: no `/proc`, no `/dev`, no
//! library, no shell. What works without them works; what does not is said. Takes root.

use crate::harness::{End, Root, Run, Running};

/// What is said once where no process can be seen.
const BLIND: &str = "cannot see which processes COMMAND has";

fn run(arguments: &str) -> (End, Running) {
    // Neither the journal nor another program is in there.
    let root = Root::bare();
    let arguments = arguments.split_whitespace();
    Run::bare().through(["chroot".as_ref(), root.path()]).command(arguments).finish()
}

#[test]
fn an_empty_root_is_enough() {
    let (end, run) = run("/recycle -- /busybox echo hello");
    assert_eq!((end, run.stdout().as_str(), run.stderr().as_str()), (End::Code(0), "hello\n", ""));
}

#[test]
fn ends_are_acted_on() {
    let options = "--restart on-failure --max-restarts 2/1h --backoff 10ms..20ms";
    let (end, run) = run(&format!("/recycle {options} -- /busybox ls /nothing"));
    assert_eq!(end, End::Code(1));
    let starts = run.stderr().lines().filter(|line| line.contains("/nothing: No such")).count();
    assert_eq!(starts, 3, "{}", run.stderr());
    assert_eq!(run.stderr().matches(BLIND).count(), 1, "{}", run.stderr());
}

#[test]
fn age_counts_where_nothing_can_be_seen() {
    let options = "--max-lifetime 300ms --max-rss 1M --then exit:3";
    let (end, run) = run(&format!("/recycle {options} -- /busybox sleep 3600"));
    let said = run.stderr();
    assert_eq!(end, End::Code(3), "{said}");
    assert_eq!(said.matches(BLIND).count(), 1, "{said}");
    assert_eq!(run.recycles().len(), 1, "{said}");
    assert!(run.recycles()[0].contains("lifetime"), "{said}");
}

#[test]
fn it_explains_what_is_not_there() {
    let (end, run) = run("/recycle --explain --max-rss 50M -- /busybox sleep 1");
    assert_eq!(end, End::Code(0));
    assert!(run.stdout().contains("Processes: none, /proc is not there"), "{}", run.stdout());
    let (end, run) = run_with_a_hook();
    assert_eq!(end, End::Code(125));
    assert!(run.stderr().contains("/bin/sh cannot be executed"), "{}", run.stderr());
}

/// It wants a shell, which is not there either: that is found before anything runs.
fn run_with_a_hook() -> (End, Running) {
    run("/recycle --pre-stop true --max-lifetime 1h -- /busybox echo hello")
}
