//! Ctrl-C while a planned stop is under way: it ends what it would end without `recycle`.

use super::{BASH, CTRL_C, DASH, shell, status};
use crate::harness::{End, Run, Running, look_up, recycle_path, send_signal, tool};

const PLANNED: &str = "--map-signal USR1:recycle";

/// Has COMMAND, which traps TERM, asked to stop.
fn asked_to_stop(options: &str, script: &str) -> Running {
    let mut run = Run::new(options).on_terminal().fixture(script).spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entry(1, "got TERM");
    run
}

/// COMMAND has the foreground to itself, and takes its time: nobody else gets the key.
#[test]
fn ctrl_c_while_command_stops_ends_it() {
    for scope in ["", "--signal-scope group"] {
        let script = "trap:INT trap:TERM:exit=4:after=500ms ready forever";
        let mut run = asked_to_stop(&format!("{PLANNED} {scope}"), script);
        run.press(CTRL_C);
        assert_eq!(run.finish(), End::Code(4), "{scope}");
        assert_eq!(run.generations(), 1, "{scope}");
    }
}

/// The counter-test.
#[test]
fn without_a_key_the_next_generation_follows_and_nobody_is_left() {
    for scope in ["", "--signal-scope group"] {
        let script = "trap:INT trap:TERM:exit=4 ready forever";
        let mut run = asked_to_stop(&format!("{PLANNED} {scope}"), script);
        for generation in 2..=4 {
            let command = run.await_entry(generation, "ready").pid;
            assert_eq!(run.foreground(), command, "{scope}");
            let mut pids: Vec<_> = run.processes().iter().map(|process| process.pid).collect();
            pids.sort_unstable();
            let mut expected = [run.pid(), command];
            expected.sort_unstable();
            assert_eq!(pids, expected, "{scope}");
            run.recycle();
        }
    }
}

#[test]
fn ctrl_c_while_pre_stop_runs_ends_it() {
    let options = format!("{PLANNED} --pre-stop 'touch begun; while [ ! -e go ]; do :; done'");
    for words in [BASH, DASH] {
        let mut run = shell(words, "");
        // Its end is no end by a signal.
        run.enter(&format!("$R {options} -- $F trap:INT:exit=4 ready forever"));
        let command = run.await_entry(1, "ready").pid;
        send_signal(look_up(command).unwrap().parent, libc::SIGUSR1);
        run.wait_for("--pre-stop", |run| run.dir().join("begun").exists().then_some(()));
        run.press(CTRL_C);
        run.await_entry(1, "got INT");
        run.touch("go");
        assert_eq!(status(&mut run), 4);
        assert_eq!(run.generations(), 1);
    }
}

/// `recycle` is held up at the syscall where it learns that COMMAND is gone. The foreground group
/// has no other process by then.
#[test]
fn ctrl_c_right_after_commands_end_ends_it() {
    let strace = tool("strace").into_os_string().into_string().unwrap();
    let held_up = "-DDD -o trace -e trace=wait4 -e inject=wait4:delay_enter=2000000:when=1";
    let run = Run::new(PLANNED).on_terminal();
    let run = run.through([strace.as_str()].into_iter().chain(held_up.split(' ')));
    let mut run = run.fixture("ready forever").spawn();
    let command = run.await_entry(1, "ready").pid;
    assert_eq!(run.foreground(), command);
    run.recycle();
    run.await_gone(command);
    run.press(CTRL_C);
    assert_eq!(run.finish(), End::Signal(libc::SIGINT));
    assert_eq!(run.generations(), 1);
}

/// KILL goes to COMMAND's whole group, where the key came just before.
#[test]
fn ctrl_c_before_command_is_killed_ends_it() {
    let script = "trap:INT trap:TERM ready forever";
    for scope in ["", "--signal-scope group"] {
        let mut run = asked_to_stop(&format!("{PLANNED} {scope} --stop-timeout 500ms"), script);
        run.press(CTRL_C);
        assert_eq!(run.finish(), End::Signal(libc::SIGINT), "{scope}");
        assert_eq!(run.generations(), 1, "{scope}");
    }
}

/// COMMAND shares the group, and dies of the stop's TERM: a script around `recycle` is to end.
#[test]
fn ctrl_c_ends_a_script_though_command_died_of_the_stop() {
    let recycle = recycle_path().to_str().unwrap();
    let command = "ignore:INT ready wait-file:go unblock forever";
    let script =
        format!("{recycle} -v --restart always {PLANNED} -- \"$0\" {command}; echo went on");
    let fixture = crate::harness::fixture_path().to_str().unwrap();
    let run = Run::bare().on_terminal().term_held();
    let mut run = run.command(["bash", "-c", &script, fixture]).spawn();
    let command = run.await_entry(1, "ready").pid;
    let supervisor = look_up(command).unwrap().parent;
    send_signal(supervisor, libc::SIGUSR1);
    run.await_screen("recycling generation 1");
    run.press(CTRL_C);
    // It has been read when this is answered.
    run.await_screen("SIGINT not passed on");
    run.touch("go");
    assert_eq!(run.finish(), End::Signal(libc::SIGINT));
    assert!(!run.screen().contains("went on"), "{}", run.screen());
}
