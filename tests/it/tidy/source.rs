//! Sources as tidy needs them: found, blanked, stripped of unit tests, cut into functions.

use std::fs;
use std::path::Path;

/// A file of Rust.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// From the project's root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments, strings and characters blanked: same lines, same columns.
    pub(super) code: String,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        Self { path: name, code: blanked(&text), text }
    }

    /// Whether it is part of what users run.
    pub(super) fn is_program(&self) -> bool {
        let played = ["src/decide/simulation", "src/act/feed/lines/model.rs"];
        let tests = self.path.ends_with("/tests.rs")
            || played.iter().any(|path| self.path.starts_with(path));
        self.path.starts_with("src/") && !tests
    }

    /// Without items that are `#[cfg(test)]`.
    fn without_tests(mut self) -> Self {
        const MARK: &str = "#[cfg(test)]";
        while let Some(start) = self.code.find(MARK) {
            let item = start + MARK.len();
            let end = item + self.code[item..].find([';', '{']).unwrap();
            let end =
                if self.code[end..].starts_with('{') { closing(&self.code, end) } else { end };
            let part = &self.code[start..=end];
            let blank: String = part.chars().map(blank).collect();
            self.code.replace_range(start..=end, &blank);
        }
        self
    }

    /// Name, first line and number of lines of every function that has a body.
    pub(super) fn functions(&self) -> Vec<(String, usize, usize)> {
        let mut functions = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            let whole_word = self.code[..at].chars().next_back().is_none_or(|c| !is_name(c));
            let name: String = self.code[at + 3..].chars().take_while(|c| is_name(*c)).collect();
            // `fn` without a name is a type.
            if !whole_word || name.is_empty() {
                continue;
            }
            let end = at + self.code[at..].find([';', '{']).unwrap();
            if self.code[end..].starts_with('{') {
                let lines = self.code[at..=closing(&self.code, end)].lines().count();
                functions.push((name, self.code[..at].lines().count().max(1), lines));
            }
        }
        functions
    }
}

/// All of the project's.
pub(super) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for part in ["src", "tests", "benches"] {
        collect(root, &root.join(part), &mut sources);
    }
    assert!(sources.len() > 40, "where are they?");
    sources
}

/// All, without their unit tests.
pub(super) fn bare_sources() -> Vec<Source> {
    sources().into_iter().map(Source::without_tests).collect()
}

fn collect(root: &Path, directory: &Path, sources: &mut Vec<Source>) {
    let mut paths: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source::read(root, &path));
        }
    }
}

/// Whether a line has this word, and not only as part of a longer one.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

pub(super) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where the brace that opens here is closed.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return open + at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    panic!("a brace is never closed: {}", code[open..].lines().next().unwrap());
}

fn blank(c: char) -> char {
    if c == '\n' { '\n' } else { ' ' }
}

/// The text with comments, strings and characters blanked.
pub(super) fn blanked(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let in_word = code.chars().next_back().is_some_and(is_name);
        let length = match next {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '"' => string(rest),
            'b' | 'c' | 'r' if !in_word => string(rest),
            '\'' => character(rest),
            _ => 0,
        };
        match length {
            0 => code.push(next),
            length => code.extend(rest[..length].chars().map(blank)),
        }
        rest = &rest[length.max(next.len_utf8())..];
    }
    code
}

/// The length of a comment with two ends, which may hold others.
fn comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    loop {
        let step = match text.get(at..at + 2) {
            Some("/*") => {
                depth += 1;
                2
            }
            Some("*/") => {
                depth -= 1;
                2
            }
            _ => text[at..].chars().next().map_or(1, char::len_utf8),
        };
        at += step;
        if depth == 0 || at >= text.len() {
            return at;
        }
    }
}

/// The length of a string of any kind; 0: it is none.
fn string(text: &str) -> usize {
    let body = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - body.len();
    let raw = body.strip_prefix('r');
    let hashes = raw.map_or(0, |raw| raw.len() - raw.trim_start_matches('#').len());
    let start = prefix + usize::from(raw.is_some()) + hashes;
    if prefix > 1 || !text[start..].starts_with('"') {
        return 0;
    }
    if raw.is_some() {
        let end = format!("\"{}", "#".repeat(hashes));
        return text[start + 1..].find(&end).map_or(text.len(), |at| start + 1 + at + end.len());
    }
    quoted(text, start, '"')
}

/// The length of a character; 0: it is a lifetime.
fn character(text: &str) -> usize {
    let mut inside = text[1..].chars();
    match (inside.next(), inside.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted(text, 0, '\''),
        _ => 0,
    }
}

/// Where what begins here with a quote ends, escapes heeded.
fn quoted(text: &str, start: usize, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text[start + 1..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return start + 1 + at + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn blanking_keeps_code_and_nothing_else() {
    for (text, code) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"f("x\"y", 'z', '\'')"#, "f(      ,    ,     )"),
        (r###"r#"x"y"# b"z" c"\n" z"###, "                    z"),
        ("<'a> &'static str; for", "<'a> &'static str; for"),
        ("crab\"x\"", "crab   "),
    ] {
        assert_eq!(blanked(text), code, "{text}");
    }
}
