//! A recycle is due: could another generation start? If not, the one that runs is kept, whatever it
//! leaks: a deploy may be replacing COMMAND, and a stop would turn that into an outage.

use super::{Action, Failure, Lifecycle, Notice, Reason, Time, Watch};
use crate::notice::Hold;

impl Lifecycle {
    /// A recycle is due. Tells why it begins at once, if it does.
    pub(super) fn propose(
        &self,
        watch: &mut Watch,
        reason: Reason,
        actions: &mut Vec<Action>,
    ) -> Option<Reason> {
        // An emergency cannot wait, and nothing follows an end.
        if matches!(reason, Reason::KillRss { .. }) || self.rules.then.ends() {
            return Some(reason);
        }
        watch.checking = Some(reason);
        actions.push(Action::Check);
        None
    }

    /// The answer came. Tells why a recycle begins, if one does.
    pub(super) fn checked(
        &mut self,
        now: Time,
        watch: &mut Watch,
        failure: Option<Failure>,
        actions: &mut Vec<Action>,
    ) -> Option<Reason> {
        let reason = watch.checking.take()?;
        let Some(failure) = failure else { return Some(reason) };
        if watch.unstartable.replace(failure) != Some(failure) {
            let generation = self.generation;
            actions.push(Action::Tell(Notice::CannotRecycle { generation, reason, failure }));
            let long = watch.held.note_told(now, Hold::Unstartable);
            actions.extend(long.map(Action::Tell));
        }
        watch.policy.unstartable(reason, now + watch.pauses.next());
        // An answer that is awaited tells when to look again.
        if watch.looking { None } else { self.due(now, watch, actions) }
    }
}
