//! Programs that read as much as they can get, and print when they please: each line comes out
//! once, however often they are recycled in the middle of it.

use super::{ASKED, assert_drained, assert_same, fed, numbered, run};
use crate::harness::{End, tool};

const PYTHON: &str = "import sys\nfor line in sys.stdin: print(line, end='')";

const NODE: &str = "require('readline').createInterface({ input: process.stdin })\
                    .on('line', (line) => console.log(line))";

const SHELL: &str = "while IFS= read -r line; do printf '%s\\n' \"$line\"; done";

/// Each recycle comes while there is more than a pipe holds, and something follows it.
fn assert_prints_each_line_once(options: &str, command: &[&str], last: u32) {
    let program = tool(command[0]).display().to_string();
    let words = [program.as_str()].into_iter().chain(command[1..].iter().copied());
    let all = numbered(1..=last);
    let (mut run, mut producer) = fed(run(&format!("{ASKED} {options}")).command(words));
    // Before it listens to USR1, that would be its end.
    run.wait_for("COMMAND", |run| (run.processes().len() > 1).then_some(()));
    for (number, part) in all.chunks(all.len() / 4 + 1).enumerate() {
        let (before, after) = part.split_at(part.len() / 2);
        producer.write(before);
        run.recycle();
        producer.write(after);
        run.wait_for("a recycle", |run| (run.recycles().len() > number).then_some(()));
    }
    drop(producer);
    assert_eq!(run.finish(), End::Code(0), "{command:?}");
    assert_same(run.stdout().as_bytes(), &all);
    assert_drained(&run);
}

#[test]
fn python_prints_each_line_once() {
    assert_prints_each_line_once("", &["python3", "-c", PYTHON], 100_000);
    assert_prints_each_line_once("--max-lifetime 500ms", &["python3", "-c", PYTHON], 100_000);
}

#[test]
fn node_prints_each_line_once() {
    assert_prints_each_line_once("", &["node", "-e", NODE], 100_000);
    assert_prints_each_line_once("--max-lifetime 500ms", &["node", "-e", NODE], 100_000);
}

#[test]
fn awk_prints_each_line_once() {
    assert_prints_each_line_once("", &["awk", "{ print }"], 100_000);
    assert_prints_each_line_once("--max-lifetime 100ms", &["awk", "{ print }"], 100_000);
}

#[test]
fn a_shell_that_reads_prints_each_line_once() {
    assert_prints_each_line_once("", &["sh", "-c", SHELL], 60_000);
    assert_prints_each_line_once("--max-lifetime 100ms", &["sh", "-c", SHELL], 60_000);
}

#[test]
fn filters_print_each_line_once() {
    for command in [&["cat"][..], &["grep", "."], &["sed", "s/x/y/"], &["tr", "x", "y"]] {
        assert_prints_each_line_once("", command, 100_000);
    }
}
