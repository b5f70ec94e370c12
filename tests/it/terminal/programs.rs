//! Real programs that live on a terminal.

use super::{BASH, CTRL_C, CTRL_Z, await_stopped, foreground, group, in_bash, status, suspend};
use crate::harness::{Running, look_up, send_signal, tool};
use std::fs;

/// The program, when it has the terminal in its own mode, and each `recycle` around it.
fn await_program(run: &mut Running, name: &str) -> Vec<i32> {
    run.wait_for(name, |run| {
        let command = |pid| look_up(pid).map(|it| it.command).unwrap_or_default();
        let mut group = run.foreground();
        if !command(group).starts_with(name) {
            return None;
        }
        let mut pids = Vec::new();
        while group != run.pid() {
            pids.push(group);
            group = look_up(group)?.parent;
        }
        Some(pids)
    })
}

#[test]
fn bash_controls_its_jobs() {
    in_bash(|run| {
        run.enter(&format!("$W {}", BASH.join(" ")));
        // Its own job, so the shell inside is there.
        run.enter("$F ready forever");
        let job = run.await_entries(1, "ready")[0].pid;
        let inner = look_up(job).unwrap().parent;
        for _ in 0..2 {
            run.press(CTRL_Z);
            await_stopped(run, &[job], true);
            run.await_foreground(group(inner));
            foreground(run, &[job]);
        }
        run.press(CTRL_C);
        run.await_foreground(group(inner));
        run.enter("exit $(($? + 1))");
        assert_eq!(status(run), 131);
    });
}

#[test]
fn bash_suspends_itself() {
    in_bash(|run| {
        run.enter(&format!("$W {}", BASH.join(" ")));
        run.enter("$F ready wait-file:go; suspend; $F mark; exit 7");
        let inner = look_up(run.await_entries(1, "ready")[0].pid).unwrap().parent;
        run.touch("go");
        await_stopped(run, &[inner], true);
        run.await_foreground(run.pid());
        run.enter("fg");
        run.await_entries(1, "mark");
        assert_eq!(status(run), 7);
    });
}

#[test]
fn vi_edits_stops_and_goes_on() {
    tool("vi");
    in_bash(|run| {
        run.enter("$W vi -u NONE -n text");
        run.await_raw(true);
        let pids = await_program(run, "vi");
        run.press("ihello\x1b:w\r");
        let text = run.dir().join("text");
        let await_text = |run: &mut Running, wanted: &str| {
            run.wait_for(wanted, |_| (fs::read_to_string(&text).ok()? == wanted).then_some(()));
        };
        await_text(run, "hello\n");
        // It stops itself, and its whole group.
        suspend(run, &pids);
        run.await_raw(false);
        foreground(run, &pids);
        run.await_raw(true);
        run.press("oworld\x1b:w\r");
        await_text(run, "hello\nworld\n");
        // It says how to leave it, and stays.
        run.press(CTRL_C);
        run.await_screen("<Enter>");
        send_signal(pids[pids.len() - 1], libc::SIGTERM);
        assert_eq!(status(run), 143);
        run.await_raw(false);
    });
}

#[test]
fn less_shows_stops_and_goes_on() {
    tool("less");
    in_bash(|run| {
        let lines: String = (1..=1000).map(|number| format!("line {number}\n")).collect();
        fs::write(run.dir().join("text"), lines).unwrap();
        run.enter("$W less text");
        run.await_raw(true);
        let pids = await_program(run, "less");
        run.await_screen("line 23");
        suspend(run, &pids);
        foreground(run, &pids);
        run.await_raw(true);
        interrupt_less(run);
        run.press("G");
        run.await_screen("line 1000");
        run.press("q");
        assert_eq!(status(run), 0);
        run.await_raw(false);
    });
}

/// It takes this for a wish, not for an end: it rings and shows all once more. Whatever is pressed
/// before that is forgotten.
fn interrupt_less(run: &mut Running) {
    run.press(CTRL_C);
    run.await_screen("\x07");
    run.await_screen("23");
}

/// Its input is no terminal, so it reads the keys from `/dev/tty`.
#[test]
fn less_at_the_end_of_a_pipeline_takes_keys() {
    tool("less");
    for line in ["seq 1000 | $W less", "$W seq 1000 | less", "$W seq 1000 | $W less"] {
        in_bash(|run| {
            run.enter(line);
            run.await_raw(true);
            run.await_screen("23");
            interrupt_less(run);
            run.press("G");
            run.await_screen("1000");
            run.press("q");
            assert_eq!(status(run), 0);
            run.await_raw(false);
        });
    }
}

#[test]
fn python_is_interrupted_and_lives_on() {
    tool("python3");
    in_bash(|run| {
        run.enter("$W python3 -q");
        run.await_screen(">>> ");
        run.enter("import time; print('fall' + 'ing asleep'); time.sleep(1000)");
        run.await_screen("falling asleep");
        run.press(CTRL_C);
        run.await_screen("KeyboardInterrupt");
        run.enter("print('answer=%d' % (6 * 7))");
        assert_eq!(run.await_number("answer="), 42);
        run.enter("exit(3)");
        assert_eq!(status(run), 3);
    });
}
