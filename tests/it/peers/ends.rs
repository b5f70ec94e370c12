//! How they end, and with whom.

use super::{EQUAL, Row, Wrapper, check, ready, settled, yes_or_no};
use crate::exit_status::deadly;
use crate::harness::{End, Run, let_pass, lives};
use std::fs;
use std::time::Duration;

pub(super) const ROWS: &[Row] = &[
    Row {
        about: "COMMAND's exit status is passed on",
        probe: status,
        found: ["yes", "yes", "yes"],
        verdict: EQUAL,
    },
    Row {
        about: "COMMAND died by signal N",
        probe: |wrapper| death(|| wrapper.run()),
        found: ["dies by N, too", "status 128 + N", "status 128 + N"],
        verdict: "better: a shell's loop ends at Ctrl-C, `WIFSIGNALED` is true",
    },
    Row {
        about: "the same as PID 1",
        probe: |wrapper| death(|| wrapper.as_pid_1()),
        found: ["status 128 + N", "status 128 + N", "status 128 + N"],
        verdict: EQUAL,
    },
    Row {
        about: "COMMAND is not found; it cannot be executed",
        probe: no_command,
        found: ["127; 126", "127; 126", "2; 2"],
        verdict: "better than `dumb-init`",
    },
    Row {
        about: "SIGCHLD ignored at the start",
        probe: ignored_child_signal,
        found: ["status is passed on", "never ends", "status is passed on"],
        verdict: "better than `tini`",
    },
    Row {
        about: "standard error closed",
        probe: closed_stderr,
        found: ["closed in COMMAND, too", "closed in COMMAND, too", "closed in COMMAND, too"],
        verdict: EQUAL,
    },
    Row {
        about: "COMMAND's environment",
        probe: environment,
        found: ["`RECYCLE_GENERATION` is added", "as it was", "as it was"],
        verdict: "different: theirs is the cleaner",
    },
    Row {
        about: "somebody KILLs it: COMMAND",
        probe: killed,
        found: ["is killed", "lives on", "lives on"],
        verdict: "better: nobody runs unwatched",
    },
];

fn status(wrapper: Wrapper) -> String {
    let sample = [0, 1, 2, 7, 42, 99, 124, 125, 126, 127, 128, 129, 137, 143, 200, 254, 255];
    let passes = |status: &i32| {
        let (end, _run) = wrapper.run().fixture(&format!("exit:{status}")).finish();
        end == End::Code(*status)
    };
    yes_or_no(sample.iter().all(passes))
}

fn death(run: impl Fn() -> Run) -> String {
    let ends = deadly().map(|signal| {
        let (end, _run) = run().fixture(&format!("die:{signal}")).finish();
        match end {
            End::Signal(number) if number == signal => "dies by N, too",
            End::Code(status) if status == 128 + signal => "status 128 + N",
            other => panic!("{signal}: {other:?}"),
        }
    });
    let mut ends: Vec<_> = ends.collect();
    ends.dedup();
    ends.join("; ")
}

fn no_command(wrapper: Wrapper) -> String {
    let run = wrapper.run();
    fs::write(run.dir().join("text"), "no program\n").unwrap();
    let ends = [wrapper.run().command(["/no/such/program"]), run.command(["./text"])];
    let ends = ends.map(|run| match run.finish().0 {
        End::Code(status) => status.to_string(),
        End::Signal(signal) => panic!("{wrapper:?}: {signal}"),
    });
    ends.join("; ")
}

/// The kernel itself reaps children then, and they leave no status.
fn ignored_child_signal(wrapper: Wrapper) -> String {
    let run = wrapper.run().signals(&[libc::SIGCHLD], &[]);
    let mut run = run.fixture("ready wait-file:go exit:7").spawn();
    let command = ready(&mut run);
    run.touch("go");
    run.await_reaped(command);
    // Tini looks at its children once a second.
    let_pass(Duration::from_millis(2500));
    match lives(run.pid()) {
        true => "never ends".to_owned(),
        false if run.finish() == End::Code(7) => "status is passed on".to_owned(),
        false => "ends with another status".to_owned(),
    }
}

fn closed_stderr(wrapper: Wrapper) -> String {
    let list = ["sh", "-c", "ls /proc/$$/fd; exit 7"];
    let [alone, wrapped] = [&[][..], &wrapper.words(None)].map(|words| {
        // A wrapper that is started by a shell which has closed it.
        let closing = ["sh", "-c", "exec \"$@\" 2>&-", "sh"].map(Into::into);
        let run = Run::bare().through(closing.into_iter().chain(words.iter().cloned()));
        let (end, run) = run.command(list).finish();
        assert_eq!(end, End::Code(7));
        run.stdout()
    });
    let as_told = alone == wrapped && !alone.lines().any(|number| number == "2");
    if as_told { "closed in COMMAND, too".to_owned() } else { format!("{alone:?} {wrapped:?}") }
}

fn environment(wrapper: Wrapper) -> String {
    let list = ["sh", "-c", "env | grep -v -e ^FIXTURE_JOURNAL= -e ^PWD= | sort"];
    let [alone, wrapped] = [Run::bare(), wrapper.run()].map(|run| {
        let (end, run) = run.env("SOME", "thing").command(list).finish();
        assert_eq!(end, End::Code(0));
        run.stdout()
    });
    let added = wrapped.lines().filter(|line| !alone.contains(line)).collect::<Vec<_>>();
    match &added[..] {
        [] if alone == wrapped => "as it was".to_owned(),
        ["RECYCLE_GENERATION=1"] => "`RECYCLE_GENERATION` is added".to_owned(),
        other => format!("{other:?}"),
    }
}

fn killed(wrapper: Wrapper) -> String {
    let mut run = wrapper.run().fixture("ready forever").spawn();
    let command = ready(&mut run);
    run.signal(libc::SIGKILL);
    assert_eq!(run.finish(), End::Signal(libc::SIGKILL));
    // What is killed with it was sent its KILL before anybody could know of its end.
    let lives_on = settled(&mut run, command) == 'S';
    if lives_on { "lives on" } else { "is killed" }.to_owned()
}

#[test]
fn ends_are_as_the_table_says() {
    check(ROWS);
}
