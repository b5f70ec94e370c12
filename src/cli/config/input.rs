//! How COMMAND gets its input.

use anyhow::{Context, ensure};

use super::read;
use crate::cli::{Args, Typed, values};
use crate::decide::rules::{Lines, Rules, Then};
use crate::sense::traffic::sources::Sources;
use crate::units::{Bytes, Size};

impl Args {
    pub(super) fn lines(
        &self,
        typed: &Typed<'_>,
        memory_limit: impl Fn() -> Option<Bytes>,
    ) -> anyhow::Result<Option<Lines>> {
        let parse = |text: &str| Size::parse(text)?.resolve(&memory_limit);
        let longest = read(typed, "max-line", &self.max_line, parse)?;
        ensure!(longest > Bytes(0), "{}: must be at least 1B", typed.name("max-line"));
        usize::try_from(longest.0).with_context(|| typed.name("max-line"))?;
        let timeout = &self.drain_timeout;
        let drain_timeout = read(typed, "drain-timeout", timeout, values::duration_or_zero)?;
        let wanted = read(typed, "stdin", &self.stdin, values::is_lines)?;
        Ok(wanted.then_some(Lines { longest, drain_timeout }))
    }
}

/// What means nothing without something else.
pub(super) fn check(rules: &Rules, traffic: &Sources, typed: &Typed<'_>) -> anyhow::Result<()> {
    for option in ["max-line", "drain-timeout"] {
        ensure!(
            rules.lines.is_some() || !typed.given(option),
            "{}: means nothing without --stdin lines",
            typed.name(option)
        );
    }
    ensure!(
        rules.plans_gracefully() || !typed.given("drain-timeout"),
        "{}: means nothing without anything to recycle for but --kill-rss",
        typed.name("drain-timeout")
    );
    ensure!(
        rules.plans() || !typed.given("then"),
        "{}: means nothing without anything to recycle for",
        typed.name("then")
    );
    ensure!(
        rules.then != Then::Wait || traffic.stdin,
        "{} 'wait': means nothing without stdin in --traffic",
        typed.name("then")
    );
    Ok(())
}
