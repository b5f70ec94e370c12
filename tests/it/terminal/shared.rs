//! A command that is not alone on the terminal shares the group of `recycle`, as the members of a
//! pipeline share one, and all that is typed arrives once there, too.

use super::{
    BASH, CTRL_BACKSLASH, CTRL_C, await_stopped, group, in_bash, in_shells, ready, shell, status,
    suspend, times, with_ancestors,
};
use crate::harness::{End, Run, Running, fixture_path, recycle_path, tool};
use std::fs;

/// Ctrl-C reaches COMMAND once, though the kernel sends it to `recycle`, too.
fn assert_shared(run: &mut Running, pids: &[i32]) {
    pids.iter().for_each(|&pid| assert_eq!(group(pid), group(pids[0])));
    for number in 1..=3 {
        run.press(CTRL_C);
        run.await_entries(number, "got INT");
        assert_eq!(times(run, pids, "got INT"), number);
    }
}

#[test]
fn ctrl_c_arrives_once_where_input_is_no_terminal() {
    for redirection in ["<&-", "</dev/null", "</", "<>/dev/ptmx"] {
        in_bash(|run| {
            run.enter(&format!("$W $F trap:INT trap:RTMIN+1 ready forever {redirection}"));
            let pids = ready(run);
            assert_shared(run, &pids);
            run.press(CTRL_BACKSLASH);
            assert_eq!(status(run), 131);
        });
    }
}

#[test]
fn ctrl_c_arrives_once_in_a_pipeline() {
    for line in [
        "$W $F trap:INT trap:RTMIN+1 ready wait-file:go exit:3 | \
         $F ignore:INT mark count-stdin exit:4",
        "$F ignore:INT mark wait-file:go | $W $F trap:INT trap:RTMIN+1 ready wait-file:go exit:4",
        "$F ignore:INT mark wait-file:go | $W $F trap:INT trap:RTMIN+1 ready wait-file:go exit:3 | \
         $F ignore:INT mark count-stdin exit:4",
    ] {
        in_shells(|run| {
            run.enter(line);
            let pids = ready(run);
            // The others ignore Ctrl-C by then.
            run.await_entries(line.matches("mark").count(), "mark");
            assert_shared(run, &pids);
            run.touch("go");
            assert_eq!(status(run), 4);
        });
    }
}

#[test]
fn a_new_size_is_told_once_in_a_pipeline() {
    in_shells(|run| {
        run.enter("$W $F trap:WINCH trap:RTMIN+1 ready forever | $F count-stdin");
        let pids = ready(run);
        for number in 1..=3 {
            run.resize(24 + u16::try_from(number).unwrap());
            run.await_entries(number, "got WINCH");
            assert_eq!(times(run, &pids, "got WINCH"), number);
        }
    });
}

/// The shell waits until all of the pipeline has stopped.
#[test]
fn a_command_that_stops_itself_in_a_pipeline_stops_it() {
    in_bash(|run| {
        run.enter("$W sh -c 'kill -TSTP $$; exec $F ready forever' | $F mark exit:0");
        run.await_entries(1, "mark");
        run.await_foreground(run.pid());
        assert!(run.entries("ready").is_empty());
        run.enter("fg");
        let pids = ready(run);
        assert_eq!(run.foreground(), group(pids[0]));
        run.press(CTRL_C);
        assert_eq!(status(run), 0);
    });
}

#[test]
fn a_pipeline_stops_and_goes_on_as_a_whole() {
    in_shells(|run| {
        run.enter("$W $F ready forever | $F count-stdin");
        let mut pids = ready(run);
        pids.push(run.await_entry_not_by(pids[0], "count-stdin").pid);
        for _ in 0..2 {
            suspend(run, &pids);
            run.enter("fg");
            await_stopped(run, &pids, false);
            run.await_foreground(group(pids[0]));
        }
        run.press(CTRL_C);
        assert_eq!(status(run), 130);
    });
}

/// A pager, for one. Were COMMAND given the foreground, the reader would be stopped.
#[test]
fn a_pipelines_reader_may_read_the_terminal() {
    for pipe in ["|", "2>&1 >/dev/tty |"] {
        in_shells(|run| {
            run.enter(&format!("$W $F ready wait-file:go {pipe} $F read-tty"));
            ready(run);
            run.await_entries(1, "read-tty");
            run.enter("hello");
            run.await_entries(1, "line hello");
            run.touch("go");
            assert_eq!(status(run), 0);
        });
    }
}

/// A shell that takes its time to start the second member of a pipeline.
const LATE: &str = "\
import os, signal, sys, time
def job(group, ours, theirs, words):
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, group)
        if group == 0:
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.dup2(ours, theirs)
        os.execvp(words[0], words)
    return pid
output, input = os.pipe()
first = job(0, input, 1, sys.argv[2:])
while not os.path.exists('late'):
    time.sleep(0.01)
second = job(first, output, 0, [sys.argv[1], 'read-tty'])
sys.exit(any([os.waitpid(pid, 0)[1] for pid in (first, second)]))
";

#[test]
fn a_pipelines_reader_that_is_started_late_may_read_the_terminal() {
    let recycle = recycle_path().to_str().unwrap();
    for wrapper in [&[][..], &[recycle, "--"], &[recycle, "--", recycle, "--"]] {
        let run = Run::bare();
        fs::write(run.dir().join("shell"), LATE).unwrap();
        let fixture = fixture_path().to_str().unwrap();
        let python = tool("python3");
        let shell = [python.to_str().unwrap(), "shell", fixture];
        let script = [fixture, "ready", "wait-file:go"];
        let mut run = run.on_terminal().command(shell.iter().chain(wrapper).chain(&script)).spawn();
        ready(&mut run);
        run.touch("late");
        run.await_entries(1, "read-tty");
        run.enter("hello");
        run.await_entries(1, "line hello");
        run.touch("go");
        assert_eq!(run.finish(), End::Code(0));
    }
}

#[test]
fn ctrl_c_ends_a_scripts_loop() {
    for shell in ["sh", "bash"] {
        in_shells(|run| {
            run.enter(&format!("{shell} -c 'while :; do $W $F ready forever; done'"));
            ready(run);
            run.press(CTRL_C);
            assert_eq!(status(run), 130);
            assert_eq!(run.entries("ready").len(), 1);
        });
    }
}

fn catches_int(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mut sets = status.lines().filter_map(|line| line.strip_prefix("SigCgt:\t"));
    u64::from_str_radix(sets.next().unwrap(), 16).unwrap() & 1 << (libc::SIGINT - 1) != 0
}

#[test]
fn a_scripts_loop_goes_on_where_ctrl_c_was_handled() {
    in_shells(|run| {
        let command = "$W $F trap:INT:exit=0 ready forever";
        run.enter(&format!("bash -c 'for i in 1 2; do {command}; done; exit 7'"));
        for number in 1..=2 {
            let command = run.await_entries(number, "ready")[number - 1].pid;
            let script = *with_ancestors(run, command).last().unwrap();
            // Before it waits for its command, Ctrl-C ends it.
            run.wait_for("a script that waits", |_| catches_int(script).then_some(()));
            run.press(CTRL_C);
        }
        assert_eq!(status(run), 7);
    });
}

#[test]
fn a_script_stops_and_goes_on_as_a_whole() {
    in_shells(|run| {
        run.enter("sh -c '$W $F trap:INT trap:RTMIN+1 ready forever; exit'");
        // And the script's shell.
        let pids = ready(run);
        for _ in 0..2 {
            suspend(run, &pids);
            run.enter("fg");
            await_stopped(run, &pids, false);
            run.await_foreground(group(pids[0]));
        }
        run.press(CTRL_C);
        run.await_entries(1, "got INT");
        run.press(CTRL_BACKSLASH);
        assert_eq!(status(run), 131);
    });
}

#[test]
fn ctrl_c_ends_a_command_whose_output_the_shell_takes() {
    in_bash(|run| {
        run.enter("x=$($W $F foreground ready read-line print:words forever)");
        run.await_entries(1, "ready");
        run.enter("hello");
        run.await_entries(1, "line hello");
        run.press(CTRL_C);
        assert_eq!(status(run), 130);
    });
}

/// Somebody whom `recycle` has as a child from the start, and who is no part of COMMAND.
#[test]
fn a_sidecar_keeps_the_terminal() {
    in_bash(|run| {
        run.enter("sh -c '$F mark read-tty & exec $W $F trap:INT trap:RTMIN+1 ready wait-file:go'");
        let pids = ready(run);
        // By then it ignores Ctrl-C, as whatever a script starts in the background.
        run.await_entries(1, "read-tty");
        assert_shared(run, &pids);
        run.enter("hello");
        run.await_entries(1, "line hello");
        run.touch("go");
        assert_eq!(status(run), 0);
    });
}

/// Else `recycle` would not hear of it, and start COMMAND again.
#[test]
fn ctrl_c_is_final_under_restart() {
    for (script, end) in [("trap:INT:exit=0", 0), ("trap:INT:exit=3", 3), ("mark", 130)] {
        for when in ["always", "on-failure"] {
            let mut run = shell(BASH, "");
            run.enter(&format!("$R --restart {when} -- $F {script} ready forever"));
            let pids = ready(&mut run);
            assert_eq!(group(pids[0]), group(pids[1]));
            run.press(CTRL_C);
            assert_eq!(status(&mut run), end);
            assert_eq!(run.generations(), 1);
        }
    }
}

#[test]
fn under_restart_keys_arrive_once_too() {
    let mut run = shell(BASH, "");
    run.enter("$R --restart always -- $F trap:INT trap:RTMIN+1 ready read-line exit:1");
    let pids = ready(&mut run);
    for _ in 0..2 {
        suspend(&mut run, &pids);
        super::foreground(&mut run, &pids);
    }
    // Without an INT before it, this end is not final.
    run.enter("hello");
    run.await_entry(2, "ready");
}
