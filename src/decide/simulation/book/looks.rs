//! What looks have shown.

use super::{Book, Life, Seen};
use crate::decide::event::{MemoryLook, Observation};
use crate::decide::rules::{Measure, MemoryRules, Rules};
use crate::units::Bytes;

impl Book {
    pub(super) fn observed(
        &mut self,
        observation: &Observation,
        seen: Option<Seen>,
        rules: &Rules,
    ) {
        if self.life == Life::Absent || observation.generation != self.generation() {
            return;
        }
        self.effort.observed(self.now, observation);
        if let Some(tree) = observation.tree {
            self.stopped = tree.stopped;
        }
        if observation.look.traffic.is_some() {
            self.saw_traffic = observation.traffic.is_some();
        }
        self.seen = seen;
        if let Some(memory) = observation.memory {
            self.samples.add(memory, observation.look.memory == Some(MemoryLook::Pages));
            let limits = [rules.memory.max_rss, rules.memory.max_pss];
            let over = limits.into_iter().flatten().any(|limit| memory.settled > limit);
            self.over_since = over.then(|| self.over_since.unwrap_or(self.now));
            self.told_over &= self.limits(rules).any(|(limit, by)| self.samples.over(limit, by));
        }
    }

    /// The memory limits that still count.
    pub(super) fn limits(&self, rules: &Rules) -> impl Iterator<Item = (Bytes, Measure)> + use<> {
        let MemoryRules { max_rss, max_pss, kill } = rules.memory;
        let rss = max_rss.map(|limit| (limit, Measure::Rss));
        let pss = max_pss.map(|limit| (limit, Measure::Pss));
        let only_kill = self.input_spent || self.ends();
        let [rss, pss] = [rss, pss].map(|limit| limit.filter(|_| !only_kill));
        [rss, pss, kill].into_iter().flatten()
    }
}
