//! Traffic, as it is seen: what moved, when, and who began it.

use std::time::Duration;

use super::awake::Mover;
use super::time::Time;

/// Who began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Others: they connected to COMMAND, or wrote to its standard input.
    Inbound,
    /// COMMAND did.
    Outbound,
}

/// When traffic last moved. `None`: never since the generation started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub inbound: Option<Time>,
    pub outbound: Option<Time>,
    /// Something may have moved then, or nothing: it was seen for the first time.
    pub unsure: Option<Time>,
    /// Some of these times are only "since the last look": the source has no timestamps.
    pub imprecise: bool,
    /// Only a look at everything can tell more about what may have moved.
    pub unexplained: bool,
    /// Connections of other programs come and go here: what may have been COMMAND's is known only
    /// as well as we look.
    pub strangers: bool,
    /// The tree has not run since the look before.
    pub rested: bool,
    /// Some may have been COMMAND's: they delay idleness.
    pub unclear: bool,
    /// What a look at everything would cost now, as far as that is known.
    pub survey_cost: Duration,
    /// What moved last, as far as that is known.
    pub mover: Option<(Time, Mover)>,
    /// How much moved on TCP connections. With `--idle-floor`, TCP is here and not above.
    pub payload: Option<Payload>,
    /// Payload of all TCP connections of this generation together. `None`: not all of them were
    /// looked at, or they cannot be seen.
    pub carried: Option<u64>,
}

/// Payload on TCP connections, counted from the start of the generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    pub inbound: u64,
    pub outbound: u64,
    /// On connections that may have been another program's.
    pub unsure: u64,
    /// When the last byte of all moved.
    pub last: Option<Time>,
    /// Connections that are open.
    pub connections: u64,
    /// How many were opened or closed.
    pub changes: u64,
    /// The most that one connection moved since the look before, by who opened it.
    pub inbound_burst: u64,
    pub outbound_burst: u64,
}

impl Traffic {
    /// Something moved then.
    pub fn note(&mut self, way: Way, at: Time) {
        let place = match way {
            Way::Inbound => &mut self.inbound,
            Way::Outbound => &mut self.outbound,
        };
        *place = (*place).max(Some(at));
    }

    /// What moved then, if nothing has moved since.
    pub fn note_mover(&mut self, at: Time, mover: impl FnOnce() -> Mover) {
        if self.mover.is_none_or(|(before, _)| before <= at) {
            self.mover = Some((at, mover()));
        }
    }

    /// Something moved since the last look.
    pub fn note_imprecisely(&mut self, way: Way, now: Time) {
        self.note(way, now);
        self.imprecise = true;
    }

    /// Something may have moved since the last look.
    pub fn note_unsure(&mut self, now: Time) {
        self.unsure = self.unsure.max(Some(now));
        self.imprecise = true;
    }

    /// The same, and only a look at everything can tell more.
    pub fn note_unexplained(&mut self, now: Time) {
        self.note_unsure(now);
        self.unexplained = true;
    }

    /// When anything last moved for certain.
    pub fn last_sure(&self) -> Option<Time> {
        self.inbound.max(self.outbound)
    }

    /// Whether something moved, or may have, after what is known of its kind.
    pub fn is_newer_than(&self, known: &Self) -> bool {
        self.inbound > known.inbound || self.outbound > known.outbound || self.unsure > known.unsure
    }

    /// Takes over what moved later than is known of its kind.
    pub fn catch_up(&mut self, newer: &Self) {
        self.inbound = self.inbound.max(newer.inbound);
        self.outbound = self.outbound.max(newer.outbound);
        self.unsure = self.unsure.max(newer.unsure);
    }

    /// To find all this out took so long: what moved may have moved so much later.
    pub fn delay(&mut self, took: Duration) {
        for at in [&mut self.inbound, &mut self.outbound, &mut self.unsure].into_iter().flatten() {
            *at = *at + took;
        }
        if let Some((at, _)) = &mut self.mover {
            *at = *at + took;
        }
    }

    /// When anything last moved, or may have.
    pub fn last(&self) -> Option<Time> {
        self.last_sure().max(self.unsure)
    }
}

impl Payload {
    pub fn add(&mut self, way: Way, bytes: u64) {
        let (sum, burst) = match way {
            Way::Inbound => (&mut self.inbound, &mut self.inbound_burst),
            Way::Outbound => (&mut self.outbound, &mut self.outbound_burst),
        };
        *sum = sum.saturating_add(bytes);
        *burst = (*burst).max(bytes);
    }

    /// Adds what has moved on other connections.
    pub fn add_all(&mut self, more: &Self) {
        for (sum, more) in [
            (&mut self.inbound, more.inbound),
            (&mut self.outbound, more.outbound),
            (&mut self.unsure, more.unsure),
            (&mut self.connections, more.connections),
            (&mut self.changes, more.changes),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.inbound_burst = self.inbound_burst.max(more.inbound_burst);
        self.outbound_burst = self.outbound_burst.max(more.outbound_burst);
        self.last = self.last.max(more.last);
    }

    /// The most that any one connection moved since the look before.
    pub fn burst(&self) -> u64 {
        self.inbound_burst.max(self.outbound_burst)
    }

    /// In both directions, on COMMAND's own connections.
    pub fn own(&self) -> u64 {
        self.inbound.saturating_add(self.outbound)
    }

    /// The same, with what may have been COMMAND's.
    pub fn total(&self) -> u64 {
        self.own().saturating_add(self.unsure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_may_have_moved_is_neither_side_s_and_its_time_is_not_known_well() {
        let mut traffic = Traffic::default();
        traffic.note(Way::Inbound, at(1));
        traffic.note_unsure(at(3));
        traffic.note_unsure(at(2));
        let told = Traffic {
            inbound: Some(at(1)),
            unsure: Some(at(3)),
            imprecise: true,
            ..Traffic::default()
        };
        assert_eq!(traffic, told);
        assert_eq!(traffic.last(), Some(at(3)));
        assert_eq!(traffic.last_sure(), Some(at(1)));
    }

    #[test]
    fn a_look_that_took_long_makes_all_times_later() {
        let mut traffic = Traffic::default();
        traffic.delay(Duration::from_secs(3));
        assert_eq!(traffic, Traffic::default());
        let all = |seconds: u64| Traffic {
            inbound: Some(at(seconds)),
            outbound: Some(at(seconds + 1)),
            unsure: Some(at(seconds + 2)),
            mover: Some((at(seconds), Mover::Stdin)),
            ..Traffic::default()
        };
        traffic = all(1);
        traffic.delay(Duration::from_secs(3));
        assert_eq!(traffic, all(4));
    }

    fn at(seconds: u64) -> Time {
        Time::at(Duration::from_secs(seconds))
    }

    #[test]
    fn traffic_is_newer_if_any_of_its_kinds_is() {
        let [known, same] = [2, 2].map(|seconds| Traffic {
            inbound: Some(at(seconds)),
            outbound: Some(at(seconds)),
            unsure: Some(at(seconds)),
            ..Traffic::default()
        });
        assert!(!same.is_newer_than(&known));
        let older = Traffic { inbound: Some(at(1)), outbound: None, ..known };
        assert!(!older.is_newer_than(&known));
        for newer in [
            Traffic { inbound: Some(at(3)), ..older },
            Traffic { outbound: Some(at(3)), ..older },
            Traffic { unsure: Some(at(3)), ..older },
        ] {
            assert!(newer.is_newer_than(&known), "{newer:?}");
        }
    }

    #[test]
    fn each_kind_of_traffic_catches_up_and_never_goes_back() {
        let mut known = Traffic {
            inbound: Some(at(1)),
            outbound: Some(at(5)),
            unsure: None,
            ..Traffic::default()
        };
        let newer = Traffic {
            inbound: Some(at(2)),
            outbound: Some(at(4)),
            unsure: Some(at(3)),
            ..Traffic::default()
        };
        known.catch_up(&newer);
        assert_eq!(
            (known.inbound, known.outbound, known.unsure),
            (Some(at(2)), Some(at(5)), Some(at(3)))
        );
    }

    #[test]
    fn what_is_noted_imprecisely_or_unexplained_is_marked() {
        let mut traffic = Traffic::default();
        traffic.note_imprecisely(Way::Outbound, at(1));
        let outbound = Some(at(1));
        assert_eq!(traffic, Traffic { outbound, imprecise: true, ..Traffic::default() });
        let mut traffic = Traffic::default();
        traffic.note_unexplained(at(2));
        let told = Traffic {
            unsure: Some(at(2)),
            imprecise: true,
            unexplained: true,
            ..Traffic::default()
        };
        assert_eq!(traffic, told);
    }

    #[test]
    fn the_last_of_those_that_moved_is_the_mover_and_of_two_at_once_the_second() {
        let mut traffic = Traffic::default();
        for (seconds, mover) in [(2, Mover::Udp), (1, Mover::Stdin), (2, Mover::Unix)] {
            traffic.note_mover(at(seconds), || mover);
        }
        assert_eq!(traffic.mover, Some((at(2), Mover::Unix)));
        traffic.note_mover(at(3), || Mover::Other);
        assert_eq!(traffic.mover, Some((at(3), Mover::Other)));
    }

    #[test]
    fn payload_is_added_up_but_a_burst_is_that_of_one_connection() {
        let mut payload = Payload::default();
        payload.add(Way::Inbound, 5);
        payload.add(Way::Inbound, 7);
        payload.add(Way::Inbound, 6);
        payload.add(Way::Outbound, 20);
        let told = Payload {
            inbound: 18,
            inbound_burst: 7,
            outbound: 20,
            outbound_burst: 20,
            ..Payload::default()
        };
        assert_eq!(payload, told);
        assert_eq!((payload.own(), payload.total(), payload.burst()), (38, 38, 20));
        let more = Payload {
            inbound: 1,
            outbound: 2,
            unsure: 3,
            last: Some(at(4)),
            connections: 5,
            changes: 6,
            inbound_burst: 8,
            outbound_burst: 9,
        };
        payload.add_all(&more);
        let sum =
            Payload { inbound: 19, outbound: 22, inbound_burst: 8, outbound_burst: 20, ..more };
        assert_eq!(payload, sum);
        assert_eq!((payload.own(), payload.total()), (41, 44));
        payload.add_all(&Payload { last: Some(at(3)), inbound_burst: 30, ..Payload::default() });
        assert_eq!(payload, Payload { inbound_burst: 30, ..sum });
        assert_eq!(payload.burst(), 30);
    }
}
