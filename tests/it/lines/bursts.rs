//! How many lines a generation had taken in its last moments: those that it has read whole since
//! its pipe was last found empty.

use super::crashes::warnings;
use super::{ASKED, assert_same, fed, given, kept, numbered, run};
use crate::harness::{End, Running};

const RESTARTED: &str = "--restart on-failure --backoff 1ms..1ms --max-restarts 100/1h";

const TEN: &[u8] = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";

/// Ten lines at once, of which the first generation does this before it crashes. The next one
/// takes what is left.
fn crashed(script: &str) -> Running {
    let script = format!("once:await-input:21 {script} once:die:SEGV take:all@out");
    let mut run = given(run(RESTARTED).fixture(&script), TEN);
    assert_eq!(run.finish(), End::Code(0));
    run
}

#[test]
fn lines_that_were_read_whole_are_counted() {
    let run = crashed("once:take:3@out once:bite:1");
    assert_same(&kept(&run), TEN);
    assert_eq!(warnings(&run), [(1, 3)]);
    let run = crashed("once:take:1@out");
    assert_same(&kept(&run), TEN);
    assert_eq!(warnings(&run), [(1, 1)]);
}

/// Nothing is left for a generation more, so there is none.
#[test]
fn all_of_them_may_have_been_taken() {
    let script = "await-input:21 take:10@out die:SEGV";
    let mut run = given(run(RESTARTED).fixture(script), TEN);
    assert_eq!(run.finish(), End::Signal(libc::SIGSEGV));
    assert_same(&kept(&run), TEN);
    assert_eq!(run.generations(), 1);
    assert_eq!(warnings(&run), [(1, 10)]);
}

#[test]
fn a_line_that_was_read_in_part_does_not_count() {
    for part in ["", "once:bite:1"] {
        let run = crashed(part);
        assert_same(&kept(&run), TEN);
        assert_eq!(warnings(&run), []);
    }
}

/// An empty pipe means that all before was dealt with.
#[test]
fn lines_of_a_burst_before_do_not_count() {
    let script = "once:await-input:21 once:take:10@out once:mark:first \
                  once:await-input:15 once:take:4@out once:bite:2 once:die:SEGV take:all@out";
    let (mut run, mut producer) = fed(run(RESTARTED).fixture(script));
    producer.write(TEN);
    run.await_entry(1, "mark:first");
    producer.write(b"11\n12\n13\n14\n15\n");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &numbered(1..=15));
    assert_eq!(warnings(&run), [(1, 4)]);
}

/// ... nor do those which are so long that what has been read is noted while others still come.
#[test]
fn long_lines_of_a_burst_before_do_not_count() {
    let script = "once:take:4@out once:mark:first \
                  once:await-input:15 once:take:4@out once:bite:2 once:die:SEGV take:all@out";
    let options = format!("{RESTARTED} --max-line 200K");
    let (mut run, mut producer) = fed(run(&options).fixture(script));
    let long = format!("{}\n", "x".repeat(190 << 10)).repeat(4);
    producer.write(long.as_bytes());
    run.await_entry(1, "mark:first");
    producer.write(b"11\n12\n13\n14\n15\n");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &[long.as_bytes(), &numbered(11..=15)].concat());
    assert_eq!(warnings(&run), [(1, 4)]);
}

/// ... and a pipe that is not empty means nothing.
#[test]
fn lines_that_came_while_some_were_left_are_counted_on() {
    // After three of ten lines 15 bytes are left, with four more lines 27.
    let script = "once:await-input:21 once:take:3@out once:mark:first \
                  once:await-input:27 once:take:8@out once:die:SEGV take:all@out";
    let (mut run, mut producer) = fed(run(RESTARTED).fixture(script));
    producer.write(TEN);
    run.await_entry(1, "mark:first");
    producer.write(b"11\n12\n13\n14\n");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &numbered(1..=14));
    assert_eq!(warnings(&run), [(1, 11)]);
}

#[test]
fn each_generation_has_a_count_of_its_own() {
    let script = "at:1:await-input:21 at:1:take:5@out at:1:bite:1 at:1:exit:1 \
                  at:2:await-input:11 at:2:take:2@out at:2:die:KILL \
                  at:3:await-input:7 at:3:exit:2 \
                  at:4:await-input:7 at:4:take:1@out at:4:exit:3 take:all@out";
    let mut run = given(run(RESTARTED).fixture(script), TEN);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), TEN);
    assert_eq!(warnings(&run), [(1, 5), (2, 2), (4, 1)]);
}

/// Who reads to its end and ends well has dealt with all of it, as far as anybody can know.
#[test]
fn of_a_generation_that_ends_well_nothing_is_said() {
    for end in ["take:all@out", "take:all@out exit:0"] {
        let script = format!("once:await-input:21 once:take:10@out once:mark:first {end}");
        let (mut run, mut producer) = fed(run(ASKED).fixture(&script));
        producer.write(TEN);
        run.await_entry(1, "mark:first");
        run.recycle();
        run.await_entry(2, "take");
        drop(producer);
        assert_eq!(run.finish(), End::Code(0));
        assert_same(&kept(&run), TEN);
        assert_eq!(warnings(&run), []);
    }
}

#[test]
fn one_that_fails_at_the_end_of_its_input_is_suspected() {
    let script = "once:await-input:21 once:take:10@out once:mark:first once:take:all@out \
                  once:exit:3 take:all@out";
    let (mut run, mut producer) = fed(run(ASKED).fixture(script));
    producer.write(TEN);
    run.await_entry(1, "mark:first");
    run.recycle();
    run.await_entry(2, "take");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), TEN);
    assert_eq!(warnings(&run), [(1, 10)]);
}

#[test]
fn machines_are_told_the_number() {
    let options = format!("{RESTARTED} --log-format json");
    let script = "once:await-input:21 once:take:3@out once:die:SEGV take:all@out";
    let mut run = given(run(&options).fixture(script), TEN);
    assert_eq!(run.finish(), End::Code(0));
    let stderr = run.stderr();
    let told: Vec<_> =
        stderr.lines().filter(|line| line.contains(r#""event":"lines_taken""#)).collect();
    assert!(told.len() == 1 && told[0].contains(r#""generation":1,"#), "{stderr}");
    assert!(told[0].contains(r#""lines":3,"#), "{stderr}");
}
