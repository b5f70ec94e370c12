//! With no option at all COMMAND cannot tell that `recycle` is there.

use crate::harness::{End, Run};
use std::fs;

/// What the command prints, alone and under `recycle`.
fn alone_and_wrapped(setup: impl Fn(Run) -> Run) -> [String; 2] {
    [Run::bare(), Run::new("")].map(|run| {
        let (end, run) = setup(run).finish();
        assert_eq!(end, End::Code(0));
        assert_eq!(run.stderr(), "");
        run.stdout()
    })
}

#[test]
fn signals_are_blocked_ignored_and_caught_as_without_it() {
    let sets: [(&[i32], &[i32]); 5] = [
        (&[], &[]),
        (&[libc::SIGPIPE], &[]),
        (&[libc::SIGPIPE, libc::SIGCHLD, libc::SIGHUP, libc::SIGTERM, libc::SIGTSTP], &[]),
        (&[], &[libc::SIGCHLD, libc::SIGTERM, libc::SIGUSR1, libc::SIGPIPE, libc::SIGALRM]),
        (&[libc::SIGINT, libc::SIGRTMIN()], &[libc::SIGRTMIN() + 1, libc::SIGWINCH, libc::SIGINT]),
    ];
    for (ignored, blocked) in sets {
        let [alone, wrapped] =
            alone_and_wrapped(|run| run.signals(ignored, blocked).fixture("sigmask"));
        assert_eq!(alone, wrapped, "ignored {ignored:?}, blocked {blocked:?}");
    }
}

#[test]
fn descriptors_are_as_without_it() {
    let list = "ls /proc/$$/fd; readlink /proc/$$/fd/5 /proc/$$/fd/7";
    let [alone, wrapped] = alone_and_wrapped(|run| {
        run.after_shell("exec 5</dev/zero 7>/dev/null").command(["sh", "-c", list])
    });
    assert_eq!(alone, wrapped);
    assert!(alone.contains("/dev/zero\n/dev/null\n"), "{alone}");
}

#[test]
fn only_the_generation_is_added_to_the_environment() {
    let [alone, wrapped] = alone_and_wrapped(|run| {
        let clean = "env | grep -v -e ^RECYCLE_GENERATION=1$ -e ^FIXTURE_JOURNAL= -e ^PWD= | sort";
        run.env("SOME", "thing").command(["sh", "-c", clean])
    });
    assert_eq!(alone, wrapped);
    assert!(alone.contains("SOME=thing"));
}

#[test]
fn input_output_and_arguments_pass_through() {
    let run = Run::new("");
    fs::write(run.dir().join("input"), "some text\n").unwrap();
    let input = fs::File::open(run.dir().join("input")).unwrap();
    let (end, run) = run
        .stdin(input)
        .command(["sh", "-c", "cat; printf '%s|' \"$@\"; echo no >&2", "sh", "-q", "", "a b"])
        .finish();
    assert_eq!(end, End::Code(0));
    assert_eq!(run.stdout(), "some text\n-q||a b|");
    assert_eq!(run.stderr(), "no\n");
}

#[test]
fn socket_activation_names_command() {
    for (shell, test) in [
        (
            "export LISTEN_PID=$$ WATCHDOG_PID=$$ SYSTEMD_EXEC_PID=$$ LISTEN_PIDFDID=5",
            "test $LISTEN_PID,$WATCHDOG_PID,$SYSTEMD_EXEC_PID,$LISTEN_PIDFDID = $$,$$,$$,",
        ),
        (
            "export LISTEN_PID=1 WATCHDOG_PID=1 SYSTEMD_EXEC_PID=1 LISTEN_PIDFDID=5",
            "test $LISTEN_PID,$WATCHDOG_PID,$SYSTEMD_EXEC_PID,$LISTEN_PIDFDID = 1,1,1,5",
        ),
    ] {
        let run = Run::new("").after_shell(shell).command(["sh", "-c", test]);
        assert_eq!(run.finish().0, End::Code(0), "{shell}");
    }
}

/// `recycle [OPTIONS] COMMAND` needs no `--`, and takes nothing that stands after COMMAND.
#[test]
fn options_end_at_command() {
    let dashes = Run::new("--").fixture("exit:3");
    assert_eq!(dashes.finish().0, End::Code(3));
    let (end, run) = Run::new("").command(["echo", "--version", "--idle", "nonsense"]).finish();
    assert_eq!((end, run.stdout().as_str()), (End::Code(0), "--version --idle nonsense\n"));
}
