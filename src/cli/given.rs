//! The options that somebody gave, as they were typed: for those who want them explained.

use clap::ArgMatches;
use clap::parser::ValueSource;

/// All of them, in the order of `--help`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given(Vec<Word>);

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    /// Without its dashes.
    option: String,
    /// As it was typed; of an option without a value, nothing.
    pub(crate) value: Option<String>,
    /// The variable of the environment that gave it.
    pub(crate) variable: Option<String>,
}

impl Given {
    pub(super) fn among(command: &clap::Command, matches: &ArgMatches) -> Self {
        let words = command.get_arguments().filter_map(|arg| {
            let option = arg.get_long()?;
            let id = arg.get_id().as_str();
            let by_variable = match matches.value_source(id)? {
                ValueSource::EnvVariable => true,
                ValueSource::CommandLine => false,
                // Left at its default.
                _ => return None,
            };
            let takes_value = by_variable || arg.get_action().takes_values();
            let value = takes_value.then(|| {
                let values = matches.get_raw(id).into_iter().flatten();
                values.map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(",")
            });
            let variable = arg.get_env().filter(|_| by_variable);
            let variable = variable.map(|name| name.to_string_lossy().into_owned());
            Some(Word { option: option.to_owned(), value, variable })
        });
        Self(words.collect())
    }

    /// Whether somebody gave this option.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.0.iter().any(|word| word.option == option)
    }

    /// The value of this option, if somebody gave it one.
    pub(crate) fn value(&self, option: &str) -> Option<&str> {
        self.0.iter().find(|word| word.option == option)?.value.as_deref()
    }

    /// Those that the environment gave, but for the wish to hear of them.
    pub(crate) fn by_variables(&self) -> impl Iterator<Item = &Word> {
        self.0.iter().filter(|word| word.variable.is_some() && word.option != "explain")
    }

    /// Those that stand on the command line.
    #[cfg(feature = "chart")]
    pub(super) fn on_command_line(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|word| word.variable.is_none()).map(|word| word.option.as_str())
    }
}
