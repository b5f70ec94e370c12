//! Memory that processes of the tree share: nothing is killed for pages that are counted twice.

use super::assert_left_alone;
use crate::harness::{End, Run, tool};

/// A fork of 100 MiB: 200 MiB of RSS, little more than 100 MiB of PSS.
#[test]
fn kill_rss_spares_a_fork_whose_pages_are_shared() {
    assert_left_alone("--kill-rss 150M", "fork-share:1x100M sleep:1s");
}

/// The control: the same RSS, not shared.
#[test]
fn kill_rss_kills_two_processes_that_share_nothing() {
    assert_recycled_by_kill("--kill-rss 150M", "child:hold:100M,forever hold:100M forever");
}

/// Shared or not, this is too much RSS, and the line shows both numbers and the way out.
#[test]
fn kill_rss_kills_at_one_and_a_half_times_the_limit_whatever_is_shared() {
    let mut run = assert_recycled_by_kill("--kill-rss 150M", "fork-share:3x100M forever");
    run.await_stderr(" recycled: rss ");
    assert!(run.recycles()[0].contains("--kill-rss"), "{}", run.stderr());
}

#[test]
fn the_line_of_a_kill_shows_pss_and_the_hint() {
    let script = "fork-share:1x100M leak:200M/s";
    let mut run = assert_recycled_by_kill("--kill-rss 160M", script);
    run.await_stderr("(--kill-rss, pss ");
}

fn assert_recycled_by_kill(options: &str, script: &str) -> crate::harness::Running {
    let mut run = Run::new(options).fixture(script).spawn();
    let first = script.split([':', ' ']).next().unwrap();
    assert_eq!(run.await_entry(2, first).reason.as_deref(), Some("kill-rss"));
    run
}

/// Sixty workers share 100 MiB with a parent that leaks: reading all their pages takes so long that
/// it was not done again before the parent was through with its 400 MiB.
#[test]
fn a_leak_beside_many_workers_is_found_before_it_is_far_over_the_limit() {
    let script = "fork-share:60x100M ready leak:50M/s:400M mark:too-late forever";
    let mut run = Run::new("--max-pss 180M").fixture(script).spawn();
    assert_eq!(run.await_entry(2, "ready").reason.as_deref(), Some("pss"));
    assert!(run.entries("mark:too-late").is_empty(), "{}", run.stderr());
}

/// For a second there are two processes of 100 MiB, in the same memory.
#[test]
fn memory_that_two_processes_have_in_common_counts_once() {
    for options in ["--kill-rss 150M", "--max-rss 150M", "--max-pss 150M"] {
        assert_left_alone(options, "hold:100M share-memory:1s");
    }
}

/// The control: what they have in common is over the limit.
#[test]
fn memory_that_two_processes_have_in_common_counts() {
    // Held until the child is there. Its parent cannot obey meanwhile.
    let options = "--max-rss 80M --min-lifetime 1s --stop-timeout 100ms";
    let mut run = Run::new(options).fixture("hold:100M share-memory:1h").spawn();
    assert_eq!(run.await_entry(2, "share-memory").reason.as_deref(), Some("rss"));
}

/// The program is on a disk that does not answer: a lease holds back whoever opens it (fcntl(2)),
/// so that the child of subprocess(3) is in Python's memory all that time.
#[test]
fn python_that_runs_a_program_on_a_slow_disk_counts_once() {
    let script = "\
import fcntl, os, shutil, signal, subprocess, sys, time
program = os.path.join(os.getcwd(), 'slow')
shutil.copy('/bin/true', program)
ready, lent = os.pipe()
if os.fork() == 0:
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    file = os.open(program, os.O_RDWR)
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    os.write(lent, b'x')
    time.sleep(2)
    os._exit(0)
os.read(ready, 1)
held = bytearray(b'x') * (100 << 20)
before = time.monotonic()
subprocess.run([program], check=True)
sys.exit(5 if time.monotonic() - before > 0.5 else 6)
";
    let python = tool("python3");
    let run = Run::new("--kill-rss 180M --max-rss 170M").command([
        python.as_os_str(),
        "-c".as_ref(),
        script.as_ref(),
    ]);
    let (end, run) = run.finish();
    assert_eq!((end, run.stderr().as_str()), (End::Code(5), ""));
}

/// Two processes share 100 MiB for a second. Then one of them writes to all of it, or does not:
/// RSS is 210 MiB before and after, PSS grows from 110 MiB to 210 MiB.
const COPY_ON_WRITE: &str = "\
import os, signal, sys, time
held = bytearray(100 << 20)
def write(value):
    for page in range(0, len(held), 4096):
        held[page] = value
write(1)
child = os.fork()
if child == 0:
    time.sleep(3600)
time.sleep(1)
if sys.argv[1] == 'write':
    write(2)
    time.sleep(3600)
time.sleep(1)
os.kill(child, signal.SIGKILL)
sys.exit(5)
";

fn copy_on_write(options: &str, mode: &str) -> Run {
    let python = tool("python3");
    Run::new(options).command([
        python.as_os_str(),
        "-c".as_ref(),
        COPY_ON_WRITE.as_ref(),
        mode.as_ref(),
    ])
}

#[test]
fn pss_limit_sees_copy_on_write_growth_while_rss_stays() {
    copy_on_write("--max-pss 150M", "write").spawn().await_stderr(" recycled: pss ");
}

#[test]
fn kill_rss_sees_copy_on_write_growth_while_rss_stays() {
    copy_on_write("--kill-rss 150M", "write").spawn().await_stderr("(--kill-rss, pss ");
}

/// The control: nothing is written to.
#[test]
fn shared_pages_without_writes_are_left_alone() {
    for options in ["--max-pss 150M", "--kill-rss 150M"] {
        let (end, run) = copy_on_write(options, "rest").finish();
        assert_eq!((end, run.stderr().as_str()), (End::Code(5), ""), "{options}");
    }
}
