//! A generation that does not read to its end: what it had not taken is the next one's, from the
//! start of the line that it had read in part. How many lines it had taken is said.
//!
//! These workers read byte by byte, so that they have taken no more than they have kept.

use super::{ASKED, Random, assert_same, fed, given, kept, run};
use crate::harness::{End, Running, let_pass, send_signal};
use std::time::Duration;

const FAST: &str = "--backoff 1ms..1ms --max-restarts 100000/1h";

/// What each generation takes of these lines, and how many of them that is, until nothing is left.
struct Course {
    script: String,
    taken: Vec<usize>,
}

impl Course {
    /// Each waits until all that is left is in its pipe, takes some lines and a part of the next
    /// one, and ends with one of these. The last one takes the rest.
    fn new(all: &[u8], seed: u64, ends: &[&str]) -> Self {
        let mut random = Random(seed);
        let lines: Vec<_> = all.split_inclusive(|&byte| byte == b'\n').collect();
        let mut course = Self { script: String::new(), taken: Vec::new() };
        let mut left = &lines[..];
        while left.len() > 1 {
            let waits: usize = left.iter().map(|line| line.len()).sum();
            let taken = random.below(20).min(left.len() - 1);
            left = &left[taken..];
            // All but its last byte, at most.
            let part = random.below(left[0].len());
            let end = ends[random.below(ends.len())];
            course.taken.push(taken);
            let steps = format!("await-input:{waits} take:{taken}@out bite:{part} {end}");
            for step in steps.split(' ') {
                course.script += &format!("at:{}:{step} ", course.taken.len());
            }
        }
        course.script += "take:all@out";
        course
    }

    /// What is said about all of them but those that took nothing.
    fn assert_told(&self, run: &Running) {
        let told = self.taken.iter().enumerate().filter(|(_, taken)| **taken > 0);
        let told: Vec<_> = told.map(|(before, taken)| (before + 1, *taken)).collect();
        assert_eq!(warnings(run), told);
    }
}

/// The generations of which it was said that they had taken lines, and how many.
pub(super) fn warnings(run: &Running) -> Vec<(usize, usize)> {
    let stderr = run.stderr();
    let told = stderr.lines().filter_map(|line| {
        let (generation, rest) =
            line.strip_prefix("recycle: generation ")?.split_once(" had taken ")?;
        let (lines, words) = rest.split_once(" line")?;
        let one = " in its last moments, and may not have processed it";
        let many = "s in its last moments, and may not have processed them";
        assert_eq!(words, if lines == "1" { one } else { many });
        Some((generation.parse().unwrap(), lines.parse().unwrap()))
    });
    told.collect()
}

/// Short ones, that all fit into a pipe, some of them empty.
fn short_lines(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let lines = (1..=500).map(|number| {
        let more = ["", "\r", "\0\u{1}", ", and some more of it, and more"][random.below(4)];
        if random.below(10) == 0 { "\n".to_owned() } else { format!("{number}{more}\n") }
    });
    lines.collect::<String>().into_bytes()
}

#[test]
fn what_a_crashed_generation_had_not_taken_is_given_to_the_next() {
    for seed in 1..=2 {
        let all = short_lines(seed);
        let course = Course::new(&all, seed, &["die:SEGV", "exit:1", "die:KILL", "exit:255"]);
        let run = run(&format!("--restart on-failure {FAST}")).fixture(&course.script);
        let mut run = given(run, &all);
        assert_eq!(run.finish(), End::Code(0));
        assert_same(&kept(&run), &all);
        course.assert_told(&run);
    }
}

/// A recycle for each generation, which ends neither at the end of its input nor, mostly, at TERM.
#[test]
fn what_a_killed_generation_had_not_taken_is_given_to_the_next() {
    let all = short_lines(3);
    let stuck = "mark:stuck forever";
    let deaf = format!("ignore:TERM {stuck}");
    let course = Course::new(&all, 3, &[stuck, &deaf, &deaf]);
    let options = format!("{ASKED} --drain-timeout 5ms --stop-timeout 10ms");
    let mut run = given(run(&options).fixture(&course.script), &all);
    for (generation, _) in (1..).zip(&course.taken) {
        run.await_entry(generation, "mark:stuck");
        run.recycle();
    }
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &all);
    course.assert_told(&run);
    let recycles = run.recycles();
    assert!(recycles.iter().all(|line| line.contains(" (SIGTERM, ")), "{recycles:?}");
    assert!(recycles.iter().any(|line| line.contains(", SIGKILL after ")), "{recycles:?}");
}

/// At moments that nobody has chosen, while more comes: of each that is killed a line may be lost,
/// which it had read and not kept yet. No other, and none comes twice.
#[test]
fn a_kill_at_any_moment_loses_what_was_in_its_hands_at_most() {
    const LAST: u32 = 60_000;
    const KILLS: u32 = 20;
    const PARTS: usize = 21;
    // Of eight bytes each: a KILL can cut a write short between two pages of a file.
    let all: Vec<u8> = (1..=LAST).flat_map(|n| format!("{n:07}\n").into_bytes()).collect();
    let run = run(&format!("--restart always {FAST}")).fixture("take:all@out");
    let (mut run, mut producer) = fed(run);
    let mut random = Random(6);
    for (generation, part) in (1..).zip(all.chunks(all.len().div_ceil(PARTS))) {
        let command = run.await_entry(generation, "take").pid;
        for piece in part.chunks(random.size(12)) {
            producer.write(piece);
        }
        if generation > KILLS {
            break;
        }
        let_pass(Duration::from_millis(u64::try_from(random.below(5)).unwrap()));
        send_signal(command, libc::SIGKILL);
        run.await_reaped(command);
    }
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    let kept = String::from_utf8(kept(&run)).unwrap();
    let numbers: Vec<u32> = kept.lines().map(|line| line.parse().unwrap()).collect();
    let mut lost = 0;
    let mut before = 0;
    for number in numbers {
        assert!(
            [1, 2].contains(&(i64::from(number) - i64::from(before))),
            "{number} after {before}"
        );
        lost += number - before - 1;
        before = number;
    }
    assert!(lost <= KILLS, "{lost} lost");
    assert_eq!(before, LAST);
}

/// COMMAND has ended, and what it left behind reads on until that has ended, too.
#[test]
fn what_a_child_takes_after_its_parents_end_is_not_given_again() {
    let script = "once:child:ignore:TERM,mark:child,wait-file:go,take:2@out,bite:1,mark:taken \
                  once:wait-file:crash once:exit:1 take:all@out";
    let options = format!("--restart on-failure --stop-timeout 1h {FAST}");
    let mut run = given(run(&options).fixture(script), b"1\n2\n3\n4\n");
    let command = run.await_entry(1, "wait-file:crash").pid;
    run.await_entry(1, "mark:child");
    run.touch("crash");
    run.await_reaped(command);
    run.touch("go");
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), b"1\n2\n3\n4\n");
    assert_eq!(run.generations(), 2);
    assert_eq!(warnings(&run), [(1, 2)]);
}

/// Memory that cannot wait: no end of input for this one, but its lines are not lost.
#[test]
fn a_generation_that_is_killed_for_its_memory_leaves_its_lines_too() {
    let script = "once:await-input:9 once:take:2@out once:bite:1 once:leak:100M/s take:all@out";
    let mut run = given(run("--kill-rss 60M").fixture(script), b"1\n2\n3\n4\n5");
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), b"1\n2\n3\n4\n5");
    assert_eq!(run.await_entry(2, "take").reason.as_deref(), Some("kill-rss"));
    assert_eq!(warnings(&run), [(1, 2)]);
}
