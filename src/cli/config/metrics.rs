//! Where numbers go, and how often there are new ones.

use std::time::Duration;

use anyhow::ensure;

use super::{read, read_some};
use crate::cli::{Args, Typed, values};
use crate::report::metrics::Target;

/// How often samples are taken for `--metrics` without `--sample-every`.
const PACE: Duration = Duration::from_secs(10);

impl Args {
    /// Told twice, a server would count twice.
    pub(super) fn targets(&self, typed: &Typed<'_>) -> anyhow::Result<Vec<Target>> {
        let target = |text: &String| read(typed, "metrics", text, values::metrics::target);
        let targets: Vec<_> = self.metrics.iter().map(target).collect::<anyhow::Result<_>>()?;
        for (place, Target { text, kind }) in targets.iter().enumerate() {
            let twice = targets.iter().skip(place + 1).any(|other| other.kind == *kind);
            ensure!(!twice, "{} '{}': given twice", typed.name("metrics"), text.escape_default());
        }
        Ok(targets)
    }

    pub(super) fn pace_of_samples(&self, typed: &Typed<'_>) -> anyhow::Result<Option<Duration>> {
        let every = self.sample_every.as_ref();
        let asked = read_some(typed, "sample-every", every, values::window)?;
        Ok(asked.or((!self.metrics.is_empty()).then_some(PACE)))
    }
}
