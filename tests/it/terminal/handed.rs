//! A command that is alone on the terminal has it all to itself: a group of its own, the
//! foreground, every key once.

use super::{
    CTRL_BACKSLASH, CTRL_C, group, had_the_foreground, in_bash, in_shells, ready, status, times,
};

#[test]
fn command_has_the_foreground_before_it_runs() {
    in_shells(|run| {
        run.enter("$W $F foreground ready forever");
        let pids = ready(run);
        assert_eq!(had_the_foreground(run), [true]);
        assert_eq!(run.foreground(), group(pids[0]));
        // Each has a group of its own, as a shell's job has.
        pids.iter().for_each(|&pid| assert_eq!(group(pid), pid));
        run.press(CTRL_C);
        assert_eq!(status(run), 130);
    });
}

#[test]
fn ctrl_c_arrives_once() {
    in_shells(|run| {
        run.enter("$W $F trap:INT trap:RTMIN+1 ready forever");
        let pids = ready(run);
        for number in 1..=3 {
            run.press(CTRL_C);
            run.await_entries(number, "got INT");
            assert_eq!(times(run, &pids, "got INT"), number);
        }
        run.press(CTRL_BACKSLASH);
        assert_eq!(status(run), 131);
    });
}

#[test]
fn a_new_size_is_told_once() {
    in_shells(|run| {
        run.enter("$W $F trap:WINCH trap:RTMIN+1 ready forever");
        let pids = ready(run);
        for number in 1..=3 {
            run.resize(24 + u16::try_from(number).unwrap());
            run.await_entries(number, "got WINCH");
            assert_eq!(times(run, &pids, "got WINCH"), number);
        }
    });
}

#[test]
fn a_command_that_handles_ctrl_c_ends_as_it_likes() {
    in_shells(|run| {
        run.enter("$W $F trap:INT:exit=6 ready forever");
        ready(run);
        run.press(CTRL_C);
        assert_eq!(status(run), 6);
    });
}

/// It ends because `recycle` dies by the signal, as COMMAND did.
#[test]
fn ctrl_c_ends_a_loop_of_the_shell() {
    in_shells(|run| {
        run.enter("while :; do $W $F ready forever; done");
        ready(run);
        run.press(CTRL_C);
        assert_eq!(status(run), 130);
        assert_eq!(run.entries("ready").len(), 1);
    });
}

#[test]
fn a_loop_of_the_shell_goes_on_where_ctrl_c_was_handled() {
    in_bash(|run| {
        run.enter("for i in 1 2; do $W $F trap:INT:exit=0 ready forever; done");
        for number in 1..=2 {
            run.await_entries(number, "ready");
            run.press(CTRL_C);
        }
        assert_eq!(status(run), 0);
    });
}

#[test]
fn what_command_leaves_behind_does_not_keep_the_foreground() {
    in_shells(|run| {
        run.enter("$W sh -c '$F foreground ready forever & exit 5'");
        assert_eq!(status(run), 5);
        let left = run.await_entries(1, "ready")[0].pid;
        assert_ne!(group(left), run.foreground());
    });
}

#[test]
fn other_wrappers_may_stand_before_it() {
    for before in ["env", "nice", "timeout --foreground 60"] {
        in_shells(|run| {
            run.enter(&format!("{before} $W $F foreground ready read-line forever"));
            run.await_entries(1, "ready");
            assert_eq!(had_the_foreground(run), [true]);
            run.enter("hello");
            run.await_entries(1, "line hello");
            run.press(CTRL_C);
            assert_eq!(status(run), 130);
        });
    }
}

#[test]
fn the_shell_has_the_foreground_again_at_once() {
    in_shells(|run| {
        run.enter("$W $F ready exit:3; $F foreground; $W $F exit:4");
        assert_eq!(status(run), 4);
        assert_eq!(had_the_foreground(run), [true]);
    });
}
