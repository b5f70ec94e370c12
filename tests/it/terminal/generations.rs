//! At each end of COMMAND the terminal and its modes are taken back, at each start they are given
//! again.

use super::{
    BASH, CTRL_C, DASH, all_gone, await_stopped, foreground, foreground_running, group,
    had_the_foreground, in_dash, ready, shell, status, suspend,
};
use crate::harness::{End, Run, Running, copy_program, fixture_path, look_up, send_signal, tool};

/// Three generations, each killed with the terminal as it must not stay. `recycle` is COMMAND's
/// parent.
fn assert_all_find_it_as_the_first(run: &mut Running) {
    for generation in 1..=3 {
        let command = run.await_entry(generation, "ready").pid;
        run.await_entry(generation, "modes cooked");
        assert_eq!(run.foreground(), group(command));
        run.await_raw(true);
        if generation < 3 {
            send_signal(look_up(command).unwrap().parent, libc::SIGUSR1);
        }
    }
    assert_eq!(had_the_foreground(run), [true; 3]);
}

const PLANNED: &str = "--map-signal USR1:recycle --stop-timeout 200ms";
const RUDE: &str = "modes foreground ignore:TERM raw ready forever";

#[test]
fn after_a_kill_the_next_generation_finds_all_as_the_first_did() {
    for words in [BASH, DASH] {
        let mut run = shell(words, "");
        run.enter(&format!("$R {PLANNED} -- $F {RUDE}"));
        assert_all_find_it_as_the_first(&mut run);
    }
    let mut run = Run::new(PLANNED).on_terminal().fixture(RUDE).spawn();
    assert_all_find_it_as_the_first(&mut run);
}

#[test]
fn ctrl_c_ends_a_later_generation() {
    let mut run = shell(BASH, "");
    run.enter("$R --map-signal USR1:recycle -- $F foreground ready forever");
    let pids = ready(&mut run);
    send_signal(pids[1], libc::SIGUSR1);
    let second = run.await_entry(2, "ready").pid;
    suspend(&mut run, &[second, pids[1]]);
    foreground(&mut run, &[second, pids[1]]);
    run.press(CTRL_C);
    assert_eq!(status(&mut run), 130);
    assert_eq!(had_the_foreground(&run), [true, true]);
}

/// Dash leaves the modes alone: what is seen is what `recycle` has left.
fn raw_after(wrapper: &str, end: &str) -> bool {
    let mut run = shell(DASH, wrapper);
    run.enter(&format!("$W $F raw ready wait-file:go {end}"));
    let pids = ready(&mut run);
    run.await_raw(true);
    run.touch("go");
    all_gone(&mut run, &pids);
    run.await_foreground(run.pid());
    run.is_raw()
}

#[test]
fn modes_are_put_back_after_a_failure() {
    for end in ["exit:3", "die:TERM", "die:KILL", "die:SEGV"] {
        assert!(raw_after("", end), "the shell itself puts them back");
        assert!(!raw_after("R --", end), "{end}");
        assert!(!raw_after("R -- R --", end), "{end}");
    }
}

#[test]
fn modes_are_put_back_after_a_planned_end() {
    let mut run = shell(DASH, "");
    run.enter("$R --map-signal USR1:recycle --then exit -- $F raw trap:TERM:exit=0 ready forever");
    let pids = ready(&mut run);
    run.await_raw(true);
    send_signal(pids[1], libc::SIGUSR1);
    all_gone(&mut run, &pids);
    run.await_foreground(run.pid());
    assert!(!run.is_raw());
}

#[test]
fn modes_stay_after_success() {
    assert!(raw_after("R --", "exit:0"));
    assert!(raw_after("R -- R --", "exit:0"));
    in_dash(|run| {
        run.enter("$W stty -echo; $F mark");
        run.await_entries(1, "mark");
        assert!(!run.shows_keys());
        run.enter("$W stty echo; $F ready");
        run.await_entries(1, "ready");
        assert!(run.shows_keys());
    });
}

#[test]
fn under_restart_modes_are_put_back_for_the_next_generation() {
    let mut run = shell(DASH, "");
    run.enter("$R --restart always -- $F modes foreground at:1:raw at:1:die:SEGV ready forever");
    run.await_entry(1, "modes cooked");
    run.await_entry(2, "modes cooked");
    run.await_entry(2, "ready");
    assert_eq!(had_the_foreground(&run), [true, true]);
}

#[test]
fn a_generation_that_starts_in_the_background_stays_there() {
    for words in [BASH, DASH] {
        let mut run = shell(words, "");
        run.enter(
            "$R --map-signal USR1:recycle -- $F foreground ready wait-file:go read-tty exit:4",
        );
        let pids = ready(&mut run);
        suspend(&mut run, &pids);
        run.enter("bg");
        await_stopped(&mut run, &pids, false);
        send_signal(pids[1], libc::SIGUSR1);
        let second = run.await_entry(2, "ready").pid;
        assert_eq!(had_the_foreground(&run), [true, false]);
        assert_eq!(run.foreground(), run.pid());
        foreground_running(&mut run, &[second, pids[1]]);
        run.touch("go");
        // Whoever reads has the foreground, or gets it as soon as that shows.
        run.await_entry(2, "read-tty");
        run.enter("hello");
        run.await_entry(2, "line hello");
        all_gone(&mut run, &[second]);
        assert_eq!(status(&mut run), 4);
    }
}

/// The foreground was somebody else's of the tree, and is nobody's now.
#[test]
fn a_killed_shell_is_followed_by_one_that_works() {
    let mut run = shell(BASH, "");
    let bash = BASH.join(" ");
    run.enter(&format!("$R {PLANNED} -- {bash}"));
    run.enter("$F ready forever");
    let inner = look_up(run.await_entry(1, "ready").pid).unwrap().parent;
    assert_ne!(run.foreground(), group(inner));
    send_signal(look_up(inner).unwrap().parent, libc::SIGUSR1);
    run.await_screen("generation 1 recycled");
    run.enter("$F foreground ready forever");
    let second = run.await_entry(2, "ready").pid;
    assert_eq!(had_the_foreground(&run), [true]);
    assert_eq!(run.foreground(), group(second));
    let inner = look_up(second).unwrap().parent;
    run.press(CTRL_C);
    run.await_foreground(group(inner));
    run.enter("exit 3");
    assert_eq!(status(&mut run), 3);
}

#[test]
fn ctrl_c_ends_recycle_while_it_waits_to_restart() {
    for words in [BASH, DASH] {
        let mut run = shell(words, "");
        run.enter("$R --restart always --backoff 20s..30s -- $F ready exit:1");
        let command = run.await_entry(1, "ready").pid;
        run.await_reaped(command);
        run.press(CTRL_C);
        assert_eq!(status(&mut run), 130);
        assert_eq!(run.generations(), 1);
    }
}

/// When the kernel sent it to the group, nobody was there but `recycle`, which had decided on the
/// start by then, and reads it when the next generation is in its group, too.
#[test]
fn ctrl_c_right_before_a_generation_starts_ends_it() {
    let strace = tool("strace").into_os_string().into_string().unwrap();
    let held_up =
        "-o trace -e trace=rt_sigpending -e inject=rt_sigpending:delay_enter=2000000:when=2";
    let run = Run::new("--map-signal USR1:recycle").on_terminal();
    let run = run.through([strace.as_str()].into_iter().chain(held_up.split(' ')));
    let mut run = run.fixture("ready forever").spawn();
    let command = run.await_entry(1, "ready").pid;
    send_signal(look_up(command).unwrap().parent, libc::SIGUSR1);
    run.await_reaped(command);
    run.press(CTRL_C);
    assert_eq!(run.finish(), End::Signal(libc::SIGINT));
}

/// COMMAND had the foreground, and nobody is there any more to take Ctrl-C for it.
#[test]
fn ctrl_c_ends_recycle_after_a_failed_start() {
    for words in [BASH, DASH] {
        let mut run = shell(words, "");
        let command = run.dir().join("command");
        copy_program(fixture_path(), &command);
        // When it is gone before the stop, it is not stopped.
        let options = "--map-signal USR1:recycle --backoff 20s..30s --pre-stop 'rm command'";
        run.enter(&format!("$R {options} -- ./command ready forever"));
        let pids = ready(&mut run);
        assert_eq!(run.foreground(), group(pids[0]));
        send_signal(pids[1], libc::SIGUSR1);
        run.await_screen("No such file or directory");
        run.await_foreground(group(pids[1]));
        run.press(CTRL_C);
        assert_eq!(status(&mut run), 130);
    }
}

/// What was typed while nobody was there to read it is the next generation's.
#[test]
fn keys_pressed_between_generations_are_not_lost() {
    let script = "once:trap:TERM:exit=0:after=500ms ready once:forever read-line exit:4";
    let run = Run::new("--map-signal USR1:recycle").on_terminal();
    let mut run = run.fixture(script).spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entry(1, "got TERM");
    run.enter("hello");
    run.await_entry(2, "line hello");
    assert_eq!(run.finish(), End::Code(4));
}
