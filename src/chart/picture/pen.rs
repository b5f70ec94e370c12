//! Letters and shapes on the canvas.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Polygon};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle};

use super::super::history::Why;
use super::super::paint::{IDLE, INK, LIFETIME, LIMIT, MUTED, Paint, SIGNAL};
use super::super::words;

pub(super) type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// A place on the canvas.
pub(super) type Place = (i32, i32);

/// Sizes of letters.
pub(super) const TITLE: i32 = 52;
pub(super) const HEADING: i32 = 44;
pub(super) const TEXT: i32 = 40;
/// How much wider bold letters are.
pub(super) const BOLD: f64 = 1.1;

/// What letters look like.
#[derive(Clone, Copy)]
pub(super) struct Letters {
    pub(super) size: i32,
    pub(super) bold: bool,
    pub(super) paint: Paint,
    pub(super) side: HPos,
    pub(super) edge: VPos,
}

impl Letters {
    /// To the right of and below their place.
    pub(super) fn left(paint: Paint) -> Self {
        Self { size: TEXT, bold: false, paint, side: HPos::Left, edge: VPos::Top }
    }

    pub(super) fn middle(paint: Paint) -> Self {
        Self { side: HPos::Center, ..Self::left(paint) }
    }

    pub(super) fn right(paint: Paint) -> Self {
        Self { side: HPos::Right, ..Self::left(paint) }
    }
}

/// Writes a line.
pub(super) fn write(
    canvas: &Canvas<'_>,
    text: &str,
    at: Place,
    letters: Letters,
) -> anyhow::Result<()> {
    let style = if letters.bold { FontStyle::Bold } else { FontStyle::Normal };
    // The library makes letters smaller by this before it writes their size down.
    let size = f64::from(letters.size) * 1.24;
    let font = FontDesc::new(FontFamily::SansSerif, size, style);
    let style = font.color(&letters.paint).pos(Pos::new(letters.side, letters.edge));
    Ok(canvas.draw_text(text, &style, at)?)
}

/// How wide a text will be, or less.
pub(super) fn width(text: &str, size: i32) -> i32 {
    whole(words::width(text) * f64::from(size))
}

/// The nearest whole number of units.
pub(super) fn whole(length: f64) -> i32 {
    length.round() as i32
}

pub(super) fn line(
    canvas: &Canvas<'_>,
    places: Vec<Place>,
    paint: Paint,
    width: u32,
) -> anyhow::Result<()> {
    Ok(canvas.draw(&PathElement::new(places, paint.stroke_width(width)))?)
}

/// The colour that tells why.
pub(super) fn paint(why: Why) -> Paint {
    match why {
        Why::Rss | Why::Pss | Why::KillRss => LIMIT,
        Why::Lifetime => LIFETIME,
        Why::Idle => IDLE,
        Why::Signal => SIGNAL,
        Why::Other => MUTED,
        Why::Exited => INK,
    }
}

/// The shape that tells why, as big as `r` around its place.
pub(super) fn shape(canvas: &Canvas<'_>, why: Why, (x, y): Place, r: i32) -> anyhow::Result<()> {
    let paint = paint(why);
    let filled = |corners: &[Place]| -> anyhow::Result<()> {
        let corners: Vec<_> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
        Ok(canvas.draw(&Polygon::new(corners, paint.filled()))?)
    };
    let flat = r * 7 / 8;
    let thick = (r / 3).max(2).unsigned_abs();
    match why {
        Why::Rss => filled(&[(-r, flat), (r, flat), (0, -flat)]),
        Why::Pss => filled(&[(-r, -flat), (r, -flat), (0, flat)]),
        // An hourglass: both of them.
        Why::KillRss => filled(&[(-r, -r), (r, -r), (-r, r), (r, r)]),
        Why::Lifetime => filled(&[(-flat, -flat), (flat, -flat), (flat, flat), (-flat, flat)]),
        Why::Signal => filled(&[(0, -r), (r, 0), (0, r), (-r, 0)]),
        Why::Idle => Ok(canvas.draw(&Circle::new((x, y), flat, paint.filled()))?),
        Why::Other => Ok(canvas.draw(&Circle::new((x, y), flat, paint.stroke_width(thick)))?),
        Why::Exited => {
            line(canvas, vec![(x - flat, y - flat), (x + flat, y + flat)], paint, thick)?;
            line(canvas, vec![(x - flat, y + flat), (x + flat, y - flat)], paint, thick)
        }
    }
}
