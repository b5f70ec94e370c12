//! What the signs mean: those that the drawing has.

use super::super::history::Why;
use super::super::paint::{INK, LIMIT, PSS, Paint, RSS};
use super::Subject;
use super::pen::{self, Canvas, Letters, Place};

/// A sign and its meaning.
#[derive(Clone, Debug)]
pub(super) struct Item {
    sign: Sign,
    text: &'static str,
}

#[derive(Clone, Debug)]
enum Sign {
    None,
    Line(Paint),
    Dashes,
    Shape(Why),
}

const ROW: i32 = 56;
/// How wide the signs are.
const LINE: i32 = 64;
const SHAPE: i32 = 36;
/// Between two items, whose widths are estimates.
const GAP: i32 = 36;
/// Below the last row.
const BELOW: i32 = 24;

impl Item {
    /// Where its text begins.
    fn indent(&self) -> i32 {
        match self.sign {
            Sign::None => 0,
            Sign::Shape(_) => SHAPE + 12,
            Sign::Line(_) | Sign::Dashes => LINE + 14,
        }
    }

    fn width(&self) -> i32 {
        self.indent() + pen::width(self.text, pen::TEXT)
    }
}

/// The signs of these, in rows that are no wider than this.
pub(super) fn rows(subjects: &[Subject], width: i32) -> Vec<Vec<Item>> {
    let any = |test: &dyn Fn(&Subject) -> bool| subjects.iter().any(test);
    let has = |why| any(&|subject| subject.history.ends.iter().any(|end| end.why == why));
    let item = |sign, text| Item { sign, text };
    let mut items = vec![item(Sign::Line(RSS), "memory (RSS)")];
    if any(&|subject| !subject.history.pss.is_empty()) {
        items.push(item(Sign::Line(PSS), "PSS"));
    }
    if any(&|subject| subject.history.all_limits().next().is_some()) {
        items.push(item(Sign::Dashes, "limit"));
    }
    let mut marks: Vec<_> = [
        (Why::Rss, "rss"),
        (Why::Pss, "pss"),
        (Why::KillRss, "kill-rss"),
        (Why::Lifetime, "lifetime"),
        (Why::Idle, "idle"),
        (Why::Signal, "signal"),
        (Why::Other, "other reason"),
    ]
    .into_iter()
    .filter(|(why, _)| has(*why))
    .map(|(why, text)| item(Sign::Shape(why), text))
    .collect();
    if !marks.is_empty() {
        marks.insert(0, item(Sign::None, "recycled:"));
    }
    if has(Why::Exited) {
        marks.push(item(Sign::Shape(Why::Exited), "ended by itself"));
    }
    [wrap(items, width), wrap(marks, width)].concat()
}

fn wrap(items: Vec<Item>, width: i32) -> Vec<Vec<Item>> {
    let mut rows: Vec<Vec<Item>> = Vec::new();
    let mut end = width + 1;
    for item in items {
        if end + item.width() > width {
            rows.push(Vec::new());
            end = 0;
        }
        end += item.width() + GAP;
        rows.last_mut().into_iter().for_each(|row| row.push(item.clone()));
    }
    rows
}

pub(super) fn height(rows: &[Vec<Item>]) -> i32 {
    i32::try_from(rows.len()).unwrap_or(0) * ROW + BELOW
}

/// Draws the rows below a place.
pub(super) fn draw(
    canvas: &Canvas<'_>,
    rows: &[Vec<Item>],
    (left, top): Place,
) -> anyhow::Result<()> {
    let mut y = top;
    for row in rows {
        let mut x = left;
        for item in row {
            sign(canvas, &item.sign, (x, y + ROW / 2 - 4))?;
            pen::write(canvas, item.text, (x + item.indent(), y + 6), Letters::left(INK))?;
            x += item.width() + GAP;
        }
        y += ROW;
    }
    Ok(())
}

fn sign(canvas: &Canvas<'_>, sign: &Sign, (x, y): Place) -> anyhow::Result<()> {
    match sign {
        Sign::None => Ok(()),
        Sign::Line(paint) => pen::line(canvas, vec![(x, y), (x + LINE, y)], *paint, 6),
        Sign::Dashes => {
            pen::line(canvas, vec![(x, y), (x + 26, y)], LIMIT, 4)?;
            pen::line(canvas, vec![(x + LINE - 26, y), (x + LINE, y)], LIMIT, 4)
        }
        Sign::Shape(why) => pen::shape(canvas, *why, (x + SHAPE / 2, y), SHAPE / 2 - 1),
    }
}
