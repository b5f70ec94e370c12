//! The forms that values have: text in, meaning out, or a phrase that says what is allowed.

pub(crate) mod metrics;

use std::ffi::CString;
use std::time::Duration;

use crate::act::stop::Scope;
use crate::decide::exit::Signal;
use crate::decide::rules::{Backoff, Budget, Mapped, Restart, Then, Threshold};
use crate::report::Format;
use crate::sense::traffic::sources::{Extent, Ports, Sources};
use crate::units::Bytes;

/// What a value may fail with: the phrase that goes behind option and value.
pub(crate) type Parsed<T> = Result<T, String>;

const DURATION_FORM: &str = "expected a duration such as 90s, 5m or 1h 30m";

/// Units of humantime that we do not take: nobody means a month by `5M` here.
const NOT_UNITS: [&str; 8] = ["M", "month", "months", "y", "yr", "yrs", "year", "years"];

/// A duration, which may be `0s`.
pub(crate) fn duration_or_zero(text: &str) -> Parsed<Duration> {
    let units = || text.split(|c: char| !c.is_alphabetic());
    if units().any(|unit| unit == "M") {
        let minutes = text.replace('M', "m");
        let minutes = minutes.escape_default();
        return Err(format!("M is not a unit of time; did you mean {minutes} (minutes)?"));
    }
    if let Some(unit) = units().find(|unit| NOT_UNITS.contains(unit)) {
        return Err(format!("{unit} is not a unit here; {DURATION_FORM}"));
    }
    humantime::parse_duration(text).map_err(|_| missing(text))
}

/// What is wrong with a duration. timeout(1) and sleep(1) take `1.5` and `.5s`.
fn missing(text: &str) -> String {
    let whole = match text.strip_prefix('.') {
        Some(part) => format!("0.{part}"),
        None => text.to_owned(),
    };
    let is_one = |text: &str| humantime::parse_duration(text).is_ok();
    if text.ends_with(|c: char| c.is_ascii_digit()) && is_one(&format!("{whole}s")) {
        format!("has no unit; {DURATION_FORM}")
    } else if is_one(&whole) {
        format!("has no digit before the point; did you mean {}?", whole.escape_default())
    } else {
        DURATION_FORM.to_owned()
    }
}

/// A duration of more than nothing.
pub(crate) fn duration(text: &str) -> Parsed<Duration> {
    match duration_or_zero(text)? {
        Duration::ZERO => Err("must be more than 0s".into()),
        duration => Ok(duration),
    }
}

/// How often we look, or how long it is to be quiet. A shorter one would have us look all the time.
pub(crate) fn window(text: &str) -> Parsed<Duration> {
    match duration(text)? {
        window if window < Duration::from_millis(10) => Err("must be at least 10ms".into()),
        window => Ok(window),
    }
}

/// `restart`, `exit`, `exit:STATUS`, `command` or `wait`.
pub(crate) fn then(text: &str) -> Parsed<Then> {
    let refused = || {
        "expected restart, wait, command, exit or exit:STATUS with a status from 0 to 255"
            .to_owned()
    };
    match text.split_once(':') {
        None if text == "restart" => Ok(Then::Restart),
        None if text == "exit" => Ok(Then::Exit(0)),
        None if text == "command" => Ok(Then::AsCommand),
        None if text == "wait" => Ok(Then::Wait),
        Some(("exit", status)) => status.parse().map(Then::Exit).map_err(|_| refused()),
        None | Some(_) => Err(refused()),
    }
}

/// `never`, `on-failure` or `always`.
pub(crate) fn format(text: &str) -> Parsed<Format> {
    match text {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        "logfmt" => Ok(Format::Logfmt),
        _ => Err("expected text, json or logfmt".into()),
    }
}

/// `inherit` or `lines`: whether it is the latter.
pub(crate) fn is_lines(text: &str) -> Parsed<bool> {
    match text {
        "inherit" => Ok(false),
        "lines" => Ok(true),
        _ => Err("expected inherit or lines".into()),
    }
}

/// A command line for a shell.
pub(crate) fn script(text: &str) -> Parsed<CString> {
    let refused = || "expected a command for /bin/sh".to_owned();
    if text.trim().is_empty() {
        return Err(refused());
    }
    CString::new(text).map_err(|_| refused())
}

/// A name for machines. One line of a few words: it is in every line that they get.
pub(crate) fn name(text: &str) -> Parsed<String> {
    let fits = (1..=255).contains(&text.len()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| "expected 1 to 255 bytes without control characters".into())
}

pub(crate) fn restart(text: &str) -> Parsed<Restart> {
    match text {
        "never" => Ok(Restart::Never),
        "on-failure" => Ok(Restart::OnFailure),
        "always" => Ok(Restart::Always),
        _ => Err("expected never, on-failure or always".into()),
    }
}

/// `N/DURATION`.
pub(crate) fn budget(text: &str) -> Parsed<Budget> {
    let form = || "expected N/DURATION, such as 5/1m".to_owned();
    let (restarts, window) = text.split_once('/').ok_or_else(form)?;
    let restarts = restarts.parse().map_err(|_| form())?;
    Ok(Budget { restarts, window: duration(window)? })
}

/// `MIN..MAX`.
pub(crate) fn backoff(text: &str) -> Parsed<Backoff> {
    let (min, max) = text.split_once("..").ok_or("expected MIN..MAX, such as 100ms..30s")?;
    let (min, max) = (duration(min)?, duration(max)?);
    if min > max {
        return Err("MIN must not be more than MAX".into());
    }
    Ok(Backoff { min, max })
}

/// A number of bytes, which may be 0: then `None`. With `/conn`, for each connection.
pub(crate) fn floor(text: &str) -> Parsed<Option<Threshold>> {
    if text == "auto" {
        return Ok(Some(Threshold::Auto));
    }
    let (size, each) = match text.strip_suffix("/conn") {
        Some(size) => (size, true),
        None => (text, false),
    };
    let form = "a size with a unit, such as 64B, 4K or 256B/conn, or auto";
    let bytes = Some(Bytes::parse(size, form)?).filter(|bytes| *bytes != Bytes(0));
    Ok(bytes.map(if each { Threshold::PerConnection } else { Threshold::Total }))
}

/// `child` or `group`.
pub(crate) fn scope(text: &str) -> Parsed<Scope> {
    match text {
        "child" => Ok(Scope::Child),
        "group" => Ok(Scope::Group),
        _ => Err("expected child or group".into()),
    }
}

const SIGNAL_FORM: &str =
    "expected a signal: a name such as TERM or RTMIN+1, or a number, 1 to 31 or from 34 to 64";

/// A signal.
pub(crate) fn signal(text: &str) -> Parsed<Signal> {
    Signal::parse(text).ok_or_else(|| match text {
        // `nptl(7)`: threads are cancelled by them.
        "32" | "33" => format!("signal {text} is the C library's own; {SIGNAL_FORM}"),
        _ => SIGNAL_FORM.to_owned(),
    })
}

/// `FROM:TO`. 0 for TO is that of dumb-init's `--rewrite`.
pub(crate) fn mapping(text: &str) -> Parsed<(Signal, Mapped)> {
    let form = "expected FROM:TO, two signals, or none or recycle for TO";
    let (from, to) = text.split_once(':').ok_or(form)?;
    let half = |name: &str, text: &str, more: &str| {
        let wrong = |why| format!("{name}, '{}': {why}{more}", text.escape_default());
        signal(text).map_err(wrong)
    };
    let from = half("FROM", from, "")?;
    let to = match to {
        "none" | "0" => Mapped::Drop,
        "recycle" => Mapped::Recycle,
        to => Mapped::Pass(half("TO", to, ", or none or recycle")?),
    };
    match (from, to) {
        (Signal::TERM, Mapped::Drop | Mapped::Recycle) => {
            Err("TERM must stay a way to end; it can only be mapped to a signal".into())
        }
        (Signal::KILL | Signal::STOP, _) => Err(format!("{from} cannot be caught by anybody")),
        (Signal::CHLD, _) => Err("SIGCHLD is never passed on".into()),
        mapping => Ok(mapping),
    }
}

/// `stdin,sockets`, with filters on ports among them. Filters alone are filters on the default.
pub(crate) fn traffic(text: &str) -> Parsed<Sources> {
    let form = "expected a list of stdin, sockets, tcp, udp, unix, inbound, port:N, !port:N";
    let mut sources = Sources::default();
    for word in text.split(',').map(str::trim) {
        match word {
            "stdin" => sources.stdin = true,
            "sockets" => sources.extend_sockets(Extent::All),
            "inbound" => sources.extend_sockets(Extent::Inbound),
            "tcp" => sources.tcp = Extent::All,
            "udp" => sources.udp = Extent::All,
            "unix" => sources.unix = Extent::All,
            _ => match word.split_once(':').ok_or(form)? {
                ("port", number) => sources.ports.wanted.push(port(number)?),
                ("!port", number) => sources.ports.unwanted.push(port(number)?),
                _ => return Err(form.into()),
            },
        }
    }
    let both = sources.ports.wanted.iter().find(|port| sources.ports.unwanted.contains(port));
    if let Some(port) = both {
        return Err(format!("port:{port} and !port:{port} contradict each other"));
    }
    if !sources.stdin && !sources.sockets() {
        sources.stdin = true;
        sources.extend_sockets(Extent::All);
    }
    if !sources.sockets() && sources.ports != Ports::default() {
        return Err("port:N and !port:N mean nothing without sockets".into());
    }
    Ok(sources)
}

fn port(text: &str) -> Parsed<u16> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| "expected a port from 1 to 65535".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_humantimes_without_months_and_years() {
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(duration_or_zero("0s"), Ok(Duration::ZERO));
        assert!(duration("5M").unwrap_err().contains("did you mean 5m"));
        assert!(duration("5M\n\u{1b}").unwrap_err().contains("did you mean 5m\\n\\u{1b} "));
        for text in ["5", "1.5", "1h 30", ".5", "90 "] {
            let missing = duration(text).unwrap_err();
            assert_eq!(missing.starts_with("has no unit; "), text != "90 ", "{text}: {missing}");
        }
        let point = "has no digit before the point; did you mean 0.5s?";
        assert_eq!(duration(".5s").unwrap_err(), point);
        for text in ["abc", "", "5n", ".s", "-5s", ".-5s", "1..5s"] {
            assert_eq!(duration(text).unwrap_err(), DURATION_FORM, "{text}");
        }
        for text in [
            "0s",
            "abc",
            "",
            "5",
            "-5s",
            "1y",
            "2yrs",
            "2months",
            "1 year",
            "99999999999999999999s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn mappings_that_would_lock_the_door_are_refused() {
        assert_eq!(mapping("USR1:recycle"), Ok((Signal::parse("USR1").unwrap(), Mapped::Recycle)));
        assert_eq!(mapping("TERM:INT"), Ok((Signal::TERM, Mapped::Pass(Signal::INT))));
        assert_eq!(mapping("HUP:0"), Ok((Signal::HUP, Mapped::Drop)));
        assert_eq!(mapping("HUP:none"), mapping("HUP:0"));
        for text in [
            "TERM:none",
            "TERM:0",
            "TERM:recycle",
            "KILL:TERM",
            "STOP:none",
            "CHLD:TERM",
            "FOO:BAR",
            "TERM",
            ":",
            "INT:",
        ] {
            assert!(mapping(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_half_of_a_mapping_that_is_wrong_is_named() {
        for (text, start, end) in [
            ("15:derp", "TO, 'derp': expected a signal: ", " or from 34 to 64, or none or recycle"),
            ("derp:15", "FROM, 'derp': expected a signal: ", " or from 34 to 64"),
            ("0:none", "FROM, '0': expected a signal: ", " or from 34 to 64"),
            ("15:a\u{1b}", "TO, 'a\\u{1b}': expected", "recycle"),
            ("15:33", "TO, '33': signal 33 is the C library's own; ", "recycle"),
            ("15", "expected FROM:TO, two signals, ", " for TO"),
        ] {
            let said = mapping(text).unwrap_err();
            assert!(said.starts_with(start) && said.ends_with(end), "{text}: {said}");
        }
    }

    #[test]
    fn signals_that_nobody_can_send_are_refused() {
        for text in ["32", "33"] {
            let said = signal(text).unwrap_err();
            assert!(said.starts_with(&format!("signal {text} is the C library's own; ")), "{said}");
        }
        assert!(signal("0").unwrap_err().starts_with("expected a signal: "));
        assert_eq!((signal("31").unwrap().number(), signal("34").unwrap().number()), (31, 34));
    }

    #[test]
    fn lists_and_pairs() {
        assert_eq!(then("exit:7"), Ok(Then::Exit(7)));
        assert_eq!(then("wait"), Ok(Then::Wait));
        assert_eq!(then("command"), Ok(Then::AsCommand));
        for text in ["exit:256", "exit:", "wait:1", "exit:-1", "command:1", ""] {
            assert!(then(text).is_err(), "{text}");
        }
        assert_eq!(budget("3/10s").unwrap().restarts, 3);
        assert!(budget("3").is_err() && budget("x/1m").is_err() && budget("3/0s").is_err());
        assert!(
            backoff("1s..1ms").is_err() && backoff("0s..1s").is_err() && backoff("1s").is_err()
        );
    }

    #[test]
    fn traffic_is_kinds_and_filters() {
        let all = Sources { stdin: true, ..sockets(Extent::All) };
        assert_eq!(traffic("stdin,sockets"), Ok(all.clone()));
        assert_eq!(traffic("stdin"), Ok(Sources { stdin: true, ..Sources::default() }));
        assert_eq!(traffic("inbound"), Ok(sockets(Extent::Inbound)));
        let mixed = Sources { tcp: Extent::All, ..sockets(Extent::Inbound) };
        assert_eq!(traffic("inbound, tcp"), Ok(mixed.clone()));
        assert_eq!(traffic("tcp,inbound"), Ok(mixed));
        let ports = Ports { wanted: vec![80, 443], unwanted: vec![9090] };
        assert_eq!(traffic("port:80,port:443,!port:9090"), Ok(Sources { ports, ..all }));
        for text in [
            "",
            "foo",
            "stdin,",
            "!tcp",
            "port:0",
            "port:70000",
            "port:x",
            "port",
            "stdin,port:80",
            "port:80,!port:80",
        ] {
            assert!(traffic(text).is_err(), "{text}");
        }
    }

    fn sockets(extent: Extent) -> Sources {
        let mut sources = Sources::default();
        sources.extend_sockets(extent);
        sources
    }
}
