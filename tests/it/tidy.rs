//! The rules of the house that neither rustfmt nor clippy can hold. Reads the sources as text, with
//! comments and strings blanked where a rule is about code.

mod imports;
mod source;

use self::source::{Source, bare_sources, sources};

const WIDEST: usize = 100;
const LONGEST_FUNCTION: usize = 70;

/// Fails with everything that was found, so that it can be mended in one go.
fn assert_none(rule: &str, found: impl IntoIterator<Item = String>) {
    let found: Vec<_> = found.into_iter().collect();
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// The places where code has one of these words.
fn uses(sources: &[Source], words: &[&str]) -> Vec<String> {
    let lines = sources.iter().flat_map(|source| {
        source.code.lines().enumerate().map(move |(number, line)| (source, number + 1, line))
    });
    let found = lines.filter_map(|(source, number, line)| {
        let word = words.iter().find(|word| source::has_word(line, word))?;
        Some(format!("{}:{number}: {word}", source.path))
    });
    found.collect()
}

#[test]
fn every_file_says_what_it_is() {
    let silent = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    assert_none("a file begins with //!", silent.map(|source| source.path));
}

#[test]
fn lines_fit() {
    let wide = sources().into_iter().flat_map(|source| {
        let lines = source.text.lines().enumerate();
        let wide = lines.filter(|(_, line)| line.chars().count() > WIDEST);
        wide.map(|(number, _)| format!("{}:{}", source.path, number + 1)).collect::<Vec<_>>()
    });
    assert_none("lines have at most 100 columns", wide);
}

#[test]
fn functions_are_short() {
    let long = bare_sources().into_iter().flat_map(|source| {
        let functions = source.functions().into_iter();
        let long = functions.filter(|(.., lines)| *lines >= LONGEST_FUNCTION);
        let place = |(name, start, lines)| format!("{}:{start}: {name}: {lines}", source.path);
        long.map(place).collect::<Vec<_>>()
    });
    assert_none("functions have less than 70 lines", long);
}

#[test]
fn unsafe_is_where_it_belongs() {
    // Tests and measurements prepare processes as nobody else does.
    let places = ["src/sys/", "tests/fixture/", "tests/it/harness", "benches/"];
    let elsewhere = |source: &Source| !places.iter().any(|place| source.path.starts_with(place));
    let others: Vec<_> = sources().into_iter().filter(elsewhere).collect();
    assert_none("only src/sys may be unsafe", uses(&others, &["unsafe"]));
}

#[test]
fn unsafe_is_explained() {
    let silent = sources().into_iter().flat_map(|source| {
        let raw: Vec<_> = source.text.lines().collect();
        let code = source.code.lines().enumerate();
        let unsafe_lines = code.filter(|(_, line)| source::has_word(line, "unsafe"));
        let silent = unsafe_lines.filter(|(number, line)| {
            // `unsafe fn` and its like explain themselves in their documentation.
            !line.contains("unsafe fn")
                && !line.contains("unsafe extern")
                && !is_explained(&raw, *number)
        });
        silent.map(|(number, _)| format!("{}:{}", source.path, number + 1)).collect::<Vec<_>>()
    });
    assert_none("unsafe has a SAFETY comment before it", silent);
}

/// Whether the statement that this line belongs to has a SAFETY comment before it.
fn is_explained(lines: &[&str], number: usize) -> bool {
    for line in lines[..number].iter().rev().map(|line| line.trim()) {
        if line.starts_with("// SAFETY:") {
            return true;
        }
        let goes_on = line.starts_with("//") || line.starts_with('#') || line.ends_with(")]");
        if !goes_on && (line.is_empty() || line.ends_with([';', '{', '}'])) {
            return false;
        }
    }
    false
}

#[test]
fn nothing_is_left_for_later() {
    // In pieces, so as not to find themselves.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("dbg", "!"),
        concat!("todo", "!"),
        concat!("unimplemented", "!"),
        concat!("#[", "ignore"),
    ];
    let left = sources().into_iter().flat_map(|source| {
        let lines = source.text.lines().enumerate();
        let left = lines.filter(|(_, line)| words.iter().any(|word| line.contains(word)));
        left.map(|(number, line)| format!("{}:{}: {line}", source.path, number + 1))
            .collect::<Vec<_>>()
    });
    assert_none("nothing is left for later", left);
}

#[test]
fn nobody_sleeps() {
    // The fixture stands in for commands that sleep, the harness has the one helper that waits for
    // others, and a measurement takes the time that it takes.
    let places = ["tests/fixture/", "tests/it/harness.rs", "benches/"];
    let elsewhere = |source: &Source| !places.iter().any(|place| source.path.starts_with(place));
    let others: Vec<_> = sources().into_iter().filter(elsewhere).collect();
    assert_none("nobody sleeps", uses(&others, &["sleep"]));
}

#[test]
fn nobody_panics() {
    let bare = bare_sources().into_iter().filter(Source::is_program).collect::<Vec<_>>();
    let calls = bare.iter().flat_map(|source| {
        let lines = source.code.lines().enumerate();
        let bad = |line: &str| line.contains(".unwrap()") || line.contains(".expect(");
        let calls = lines.filter(|(_, line)| bad(line));
        calls.map(|(number, _)| format!("{}:{}", source.path, number + 1)).collect::<Vec<_>>()
    });
    assert_none("the program has no unwrap or expect", calls);
    assert_none("the program never panics", uses(&bare, &["panic!", "unreachable!"]));
}

#[test]
fn only_the_clock_reads_a_clock() {
    let words = ["Instant", "SystemTime", "ClockId", "clock_gettime", "gettimeofday"];
    // The second one reads how long other processes have run, which is no time of day.
    let clocks = ["src/sys/clock.rs", "src/sys/cpu_clock.rs"];
    let may_not = |source: &Source| source.is_program() && !clocks.contains(&source.path.as_str());
    let others: Vec<_> = bare_sources().into_iter().filter(may_not).collect();
    assert_none("only src/sys/clock.rs reads a clock", uses(&others, &words));
}
