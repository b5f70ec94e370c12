//! The colours, light and dark. Each reason has a colour that people with any kind of colour
//! blindness can tell from the line, and a shape of its own.
//!
//! The drawing has the light ones written into it, for whatever shows it; a style sheet puts the
//! dark ones in their place where a reader's system asks for that.

use std::fmt::Write;

use plotters::style::RGBColor;

/// A colour of the drawing: what it is on a light background.
pub(super) type Paint = RGBColor;

pub(super) const PAPER: Paint = RGBColor(0xff, 0xff, 0xff);
pub(super) const INK: Paint = RGBColor(0x1b, 0x1f, 0x24);
pub(super) const MUTED: Paint = RGBColor(0x57, 0x60, 0x6a);
pub(super) const GRID: Paint = RGBColor(0xd9, 0xde, 0xe4);
/// Behind every second generation.
pub(super) const BAND: Paint = RGBColor(0xee, 0xf2, 0xf6);
pub(super) const RSS: Paint = RGBColor(0x00, 0x56, 0x8a);
pub(super) const PSS: Paint = RGBColor(0x3d, 0x95, 0xc9);
/// Limits, and recycles for memory.
pub(super) const LIMIT: Paint = RGBColor(0xc2, 0x41, 0x0c);
pub(super) const IDLE: Paint = RGBColor(0x00, 0x7a, 0x5a);
pub(super) const LIFETIME: Paint = RGBColor(0x8a, 0x3b, 0x8f);
pub(super) const SIGNAL: Paint = RGBColor(0x4d, 0x58, 0x66);

/// Each colour, and what it is on a dark background.
const DARK: [(Paint, Paint); 11] = [
    (PAPER, RGBColor(0x12, 0x16, 0x1c)),
    (INK, RGBColor(0xe8, 0xea, 0xed)),
    (MUTED, RGBColor(0xa8, 0xb1, 0xbc)),
    (GRID, RGBColor(0x33, 0x3b, 0x45)),
    (BAND, RGBColor(0x1d, 0x24, 0x2d)),
    (RSS, RGBColor(0x7c, 0xc4, 0xf5)),
    (PSS, RGBColor(0x46, 0x8c, 0xb8)),
    (LIMIT, RGBColor(0xff, 0x9b, 0x5e)),
    (IDLE, RGBColor(0x3c, 0xcb, 0x9e)),
    (LIFETIME, RGBColor(0xd9, 0x9f, 0xe2)),
    (SIGNAL, RGBColor(0xb4, 0xbe, 0xca)),
];

/// As the drawing writes it.
fn hex(RGBColor(red, green, blue): Paint) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// The style sheet that makes it dark on a screen; paper is light.
pub(super) fn style() -> String {
    let mut rules = String::new();
    for (light, dark) in DARK {
        let (light, dark) = (hex(light), hex(dark));
        for what in ["fill", "stroke"] {
            // Writing to a string cannot fail.
            let _ = write!(rules, "[{what}=\"{light}\"]{{{what}:{dark}}}");
        }
    }
    format!("<style>@media screen and (prefers-color-scheme:dark){{{rules}}}</style>")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two colours (WCAG 2.1): 1 is none.
    fn contrast(a: Paint, b: Paint) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let light = |RGBColor(red, green, blue): Paint| {
            0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue)
        };
        let (a, b) = (light(a), light(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn everything_that_matters_stands_out_in_light_and_in_dark() {
        let ground = |dark: bool| {
            let pick = |paint: usize| if dark { DARK[paint].1 } else { DARK[paint].0 };
            [pick(0), pick(4)]
        };
        for (light, dark) in
            DARK.into_iter().filter(|(light, _)| ![PAPER, GRID, BAND].contains(light))
        {
            // Text needs more than a line does.
            let least = if light == PSS { 2.8 } else { 4.5 };
            for (paint, grounds) in [(light, ground(false)), (dark, ground(true))] {
                for ground in grounds {
                    let contrast = contrast(paint, ground);
                    assert!(contrast >= least, "{paint:?} on {ground:?}: {contrast}");
                }
            }
        }
    }

    #[test]
    fn no_colour_is_two() {
        let mut light: Vec<_> = DARK.iter().map(|(light, _)| hex(*light)).collect();
        light.sort_unstable();
        light.dedup();
        assert_eq!(light.len(), DARK.len());
    }
}
