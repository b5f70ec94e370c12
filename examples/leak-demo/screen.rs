//! The picture in the terminal: both curves in one, drawn over itself again and again.

use std::fmt::Write as _;
use std::io::{Write as _, stdout};
use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::Result;

use crate::curve::{Curve, megabytes};

/// The size of the plot, in letters.
const ROWS: u64 = 14;
const COLUMNS: u64 = 60;
/// What stands left of it: `300M |`
const MARGIN: usize = 7;
/// The lines of the picture, and those before and after it.
const LINES: u64 = ROWS + 5;
const OTHERS: u64 = 3;

/// An eighth, two eighths and so on of a letter, from below.
const EIGHTHS: [char; 7] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇'];

const BLUE: &str = "\x1b[34m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// Whether the terminal has room for the picture.
pub(crate) fn fits() -> bool {
    let columns = COLUMNS + MARGIN as u64;
    size().is_some_and(|size| size.0 >= LINES + OTHERS && size.1 >= columns)
}

/// The terminal's lines and columns.
fn size() -> Option<(u64, u64)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the request writes a `winsize`, which outlives the call.
    #[expect(unsafe_code, reason = "nix does not wrap it")]
    let result = unsafe { libc::ioctl(stdout().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (result == 0).then_some((size.ws_row.into(), size.ws_col.into()))
}

/// The picture at some time of so many seconds; `again`: over the one before.
pub(crate) struct Picture<'a> {
    pub(crate) seconds: u64,
    /// In megabytes.
    pub(crate) limit: u64,
    pub(crate) now: Duration,
    pub(crate) alone: &'a Curve,
    pub(crate) recycled: &'a Curve,
}

impl Picture<'_> {
    pub(crate) fn draw(&self, again: bool) -> Result<()> {
        let mut text = String::new();
        if again {
            write!(text, "\x1b[{LINES}A")?;
        }
        for line in self.lines() {
            // What was there before is longer, perhaps.
            writeln!(text, "{line}\x1b[K")?;
        }
        // In one piece, so that nobody sees half of it.
        stdout().write_all(text.as_bytes())?;
        Ok(stdout().flush()?)
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{YELLOW}░{PLAIN} alone   {BLUE}█{PLAIN} under recycle   {RED}┄{PLAIN} its limit   \
             {RED}▲{PLAIN} recycled"
        )];
        lines.extend((0..ROWS).rev().map(|row| self.row(row)));
        let margin = " ".repeat(MARGIN - 1);
        lines.push(format!("{margin}└{}", "─".repeat(usize::try_from(COLUMNS).unwrap_or(0))));
        let mark = |column| if self.is_recycled(column) { '▲' } else { ' ' };
        let marks: String = (0..COLUMNS).map(mark).collect();
        lines.push(format!("{margin} {RED}{marks}{PLAIN}"));
        let label = |sixth| format!("{:<10}", format!("{}s", self.seconds * sixth / 6));
        lines.push(format!("{margin} {}", (0..6).map(label).collect::<String>()));
        lines.push(format!(
            "{:>4}s  alone {YELLOW}{}M{PLAIN}, under recycle {BLUE}{}M{PLAIN}, recycled {}x",
            self.now.as_secs(),
            megabytes(self.alone.now()),
            megabytes(self.recycled.now()),
            self.recycled.recycles().len()
        ));
        lines
    }

    /// From a column's beginning to its end.
    fn span(&self, column: u64) -> (Duration, Duration) {
        let whole = Duration::from_secs(self.seconds);
        let at = |column: u64| whole.mul_f64(column as f64 / COLUMNS as f64);
        (at(column), at(column + 1))
    }

    fn is_recycled(&self, column: u64) -> bool {
        let (from, to) = self.span(column);
        self.recycled.recycles().iter().any(|at| (from..to).contains(at))
    }

    /// The size at the top of the plot, in bytes.
    fn top(&self) -> u64 {
        self.alone.peak().max(self.recycled.peak()).max((self.limit << 20) * 5 / 4).max(1)
    }

    /// How high a size is, in eighths of letters.
    fn height(&self, bytes: u64) -> u64 {
        let eighths = u128::from(bytes) * u128::from(ROWS * 8) / u128::from(self.top());
        u64::try_from(eighths).unwrap_or(u64::MAX)
    }

    /// A row of the plot, counted from below.
    fn row(&self, row: u64) -> String {
        let limit_row = self.height(self.limit << 20) / 8;
        let size = megabytes(self.top() * (row + 1) / ROWS);
        let label = match row {
            row if row == limit_row => format!("{}M", self.limit),
            row if row + 1 == ROWS || row + 1 == ROWS / 2 => format!("{size}M"),
            _ => String::new(),
        };
        let mut line = format!("{label:>5} │");
        let mut paint = PLAIN;
        for column in 0..COLUMNS {
            let (colour, letter) = self.letter(row, column, row == limit_row);
            if colour != paint {
                line.push_str(colour);
                paint = colour;
            }
            line.push(letter);
        }
        line + PLAIN
    }

    fn letter(&self, row: u64, column: u64, at_limit: bool) -> (&'static str, char) {
        let ground = if at_limit { (RED, '┄') } else { (PLAIN, ' ') };
        let (from, to) = self.span(column);
        if from > self.now {
            return ground;
        }
        let above = |curve: &Curve| self.height(curve.between(from, to)).saturating_sub(row * 8);
        match (above(self.recycled), above(self.alone)) {
            (8.., _) => (BLUE, '█'),
            (part @ 1.., _) => (BLUE, usize::try_from(part - 1).map_or(' ', |part| EIGHTHS[part])),
            (0, 4..) => (YELLOW, '░'),
            (0, _) => ground,
        }
    }
}
