//! How a stop goes, what follows an end, and what becomes of signals.

use super::Plan;
use super::page::Page;
use crate::act::stop::Scope;
use crate::act::terminal::Group;
use crate::decide::exit::Signal;
use crate::decide::rules::{Mapped, Restart, Then};
use crate::sense::traffic::stdin::Kind;
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
        page.steps("How it goes", &[every, next(rules.then)]);
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
    steps.push(format!("{} gets {}, then SIGCONT.", whom(plan), rules.stop_signal));
    if rules.stop_timeout.is_zero() {
        steps.push("At once whatever is left gets SIGKILL (--stop-timeout 0s).".to_owned());
    } else {
        steps.push("When it has ended, what it left behind gets SIGTERM and SIGCONT.".to_owned());
        let timeout = Span(rules.stop_timeout);
        steps.push(format!("Whatever is left {timeout} after that signal gets SIGKILL."));
    }
    steps.push(next(rules.then));
    steps
}

fn next(then: Then) -> String {
    let what = match then {
        Then::Restart => "the next generation starts".to_owned(),
        Then::Exit(status) => format!("recycle ends with {status}"),
    };
    format!("As soon as the last process is gone, {what}.")
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
    items.extend(end_of_input(plan));
    items
}

fn end_of_input(plan: Plan<'_>) -> Option<String> {
    let text = match plan.facts.input {
        _ if !plan.config.rules.plans() => return None,
        Kind::Pipe | Kind::Socket | Kind::Terminal => {
            "Once standard input has carried data and ended, no recycle comes any more."
        }
        Kind::File => "Each generation reads standard input, a file, from where the first did.",
        Kind::Nothing => return None,
    };
    Some(text.to_owned())
}

fn signals(plan: Plan<'_>) -> Vec<String> {
    let rules = &plan.config.rules;
    let mut items = vec![format!("All that can be caught are passed on to {}.", whom(plan))];
    for (from, to) in &rules.map.0 {
        items.push(match to {
            Mapped::Pass(to) => format!("{from} is passed on as {to}."),
            Mapped::Drop => format!("{from} is not passed on."),
            Mapped::Recycle => format!("{from} is not passed on, but asks for a recycle."),
        });
    }
    let means_something = |signal: &Signal| {
        let passed = matches!(rules.map.of(*signal), Mapped::Pass(_));
        passed && !plan.facts.ignored.contains(signal)
    };
    items.push(
        "SIGTERM ends it: no generation is started any more. COMMAND has the time that it \
         needs, or that whoever sent it allows."
            .to_owned(),
    );
    let interrupts = [Signal::INT, Signal::QUIT, Signal::HUP].into_iter().filter(means_something);
    let interrupts: Vec<_> = interrupts.map(|signal| signal.to_string()).collect();
    let comes = rules.plans_gracefully() && rules.observe.is_none();
    if comes && !rules.stop_timeout.is_zero() && !interrupts.is_empty() {
        let timeout = Span(rules.stop_timeout);
        items.push(format!("After {}, no recycle comes for {timeout}.", or(&interrupts)));
    }
    if !plan.facts.ignored.is_empty() {
        let ignored: Vec<_> = plan.facts.ignored.iter().map(Signal::to_string).collect();
        items.push(format!("Ignored already, and in COMMAND, too: {}.", ignored.join(", ")));
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
