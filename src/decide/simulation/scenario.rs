//! What a trace is about: rules, COMMAND's habits and happenings, drawn at random, with times so
//! short that much happens in each.

mod input;

use std::time::Duration;

use super::command::{Habits, MIB, Stops};
use super::random::Random;
use super::talk::{STREAMS, Voice};
use super::world::Happening;
use crate::exit::{Exit, Signal};
use crate::rules::{
    Backoff, Budget, Idle, Lifetime, Mapped, Measure, MemoryRules, Quiet, Restart, Rules,
    SignalMap, Then, Threshold,
};
use crate::traffic::Way;
use crate::units::{Bytes, Share};

pub(super) use self::input::Concern;

/// How long a trace has happenings.
pub(super) const HORIZON: Duration = Duration::from_millis(HORIZON_MS);
const HORIZON_MS: u64 = 120_000;

const THENS: [Then; 8] = [
    Then::Restart,
    Then::Restart,
    Then::Restart,
    Then::Restart,
    Then::Restart,
    Then::Restart,
    Then::Exit(7),
    Then::AsCommand,
];

pub(super) fn rules(random: &mut Random) -> Rules {
    let idle = Idle { after: random.millis(500, 8_000), settle: random.millis(0, 4_000) };
    let jitter = random.pick(&["0%", "0%", "50%", "100%"]);
    let jitter = Share::parse(jitter).unwrap();
    let lifetime = Lifetime { max: random.millis(500, 25_000), jitter };
    let gap = random.millis(200, 4_000);
    let quiet = Quiet { gap, wait: gap + random.millis(0, 10_000) };
    let idle_cpu = random.once_in(2).then(|| Share::parse("5%").unwrap());
    Rules {
        idle: random.once_in(2).then_some(idle),
        idle_cpu,
        floor: random.once_in(3).then_some(Threshold::Total(Bytes(random.pick(&[64, 1_000])))),
        memory: memory_rules(random),
        lifetime: random.once_in(2).then_some(lifetime),
        min_lifetime: Duration::from_millis(random.pick(&[0, 0, 0, 3_000, 12_000])),
        quiet: random.once_in(3).then_some(quiet),
        then: random.pick(&THENS),
        stop_signal: random.pick(&[Signal::TERM, Signal::TERM, Signal::INT]),
        stop_timeout: Duration::from_millis(random.pick(&[0, 500, 3_000, 90_000])),
        is_init: false,
        pre_stop: random.once_in(4).then_some(Duration::from_millis(800)),
        map: map(random),
        lines: None,
        eof_timeout: None,
        restart: random.pick(&[Restart::Never, Restart::OnFailure, Restart::Always]),
        max_restarts: Budget { restarts: 3, window: random.millis(1_000, 30_000) },
        backoff: Backoff { min: Duration::from_millis(100), max: Duration::from_secs(5) },
        sample_every: random.once_in(8).then_some(Duration::from_millis(700)),
        observe: None,
    }
}

const STOPS: [Stops; 6] = [
    Stops { terminal: false, shell: false, handled: false },
    Stops { terminal: false, shell: false, handled: true },
    Stops { terminal: false, shell: true, handled: false },
    Stops { terminal: true, shell: true, handled: false },
    Stops { terminal: true, shell: true, handled: true },
    Stops { terminal: true, shell: false, handled: false },
];

fn map(random: &mut Random) -> SignalMap {
    let mut map = SignalMap(vec![(named("USR1"), Mapped::Recycle), (named("USR2"), Mapped::Drop)]);
    if random.once_in(5) {
        map.note_ignored([Signal::INT, Signal::HUP].into_iter());
    }
    map
}

fn memory_rules(random: &mut Random) -> MemoryRules {
    let max_rss = random.once_in(3).then_some(Bytes(300 * MIB));
    let max_pss = random.once_in(4).then_some(Bytes(150 * MIB));
    let measure = if max_rss.is_none() && max_pss.is_some() { Measure::Pss } else { Measure::Rss };
    let kill = random.once_in(4).then_some((Bytes(random.pick(&[320, 400]) * MIB), measure));
    MemoryRules { max_rss, max_pss, kill }
}

fn named(name: &str) -> Signal {
    Signal::parse(name).unwrap()
}

pub(super) fn habits(random: &mut Random) -> Habits {
    Habits {
        base_bytes: random.pick(&[5, 5, 5, 5, 310, 390]) * MIB,
        leak_per_second: random.pick(&[0, 0, 5, 30, 200, 1_000]) * MIB,
        hides_pages: random.once_in(3),
        shares: random.once_in(2),
        start_fails_once_in: random.pick(&[3, 20, 1_000]),
        deploys_once_in: random.pick(&[2, 20, 1_000]),
        blind_once_in: random.pick(&[4, 60, 1_000_000]),
        stops: random.pick(&STOPS),
        nap: Duration::from_millis(random.pick(&[0, 0, 0, 700, 9_000, 40_000])),
        reconnects: random.once_in(6),
    }
}

/// What happens by itself, and when.
pub(super) fn happenings(random: &mut Random, rules: &Rules) -> Vec<(Duration, Happening)> {
    let mut list = Vec::new();
    chatter(random, rules, &mut list);
    if random.once_in(2) {
        beats(random, rules, &mut list);
    }
    let times = random.pick(&[2, 10, 30]);
    for _ in 0..random.below(times) {
        list.push((random.millis(0, HORIZON_MS), any(random, rules)));
    }
    // Half of the traces are told to end.
    if random.once_in(2) {
        list.push((random.millis(0, HORIZON_MS), Happening::Signal(Signal::TERM)));
    }
    list
}

/// What a trace's COMMAND talks on.
#[derive(Clone, Copy)]
enum Voices {
    /// Connections that live long: the kernel keeps the times.
    Timed,
    /// Only what has no timestamps.
    Mute,
    All,
}

fn talk(random: &mut Random, voices: Voices, rules: &Rules) -> Happening {
    let way = random.pick(&[Way::Inbound, Way::Inbound, Way::Outbound]);
    let stream = usize::try_from(random.below(STREAMS as u64)).unwrap();
    let before =
        random.pick(&[Duration::ZERO, Duration::from_millis(3), Duration::from_millis(20)]);
    let voice = match (voices, random.below(12)) {
        (Voices::Timed, _) | (_, 11) => Voice::Stream(stream),
        (_, 0) => Voice::Fresh,
        (Voices::Mute, _) => Voice::Mute(way),
        (Voices::All, 1..=2) => Voice::Short(way, before),
        (Voices::All, 3) => Voice::Strange { ours: random.once_in(2) },
        (Voices::All, 4..=6) => Voice::Mute(way),
        (Voices::All, _) => Voice::Stream(stream),
    };
    let floor = bytes(rules).unwrap_or(1);
    Happening::Talk(voice, random.pick(&[1, floor / 10 + 1, floor, floor + 1, floor * 5]))
}

/// What all connections together may move in a window; traces have no other floor.
pub(super) fn bytes(rules: &Rules) -> Option<u64> {
    match rules.floor? {
        Threshold::Total(bytes) => Some(bytes.0),
        Threshold::PerConnection(_) | Threshold::Auto => None,
    }
}

/// A client that has lost its connection is back.
pub(super) fn reconnect(rules: &Rules) -> Happening {
    Happening::Talk(Voice::Stream(0), bytes(rules).unwrap_or(1) * 2)
}

/// Heartbeats on a connection, together below the floor.
fn beats(random: &mut Random, rules: &Rules, list: &mut Vec<(Duration, Happening)>) {
    let (Some(floor), Some(idle)) = (bytes(rules), rules.idle) else { return };
    let beats_per_window = random.pick(&[1, 2, 5]);
    let bytes = floor / u64::from(beats_per_window + 1);
    let stream = usize::try_from(random.below(STREAMS as u64)).unwrap();
    for beat in 0..random.below(100) {
        let at = idle.after / beats_per_window * u32::try_from(beat).unwrap();
        list.push((at, Happening::Talk(Voice::Stream(stream), bytes)));
    }
}

/// Traffic in bouts, with gaps that are sometimes a little shorter or longer than what counts as
/// idle.
fn chatter(random: &mut Random, rules: &Rules, list: &mut Vec<(Duration, Happening)>) {
    let mut at = random.millis(0, 3_000);
    let after = rules.idle.map_or(Duration::from_secs(1), |idle| idle.after);
    let voices = random.pick(&[Voices::Timed, Voices::Mute, Voices::All]);
    for _ in 0..random.below(40) {
        at += match random.below(8) {
            0 => after,
            1 => after + random.millis(0, 20),
            2 => after.saturating_sub(random.millis(0, 20)),
            3 => random.millis(0, 20_000),
            _ => random.millis(0, 500),
        };
        list.push((at, talk(random, voices, rules)));
    }
}

/// Anything that can happen at any moment.
pub(super) fn any(random: &mut Random, rules: &Rules) -> Happening {
    match random.below(24) {
        0..=1 => talk(random, Voices::All, rules),
        2 => Happening::InputEnd,
        3 => Happening::Stop(named(random.pick(&["STOP", "TSTP", "TTIN"]))),
        4..=5 => Happening::Continue,
        6 => Happening::End(Exit::Status(0)),
        7..=8 => Happening::End(Exit::Status(1)),
        9 => Happening::End(Exit::Killed(Signal::KILL)),
        10 => Happening::Free,
        11..=12 => Happening::Fork(random.pick(&[20, 90, 3_000])),
        13..=14 => Happening::Compute(random.pick(&[5, 300, 5_000])),
        15 => Happening::LeftoversEnd,
        _ => {
            let names = [
                "USR1", "USR1", "USR1", "USR2", "INT", "QUIT", "HUP", "HUP", "TSTP", "CONT",
                "WINCH", "TERM",
            ];
            Happening::Signal(named(random.pick(&names)))
        }
    }
}
