//! `--explain`: what a command line will do on this machine, in plain words. The facts are gathered
//! first, without changing anything; the words are made of them and of nothing else.

mod facts;
mod input;
mod known;
mod page;
mod sights;
mod stops;
mod triggers;
mod warnings;

use std::path::Path;

use self::facts::Facts;
use self::page::Page;
use crate::cli::{Config, Given, Ignored};
use crate::report;
use crate::sense::program::Search;
use crate::sense::traffic::stdin;

/// What is explained.
#[derive(Clone, Copy)]
struct Plan<'a> {
    config: &'a Config,
    given: &'a Given,
    facts: &'a Facts,
}

/// The explanation.
pub(crate) fn text(config: &Config, given: &Given) -> String {
    let facts = Facts::gather(config);
    words(Plan { config, given, facts: &facts })
}

fn words(plan: Plan<'_>) -> String {
    let mut page = Page::default();
    page.paragraph(&command(plan));
    let variables = variables(plan.given);
    if !variables.is_empty() {
        page.paragraph(&format!("From the environment: {variables}"));
    }
    let ignored = ignored(&plan.config.ignored);
    if !ignored.is_empty() {
        page.paragraph(&format!("Ignored from the environment: {ignored}"));
    }
    if let Some(why) = plan.facts.nothing_to_watch {
        let why = report::blindness(why);
        page.paragraph(&format!(
            "recycle would end with 125 and start nothing. --idle, --quiet: nothing to watch: {why}"
        ));
    }
    if let Some(directory) = &plan.config.chdir {
        let name = shown(&directory.to_string_lossy());
        page.paragraph(&format!("It works in {name}, which is resolved anew for each generation."));
    }
    if let Some(errno) = plan.facts.no_shell {
        page.paragraph(&format!(
            "recycle would end with 125 and start nothing. --on-event, --pre-stop: /bin/sh cannot \
             be executed: {}",
            report::error(errno)
        ));
    }
    if let Some(unfit) = stdin::unfit(&plan.config.rules, plan.facts.input) {
        page.paragraph(&format!("recycle would end with 125 and start nothing. {unfit}."));
    }
    triggers::write(plan, &mut page);
    sights::write(plan, &mut page);
    input::write(plan, &mut page);
    stops::write(plan, &mut page);
    warnings::write(plan, &mut page);
    page.text()
}

/// Where COMMAND is found.
fn command(plan: Plan<'_>) -> String {
    let name = plan.config.command.first().map(|name| shown(&name.to_string_lossy()));
    let name = name.unwrap_or_default();
    let at = |file: &Path| match shown(&file.to_string_lossy()) {
        file if file == name => format!("COMMAND is {name}"),
        file => format!("COMMAND is {name}: {file}"),
    };
    match &plan.facts.program {
        Search::Found(found) => match found.names().get(1) {
            Some(interpreter) => {
                format!("{}, a script for {}", at(&found.file), shown(interpreter))
            }
            None => at(&found.file),
        },
        Search::Forbidden(file) => {
            format!("{}, which cannot be executed. recycle would end with 126.", at(file))
        }
        Search::Missing => {
            format!("COMMAND is {name}, which is not found. recycle would end with 127.")
        }
    }
}

fn variables(given: &Given) -> String {
    let words = given.by_variables().filter_map(|word| {
        let (variable, value) = (word.variable.as_ref()?, word.value.as_ref()?);
        Some(assignment(variable, value))
    });
    words.collect::<Vec<_>>().join(", ")
}

fn ignored(ignored: &[Ignored]) -> String {
    let words = ignored.iter().map(|Ignored { variable, value, reason, .. }| {
        format!("{} ({reason})", assignment(variable, value))
    });
    words.collect::<Vec<_>>().join(", ")
}

fn assignment(variable: &str, value: &str) -> String {
    // A command line for a shell may well have a secret in it.
    let secret = ["RECYCLE_ON_EVENT", "RECYCLE_PRE_STOP"].contains(&variable);
    let value = if secret { "...".to_owned() } else { shown(value) };
    format!("{variable}={value}")
}

/// Whatever it holds, it stays on its line and does nothing to a terminal.
fn shown(text: &str) -> String {
    text.escape_default().to_string()
}

#[cfg(test)]
mod tests;
