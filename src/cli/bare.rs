//! A command line without options, as most wrappers' are: what it means is known without asking
//! clap, which takes longer to get ready than COMMAND to start.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::config::{self, Config, Hooks};
use crate::act::stop::Scope;
use crate::decide::rules::Rules;
use crate::report::{Format, Loudness, Style};
use crate::sense::traffic::sources::{Extent, Sources};
use crate::units::Share;

/// What these words (after the program's own name) mean, if nothing but COMMAND was given, neither
/// by them nor by the environment.
pub(super) fn config(
    words: &[OsString],
    mut variables: impl Iterator<Item = &'static [u8]>,
) -> Option<Config> {
    let command = match words {
        [dashes, command @ ..] if dashes == "--" => command,
        [first, ..] if !first.as_bytes().starts_with(b"-") => words,
        _ => return None,
    };
    if command.is_empty() || variables.any(|name| name.starts_with(b"RECYCLE_")) {
        return None;
    }
    Some(transparent(command.to_vec()))
}

/// What all options' defaults come to; a test holds it against them.
fn transparent(command: Vec<OsString>) -> Config {
    let mut traffic = Sources { stdin: true, ..Sources::default() };
    traffic.extend_sockets(Extent::All);
    Config {
        rules: Rules {
            idle_cpu: Share::parse("5%").ok(),
            stop_timeout: Duration::from_secs(30),
            is_init: std::process::id() == 1,
            ..Rules::none()
        },
        chdir: None,
        traffic,
        scope: Scope::Child,
        style: Style {
            loudness: Loudness::Normal,
            format: Format::Text,
            name: config::file_name(&command),
            samples: false,
            limits: Vec::new(),
        },
        hooks: Hooks { on_event: None, pre_stop: None },
        metrics: Vec::new(),
        // None of them is there.
        hidden: Vec::new(),
        ignored: Vec::new(),
        command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Request, parse_options};
    use crate::units::Bytes;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    fn of(text: &str, variables: &[&'static str]) -> Option<Config> {
        config(&words(text), variables.iter().map(|name| name.as_bytes()))
    }

    #[test]
    fn it_means_what_clap_would_say() {
        for text in ["a", "-- a", "-- -a --idle", "a -- b", "a --idle 1m -b", "/x/a", "-- -- -a"] {
            let ours = of(text, &["PATH", "RECYCLED"]).unwrap();
            let limit = || Some(Bytes(1 << 30));
            let Ok(Request::Run(theirs)) = parse_options(words(text), limit) else {
                panic!("{text}: not taken by clap");
            };
            let theirs = Config { hidden: Vec::new(), ..*theirs };
            assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{text}");
        }
    }

    #[test]
    fn what_says_more_is_claps_business() {
        for text in ["-q a", "--", "--idle 1m a", "--help", "-", "--version -- a"] {
            assert!(of(text, &[]).is_none(), "{text}");
        }
        assert!(config(&[], std::iter::empty()).is_none());
        assert!(of("a", &["PATH", "RECYCLE_IDLE"]).is_none());
    }
}
