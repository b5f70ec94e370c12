//! A line that is longer than `--max-line` cannot be handed over whole: it is said, and nothing
//! is recycled inside it.

use super::{ASKED, assert_same, assert_whole, fed, given, kept, run, write_in_pieces};
use crate::harness::{End, Running};

const KIB: usize = 1 << 10;

fn said(run: &Running) -> usize {
    let line = "recycle: a line on standard input is longer than 1K (--max-line): it is passed on \
                in pieces, and nothing is recycled inside it";
    let stderr = run.stderr();
    stderr
        .lines()
        .filter(|told| told.contains("--max-line"))
        .inspect(|told| assert_eq!(*told, line))
        .count()
}

fn line(letter: u8, bytes: usize) -> Vec<u8> {
    let mut line = vec![letter; bytes - 1];
    line.push(b'\n');
    line
}

#[test]
fn a_line_that_is_too_long_is_said_and_passed_on() {
    let all = [line(b'a', 30), line(b'b', 300 * KIB), line(b'c', 30)].concat();
    let mut run = given(run("--max-line 1K").fixture("append:out"), &all);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &all);
    assert_eq!(said(&run), 1);
}

/// Its end does not count.
#[test]
fn a_line_that_is_just_short_enough_is_a_line_like_others() {
    let all = [line(b'a', KIB), line(b'b', KIB + 1), line(b'c', 30)].concat();
    let mut run = given(run("--max-line 1K").fixture("append:out"), &all);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &all);
    assert_eq!(said(&run), 0);
}

/// So is one that the end of input ends.
#[test]
fn a_last_line_that_is_too_long_is_passed_on() {
    let all = [line(b'a', 30), vec![b'b'; 300 * KIB]].concat();
    let mut run = given(run("--max-line 1K").fixture("append:out exit:4"), &all);
    assert_eq!(run.finish(), End::Code(4));
    assert_same(&kept(&run), &all);
    assert_eq!(said(&run), 1);
}

/// Asked for inside the line: what is written after that comes to the same generation, up to the
/// line's end.
#[test]
fn a_recycle_waits_for_the_end_of_the_line() {
    let (mut run, mut producer) = fed(run(&format!("--max-line 1K {ASKED}")).fixture("append:out"));
    let pieces = [vec![b'a'; 40 * KIB], vec![b'b'; 40 * KIB], line(b'c', 40 * KIB)];
    producer.write(&pieces[0]);
    run.wait_for("a piece", |run| (kept(run).len() > KIB).then_some(()));
    run.recycle();
    // Signals are seen before input is.
    producer.write(&pieces[1]);
    run.wait_for("a piece after that", |run| kept(run).contains(&b'b').then_some(()));
    assert_eq!(run.generations(), 1);
    producer.write(&pieces[2]);
    run.await_entry(2, "append");
    producer.write(b"the next\n");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &[&pieces.concat(), &b"the next\n"[..]].concat());
    assert_whole(&run);
    assert_eq!(run.entries("appended")[0].number(), 120 << 10);
    assert!(run.recycles()[0].contains(" asked by SIGUSR1 "), "{:?}", run.recycles());
    assert_eq!(said(&run), 1);
}

/// Many of them, and a lifetime that ends anywhere.
#[test]
fn lines_that_are_too_long_are_not_torn() {
    let run = run("--max-line 1K --max-lifetime 50ms").fixture("append:out");
    let (mut run, mut producer) = fed(run);
    let mut all = Vec::new();
    for number in 1..=6 {
        let part: Vec<_> = (1..=10).flat_map(|size| line(b'a', size * number * 2_000)).collect();
        let part = [part, line(b'b', 9)].concat();
        write_in_pieces(&mut run, &mut producer, &part, 1);
        all.extend(part);
    }
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &all);
    assert_whole(&run);
}
