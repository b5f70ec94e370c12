//! Ctrl-Z, `fg` and `bg` do to a wrapped command what they do to a bare one.

use super::{
    CTRL_C, all_gone, await_stopped, foreground, foreground_running, group, had_the_foreground,
    in_bash, in_shells, ready, status, suspend, times,
};
use crate::harness::send_signal;

#[test]
fn ctrl_z_stops_everybody_and_fg_wakes_everybody() {
    in_shells(|run| {
        run.enter("$W $F child:mark,forever ready forever");
        let mut pids = ready(run);
        pids.insert(0, run.await_entry_not_by(pids[0], "forever").pid);
        for _ in 0..2 {
            suspend(run, &pids);
            assert_eq!(status(run), 148);
            foreground(run, &pids);
        }
        run.press(CTRL_C);
        assert_eq!(status(run), 130);
        all_gone(run, &pids);
    });
}

#[test]
fn command_is_told_once_that_it_goes_on() {
    in_shells(|run| {
        run.enter("$W $F trap:CONT trap:RTMIN+1 ready forever");
        let pids = ready(run);
        for number in 1..=2 {
            suspend(run, &pids);
            foreground(run, &pids);
            run.await_entries(number, "got CONT");
            assert_eq!(times(run, &pids, "got CONT"), number);
        }
    });
}

/// It does not steal the foreground, and is stopped as soon as it wants the terminal.
#[test]
fn bg_leaves_the_foreground_to_the_shell() {
    in_shells(|run| {
        run.enter("$W $F ready wait-file:go foreground read-tty exit:4");
        let pids = ready(run);
        suspend(run, &pids);
        run.enter("bg");
        await_stopped(run, &pids, false);
        run.touch("go");
        await_stopped(run, &pids, true);
        assert_eq!(had_the_foreground(run), [false]);
        assert_eq!(run.foreground(), run.pid());
        foreground(run, &pids);
        run.enter("hello");
        run.await_entries(1, "line hello");
        assert_eq!(status(run), 4);
    });
}

#[test]
fn fg_of_what_runs_in_the_background_lets_it_read() {
    in_shells(|run| {
        run.enter("$W $F ready wait-file:go read-tty exit:4");
        let pids = ready(run);
        suspend(run, &pids);
        run.enter("bg");
        await_stopped(run, &pids, false);
        foreground_running(run, &pids);
        run.touch("go");
        run.await_entries(1, "read-tty");
        run.enter("hello");
        run.await_entries(1, "line hello");
        assert_eq!(status(run), 4);
    });
}

#[test]
fn ctrl_c_and_ctrl_z_reach_what_came_back_from_the_background() {
    in_shells(|run| {
        run.enter("$W $F ready forever");
        let pids = ready(run);
        for _ in 0..2 {
            suspend(run, &pids);
            run.enter("bg");
            await_stopped(run, &pids, false);
            foreground_running(run, &pids);
        }
        run.press(CTRL_C);
        assert_eq!(status(run), 130);
    });
}

#[test]
fn an_end_in_the_background_leaves_the_foreground_to_the_shell() {
    in_shells(|run| {
        run.enter("$W $F ready wait-file:go exit:4");
        let pids = ready(run);
        suspend(run, &pids);
        run.enter("bg");
        await_stopped(run, &pids, false);
        run.touch("go");
        all_gone(run, &pids);
        assert_eq!(run.foreground(), run.pid());
        run.enter("$F foreground; (exit 9)");
        assert_eq!(status(run), 9);
        assert_eq!(had_the_foreground(run), [true]);
    });
}

#[test]
fn a_command_started_in_the_background_is_brought_to_the_foreground() {
    in_shells(|run| {
        run.enter("$W $F foreground ready forever &");
        let pids = ready(run);
        assert_eq!(had_the_foreground(run), [false]);
        assert_eq!(run.foreground(), run.pid());
        foreground(run, &pids);
        suspend(run, &pids);
        foreground(run, &pids);
        run.press(CTRL_C);
        assert_eq!(status(run), 130);
    });
}

#[test]
fn a_command_started_in_the_background_is_stopped_when_it_reads_the_terminal() {
    in_shells(|run| {
        run.enter("$W $F ready read-tty exit:4 &");
        let pids = ready(run);
        await_stopped(run, &pids, true);
        foreground(run, &pids);
        run.enter("hello");
        run.await_entries(1, "line hello");
        assert_eq!(status(run), 4);
    });
}

/// Bash wakes the job that it kills; dash does not.
#[test]
fn kill_of_a_stopped_job_ends_it() {
    in_bash(|run| {
        run.enter("$W $F trap:TERM:exit=5 ready forever");
        let pids = ready(run);
        suspend(run, &pids);
        run.enter("kill %1");
        run.await_entries(1, "got TERM");
        all_gone(run, &pids);
    });
}

/// What a shell does with `kill -TSTP %1`: the job's group is the outermost one only.
#[test]
fn a_stop_signal_for_the_job_stops_everybody() {
    in_shells(|run| {
        for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
            run.enter("$W $F ready forever");
            let pids = ready_again(run);
            send_signal(-group(pids[pids.len() - 1]), signal);
            await_stopped(run, &pids, true);
            run.await_foreground(run.pid());
            foreground(run, &pids);
            run.press(CTRL_C);
            assert_eq!(status(run), 130);
        }
    });
}

/// Of a line that is typed more than once.
fn ready_again(run: &mut super::Running) -> Vec<i32> {
    let journal = run.dir().join("journal");
    let pids = ready(run);
    std::fs::remove_file(journal).unwrap();
    pids
}

#[test]
fn two_jobs_take_turns() {
    in_shells(|run| {
        run.enter("$W $F ready read-tty exit:4");
        let first = ready_again(run);
        suspend(run, &first);
        run.enter("$W $F ready read-tty exit:5");
        let second = ready_again(run);
        suspend(run, &second);
        for (job, pids, end) in [(1, first, 4), (2, second, 5)] {
            run.enter(&format!("fg %{job}"));
            run.await_foreground(group(pids[0]));
            run.enter("hello");
            run.await_entries(1, "line hello");
            assert_eq!(status(run), end);
        }
    });
}
