//! What a generation's policy takes over from earlier ones, and hands on.

use std::time::Duration;

use super::Policy;
use crate::floor::Background;

impl Policy {
    /// What earlier generations have taught: their background traffic, and how long one is kept
    /// that only sees its clients reconnect.
    pub(crate) fn remember(&mut self, background: Option<Background>, kept_for: Duration) {
        self.activity.remember(background);
        self.not_idle_before = self.started + kept_for;
    }

    pub(crate) fn background(&self) -> Option<Background> {
        self.activity.background()
    }

    pub(crate) fn background_is_news(&mut self) -> bool {
        self.activity.background_is_news()
    }

    /// Whether the generation only saw its clients reconnect; `None`: it had no traffic at all.
    pub(crate) fn only_reconnected(&self, window: Duration) -> Option<bool> {
        self.activity.last().map(|_| self.activity.only_reconnected(window))
    }
}
