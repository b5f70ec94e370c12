//! Lines of every kind: short and long, with any byte in them, and with nothing at all.

use super::{Random, assert_passes, assert_whole};

/// Lines of these lengths, their newlines included, of bytes that this makes of random ones.
fn lines(lengths: impl IntoIterator<Item = usize>, byte: impl Fn(u8) -> u8) -> Vec<u8> {
    let mut random = Random(2);
    let mut all = Vec::new();
    for length in lengths {
        let start = all.len();
        while all.len() + 1 < start + length {
            let eight = random.next().to_ne_bytes().map(&byte);
            let room = start + length - 1 - all.len();
            all.extend(&eight[..room.min(8)]);
        }
        all.push(b'\n');
    }
    all
}

/// As it comes, but never the end of a line.
fn any(byte: u8) -> u8 {
    if byte == b'\n' { b'\r' } else { byte }
}

fn letter(byte: u8) -> u8 {
    b'a' + byte % 26
}

/// 1 MiB without its newline is what `--max-line` allows by itself.
#[test]
fn lines_of_one_byte_to_one_mebibyte_stay_whole() {
    const MOST: usize = 1 << 20;
    let mut random = Random(3);
    let lengths = (0..150).map(|_| random.size(20)).chain([1, 2, MOST, MOST + 1, MOST + 1, 1]);
    let run = assert_passes(&lines(lengths, letter), 8);
    assert_whole(&run);
    assert!(!run.stderr().contains("--max-line"), "{}", run.stderr());
}

#[test]
fn a_return_is_a_byte_like_others() {
    let all: Vec<u8> = (1..=40_000).flat_map(|n| format!("line {n}\r\n").into_bytes()).collect();
    assert_whole(&assert_passes(&all, 5));
}

#[test]
fn nul_and_what_is_no_text_are_bytes_like_others() {
    let mut random = Random(4);
    let lengths: Vec<_> = (0..3_000).map(|_| random.size(9)).collect();
    assert_whole(&assert_passes(&lines(lengths.clone(), any), 5));
    // Nothing but these.
    assert_whole(&assert_passes(&lines(lengths.clone(), |_| 0), 3));
    assert_whole(&assert_passes(&lines(lengths, |byte| 0x80 | byte), 3));
}

#[test]
fn a_last_line_without_its_newline_is_given_as_it_is() {
    let all = [lines(vec![50; 5_000], letter), b"the last".to_vec()].concat();
    let run = assert_passes(&all, 5);
    let shares = run.entries("appended");
    let (last, others) = shares.split_last().unwrap();
    assert!(last.text.ends_with(" torn"), "{last:?}");
    assert!(others.iter().all(|share| share.text.ends_with(" whole")), "{others:?}");
}

#[test]
fn empty_lines_are_lines() {
    let mut random = Random(5);
    let lengths = (0..100_000).map(|_| 1 + random.below(3) / 2 * random.below(9));
    assert_whole(&assert_passes(&lines(lengths, letter), 5));
    // Nothing else.
    assert_whole(&assert_passes(&[b'\n'; 100_000], 3));
}
