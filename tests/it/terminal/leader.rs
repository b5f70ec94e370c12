//! `recycle` as the leader of the terminal's session, as in a container with a terminal: no shell
//! is there to wait for it, and a hang-up is told to nobody else.

use super::{
    BASH, CTRL_BACKSLASH, CTRL_C, CTRL_Z, all_gone, await_stopped, group, had_the_foreground,
    in_shells, ready,
};
use crate::harness::{End, Run, Running, fixture_path, look_up, recycle_path, tool};
use std::fs;
use std::process::Stdio;

const HUP_AND_CONT: &[i32] = &[libc::SIGHUP, libc::SIGCONT];

/// The script without `recycle`, with it, and with one inside another. There is no shell above, so
/// all that is passed on goes to the leader.
fn leading(script: &str) -> [Run; 3] {
    let recycle = recycle_path().to_str().unwrap();
    [&[][..], &[recycle, "--"], &[recycle, "--", recycle, "--"]].map(|wrapper| {
        let fixture = fixture_path().to_str().unwrap();
        let command = wrapper.iter().copied().chain([fixture]).chain(script.split(' '));
        Run::bare().on_terminal().command(command)
    })
}

fn times(run: &mut Running, text: &str) -> usize {
    super::times(run, &[run.pid()], text)
}

#[test]
fn keys_arrive_once() {
    for run in leading("foreground trap:INT trap:RTMIN+1 ready forever") {
        let mut run = run.spawn();
        let command = run.await_entries(1, "ready")[0].pid;
        assert_eq!(had_the_foreground(&run), [true]);
        assert_eq!(group(command), command);
        for number in 1..=3 {
            run.press(CTRL_C);
            run.await_entries(number, "got INT");
            assert_eq!(times(&mut run, "got INT"), number);
        }
        run.press(CTRL_BACKSLASH);
        assert_eq!(run.finish(), End::Signal(libc::SIGQUIT));
    }
}

#[test]
fn ctrl_c_ends_it_by_the_signal() {
    for run in leading("ready forever") {
        let mut run = run.spawn();
        run.await_entries(1, "ready");
        run.press(CTRL_C);
        assert_eq!(run.finish(), End::Signal(libc::SIGINT));
    }
}

/// Alone it is never stopped: nobody could ever wake it (an orphaned process group).
#[test]
fn ctrl_z_does_not_stop_it_for_ever() {
    let [alone, wrapped, nested] = leading("trap:CONT ready read-line forever");
    for (run, stops) in [(alone, false), (wrapped, true), (nested, true)] {
        let mut run = run.spawn();
        run.await_entries(1, "ready");
        for number in 1..=3 {
            run.press(CTRL_Z);
            if stops {
                run.await_entries(number, "got CONT");
            }
        }
        run.enter("hello");
        run.await_entries(1, "line hello");
        run.press(CTRL_C);
        assert_eq!(run.finish(), End::Signal(libc::SIGINT));
    }
}

/// The signals of a set that wait for a process which blocks them.
fn pending(pid: i32) -> Vec<i32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mut sets = status.lines().filter_map(|line| line.strip_prefix("ShdPnd:\t"));
    let bits = u64::from_str_radix(sets.next_back().unwrap(), 16).unwrap();
    (1..=64).filter(|signal| bits >> (signal - 1) & 1 == 1).collect()
}

/// Blocked from the start, whatever arrives stays to be seen.
#[test]
fn no_hup_and_no_cont_comes_along_with_the_terminal() {
    let run = Run::new("--map-signal USR1:recycle").on_terminal().signals(&[], HUP_AND_CONT);
    let mut run = run.fixture("trap:RTMIN+1 ready forever").spawn();
    for generation in 1..=3 {
        let command = run.await_entry(generation, "ready").pid;
        assert_eq!(times(&mut run, "got HUP"), 0);
        assert_eq!(pending(command), [0; 0]);
        if generation < 3 {
            run.recycle();
        }
    }
    // What comes is seen.
    let command = run.await_entry(3, "ready").pid;
    run.signal(libc::SIGHUP);
    run.wait_for("HUP", |_| (pending(command) == [libc::SIGHUP]).then_some(()));
}

#[test]
fn a_hangup_is_passed_on() {
    for run in leading("trap:HUP trap:RTMIN+1 trap:TERM:exit=4 ready forever") {
        let mut run = run.spawn();
        run.await_entries(1, "ready");
        run.hang_up();
        run.await_entries(1, "got HUP");
        assert_eq!(times(&mut run, "got HUP"), 1);
        run.signal(libc::SIGTERM);
        assert_eq!(run.finish(), End::Code(4));
    }
    for run in leading("ready forever") {
        let mut run = run.spawn();
        run.await_entries(1, "ready");
        run.hang_up();
        assert_eq!(run.finish(), End::Signal(libc::SIGHUP));
    }
}

/// The kernel tells the leader alone, not its group.
#[test]
fn a_hangup_is_passed_on_within_a_shared_group() {
    for restart in ["never", "always"] {
        let run = Run::new(&format!("--restart {restart}")).on_terminal().stdin(Stdio::null());
        let mut run = run.fixture("trap:HUP:exit=4 ready forever").spawn();
        let command = run.await_entry(1, "ready").pid;
        assert_eq!(group(command), run.pid());
        run.hang_up();
        assert_eq!(run.finish(), End::Code(4));
        assert_eq!(run.entries("got HUP").len(), 1);
        assert_eq!(run.generations(), 1);
    }
}

#[test]
fn a_hangup_of_the_shell_ends_all() {
    in_shells(|run| {
        run.enter("$W $F trap:HUP:exit=4 ready forever");
        let pids = ready(run);
        run.hang_up();
        run.await_entries(1, "got HUP");
        all_gone(run, &pids);
        run.finish();
    });
}

/// As in `docker run -it IMAGE bash`.
#[test]
fn a_shell_controls_its_jobs() {
    let run = Run::new("").on_terminal().env("PS1", "$ ").env("HISTFILE", "/dev/null");
    let mut run = run.env("F", fixture_path()).command(BASH).spawn();
    run.enter("$F ready forever");
    let job = run.await_entries(1, "ready")[0].pid;
    let shell = look_up(job).unwrap().parent;
    run.press(CTRL_Z);
    run.await_foreground(group(shell));
    await_stopped(&mut run, &[job], true);
    run.enter("fg");
    run.await_foreground(group(job));
    await_stopped(&mut run, &[job], false);
    run.press(CTRL_C);
    run.await_foreground(group(shell));
    run.enter("exit $(($? + 1))");
    assert_eq!(run.finish(), End::Code(131));
}

/// PID 1 of a container that has a terminal, as far as that matters here.
fn as_pid_1(script: &str) -> Running {
    let run = Run::new("--").on_terminal().fixture(script);
    run.through(["unshare", "--pid", "--fork", "--kill-child", "setsid", "--ctty"]).spawn()
}

#[test]
fn pid_1_hands_the_terminal_over() {
    tool("unshare");
    let mut run = as_pid_1("foreground trap:INT trap:CONT ready read-line exit:4");
    assert_ne!(run.await_entry(1, "ready").pid, 1);
    assert_eq!(had_the_foreground(&run), [true]);
    run.press(CTRL_C);
    run.await_entry(1, "got INT");
    run.press(CTRL_Z);
    run.await_entry(1, "got CONT");
    run.enter("hello");
    assert_eq!(run.finish(), End::Code(4));
    assert_eq!(run.entries("got INT").len(), 1);

    for (key, status) in [(CTRL_C, 130), (CTRL_BACKSLASH, 131)] {
        let mut run = as_pid_1("ready forever");
        run.await_entry(1, "ready");
        run.press(key);
        assert_eq!(run.finish(), End::Code(status));
    }
}

#[test]
fn pid_1_passes_a_hangup_on() {
    let mut run = as_pid_1("trap:HUP:exit=4 ready forever");
    run.await_entry(1, "ready");
    run.hang_up();
    assert_eq!(run.finish(), End::Code(4));
    assert_eq!(run.entries("got HUP").len(), 1);
}
