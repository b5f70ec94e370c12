//! The numbers that others are told, and their files.

use super::{Supervisor, now};
use crate::cli::Ignored;
use crate::decide::notice::Notice;
use crate::report::metrics::Metrics;

impl Supervisor {
    /// Of what could not be measured, once each.
    pub(super) fn tell_failures(&mut self) {
        for failure in self.metrics.as_mut().map(Metrics::failures).unwrap_or_default() {
            self.reporter.tell(&failure);
        }
    }

    /// Warns of variables that do not apply.
    pub(super) fn tell_ignored(&self, ignored: Vec<Ignored>) {
        if !ignored.is_empty() {
            let variables = ignored.into_iter().map(|it| (it.variable, it.reason)).collect();
            self.reporter.tell(&Notice::VariablesIgnored { variables });
        }
    }

    /// Writes what there is to write.
    pub(super) fn write_metrics(&mut self) {
        let Some(metrics) = &mut self.metrics else { return };
        metrics.write_due(now());
        self.tell_failures();
    }

    /// The last word.
    pub(super) fn finish_metrics(&mut self) {
        let Some(metrics) = &mut self.metrics else { return };
        metrics.finish();
        self.tell_failures();
    }

    /// Before a look at traffic: where counters stand in for COMMAND's sockets, what we have sent
    /// is among them.
    pub(super) fn disown_datagrams(&mut self) {
        if let Some(metrics) = &self.metrics {
            self.traffic.disown(metrics.datagrams());
        }
    }
}
