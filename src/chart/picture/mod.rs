//! The drawing as a whole: a title, what the signs mean, the panels one above another, the axis of
//! time below them.
//!
//! It is 1600 units wide, of which the plotting library draws whole ones: fine enough for print.
//! Its letters are so big that they can still be read where the whole is 400 pixels wide.

mod legend;
mod marks;
mod panel;
mod pen;
mod plot;

use std::time::Duration;

use anyhow::Context;
use plotters::backend::SVGBackend;
use plotters::drawing::IntoDrawingArea;

use self::panel::Panel;
use self::pen::{Canvas, Letters};
use super::axis::{self, Times};
use super::history::History;
use super::paint::{INK, MUTED, PAPER, style};
use super::words;
use crate::units::Bytes;

/// One process: what to call it, and what became of it.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) history: History,
}

/// In units of the drawing, as all lengths here.
const WIDTH: i32 = 1600;
/// What stays free at the edges.
const EDGE: i32 = 40;
const TITLE_HEIGHT: i32 = 90;
/// The labels of the ticks of time, and the caption below them.
const AXIS_HEIGHT: i32 = 80;

/// A limit of more times the memory than this is not drawn, only named.
const FAR: u64 = 8;

/// Of three or more processes, one with more times the memory than the next has an axis of its own.
const TALLER: u64 = 2;

/// The axes of a panel. That of time is the same in all of them.
#[derive(Debug)]
struct Scale {
    from: Duration,
    to: Duration,
    times: Times,
    memory: Memory,
    /// Where the plots begin and end from left to right.
    left: i32,
    right: i32,
    /// How many panels there are.
    panels: i32,
}

/// The axis of memory.
#[derive(Clone, Debug)]
struct Memory {
    top: Bytes,
    sizes: Vec<Bytes>,
    /// Whether only this panel has it: what is as high in another one is not as much.
    alone: bool,
}

impl Memory {
    /// That of panels which can be compared.
    fn of(subjects: &[&Subject]) -> Self {
        let peak = subjects.iter().map(|subject| peak(subject)).max().unwrap_or(0).max(1);
        let limits = subjects.iter().flat_map(|subject| subject.history.all_limits());
        // A limit far above everything would press everything to the ground.
        let near = limits.filter(|limit| limit.0 / FAR <= peak);
        let highest = near.map(|limit| limit.0).max().unwrap_or(0).max(peak);
        // With room for a limit's label above it.
        let top = Bytes(highest.saturating_add(highest / 6).max(1));
        Self { top, sizes: axis::sizes(top), alone: false }
    }

    /// That of each panel: one for all, but for those beside which the others would be flat, such
    /// as a supervisor whose memory contains theirs.
    fn each(subjects: &[Subject]) -> Vec<Self> {
        let mut order: Vec<&Subject> = subjects.iter().collect();
        order.sort_by_key(|subject| peak(subject));
        let mut together = order.as_slice();
        while let [rest @ .., next, highest] = together
            && !rest.is_empty()
            && peak(highest) / TALLER > peak(next)
        {
            together = &together[..together.len() - 1];
        }
        let tallest = together.last().map_or(0, |subject| peak(subject));
        let common = Self::of(together);
        let own = |subject: &Subject| Self { alone: true, ..Self::of(&[subject]) };
        let memory = |subject| if peak(subject) > tallest { own(subject) } else { common.clone() };
        subjects.iter().map(memory).collect()
    }
}

fn peak(subject: &Subject) -> u64 {
    subject.history.peak().map_or(0, |peak| peak.0)
}

impl Scale {
    /// That of each panel.
    fn each(subjects: &[Subject]) -> Vec<Self> {
        let times = || subjects.iter().filter_map(|subject| subject.history.times);
        let from = times().map(|(first, _)| first).min().unwrap_or_default();
        let to = times().map(|(_, last)| last).max().unwrap_or_default();
        // One line alone has no length.
        let to = to.max(from + Duration::from_secs(1));
        let memories = Memory::each(subjects);
        let sizes = memories.iter().flat_map(|memory| &memory.sizes);
        let widest = sizes.map(|size| pen::width(&size.to_string(), pen::TEXT)).max();
        let scale = |memory| Self {
            from,
            to,
            times: axis::times(from, to),
            memory,
            left: EDGE + widest.unwrap_or(0) + 16,
            right: WIDTH - EDGE - 20,
            panels: i32::try_from(subjects.len()).unwrap_or(i32::MAX).max(1),
        };
        memories.into_iter().map(scale).collect()
    }

    fn width(&self) -> i32 {
        self.right - self.left
    }

    /// Where a time is from left to right.
    fn x(&self, at: Duration) -> i32 {
        let at = at.clamp(self.from, self.to);
        let span = self.to.saturating_sub(self.from).as_secs_f64();
        let share = at.saturating_sub(self.from).as_secs_f64() / span;
        self.left + pen::whole(share * f64::from(self.width()))
    }
}

/// Draws it all. `omitted` is how many processes there are beside these.
///
/// # Errors
/// Those of the plotting library, which has none where it writes to memory.
pub(super) fn draw(subjects: &[Subject], omitted: usize) -> anyhow::Result<String> {
    let scales = Scale::each(subjects);
    let legend = legend::rows(subjects, WIDTH - 2 * EDGE);
    let panels: Vec<_> =
        subjects.iter().zip(&scales).map(|(subject, scale)| Panel::of(subject, scale)).collect();
    let title = title(subjects, omitted);
    let legend_height = legend::height(&legend);
    let height = TITLE_HEIGHT
        + legend_height
        + panels.iter().map(Panel::height).sum::<i32>()
        + AXIS_HEIGHT
        + EDGE / 2;

    let mut svg = String::new();
    let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
    let canvas = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    canvas.fill(&PAPER)?;
    let heading = Letters { size: pen::TITLE, bold: true, ..Letters::left(INK) };
    let room = f64::from(WIDTH - 2 * EDGE) / f64::from(pen::TITLE) / pen::BOLD;
    pen::write(&canvas, &words::shorten(&title, room), (EDGE, EDGE / 2), heading)?;
    legend::draw(&canvas, &legend, (EDGE, TITLE_HEIGHT))?;
    let mut y = TITLE_HEIGHT + legend_height;
    for panel in &panels {
        panel.draw(&canvas, y)?;
        y += panel.height();
    }
    scales.first().map_or(Ok(()), |scale| draw_times(&canvas, scale, y))?;
    canvas.present()?;
    drop(canvas);
    frame(&svg, height, &title, &description(subjects))
}

fn title(subjects: &[Subject], omitted: usize) -> String {
    match (subjects, omitted) {
        ([only], 0) => format!("Memory of {}", only.name),
        (some, 0) => format!("Memory of {} processes", some.len()),
        (some, more) => format!("Memory of {} of {} processes", some.len(), some.len() + more),
    }
}

/// The labels below the last panel.
fn draw_times(canvas: &Canvas<'_>, scale: &Scale, y: i32) -> anyhow::Result<()> {
    for (at, label) in &scale.times.ticks {
        // None is cut at the edges.
        let half = pen::width(label, pen::TEXT) / 2;
        let x = scale.x(*at).clamp(EDGE / 2 + half, WIDTH - EDGE / 2 - half);
        pen::write(canvas, label, (x, y - 40), Letters::middle(INK))?;
    }
    let middle = (scale.left + scale.right) / 2;
    pen::write(canvas, &scale.times.caption, (middle, y + 14), Letters::middle(MUTED))
}

/// The same for who cannot see it.
fn description(subjects: &[Subject]) -> String {
    let line = |subject: &Subject| {
        format!("{}: {}.", subject.name, super::summary::phrases(&subject.history).join("; "))
    };
    subjects.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The library's frame has a fixed size, which would keep a picture from fitting its place; ours
/// has none, and words for screen readers, and the style sheet.
fn frame(svg: &str, height: i32, title: &str, description: &str) -> anyhow::Result<String> {
    let (_, body) = svg.split_once('>').context("the drawing is empty")?;
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // What is opaque need not be said each time.
    let body = body.replace(" opacity=\"1\"", "");
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"title desc\">\n<title id=\"title\">{}</title>\n\
         <desc id=\"desc\">{}</desc>\n{}{body}",
        escape(title),
        escape(description),
        style(),
    ))
}
