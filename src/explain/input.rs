//! What becomes of standard input.

use super::Plan;
use super::page::Page;
use crate::decide::rules::{Lines, Restart};
use crate::sys::files::Kind;
use crate::units::Span;

pub(super) fn write(plan: Plan<'_>, page: &mut Page) {
    let rules = &plan.config.rules;
    let mut items = Vec::new();
    if let Some(Lines { longest, drain_timeout: _ }) = rules.lines {
        items.push("recycle reads it, and hands it to COMMAND line by line.".to_owned());
        items.extend(of_what_kind(plan.facts.input).map(str::to_owned));
        items.push(format!(
            "A line of more than {longest} is passed on in pieces, and no recycle comes inside it."
        ));
        items.push("Nothing is read while COMMAND has not taken what there is.".to_owned());
    }
    if let Some(timeout) = rules.eof_timeout {
        let how = match rules.stop_timeout {
            at_once if at_once.is_zero() => format!("{} and SIGKILL", rules.stop_signal),
            later => format!("{}, and {} later SIGKILL", rules.stop_signal, Span(later)),
        };
        items.push(format!(
            "When it has ended, and COMMAND has not {} after that, COMMAND gets {how}, and recycle \
             ends as it did.",
            Span(timeout)
        ));
    }
    page.list("Standard input", &items);
}

fn of_what_kind(input: Kind) -> Option<&'static str> {
    match input {
        Kind::Pipe | Kind::Socket | Kind::Messages => None,
        Kind::Terminal => Some("It is a terminal: COMMAND gets a line when it is complete."),
        Kind::File => Some("It is a file, and read once, from where it is."),
        Kind::Nothing => Some("There is nothing to be read: COMMAND comes to its end at once."),
    }
}

/// What follows for recycles when it has ended.
pub(super) fn end(plan: Plan<'_>) -> Option<&'static str> {
    let rules = &plan.config.rules;
    if rules.lines.is_some() && (rules.plans() || rules.restart != Restart::Never) {
        return Some(
            "Once standard input has ended and nothing of it is left, no recycle comes any more, \
             and nothing is started again.",
        );
    }
    match plan.facts.input {
        _ if !rules.plans() => None,
        Kind::Pipe | Kind::Socket | Kind::Messages | Kind::Terminal => {
            Some("Once standard input has carried data and ended, no recycle comes any more.")
        }
        Kind::File => {
            Some("Each generation reads standard input, a file, from where the first did.")
        }
        Kind::Nothing => None,
    }
}

#[cfg(test)]
mod tests;
