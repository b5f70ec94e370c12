//! Memory: over the limit is over, whoever of the tree holds it; what only looks like it is not.

mod leader;
mod shared;
mod storm;

use crate::harness::{End, Run, as_another_user, let_pass, make_fixture_set_uid, tool, wakeups};
use std::time::Duration;

/// The first recycle happens, for this reason, of a generation that was told so by TERM.
fn assert_recycled(options: &str, script: &str, reason: &str) {
    let script = format!("trap:TERM:exit=0 {script}");
    let mut run = Run::new(options).fixture(&script).spawn();
    assert_eq!(run.await_entry(2, "trap:TERM").reason.as_deref(), Some(reason));
    run.await_entry(1, "got TERM");
}

/// The only generation comes to its own end, `exit:5`.
fn assert_left_alone(options: &str, script: &str) {
    let (end, run) = Run::new(options).fixture(&format!("{script} exit:5")).finish();
    assert_eq!((end, run.generations()), (End::Code(5), 1));
    assert_eq!(run.stderr(), "");
}

#[test]
fn a_leak_is_recycled() {
    assert_recycled("--max-rss 60M", "leak:50M/s", "rss");
    assert_recycled("--max-pss 60M", "leak:50M/s", "pss");
    assert_recycled("--max-rss 100M --max-pss 60M", "leak:50M/s", "pss");
}

#[test]
fn the_same_leak_is_left_alone_without_a_limit_or_below_it() {
    for options in ["", "--max-rss 200M", "--max-pss 200M", "--kill-rss 200M", "--max-rss 100%"] {
        assert_left_alone(options, "leak:50M/s:80M sleep:500ms");
    }
}

#[test]
fn a_leak_in_a_grandchild_counts() {
    assert_recycled("--max-rss 60M", "leak-in-child:50M/s", "rss");
}

#[test]
fn a_leak_in_an_orphan_or_in_another_session_counts() {
    assert_recycled("--max-rss 60M", "orphan:1:leak:50M/s forever", "rss");
    assert_recycled("--max-rss 60M", "escape:leak:50M/s forever", "rss");
}

#[test]
fn the_parts_of_the_tree_add_up() {
    let parts = "hold:30M child:hold:30M,forever child:hold:30M,forever forever";
    assert_recycled("--max-rss 80M", parts, "rss");
    assert_left_alone("--max-rss 200M", &parts.replace(" forever", " sleep:1s"));
}

/// Five processes with the same 60 MiB: 300 MiB of RSS, little more than 60 MiB of PSS.
#[test]
fn shared_pages_count_once_in_pss_and_each_time_in_rss() {
    let shared = "fork-share:4x60M";
    assert_recycled("--max-rss 200M", &format!("{shared} forever"), "rss");
    assert_recycled("--max-pss 40M", &format!("{shared} forever"), "pss");
    let shared = format!("{shared} sleep:2s");
    assert_left_alone("--max-pss 200M", &shared);
    // Without --max-rss it is PSS that --kill-rss means.
    assert_left_alone("--max-pss 200M --kill-rss 250M", &shared);
}

#[test]
fn where_rss_is_mostly_shared_pss_is_recommended() {
    let mut run = Run::new("--max-rss 200M").fixture("fork-share:4x60M ready forever").spawn();
    run.await_entry(2, "ready");
    run.await_stderr("--max-pss");
    assert!(run.stderr().to_lowercase().contains("pss"));
}

#[test]
fn a_percentage_is_one_of_the_memory_there_is() {
    assert_recycled("--max-rss 1%", "leak:300M/s", "rss");
}

/// As systemd's `ProcSubset=pid` mounts it: without `/proc/meminfo`.
const PROCESSES_ONLY: &str = "mount -t proc -o subset=pid proc /proc && exec \"$0\" \"$@\"";

#[test]
fn a_percentage_is_one_of_the_memory_there_is_where_proc_shows_processes_only() {
    let through = ["unshare", "--mount", "sh", "-c", PROCESSES_ONLY];
    let script = "trap:TERM:exit=0 leak:300M/s";
    let mut run = Run::new("--max-rss 1%").through(through).fixture(script).spawn();
    assert_eq!(run.await_entry(2, "trap:TERM").reason.as_deref(), Some("rss"));
}

#[test]
fn kill_rss_kills_at_once() {
    let mut run =
        Run::new("--kill-rss 60M --stop-timeout 1h").fixture("trap:TERM leak:50M/s").spawn();
    assert_eq!(run.await_entry(2, "leak").reason.as_deref(), Some("kill-rss"));
    assert!(run.entries("got TERM").is_empty());
}

#[test]
fn kill_rss_kills_during_a_stop_that_is_ignored() {
    let options = "--max-rss 60M --kill-rss 150M --stop-timeout 1h";
    let mut run = Run::new(options).fixture("trap:TERM leak:50M/s").spawn();
    run.await_entry(1, "got TERM");
    run.await_entry(2, "leak");
}

/// TERM from outside ends all triggers but this one.
#[test]
fn kill_rss_kills_after_term_too() {
    let mut run = Run::new("--kill-rss 100M").fixture("trap:TERM ready leak:50M/s").spawn();
    run.await_entry(1, "ready");
    run.signal(libc::SIGTERM);
    let end = run.finish();
    assert!([End::Signal(libc::SIGKILL), End::Code(137)].contains(&end), "{end:?}");
    assert_eq!(run.generations(), 1);
}

/// Between fork and exec a child shows its parent's whole size: 600 MiB for a moment, 60 times.
#[test]
fn a_big_process_that_runs_programs_is_no_crossing() {
    let script = "\
import subprocess, sys, time
held = bytearray(b'x') * (300 << 20)
for _ in range(60):
    subprocess.run(['true'], check=True, preexec_fn=(lambda: None))
    subprocess.run(['true'], check=True)
    time.sleep(0.05)
sys.exit(5)
";
    let python = tool("python3");
    let run =
        Run::new("--max-rss 400M").command([python.as_os_str(), "-c".as_ref(), script.as_ref()]);
    let (end, run) = run.finish();
    assert_eq!(end, End::Code(5));
    assert_eq!(run.stderr(), "");
}

/// What memory is looked at for: close to the limit, twenty times a second.
const NEAR: &str = "--max-rss 60M --idle 1h --max-lifetime 6h";

/// A sleeping tree is looked at ever more rarely; 0.1.0 woke up sixty times here.
#[test]
fn while_the_tree_sleeps_nobody_wakes() {
    let mut run = Run::new(NEAR).fixture("hold:10M forever").spawn();
    run.await_entry(1, "forever");
    let_pass(Duration::from_secs(1));
    let before = wakeups(run.pid());
    let_pass(Duration::from_secs(3));
    let woken = wakeups(run.pid()) - before;
    assert!(woken < 20, "{woken}");
}

/// The control: one that runs is looked at as often as ever.
#[test]
fn while_the_tree_runs_it_is_watched() {
    let mut run = Run::new(NEAR).fixture("hold:10M bg:chatter:5ms forever").spawn();
    run.await_entry(1, "forever");
    let before = wakeups(run.pid());
    run.wait_for("twenty looks", |run| (wakeups(run.pid()) >= before + 20).then_some(()));
}

#[test]
fn a_leak_after_a_long_sleep_is_recycled() {
    assert_recycled("--max-rss 60M", "sleep:4s leak:50M/s", "rss");
    assert_recycled("--max-rss 60M", "sleep:4s leak-in-child:50M/s", "rss");
    assert_recycled("--max-rss 60M", "sleep:4s escape:leak:50M/s forever", "rss");
}

/// Timers count against this limit: without them the clock decides, as in 0.1.0.
#[test]
fn without_timers_memory_is_watched_all_the_same() {
    let run = Run::new("--max-rss 60M").through(["prlimit", "--sigpending=0:0"]);
    let mut run = run.fixture("trap:TERM:exit=0 sleep:2s leak:50M/s").spawn();
    assert_eq!(run.await_entry(2, "trap:TERM").reason.as_deref(), Some("rss"));
}

/// The signal of the timers is COMMAND's own as well.
#[test]
fn the_last_real_time_signal_reaches_command() {
    let mut run = Run::new("--max-rss 60M").fixture("trap:RTMIN+30:exit=7 forever").spawn();
    run.await_entry(1, "forever");
    let_pass(Duration::from_secs(1));
    run.signal(64);
    assert_eq!(run.finish(), End::Code(7));
}

/// The clocks of another user's processes can be read, and have timers.
#[test]
fn a_set_uid_command_that_leaks_after_a_sleep_is_recycled() {
    let run = as_another_user("--max-rss 60M --idle 1h");
    make_fixture_set_uid(&run);
    let script = ["./fixture", "trap:TERM:exit=0", "sleep:3s", "leak:50M/s"];
    let mut run = run.command(script).spawn();
    let before = wakeups(run.pid());
    assert_eq!(run.await_entry(2, "trap:TERM").reason.as_deref(), Some("rss"));
    assert!(wakeups(run.pid()) > before);
}
