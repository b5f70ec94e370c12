//! What the core was told of traffic, and how often it asked: looking costs.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{Look, Observation, TrafficLook};
use crate::time::Time;
use crate::traffic::Traffic;

/// What was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Nothing had moved.
    Still,
    Stamped,
    Unstamped,
    /// Something may have moved, or nothing.
    Unsure,
}

/// The looks of one generation.
#[derive(Clone, Debug)]
pub(super) struct Effort {
    pub(super) started: Time,
    /// COMMAND's own traffic arms from then on.
    settled: Time,
    /// The looks at traffic of the last window, as they were asked for.
    looks: VecDeque<(Time, TrafficLook)>,
    /// The newest movement that was told, certain or not.
    pub(super) told: Option<Time>,
    /// The newest certain one.
    told_sure: Option<Time>,
    pub(super) flow: Flow,
    /// When something without timestamps, or unsure, was told last.
    pub(super) mute_told: Option<Time>,
    /// Looks since the last news.
    pub(super) since_news: u32,
    /// The last walk that was told.
    pub(super) walked: Time,
    /// The core knows of traffic after which the generation can go idle; not of payload.
    pub(super) armed: bool,
    /// Since the last news a look was blind, or COMMAND was woken.
    pub(super) muddled: bool,
    /// A look could not see: what it lost, nobody knows.
    pub(super) was_blind: bool,
    /// The last answer must be followed by a look at everything.
    pub(super) must_widen: bool,
}

impl Effort {
    pub(super) fn new(started: Time, settle: Duration) -> Self {
        Self {
            started,
            settled: started + settle,
            looks: VecDeque::new(),
            told: None,
            told_sure: None,
            flow: Flow::Still,
            mute_told: None,
            since_news: 0,
            walked: started,
            armed: false,
            muddled: false,
            was_blind: false,
            must_widen: false,
        }
    }

    /// A tripwire was sprung.
    pub(super) fn sprung(&mut self, now: Time, traffic: &Traffic) {
        self.take_in(now, traffic);
        (self.flow, self.since_news) = (Flow::Unstamped, 0);
    }

    /// COMMAND may have been stopped: that time says nothing.
    pub(super) fn woken(&mut self, now: Time) {
        self.told = self.told.max(Some(now));
        self.told_sure = self.told_sure.max(Some(now));
        self.muddled = true;
    }

    pub(super) fn observed(&mut self, now: Time, seen: &Observation) {
        self.must_widen = false;
        if seen.tree.is_some() {
            self.walked = now;
        }
        let Some(widely) = seen.look.traffic else { return };
        let Some(traffic) = seen.traffic else {
            (self.muddled, self.was_blind) = (true, true);
            if self.flow == Flow::Unstamped {
                // It may flow still.
                self.mute_told = Some(now);
            }
            return;
        };
        let (flowed, sure_before) = (self.flow == Flow::Unstamped, self.told_sure);
        let news = self.take_in(now, &traffic);
        self.flow = match news {
            false => Flow::Still,
            true if self.told_sure == sure_before => Flow::Unsure,
            true if traffic.imprecise => Flow::Unstamped,
            true => Flow::Stamped,
        };
        let ended = flowed && self.flow != Flow::Unstamped;
        self.must_widen = widely == TrafficLook::Hottest && (ended || traffic.unexplained);
    }

    /// Whether it is news.
    fn take_in(&mut self, now: Time, traffic: &Traffic) -> bool {
        self.armed |= traffic.inbound.is_some() || traffic.outbound >= Some(self.settled);
        self.told_sure = self.told_sure.max(traffic.inbound).max(traffic.outbound);
        let news = traffic.last() > self.told;
        if news {
            self.told = traffic.last();
            (self.since_news, self.muddled) = (0, false);
        }
        if traffic.imprecise {
            self.mute_told = Some(now);
        }
        news
    }

    /// The core asks.
    pub(super) fn asked(&mut self, now: Time, look: &Look, window: Duration) {
        // Those that memory asked for as well are not counted: a memory recycle that is held while
        // COMMAND is stopped is confirmed after each look at traffic.
        let Some(widely) = look.traffic.filter(|_| look.memory.is_none()) else { return };
        self.since_news += 1;
        while self.looks.front().is_some_and(|(at, _)| now.since(*at) >= window) {
            self.looks.pop_front();
        }
        self.looks.push_back((now, widely));
    }

    /// Looks in the window that ends now: the cheap ones, and those at everything.
    pub(super) fn looks(&self, now: Time, window: Duration) -> (usize, usize) {
        let recent = self.looks.iter().filter(|(at, _)| now.since(*at) < window);
        let all = recent.clone().filter(|(_, widely)| *widely >= TrafficLook::Changed).count();
        (recent.count() - all, all)
    }

    /// The last look that was asked for.
    pub(super) fn last_look(&self) -> Option<Time> {
        self.looks.back().map(|(at, _)| *at)
    }
}
