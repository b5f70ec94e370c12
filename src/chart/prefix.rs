//! What honcho, foreman, docker compose, Heroku, kubectl or journald put before a line: where the
//! JSON object begins, and what the prefix calls the process. Pure, and knows nothing of schemas.

/// More objects than this are not tried in one line, nor any that begin later than this.
const MOST_OBJECTS: usize = 8;
const LONGEST_PREFIX: usize = 1024;

/// Each place in a line where an object may begin, up to the line's last brace; with what is
/// before it.
pub(super) fn objects(line: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let end = line.iter().rposition(|byte| *byte == b'}').map_or(0, |last| last + 1);
    let line = line.get(..end).unwrap_or_default();
    let begins = line.iter().enumerate().take(LONGEST_PREFIX).filter(|(_, byte)| **byte == b'{');
    begins.take(MOST_OBJECTS).filter_map(|(place, _)| line.split_at_checked(place))
}

/// What a prefix calls the process; `None`: nothing but a time.
pub(super) fn source(prefix: &[u8]) -> Option<String> {
    let text = without_colours(&String::from_utf8_lossy(prefix));
    // A name in a column of its own, as honcho and docker compose have it.
    let text = text.split_once(" | ").map_or(text.as_str(), |(column, _)| column);
    let words = text.split_whitespace().map(|word| word.trim_end_matches([':', '|', '>']));
    let words: Vec<_> = words.collect();
    let words = without_stream(&words);
    let words: Vec<_> = words.iter().copied().filter(|word| is_name(word)).collect();
    // As in syslog: behind the host, in front of the message.
    if let Some(tag) = words.iter().rev().find_map(|word| tagged(word)) {
        return Some(tag.to_owned());
    }
    (!words.is_empty()).then(|| words.join(" "))
}

/// What to call a process that has a name of its own, too. That of its COMMAND's file tells less
/// than the prefix, but a prefix may have more than one.
pub(super) fn called(source: &str, name: &str) -> String {
    let number = source.strip_prefix(name).map(|rest| rest.trim_start_matches(['.', '-', '_']));
    match number {
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => source.to_owned(),
        _ => format!("{source} ({name})"),
    }
}

/// `app[web.1]` is `web.1`, `app[4711]` is `app` under any process number, `[pod/web/app]` is
/// what is inside.
fn tagged(word: &str) -> Option<&str> {
    let (before, inside) = word.strip_suffix(']')?.split_once('[')?;
    Some(if is_name(inside) { inside } else { before }).filter(|tag| !tag.is_empty())
}

/// A container's log has the stream and whether the line is whole behind the time, and its name
/// nowhere (the kubelet's format, CRI).
fn without_stream<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    match words {
        [before @ .., time, "stdout" | "stderr", "F" | "P"] if !is_name(time) => before,
        _ => words,
    }
}

/// A time, a date or a number is none.
fn is_name(word: &str) -> bool {
    let mut before = None;
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        let after_digit = before.is_some_and(|c: char| c.is_ascii_digit());
        let of_a_time = after_digit
            && match (c, rest.peek()) {
                ('T', after) => after.is_some_and(char::is_ascii_digit),
                ('Z', after) => !after.is_some_and(|after| after.is_alphanumeric()),
                _ => false,
            };
        if c.is_alphabetic() && !of_a_time {
            return true;
        }
        before = Some(c);
    }
    false
}

/// Without the escape sequences that colour a terminal's text.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        let mut rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').chars();
        // The letter that ends the sequence.
        rest.next();
        plain + rest.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_names_a_process() {
        for (prefix, name) in [
            // honcho and foreman, with and without a terminal
            ("12:34:56 web.1     | ", Some("web.1")),
            ("\u{1b}[36m12:34:56 web.1 | \u{1b}[0m", Some("web.1")),
            // hivemind and overmind
            ("\u{1b}[1;38;5;2mweb  | \u{1b}[0m", Some("web")),
            // docker compose, and with --timestamps
            ("web-1  | ", Some("web-1")),
            ("web-1  | 2026-11-24T12:00:31.204Z ", Some("web-1")),
            // heroku logs
            ("2026-11-24T12:00:31.204000+00:00 app[web.1]: ", Some("web.1")),
            // kubectl logs --prefix; stern
            ("[pod/web-5d9f/app] ", Some("pod/web-5d9f/app")),
            ("web-5d9f app ", Some("web-5d9f app")),
            // journald: the number of the process is another one after each restart
            ("Nov 24 12:00:31 host app[4711]: ", Some("app")),
            // kubectl logs --timestamps
            ("2026-11-24T12:00:31.204Z ", None),
            // a container's log as the kubelet keeps it
            ("2026-11-24T12:00:31.204000000Z stderr F ", None),
            ("2026-11-24T12:00:31.204+01:00 stdout P ", None),
            ("web-5d9f 2026-11-24T12:00:31.204Z stdout F ", Some("web-5d9f")),
            ("stderr | ", Some("stderr")),
            // names of letters that a time has, too
            ("12:34:56 TZ.1 | ", Some("TZ.1")),
            ("T | ", Some("T")),
            ("Z-1 | ", Some("Z-1")),
            ("20261124T120031Z ", None),
            ("[2026-11-24T12:00:31Z] ", None),
            ("[4711] ", None),
            ("1200 | ", None),
            ("", None),
        ] {
            assert_eq!(source(prefix.as_bytes()).as_deref(), name, "{prefix:?}");
        }
        assert_eq!(source(b"\xff web | ").as_deref(), Some("web"));
        assert_eq!(source("\u{1b}[\u{1b}[1".as_bytes()), None);
    }

    #[test]
    fn a_name_of_its_own_is_kept_where_it_says_more() {
        for (source, name, called_so) in [
            ("web.1", "node", "web.1 (node)"),
            ("web.1", "web", "web.1"),
            ("web-12", "web", "web-12"),
            ("web", "web", "web"),
            ("web.1", "checkout", "web.1 (checkout)"),
            ("website", "web", "website (web)"),
        ] {
            assert_eq!(called(source, name), called_so);
        }
    }

    #[test]
    fn objects_are_tried_from_the_left_up_to_the_last_brace() {
        let tried = |line: &'static str| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            objects(line.as_bytes()).map(|(_, object)| text(object)).collect::<Vec<_>>()
        };
        assert_eq!(tried("a {b} {\"c\":{}} d\n"), ["{b} {\"c\":{}}", "{\"c\":{}}", "{}}"]);
        assert_eq!(tried("no object"), [""; 0]);
        assert_eq!(tried("} {"), [""; 0]);
        assert_eq!(tried("{{{{{{{{{{{{}").len(), MOST_OBJECTS);
        let late = " ".repeat(LONGEST_PREFIX) + "{}";
        assert_eq!(objects(late.as_bytes()).count(), 0);
        assert_eq!(objects(&late.as_bytes()[1..]).count(), 1);
    }
}
