//! What a trace is about: rules, commands and happenings, drawn at random, short enough that much
//! happens in each.

use std::time::Duration;

use super::random::Random;
use super::world::{Command, Happening};
use crate::decide::exit::{Exit, Signal};
use crate::decide::rules::{
    Backoff, Budget, Idle, Lifetime, Mapped, Measure, MemoryRules, Quiet, Restart, Rules,
    SignalMap, Then,
};
use crate::units::{Bytes, Share};

const MIB: u64 = 1 << 20;

fn seconds(random: &mut Random, most: u64) -> Duration {
    Duration::from_millis(1 + random.below(most * 1000))
}

fn some<T>(random: &mut Random, value: T) -> Option<T> {
    random.once_in(2).then_some(value)
}

pub(super) fn rules(random: &mut Random) -> Rules {
    let after = seconds(random, 20);
    let settle = seconds(random, 10);
    let max = seconds(random, 60) + Duration::from_secs(5);
    let jitter = random.pick(&[Share::percent(0), Share::percent(20), Share::ALL]);
    let gap = seconds(random, 5);
    let wait = gap + seconds(random, 20);
    let max_rss = some(random, Bytes(300 * MIB));
    let max_pss = some(random, Bytes(100 * MIB));
    let measure = if max_rss.is_none() && max_pss.is_some() { Measure::Pss } else { Measure::Rss };
    let kill = random.once_in(3).then_some((Bytes(400 * MIB), measure));
    let usr1 = Signal::parse("USR1").unwrap();
    Rules {
        idle: some(random, Idle { after, settle }),
        idle_cpu: some(random, Share::percent(5)),
        memory: MemoryRules { max_rss, max_pss, kill },
        lifetime: some(random, Lifetime { max, jitter }),
        min_lifetime: random.pick(&[Duration::ZERO, Duration::ZERO, Duration::from_secs(5)]),
        quiet: some(random, Quiet { gap, wait }),
        then: random.pick(&[Then::Restart, Then::Restart, Then::Restart, Then::Exit(7)]),
        stop_signal: random.pick(&[Signal::TERM, Signal::INT]),
        stop_timeout: random.pick(&[0, 500, 3000]).pipe(Duration::from_millis),
        map: SignalMap(vec![(usr1, Mapped::Recycle), (Signal::QUIT, Mapped::Drop)]),
        restart: random.pick(&[Restart::Never, Restart::OnFailure, Restart::Always]),
        max_restarts: Budget { restarts: 3, window: Duration::from_mins(1) },
        backoff: Backoff { min: Duration::from_millis(100), max: Duration::from_secs(5) },
    }
}

/// So that a pick reads from left to right.
trait Pipe: Sized {
    fn pipe<T>(self, into: impl FnOnce(Self) -> T) -> T {
        into(self)
    }
}

impl Pipe for u64 {}

pub(super) fn command(random: &mut Random) -> Command {
    Command {
        ignores_signals: random.once_in(4),
        base_bytes: random.pick(&[5, 5, 5, 350]) * MIB,
        leak_per_second: random.pick(&[0, 0, 5, 30, 200]) * MIB,
        leaves_behind: random.once_in(3),
        stubborn: random.once_in(3),
        defiant: random.once_in(60),
        uninterruptible: random.once_in(30),
        stopped: false,
        alive: true,
        reaped: false,
    }
}

/// What happens in the first minutes, and when.
pub(super) fn happenings(random: &mut Random) -> Vec<(Duration, Happening)> {
    let mut list = Vec::new();
    let mut at = Duration::ZERO;
    let pace = random.pick(&[100, 1000, 5000]);
    for _ in 0..random.below(60) {
        at += Duration::from_millis(random.below(pace));
        list.push((at, Happening::Inbound));
    }
    for _ in 0..random.below(20) {
        list.push((seconds(random, 200), happening(random)));
    }
    // Half of the traces are told to end.
    if random.once_in(2) {
        list.push((seconds(random, 300), Happening::Signal(Signal::TERM)));
    }
    list
}

fn happening(random: &mut Random) -> Happening {
    match random.below(16) {
        0..=2 => Happening::Outbound,
        3..=4 => Happening::Input,
        5 => Happening::InputEnd,
        6 => Happening::Stop,
        7..=8 => Happening::Continue,
        9 => Happening::Crash(Exit::Status(0)),
        10 => Happening::Crash(Exit::Status(1)),
        11 => Happening::Crash(Exit::Killed(Signal::KILL)),
        _ => {
            let names = ["USR1", "USR1", "INT", "QUIT", "HUP", "TSTP", "CONT", "WINCH"];
            Happening::Signal(Signal::parse(random.pick(&names)).unwrap())
        }
    }
}
