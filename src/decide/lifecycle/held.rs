//! A recycle that is due and held: by what, and for how long?

use std::time::Duration;

use super::{Notice, Time};
use crate::notice::Hold;

/// What holds a recycle, and since when: both are said.
#[derive(Clone, Copy, Debug)]
pub(super) enum Held {
    ByNothing,
    By {
        hold: Hold,
        /// When the recycle was first held, by whatever it was.
        since: Time,
        /// That it has been for long was said.
        told: bool,
    },
}

/// A recycle that has been held for so long is worth a word.
const LONG: Duration = Duration::from_secs(300);

impl Held {
    /// Takes in a hold that is told of in other words.
    pub(super) fn note_told(&mut self, now: Time, hold: Hold) -> Option<Notice> {
        let [_, long] = self.note(now, Some(hold));
        long
    }

    /// Takes in the hold of the last verdict; what is new about it is to be told.
    pub(super) fn note(&mut self, now: Time, hold: Option<Hold>) -> [Option<Notice>; 2] {
        let Some(hold) = hold else {
            *self = Self::ByNothing;
            return [None, None];
        };
        let (before, since, told) = match *self {
            Self::ByNothing => (None, now, false),
            Self::By { hold, since, told } => (Some(hold), since, told),
        };
        let held = now.since(since);
        // Reconnects were told of when idle recycles began to be spaced.
        let long = !told && held >= LONG && hold != Hold::Reconnects;
        *self = Self::By { hold, since, told: told || long };
        let changed = before != Some(hold);
        [changed.then_some(Notice::Held(hold)), long.then_some(Notice::HeldLong { hold, held })]
    }
}
