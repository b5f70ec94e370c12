//! What follows when COMMAND ends by itself, and when it cannot be started again.

use crate::harness::{End, Run, Running, copy_program, fixture_path, lives, recycle_path, tool};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// How it ended, and how many generations there were.
fn run(options: &str, script: &str) -> (End, u32) {
    let (end, run) = Run::new(options).fixture(script).finish();
    (end, run.generations())
}

const FAST: &str = "--backoff 10ms..20ms --max-restarts 100/1h";

#[test]
fn never_is_the_default() {
    assert_eq!(run("", "exit:3"), (End::Code(3), 1));
    assert_eq!(run("--restart never", "die:ABRT"), (End::Signal(libc::SIGABRT), 1));
}

#[test]
fn on_failure_restarts_until_success() {
    let script = "at:1:exit:3 at:2:die:SEGV at:3:exit:0 exit:9";
    assert_eq!(run(&format!("--restart on-failure {FAST}"), script), (End::Code(0), 3));
}

#[test]
fn always_restarts_after_success_too() {
    let script = "at:1:exit:0 at:2:exit:4 at:3:die:KILL at:4:exit:0 ready forever";
    let mut run = Run::new(&format!("--restart always {FAST}")).fixture(script).spawn();
    assert_eq!(run.await_entry(5, "ready").reason.as_deref(), Some("exit"));
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
}

#[test]
fn it_gives_up_with_the_last_end_when_the_budget_is_spent() {
    let options = "--restart always --backoff 10ms..20ms --max-restarts 2/1h";
    assert_eq!(run(options, "at:1:exit:7 at:2:exit:8 exit:9"), (End::Code(9), 3));
    assert_eq!(run(options, "at:3:die:ABRT exit:1"), (End::Signal(libc::SIGABRT), 3));
    let options = "--restart on-failure --backoff 10ms..20ms --max-restarts 1/1h";
    assert_eq!(run(options, "exit:5"), (End::Code(5), 2));
}

#[test]
fn the_delay_doubles() {
    let options = "--restart always --backoff 200ms..10s --max-restarts 3/1h";
    let (end, run) = Run::new(options).fixture("exit:1").finish();
    assert_eq!(end, End::Code(1));
    let ends: Vec<_> = run.entries("exit:1").iter().map(|entry| entry.t_ms).collect();
    let delays: Vec<_> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(delays[0] >= 200 && delays[1] >= 400 && delays[2] >= 800, "{delays:?}");
}

#[test]
fn term_ends_the_backoff_and_is_how_it_ends() {
    let mut run = Run::new("--restart always --backoff 1h..1h").fixture("exit:1").spawn();
    let command = run.await_entry(1, "exit:1").pid;
    run.await_reaped(command);
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    assert_eq!(run.generations(), 1);
}

#[test]
fn a_first_start_that_fails_is_final() {
    for (command, status) in [("/no/such/program", 127), ("/", 126)] {
        let run = Run::new("--restart always").command([command]);
        assert_eq!(run.finish().0, End::Code(status));
    }
}

/// COMMAND is a link that the test takes away while generation 1 runs.
fn swapped_away(options: &str) -> Running {
    let run = Run::new(options);
    let link = run.dir().join("deployed");
    std::os::unix::fs::symlink(fixture_path(), &link).unwrap();
    let mut run =
        run.command(["./deployed", "ready", "once:wait-file:go", "at:1:exit:1", "forever"]).spawn();
    run.await_entry(1, "ready");
    fs::remove_file(link).unwrap();
    run
}

fn swap_back(run: &mut Running) {
    run.await_stderr("No such file or directory");
    std::os::unix::fs::symlink(fixture_path(), run.dir().join("deployed")).unwrap();
    run.await_entries(2, "ready");
}

#[test]
fn a_restart_that_cannot_execute_is_tried_again() {
    let mut run = swapped_away("--restart on-failure --backoff 50ms..100ms --max-restarts 1000/1h");
    run.touch("go");
    swap_back(&mut run);
}

#[test]
fn a_recycle_waits_until_command_can_be_executed() {
    let mut run = swapped_away("--map-signal USR1:recycle --backoff 50ms..100ms");
    run.recycle();
    run.await_stderr(
        "holding the recycle of generation 1 (asked by SIGUSR1): cannot start './deployed'",
    );
    assert!(run.recycles().is_empty());
    swap_back(&mut run);
}

/// COMMAND is a link that is taken away when its stop is decided on. Started with `--pre-stop`.
fn swapped_away_in_a_stop(options: &str) -> Running {
    let hook = ["rm deployed; echo > removed"];
    let run = Run::new(&format!("--map-signal USR1:recycle {options} --pre-stop"));
    std::os::unix::fs::symlink(fixture_path(), run.dir().join("deployed")).unwrap();
    let words = hook.into_iter().chain(["./deployed", "ready", "forever"]);
    let mut run = run.command(words).spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_stderr("No such file or directory; next try in");
    run
}

/// ... also where nothing else is ever restarted: the end was not COMMAND's. A start that failed is
/// no generation, and counts for nothing.
#[test]
fn a_recycle_that_cannot_execute_is_tried_until_it_can() {
    let options = "-v --backoff 10ms..20ms --max-restarts 0/1h";
    let mut run = swapped_away_in_a_stop(options);
    run.wait_for("ten tries in vain", |run| {
        (run.stderr().matches("next try in").count() >= 10).then_some(())
    });
    swap_back(&mut run);
}

#[test]
fn a_start_that_fails_is_said_once() {
    let mut run = swapped_away_in_a_stop("--backoff 10ms..20ms");
    let failed = run.stderr();
    crate::harness::let_pass(std::time::Duration::from_millis(300));
    assert_eq!(run.stderr(), failed);
    swap_back(&mut run);
}

#[test]
fn term_ends_the_tries_too() {
    let mut run = swapped_away_in_a_stop("--backoff 1h..1h");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
}

/// These words as a user who has no other processes. Limits do not hold for root; anybody else is
/// such a user already, or near enough.
fn as_another_user(words: &str) -> Vec<String> {
    let root = nix::unistd::geteuid().is_root();
    let user = 1_000_000_000 + std::process::id();
    let setpriv = format!("{} --reuid={user} --clear-groups", tool("setpriv").display());
    let words = if root { format!("{setpriv} {words}") } else { words.to_owned() };
    words.split_whitespace().map(str::to_owned).collect()
}

/// `fork` fails at the restart, since the user has no process left to spend.
#[test]
fn a_restart_that_cannot_fork_is_tried_again() {
    let run = Run::bare();
    // The other user must get at the programs.
    fs::set_permissions(run.dir(), fs::Permissions::from_mode(0o777)).unwrap();
    for (from, name) in [(recycle_path(), "recycle"), (fixture_path(), "fixture")] {
        copy_program(from, &run.dir().join(name));
    }
    let recycle = "./recycle --restart always --backoff 50ms..100ms --max-restarts 1000/1h";
    let fixture = "./fixture ready once:wait-file:go at:1:exit:1 forever";
    let mut run = run.command(as_another_user(&format!("{recycle} {fixture}"))).spawn();
    run.await_entry(1, "ready");
    let limit = |run: &Running, processes: &str| {
        let prlimit = format!("{} --pid={} {processes}", tool("prlimit").display(), run.pid());
        assert_eq!(Run::bare().command(as_another_user(&prlimit)).finish().0, End::Code(0));
    };
    limit(&run, "--nproc=0:");
    run.touch("go");
    run.await_stderr("Resource temporarily unavailable");
    assert!(lives(run.pid()));
    limit(&run, "--nproc=1000:");
    run.await_entry(2, "ready");
}
