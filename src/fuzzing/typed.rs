//! What people type: any text is a value of any option. What is taken is what was meant, reckoned
//! here once more in another way; nothing that is taken breaks when it is printed.

use std::hint::black_box;
use std::time::Duration;

use crate::cli::values::{self, Parsed, metrics};
use crate::decide::exit::Signal;
use crate::decide::rules::{Mapped, Threshold};
use crate::report::metrics::Kind;
use crate::units::{Bytes, SIZE_FORM, Share, Size, Span};

/// Reads the value of an option.
pub fn typed(data: &[u8]) {
    printed(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    size(text);
    share(text);
    duration(text);
    others(text);
}

/// Whatever there is can be printed, and what is printed is no more than that, and little less.
fn printed(data: &[u8]) {
    let mut number = [0; 8];
    let digits = data.len().min(8);
    number[..digits].copy_from_slice(&data[..digits]);
    let bytes = Bytes(u64::from_le_bytes(number));
    let text = bytes.to_string();
    match Bytes::parse(&text, SIZE_FORM) {
        Ok(read) => {
            let unit = [40, 30, 20, 10, 0].map(|shift| 1_u64 << shift);
            let unit = unit.into_iter().find(|unit| bytes.0 >= *unit).unwrap_or(1);
            assert!(read <= bytes && bytes.0 - read.0 <= unit / 10 + 1, "{bytes:?} as {text}");
            assert!(read == bytes || !bytes.0.is_multiple_of(unit), "{bytes:?} as {text}");
        }
        Err(_) => assert!(bytes.0 > i64::MAX as u64, "{bytes:?} as {text}"),
    }
    let nanos = data.get(8).map_or(0, |byte| u32::from(*byte) * 3_906_250);
    let span = Duration::new(bytes.0, nanos);
    let text = Span(span).to_string();
    let read = duration_value(&text).filter(|_| !text.contains('.'));
    assert!(read.is_none_or(|read| read <= span), "{span:?} as {text}");
}

/// A decimal number as people write it, and what follows it.
fn decimal(text: &str) -> Option<(f64, &str)> {
    let ends = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(ends);
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let fits = (1..=20).contains(&whole.len()) && (1..=9).contains(&part.len());
    Some((number.parse().ok().filter(|_| fits)?, rest))
}

/// The same, as a size.
fn reckoned_size(text: &str) -> Option<f64> {
    let (number, unit) = decimal(text)?;
    let unit = unit.to_ascii_lowercase();
    let mut letters = unit.chars();
    let first = letters.next()?;
    let (base, power) = match (first, letters.as_str()) {
        ('b', "") => (1.0, 1),
        (_, "" | "i" | "ib") => (1024.0_f64, "kmgt".find(first)? + 1),
        (_, "b") => (1000.0, "kmgt".find(first)? + 1),
        _ => return None,
    };
    Some(number * base.powi(power as i32))
}

fn about(exact: f64, reckoned: f64) -> bool {
    (exact - reckoned).abs() <= 1.0 + reckoned * 1e-9
}

fn size(text: &str) {
    let reckoned = reckoned_size(text);
    match Bytes::parse(text, SIZE_FORM) {
        Ok(bytes) => {
            let reckoned = reckoned.expect("only sizes are taken for sizes");
            assert!(about(bytes.0 as f64, reckoned), "{text} is {bytes:?}");
        }
        Err(_) => assert!(reckoned.is_none_or(|bytes| bytes >= 9.22e18), "{text} is refused"),
    }
    match Size::parse(text) {
        Ok(Size::Bytes(bytes)) => {
            assert_eq!(Bytes::parse(text, ""), Ok(bytes));
            assert!(bytes > Bytes(0));
        }
        Ok(Size::Share(share)) => {
            assert_eq!(Share::parse(text), Ok(share));
            let whole = Size::Share(share).resolve(|| Some(Bytes(u64::MAX))).unwrap();
            assert!(whole > Bytes(0));
        }
        Err(_) => {}
    }
}

fn share(text: &str) {
    let reckoned = decimal(text).filter(|(_, rest)| *rest == "%").map(|(percent, _)| percent);
    match Share::parse(text) {
        Ok(share) => {
            let reckoned = reckoned.expect("only percentages are taken for one");
            assert!((0.0..=100.0).contains(&reckoned), "{text} is {share:?}");
            assert_eq!(Share::parse(&share.to_string()), Ok(share), "{text} as {share}");
            let part = share.of_bytes(Bytes(1_000_000_000));
            assert!((part.0 as f64 - reckoned * 1e7).abs() <= 1001.0, "{text} is {share:?}");
            assert!(share.of_time(Duration::MAX) <= Duration::MAX);
        }
        Err(_) => assert!(reckoned.is_none_or(|percent| percent > 100.0), "{text} is refused"),
    }
}

/// Seconds in a unit of time; nobody means months or years here.
fn seconds_in(unit: &str) -> Option<f64> {
    Some(match unit {
        "nanos" | "nsec" | "ns" => 1e-9,
        "usec" | "us" | "µs" => 1e-6,
        "millis" | "msec" | "ms" => 1e-3,
        "seconds" | "second" | "secs" | "sec" | "s" => 1.0,
        "minutes" | "minute" | "mins" | "min" | "m" => 60.0,
        "hours" | "hour" | "hrs" | "hr" | "h" => 3600.0,
        "days" | "day" | "d" => 86_400.0,
        "weeks" | "week" | "wks" | "wk" | "w" => 604_800.0,
        _ => return None,
    })
}

fn duration(text: &str) {
    let Some(span) = duration_value(text) else { return };
    let mut sum = 0.0;
    let mut rest = text.trim();
    while rest != "0" && !rest.is_empty() {
        let ends = rest.find(char::is_alphabetic).expect("a number has a unit");
        let (number, behind) = rest.split_at(ends);
        let ends = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(ends);
        let unit = seconds_in(unit).unwrap_or_else(|| panic!("{text}: what is {unit}?"));
        let number: String = number.split_whitespace().collect();
        sum += unit * number.parse::<f64>().expect("a number stands before a unit");
        rest = behind.trim_start();
    }
    let exact = span.as_secs_f64();
    assert!((exact - sum).abs() <= 1e-9 + sum * 1e-9, "{text} is {span:?}");
}

fn duration_value(text: &str) -> Option<Duration> {
    let zero_too = values::duration_or_zero(text).ok();
    assert_eq!(values::duration(text).ok(), zero_too.filter(|span| *span > Duration::ZERO));
    zero_too
}

/// Every other form.
fn others(text: &str) {
    told(values::then(text));
    told(values::format(text));
    told(values::restart(text));
    told(values::scope(text));
    let floor = told(values::floor(text)).flatten();
    let nothing = [Threshold::Total(Bytes(0)), Threshold::PerConnection(Bytes(0))];
    assert!(floor.is_none_or(|floor| !nothing.contains(&floor)));
    if let Some(script) = told(values::script(text)) {
        assert_eq!(script.as_bytes(), text.as_bytes());
    }
    let name = told(values::name(text)).unwrap_or_else(|| "-".into());
    assert!(!name.is_empty() && !name.contains('\n'));
    if let Some(budget) = told(values::budget(text)) {
        assert!(budget.window > Duration::ZERO);
    }
    if let Some(backoff) = told(values::backoff(text)) {
        assert!(Duration::ZERO < backoff.min && backoff.min <= backoff.max);
    }
    if let Some(signal) = told(values::signal(text)) {
        assert!((1..=64).contains(&signal.number()));
        let printed = signal.to_string();
        assert!(printed.starts_with("signal ") || Signal::parse(&printed) == Some(signal));
    }
    if let Some((from, to)) = told(values::mapping(text)) {
        assert!(![Signal::KILL, Signal::STOP, Signal::CHLD].contains(&from));
        assert!(from != Signal::TERM || matches!(to, Mapped::Pass(_)), "TERM is an end");
    }
    if let Some(sources) = told(values::traffic(text)) {
        let (wanted, unwanted) = (&sources.ports.wanted, &sources.ports.unwanted);
        assert!(wanted.iter().all(|port| *port > 0 && !unwanted.contains(port)));
        assert!(sources.sockets() || sources.stdin && wanted.is_empty());
    }
    if let Some(target) = told(metrics::target(text)) {
        assert_eq!(target.text, text);
        match target.kind {
            Kind::Statsd(server) => assert!(server.port > 0 && !server.host.is_empty()),
            Kind::File(path) => assert!(path.file_name().is_some()),
        }
    }
}

/// What is refused is refused with words, on one line.
fn told<T: std::fmt::Debug>(parsed: Parsed<T>) -> Option<T> {
    match black_box(parsed) {
        Ok(value) => Some(value),
        Err(why) => {
            assert!(!why.is_empty() && !why.contains('\n'), "{why:?}");
            None
        }
    }
}
