//! Who has the foreground is not always who was given it: a COMMAND that makes a group of its own,
//! a shell that gives the foreground without a word, a leader that shares its group.

use super::{
    CTRL_C, CTRL_Z, all_gone, await_stopped, foreground_running, in_shells, ready, shell, status,
    suspend,
};
use crate::harness::{End, Run};

#[test]
fn what_is_typed_reaches_the_whole_group_that_came_back_from_the_background() {
    in_shells(|run| {
        run.enter("$W $F child:mark:child,forever ready forever");
        let pids = ready(run);
        let all = [pids.clone(), vec![run.await_entries(1, "mark:child")[0].pid]].concat();
        suspend(run, &all);
        run.enter("bg");
        await_stopped(run, &all, false);
        foreground_running(run, &pids);
        suspend(run, &all);
        run.enter("bg");
        await_stopped(run, &all, false);
        foreground_running(run, &pids);
        run.press(CTRL_C);
        assert_eq!(status(run), 130);
        all_gone(run, &all);
    });
}

/// As `timeout` does wherever it is: then it is in the background of its terminal.
#[test]
fn ctrl_c_reaches_a_command_that_has_left_the_group_of_a_pipeline() {
    in_shells(|run| {
        run.enter("$W $F setpgid ready forever | cat");
        let pids = ready(run);
        run.press(CTRL_C);
        all_gone(run, &pids);
    });
}

#[test]
fn a_command_that_has_left_our_group_may_read_the_terminal() {
    for wrapper in ["R --", "R --restart on-failure --"] {
        let mut run = shell(super::BASH, wrapper);
        run.enter("$W $F setpgid ready read-line");
        ready(&mut run);
        run.enter("typed");
        run.await_entries(1, "line typed");
        assert_eq!(status(&mut run), 0);
    }
}

/// In a group that nobody outside of it could wake, the kernel lets Ctrl-Z stop nobody.
#[test]
fn ctrl_z_stops_no_leader_that_shares_its_group() {
    let run = Run::new("--restart on-failure").on_terminal();
    let mut run = run.fixture("trap:USR1 ready read-line exit:0").spawn();
    run.await_entry(1, "ready");
    run.press(CTRL_Z);
    // Would a stopped one pass it on?
    run.signal(libc::SIGUSR1);
    run.await_entry(1, "got USR1");
    run.enter("typed");
    run.await_entry(1, "line typed");
    assert_eq!(run.finish(), End::Code(0));
}
