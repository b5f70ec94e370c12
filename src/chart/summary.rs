//! A process's history in a few words: how often it was recycled and why, how often it ended by
//! itself, how much memory it had.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::history::{History, Why};
use super::words;

/// Phrases for one line, or more where they do not fit.
pub(super) fn phrases(history: &History) -> Vec<String> {
    let counted = |exited: bool| {
        let ends = history.ends.iter().filter(|end| (end.why == Why::Exited) == exited);
        count(ends.map(|end| end.word.as_str()))
    };
    let (recycles, exits) = (counted(false), counted(true));
    let mut phrases = vec![match total(&recycles) {
        0 => "no recycle".to_owned(),
        1 => format!("1 recycle: {}", list(&recycles)),
        many => format!("{many} recycles: {}", list(&recycles)),
    }];
    if !exits.is_empty() {
        phrases.push(format!("ended by itself: {}", list(&exits)));
    }
    phrases.extend(peak(history));
    phrases
}

fn peak(history: &History) -> Option<String> {
    let limits = history.last_limits();
    let rss = history.rss.peak().map(|peak| match limits.max_rss {
        Some(limit) => format!("{peak} of {limit}"),
        None => peak.to_string(),
    });
    // Without a limit PSS is known now and then only: its peak may be another one.
    let pss = history.pss.peak().zip(limits.max_pss);
    let pss = pss.map(|(peak, limit)| format!("pss {peak} of {limit}"));
    let peaks: Vec<_> = rss.into_iter().chain(pss).collect();
    (!peaks.is_empty()).then(|| format!("peak {}", peaks.join(", ")))
}

/// Each word with its number, the most frequent first.
fn count<'a>(words: impl Iterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    words.for_each(|word| *numbers.entry(word).or_default() += 1);
    let mut counted: Vec<_> = numbers.into_iter().map(|(word, number)| (number, word)).collect();
    counted.sort_unstable_by_key(|(number, word)| (Reverse(*number), *word));
    counted
}

fn total(counted: &[(usize, &str)]) -> usize {
    counted.iter().map(|(number, _)| number).sum()
}

/// `10 rss, 2 idle`. Nobody reads more than a few.
fn list(counted: &[(usize, &str)]) -> String {
    const FEW: usize = 6;
    let item = |(number, word): &(usize, &str)| {
        format!("{number} {}", words::shorten(&words::clean(word), 12.0))
    };
    let mut items: Vec<_> = counted.iter().take(FEW).map(item).collect();
    let rest = total(counted.get(FEW..).unwrap_or_default());
    if rest > 0 {
        items.push(format!("{rest} more"));
    }
    items.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::history::End;
    use super::*;
    use crate::chart::envelope::Point;
    use crate::chart::log::Limits;
    use crate::units::Bytes;
    use std::time::Duration;

    fn history(words: &[(Why, &str)]) -> History {
        let mut history = History::default();
        let end = |(why, word): &(Why, &str)| End {
            at: Duration::ZERO,
            why: *why,
            word: (*word).to_owned(),
        };
        history.ends = words.iter().map(end).collect();
        history
    }

    fn with_memory(rss: u64, pss: Option<u64>, limits: Limits) -> History {
        let mut history = History::default();
        let point = |value: u64| Point { at: Duration::ZERO, value: Bytes(value << 20), life: 0 };
        history.rss.push(point(rss));
        pss.into_iter().for_each(|pss| history.pss.push(point(pss)));
        history.limits.push((Duration::ZERO, limits));
        history
    }

    #[test]
    fn recycles_are_counted_by_reason() {
        let mut words = vec![(Why::Idle, "idle"); 2];
        words.extend([(Why::Rss, "rss"); 10]);
        assert_eq!(phrases(&history(&words)), ["12 recycles: 10 rss, 2 idle"]);
        assert_eq!(phrases(&history(&words[..1])), ["1 recycle: 1 idle"]);
        assert_eq!(phrases(&history(&[])), ["no recycle"]);
    }

    #[test]
    fn what_ended_by_itself_is_no_recycle() {
        let exits = [(Why::Exited, "SEGV"), (Why::Exited, "exit 1"), (Why::Exited, "exit 1")];
        let expected = ["no recycle", "ended by itself: 2 exit 1, 1 SEGV"];
        assert_eq!(phrases(&history(&exits)), expected);
    }

    #[test]
    fn many_kinds_are_not_listed_to_the_last() {
        let kinds = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|word| (Why::Other, word));
        let expected = ["8 recycles: 1 a, 1 b, 1 c, 1 d, 1 e, 1 f, 2 more"];
        assert_eq!(phrases(&history(&kinds)), expected);
    }

    #[test]
    fn the_peak_is_held_against_its_limit() {
        let max_rss = Limits { max_rss: Some(Bytes(300 << 20)), ..Limits::default() };
        let max_pss = Limits { max_pss: Some(Bytes(280 << 20)), ..Limits::default() };
        for (memory, phrase) in [
            (with_memory(301, None, max_rss), "peak 301M of 300M"),
            (with_memory(301, Some(200), max_rss), "peak 301M of 300M"),
            (with_memory(301, Some(281), max_pss), "peak 301M, pss 281M of 280M"),
            (with_memory(301, Some(281), Limits::default()), "peak 301M"),
        ] {
            assert_eq!(phrases(&memory), ["no recycle", phrase]);
        }
    }
}
