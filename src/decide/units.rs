//! Sizes, shares and spans of time: read what people type, print what they like to read.
//!
//! Reading says only *what is wrong*; which option it was is the caller's to add.

use std::fmt;
use std::time::Duration;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// A share of something, in parts of a million: `5%` is 50,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

/// A size as typed: some sizes mean something only on the machine they are used on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Bytes(Bytes),
    /// Of the memory limit in force.
    Share(Share),
}

/// What a size may look like, for error lines.
pub const SIZE_FORM: &str = "a size with a unit, such as 512M, 1.5G or 80%";

const MILLION: u32 = 1_000_000;

/// Each unit with its bytes: K, M, G, T are powers of 1024, KB, MB, GB, TB of 1000.
const UNITS: [(&str, u64); 17] = [
    ("B", 1),
    ("K", 1 << 10),
    ("KI", 1 << 10),
    ("KIB", 1 << 10),
    ("M", 1 << 20),
    ("MI", 1 << 20),
    ("MIB", 1 << 20),
    ("G", 1 << 30),
    ("GI", 1 << 30),
    ("GIB", 1 << 30),
    ("T", 1 << 40),
    ("TI", 1 << 40),
    ("TIB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// A decimal number as an exact fraction, `(numerator, denominator)`; at most 9 digits behind the
/// point, so that every later product fits in 128 bits.
fn decimal(text: &str) -> Option<(u128, u128)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 20 || part.len() > 9 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(part.len()).ok()?);
    Some((whole.parse::<u128>().ok()? * scale + part.parse::<u128>().ok()?, scale))
}

impl Bytes {
    /// Reads `512M`, `1.5GiB`, `500MB`, `0B`. The unit is not optional; `form` says what else is
    /// allowed.
    ///
    /// # Errors
    /// One phrase that says what is allowed: no number, no or an unknown unit, more than 2^63
    /// bytes.
    pub fn parse(text: &str, form: &str) -> Result<Self, String> {
        let number_ends = text.find(|c: char| c != '.' && !c.is_ascii_digit());
        let (number, unit) = text.split_at(number_ends.unwrap_or(text.len()));
        let expected = || format!("expected {form}");
        let (numerator, denominator) = decimal(number).ok_or_else(expected)?;
        if unit.is_empty() {
            return Err(format!("has no unit; expected {form}"));
        }
        let upper = unit.to_ascii_uppercase();
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == upper).ok_or_else(expected)?;
        numerator
            .checked_mul(u128::from(*scale))
            .and_then(|product| u64::try_from(product / denominator).ok())
            .filter(|bytes| i64::try_from(*bytes).is_ok())
            .map(Self)
            .ok_or_else(|| "is more than a machine can hold".into())
    }
}

impl Size {
    /// Reads `512M`, `1.5GiB`, `500MB` or `80%`. The unit is not optional.
    ///
    /// # Errors
    /// One phrase that says what is allowed: no number, no or an unknown unit, zero, more than
    /// 2^63 bytes, more than 100%.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.ends_with('%') {
            return match Share::parse(text)? {
                Share(0) => Err("must be more than 0%".into()),
                share => Ok(Self::Share(share)),
            };
        }
        match Bytes::parse(text, SIZE_FORM)? {
            Bytes(0) => Err("must be more than 0 bytes".into()),
            bytes => Ok(Self::Bytes(bytes)),
        }
    }

    /// The bytes it stands for where the memory limit in force is `limit`.
    ///
    /// # Errors
    /// A share of a limit that is unknown.
    pub fn resolve(self, limit: impl FnOnce() -> Option<Bytes>) -> Result<Bytes, String> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Share(share) => limit().map(|limit| share.of_bytes(limit)).ok_or_else(|| {
                "is a share of memory whose size is unknown here (no cgroup limit, no \
                 /proc/meminfo, no sysinfo(2)); give a size such as 512M"
                    .into()
            }),
        }
    }
}

impl Share {
    /// The whole.
    pub const ALL: Self = Self(MILLION);

    /// Reads `5%` or `12.5%`: 0% to 100%. The sign is not optional.
    ///
    /// # Errors
    /// One phrase that says what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let allowed = || "expected a percentage from 0% to 100%".to_owned();
        let (numerator, denominator) =
            text.strip_suffix('%').and_then(decimal).ok_or_else(allowed)?;
        let millionths = numerator * u128::from(MILLION / 100);
        if millionths > denominator * u128::from(MILLION) {
            return Err(allowed());
        }
        u32::try_from(millionths / denominator).map(Self).map_err(|_| allowed())
    }

    /// The share that is `percent` of a hundred; more than a hundred is the whole.
    #[cfg(test)]
    pub const fn percent(percent: u32) -> Self {
        Self(if percent < 100 { percent * (MILLION / 100) } else { MILLION })
    }

    /// This share of a number of bytes, rounded down.
    pub fn of_bytes(self, whole: Bytes) -> Bytes {
        let part = u128::from(whole.0) * u128::from(self.0) / u128::from(MILLION);
        Bytes(u64::try_from(part).unwrap_or(u64::MAX))
    }

    /// This share of a span of time, rounded down to the nanosecond.
    pub fn of_time(self, whole: Duration) -> Duration {
        let nanos = whole.as_nanos() * u128::from(self.0) / u128::from(MILLION);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Bytes {
    /// `512M`, `513.2M`, `0B`: the largest unit of 1024 that gives at least 1, one digit behind
    /// the point where there is something behind it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, scale) = [("T", 40), ("G", 30), ("M", 20), ("K", 10)]
            .into_iter()
            .map(|(name, shift)| (name, 1_u64 << shift))
            .find(|(_, scale)| self.0 >= *scale)
            .unwrap_or(("B", 1));
        if self.0.is_multiple_of(scale) {
            return write!(out, "{}{name}", self.0 / scale);
        }
        let tenths = u128::from(self.0) * 10 / u128::from(scale);
        write!(out, "{}.{}{name}", tenths / 10, tenths % 10)
    }
}

impl fmt::Display for Share {
    /// `5%`, `12.5%`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / (MILLION / 100), self.0 % (MILLION / 100));
        if part == 0 {
            return write!(out, "{whole}%");
        }
        let part = format!("{part:04}");
        write!(out, "{whole}.{}%", part.trim_end_matches('0'))
    }
}

/// A span of time as people say it: `290ms`, `0.4s`, `30s`, `5m 3s`, `3h 12m`, `2d 4h`.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let two = |out: &mut fmt::Formatter<'_>, first, big: &str, second, small: &str| match second
        {
            0 => write!(out, "{first}{big}"),
            second => write!(out, "{first}{big} {second}{small}"),
        };
        match seconds {
            86_400.. => two(out, seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
            3_600.. => two(out, seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
            60.. => two(out, seconds / 60, "m", seconds % 60, "s"),
            0 if millis < 100 => write!(out, "{millis}ms"),
            _ if millis < 100 => write!(out, "{seconds}s"),
            _ => write!(out, "{seconds}.{}s", millis / 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Result<u64, String> {
        Size::parse(text)?.resolve(|| Some(Bytes(1000))).map(|bytes| bytes.0)
    }

    #[test]
    fn sizes_are_read() {
        for (text, value) in [
            ("512M", 512 << 20),
            ("512m", 512 << 20),
            ("512Mi", 512 << 20),
            ("512MiB", 512 << 20),
            ("1.5G", 3 << 29),
            ("1KB", 1000),
            ("1k", 1024),
            ("7B", 7),
            ("2T", 2 << 40),
            ("80%", 800),
            ("0.1%", 1),
            ("100%", 1000),
        ] {
            assert_eq!(bytes(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "M",
            "512",
            "-5M",
            "+5M",
            "5 M",
            "5X",
            "0M",
            "0.0000000001M",
            "99999999T",
            "120%",
            "0%",
            "%",
            "1e3M",
            "1..5G",
            ".5G",
            "5.M",
            "0x10M",
            "100.000001%",
            "NaN",
            "∞M",
            "123456789012345678901234567890M",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_print_as_people_write_them() {
        for (value, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (512 << 20, "512M"),
            (538_130_000, "513.2M"),
            (3 << 29, "1.5G"),
            (u64::MAX, "16777215.9T"),
        ] {
            assert_eq!(Bytes(value).to_string(), text);
        }
    }

    #[test]
    fn spans_print_as_people_say_them() {
        for (millis, text) in [
            (0, "0ms"),
            (99, "99ms"),
            (400, "0.4s"),
            (999, "0.9s"),
            (1_050, "1s"),
            (30_000, "30s"),
            (303_000, "5m 3s"),
            (11_520_000, "3h 12m"),
            (21_600_000, "6h"),
            (187_200_000, "2d 4h"),
        ] {
            assert_eq!(Span(Duration::from_millis(millis)).to_string(), text);
        }
    }

    #[test]
    fn shares_print_as_they_are_read() {
        for text in ["0%", "5%", "12.5%", "0.0001%", "33.3333%", "100%"] {
            assert_eq!(Share::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn shares_are_taken_exactly() {
        let five = Share::parse("5%").unwrap();
        assert_eq!(five, Share::percent(5));
        assert_eq!(five.of_time(Duration::from_secs(1)), Duration::from_millis(50));
        assert_eq!(Share::ALL.of_bytes(Bytes(u64::MAX)), Bytes(u64::MAX));
    }
}
