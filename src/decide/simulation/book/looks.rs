//! What looks have shown.

use super::{Book, Life, Seen};
use crate::event::{MemoryLook, Observation};
use crate::rules::{Measure, MemoryRules, Rules};
use crate::simulation::samples::Limit;

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
            self.samples.add(memory, observation.look.memory >= Some(MemoryLook::PagesInTime));
            let limits = [rules.memory.max_rss, rules.memory.max_pss];
            let over = limits.into_iter().flatten().any(|limit| memory.settled > limit);
            self.over_since = over.then(|| self.over_since.unwrap_or(self.now));
            self.told_over &= self.limits(rules).any(|limit| self.samples.over(limit));
        }
    }

    /// The memory limits that still count.
    pub(super) fn limits(&self, rules: &Rules) -> impl Iterator<Item = Limit> + use<> {
        let MemoryRules { max_rss, max_pss, kill } = rules.memory;
        let limit = |bytes, measure| Limit { bytes, measure, kills: false };
        let rss = max_rss.map(|bytes| limit(bytes, Measure::Rss));
        let pss = max_pss.map(|bytes| limit(bytes, Measure::Pss));
        let kill = kill.map(|(bytes, measure)| Limit { kills: true, ..limit(bytes, measure) });
        let only_kill = self.input_spent || self.ends();
        let [rss, pss] = [rss, pss].map(|limit| limit.filter(|_| !only_kill));
        [rss, pss, kill].into_iter().flatten()
    }
}
