//! Keys at the worst moment, and deaths at any: the terminal must be the shell's again.

use super::{
    BASH, CTRL_C, CTRL_Z, all_gone, await_stopped, foreground, had_the_foreground, in_shells,
    ready, shell, status, suspend,
};
use crate::harness::{End, Run, Running, let_pass, send_signal};
use std::time::Duration;

/// A key pressed so long after a command line has the foreground; all that follows is left to luck,
/// except that the shell is there again. (Bash that gets Ctrl-C between its fork and the handing
/// over never takes the foreground back from whom it started, whoever that is.)
fn press_at_many_moments(key: &str, then: &str) {
    in_shells(|run| {
        // A shell that is not yet there dies of Ctrl-C.
        await_shell(run, 20);
        for millis in 0..20 {
            let ended = run.entries("exit:0").len();
            run.enter("$W $F exit:0");
            run.wait_for("its start", |run| {
                let started = run.foreground() != run.pid();
                (started || run.entries("exit:0").len() > ended).then_some(())
            });
            let_pass(Duration::from_millis(millis));
            run.press(key);
            // Whatever it stopped.
            run.enter(then);
            await_shell(run, millis);
        }
        run.enter("$W $F foreground exit:7");
        assert_eq!(status(run), 7);
        assert_eq!(had_the_foreground(run), [true]);
    });
}

/// What is typed right after Ctrl-C may be forgotten together with what was typed before it.
/// Nothing is left to run afterwards.
fn await_shell(run: &mut Running, millis: u64) {
    let mut mark = String::new();
    let mut looks: u32 = 0;
    run.wait_for("the shell", |run| {
        if looks == 0 || looks >= 32 && looks.is_power_of_two() {
            mark = format!("mark:{millis}.{looks}");
            run.enter(&format!("$F {mark}"));
        }
        looks += 1;
        run.entries(&mark).pop()
    });
    run.await_foreground(run.pid());
}

#[test]
fn ctrl_c_at_any_moment() {
    press_at_many_moments(CTRL_C, "");
}

#[test]
fn ctrl_z_at_any_moment() {
    press_at_many_moments(CTRL_Z, "fg");
}

#[test]
fn a_killed_recycle_leaves_the_terminal_to_the_shell() {
    in_shells(|run| {
        run.enter("$W $F ready forever");
        let pids = ready(run);
        send_signal(pids[pids.len() - 1], libc::SIGKILL);
        assert_eq!(status(run), 137);
        all_gone(run, &pids);
    });
}

#[test]
fn a_recycle_that_is_killed_while_stopped_leaves_nobody_behind() {
    in_shells(|run| {
        run.enter("$W $F ready forever");
        let pids = ready(run);
        suspend(run, &pids);
        send_signal(pids[pids.len() - 1], libc::SIGKILL);
        all_gone(run, &pids);
    });
}

#[test]
fn term_ends_what_is_stopped_once_it_goes_on() {
    in_shells(|run| {
        run.enter("$W $F trap:TERM:exit=6 ready forever");
        let pids = ready(run);
        suspend(run, &pids);
        send_signal(pids[pids.len() - 1], libc::SIGTERM);
        run.enter("fg");
        run.await_entries(1, "got TERM");
        assert_eq!(status(run), 6);
    });
}

/// Long enough for a key that is pressed at its beginning.
const PLANNED: &str = "--map-signal USR1:recycle --stop-timeout 2s";

/// A stop has its time, whatever is typed meanwhile.
#[test]
fn ctrl_z_during_a_planned_stop_does_not_hold_it_up() {
    let mut run = shell(BASH, "");
    run.enter(&format!("$R {PLANNED} -- $F ignore:TERM foreground ready forever"));
    let pids = ready(&mut run);
    send_signal(pids[1], libc::SIGUSR1);
    run.press(CTRL_Z);
    let second = run.await_entry(2, "ready").pid;
    assert_eq!(had_the_foreground(&run), [true, true]);
    suspend(&mut run, &[second, pids[1]]);
    foreground(&mut run, &[second, pids[1]]);
    run.press(CTRL_C);
    assert_eq!(status(&mut run), 130);
}

#[test]
fn ctrl_z_during_a_planned_stop_stops_nothing_where_no_shell_waits() {
    let run = Run::new(PLANNED).on_terminal();
    let mut run = run.fixture("ignore:TERM foreground ready forever").spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.press(CTRL_Z);
    run.await_entry(2, "ready");
    assert_eq!(had_the_foreground(&run), [true, true]);
    run.press(CTRL_C);
    assert_eq!(run.finish(), End::Signal(libc::SIGINT));
}

/// The line that `recycle` writes then must not stop it either.
#[test]
fn a_background_that_may_not_write_is_stopped_like_one_that_reads() {
    in_shells(|run| {
        run.enter("stty tostop; $W $F ready wait-file:go print:hello exit:4");
        let pids = ready(run);
        suspend(run, &pids);
        run.enter("bg");
        await_stopped(run, &pids, false);
        run.touch("go");
        await_stopped(run, &pids, true);
        run.enter("fg");
        run.await_screen("hello");
        assert_eq!(status(run), 4);
    });
    let mut run = shell(BASH, "");
    run.enter(&format!("stty tostop; $R {PLANNED} -- $F ready forever"));
    let pids = ready(&mut run);
    suspend(&mut run, &pids);
    run.enter("bg");
    await_stopped(&mut run, &pids, false);
    send_signal(pids[1], libc::SIGUSR1);
    run.await_screen("generation 1 recycled");
    run.await_entry(2, "ready");
    await_stopped(&mut run, &pids[1..2], false);
}
