//! Quiet: since when has the tree had no traffic, and was it idle or working meanwhile?
//! One of these lives as long as its generation.

mod payload;

use std::time::Duration;

use self::payload::Carried;
use super::awake::{Awake, Mover, Unarmed};
use super::event::{Look, TrafficLook};
use super::floor::{self, Floor};
use super::rules::Rules;
use super::time::Time;
use super::traffic::Traffic;
use crate::units::Share;

/// While traffic flows, CPU time is sampled this often a window, so that most of every quiet window
/// is covered by a sample at its start.
const SAMPLES_PER_WINDOW: u32 = 10;
/// While traffic flows from a source without timestamps, it is asked this often a window: the last
/// byte is then known to 2% of it, with the time that asking and deciding take.
const ASKS_PER_WINDOW: u32 = 64;
/// Beside other programs' short connections it is looked this often a window: what the tree may
/// have opened and closed meanwhile is then known to 5% of it.
const STRANGERS_LOOKS_PER_WINDOW: u32 = 20;
/// Never more often than this, however short the window.
const SHORTEST: Duration = Duration::from_millis(4);
/// The first look at a generation's traffic comes after this; while it has none, the age grows
/// fourfold from look to look.
pub(crate) const EARLIEST: Duration = Duration::from_millis(20);
/// A sample of CPU time is kept if it came more than this part of its age after the one before: any
/// window then begins near one, however often the tree is walked to look at its memory.
const KEPT_APART: u32 = 20;
/// While traffic flows, everything is looked at again after so many windows, and then after twice
/// as many each time. Between a walk of the tree and a look at its sockets the tree may grow: what
/// its new process and an old one say to each other is taken for traffic until then.
const RELIED_ON: u32 = 4;
/// One that cost `c` is relied on for this many times `c`, at least: so it takes no more than a
/// twentieth of a percent of one CPU.
const SURVEY_PAUSE: u32 = 2000;

/// Whether the tree has been quiet for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    Yes,
    /// It has not, or nobody knows; before then it cannot have been.
    NotBefore(Time),
}

/// What is known about the tree's traffic and work.
#[derive(Debug)]
pub struct Activity {
    started: Time,
    settle: Duration,
    /// `None`: CPU use says nothing.
    idle_cpu: Option<Share>,
    last_traffic: Option<Time>,
    /// The same without what may have been another program's.
    last_sure: Option<Time>,
    armed: bool,
    pace: Pace,
    /// Only a look at everything can tell more.
    wants_all: bool,
    /// Connections of other programs come and go here.
    strangers: bool,
    /// The tree has not run since the look before.
    rested: bool,
    /// When some were last told of that may have been COMMAND's.
    unclear: Option<Time>,
    /// What moved last, and when.
    mover: Option<(Time, Mover)>,
    /// COMMAND moved something itself before it had settled.
    settling: bool,
    /// When everything was looked at, and for how long that is relied on.
    surveyed: Time,
    relied_on: Duration,
    /// There has been a look.
    looked: bool,
    /// The last look could not see.
    blind: bool,
    /// When a look could not see: what moved before it may never be told.
    blind_at: Option<Time>,
    /// `None`: every byte counts.
    floor: Option<Floor>,
    carried: Carried,
    /// CPU time of the whole tree, oldest first.
    cpu: Vec<(Time, Duration)>,
}

/// What the last look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// Nothing had moved since the look before.
    Still,
    /// Traffic flows.
    Moving,
    /// Traffic flows, and its times are known only as well as we look.
    MovingUnstamped,
    /// Something may have moved that may not have been COMMAND's, or nothing.
    Unsure,
}

impl Activity {
    pub fn new(started: Time, rules: &Rules) -> Self {
        let floor = rules.floor.zip(rules.window());
        Self {
            started,
            settle: rules.idle.map(|idle| idle.settle).unwrap_or_default(),
            idle_cpu: rules.idle_cpu,
            last_traffic: None,
            last_sure: None,
            armed: false,
            pace: Pace::Still,
            wants_all: false,
            strangers: false,
            rested: false,
            unclear: None,
            mover: None,
            settling: false,
            surveyed: started,
            relied_on: rules.window_or_usual().saturating_mul(RELIED_ON),
            looked: false,
            blind: false,
            blind_at: None,
            floor: floor.map(|(threshold, window)| Floor::new(started, threshold, window)),
            carried: Carried::default(),
            cpu: vec![(started, Duration::ZERO)],
        }
    }

    /// As if the generation had just started: only what moves from now on counts.
    pub fn begin_anew(&mut self, now: Time) {
        (self.started, self.armed) = (now, false);
        if let Some(floor) = &mut self.floor {
            floor.begin_anew(now);
        }
    }

    /// Whether nothing had moved when it was looked at last.
    pub fn is_still(&self) -> bool {
        self.pace == Pace::Still
    }

    /// Whether the generation has had traffic that counts: from then on it can go idle.
    pub fn armed(&self) -> bool {
        self.armed || self.floor.as_ref().is_some_and(Floor::armed)
    }

    /// How long there has been no traffic in this generation. What moved before may be as old as
    /// the machine: so the kernel says of a connection on which nothing ever moved.
    pub fn quiet_span(&self, now: Time) -> Duration {
        now.since(self.last().map_or(self.started, |last| last.max(self.started)))
    }

    /// Whether anybody has looked yet. The first look cannot tell what moved before it: the sooner
    /// it comes, the sooner the tree can be known to be quiet.
    pub fn was_looked_at(&self) -> bool {
        self.looked
    }

    /// When something last moved.
    pub fn last(&self) -> Option<Time> {
        self.last_traffic.max(self.last_sure())
    }

    /// When something last moved that was certainly the tree's.
    pub fn last_sure(&self) -> Option<Time> {
        self.last_sure.max(self.floor.as_ref().and_then(Floor::loud_until))
    }

    /// Whether only a look at everything can tell more.
    pub fn wants_all(&self) -> bool {
        self.wants_all
    }

    /// How to look for a window of this length. What moved last is cheap to ask; to walk the tree
    /// is not, and then only a CPU sample needs it. What arms a generation may be any other socket.
    pub fn look(&self, now: Time, window: Duration) -> Look {
        let worth_asking = self.armed() || self.pace == Pace::MovingUnstamped;
        if !worth_asking || self.floor.is_some() {
            return Look::CHANGED_TRAFFIC;
        }
        let sampled = self.cpu.last().map_or(self.started, |(at, _)| *at);
        let walk = now.since(sampled) >= window / SAMPLES_PER_WINDOW;
        Look { traffic: Some(TrafficLook::Hottest), walk, ..Look::default() }
    }

    /// When to look next for a window of this length.
    pub fn look_after(&self, now: Time, window: Duration) -> Time {
        if self.armed() {
            return match self.quiet_for(now, window) {
                Quiet::NotBefore(then) => then,
                Quiet::Yes => now + window,
            };
        }
        // Often at first, so that new sockets do not wait long to be watched.
        let pause = match (self.pace, &self.floor) {
            (Pace::MovingUnstamped, _) => (window / ASKS_PER_WINDOW).max(SHORTEST),
            // A tree that has not run has moved nothing. Who learns the background needs samples.
            (_, Some(floor)) if self.rested && !floor.learns() => (window / 2).max(SHORTEST),
            (_, Some(_)) => (window / floor::SAMPLES_PER_WINDOW).max(SHORTEST),
            (_, None) => (now.since(self.started) * 3).max(EARLIEST).min(window),
        };
        now + pause
    }

    /// COMMAND went on after it had been stopped: that time says nothing.
    pub fn woken(&mut self, now: Time) {
        self.last_sure = self.last_sure.max(Some(now));
    }

    /// A tripwire was sprung.
    pub fn sprung(&mut self, traffic: &Traffic) {
        self.add(traffic);
        self.pace = Pace::MovingUnstamped;
    }

    /// Takes in a look at the traffic; `None`: it could not be seen.
    pub fn observe(&mut self, now: Time, traffic: Option<&Traffic>, widely: TrafficLook) {
        if widely >= TrafficLook::Changed {
            self.surveyed = now;
        }
        self.looked = true;
        self.blind = traffic.is_none();
        if self.blind {
            self.blind_at = Some(now);
        }
        // If even that could not see, it is not asked for again at once.
        self.wants_all = false;
        let Some(traffic) = traffic else { return self.payload_is_unknown(now) };
        let (before, sure_before) = (self.last_traffic, self.last_sure);
        self.add(traffic);
        (self.strangers, self.rested) = (traffic.strangers, traffic.rested);
        self.surveyed(traffic.survey_cost);
        if traffic.unclear {
            self.unclear = Some(now);
        }
        self.take_payload(now, traffic);
        let flowed = self.pace == Pace::MovingUnstamped;
        self.pace = match self.last_traffic > before {
            false => Pace::Still,
            true if self.last_sure == sure_before => Pace::Unsure,
            true if traffic.imprecise => Pace::MovingUnstamped,
            true => Pace::Moving,
        };
        // What flowed without timestamps has ended, and new sockets may have come with it; or
        // something may have moved that only a look at everything can explain.
        let ended = flowed && self.pace != Pace::MovingUnstamped;
        self.wants_all = match widely {
            TrafficLook::Changed | TrafficLook::All => false,
            TrafficLook::Hottest => ended || traffic.unexplained || self.outlived(now),
        };
    }

    /// A look at everything took this long, or would take it.
    pub fn surveyed(&mut self, cost: Duration) {
        self.relied_on = self.relied_on.max(cost.saturating_mul(SURVEY_PAUSE));
    }

    /// Whether the last look at everything is not to be relied on any longer.
    fn outlived(&mut self, now: Time) -> bool {
        let outlived = now.since(self.surveyed) >= self.relied_on;
        if outlived {
            self.relied_on = self.relied_on.saturating_mul(2);
        }
        outlived
    }

    fn add(&mut self, traffic: &Traffic) {
        self.armed |= traffic.inbound.is_some_and(|at| at >= self.started);
        self.armed |= traffic.outbound.is_some_and(|at| at >= self.started + self.settle);
        self.settling |= traffic.outbound.is_some();
        self.last_sure = self.last_sure.max(traffic.last_sure());
        if traffic.mover.map(|(at, _)| at) >= self.mover.map(|(at, _)| at) {
            self.mover = traffic.mover.or(self.mover);
        }
        self.last_traffic = self.last_traffic.max(traffic.last());
    }

    /// Whether connections of unknown owners have delayed idleness by a whole window.
    pub fn unclear_delays(&self, now: Time, window: Duration) -> bool {
        let sure = self.last_sure.unwrap_or(self.started);
        self.unclear.is_some_and(|at| at > sure) && now >= sure + window.saturating_mul(2)
    }

    /// Why the tree is not idle, or has not been for so long.
    pub fn awake(&self, now: Time, window: Duration) -> Option<Awake> {
        if let Some(why) = self.unarmed(now) {
            return Some(Awake::Unarmed(why));
        }
        if self.quiet_for(now, window) == Quiet::Yes {
            return None;
        }
        let moved = |last: Option<Time>| last.is_some_and(|last| now < last + window);
        if self.blind || moved(self.blind_at) {
            return Some(Awake::Unseen);
        }
        let sure = self.last_sure.max(self.floor.as_ref().and_then(Floor::loud_until));
        if moved(sure) {
            return Some(Awake::Traffic(self.mover.map(|(_, mover)| mover)));
        }
        if moved(self.last_traffic) {
            return Some(if moved(self.unclear) { Awake::Unclear } else { Awake::Unsure });
        }
        let (at, used) = self.cpu.last()?;
        let (since, before) = self.cpu.first()?;
        Some(Awake::Working { used: used.saturating_sub(*before), within: at.since(*since) })
    }

    /// Why the generation cannot go idle, whatever does not move.
    pub fn unarmed(&self, now: Time) -> Option<Unarmed> {
        if self.armed() {
            return None;
        }
        let below = self.floor.as_ref().and_then(|floor| floor.below(now));
        Some(match below {
            Some((moved, floor)) => Unarmed::BelowFloor { moved, floor },
            None if self.settling => Unarmed::OnlySettling,
            None if self.unclear.is_some() => Unarmed::OnlyUnclear,
            None => Unarmed::NothingMoved,
        })
    }

    /// Takes in the CPU time that the tree has used; windows longer than `window` will not be asked
    /// about.
    pub fn sample_cpu(&mut self, now: Time, used: Duration, window: Duration) {
        // Of what is older than the window, its newest tells all.
        let old = self.cpu.iter().rposition(|(at, _)| now.since(*at) >= window).unwrap_or(0);
        self.cpu.drain(..old);
        let mut before = None;
        self.cpu.retain(|(at, _)| {
            let apart = |before: Time| at.since(before) > now.since(*at) / KEPT_APART;
            let kept = before.is_none_or(apart);
            before = if kept { Some(*at) } else { before };
            kept
        });
        self.cpu.push((now, used));
    }

    /// Whether the tree has been quiet for this long, as far as the last looks tell.
    pub fn quiet_for(&self, now: Time, window: Duration) -> Quiet {
        if self.blind {
            return Quiet::NotBefore(now + window);
        }
        let due = self.last().max(self.blind_at).unwrap_or(self.started) + window;
        if now < due {
            let pause = match self.pace {
                Pace::MovingUnstamped => window / ASKS_PER_WINDOW,
                Pace::Unsure => window / STRANGERS_LOOKS_PER_WINDOW,
                _ if self.strangers => window / STRANGERS_LOOKS_PER_WINDOW,
                _ if self.floor.is_some() => window / floor::SAMPLES_PER_WINDOW,
                Pace::Moving if self.idle_cpu.is_some() => window / SAMPLES_PER_WINDOW,
                Pace::Still if self.works(window) => window / SAMPLES_PER_WINDOW,
                Pace::Moving | Pace::Still => return Quiet::NotBefore(due),
            };
            return Quiet::NotBefore(due.min(now + pause.max(SHORTEST)));
        }
        match self.idle_cpu {
            None => Quiet::Yes,
            Some(share) => self.rested_for(now, window, share),
        }
    }

    /// Whether less than `share` of one CPU was used over the window that ends now, a window
    /// without traffic.
    fn rested_for(&self, now: Time, window: Duration, share: Share) -> Quiet {
        let soon = now + (window / SAMPLES_PER_WINDOW).max(SHORTEST);
        let used = self.cpu.last().map_or(Duration::ZERO, |(_, used)| *used);
        let little = |before: &Duration| used.saturating_sub(*before) < share.of_time(window);
        let Some((since, _)) = self.cpu.iter().find(|(_, before)| little(before)) else {
            return Quiet::NotBefore(soon);
        };
        // The work that went with the last traffic is over at the next sample, which comes a little
        // later: what was used in between does not count.
        let last = self.last().unwrap_or(self.started);
        let with_last = *since <= last + window / SAMPLES_PER_WINDOW + SHORTEST;
        let rested = *since + window;
        match with_last || now >= rested {
            true => Quiet::Yes,
            false if self.works(window) => Quiet::NotBefore(rested.min(soon)),
            false => Quiet::NotBefore(rested),
        }
    }

    /// Whether as much as the allowed share or more was used of late. Between two looks in a row it
    /// cannot be told: the kernel counts in ticks.
    fn works(&self, window: Duration) -> bool {
        let (Some((now, used)), Some(share)) = (self.cpu.last(), self.idle_cpu) else {
            return false;
        };
        let apart = window / KEPT_APART;
        let before = self.cpu.iter().rfind(|(at, _)| now.since(*at) >= apart);
        before.is_some_and(|(before, used_before)| {
            used.saturating_sub(*used_before) >= share.of_time(now.since(*before))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::{Idle, Threshold};
    use super::super::traffic::{Payload, Way};
    use super::*;
    use crate::units::Bytes;

    const WINDOW: Duration = Duration::from_secs(10);

    fn at(millis: u64) -> Time {
        Time::at(Duration::from_millis(millis))
    }

    fn activity(idle_cpu: Option<Share>) -> Activity {
        let idle = Some(Idle { after: WINDOW, settle: Duration::from_secs(10) });
        Activity::new(at(0), &Rules { idle, idle_cpu, ..Rules::none() })
    }

    fn inbound(millis: u64) -> Traffic {
        Traffic { inbound: Some(at(millis)), ..Traffic::default() }
    }

    /// Tells of a look right then.
    fn look(activity: &mut Activity, now: u64, traffic: Traffic) {
        activity.observe(at(now), Some(&traffic), TrafficLook::All);
    }

    #[test]
    fn quiet_is_counted_from_the_last_byte_to_the_millisecond() {
        let mut activity = activity(None);
        look(&mut activity, 1_234, inbound(1_234));
        assert!(activity.armed());
        assert_eq!(activity.quiet_for(at(11_233), WINDOW), Quiet::NotBefore(at(11_234)));
        assert_eq!(activity.quiet_for(at(11_234), WINDOW), Quiet::Yes);
    }

    #[test]
    fn what_command_opened_itself_arms_only_after_it_settled() {
        let mut activity = activity(None);
        let outbound = |millis| Traffic { outbound: Some(at(millis)), ..Traffic::default() };
        look(&mut activity, 9_999, outbound(9_999));
        assert!(!activity.armed());
        assert_eq!(activity.quiet_for(at(10_000), WINDOW), Quiet::NotBefore(at(19_999)));
        look(&mut activity, 10_000, outbound(10_000));
        assert!(activity.armed());
    }

    #[test]
    fn unsure_traffic_delays_and_neither_arms_nor_is_sure() {
        let mut activity = activity(None);
        let unsure = |millis| Traffic { unsure: Some(at(millis)), ..Traffic::default() };
        look(&mut activity, 50_000, unsure(50_000));
        assert!(!activity.armed());
        assert_eq!((activity.last(), activity.last_sure()), (Some(at(50_000)), None));
        look(&mut activity, 51_000, inbound(51_000));
        look(&mut activity, 52_000, unsure(52_000));
        assert_eq!(activity.quiet_for(at(61_999), WINDOW), Quiet::NotBefore(at(62_000)));
        assert_eq!(activity.last_sure(), Some(at(51_000)));
    }

    #[test]
    fn what_moved_before_the_start_makes_no_longer_silence() {
        let mut activity = Activity::new(at(5_000), &Rules::none());
        assert_eq!(activity.quiet_span(at(7_000)), Duration::from_secs(2));
        let moved = |millis| Traffic { inbound: Some(at(millis)), ..Traffic::default() };
        activity.observe(at(8_000), Some(&moved(1_000)), TrafficLook::All);
        assert_eq!(activity.quiet_span(at(8_000)), Duration::from_secs(3));
        activity.observe(at(9_000), Some(&moved(8_500)), TrafficLook::All);
        assert_eq!(activity.quiet_span(at(9_000)), Duration::from_millis(500));
    }

    #[test]
    fn unseen_is_not_quiet() {
        let mut activity = activity(None);
        look(&mut activity, 0, inbound(0));
        activity.observe(at(60_000), None, TrafficLook::All);
        assert_eq!(activity.quiet_for(at(60_000), WINDOW), Quiet::NotBefore(at(70_000)));
        // What moved before that look may have been lost with it.
        look(&mut activity, 69_999, Traffic::default());
        assert_eq!(activity.quiet_for(at(69_999), WINDOW), Quiet::NotBefore(at(70_000)));
        assert_eq!(activity.awake(at(69_999), WINDOW), Some(Awake::Unseen));
        assert_eq!(activity.quiet_for(at(70_000), WINDOW), Quiet::Yes);
    }

    #[test]
    fn as_much_work_as_the_share_is_work_and_less_is_none() {
        for (millis, next) in [(50, 2_000), (49, 10_000)] {
            let mut activity = activity(Some(Share::percent(5)));
            look(&mut activity, 0, inbound(0));
            look(&mut activity, 0, Traffic::default());
            // Two looks in a row: what moved last, and everything.
            for _ in 0..2 {
                activity.sample_cpu(at(1_000), Duration::from_millis(millis), WINDOW);
            }
            assert_eq!(activity.quiet_for(at(1_000), WINDOW), Quiet::NotBefore(at(next)));
        }
        for (millis, quiet) in [(500, Quiet::NotBefore(at(11_000))), (499, Quiet::Yes)] {
            let mut activity = activity(Some(Share::percent(5)));
            look(&mut activity, 0, inbound(0));
            activity.sample_cpu(at(10_000), Duration::from_millis(millis), WINDOW);
            assert_eq!(activity.quiet_for(at(10_000), WINDOW), quiet);
        }
    }

    #[test]
    fn little_work_does_not_delay_it() {
        let mut activity = activity(Some(Share::percent(5)));
        look(&mut activity, 5_000, inbound(5_000));
        activity.sample_cpu(at(15_000), Duration::from_millis(400), WINDOW);
        assert_eq!(activity.quiet_for(at(15_000), WINDOW), Quiet::Yes);
    }

    #[test]
    fn while_traffic_flows_the_pace_depends_on_the_source() {
        let mut activity = activity(Some(Share::percent(5)));
        look(&mut activity, 1_000, inbound(1_000));
        assert_eq!(activity.quiet_for(at(1_000), WINDOW), Quiet::NotBefore(at(2_000)));
        look(&mut activity, 2_000, inbound(1_000));
        assert_eq!(activity.quiet_for(at(2_000), WINDOW), Quiet::NotBefore(at(11_000)));
        activity.sprung(&inbound(3_000));
        let next = at(3_000) + WINDOW / 64;
        assert_eq!(activity.quiet_for(at(3_000), WINDOW), Quiet::NotBefore(next));
    }

    #[test]
    fn while_traffic_flows_everything_is_looked_at_again_now_and_then() {
        let mut activity = activity(None);
        look(&mut activity, 0, inbound(0));
        let mut times = Vec::new();
        for now in (1_000..=600_000).step_by(1_000) {
            activity.observe(at(now), Some(&inbound(now)), TrafficLook::Hottest);
            if activity.wants_all() {
                look(&mut activity, now, inbound(now));
                times.push(now);
            }
        }
        assert_eq!(times, [40_000, 120_000, 280_000, 600_000]);
    }

    #[test]
    fn a_look_at_everything_that_costs_much_is_relied_on_longer() {
        let mut activity = activity(None);
        look(&mut activity, 0, inbound(0));
        activity.surveyed(Duration::from_millis(70));
        let hottest = |activity: &mut Activity, now| {
            activity.observe(at(now), Some(&inbound(now)), TrafficLook::Hottest);
            activity.wants_all()
        };
        assert!(!hottest(&mut activity, 139_999));
        // It has become more since.
        let dear = Traffic { survey_cost: Duration::from_millis(80), ..inbound(140_000) };
        activity.observe(at(140_000), Some(&dear), TrafficLook::Hottest);
        assert!(!activity.wants_all());
        assert!(!hottest(&mut activity, 159_999));
        assert!(hottest(&mut activity, 160_000));
    }

    fn unsure(millis: u64) -> Traffic {
        Traffic { unsure: Some(at(millis)), unclear: true, ..Traffic::default() }
    }

    #[test]
    fn unclear_connections_are_said_to_delay_when_they_have_done_so_for_a_window() {
        let mut activity = activity(None);
        assert!(!activity.unclear_delays(at(20_000), WINDOW), "there were none");
        look(&mut activity, 4_000, unsure(4_000));
        assert!(!activity.unclear_delays(at(19_999), WINDOW), "counted from the start");
        assert!(activity.unclear_delays(at(20_000), WINDOW));
        look(&mut activity, 5_000, inbound(5_000));
        assert!(
            !activity.unclear_delays(at(50_000), WINDOW),
            "there were none since the last byte"
        );
        look(&mut activity, 6_000, Traffic { inbound: Some(at(6_000)), ..unsure(6_000) });
        assert!(!activity.unclear_delays(at(50_000), WINDOW), "the byte came as late as they did");
        look(&mut activity, 6_001, unsure(6_001));
        assert!(!activity.unclear_delays(at(25_999), WINDOW));
        assert!(activity.unclear_delays(at(26_000), WINDOW));
    }

    #[test]
    fn the_reason_for_not_being_idle_is_the_last_mover_then_unclear_connections_then_work() {
        let moved = |millis, mover| Traffic { mover: Some((at(millis), mover)), ..inbound(millis) };
        let mut activity = activity(Some(Share::percent(5)));
        look(&mut activity, 1_000, moved(1_000, Mover::Udp));
        look(&mut activity, 1_500, moved(1_500, Mover::Unix));
        look(&mut activity, 1_600, moved(1_400, Mover::Stdin));
        look(&mut activity, 2_000, inbound(1_600));
        let mover = Some(Awake::Traffic(Some(Mover::Unix)));
        assert_eq!(activity.awake(at(11_599), WINDOW), mover);
        assert_eq!(activity.awake(at(11_600), WINDOW), None);
        look(&mut activity, 6_000, unsure(6_000));
        assert_eq!(activity.awake(at(11_599), WINDOW), mover);
        assert_eq!(activity.awake(at(11_600), WINDOW), Some(Awake::Unclear));
        assert_eq!(activity.awake(at(15_999), WINDOW), Some(Awake::Unclear));
        assert_eq!(activity.awake(at(16_000), WINDOW), None);
        let used = Duration::from_secs(3);
        activity.sample_cpu(at(16_000), used, WINDOW);
        let within = Duration::from_secs(16);
        assert_eq!(activity.awake(at(16_000), WINDOW), Some(Awake::Working { used, within }));
    }

    #[test]
    fn the_reason_for_not_being_armed_is_told() {
        let mut activity = activity(None);
        let unarmed = |activity: &Activity| {
            let why = activity.unarmed(at(9_000));
            assert_eq!(activity.awake(at(9_000), WINDOW), why.map(Awake::Unarmed));
            why
        };
        assert_eq!(unarmed(&activity), Some(Unarmed::NothingMoved));
        look(&mut activity, 1_000, unsure(1_000));
        assert_eq!(unarmed(&activity), Some(Unarmed::OnlyUnclear));
        let outbound = Traffic { outbound: Some(at(2_000)), ..Traffic::default() };
        look(&mut activity, 2_000, outbound);
        look(&mut activity, 3_000, Traffic::default());
        assert_eq!(unarmed(&activity), Some(Unarmed::OnlySettling));
        look(&mut activity, 4_000, inbound(4_000));
        assert_eq!(activity.unarmed(at(9_000)), None);
        let idle = Some(Idle { after: WINDOW, settle: Duration::from_secs(10) });
        let floor = Some(Threshold::Total(Bytes(64)));
        let mut activity = Activity::new(at(0), &Rules { idle, floor, ..Rules::none() });
        let payload = Some(Payload { inbound: 40, ..Payload::default() });
        look(&mut activity, 1_000, Traffic { payload, ..Traffic::default() });
        let below = Unarmed::BelowFloor { moved: Bytes(40), floor: Bytes(64) };
        assert_eq!(unarmed(&activity), Some(below));
    }

    #[test]
    fn beside_strangers_it_is_looked_twenty_times_a_window() {
        let soon = Quiet::NotBefore(at(2_500));
        for strangers in [true, false] {
            let mut activity = activity(None);
            let traffic = |traffic| Traffic { strangers, ..traffic };
            look(&mut activity, 1_000, traffic(inbound(1_000)));
            look(&mut activity, 2_000, traffic(inbound(1_000)));
            let next = if strangers { soon } else { Quiet::NotBefore(at(11_000)) };
            assert_eq!(activity.quiet_for(at(2_000), WINDOW), next);
            // What may have been COMMAND's is looked into as often.
            let unsure = Traffic { unsure: Some(at(2_000)), ..inbound(1_000) };
            look(&mut activity, 2_000, traffic(unsure));
            assert_eq!(activity.quiet_for(at(2_000), WINDOW), soon);
        }
    }

    /// What a floor needs to know of its windows; but a tree that has not run has moved nothing.
    #[test]
    fn below_a_floor_a_tree_that_has_not_run_is_looked_at_twice_a_window() {
        let after_look = |floor, rested| {
            let idle = Some(Idle { after: WINDOW, settle: Duration::ZERO });
            let rules = Rules { idle, floor: Some(floor), ..Rules::none() };
            let mut activity = Activity::new(at(0), &rules);
            look(&mut activity, 1_000, Traffic { rested, ..Traffic::default() });
            activity.look_after(at(1_000), WINDOW)
        };
        let total = Threshold::Total(Bytes(64));
        let often = at(1_000) + WINDOW / floor::SAMPLES_PER_WINDOW;
        assert_eq!(after_look(total, true), at(6_000));
        assert_eq!(after_look(total, false), often);
        assert_eq!(after_look(Threshold::Auto, true), often, "it learns from each");
    }

    #[test]
    fn the_floor_is_not_learned_across_a_look_without_payload() {
        let blind: [fn(&mut Activity, Time); 3] = [
            |_, _| {},
            |activity, now| activity.observe(now, None, TrafficLook::All),
            |activity, now| {
                activity.observe(now, Some(&Traffic::default()), TrafficLook::All);
            },
        ];
        for (blind, learned) in blind.into_iter().zip([true, false, false]) {
            let idle = Some(Idle { after: WINDOW, settle: Duration::ZERO });
            let floor = Some(Threshold::Auto);
            let mut activity = Activity::new(at(0), &Rules { idle, floor, ..Rules::none() });
            let mut payload = Payload { connections: 1, ..Payload::default() };
            for now in (500..=60_000).step_by(500) {
                payload.inbound_burst = 0;
                payload.add(Way::Inbound, 8);
                let payload = Some(payload);
                look(&mut activity, now, Traffic { payload, ..Traffic::default() });
                if now == 30_000 {
                    blind(&mut activity, at(now));
                }
            }
            assert_eq!(activity.background().is_some(), learned);
        }
    }

    #[test]
    fn few_samples_are_kept_and_those_that_a_window_needs() {
        let mut activity = activity(Some(Share::percent(5)));
        let hour = Duration::from_secs(3600);
        for _ in 0..1_000 {
            activity.sample_cpu(at(0), Duration::ZERO, hour);
        }
        for now in (0..8_000_000).step_by(400) {
            activity.sample_cpu(at(now), Duration::ZERO, hour);
            assert!(activity.cpu.len() < 200, "{}", activity.cpu.len());
            for age in [1_000, 60_000, 3_600_000] {
                let begins = now.saturating_sub(age);
                let near = |(then, _): &(Time, Duration)| {
                    at(begins).since(*then).max(then.since(at(begins)))
                };
                let apart = activity.cpu.iter().map(near).min().unwrap();
                assert!(apart <= Duration::from_millis(age / 10).max(hour / 9_000), "{now} {age}");
            }
        }
    }
}
