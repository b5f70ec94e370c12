//! Is this generation due for a recycle? Limits and observations go in, a verdict comes out.
//! One of these lives as long as its generation. It decides; what a stop is, `lifecycle` knows.

use std::time::Duration;

use super::event::{Look, Observation, Reason};
use super::memory::{MemoryWatch, Over};
use super::notice::{Hold, LookedAtMemory, Notice};
use super::quiet::{Activity, EARLIEST, Quiet};
use super::rules::{Measure, Rules};
use super::storm::Storm;
use super::time::{Time, earliest};
use super::traffic::Traffic;

/// How often a recycle that is held by a stopped COMMAND is thought about again.
const STOPPED_PAUSE: Duration = Duration::from_secs(1);

/// What is to be done about a generation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    Keep {
        look_again: Option<Time>,
    },
    /// Nothing can be said before this has been looked at.
    Look(Look),
    Due(Reason),
}

/// A recycle that is due, were it not for something that holds it.
struct Pressing {
    reason: Reason,
    /// The look that must have been made right before the stop.
    last_look: Look,
}

/// The policy for one generation.
#[derive(Debug)]
pub(crate) struct Policy {
    started: Time,
    expires: Option<Time>,
    memory: MemoryWatch,
    activity: Activity,
    /// The next look at the traffic.
    next_traffic: Option<Time>,
    /// No planned recycle before then.
    not_before: Time,
    /// INT, QUIT or HUP came, and planned recycles are held until then.
    interrupted_until: Option<Time>,
    /// Since when a memory or lifetime recycle has been waiting for a quiet moment.
    waiting_since: Option<Time>,
    crossed: bool,
    stopped: bool,
    /// No planned recycle any more, of any kind: only `--kill-rss`.
    only_kill: bool,
    hold: Option<Hold>,
}

impl Policy {
    /// A generation that starts now. `draw`, uniform in 0..=`u32::MAX`, decides its share of the
    /// jitter.
    pub(crate) fn new(started: Time, rules: &Rules, draw: u32) -> Self {
        Self {
            started,
            expires: rules.lifetime.map(|lifetime| started + lifetime.shortened(draw)),
            memory: MemoryWatch::new(started, rules.memory),
            activity: Activity::new(started, rules),
            next_traffic: rules.idle.map(|idle| started + idle.after.min(EARLIEST)),
            not_before: started + rules.min_lifetime,
            interrupted_until: None,
            waiting_since: None,
            crossed: false,
            stopped: false,
            only_kill: false,
            hold: None,
        }
    }

    pub(crate) fn age(&self, now: Time) -> Duration {
        now.since(self.started)
    }

    /// Whether there is any reason left to look at memory.
    pub(crate) fn watches_memory(&self) -> bool {
        self.memory.deadline().is_some()
    }

    /// Whether the generation was ever over a memory limit.
    pub(crate) fn crossed(&self) -> bool {
        self.crossed
    }

    /// From now on nothing is planned any more.
    pub(crate) fn only_kill(&mut self) {
        self.only_kill = true;
        self.memory.only_kill();
        (self.expires, self.next_traffic) = (None, None);
    }

    /// COMMAND got a signal that may end it: do not get in its way.
    pub(crate) fn interrupted(&mut self, until: Time) {
        self.interrupted_until = Some(until);
    }

    /// Whether such a signal came a moment ago.
    pub(crate) fn is_interrupted(&self, now: Time) -> bool {
        self.interrupted_until.is_some_and(|until| now < until)
    }

    /// A tripwire was sprung.
    pub(crate) fn sprung(&mut self, now: Time, traffic: &Traffic, rules: &Rules) {
        self.activity.sprung(traffic);
        if !self.only_kill
            && let Some(idle) = rules.idle
        {
            self.next_traffic = Some(self.activity.look_after(now, idle.after));
        }
    }

    /// COMMAND goes on after a stop.
    pub(crate) fn woken(&mut self, now: Time) {
        self.activity.woken(now);
    }

    /// The deadline came: is there anything to look at, or is something due without looking?
    pub(crate) fn tick(&mut self, now: Time, rules: &Rules, storm: &Storm) -> Verdict {
        let look = self.memory.wanted(now).and(self.traffic_wanted(now, rules));
        if look != Look::default() {
            return Verdict::Look(look);
        }
        self.judge(now, rules, storm, Look::default())
    }

    /// Takes in what was seen. A notice is what people should hear about it.
    pub(crate) fn observe(
        &mut self,
        now: Time,
        rules: &Rules,
        storm: &mut Storm,
        seen: &Observation,
    ) -> (Verdict, Option<Notice>) {
        self.memory.observe(now, seen);
        if let Some(widely) = seen.look.traffic {
            self.activity.observe(now, seen.traffic.as_ref(), widely);
        }
        if let Some(tree) = seen.tree {
            self.stopped = tree.stopped;
            let idle = rules.idle.map(|idle| idle.after).unwrap_or_default();
            let gap = rules.quiet.map(|quiet| quiet.gap).unwrap_or_default();
            self.activity.sample_cpu(now, tree.cpu, idle.max(gap));
        }
        if !self.only_kill {
            storm.calm_for(self.memory.below_for(now));
        }
        let notice = self.note_crossing(now, storm);
        (self.judge(now, rules, storm, seen.look), notice)
    }

    /// What `--verbose` says about a look.
    pub(crate) fn looked(
        &self,
        now: Time,
        seen: &Look,
    ) -> (Option<LookedAtMemory>, Option<Duration>) {
        let quiet = seen.traffic.map(|_| self.activity.quiet_span(now));
        (seen.memory.and_then(|_| self.memory.looked()), quiet)
    }

    /// What holds a recycle that is due, if something does.
    pub(crate) fn hold(&self) -> Option<Hold> {
        self.hold
    }

    fn note_crossing(&mut self, now: Time, storm: &mut Storm) -> Option<Notice> {
        let over = self.memory.max_rss().or(self.memory.max_pss())?;
        if std::mem::replace(&mut self.crossed, true) {
            return None;
        }
        let held_until = storm.crossed(self.age(now))?;
        let Over { used, limit, measure, pss: _ } = over;
        Some(Notice::LimitTooLow { used, limit, measure, held_until })
    }

    /// Whether a look at traffic is to come.
    pub(crate) fn looks_at_traffic(&self) -> bool {
        self.next_traffic.is_some()
    }

    fn traffic_wanted(&self, now: Time, rules: &Rules) -> Look {
        match self.next_traffic.filter(|next| now >= *next) {
            Some(next) => self.activity.look(next, rules.window().unwrap_or_default()),
            None => Look::default(),
        }
    }

    /// The verdict, after the look `made` (none, if nothing was looked at).
    fn judge(&mut self, now: Time, rules: &Rules, storm: &Storm, made: Look) -> Verdict {
        self.hold = None;
        if let Some(Over { used, limit, measure, pss: _ }) = self.memory.kill() {
            return Verdict::Due(Reason::KillRss { used, limit, measure });
        }
        if self.only_kill {
            return Verdict::Keep { look_again: self.memory.deadline() };
        }
        if made.traffic.is_some() && self.activity.wants_all() {
            return Verdict::Look(made.and(Look::ALL_TRAFFIC));
        }
        if made.traffic.is_some() {
            let idle = rules.idle;
            self.next_traffic = idle.map(|idle| self.activity.look_after(now, idle.after));
        }
        let wait = match self.pressing(now, rules, storm) {
            Err(wait) => wait,
            Ok(pressing) if !made.covers(pressing.last_look) => {
                return Verdict::Look(made.and(pressing.last_look));
            }
            Ok(pressing) if !self.stopped => return Verdict::Due(pressing.reason),
            Ok(_) => {
                self.hold = Some(Hold::Stopped);
                Some(now + STOPPED_PAUSE)
            }
        };
        let looks = earliest(self.memory.deadline(), self.next_traffic);
        let expires = self.expires.filter(|expires| now < *expires);
        Verdict::Keep { look_again: earliest(earliest(looks, expires), wait) }
    }

    /// What is due now; else when to think about it again, over and above the looks.
    fn pressing(
        &mut self,
        now: Time,
        rules: &Rules,
        storm: &Storm,
    ) -> Result<Pressing, Option<Time>> {
        let idle = self.idle(now, rules);
        let Some(mut pressing) = self.memory_or_lifetime(now, rules, storm).or(idle) else {
            self.waiting_since = None;
            return Err(None);
        };
        let held = [
            (Hold::MinLifetime, Some(self.not_before)),
            (Hold::Interrupted, self.interrupted_until),
        ];
        for (hold, until) in held {
            if let Some(until) = until.filter(|until| now < *until) {
                self.hold = Some(hold);
                return Err(Some(until));
            }
        }
        let Some(quiet) = rules.quiet.filter(|_| !matches!(pressing.reason, Reason::Idle { .. }))
        else {
            return Ok(pressing);
        };
        let give_up = *self.waiting_since.get_or_insert(now) + quiet.wait;
        if now >= give_up {
            return Ok(pressing);
        }
        match self.activity.quiet_for(now, quiet.gap) {
            Quiet::Yes => {
                pressing.last_look = pressing.last_look.and(Look::ALL_TRAFFIC);
                Ok(pressing)
            }
            Quiet::NotBefore(then) => {
                self.hold = Some(Hold::Traffic);
                self.next_traffic = earliest(self.next_traffic, Some(then));
                Err(Some(give_up))
            }
        }
    }

    fn idle(&self, now: Time, rules: &Rules) -> Option<Pressing> {
        let window = rules.idle?.after;
        let quiet = self.activity.armed() && self.activity.quiet_for(now, window) == Quiet::Yes;
        quiet.then(|| Pressing {
            reason: Reason::Idle { quiet: self.activity.quiet_span(now) },
            last_look: Look::ALL_TRAFFIC,
        })
    }

    fn memory_or_lifetime(&mut self, now: Time, rules: &Rules, storm: &Storm) -> Option<Pressing> {
        let over = self.memory.max_rss().or(self.memory.max_pss());
        let free = self.age(now) >= storm.hold() || self.memory.near_kill();
        if let Some(Over { used, limit, measure, pss }) = over {
            if free {
                let reason = match measure {
                    Measure::Rss => Reason::Rss { used, limit, pss },
                    Measure::Pss => Reason::Pss { used, limit },
                };
                return Some(Pressing { reason, last_look: self.memory.last_look(now) });
            }
            self.hold = Some(Hold::Storm);
        }
        let lifetime = rules.lifetime.filter(|_| self.expires.is_some_and(|then| now >= then))?;
        let last_look = Look { walk: true, ..Look::default() };
        Some(Pressing { reason: Reason::Lifetime { limit: lifetime.max }, last_look })
    }
}
