//! The strip above a plot: a mark for each end of a generation, and its word where there is room.

use std::collections::BTreeMap;

use plotters::style::Color;
use plotters::style::text_anchor::VPos;

use super::super::history::{End, Why};
use super::super::paint::INK;
use super::super::words;
use super::pen::{self, Canvas, Letters};
use super::{EDGE, Scale, WIDTH};

/// The height of the strip: a word, and a mark below it.
pub(super) const STRIP: i32 = 96;
/// From the strip's bottom to the middle of the marks, and to the foot of the words.
const MARKS: i32 = 22;
const WORDS: i32 = 40;
/// The half of a mark's size, where there is room, and where there is none.
const BIG: i32 = 17;
const SMALL: i32 = 7;
/// Between two words.
const GAP: i32 = 18;
/// More marks than this have no lines down into the plot, which would hide it.
const MOST_LINES: usize = 40;
/// How many marks of one kind one picture may have; of those that cover each other one is drawn.
const MOST_MARKS: i32 = 450;

/// Draws the strip above a plot, and lines down into it.
pub(super) fn draw(
    canvas: &Canvas<'_>,
    scale: &Scale,
    ends: &[End],
    top: i32,
    bottom: i32,
) -> anyhow::Result<()> {
    let ends = visible(scale, ends);
    let count = i32::try_from(ends.len()).unwrap_or(i32::MAX).max(1);
    let r = (scale.width() / count / 2).clamp(SMALL, BIG);
    if ends.len() <= MOST_LINES {
        for (x, end) in &ends {
            let line = [(*x, top), (*x, bottom)];
            let style = pen::paint(end.why).mix(0.5).stroke_width(2);
            canvas.draw(&plotters::element::PathElement::new(line, style))?;
        }
    }
    let letters = Letters { edge: VPos::Bottom, ..Letters::middle(INK) };
    for (x, word) in placed(&ends) {
        pen::write(canvas, &word, (x, top - WORDS), letters)?;
    }
    // The rare ones last, so that no crowd hides them.
    for (x, end) in ends.iter().rev() {
        pen::shape(canvas, end.why, (*x, top - MARKS), r)?;
    }
    Ok(())
}

/// The ends with their places from left to right, the rare ones first. Of ends of the same kind at
/// the same place there is one.
fn visible<'e>(scale: &Scale, ends: &'e [End]) -> Vec<(i32, &'e End)> {
    let cell = (scale.width() * scale.panels / MOST_MARKS).max(1);
    let mut numbers: BTreeMap<(Why, &str), usize> = BTreeMap::new();
    let mut places: BTreeMap<(Why, i32), (i32, &End)> = BTreeMap::new();
    for end in ends {
        *numbers.entry((end.why, &end.word)).or_default() += 1;
        let x = scale.x(end.at);
        places.entry((end.why, x / cell)).or_insert((x, end));
    }
    let mut visible: Vec<_> = places.into_values().collect();
    visible
        .sort_unstable_by_key(|(x, end)| (numbers.get(&(end.why, end.word.as_str())).copied(), *x));
    visible
}

/// The words that have room, and where their middles are.
fn placed(ends: &[(i32, &End)]) -> Vec<(i32, String)> {
    let words = ends.iter().map(|(x, end)| {
        let word = words::shorten(&words::clean(&end.word), 8.0);
        let half = pen::width(&word, pen::TEXT) / 2;
        // None is cut at the edges.
        (x.clamp(&(EDGE / 2 + half), &(WIDTH - EDGE / 2 - half)).to_owned(), half, word)
    });
    let words: Vec<_> = words.collect();
    let stretches: Vec<_> =
        words.iter().map(|(x, half, _)| (x - half - GAP / 2, x + half + GAP / 2)).collect();
    let apart = words::apart(&stretches);
    let kept = words.into_iter().zip(apart).filter(|(_, apart)| *apart);
    kept.map(|((x, _, word), _)| (x, word)).collect()
}
