//! Where there is nothing that could wake it, `--then wait` is refused: one line, and nothing is
//! started.

use super::MODES;
use crate::harness::{End, Run};
use std::fs::File;

fn assert_refused(run: Run, names: &[&str]) {
    let (end, run) = run.fixture("exit:0").finish();
    let stderr = run.stderr();
    assert_eq!(end, End::Code(125), "{stderr}");
    assert_eq!((stderr.lines().count(), run.journal().len()), (1, 0), "{stderr}");
    for name in names.iter().copied().chain(["recycle: "]) {
        assert!(stderr.contains(name), "no {name:?} in {stderr}");
    }
}

#[test]
fn without_stdin_among_the_traffic() {
    for list in ["sockets", "tcp,udp", "inbound"] {
        let options = format!("--idle 1h --then wait --traffic {list}");
        assert_refused(Run::new(&options).stdin_pipe(), &["--then", "wait", "stdin", "--traffic"]);
    }
}

#[test]
fn where_standard_input_is_nothing_to_wait_for() {
    for mode in MODES {
        let options = format!("--max-lifetime 1h --then wait --stdin {mode}");
        let run = || Run::new(&options);
        let names = ["--then", "wait", "standard input"];
        assert_refused(run(), &names);
        assert_refused(run().stdin(tempfile::tempfile().unwrap()), &names);
        assert_refused(run().stdin(File::open("/dev/zero").unwrap()), &names);
        assert_refused(run().stdin(File::open("/").unwrap()), &names);
        assert_refused(run().after_shell("exec <&-"), &names);
    }
}

#[test]
fn without_anything_to_recycle_for() {
    assert_refused(Run::new("--then wait").stdin_pipe(), &["--then", "requires --idle, "]);
    let run = Run::new("--restart always --then wait").stdin_pipe();
    assert_refused(run, &["--then", "requires --idle, "]);
}
