//! Commands of the user's own: `--on-event` and `--pre-stop`.

mod on_event;
mod pre_stop;

use crate::harness::{End, Run, Running, fixture_path};
use std::fs;

/// In both hooks `$F` is the fixture, which journals itself as belonging to no generation.
fn with_hook(options: &str, variable: &str, hook: &str) -> Run {
    Run::new(options).env("F", fixture_path()).env(variable, hook)
}

/// The lines of a file that a hook writes, once there are so many.
fn await_lines(run: &mut Running, file: &str, number: usize) -> Vec<String> {
    let path = run.dir().join(file);
    run.wait_for(&format!("{number} lines in {file}"), |_| {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        (lines.len() >= number).then_some(lines)
    })
}

fn lines(run: &Running, file: &str) -> Vec<String> {
    let text = fs::read_to_string(run.dir().join(file)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Scratch images have no shell: better to know that before there is something to tell.
#[test]
fn without_a_shell_nothing_is_started() {
    let hide = "mount --bind /dev/null /bin/sh; exec \"$@\"";
    for options in ["--max-lifetime 1h --pre-stop true", "--on-event true"] {
        let run = Run::new(options).through(["unshare", "--mount", "bash", "-c", hide, "bash"]);
        let (end, run) = run.fixture("exit:0").finish();
        assert_eq!(end, End::Code(125));
        let line = "recycle: --on-event, --pre-stop: /bin/sh cannot be executed: ";
        assert!(run.stderr().starts_with(line), "{}", run.stderr());
        assert_eq!((run.stderr().lines().count(), run.journal().len()), (1, 0));
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (variable, options, line) in [
        ("RECYCLE_ON_EVENT", "", "RECYCLE_ON_EVENT ' ': expected a command for /bin/sh"),
        ("RECYCLE_PRE_STOP", "--idle 1h", "RECYCLE_PRE_STOP ' ': expected a command for /bin/sh"),
    ] {
        let (end, run) = with_hook(options, variable, " ").fixture("exit:0").finish();
        assert_eq!((end, run.stderr()), (End::Code(125), format!("recycle: {line}\n")));
    }
    for (options, line) in [
        ("--pre-stop true", "--pre-stop 'true': requires --idle, --max-rss, "),
        ("--kill-rss 1G --pre-stop true", "--pre-stop 'true': requires --idle, --max-rss, "),
        ("--pre-stop-timeout 1s", "--pre-stop-timeout '1s': requires --pre-stop"),
        ("--pre-stop-timeout 0s --pre-stop true --idle 1h", "--pre-stop-timeout '0s': "),
    ] {
        let (end, run) = Run::new(options).fixture("exit:0").finish();
        assert_eq!(end, End::Code(125));
        assert!(run.stderr().starts_with(&format!("recycle: {line}")), "{}", run.stderr());
    }
}

/// Neither is COMMAND's: its memory is not counted, a recycle leaves it and what it leaves behind
/// alone, and it does not hold the next generation up.
#[test]
fn hooks_are_not_of_commands_tree() {
    let options = "--map-signal USR1:recycle --max-rss 60M --stop-timeout 1h";
    let hook = "test \"$RECYCLE_EVENT_GENERATION\" = 1 || exit 0\n\
                $F hold:100M orphan:1:setsid,mark:orphan,wait-file:go mark:hook wait-file:go";
    for (variable, generations) in [("RECYCLE_ON_EVENT", 4), ("RECYCLE_PRE_STOP", 1)] {
        let run = with_hook(options, variable, hook);
        let mut run = run.fixture("ready forever").spawn();
        run.await_entry(1, "ready");
        run.recycle();
        let hook = run.await_entries(1, "mark:hook")[0].pid;
        let orphan = run.await_entries(1, "mark:orphan")[0].pid;
        for generation in 2..=generations {
            run.await_entry(generation, "ready");
            run.recycle();
        }
        for pid in [hook, orphan] {
            assert!(crate::harness::lives(pid), "{variable}");
        }
        run.touch("go");
        run.await_gone(hook);
        run.await_gone(orphan);
        run.await_entry(generations + 1, "ready");
        assert!(!run.stderr().contains("rss"), "{}", run.stderr());
    }
}

/// It may write to standard error and read the event; nothing else of ours or of COMMAND's is open
/// in it, and signals are as COMMAND has them.
#[test]
fn a_hook_has_three_descriptors_and_commands_signals() {
    let run = with_hook("", "RECYCLE_ON_EVENT", "$F descriptors sigmask");
    let run = run.signals(&[libc::SIGUSR1], &[]).after_shell("exec 7</dev/null");
    let mut run = run.fixture("descriptors sigmask exit:3").spawn();
    assert_eq!(run.finish(), End::Code(3));
    let told = |generation: Option<u32>, what: &str| {
        let mut all = run.journal().into_iter();
        let told = all.find(|entry| entry.generation == generation && entry.text.starts_with(what));
        told.unwrap_or_else(|| panic!("no {what} of {generation:?}")).text
    };
    assert!(told(Some(1), "descriptors ").starts_with("descriptors 0 1 2 7"));
    assert_eq!(told(None, "descriptors "), "descriptors 0 1 2");
    // What was blocked is a shell's own choice.
    let ignored = |masks: String| masks.split_once("SigIgn=").unwrap().1.to_owned();
    assert_eq!(ignored(told(Some(1), "SigBlk")), ignored(told(None, "SigBlk")));
}
