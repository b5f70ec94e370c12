//! What clap would not take, in one line.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Request;

/// Help and version are no errors.
pub(super) fn refused(error: &clap::Error) -> anyhow::Result<Request> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            Ok(Request::Print(error.render().to_string()))
        }
        _ => Err(anyhow::anyhow!(one_line(error))),
    }
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
        ErrorKind::InvalidUtf8 => format!("{option}: its value is not UTF-8"),
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.strip_prefix("error: ").unwrap_or(line).to_owned()
        }
    }
}
