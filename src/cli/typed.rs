//! Where a value came from, and what to call it when it is refused.

use clap::ArgMatches;
use clap::parser::ValueSource;

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
}
