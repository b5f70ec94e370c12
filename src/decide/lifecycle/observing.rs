//! `--observe`: a recycle that is due is told and does not begin.

use super::{Action, Lifecycle, Notice, Reason, Time, Watch};
use crate::event::Observation;

impl Lifecycle {
    /// The reason of a recycle that is due, unless it is only to be told: then the rules begin
    /// anew.
    pub(super) fn unless_observing(
        &mut self,
        now: Time,
        watch: &mut Watch,
        reason: Reason,
        actions: &mut Vec<Action>,
    ) -> Option<Reason> {
        let Some(observer) = &mut self.observer else { return Some(reason) };
        observer.would(reason.cause());
        let (generation, policy) = (self.generation, &mut watch.policy);
        let (age, lived) = (policy.age(now), policy.lived(now));
        actions.push(Action::Tell(Notice::WouldRecycle { generation, age, lived, reason }));
        watch.look_again = policy.begin_anew(now, &self.rules, self.random.draw());
        None
    }

    pub(super) fn observe_start(&mut self, now: Time) {
        if let Some(observer) = &mut self.observer {
            observer.started(now);
        }
    }

    pub(super) fn observe_look(&mut self, now: Time, watch: &Watch, seen: &Observation) {
        if let Some(observer) = &mut self.observer {
            observer.looked(now, seen, watch.policy.last_sure_traffic());
        }
    }

    /// What was observed so far.
    pub(super) fn so_far(&self, now: Time) -> Option<Notice> {
        self.sum(now, false)
    }

    fn sum(&self, now: Time, last: bool) -> Option<Notice> {
        let observed = self.observer.as_ref()?.report(now, last)?;
        Some(Notice::Observed(Box::new(observed)))
    }

    /// At the end, and before the very last action, what was observed is told.
    pub(super) fn sum_up(&self, now: Time, actions: &mut Vec<Action>) {
        if let Some(quit @ Action::Quit(_)) =
            actions.pop_if(|action| matches!(action, Action::Quit(_)))
        {
            actions.extend(self.sum(now, true).map(Action::Tell));
            actions.push(quit);
        }
    }
}
