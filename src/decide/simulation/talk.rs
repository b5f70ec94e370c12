//! COMMAND's traffic: how it truly was, and what the sense can tell of it.

use std::time::Duration;

use super::scenario;
use crate::event::TrafficLook;
use crate::rules::Rules;
use crate::time::Time;
use crate::traffic::{Payload, Traffic, Way};

/// What the clocks of the world and of its looks may differ by.
pub(super) const BLUR: Duration = Duration::from_millis(15);

/// On what something moves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Voice {
    /// One of the TCP connections that live long; the last one COMMAND opened itself.
    Stream(usize),
    /// A TCP connection that died just now; its last byte came so long before.
    Short(Way, Duration),
    /// The same, and nobody knows yet whether it was COMMAND's.
    Strange { ours: bool },
    /// Standard input, UDP, Unix: the kernel keeps no time.
    Mute(Way),
    /// A socket that nobody has seen yet: nothing, or something, moved on it.
    Fresh,
}

pub(super) const STREAMS: usize = 4;
const OPENED: usize = STREAMS - 1;

/// The traffic of one generation.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    started: Time,
    settled: Time,
    window: Duration,
    floor: Option<u64>,
    /// When bytes last moved; with a floor, not those on TCP connections.
    streams: [Option<Time>; STREAMS],
    /// On all that is not a stream.
    others: Option<Time>,
    others_inbound: bool,
    /// The last movement that COMMAND began itself on something without timestamps.
    mute_outbound: Option<Time>,
    /// The same, on connections that died.
    dead_outbound: Option<Time>,
    /// TCP, with a floor.
    bytes: Vec<(Time, Way, u64)>,
    payload: Payload,
    /// On all TCP connections.
    carried: u64,
    /// There was more than the floor in a window; for certain, if it came at once.
    over_floor: bool,
    surely_over_floor: bool,
    /// Since then a sample tells of all payload.
    sampled: Time,
    /// When the rules began anew something waited to be told as of then.
    pending: bool,
    /// What waits to be told.
    mute: Traffic,
    dead: Vec<(Way, Time)>,
    strange: Vec<(Time, bool)>,
    fresh: bool,
    /// The stream that moved last, at the last look at everything.
    hottest: usize,
    /// The newest movement that was told.
    latest: Traffic,
    /// When the core was last told that something may have moved.
    pub(super) unsure: Option<Time>,
    /// Tripwires wake nobody until the next look.
    silent: bool,
    /// Looks that were made, and not told yet.
    pub(super) looking: u32,
}

fn way(stream: usize) -> Way {
    if stream == OPENED { Way::Outbound } else { Way::Inbound }
}

impl Talk {
    pub(super) fn new(started: Time, rules: &Rules) -> Self {
        let idle = rules.idle.map(|idle| (idle.after, idle.settle));
        let (window, settle) =
            idle.or(rules.quiet.map(|quiet| (quiet.gap, Duration::ZERO))).unwrap_or_default();
        Self {
            started,
            settled: started + settle,
            window,
            floor: scenario::bytes(rules),
            streams: [None; STREAMS],
            others: None,
            others_inbound: false,
            mute_outbound: None,
            dead_outbound: None,
            bytes: Vec::new(),
            payload: Payload::default(),
            carried: 0,
            over_floor: false,
            surely_over_floor: false,
            sampled: started,
            pending: false,
            mute: Traffic::default(),
            dead: Vec::new(),
            strange: Vec::new(),
            fresh: false,
            hottest: 0,
            latest: Traffic::default(),
            unsure: None,
            silent: false,
            looking: 0,
        }
    }

    /// As if a generation had just started: what moved before arms nothing any more.
    pub(super) fn begin_anew(&mut self, now: Time) {
        self.settled = now + self.settled.since(self.started);
        self.started = now;
        (self.others_inbound, self.mute_outbound, self.dead_outbound) = (false, None, None);
        // A look that was made before may be told after.
        self.over_floor = self.bytes.iter().any(|(at, ..)| *at >= now.before(BLUR));
        self.surely_over_floor = false;
        // What has a time of its own counts if that is not before.
        let fresh = |at: Time| at >= now;
        self.pending = self.mute.last().is_some()
            || self.dead.iter().any(|(_, at)| fresh(*at))
            || self.strange.iter().any(|(at, ours)| *ours && fresh(*at));
        // Payload is compared with the first sample from there on.
        self.sampled = now + self.window / 10 + BLUR;
    }

    /// Something moves.
    pub(super) fn says(&mut self, now: Time, voice: Voice, bytes: u64) {
        if let Voice::Stream(_) | Voice::Short(..) = voice {
            self.carried += bytes;
        }
        match (voice, self.floor) {
            (Voice::Fresh, _) => self.fresh = true,
            (Voice::Mute(way), _) => {
                self.others = Some(now);
                self.others_inbound |= way == Way::Inbound;
                if way == Way::Outbound {
                    self.mute_outbound = Some(now);
                }
                self.mute.note_imprecisely(way, now);
            }
            (Voice::Stream(stream), Some(floor)) => self.moves(now, way(stream), bytes, floor),
            (Voice::Short(way, _), Some(floor)) => self.moves(now, way, bytes, floor),
            // It may delay, and arms nothing.
            (Voice::Strange { .. }, Some(_)) => {
                self.payload.unsure += bytes;
                self.payload.last = Some(now);
                self.unsure = Some(now);
            }
            (Voice::Stream(stream), None) => self.streams[stream] = Some(now),
            (Voice::Short(way, before), None) => {
                let at = now.before(before).max(self.started);
                self.dead.push((way, at));
                self.others = self.others.max(Some(at));
                self.others_inbound |= way == Way::Inbound;
                if way == Way::Outbound {
                    self.dead_outbound = self.dead_outbound.max(Some(at));
                }
            }
            (Voice::Strange { ours }, None) => {
                self.strange.push((now, ours));
                if ours {
                    self.others = Some(now);
                    self.dead_outbound = Some(now);
                }
            }
        }
    }

    /// Payload moves.
    fn moves(&mut self, now: Time, way: Way, bytes: u64, floor: u64) {
        self.bytes.push((now, way, bytes));
        self.payload.add(way, bytes);
        self.payload.last = Some(now);
        let start =
            now.before(self.window + self.window / 20 + BLUR).max(self.started.before(BLUR));
        let since = |start: Time, ways: &[Way]| {
            let counted =
                self.bytes.iter().filter(|(at, way, _)| *at >= start && ways.contains(way));
            counted.map(|(.., bytes)| bytes).sum::<u64>()
        };
        let settled = self.settled.before(BLUR);
        self.over_floor |= since(start, &[Way::Inbound]) > floor
            || since(start.max(settled), &[Way::Inbound, Way::Outbound]) > floor;
        let counts = way == Way::Inbound || now >= self.settled + self.window / 10 + BLUR;
        self.surely_over_floor |= counts && bytes > floor && now >= self.sampled;
    }

    /// When something last moved. With a floor: since then no more payload than it allows.
    pub(super) fn last(&self) -> Option<Time> {
        let mut sum = 0;
        let floor = self.floor.unwrap_or_default();
        let loud = self.bytes.iter().rev().find(|(.., bytes)| {
            sum += bytes;
            sum > floor
        });
        self.streams.into_iter().max().flatten().max(self.others).max(loud.map(|(at, ..)| *at))
    }

    /// Such traffic was there that the generation can go idle; what is known only to have moved
    /// since the last look may have done so a little later.
    pub(super) fn armed(&self, late: Duration) -> bool {
        let mute = self.mute_outbound.is_some_and(|at| at + late >= self.settled);
        self.armed_by_others() || mute || self.over_floor || self.pending
    }

    /// The same, and the core must have learnt of it.
    pub(super) fn surely_armed(&self) -> bool {
        let mute = self.mute_outbound.is_some_and(|at| at >= self.settled);
        self.armed_by_others() || mute || self.surely_over_floor
    }

    fn armed_by_others(&self) -> bool {
        let opened = self.streams[OPENED].max(self.dead_outbound);
        let accepted = self.streams[..OPENED].iter().any(|at| *at >= Some(self.started));
        accepted || self.others_inbound || opened >= Some(self.settled)
    }

    /// What a look tells.
    pub(super) fn look(&mut self, now: Time, widely: TrafficLook) -> Traffic {
        let mut sum = self.overheard(now);
        match widely {
            TrafficLook::Hottest => {
                if let Some(at) = self.streams[self.hottest] {
                    sum.note(way(self.hottest), at);
                }
                if !self.strange.is_empty() {
                    sum.note_unexplained(now);
                }
            }
            TrafficLook::Changed | TrafficLook::All => self.survey(now, &mut sum),
        }
        // What only may have moved silences nothing.
        self.silent = sum.last_sure() > self.latest.last_sure() && sum.imprecise;
        self.is_news(&sum);
        sum.payload = self.floor.map(|_| self.payload);
        sum.carried = (widely == TrafficLook::All).then_some(self.carried);
        self.unsure = self.unsure.max(sum.unsure);
        sum
    }

    fn survey(&mut self, now: Time, sum: &mut Traffic) {
        for (stream, at) in self.streams.iter().enumerate() {
            if let Some(at) = at {
                sum.note(way(stream), *at);
            }
        }
        self.hottest = (0..STREAMS).max_by_key(|at| self.streams[*at]).unwrap();
        for (at, ours) in self.strange.drain(..) {
            if ours {
                sum.note(Way::Outbound, at);
                sum.imprecise = true;
            }
        }
        if std::mem::take(&mut self.fresh) {
            sum.note_unsure(now);
        }
    }

    /// What wakes us, if something does; then all is silent until the next look.
    pub(super) fn spring(&mut self, now: Time) -> Option<Traffic> {
        if self.silent || self.looking > 0 {
            return None;
        }
        let mut sum = self.overheard(now);
        if !self.strange.is_empty() {
            sum.note_unexplained(now);
        }
        if !self.is_news(&sum) {
            return None;
        }
        (self.silent, self.unsure) = (true, self.unsure.max(sum.unsure));
        Some(Traffic { imprecise: true, ..sum })
    }

    /// What moved on its own account since the last time: now, as far as anybody knows.
    fn overheard(&mut self, now: Time) -> Traffic {
        let mut sum = Traffic::default();
        let mute = std::mem::take(&mut self.mute);
        for (way, at) in [(Way::Inbound, mute.inbound), (Way::Outbound, mute.outbound)] {
            if at.is_some() {
                sum.note_imprecisely(way, now);
            }
        }
        for (way, at) in self.dead.drain(..) {
            sum.note(way, at);
            sum.imprecise = true;
        }
        sum
    }

    fn is_news(&mut self, sum: &Traffic) -> bool {
        let news = sum.is_newer_than(&self.latest);
        self.latest.catch_up(sum);
        news
    }
}
