//! Memory over time: the ground with its grid and generations, the lines, the limits.

use std::time::Duration;

use plotters::backend::SVGBackend;
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::element::{Circle, Rectangle};
use plotters::series::{AreaSeries, DashedLineSeries, LineSeries};
use plotters::style::Color;
use plotters::style::text_anchor::VPos;

use super::super::envelope::{Envelope, Point};
use super::super::history::History;
use super::super::log::Limits;
use super::super::paint::{BAND, GRID, LIMIT, MUTED, PAPER, PSS, Paint, RSS};
use super::super::words;
use super::Scale;
use super::pen::{self, Canvas, Letters};
use crate::units::Bytes;

/// In seconds since the left end, and bytes.
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
/// A place in it.
type Spot = (f64, f64);

/// What one picture may take for its lines, in bytes, and what a column of a line takes.
const LINES_ROOM: i32 = 90_000;
const COLUMN_ROOM: i32 = 45;
/// Of two units each: half a pixel on a phone.
const MOST_COLUMNS: i32 = 700;
/// Generations narrower than this would make a grey of their shades, and more of them than this in
/// one picture a big file.
const NARROWEST_BAND: i32 = 8;
const MOST_BANDS: i32 = 400;
/// Of limits that change more often than this, the last one is drawn.
const NARROWEST_STEP: i32 = 8;
/// Limits that are closer to each other than a line of text have one label.
const LABEL_HEIGHT: i32 = 48;

/// Where one process's memory is drawn.
pub(super) struct Plot<'c, 'a> {
    canvas: &'c Canvas<'a>,
    scale: &'c Scale,
    chart: Chart<'a>,
    top: i32,
    bottom: i32,
}

fn number(size: Bytes) -> f64 {
    size.0 as f64
}

impl<'c, 'a> Plot<'c, 'a> {
    pub(super) fn new(
        canvas: &'c Canvas<'a>,
        scale: &'c Scale,
        top: i32,
        bottom: i32,
    ) -> anyhow::Result<Self> {
        let area = canvas.clone().shrink((scale.left, top), (scale.width(), bottom - top));
        let seconds = scale.to.saturating_sub(scale.from).as_secs_f64();
        let chart = ChartBuilder::on(&area)
            .build_cartesian_2d(0.0..seconds, 0.0..number(scale.memory.top))?;
        Ok(Self { canvas, scale, chart, top, bottom })
    }

    /// Where a size is from top to bottom.
    pub(super) fn y(&self, size: Bytes) -> i32 {
        self.chart.backend_coord(&(0.0, number(size))).1
    }

    fn spot(&self, at: Duration, size: Bytes) -> Spot {
        (at.saturating_sub(self.scale.from).as_secs_f64(), number(size.min(self.scale.memory.top)))
    }

    /// Whether generations can be told from each other.
    fn has_room_for_lives(&self, history: &History) -> bool {
        let most = (self.scale.width() / NARROWEST_BAND).min(MOST_BANDS / self.scale.panels);
        i32::try_from(history.lives.len()).is_ok_and(|lives| lives <= most)
    }

    /// Shades for the generations, and the grid.
    pub(super) fn draw_ground(&self, history: &History) -> anyhow::Result<()> {
        if self.has_room_for_lives(history) {
            for life in history.lives.iter().skip(1).step_by(2) {
                let (left, right) = (self.scale.x(life.from), self.scale.x(life.to));
                let corners = [(left, self.top), (right, self.bottom)];
                self.canvas.draw(&Rectangle::new(corners, BAND.filled()))?;
            }
        }
        let (left, right) = (self.scale.left, self.scale.right);
        for (at, _) in &self.scale.times.ticks {
            let x = self.scale.x(*at);
            pen::line(self.canvas, vec![(x, self.top), (x, self.bottom + 10)], GRID, 2)?;
        }
        for size in &self.scale.memory.sizes {
            let y = self.y(*size);
            let paint = if size.0 == 0 { MUTED } else { GRID };
            pen::line(self.canvas, vec![(left, y), (right, y)], paint, 2)?;
        }
        Ok(())
    }

    /// The lines of memory.
    pub(super) fn draw_memory(&self, history: &History) -> anyhow::Result<()> {
        // There may be two in each panel, and the shade below one of them.
        let columns = (LINES_ROOM / COLUMN_ROOM / 3 / self.scale.panels).clamp(20, MOST_COLUMNS);
        let apart = self.has_room_for_lives(history);
        self.draw_shade(self.strokes(&history.rss, columns, apart))?;
        // Many generations in a thick line are a block.
        let lives = i32::try_from(history.lives.len()).unwrap_or(i32::MAX).max(1);
        let width = (self.scale.width() / lives / 8).clamp(3, 5).unsigned_abs();
        self.draw_line(self.strokes(&history.pss, columns, apart), PSS, width)?;
        self.draw_line(self.strokes(&history.rss, columns, apart), RSS, width)
    }

    fn strokes(&self, line: &Envelope, columns: i32, apart: bool) -> Vec<Vec<Spot>> {
        let columns = columns.unsigned_abs();
        let spots = |stroke: Vec<Point>| {
            stroke.into_iter().map(|point| self.spot(point.at, point.value)).collect()
        };
        line.strokes(self.scale.from, self.scale.to, columns, apart)
            .into_iter()
            .map(spots)
            .collect()
    }

    fn draw_shade(&self, strokes: Vec<Vec<Spot>>) -> anyhow::Result<()> {
        let area = self.chart.plotting_area();
        for stroke in strokes.into_iter().filter(|stroke| stroke.len() > 1) {
            for element in AreaSeries::new(stroke, 0.0, RSS.mix(0.15)) {
                area.draw(&element)?;
            }
        }
        Ok(())
    }

    fn draw_line(&self, strokes: Vec<Vec<Spot>>, paint: Paint, width: u32) -> anyhow::Result<()> {
        let area = self.chart.plotting_area();
        for stroke in strokes {
            if let [only] = stroke[..] {
                area.draw(&Circle::new(only, width, paint.filled()))?;
                continue;
            }
            for element in LineSeries::new(stroke, paint.stroke_width(width)) {
                area.draw(&element)?;
            }
        }
        Ok(())
    }

    /// Dashed lines, with labels above them at the right end.
    pub(super) fn draw_limits(&self, history: &History) -> anyhow::Result<()> {
        let area = self.chart.plotting_area();
        let end = history.times.map_or(self.scale.to, |(_, last)| last);
        let steps = last_of_each(&history.limits, |at| self.scale.x(at) / NARROWEST_STEP);
        for kind in 0..Limits::default().each().len() {
            for stretch in stretches(&steps, kind, end) {
                let inside = |(_, size): &(Duration, Bytes)| *size <= self.scale.memory.top;
                if !stretch.iter().all(inside) {
                    continue;
                }
                let spots: Vec<_> =
                    stretch.iter().map(|(at, size)| self.spot(*at, *size)).collect();
                for element in DashedLineSeries::new(spots, 26, 18, LIMIT.stroke_width(4)) {
                    area.draw(&element)?;
                }
            }
        }
        let letters = Letters { edge: VPos::Bottom, ..Letters::right(LIMIT) };
        let room = f64::from(self.scale.width()) / f64::from(pen::TEXT);
        for (y, text) in self.labels(history.last_limits()) {
            let text = words::shorten(&text, room);
            // Lines may run behind it.
            let (right, width) = (self.scale.right - 8, pen::width(&text, pen::TEXT));
            let plate = [(right - width - 4, y - LABEL_HEIGHT + 4), (right + 4, y - 6)];
            self.canvas.draw(&Rectangle::new(plate, PAPER.mix(0.75).filled()))?;
            pen::write(self.canvas, &text, (right, y), letters)?;
        }
        Ok(())
    }

    /// The labels of limits and where their feet are; one for those that would touch.
    fn labels(&self, limits: Limits) -> Vec<(i32, String)> {
        // From below.
        let mut sizes: Vec<(Bytes, &str)> = Vec::new();
        for (name, size) in limits.each() {
            if let Some(size) = size {
                let place = sizes.partition_point(|(other, _)| *other <= size);
                sizes.insert(place, (size, name));
            }
        }
        let mut labels: Vec<(i32, String)> = Vec::new();
        for (size, name) in sizes {
            let (y, text) = if size <= self.scale.memory.top {
                (self.y(size), format!("{name} {size}"))
            } else {
                (self.top + LABEL_HEIGHT, format!("{name} {size} is above"))
            };
            match labels.last_mut() {
                Some((below, other)) if *below - y < LABEL_HEIGHT => {
                    *below = y;
                    *other = format!("{other}, {text}");
                }
                _ => labels.push((y, text)),
            }
        }
        labels
    }
}

/// Of limits with the same number, the last one.
fn last_of_each(
    limits: &[(Duration, Limits)],
    number: impl Fn(Duration) -> i32,
) -> Vec<(Duration, Limits)> {
    let numbers = limits.chunk_by(|(a, _), (b, _)| number(*a) == number(*b));
    numbers.filter_map(|same| same.last().copied()).collect()
}

/// The stretches of time in which there was a limit of this kind, step by step.
fn stretches(
    limits: &[(Duration, Limits)],
    kind: usize,
    end: Duration,
) -> Vec<Vec<(Duration, Bytes)>> {
    let ends = limits.iter().skip(1).map(|(from, _)| *from).chain([end]);
    let mut stretches: Vec<Vec<(Duration, Bytes)>> = Vec::new();
    let mut goes_on = false;
    for ((from, limits), to) in limits.iter().zip(ends) {
        let size = limits.each().into_iter().nth(kind).and_then(|(_, size)| size);
        if !goes_on {
            stretches.push(Vec::new());
        }
        goes_on = size.is_some();
        if let Some(stretch) = stretches.last_mut() {
            stretch.extend(size.into_iter().flat_map(|size| [(*from, size), (to, size)]));
        }
    }
    stretches.retain(|stretch| !stretch.is_empty());
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_steps_and_have_gaps() {
        let at = Duration::from_secs;
        let limits = |size: Option<u64>| Limits { max_rss: size.map(Bytes), ..Limits::default() };
        let all = [
            (at(0), limits(None)),
            (at(1), limits(Some(5))),
            (at(2), limits(Some(6))),
            (at(3), limits(None)),
            (at(4), limits(Some(7))),
        ];
        let first =
            vec![(at(1), Bytes(5)), (at(2), Bytes(5)), (at(2), Bytes(6)), (at(3), Bytes(6))];
        let second = vec![(at(4), Bytes(7)), (at(9), Bytes(7))];
        assert_eq!(stretches(&all, 0, at(9)), [first, second]);
        assert!(stretches(&all, 1, at(9)).is_empty());
    }
}
