//! Quiet: since when has the tree had no traffic, and was it idle or working meanwhile?
//! One of these lives as long as its generation.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::Traffic;
use super::time::Time;
use crate::units::Share;

/// While traffic flows, CPU time is sampled this often a window, so that most of every quiet window
/// is covered by a sample at its start.
const SAMPLES_PER_WINDOW: u32 = 10;
/// While traffic flows from a source without timestamps, it is asked this often a window: the last
/// byte is then known to 2% of it.
const ASKS_PER_WINDOW: u32 = 50;
/// Never more often than this, however short the window.
const SHORTEST: Duration = Duration::from_millis(4);
/// A CPU sample must be at least this much of a window old to speak for it.
const COVER: Share = Share::percent(80);
/// Older samples than the oldest window needs are dropped; more than these are never kept.
const MOST_SAMPLES: usize = 64;

/// Whether the tree has been quiet for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quiet {
    Yes,
    /// It has not, or nobody knows; before then it cannot have been.
    NotBefore(Time),
}

/// What is known about the tree's traffic and work.
#[derive(Debug)]
pub(crate) struct Activity {
    started: Time,
    settle: Duration,
    /// `None`: CPU use says nothing.
    idle_cpu: Option<Share>,
    last_traffic: Option<Time>,
    armed: bool,
    pace: Pace,
    /// The last look could not see.
    blind: bool,
    /// CPU time of the whole tree, oldest first.
    cpu: VecDeque<(Time, Duration)>,
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
}

impl Activity {
    pub(crate) fn new(started: Time, settle: Duration, idle_cpu: Option<Share>) -> Self {
        Self {
            started,
            settle,
            idle_cpu,
            last_traffic: None,
            armed: false,
            pace: Pace::Still,
            blind: false,
            cpu: VecDeque::from([(started, Duration::ZERO)]),
        }
    }

    /// Whether the generation has had traffic that counts: from then on it can go idle.
    pub(crate) fn armed(&self) -> bool {
        self.armed
    }

    /// How long there has been no traffic.
    pub(crate) fn quiet_span(&self, now: Time) -> Duration {
        now.since(self.last_traffic.unwrap_or(self.started))
    }

    /// Whether the socket that moved last is worth asking alone.
    pub(crate) fn moving(&self) -> bool {
        self.pace != Pace::Still
    }

    /// Bytes moved on standard input at this time.
    pub(crate) fn input_moved(&mut self, now: Time) {
        self.moved(now);
        self.armed = true;
        self.pace = Pace::MovingUnstamped;
    }

    /// COMMAND went on after it had been stopped: that time says nothing.
    pub(crate) fn woken(&mut self, now: Time) {
        self.moved(now);
    }

    fn moved(&mut self, at: Time) {
        self.last_traffic = Some(self.last_traffic.map_or(at, |last| last.max(at)));
    }

    /// Takes in a look at the traffic; `None`: it could not be seen.
    pub(crate) fn observe(&mut self, traffic: Option<Traffic>) {
        self.blind = traffic.is_none();
        let Some(traffic) = traffic else { return };
        let before = self.last_traffic;
        let settled = self.started + self.settle;
        if let Some(at) = traffic.inbound {
            self.armed = true;
            self.moved(at);
        }
        if let Some(at) = traffic.outbound {
            self.armed |= at >= settled;
            self.moved(at);
        }
        self.pace = match self.last_traffic > before {
            false => Pace::Still,
            true if traffic.imprecise => Pace::MovingUnstamped,
            true => Pace::Moving,
        };
    }

    /// Takes in the CPU time that the tree has used; windows longer than `window` will not be asked
    /// about.
    pub(crate) fn sample_cpu(&mut self, now: Time, used: Duration, window: Duration) {
        while self.cpu.len() > 1
            && (self.cpu.len() >= MOST_SAMPLES
                || self.cpu.get(1).is_some_and(|(at, _)| now.since(*at) >= window))
        {
            self.cpu.pop_front();
        }
        self.cpu.push_back((now, used));
    }

    /// Whether the tree has been quiet for this long, as far as the last looks tell.
    pub(crate) fn quiet_for(&self, now: Time, window: Duration) -> Quiet {
        if self.blind {
            return Quiet::NotBefore(now + window);
        }
        let due = self.last_traffic.unwrap_or(self.started) + window;
        if now < due {
            let pause = match (self.pace, self.idle_cpu) {
                (Pace::MovingUnstamped, _) => window / ASKS_PER_WINDOW,
                (Pace::Moving, Some(_)) => window / SAMPLES_PER_WINDOW,
                (Pace::Moving, None) | (Pace::Still, _) => return Quiet::NotBefore(due),
            };
            return Quiet::NotBefore(due.min(now + pause.max(SHORTEST)));
        }
        match self.idle_cpu {
            None => Quiet::Yes,
            Some(share) => self.rested_for(now, window, share),
        }
    }

    /// Whether less than `share` of one CPU was used over the window that ends now.
    fn rested_for(&self, now: Time, window: Duration, share: Share) -> Quiet {
        let soon = Quiet::NotBefore(now + (window / SAMPLES_PER_WINDOW).max(SHORTEST));
        let Some((_, used)) = self.cpu.back() else {
            return soon;
        };
        let used_since = |before: Duration| used.saturating_sub(before);
        let start = now.before(window);
        // A sample from before the window counts too much; if even that is little, it is little.
        if let Some((at, before)) = self.cpu.iter().rev().find(|(at, _)| *at <= start) {
            if used_since(*before) < share.of_time(window) {
                return Quiet::Yes;
            }
            // It speaks for the window if it is near enough, and does not count the work that
            // went with the last traffic.
            let near = start.since(*at) <= window / SAMPLES_PER_WINDOW;
            if near && self.last_traffic.is_none_or(|last| last <= *at) {
                return soon;
            }
        }
        let Some((at, before)) = self.cpu.iter().find(|(at, _)| *at > start) else {
            return soon;
        };
        let covered = now.since(*at);
        if covered < COVER.of_time(window) {
            return Quiet::NotBefore(*at + COVER.of_time(window));
        }
        if used_since(*before) < share.of_time(covered) { Quiet::Yes } else { soon }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn at(millis: u64) -> Time {
        Time::at(Duration::from_millis(millis))
    }

    fn activity(idle_cpu: Option<Share>) -> Activity {
        Activity::new(at(0), Duration::from_secs(10), idle_cpu)
    }

    fn inbound(millis: u64) -> Option<Traffic> {
        Some(Traffic { inbound: Some(at(millis)), ..Traffic::default() })
    }

    #[test]
    fn quiet_is_counted_from_the_last_byte_to_the_millisecond() {
        let mut activity = activity(None);
        activity.observe(inbound(1_234));
        assert!(activity.armed());
        assert_eq!(activity.quiet_for(at(11_233), WINDOW), Quiet::NotBefore(at(11_234)));
        assert_eq!(activity.quiet_for(at(11_234), WINDOW), Quiet::Yes);
    }

    #[test]
    fn what_command_opened_itself_arms_only_after_it_settled() {
        let mut activity = activity(None);
        let outbound = |millis| Some(Traffic { outbound: Some(at(millis)), ..Traffic::default() });
        activity.observe(outbound(9_999));
        assert!(!activity.armed());
        assert_eq!(activity.quiet_for(at(10_000), WINDOW), Quiet::NotBefore(at(19_999)));
        activity.observe(outbound(10_000));
        assert!(activity.armed());
    }

    #[test]
    fn unseen_is_not_quiet() {
        let mut activity = activity(None);
        activity.observe(inbound(0));
        activity.observe(None);
        assert_eq!(activity.quiet_for(at(60_000), WINDOW), Quiet::NotBefore(at(70_000)));
        activity.observe(Some(Traffic::default()));
        assert_eq!(activity.quiet_for(at(60_000), WINDOW), Quiet::Yes);
    }

    #[test]
    fn a_tree_that_works_is_not_quiet_until_it_has_rested_for_a_window() {
        let mut activity = activity(Some(Share::percent(5)));
        activity.observe(inbound(0));
        // It computes for 20 s and then rests.
        let used = |millis: u64| Duration::from_millis(millis.min(20_000));
        let mut now = 0;
        let quiet_at = loop {
            activity.sample_cpu(at(now), used(now), WINDOW);
            match activity.quiet_for(at(now), WINDOW) {
                Quiet::Yes => break now,
                Quiet::NotBefore(next) => {
                    now = u64::try_from(next.since(at(0)).as_millis()).unwrap()
                }
            }
            assert!(now < 60_000, "never quiet");
        };
        // 5% of a 10 s window are 500 ms: quiet may begin at 29.5 s, and is seen within a sample.
        assert!((29_500..=30_500).contains(&quiet_at), "{quiet_at}");
    }

    #[test]
    fn little_work_does_not_delay_it() {
        let mut activity = activity(Some(Share::percent(5)));
        activity.observe(inbound(5_000));
        activity.sample_cpu(at(15_000), Duration::from_millis(400), WINDOW);
        assert_eq!(activity.quiet_for(at(15_000), WINDOW), Quiet::Yes);
    }

    #[test]
    fn while_traffic_flows_the_pace_depends_on_the_source() {
        let mut activity = activity(Some(Share::percent(5)));
        activity.observe(inbound(1_000));
        assert_eq!(activity.quiet_for(at(1_000), WINDOW), Quiet::NotBefore(at(2_000)));
        activity.observe(inbound(1_000));
        assert_eq!(activity.quiet_for(at(2_000), WINDOW), Quiet::NotBefore(at(11_000)));
        activity.input_moved(at(3_000));
        assert_eq!(activity.quiet_for(at(3_000), WINDOW), Quiet::NotBefore(at(3_200)));
    }
}
