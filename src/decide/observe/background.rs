//! Background traffic as `--observe` measures it, the quiet gaps above it, and early jobs.

use std::time::Duration;

use super::Track;
use crate::event::{Observation, TrafficLook};
use crate::floor::{Background, Floor};
use crate::rules::{Rules, Threshold};
use crate::time::Time;
use crate::traffic::Payload;
use crate::units::Share;

/// It is measured in windows of this length: looks come once a second.
pub(super) const WINDOW: Duration = Duration::from_secs(10);
/// What `--settle` is where no `--idle` is given.
const SETTLE: Duration = Duration::from_secs(10);
/// So many looks in a row without more than the background: logins are over.
const CALM: u32 = 2;
/// Less is no job.
const LEAST_JOB: u64 = 256;
/// Traffic this long after the last TCP payload was something else.
const APART: Duration = Duration::from_millis(50);

/// What is known of background traffic.
#[derive(Debug)]
pub(super) struct BackgroundWatch {
    settle: Duration,
    /// The floor that `--idle-floor auto` would have.
    floor: Floor,
    started: Time,
    /// What is above it.
    pub(super) above: Track,
    latest: Payload,
    /// Of connections that COMMAND opened itself, before it has settled: what they moved from look
    /// to look, and whether any was opened or closed.
    early: Vec<(u64, bool)>,
    /// The largest early job of earlier generations.
    job: u64,
}

impl BackgroundWatch {
    pub(super) fn new(now: Time, rules: &Rules) -> Self {
        Self {
            settle: rules.idle.map_or(SETTLE, |idle| idle.settle),
            floor: Floor::new(now, Threshold::Auto, WINDOW),
            started: now,
            above: Track::default(),
            latest: Payload::default(),
            early: Vec::new(),
            job: 0,
        }
    }

    /// The next generation runs.
    pub(super) fn started(&mut self, now: Time) {
        self.job = self.early_job();
        let known = self.floor.background();
        self.floor = Floor::new(now, Threshold::Auto, WINDOW);
        self.floor.remember(known);
        self.above.started();
        (self.started, self.latest) = (now, Payload::default());
        self.early.clear();
    }

    /// Takes in a look; `last` is when anything moved last.
    pub(super) fn looked(
        &mut self,
        now: Time,
        seen: &Observation,
        last: Option<Time>,
        idle_cpu: Option<Share>,
    ) {
        let payload = seen.traffic.as_ref().and_then(|traffic| traffic.payload);
        match (seen.look.traffic, payload) {
            (Some(TrafficLook::Changed | TrafficLook::All), Some(payload)) => {
                self.take(now, payload)
            }
            // A look at one socket says nothing of the others.
            (Some(TrafficLook::Hottest), Some(_)) | (None, _) => {}
            (Some(_), None) => self.floor.blind(now),
        }
        let other = last.filter(|last| self.latest.last.is_none_or(|tcp| *last > tcp + APART));
        self.above.looked(now, seen, self.floor.loud().max(other), idle_cpu);
    }

    fn take(&mut self, now: Time, payload: Payload) {
        if now.since(self.started) <= self.settle {
            let moved = payload.outbound.saturating_sub(self.latest.outbound);
            self.early.push((moved, payload.changes != self.latest.changes));
        }
        self.latest = payload;
        self.floor.observe(now, payload, self.started);
    }

    /// The steady background.
    pub(super) fn background(&self) -> Option<Background> {
        self.floor.background()
    }

    /// The largest job that came before COMMAND had settled and after its logins; 0: none.
    pub(super) fn early_job(&self) -> u64 {
        let beat = self.background().map_or(0, |background| background.bytes().0);
        let least = beat.saturating_mul(2).max(LEAST_JOB);
        let (mut calm, mut job) = (0, self.job);
        for (moved, changed) in &self.early {
            if *changed {
                calm = 0;
            } else if *moved <= beat {
                calm += 1;
            } else if calm >= CALM && *moved > least {
                job = job.max(*moved);
            }
        }
        job
    }
}
