//! How a stop goes, what follows an end, and what becomes of signals.

use super::page::Page;
use super::{Plan, input};
use crate::act::stop::Scope;
use crate::act::terminal::Group;
use crate::decide::exit::Signal;
use crate::decide::rules::{Lines, Mapped, Restart, Rules, Then};
use crate::units::Span;

pub(super) fn write(plan: Plan<'_>, page: &mut Page) {
    let rules = &plan.config.rules;
    if rules.observe.is_some() {
        let told = "On standard error, each time, and nothing is stopped for it.".to_owned();
        let sum = "At the end, the sum of it and what to set.".to_owned();
        page.list("It is told (--observe)", &[told, sum]);
    } else if rules.plans_gracefully() {
        page.steps("How it goes", &steps(plan));
    } else if rules.memory.kill.is_some() {
        let every = "Every process gets SIGKILL.".to_owned();
        page.steps("How it goes", &[every, next(rules)]);
    }
    if plan.config.hooks.on_event.is_some() {
        page.paragraph(
            "/bin/sh runs --on-event for each recycle, each failure, and whatever else is \
             worth a word to somebody.",
        );
    }
    page.list("When COMMAND ends by itself", &ends(plan));
    page.list("Signals", &signals(plan));
}

/// Who gets a signal.
fn whom(plan: Plan<'_>) -> &'static str {
    match plan.config.scope {
        Scope::Child => "COMMAND's own process",
        Scope::Group => "COMMAND's process group",
    }
}

fn steps(plan: Plan<'_>) -> Vec<String> {
    let rules = &plan.config.rules;
    let mut steps = Vec::new();
    if let Some(timeout) = rules.pre_stop {
        let timeout = Span(timeout);
        steps.push(format!("/bin/sh runs --pre-stop, which is waited for up to {timeout}."));
    }
    let told = format!("{} gets {}, then SIGCONT.", whom(plan), rules.stop_signal);
    match rules.lines {
        None => steps.push(told),
        Some(Lines { drain_timeout, .. }) => {
            let closed = "The line that is being handed over is finished, and COMMAND's input is \
                          closed.";
            if drain_timeout.is_zero() {
                steps.extend([closed.to_owned(), told]);
            } else {
                let time = Span(drain_timeout);
                steps.push(format!("{closed} COMMAND has {time} to end by itself."));
                steps.push(format!("If it has not, {told}"));
            }
        }
    }
    if rules.stop_timeout.is_zero() {
        steps.push("At once whatever is left gets SIGKILL (--stop-timeout 0s).".to_owned());
    } else {
        steps.push("When it has ended, what it left behind gets SIGTERM and SIGCONT.".to_owned());
        let timeout = Span(rules.stop_timeout);
        let or_end = if rules.lines.is_some() { ", or that end," } else { "" };
        steps.push(format!("Whatever is left {timeout} after that signal{or_end} gets SIGKILL."));
    }
    steps.push(next(rules));
    steps
}

fn next(rules: &Rules) -> String {
    let what = match rules.then {
        Then::Restart => "the next generation starts.".to_owned(),
        Then::Exit(status) => format!("recycle ends with {status}."),
        Then::AsCommand => {
            "recycle ends as COMMAND ended: with its status, or 137 if SIGKILL was needed."
                .to_owned()
        }
        Then::Wait => "nothing runs until input waits; then the next generation starts. If it \
                       ends instead, so does recycle."
            .to_owned(),
    };
    let follows = rules.then == Then::Restart && rules.lines.is_some();
    let left =
        if follows { " It gets what this one had not read, from the start of a line." } else { "" };
    format!("As soon as the last process is gone, {what}{left}")
}

fn ends(plan: Plan<'_>) -> Vec<String> {
    let rules = &plan.config.rules;
    let as_it_did = match plan.facts.is_pid_1 {
        false => "recycle ends as it did",
        true => "recycle (PID 1 here) ends with its status, or 128 + the number of its signal",
    };
    let mut items = Vec::new();
    let condition = match rules.restart {
        Restart::Never => None,
        Restart::OnFailure => Some("Unless its status is 0, it"),
        Restart::Always => Some("It"),
    };
    if let Some(who) = condition {
        let (min, max) = (Span(rules.backoff.min), Span(rules.backoff.max));
        items.push(format!("{who} is started again after {min}, doubling up to {max}."));
        let (restarts, window) = (rules.max_restarts.restarts, Span(rules.max_restarts.window));
        items.push(format!(
            "If that were more than {restarts} times in {window}, {as_it_did}. So it does after \
             SIGINT, SIGQUIT or SIGTERM."
        ));
    } else {
        items.push(format!("{as_it_did}. What it left behind is left alone."));
    }
    items.extend(input::end(plan).map(str::to_owned));
    items
}

fn signals(plan: Plan<'_>) -> Vec<String> {
    let rules = &plan.config.rules;
    let mut items = vec![format!("All that can be caught are passed on to {}.", whom(plan))];
    for (from, to) in &rules.map.0 {
        items.push(match to {
            Mapped::Pass(to) => format!("{from} is passed on as {to}."),
            Mapped::PassOnly => format!("{from} is passed on, and means nothing else."),
            Mapped::Drop => format!("{from} is not passed on."),
            Mapped::Recycle => format!("{from} is not passed on, but asks for a recycle."),
        });
    }
    let mapped = |signal: &Signal| rules.map.0.iter().any(|(from, _)| from == signal);
    let ignored: Vec<_> = plan.facts.ignored.iter().filter(|signal| !mapped(signal)).collect();
    let means_something = |signal: &Signal| {
        let passed = matches!(rules.map.of(*signal), Mapped::Pass(_));
        passed && !ignored.contains(&signal)
    };
    if means_something(&Signal::TERM) {
        items.push(
            "SIGTERM ends it: no generation is started any more. COMMAND has the time that it \
             needs, or that whoever sent it allows."
                .to_owned(),
        );
    }
    let interrupts = [Signal::INT, Signal::QUIT, Signal::HUP].into_iter().filter(means_something);
    let interrupts: Vec<_> = interrupts.map(|signal| signal.to_string()).collect();
    let comes = rules.plans_gracefully() && rules.observe.is_none();
    if comes && !rules.stop_timeout.is_zero() && !interrupts.is_empty() {
        let timeout = Span(rules.stop_timeout);
        items.push(format!("After {}, no recycle comes for {timeout}.", or(&interrupts)));
    }
    if !ignored.is_empty() {
        let ignored: Vec<_> = ignored.iter().map(ToString::to_string).collect();
        items.push(format!(
            "Ignored already, and by COMMAND, too, unless it handles them: {}. They are passed on, \
             and mean nothing else.",
            ignored.join(", ")
        ));
    }
    items.push(
        match plan.facts.group {
            Group::Own => "There is no terminal; COMMAND leads a process group of its own.",
            Group::Foreground => {
                "COMMAND has the terminal to itself: what is typed (Ctrl-C) reaches it and not \
                 recycle."
            }
            Group::Shared => {
                "COMMAND shares recycle's process group: what is typed (Ctrl-C) reaches both, \
                 and is not passed on a second time."
            }
        }
        .to_owned(),
    );
    items
}

/// `A, B or C`.
fn or(words: &[String]) -> String {
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
