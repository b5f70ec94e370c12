//! What a recycle comes of, and what holds it.

use super::Plan;
use super::page::Page;
use super::warnings;
use crate::decide::rules::{Idle, Lifetime, Mapped, Measure, MemoryRules, Rules, Threshold};
use crate::units::{Bytes, Span};

pub(super) fn write(plan: Plan<'_>, page: &mut Page) {
    let rules = &plan.config.rules;
    let mut items = memory(plan);
    items.extend(rules.lifetime.map(lifetime));
    items.extend(rules.idle.map(|idle| idleness(idle, rules)));
    let asked = rules.map.0.iter().filter(|(_, to)| *to == Mapped::Recycle);
    items.extend(asked.map(|(from, _)| format!("{from} is sent to recycle")));
    if items.is_empty() && rules.memory.kill.is_none() {
        items.push("never: no option asks for one".to_owned());
    }
    let observed = rules.observe.is_some();
    let comes = if observed { "would come" } else { "comes" };
    page.list(&format!("A recycle {comes} when"), &items);
    for hold in holds(rules) {
        page.paragraph(&hold);
    }
    let is = if observed { "would be" } else { "is" };
    page.list(
        &format!("All {is} killed at once (SIGKILL) when"),
        &kill(plan).into_iter().collect::<Vec<_>>(),
    );
}

/// The lines about memory limits that a graceful stop follows.
fn memory(plan: Plan<'_>) -> Vec<String> {
    let MemoryRules { max_rss, max_pss, kill: _ } = plan.config.rules.memory;
    let rss = max_rss.map(|limit| (limit, "max-rss", Measure::Rss));
    let pss = max_pss.map(|limit| (limit, "max-pss", Measure::Pss));
    let exceeds = |(limit, option, measure)| {
        format!("{} exceeds {}", sum(measure), size(plan, option, limit))
    };
    rss.into_iter().chain(pss).map(exceeds).collect()
}

fn kill(plan: Plan<'_>) -> Option<String> {
    let (limit, measure) = plan.config.rules.memory.kill?;
    let size = size(plan, "kill-rss", limit);
    Some(format!("{} exceeds {size}", sum(measure)))
}

fn sum(measure: Measure) -> &'static str {
    match measure {
        Measure::Rss => "the memory of COMMAND and its descendants, the sum of RSS,",
        Measure::Pss => {
            "the memory of COMMAND and its descendants, shared pages counted once (PSS),"
        }
    }
}

/// A size, and what it was a share of.
fn size(plan: Plan<'_>, option: &str, bytes: Bytes) -> String {
    let share = plan.given.value(option).filter(|value| value.ends_with('%'));
    match share.zip(plan.facts.limit.as_ref()) {
        Some((share, limit)) => {
            format!("{bytes}: {share} of {}, {}", limit.bytes, warnings::origin(limit))
        }
        None => bytes.to_string(),
    }
}

fn lifetime(lifetime: Lifetime) -> String {
    let (longest, shortest) = (lifetime.max, lifetime.shortened(u32::MAX));
    match longest == shortest {
        true => format!("a generation is {} old", Span(longest)),
        false => {
            let (longest, shortest) = (Span(longest), Span(shortest));
            format!("a generation is between {shortest} and {longest} old, drawn for each")
        }
    }
}

fn idleness(idle: Idle, rules: &Rules) -> String {
    let after = Span(idle.after);
    let little = match rules.floor {
        Some(Threshold::Total(floor)) => {
            format!("no more than {floor} of TCP payload and nothing else")
        }
        Some(Threshold::PerConnection(floor)) => {
            format!("no more than {floor} of TCP payload for each open connection and nothing else")
        }
        Some(Threshold::Auto) => {
            "no more TCP payload than twice the background traffic, once that is learned, and \
             nothing else"
                .to_owned()
        }
        None => "none".to_owned(),
    };
    let work = match rules.idle_cpu {
        Some(share) => format!(", with less than {share} of one CPU used"),
        None => String::new(),
    };
    format!("there was traffic, then {little} for {after}{work}")
}

fn holds(rules: &Rules) -> Vec<String> {
    let mut holds = Vec::new();
    if let Some(settle) = rules.idle.map(|idle| idle.settle).filter(|settle| !settle.is_zero()) {
        holds.push(format!(
            "Connections that COMMAND opens itself in its first {} are no beginning of traffic.",
            Span(settle)
        ));
    }
    if let Some(quiet) = rules.quiet {
        let (gap, wait) = (Span(quiet.gap), Span(quiet.wait));
        holds.push(format!(
            "One for memory or age waits until there was no traffic for {gap}, at most {wait}."
        ));
    }
    if !rules.min_lifetime.is_zero() {
        let age = Span(rules.min_lifetime);
        let asked = rules.map.0.iter().any(|(_, to)| *to == Mapped::Recycle);
        let unless = if asked { ", unless a signal asks" } else { "" };
        holds.push(format!("None comes before a generation is {age} old{unless}."));
    }
    holds
}
