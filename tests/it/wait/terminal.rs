//! Keys while nobody lives: they mean what they mean to a program that waits for a line.

use super::{ASKED, MODES, READER, assert_alone, await_asleep, start};
use crate::harness::{End, Kind, Running, look_up};
use crate::terminal::{BASH, DASH, shell};

fn asleep(mode: &str, script: &str) -> Running {
    let (mut run, _) = start(Kind::Terminal, &format!("{ASKED} --stdin {mode}"), script);
    run.await_entry(1, "ready");
    run.recycle();
    await_asleep(&mut run, 1);
    run
}

#[test]
fn ctrl_c_and_ctrl_backslash_end_it() {
    for mode in MODES {
        for (key, signal) in [("\x03", libc::SIGINT), ("\x1c", libc::SIGQUIT)] {
            let mut run = asleep(mode, READER);
            run.press(key);
            assert_eq!(run.finish(), End::Signal(signal), "{mode}");
            assert_eq!(run.generations(), 1);
        }
    }
}

/// Of a line that is not complete nobody can see anything.
#[test]
fn a_line_that_is_being_typed_wakes_nobody() {
    for mode in MODES {
        let mut run = asleep(mode, READER);
        run.press("abc");
        run.await_screen("abc");
        assert_alone(&run);
        run.press("d\r");
        run.await_entry(2, "echoed 5");
        assert_eq!(run.generations(), 2);
    }
}

/// It is input to who reads it: the end of it. Only reading tells, which is COMMAND's.
#[test]
fn ctrl_d_ends_it() {
    for (mode, generations) in [("inherit", 2), ("lines", 1)] {
        let mut run = asleep(mode, "trap:TERM:exit=0 ready echo exit:0");
        run.press("\x04");
        assert_eq!(run.finish(), End::Code(0), "{mode}");
        assert_eq!(run.generations(), generations);
    }
}

#[test]
fn a_hangup_ends_it() {
    for mode in MODES {
        let mut run = asleep(mode, READER);
        run.hang_up();
        let end = run.finish();
        assert!([End::Code(0), End::Signal(libc::SIGHUP)].contains(&end), "{mode} {end:?}");
        assert_eq!(run.generations(), 1);
    }
}

#[test]
fn a_hangup_during_the_stop_ends_it() {
    for mode in ["inherit", "lines --drain-timeout 0s"] {
        let script = "trap:HUP trap:TERM:exit=3:after=500ms ready forever";
        let options = format!("{ASKED} --stdin {mode}");
        let (mut run, _) = start(Kind::Terminal, &options, script);
        run.await_entry(1, "ready");
        run.recycle();
        run.await_entry(1, "got TERM");
        run.hang_up();
        assert_eq!(run.finish(), End::Code(3), "{mode}");
        assert_eq!(run.generations(), 1);
    }
}

/// Starts it from a shell, in whose foreground it sleeps. Returns its pid.
fn asleep_in(run: &mut Running, mode: &str) -> i32 {
    let options = format!("{ASKED} --stdin {mode}");
    run.enter(&format!("$R {options} -- $F {READER} exit:4 2>stderr"));
    let pid = look_up(run.await_entry(1, "ready").pid).unwrap().parent;
    crate::harness::send_signal(pid, libc::SIGUSR1);
    run.await_stderr(super::WAITING);
    await_state(run, pid, 'S');
    pid
}

fn await_state(run: &mut Running, pid: i32, state: char) {
    run.wait_for(&format!("{pid} in state {state}"), |_| {
        look_up(pid).filter(|it| it.state == state).map(|_| ())
    });
}

#[test]
fn ctrl_z_and_fg_stop_it_and_let_it_wait_on() {
    for words in [BASH, DASH] {
        for mode in MODES {
            let mut run = shell(words, "");
            let pid = asleep_in(&mut run, mode);
            run.await_foreground(look_up(pid).unwrap().group);
            for _ in 0..2 {
                run.press("\x1a");
                await_state(&mut run, pid, 'T');
                run.await_foreground(run.pid());
                run.enter("fg");
                run.await_foreground(look_up(pid).unwrap().group);
                await_state(&mut run, pid, 'S');
            }
            assert_eq!(run.generations(), 1);
            run.enter("typed");
            run.await_entry(2, "echoed 6");
            run.press("\x04");
            run.await_foreground(run.pid());
            run.enter("echo \"status=$?\"");
            assert_eq!(run.await_number("status="), 4);
        }
    }
}
