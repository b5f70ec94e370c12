//! What clap would not take, in one line.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{AFTER_ALL, Request};

/// Help and version are no errors.
pub(super) fn refused(
    error: &clap::Error,
    command: &clap::Command,
    words: &[OsString],
) -> anyhow::Result<Request> {
    match error.kind() {
        ErrorKind::InvalidUtf8 => {
            let line = not_utf8(command, words).unwrap_or_else(|| one_line(error));
            Err(anyhow::anyhow!(line))
        }
        ErrorKind::DisplayHelp => Ok(Request::Print(help(error, command))),
        ErrorKind::DisplayVersion => Ok(Request::Print(error.render().to_string())),
        _ => Err(anyhow::anyhow!(one_line(error))),
    }
}

/// For `-h` the common options, for `--help` all, in the same form: clap's own long form has two
/// lines and a gap for each option.
fn help(error: &clap::Error, command: &clap::Command) -> String {
    let mut command = command.clone();
    let common = command.render_help().to_string();
    if error.render().to_string() == common {
        return common;
    }
    let mut command = command.mut_args(|arg| arg.hide_short_help(false)).after_help(AFTER_ALL);
    command.render_help().to_string()
}

/// What is not UTF-8 among these words or in the environment: clap does not tell.
fn not_utf8(command: &clap::Command, words: &[OsString]) -> Option<String> {
    let refused = |name: &[u8], value: &[u8]| {
        let (name, value) = (name.escape_ascii(), value.escape_ascii());
        Some(format!("{name} '{value}': its value is not UTF-8"))
    };
    let is_text = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok();
    let options = |name: &[u8]| {
        let mut options = command.get_arguments();
        options.find(|arg| {
            arg.get_long().is_some_and(|long| [b"--", long.as_bytes()].concat() == name)
        })
    };
    let mut given = Vec::new();
    let mut words = words.iter().map(|word| word.as_encoded_bytes());
    // Options end where COMMAND begins.
    while let Some(word) = words.next().filter(|word| word.starts_with(b"-") && *word != b"--") {
        let equals = word.iter().position(|byte| *byte == b'=').unwrap_or(word.len());
        let (name, value) = word.split_at(equals);
        let takes_value = options(name).is_some_and(|arg| arg.get_action().takes_values());
        let value = match value.strip_prefix(b"=") {
            None if takes_value => words.next().unwrap_or_default(),
            value => value.unwrap_or_default(),
        };
        if !is_text(value) {
            return refused(name, value);
        }
        given.push(name);
    }
    // An option on the command line wins over its variable.
    let by_variable = command.get_arguments().filter(|arg| {
        let long = arg.get_long().map(|long| [b"--", long.as_bytes()].concat());
        !long.is_some_and(|long| given.contains(&&long[..]))
    });
    by_variable.filter_map(clap::Arg::get_env).find_map(|name| {
        let value = std::env::var_os(name)?;
        let text: Option<&OsStr> = value.to_str().is_none().then_some(&value);
        refused(name.as_encoded_bytes(), text?.as_encoded_bytes())
    })
}

/// clap's errors are paragraphs; ours are lines.
pub(super) fn one_line(error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.escape_default().to_string()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let option = context(ContextKind::InvalidArg).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => match context(ContextKind::SuggestedArg) {
            Some(other) => format!("unknown option '{option}': did you mean '{other}'?"),
            None => format!("unknown option '{option}': see recycle --help"),
        },
        ErrorKind::MissingRequiredArgument => {
            "no COMMAND was given: recycle [OPTIONS] [--] COMMAND [ARG]...".into()
        }
        ErrorKind::InvalidValue | ErrorKind::NoEquals => format!("{option}: a value is needed"),
        ErrorKind::ArgumentConflict => format!("{option}: given more than once"),
        ErrorKind::TooManyValues => format!("{option}: takes no value"),
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.strip_prefix("error: ").unwrap_or(line).to_owned()
        }
    }
}
