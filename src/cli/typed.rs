//! Where a value came from, and what to call it when it is refused.

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::constraints::Ignored;

/// Where a value came from.
pub(super) struct Typed<'a> {
    pub(super) matches: &'a ArgMatches,
}

impl Typed<'_> {
    fn source(&self, option: &str) -> Option<ValueSource> {
        self.matches.value_source(&option.replace('-', "_"))
    }

    /// Whether somebody gave the option, rather than left it at its default.
    pub(super) fn given(&self, option: &str) -> bool {
        !matches!(self.source(option), None | Some(ValueSource::DefaultValue))
    }

    /// Whether the environment gave it.
    pub(super) fn by_variable(&self, option: &str) -> bool {
        self.source(option) == Some(ValueSource::EnvVariable)
    }

    /// What to call it: as it was written.
    pub(super) fn name(&self, option: &str) -> String {
        if self.by_variable(option) {
            format!("RECYCLE_{}", option.replace('-', "_").to_ascii_uppercase())
        } else {
            format!("--{option}")
        }
    }

    /// Whether somebody gave it; of an option without a value, whether it is on.
    pub(super) fn is_on(&self, option: &str) -> bool {
        self.given(option) && self.values(option).next().is_some()
    }

    /// Its values as text. An option without a value has an empty one if it is on, else none.
    pub(super) fn values(&self, option: &str) -> impl Iterator<Item = String> {
        let id = option.replace('-', "_");
        let switch = match self.matches.try_get_one::<bool>(&id) {
            Ok(on) => Some(on == Some(&true)),
            Err(_) => None,
        };
        let words = match switch {
            Some(true) => vec![String::new()],
            Some(false) => Vec::new(),
            None => {
                let raw = self.matches.get_raw(&id).into_iter().flatten();
                raw.map(|value| value.to_string_lossy().into_owned()).collect()
            }
        };
        words.into_iter()
    }

    /// Its name with its value: `--idle '5m'`.
    pub(super) fn given_as(&self, option: &str) -> String {
        let value = self.value(option);
        let value = if value.is_empty() { value } else { format!(" '{}'", value.escape_default()) };
        format!("{}{value}", self.name(option))
    }

    /// Its variable, which is ignored for this reason.
    pub(super) fn ignored(&self, option: &'static str, reason: String) -> Ignored {
        let (variable, value) = (self.name(option), self.value(option));
        Ignored { option, variable, value, reason }
    }

    fn value(&self, option: &str) -> String {
        self.values(option).collect::<Vec<_>>().join(",")
    }
}
