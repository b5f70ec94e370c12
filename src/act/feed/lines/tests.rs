//! What is handed over, taken, and given again.

use super::*;

fn of(longest: usize) -> Lines {
    Lines::new(longest).unwrap()
}

/// Reads this in one go.
fn read(lines: &mut Lines, text: &[u8]) {
    lines.room()[..text.len()].copy_from_slice(text);
    lines.add(text.len());
}

fn next(lines: &Lines) -> String {
    String::from_utf8_lossy(lines.next()).into_owned()
}

fn hand_all(lines: &mut Lines) -> String {
    lines.note_empty();
    let text = next(lines);
    lines.hand(text.len());
    text
}

#[test]
fn only_whole_lines_are_handed_over() {
    let mut lines = of(100);
    read(&mut lines, b"one\ntw");
    assert_eq!(hand_all(&mut lines), "one\n");
    assert_eq!(next(&lines), "");
    assert!(lines.wants_more());
    read(&mut lines, b"o\n");
    assert!(!lines.wants_more(), "a line waits");
    assert_eq!(hand_all(&mut lines), "two\n");
}

#[test]
fn the_last_line_needs_no_end() {
    let mut lines = of(100);
    read(&mut lines, b"one\ntwo");
    assert_eq!(hand_all(&mut lines), "one\n");
    lines.end();
    assert!(!lines.is_through());
    assert_eq!(hand_all(&mut lines), "two");
    assert!(lines.is_through() && !lines.is_spent(2) && lines.is_spent(0));
    assert_eq!(lines.take_back(0), 1);
    assert!(lines.is_through(), "it is not given twice");
}

#[test]
fn what_was_not_read_whole_is_given_again_from_its_start() {
    let mut lines = of(100);
    read(&mut lines, b"one\ntwo\nthree\n");
    hand_all(&mut lines);
    // Read: one, two, and "th".
    assert_eq!(lines.take_back(4), 2);
    assert_eq!(next(&lines), "three\n");
}

#[test]
fn lines_are_counted_since_the_pipe_was_empty() {
    let mut lines = of(100);
    read(&mut lines, b"1\n2\n3\n");
    hand_all(&mut lines);
    read(&mut lines, b"4\n5\n");
    hand_all(&mut lines);
    assert_eq!(lines.take_back(2), 1);
    assert_eq!(hand_all(&mut lines), "5\n");
    assert_eq!(lines.take_back(0), 1);
}

#[test]
fn a_cut_lets_the_line_end_that_was_begun() {
    let mut lines = of(100);
    read(&mut lines, b"one\ntwo\nthree\n");
    lines.hand(5);
    lines.cut();
    assert!(lines.is_cut() && !lines.is_through());
    assert_eq!(next(&lines), "wo\n");
    lines.hand(3);
    assert!(lines.is_through());
    assert_eq!(next(&lines), "");
    lines.take_back(0);
    assert!(!lines.is_through());
    assert_eq!(next(&lines), "three\n");
}

#[test]
fn a_line_that_is_too_long_is_passed_in_pieces_and_not_cut() {
    let mut lines = of(4);
    read(&mut lines, b"1234\n12345");
    assert!(lines.was_too_long() && !lines.was_too_long());
    assert_eq!(hand_all(&mut lines), "1234\n12345");
    lines.cut();
    assert!(!lines.is_cut());
    read(&mut lines, b"67");
    assert_eq!(hand_all(&mut lines), "67");
    assert!(!lines.is_cut());
    read(&mut lines, b"8\nnext\n");
    assert!(lines.is_cut());
    assert_eq!(hand_all(&mut lines), "8\n");
    assert!(lines.is_through());
    lines.take_back(0);
    assert_eq!(next(&lines), "next\n");
}

#[test]
fn the_longest_line_is_not_too_long_however_it_comes() {
    for pieces in [&[b"ab\ncdef\ngh\n".as_slice()][..], &[b"ab\ncd", b"ef", b"\ngh\n"]] {
        let (mut fits, mut does_not) = (of(4), of(3));
        for piece in pieces {
            read(&mut fits, piece);
            read(&mut does_not, piece);
        }
        assert!(!fits.was_too_long() && does_not.was_too_long(), "{pieces:?}");
    }
}

#[test]
fn an_end_inside_a_line_that_is_too_long_ends_it() {
    let mut lines = of(4);
    read(&mut lines, b"123456");
    hand_all(&mut lines);
    lines.cut();
    lines.end();
    assert!(lines.is_cut() && lines.is_through());
}

/// Memory: what a pipe holds, one line, and what is read at a time.
#[test]
fn memory_is_bounded_and_given_back() {
    let longest = 1 << 20;
    let mut lines = of(longest);
    let mut unread = 0;
    for _ in 0..100 {
        // A line comes, and COMMAND has yet to read the end of the one before.
        while lines.arrived + CHUNK < longest {
            if !lines.has_room() {
                assert!(unread > 0, "somebody waits for nothing");
                unread = 0;
            }
            lines.note_unread(unread);
            let room = lines.room();
            room.fill(b'x');
            let count = room.len();
            lines.add(count);
            assert!(lines.touched <= longest + 3 * CHUNK, "{}", lines.touched);
        }
        lines.note_unread(0);
        read(&mut lines, b"\n");
        lines.note_empty();
        lines.hand(lines.next().len());
        unread = CHUNK;
    }
    for _ in 0..1_000 {
        lines.note_unread(0);
        read(&mut lines, b"short\n");
        hand_all(&mut lines);
    }
    assert!(lines.touched <= USUAL);
}

#[test]
fn no_choice_of_chunks_ends_recycles_and_kills_loses_a_line() {
    let mut state = 1_u64;
    for _ in 0..2_000 {
        let bytes: Vec<u8> = (0..300)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        model::live_as_chosen(&bytes);
    }
}
