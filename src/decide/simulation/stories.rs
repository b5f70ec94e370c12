//! Single stories, with exact boundaries: the real state machine, step by step.

mod as_command;
mod asleep;
mod boundaries;
mod deploys;
mod floor;
mod interrupted;
mod leaving;
mod lines;
mod memory;
mod observing;
mod outliving;
mod preparing;
mod said;
mod signals;
mod traffic;
mod work;

use std::ops::Range;
use std::time::Duration;

use crate::action::{Action, Force};
use crate::event::{Event, Look, Memory, MemoryLook, Observation, TrafficLook, Tree};
use crate::exit::{End, Exit, Failure, Signal, Stage};
use crate::lifecycle::Lifecycle;
use crate::notice::Notice;
use crate::reason::Cause;
use crate::rules::{Idle, Lifetime, Measure, MemoryRules, Restart, Rules, SignalMap};
use crate::time::Time;
use crate::traffic::Traffic;
use crate::units::{Bytes, Share};

/// The core, and what the world answers when it looks.
struct Story {
    core: Lifecycle,
    generation: u64,
    rss: u64,
    /// PSS, where processes share pages; else it is as much as RSS.
    pss: Option<u64>,
    traffic: Option<u64>,
    /// Of traffic, what else is seen.
    more: Traffic,
    /// The looks at traffic: when, how widely, with a walk?
    looks: Vec<(u64, TrafficLook, bool)>,
    said: Vec<Notice>,
    /// How often a Ctrl-C was watched for.
    watches: usize,
    /// COMMAND is stopped.
    stopped: bool,
    /// Looks find that the tree has not run.
    asleep: bool,
    /// It computes meanwhile.
    busy: Range<u64>,
    /// Looks at memory see nothing.
    blind: bool,
    /// CPU time that each look takes.
    cost: Duration,
    /// Looks at all traffic see nothing.
    hides_all: bool,
    /// What keeps another generation from starting.
    obstacle: Option<Failure>,
}

fn at(millis: u64) -> Time {
    Time::at(Duration::from_millis(millis))
}

fn plain() -> Rules {
    Rules::none()
}

fn lifetime(seconds: u64) -> Rules {
    let max = Duration::from_secs(seconds);
    Rules { lifetime: Some(Lifetime { max, jitter: Share::percent(0) }), ..plain() }
}

fn max_rss(bytes: u64) -> MemoryRules {
    MemoryRules { max_rss: Some(Bytes(bytes)), ..MemoryRules::default() }
}

impl Story {
    /// The first generation runs at 0.
    fn running(rules: Rules) -> Self {
        let core = Lifecycle::new(rules, at(0), 0);
        let mut story = Self {
            core,
            generation: 0,
            rss: 0,
            pss: None,
            traffic: None,
            more: Traffic::default(),
            looks: Vec::new(),
            said: Vec::new(),
            watches: 0,
            stopped: false,
            asleep: false,
            busy: 0..0,
            blind: false,
            cost: Duration::ZERO,
            hides_all: false,
            obstacle: None,
        };
        assert!(matches!(story.tell(0, Event::Due)[..], [Action::Start { generation: 1, .. }]));
        story.tell(0, Event::Started);
        story
    }

    /// Tells the core; looks are answered at once. What is said is taken down, and left out.
    fn tell(&mut self, millis: u64, event: Event) -> Vec<Action> {
        let (mut all, mut events) = (Vec::new(), vec![event]);
        while let Some(event) = events.pop() {
            let mut actions = Vec::new();
            self.core.step(at(millis), event, &mut actions);
            for action in actions {
                match &action {
                    Action::Start { generation, .. } => self.generation = *generation,
                    Action::Tell(notice) => self.said.push(notice.clone()),
                    Action::Look(look) => events.push(self.answer(millis, *look)),
                    Action::Check => events.push(Event::Checked(self.obstacle)),
                    _ => {}
                }
                all.push(action);
            }
            assert!(all.len() < 50, "a busy loop: {all:?}");
        }
        self.watches += all.iter().filter(|it| matches!(it, Action::WatchInterrupts)).count();
        all.retain(|action| {
            let silent = matches!(action, Action::Tell(_) | Action::WatchInterrupts);
            !silent && !matches!(action, Action::Look(_) | Action::Check)
        });
        all
    }

    fn answer(&mut self, millis: u64, look: Look) -> Event {
        self.looks.extend(look.traffic.map(|widely| (millis, widely, look.walk)));
        let memory = |closely| Memory {
            rss: Bytes(self.rss),
            settled: Bytes(self.rss),
            largest: Bytes(self.rss),
            pss_at_most: None,
            pages_cost: None,
            pss: (closely != MemoryLook::Counters).then_some(Bytes(self.pss.unwrap_or(self.rss))),
        };
        let traffic = Traffic { inbound: self.traffic.map(at), ..self.more };
        let busy = millis.clamp(self.busy.start, self.busy.end) - self.busy.start;
        let cpu = Duration::from_millis(busy);
        let hides = self.hides_all && look.traffic >= Some(TrafficLook::Changed);
        Event::Observed(Observation {
            generation: self.generation,
            look,
            memory: look.memory.filter(|_| !self.blind).map(memory),
            traffic: look.traffic.filter(|_| !hides).map(|_| traffic),
            tree: look.walk.then_some(Tree {
                cpu,
                stopped: self.stopped,
                processes: 1,
                asleep: self.asleep,
            }),
            unseen: Vec::new(),
            cost: self.cost,
        })
    }

    /// Lets time pass, deadline by deadline, until the core does something.
    fn wait(&mut self, until_millis: u64) -> Option<(u64, Vec<Action>)> {
        for _ in 0..100_000 {
            let deadline = self.core.deadline().filter(|then| *then <= at(until_millis))?;
            // Never before it: what is due between two milliseconds is so at the next.
            let micros = u64::try_from(deadline.since(at(0)).as_micros()).unwrap();
            let millis = micros.div_ceil(1000);
            let actions = self.tell(millis, Event::Due);
            if !actions.is_empty() {
                return Some((millis, actions));
            }
        }
        panic!("a busy loop: {:?}", self.core);
    }

    fn signal(&mut self, millis: u64, name: &str) -> Vec<Action> {
        let signal = Signal::parse(name).unwrap();
        self.tell(millis, Event::Signalled { signal, shared: false })
    }
}

fn moved(millis: u64) -> Event {
    Event::Moved(Traffic { inbound: Some(at(millis)), ..Traffic::default() })
}

fn stop() -> Vec<Action> {
    vec![Action::Pass(Signal::TERM), Action::Pass(Signal::CONT)]
}

fn start(generation: u64, cause: Cause) -> Vec<Action> {
    vec![Action::Start { generation, cause: Some(cause) }]
}

const KILL: Action = Action::Sweep(Force::Kill);
const ASK: Action = Action::Sweep(Force::Ask);

#[test]
fn a_planned_stop_asks_kills_at_the_timeout_and_starts_when_the_tree_is_gone() {
    let mut story = Story::running(lifetime(10));
    assert_eq!(story.wait(60_000), Some((10_000, stop())));
    assert_eq!(story.wait(60_000), Some((13_000, vec![KILL])));
    assert_eq!(story.tell(13_001, Event::Exited(Exit::Killed(Signal::KILL))), [KILL]);
    assert_eq!(story.tell(13_002, Event::TreeGone), start(2, Cause::Lifetime));
}

#[test]
fn idle_is_the_last_byte_and_the_idle_time() {
    let idle = Idle { after: Duration::from_secs(10), settle: Duration::ZERO };
    let mut story = Story::running(Rules { idle: Some(idle), ..plain() });
    assert_eq!(story.wait(100_000), None, "no traffic, no idleness");
    story.traffic = Some(107_123);
    assert_eq!(story.wait(200_000), Some((117_123, stop())));
}

#[test]
fn what_comes_right_before_the_stop_prevents_it() {
    let idle = Idle { after: Duration::from_secs(10), settle: Duration::ZERO };
    let mut story = Story::running(Rules { idle: Some(idle), ..plain() });
    story.tell(1_000, moved(1_000));
    assert_eq!(story.wait(10_999), None);
    story.traffic = Some(10_999);
    assert_eq!(story.wait(20_998), None);
    assert_eq!(story.wait(20_999), Some((20_999, stop())));
}

#[test]
fn the_first_start_must_work_and_a_later_one_is_tried_again() {
    let missing = || Event::StartFailed(Failure { stage: Stage::Exec, errno: 2 });
    let mut core = Story { core: Lifecycle::new(plain(), at(0), 0), ..Story::running(plain()) };
    core.tell(0, Event::Due);
    assert_eq!(core.tell(0, missing()), [Action::Quit(End::Status(127))]);

    let mut story = Story::running(lifetime(10));
    story.wait(10_000);
    story.tell(10_000, Event::Exited(Exit::Status(0)));
    assert_eq!(story.tell(10_000, Event::TreeGone), start(2, Cause::Lifetime));
    assert_eq!(story.tell(10_000, missing()), []);
    assert_eq!(story.wait(60_000), Some((10_100, start(2, Cause::Lifetime))));
    assert_eq!(story.tell(10_100, missing()), []);
    assert_eq!(story.wait(60_000), Some((10_300, start(2, Cause::Lifetime))));
}

#[test]
fn a_limit_below_the_baseline_does_not_storm() {
    let mut story = Story::running(Rules { memory: max_rss(100), ..plain() });
    story.rss = 150;
    let mut began = 0;
    for (generation, held_seconds) in [(2, 0), (3, 20), (4, 40), (5, 80)] {
        let (millis, actions) = story.wait(10_000_000).unwrap();
        assert_eq!(actions, stop());
        let age = millis - began;
        assert!((held_seconds * 1000..=held_seconds * 1000 + 1100).contains(&age), "{age}");
        story.tell(millis, Event::Exited(Exit::Status(0)));
        assert_eq!(story.tell(millis, Event::TreeGone), start(generation, Cause::Rss));
        story.tell(millis, Event::Started);
        began = millis;
    }
}

#[test]
fn kill_rss_cuts_a_graceful_stop_short() {
    let kill = Some((Bytes(200), Measure::Rss));
    let mut story =
        Story::running(Rules { memory: MemoryRules { kill, ..max_rss(100) }, ..plain() });
    story.rss = 150;
    let (asked, actions) = story.wait(60_000).unwrap();
    assert_eq!(actions, stop());
    story.rss = 250;
    let (killed, actions) = story.wait(60_000).unwrap();
    assert_eq!(actions, [KILL]);
    assert!(killed < asked + 3_000, "before the stop timeout");
    assert_eq!(story.tell(killed, Event::Exited(Exit::Killed(Signal::KILL))), [KILL]);
    assert_eq!(story.tell(killed, Event::TreeGone), start(2, Cause::KillRss), "why it is over");
}

#[test]
fn a_kill_limit_below_the_baseline_does_not_storm_either() {
    let kill = Some((Bytes(100), Measure::Rss));
    let memory = MemoryRules { kill, ..MemoryRules::default() };
    let mut story = Story::running(Rules { memory, ..plain() });
    story.rss = 150;
    let mut now = 0;
    for (generation, delay) in [(2, 0), (3, 100), (4, 200), (5, 400)] {
        let (killed, actions) = story.wait(now + 2_000).unwrap();
        assert_eq!(actions, [KILL]);
        now = killed;
        story.tell(now, Event::Exited(Exit::Killed(Signal::KILL)));
        let at_once = story.tell(now, Event::TreeGone);
        if delay > 0 {
            assert_eq!(at_once, []);
            now += delay;
            assert_eq!(story.wait(now), Some((now, start(generation, Cause::KillRss))));
        } else {
            assert_eq!(at_once, start(generation, Cause::KillRss));
        }
        story.tell(now, Event::Started);
    }
}

#[test]
fn after_the_end_of_input_nothing_is_planned() {
    let mut story = Story::running(lifetime(10));
    story.tell(1, Event::InputSpent);
    assert_eq!(story.wait(1_000_000), None);
    let usr1 = Signal::parse("USR1").unwrap();
    let map = SignalMap(vec![(usr1, crate::rules::Mapped::Recycle)]);
    let mut story = Story::running(Rules { map, ..plain() });
    story.tell(1, Event::InputSpent);
    let mut actions = Vec::new();
    let signalled = Event::Signalled { signal: usr1, shared: false };
    story.core.step(at(2), signalled, &mut actions);
    assert_eq!(actions, [Action::Tell(Notice::NothingLeftToRead)]);
}
