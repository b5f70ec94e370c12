//! Text in a drawing: what of a log's text may be in it, how wide it is, and what of it fits. Pure.

/// How wide a text is in units of its font's size. Nobody knows the reader's font: this is a wide
/// one, so that text rather ends early than is cut.
pub(super) fn width(text: &str) -> f64 {
    let letter = |c: char| match c {
        'f' | 'i' | 'j' | 'l' | 'r' | 't' | 'I' | ' ' | '-' | '/' => 0.41,
        '.' | ',' | ':' | ';' | '\'' | '|' | '(' | ')' => 0.41,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 1.0,
        '\u{1100}'.. => 1.1,
        'A'..='Z' => 0.72,
        _ => 0.63,
    };
    text.chars().map(letter).sum()
}

/// The text without what XML forbids (XML 1.0, 2.2) and what would turn or hide the text around it.
/// Markup is escaped by who writes it.
pub(super) fn clean(text: &str) -> String {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|c| if bad(c) { '\u{fffd}' } else { c }).collect()
}

/// The beginning of a text that is too wide.
pub(super) fn shorten(text: &str, room: f64) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if width(&kept) + width("…") > room {
            kept.pop();
            break;
        }
    }
    kept + "…"
}

/// Phrases in lines, with a separator between those on the same line.
pub(super) fn lines(phrases: &[String], separator: &str, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for phrase in phrases {
        match lines.last_mut() {
            Some(line) if width(line) + width(separator) + width(phrase) <= room => {
                line.push_str(separator);
                line.push_str(phrase);
            }
            _ => lines.push(shorten(phrase, room)),
        }
    }
    lines
}

/// Which of these stretches can stand in one line without touching, those first in the list first.
pub(super) fn apart(stretches: &[(i32, i32)]) -> Vec<bool> {
    let mut taken: Vec<(i32, i32)> = Vec::new();
    let mut place = |&(from, to): &(i32, i32)| {
        let at = taken.partition_point(|(other, _)| *other < from);
        let before = at.checked_sub(1).and_then(|before| taken.get(before));
        let free = before.is_none_or(|(_, end)| *end <= from)
            && taken.get(at).is_none_or(|(start, _)| to <= *start);
        if free {
            taken.insert(at, (from, to));
        }
        free
    };
    stretches.iter().map(&mut place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_xml_forbids_is_left() {
        assert_eq!(clean("a\u{0}b\u{1b}[31m\nc\u{202e}d\u{ffff}é✓"), "a�b�[31m�c�d�é✓");
    }

    #[test]
    fn what_is_too_wide_ends_early() {
        assert_eq!(shorten("worker", 10.0), "worker");
        let short = shorten("a-very-long-name-of-a-worker", 8.0);
        assert!(short.starts_with("a-very-") && short.ends_with('…'), "{short}");
        assert!(width(&short) <= 8.0, "{short}");
        assert_eq!(shorten("漢字漢字", 3.0), "漢…");
        assert_eq!(shorten("worker", 0.0), "…");
    }

    #[test]
    fn phrases_are_broken_between_them() {
        let phrases = ["one two".to_owned(), "three".to_owned(), "four".to_owned()];
        assert_eq!(lines(&phrases, "; ", 100.0), ["one two; three; four"]);
        assert_eq!(lines(&phrases, "; ", 8.0), ["one two; three", "four"]);
        assert_eq!(lines(&phrases, "; ", 1.2), ["…", "…", "…"]);
    }

    #[test]
    fn words_that_would_touch_are_left_out() {
        assert_eq!(
            apart(&[(10, 20), (15, 25), (20, 30), (0, 10), (5, 8)]),
            [true, false, true, true, false]
        );
        assert_eq!(apart(&[(10, 20), (0, 100)]), [true, false]);
    }
}
