//! The panel of one process: its name and a summary, the marks of its ends, and its plot.

use plotters::style::text_anchor::VPos;

use super::super::paint::{INK, MUTED};
use super::super::{summary, words};
use super::pen::{self, Canvas, Letters};
use super::plot::Plot;
use super::{EDGE, Scale, Subject, WIDTH, marks};

const HEADING_HEIGHT: i32 = 58;
const LINE_HEIGHT: i32 = 50;
/// Below the plot.
const GAP: i32 = 60;

/// A panel, with its words where they go.
#[derive(Debug)]
pub(super) struct Panel<'a> {
    subject: &'a Subject,
    scale: &'a Scale,
    /// `None`: the title says it.
    heading: Option<String>,
    summary: Vec<String>,
    plot_height: i32,
}

impl<'a> Panel<'a> {
    pub(super) fn of(subject: &'a Subject, scale: &'a Scale) -> Self {
        let room = |size: i32| f64::from(WIDTH - 2 * EDGE) / f64::from(size);
        let heading = words::shorten(&subject.name, room(pen::HEADING) / pen::BOLD);
        let plot_height = match scale.panels {
            1 => 640,
            2 => 480,
            3 => 400,
            _ => 320,
        };
        let mut phrases = summary::phrases(&subject.history);
        if scale.memory.alone {
            phrases.push("drawn to a scale of its own".to_owned());
        }
        Self {
            subject,
            scale,
            heading: (scale.panels > 1).then_some(heading),
            summary: words::lines(&phrases, "; ", room(pen::TEXT)),
            plot_height,
        }
    }

    fn above_plot(&self) -> i32 {
        let heading = self.heading.as_ref().map_or(0, |_| HEADING_HEIGHT);
        let summary = i32::try_from(self.summary.len()).unwrap_or(0) * LINE_HEIGHT;
        let strip = if self.subject.history.ends.is_empty() { 12 } else { marks::STRIP };
        heading + summary + strip
    }

    /// From the heading to what comes below.
    pub(super) fn height(&self) -> i32 {
        self.above_plot() + self.plot_height + GAP
    }

    /// Draws it below `y`.
    pub(super) fn draw(&self, canvas: &Canvas<'_>, y: i32) -> anyhow::Result<()> {
        let scale = self.scale;
        let mut line = y;
        if let Some(heading) = &self.heading {
            let letters = Letters { size: pen::HEADING, bold: true, ..Letters::left(INK) };
            pen::write(canvas, heading, (EDGE, line), letters)?;
            line += HEADING_HEIGHT;
        }
        for words in &self.summary {
            pen::write(canvas, words, (EDGE, line), Letters::left(MUTED))?;
            line += LINE_HEIGHT;
        }
        let top = y + self.above_plot();
        let bottom = top + self.plot_height;
        let plot = Plot::new(canvas, scale, top, bottom)?;
        plot.draw_ground(&self.subject.history)?;
        self.draw_sizes(&plot, canvas)?;
        plot.draw_memory(&self.subject.history)?;
        plot.draw_limits(&self.subject.history)?;
        marks::draw(canvas, scale, &self.subject.history.ends, top, bottom)
    }

    /// The labels of the axis of memory.
    fn draw_sizes(&self, plot: &Plot<'_, '_>, canvas: &Canvas<'_>) -> anyhow::Result<()> {
        for size in &self.scale.memory.sizes {
            let label = if size.0 == 0 { "0".to_owned() } else { size.to_string() };
            let letters = Letters { edge: VPos::Center, ..Letters::right(INK) };
            pen::write(canvas, &label, (self.scale.left - 16, plot.y(*size)), letters)?;
        }
        Ok(())
    }
}
