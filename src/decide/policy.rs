//! Is this generation due for a recycle? Limits and observations go in, a verdict comes out.
//! One of these lives as long as its generation. It decides; what a stop is, `lifecycle` knows.

mod learning;
mod pressing;

use std::time::Duration;

use self::pressing::Pressing;
use super::awake::Unarmed;
use super::event::{Look, Observation, Sight, TrafficLook, Unseen};
use super::exit::Signal;
use super::memory::{MemoryWatch, Over};
use super::notice::{Hold, LookedAtMemory, Notice, Quietness, Sample};
use super::observe::Observing;
use super::quiet::{Activity, EARLIEST};
use super::reason::Reason;
use super::rules::{Measure, Rules};
use super::sampling::Sampling;
use super::storm::Storm;
use super::time::{Time, earliest};
use super::traffic::Traffic;

/// How often a recycle that is held by a stopped COMMAND is thought about again.
const STOPPED_PAUSE: Duration = Duration::from_secs(1);

/// A look that has no exact time may come by this part of its pause early, with another one.
pub(crate) const EARLY_PART: u32 = 2;

/// A generation that cannot go idle after so many windows is worth a word.
const UNARMED_WINDOWS: u32 = 10;

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

/// What comes of a look.
#[derive(Debug)]
pub(crate) struct Opinion {
    pub verdict: Verdict,
    /// What people should hear about it.
    pub notices: Vec<Notice>,
    pub sample: Option<Sample>,
}

/// The policy for one generation.
#[derive(Debug)]
pub(crate) struct Policy {
    started: Time,
    /// The same, or when the last recycle would have been that was only told.
    began: Time,
    expires: Option<Time>,
    memory: MemoryWatch,
    activity: Activity,
    sampling: Sampling,
    observing: Observing,
    /// The next look at the traffic.
    next_traffic: Option<Time>,
    /// No planned recycle before then.
    not_before: Time,
    /// If it only sees its clients reconnect, no idle recycle before then.
    not_idle_before: Time,
    /// INT, QUIT or HUP came, and planned recycles are held until then.
    interrupted_until: Option<Time>,
    /// Since when a memory or lifetime recycle has been waiting for a quiet moment.
    waiting_since: Option<Time>,
    /// No generation could follow, which is looked at again then.
    unstartable_until: Time,
    /// A signal has asked for a recycle that could not begin for that.
    asked: Option<Signal>,
    crossed: bool,
    stopped: bool,
    /// No planned recycle any more, of any kind: only `--kill-rss`.
    only_kill: bool,
    /// Its end has begun.
    ends: bool,
    hold: Option<Hold>,
    /// That it cannot go idle was told, or that it can is known.
    told_unarmed: bool,
}

impl Policy {
    /// A generation that starts now. `draw`, uniform in 0..=`u32::MAX`, decides its share of the
    /// jitter.
    pub(crate) fn new(started: Time, rules: &Rules, draw: u32) -> Self {
        Self {
            started,
            began: started,
            expires: rules.lifetime.map(|lifetime| started + lifetime.shortened(draw)),
            memory: MemoryWatch::new(started, rules.memory),
            activity: Activity::new(started, rules),
            sampling: Sampling::new(started, rules.sample_every),
            observing: Observing::new(started, rules),
            next_traffic: rules.idle.map(|idle| started + idle.after.min(EARLIEST)),
            not_before: started + rules.min_lifetime,
            not_idle_before: started,
            interrupted_until: None,
            waiting_since: None,
            unstartable_until: started,
            asked: None,
            crossed: false,
            stopped: false,
            only_kill: false,
            ends: false,
            hold: None,
            told_unarmed: false,
        }
    }

    pub(crate) fn age(&self, now: Time) -> Duration {
        now.since(self.started)
    }

    /// How long its rules have counted.
    pub(crate) fn lived(&self, now: Time) -> Duration {
        now.since(self.began)
    }

    /// When traffic last moved that was certainly the tree's.
    pub(crate) fn last_sure_traffic(&self) -> Option<Time> {
        self.activity.last_sure()
    }

    /// A recycle was told, and did not come: all counts as if the next generation had just started,
    /// but that memory must have been below its limits before it can cross them. Tells when to look
    /// again.
    pub(crate) fn begin_anew(&mut self, now: Time, rules: &Rules, draw: u32) -> Option<Time> {
        self.began = now;
        self.memory.begin_anew();
        self.activity.begin_anew(now);
        self.not_before = now + rules.min_lifetime;
        (self.waiting_since, self.hold) = (None, None);
        if !self.only_kill {
            self.expires = rules.lifetime.map(|lifetime| now + lifetime.shortened(draw));
            self.next_traffic = rules.idle.map(|idle| self.activity.look_after(now, idle.after));
        }
        earliest(earliest(self.only_looks(), self.next_traffic), self.expires)
    }

    /// When to look next once nothing is planned any more.
    pub(crate) fn only_looks(&self) -> Option<Time> {
        let looks = earliest(self.sampling.deadline(), self.observing.deadline());
        earliest(self.memory.deadline(), looks)
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

    /// The same, and its end has begun.
    pub(crate) fn ends(&mut self) {
        self.ends = true;
        self.only_kill();
    }

    /// COMMAND got a signal that may end it: do not get in its way.
    pub(crate) fn interrupted(&mut self, until: Time) {
        self.interrupted_until = Some(until);
    }

    /// Whether such a signal came a moment ago.
    pub(crate) fn is_interrupted(&self, now: Time) -> bool {
        self.interrupted_until.is_some_and(|until| now < until)
    }

    /// A recycle is due for this, and no generation could follow: it is held until then.
    pub(crate) fn unstartable(&mut self, reason: Reason, until: Time) {
        self.unstartable_until = until;
        if let Reason::Signal(signal) = reason {
            self.asked = Some(signal);
        }
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

    /// The tree has run, after it had slept.
    pub(crate) fn ran(&mut self, now: Time) {
        self.memory.woken(now);
    }

    /// COMMAND goes on after a stop.
    pub(crate) fn woken(&mut self, now: Time) {
        self.activity.woken(now);
    }

    /// The deadline came: is there anything to look at, or is something due without looking?
    pub(crate) fn tick(&mut self, now: Time, rules: &Rules, storm: &Storm) -> Verdict {
        let look = self.planned(now, rules);
        let look = look.and(self.sampling.wanted(now, &self.activity, self.ends));
        let look = look.and(self.observing.wanted(now, &self.activity, self.only_kill));
        if look != Look::default() {
            return Verdict::Look(look);
        }
        self.judge(now, rules, storm, Look::default())
    }

    /// The looks at memory and traffic. Where neither has to come at its exact time, because the
    /// tree sleeps and cannot go idle yet, both come together: one wake-up instead of two.
    fn planned(&self, now: Time, rules: &Rules) -> Look {
        let pause = rules.window().unwrap_or_default().min(self.lived(now));
        let early = if self.activity.armed() { Duration::ZERO } else { pause / EARLY_PART };
        let memory = self.memory.wanted(now);
        let traffic = self.traffic_wanted(now, now, rules);
        if traffic != Look::default() {
            memory.and(self.memory.wanted_early(now)).and(traffic)
        } else if memory != Look::default() {
            memory.and(self.traffic_wanted(now, now + early, rules))
        } else {
            Look::default()
        }
    }

    /// Takes in what was seen.
    pub(crate) fn observe(
        &mut self,
        now: Time,
        rules: &Rules,
        storm: &mut Storm,
        seen: &Observation,
    ) -> Opinion {
        self.memory.observe(now, seen);
        if let Some(widely) = seen.look.traffic {
            self.activity.observe(now, seen.traffic.as_ref(), widely);
            if widely >= TrafficLook::Changed {
                self.activity.surveyed(seen.cost);
            }
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
        // Where nothing is recycled, nothing storms.
        let storm_comes = rules.observe.is_none();
        let crossing = if storm_comes { self.note_crossing(now, storm) } else { None };
        let unclear = self.note_unclear(now, rules);
        let notices = crossing.into_iter().chain(unclear).collect();
        self.observing.looked(now, seen, self.activity.is_still());
        let sample = self.sample(now, seen);
        Opinion { verdict: self.judge(now, rules, storm, seen.look), notices, sample }
    }

    /// The sample that was due, if what was seen is one.
    fn sample(&mut self, now: Time, seen: &Observation) -> Option<Sample> {
        if !self.sampling.take(now, seen) {
            return None;
        }
        let quiet = seen.traffic.as_ref().map(|_| self.activity.quiet_span(now));
        Some(Sample { age: self.age(now), memory: seen.memory, quiet, tree: seen.tree })
    }

    /// What `--verbose` says about a look.
    pub(crate) fn looked(
        &self,
        now: Time,
        rules: &Rules,
        seen: &Look,
    ) -> (Option<LookedAtMemory>, Option<Quietness>) {
        let awake = || self.activity.awake(now, rules.window()?);
        let traffic = seen.traffic.map(|_| Quietness {
            quiet: self.activity.quiet_span(now),
            awake: if self.only_kill { None } else { awake() },
        });
        (seen.memory.and_then(|_| self.memory.looked()), traffic)
    }

    /// Connections that may have been COMMAND's have delayed a recycle.
    fn note_unclear(&self, now: Time, rules: &Rules) -> Option<Notice> {
        let waits = rules.idle.is_some() && self.activity.armed() || self.waiting_since.is_some();
        let delays = waits && self.activity.unclear_delays(now, rules.window()?);
        let unseen = Unseen { what: Sight::Strangers, errno: 0 };
        (delays && !self.only_kill).then_some(Notice::CannotSee(unseen))
    }

    /// Why the generation cannot go idle, if that has been so for ten windows and was not told.
    pub(crate) fn note_unarmed(&mut self, now: Time, rules: &Rules) -> Option<Unarmed> {
        let idle = rules.idle.filter(|_| !self.only_kill && !self.told_unarmed)?;
        if self.lived(now) < idle.after.saturating_mul(UNARMED_WINDOWS) {
            return None;
        }
        self.told_unarmed = true;
        self.activity.unarmed(now)
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
        let sampled = !self.ends && self.sampling.deadline().is_some();
        let observed = !self.only_kill && self.observing.deadline().is_some();
        self.next_traffic.is_some() || sampled || observed
    }

    fn traffic_wanted(&self, now: Time, until: Time, rules: &Rules) -> Look {
        match self.next_traffic.filter(|next| until >= *next) {
            Some(next) => {
                let window = rules.window().unwrap_or_default();
                self.activity.look(next.min(now), window)
            }
            None => Look::default(),
        }
    }

    /// The verdict, after the look `made` (none, if nothing was looked at).
    fn judge(&mut self, now: Time, rules: &Rules, storm: &Storm, made: Look) -> Verdict {
        self.hold = None;
        if let Some(Over { used, limit, measure, pss }) = self.memory.kill() {
            let pss = pss.filter(|_| measure == Measure::Rss);
            return Verdict::Due(Reason::KillRss { used, limit, measure, pss });
        }
        if self.only_kill {
            return Verdict::Keep { look_again: self.only_looks() };
        }
        if made.traffic.is_some() && self.activity.wants_all() {
            return Verdict::Look(made.and(Look::ALL_TRAFFIC));
        }
        if made.traffic.is_some() {
            let idle = rules.idle;
            self.next_traffic = idle.map(|idle| self.activity.look_after(now, idle.after));
        }
        let pressing = match self.asked {
            Some(signal) => Ok(Pressing::asked(signal)),
            None => self.pressing(now, rules, storm),
        };
        let wait = match pressing {
            Err(_) if self.traffic_wanted(now, now, rules) != Look::default() => {
                return Verdict::Look(made.and(self.traffic_wanted(now, now, rules)));
            }
            Err(wait) => wait,
            Ok(_) if now < self.unstartable_until => {
                self.hold = Some(Hold::Unstartable);
                Some(self.unstartable_until)
            }
            Ok(pressing) if !made.covers(pressing.last_look) => {
                return Verdict::Look(made.and(pressing.last_look));
            }
            Ok(pressing) if !self.stopped || self.asked.is_some() => {
                return Verdict::Due(pressing.reason);
            }
            Ok(_) => {
                self.hold = Some(Hold::Stopped);
                Some(now + STOPPED_PAUSE)
            }
        };
        let looks = earliest(self.only_looks(), self.next_traffic);
        let expires = self.expires.filter(|expires| now < *expires);
        Verdict::Keep { look_again: earliest(earliest(looks, expires), wait) }
    }
}
