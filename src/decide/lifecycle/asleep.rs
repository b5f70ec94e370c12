//! `--then wait`: between generations, until standard input has something to read.

use super::starting::{quit, suspend_too};
use super::{Action, Cause, End, Event, Intent, Lifecycle, Notice, State, Time};

impl Lifecycle {
    /// `--then wait`, when the tree is gone.
    pub(super) fn fall_asleep(&self, cause: Cause, last: End, actions: &mut Vec<Action>) -> State {
        actions.push(Action::Tell(Notice::Waiting { generation: self.generation }));
        State::Asleep { cause, last }
    }

    pub(super) fn asleep(
        &mut self,
        now: Time,
        event: Event,
        cause: Cause,
        last: End,
        actions: &mut Vec<Action>,
    ) -> State {
        match event {
            Event::InputWaits => self.start(now, Some(cause), actions),
            // What has come before is told before; of lines, that nothing is left is told after.
            Event::InputEnded if self.rules.lines.is_none() => quit(last, actions),
            Event::InputSpent if self.rules.lines.is_some() => quit(last, actions),
            // There is nobody to pass a signal on to.
            Event::Signalled { signal, shared } => match self.intent(signal) {
                Intent::End | Intent::Interrupt => quit(End::Signal(signal), actions),
                intent => {
                    suspend_too(intent, signal, shared, actions);
                    State::Asleep { cause, last }
                }
            },
            Event::Due
            | Event::Started
            | Event::StartFailed(_)
            | Event::Checked(_)
            | Event::Exited(_)
            | Event::TreeGone
            | Event::TreeDefied
            | Event::Stopped(_)
            | Event::Overslept { .. }
            | Event::Observed(_)
            | Event::Moved(_)
            | Event::Ran
            | Event::InBackground
            | Event::Undelivered(_)
            | Event::Prepared { .. }
            | Event::InputEnded
            | Event::InputSpent
            | Event::InputCut
            | Event::LinesTaken { .. } => State::Asleep { cause, last },
        }
    }

    /// Whether only input can go on from here.
    pub fn awaits_input(&self) -> bool {
        matches!(self.state, State::Asleep { .. })
    }
}
