//! What one generation teaches about the next: its background traffic, and that idle recycles do
//! not help.

use super::{Action, Lifecycle, Notice, Reason, Then, Watch};
use crate::floor::Background;
use crate::reconnect::Reconnects;
use crate::units::Bytes;

/// What earlier generations have taught.
#[derive(Debug, Default)]
pub(super) struct Lessons {
    reconnects: Reconnects,
    /// With `--idle-floor auto`.
    background: Option<Background>,
    background_told: bool,
}

impl Lifecycle {
    /// Hands on what earlier generations have taught.
    pub(super) fn teach(&self, watch: &mut Watch) {
        watch.policy.remember(self.lessons.background, self.lessons.reconnects.hold());
    }

    /// Takes in what a look has taught about background traffic.
    pub(super) fn note_background(&mut self, watch: &mut Watch, actions: &mut Vec<Action>) {
        let Some(window) = self.rules.window() else { return };
        if !watch.policy.background_is_news() {
            return;
        }
        let background = watch.policy.background();
        self.lessons.background = background;
        let again = std::mem::replace(&mut self.lessons.background_told, true);
        let (bytes, floor) =
            background.map_or((Bytes(0), Bytes(0)), |learned| (learned.bytes(), learned.floor()));
        actions.push(Action::Tell(Notice::Background { bytes, window, floor, again }));
    }

    /// A recycle begins, or COMMAND has ended by itself (`None`): did the generation only see its
    /// clients reconnect?
    pub(super) fn note_reconnects(
        &mut self,
        watch: &Watch,
        reason: Option<Reason>,
        actions: &mut Vec<Action>,
    ) {
        let Some(idle) = self.rules.idle.filter(|_| self.rules.then == Then::Restart) else {
            return;
        };
        match (watch.policy.only_reconnected(idle.after), reason) {
            (Some(true), Some(Reason::Idle { .. })) => {
                let kept_until = self.lessons.reconnects.in_vain(idle.after, self.rules.backoff);
                let generation = self.generation;
                let news = |kept_until| Notice::OnlyReconnects { generation, kept_until };
                actions.extend(kept_until.map(news).map(Action::Tell));
            }
            (Some(false), _) => self.lessons.reconnects.ended(),
            (Some(true), _) | (None, _) => {}
        }
    }
}
