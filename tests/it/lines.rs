//! `--stdin lines`: whatever becomes of COMMAND, each line is given once, whole and in order.
//!
//! What was written is held against the file in which COMMAND has kept what it was given, byte by
//! byte. The scripts say when COMMAND reads and when it ends; who writes says how much and when.

mod bursts;
mod crashes;
mod ends;
mod inputs;
mod kinds;
mod leavers;
mod long;
mod pressure;
mod programs;
mod silence;
mod stops;

use crate::harness::{End, Producer, Run, Running, let_pass};
use std::fs;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A recycle whenever a test wants one.
const ASKED: &str = "--map-signal USR1:recycle";

fn run(options: &str) -> Run {
    Run::new(&format!("--stdin lines {options}"))
}

/// Started, with somebody who writes into its standard input.
fn fed(run: Run) -> (Running, Producer) {
    let (producer, reader) = Producer::new();
    (run.stdin(reader).spawn(), producer)
}

/// With this in its standard input, and nothing after it. What fits into a pipe is there before it
/// starts, with its end.
fn given(run: Run, input: &[u8]) -> Running {
    let (mut producer, reader) = Producer::new();
    let (run, written) = (run.stdin(reader), producer.try_write(input).unwrap());
    let mut more = (written < input.len()).then_some(producer);
    let run = run.spawn();
    more.iter_mut().for_each(|producer| producer.write(&input[written..]));
    run
}

fn numbered(numbers: RangeInclusive<u32>) -> Vec<u8> {
    numbers.flat_map(|number| format!("{number}\n").into_bytes()).collect()
}

/// What COMMAND's `append` or `take` has kept.
fn kept(run: &Running) -> Vec<u8> {
    fs::read(run.dir().join("out")).unwrap_or_default()
}

/// Says where they part instead of printing megabytes.
fn assert_same(kept: &[u8], sent: &[u8]) {
    let same = kept.iter().zip(sent).take_while(|(kept, sent)| kept == sent).count();
    let near = |bytes: &[u8]| {
        let near = &bytes[same.saturating_sub(40)..(same + 40).min(bytes.len())];
        String::from_utf8_lossy(near).into_owned()
    };
    assert!(
        same == kept.len() && same == sent.len(),
        "{} bytes kept and {} sent; from {same} on they differ:\n{:?} was kept,\n{:?} was sent",
        kept.len(),
        sent.len(),
        near(kept),
        near(sent),
    );
}

fn await_kept(run: &mut Running, sent: &[u8]) {
    run.wait_for("all that was sent", |run| (kept(run).len() >= sent.len()).then_some(()));
    assert_same(&kept(run), sent);
}

/// Each generation was given whole lines, and read until its input ended.
fn assert_whole(run: &Running) {
    let shares = run.entries("appended");
    assert_eq!(shares.len(), run.entries("append").len(), "a generation did not see the end");
    let torn = shares.iter().find(|entry| !entry.text.ends_with(" whole"));
    assert!(torn.is_none(), "{torn:?} is not the last of {}", shares.len());
}

/// Nobody was told to end, and nobody is suspected of a loss.
fn assert_drained(run: &Running) {
    assert!(!run.stderr().contains("had taken"), "{}", run.stderr());
    for line in run.recycles() {
        assert!(line.contains(" (end of input, gone in "), "{line}");
    }
}

/// Numbers that are the same in each run (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// 1 to 2^`bits`, as often small as big.
    fn size(&mut self, bits: usize) -> usize {
        let most = 1 << self.below(bits + 1);
        1 + self.below(most)
    }
}

/// Writes all of it in pieces that begin and end anywhere, with pauses. After each of `parts` it
/// waits for another generation.
fn write_in_pieces(run: &mut Running, producer: &mut Producer, all: &[u8], parts: usize) {
    let mut random = Random(1);
    for part in all.chunks(all.len().div_ceil(parts)) {
        let mut rest = part;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(random.size(16).min(rest.len()));
            producer.write(piece);
            rest = after;
            if random.below(8) == 0 {
                let_pass(Duration::from_millis(u64::try_from(random.below(20)).unwrap()));
            }
        }
        let generations = run.entries("append").len();
        run.await_entries(generations + 1, "append");
    }
}

/// Every generation reads to the end of its input, which comes every 50 ms.
fn assert_passes(all: &[u8], parts: usize) -> Running {
    let (mut run, mut producer) = fed(run("--max-lifetime 50ms").fixture("append:out"));
    write_in_pieces(&mut run, &mut producer, all, parts);
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), all);
    assert_drained(&run);
    assert!(run.recycles().len() >= parts);
    run
}

#[test]
fn a_million_lines_come_once_and_in_order() {
    let run = assert_passes(&numbered(1..=1_000_000), 20);
    assert_whole(&run);
}

/// The workers by themselves, and who compares, do what the other tests take for granted.
#[test]
fn without_recycle_the_workers_keep_what_was_written() {
    let all = numbered(1..=1_000);
    for (script, part) in [
        ("append:out exit:3", &all[..]),
        ("take:all@out exit:3", &all),
        ("await-input:3893 bite:2 take:2@out bite:1 exit:3", b"2\n3\n".as_slice()),
        ("take:400@out append:out exit:3", &all),
    ] {
        let mut run = given(Run::bare().fixture(script), &all);
        assert_eq!(run.finish(), End::Code(3));
        assert_same(&kept(&run), part);
    }
}

#[test]
#[should_panic(expected = "from 4 on they differ")]
fn a_line_that_is_missing_is_seen() {
    assert_same(b"1\n2\n4\n", b"1\n2\n3\n4\n");
}

#[test]
#[should_panic(expected = "from 6 on they differ")]
fn a_line_that_came_twice_is_seen() {
    assert_same(b"1\n2\n3\n3\n", b"1\n2\n3\n");
}

#[test]
#[should_panic(expected = "is not the last of 1")]
fn a_line_that_was_torn_is_seen() {
    let mut run = given(Run::bare().fixture("append:out"), b"1\n2");
    run.finish();
    assert_whole(&run);
}
