//! How COMMAND gets its input.

use anyhow::{Context, ensure};

use super::read;
use crate::cli::{Args, Typed, values};
use crate::decide::rules::Lines;
use crate::units::{Bytes, Size};

impl Args {
    pub(super) fn lines(
        &self,
        typed: &Typed<'_>,
        memory_limit: impl Fn() -> Option<Bytes>,
    ) -> anyhow::Result<Option<Lines>> {
        let parse = |text: &str| Size::parse(text)?.resolve(&memory_limit);
        let longest = read(typed, "max-line", &self.max_line, parse)?;
        ensure!(longest > Bytes(0), "{}: must be at least 1B", typed.given_as("max-line"));
        usize::try_from(longest.0).with_context(|| typed.name("max-line"))?;
        let timeout = &self.drain_timeout;
        let drain_timeout = read(typed, "drain-timeout", timeout, values::duration_or_zero)?;
        let wanted = read(typed, "stdin", &self.stdin, values::is_lines)?;
        Ok(wanted.then_some(Lines { longest, drain_timeout }))
    }
}
