//! How much moved on TCP connections, in all and on each.

use std::collections::BTreeMap;

use super::{Death, Known, Socket, State};
use crate::decide::time::Time;
use crate::decide::traffic::{Payload, Way};

/// Of so many dead connections the payload is remembered in vain, at most.
const MOST_UNHEARD: usize = 1000;

/// The payload of one generation.
#[derive(Debug)]
pub(in crate::sense::traffic) struct PayloadSense {
    /// When the generation began.
    began: Time,
    /// What has moved, and how much of it was on which connection, if that is wanted.
    counted: Option<(Payload, BTreeMap<u64, u64>)>,
    /// Of all connections that died.
    dead_bytes: u64,
    /// Of all that were alive at the last survey; `None`: it could not see.
    living_bytes: Option<u64>,
}

/// The connections that a survey finds.
#[derive(Debug, Default)]
pub(super) struct Living {
    bytes: u64,
    open: u64,
    /// All that count, in whatever state.
    sockets: usize,
}

impl Living {
    pub(super) fn add(&mut self, socket: &Socket) {
        self.sockets += 1;
        self.open += u64::from(socket.state == State::Connected);
        self.bytes = self.bytes.saturating_add(bytes(socket));
    }
}

fn bytes(socket: &Socket) -> u64 {
    socket.info.map_or(0, |info| info.payload_bytes)
}

impl PayloadSense {
    pub(super) fn new(began: Time, counts: bool) -> Self {
        let counted = counts.then(Default::default);
        Self { began, counted, dead_bytes: 0, living_bytes: None }
    }

    /// What has moved on each connection since the generation began, if that is counted and was
    /// seen. Bursts are told as of the time before that this was asked.
    pub(in crate::sense::traffic) fn moved(&mut self) -> Option<Payload> {
        let (payload, _) = self.counted.as_mut().filter(|_| self.living_bytes.is_some())?;
        let told = *payload;
        (payload.inbound_burst, payload.outbound_burst) = (0, 0);
        Some(told)
    }

    /// Payload of all connections together, as of the last survey; `None`: it could not see.
    pub(in crate::sense::traffic) fn carried(&self) -> Option<u64> {
        Some(self.living_bytes?.saturating_add(self.dead_bytes))
    }

    pub(super) fn begin_survey(&mut self) {
        self.living_bytes = None;
    }

    pub(super) fn end_survey(&mut self, living: &Living, known: &Known) {
        self.living_bytes = Some(living.bytes);
        let Some((payload, counted)) = &mut self.counted else { return };
        payload.connections = living.open;
        if counted.len() > 2 * living.sockets + MOST_UNHEARD {
            // Of these nobody told that they died.
            counted.retain(|cookie, _| known.ours.contains_key(cookie));
        }
    }

    /// Adds what a connection of ours moved before it died.
    pub(super) fn add_dead(&mut self, death: &Death, way: Way) {
        self.add(&death.socket, way, death.last_data);
        self.dead_bytes = self.dead_bytes.saturating_add(bytes(&death.socket));
        if let Some((payload, counted)) = &mut self.counted {
            counted.remove(&death.socket.id.cookie());
            payload.changes = payload.changes.saturating_add(1);
        }
    }

    pub(super) fn is_counted(&self) -> bool {
        self.counted.is_some()
    }

    /// Adds what a connection moved before it died that may have been another program's.
    pub(super) fn add_unclear(&mut self, death: &Death) {
        if let Some((payload, _)) = &mut self.counted {
            payload.unsure = payload.unsure.saturating_add(bytes(&death.socket));
            payload.last = payload.last.max(Some(death.last_data));
        }
    }

    /// Adds what is new to the payload that has moved, the last of it then.
    pub(super) fn add(&mut self, socket: &Socket, way: Way, at: Time) {
        let (Some((payload, counted)), Some(info)) = (&mut self.counted, socket.info) else {
            return;
        };
        let before = counted.insert(socket.id.cookie(), info.payload_bytes);
        payload.changes = payload.changes.saturating_add(u64::from(before.is_none()));
        if at < self.began {
            // An inherited connection: what it carried before is not this generation's.
            return;
        }
        // The kernel counts the opening of a connection as a byte, and its end as one or two.
        let opening = u64::from(before.is_none());
        let end = if socket.state == State::Connected { 0 } else { 2 };
        let moved = info.payload_bytes.saturating_sub(before.unwrap_or_default());
        payload.add(way, moved.saturating_sub(opening + end));
        payload.last = payload.last.max(Some(at));
    }
}
