//! What the payload of TCP connections says about quiet: `--idle-floor`, and whether a generation
//! only saw its clients reconnect.

use std::time::Duration;

use super::Activity;
use crate::floor::{Background, Floor};
use crate::time::Time;
use crate::traffic::Traffic;

/// Clients that reconnect at once do so within this time after a start.
const MOMENTS: Duration = Duration::from_secs(10);
/// A TLS handshake and a first exchange need less.
const HANDSHAKE: u64 = 16 << 10;

/// All payload of a generation, as of the first look at everything after its last traffic.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Carried {
    last: Option<Time>,
    bytes: Option<u64>,
}

impl Activity {
    /// The background traffic that earlier generations had.
    pub fn remember(&mut self, background: Option<Background>) {
        if let Some(floor) = &mut self.floor {
            floor.remember(background);
        }
    }

    /// What is known of the background traffic.
    pub fn background(&self) -> Option<Background> {
        self.floor.as_ref()?.background()
    }

    /// Whether that has changed since this was asked last.
    pub fn background_is_news(&mut self) -> bool {
        self.floor.as_mut().is_some_and(|floor| std::mem::take(&mut floor.is_news))
    }

    /// A look could not see the payload.
    pub(super) fn payload_is_unknown(&mut self, now: Time) {
        if let Some(floor) = &mut self.floor {
            floor.blind(now);
        }
    }

    /// Takes in what a look says about payload.
    pub(super) fn take_payload(&mut self, now: Time, traffic: &Traffic) {
        match (&mut self.floor, traffic.payload) {
            (Some(floor), Some(payload)) => {
                floor.observe(now, payload, self.started + self.settle);
            }
            _ => self.payload_is_unknown(now),
        }
        let last = self.last_traffic.max(self.floor.as_ref().and_then(Floor::loud));
        if last != self.carried.last {
            self.carried = Carried { last, bytes: None };
        }
        self.carried.bytes = self.carried.bytes.or(traffic.carried);
    }

    /// Whether all traffic of this generation came within moments of its start, and was no more
    /// than a handshake and a first exchange. What is unknown is not.
    pub fn only_reconnected(&self, window: Duration) -> bool {
        let end = self.started + window.min(MOMENTS);
        let early = self.carried.last.is_some_and(|last| last <= end);
        early && self.carried.bytes.is_some_and(|bytes| bytes <= HANDSHAKE)
    }
}
