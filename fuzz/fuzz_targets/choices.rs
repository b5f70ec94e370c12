//! Bytes taken for choices: rules as the command line lets them be, and events with any numbers.

use std::time::Duration;

use recycle_decide::event::{
    Event, Halt, Look, Memory, MemoryLook, Observation, Sight, TrafficLook, Tree, Unseen,
};
use recycle_decide::exit::{Exit, Failure, Signal, Stage};
use recycle_decide::rules::{
    Backoff, Budget, Idle, Lifetime, Lines, Mapped, Measure, MemoryRules, Observe, Quiet, Restart,
    Rules, SignalMap, Then, Threshold,
};
use recycle_decide::time::Time;
use recycle_decide::traffic::{Payload, Traffic};
use recycle_decide::units::{Bytes, Share};

/// The kernel counts nanoseconds in 63 bits.
pub(crate) const LONGEST: Duration = Duration::from_nanos(i64::MAX.cast_unsigned());

/// What has not been chosen yet. After the end, everything is nothing.
pub(crate) struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn are_over(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn below(&mut self, below: u8) -> u8 {
        self.byte() % below
    }

    pub(crate) fn once_in(&mut self, times: u8) -> bool {
        self.below(times) == 1
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    fn maybe<T>(&mut self, some: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.once_in(2).then(|| some(self))
    }

    /// Small ones as likely as big ones.
    pub(crate) fn number(&mut self) -> u64 {
        let shift = self.below(65);
        let bits = u64::from_le_bytes([(); 8].map(|()| 0xff)).checked_shr(u32::from(shift));
        bits.unwrap_or(0) - u64::from(self.byte()).min(bits.unwrap_or(0))
    }

    /// From nothing up to what `Duration` can hold, which can be typed as well.
    pub(crate) fn span(&mut self) -> Duration {
        match self.below(8) {
            0 => Duration::ZERO,
            1 => Duration::new(self.number(), 999_999_999),
            2 => Duration::from_nanos(self.number()),
            3..=5 => Duration::from_millis(u64::from(self.byte()) * 10),
            _ => Duration::from_secs(u64::from(self.byte())),
        }
    }

    /// What a clock can have measured.
    pub(crate) fn elapsed(&mut self) -> Duration {
        self.span().min(LONGEST)
    }

    fn some_span(&mut self) -> Duration {
        self.span().max(Duration::from_nanos(1))
    }

    /// The shortest window that can be typed, or a longer one.
    fn window(&mut self) -> Duration {
        self.span().max(Duration::from_millis(10))
    }

    fn size(&mut self) -> Bytes {
        Bytes((self.number() >> 1).max(1))
    }

    fn share(&mut self) -> Share {
        let percent = self.below(101);
        Share::parse(&format!("{percent}%")).expect("a percentage")
    }

    fn signal(&mut self) -> Signal {
        let named = [1, 2, 3, 10, 15, 15, 18, 20, 21, 22];
        let number = if self.once_in(4) { self.below(64) + 1 } else { self.pick(&named) };
        Signal::from_number(i32::from(number)).expect("a signal")
    }

    /// Free of the contradictions that the command line is refused for.
    pub(crate) fn rules(&mut self) -> Rules {
        let gap = self.window();
        let quiet = Quiet { gap, wait: self.span().max(gap) };
        let min = self.some_span();
        let lifetime = self.maybe(|it| Lifetime { max: it.some_span(), jitter: it.share() });
        let longest = lifetime.map_or(Duration::MAX, |lifetime| lifetime.max);
        Rules {
            idle: self.maybe(|it| Idle { after: it.window(), settle: it.span() }),
            idle_cpu: self.maybe(Self::share).filter(|share| *share < Share::ALL),
            floor: self.maybe(Self::threshold),
            memory: self.memory_rules(),
            lifetime,
            min_lifetime: self.span().min(longest),
            quiet: self.maybe(|_| quiet),
            then: self.pick(&[Then::Restart, Then::Wait, Then::Exit(7), Then::AsCommand]),
            stop_signal: self.signal(),
            stop_timeout: self.span(),
            is_init: self.once_in(2),
            pre_stop: self.maybe(Self::some_span),
            map: self.map(),
            restart: self.pick(&[Restart::Never, Restart::OnFailure, Restart::Always]),
            max_restarts: Budget {
                restarts: self.pick(&[0, 1, 5, u32::MAX]),
                window: self.some_span(),
            },
            backoff: Backoff { min, max: self.span().max(min) },
            sample_every: self.maybe(Self::window),
            observe: self.once_in(4).then(|| Observe { memory: self.size() }),
            lines: self.maybe(|it| Lines { longest: it.size(), drain_timeout: it.span() }),
            eof_timeout: self.maybe(Self::some_span),
        }
    }

    fn memory_rules(&mut self) -> MemoryRules {
        let max_rss = self.maybe(Self::size);
        let max_pss = self.maybe(Self::size).filter(|pss| max_rss.is_none_or(|rss| *pss < rss));
        let beside = max_rss.or(max_pss);
        let kill = self.maybe(Self::size).filter(|kill| beside.is_none_or(|beside| *kill > beside));
        let measure =
            if max_rss.is_none() && max_pss.is_some() { Measure::Pss } else { Measure::Rss };
        MemoryRules { max_rss, max_pss, kill: kill.map(|kill| (kill, measure)) }
    }

    fn map(&mut self) -> SignalMap {
        let mut map = Vec::new();
        for from in [Signal::HUP, Signal::INT, Signal::TERM, Signal::CONT, Signal::TSTP] {
            let to = match self.below(8) {
                0 => Mapped::Recycle,
                1 => Mapped::Drop,
                2 => Mapped::Pass(self.signal()),
                _ => continue,
            };
            // TERM stays a way to end.
            if from != Signal::TERM || matches!(to, Mapped::Pass(_)) {
                map.push((from, to));
            }
        }
        let usr1 = Signal::parse("USR1").expect("a signal");
        map.push((usr1, Mapped::Recycle));
        SignalMap(map)
    }

    pub(crate) fn event(&mut self, now: Time, generation: u64, looks: &[Look]) -> Event {
        match self.below(20) {
            0..=2 => Event::Due,
            3..=4 => Event::Started,
            5 => {
                let stage = self.pick(&[Stage::Fork, Stage::Prepare, Stage::Rewind, Stage::Exec]);
                Event::StartFailed(Failure { stage, errno: i32::from(self.byte()) })
            }
            6 => Event::Exited(Exit::Status(self.byte())),
            7 => Event::Exited(Exit::Killed(self.signal())),
            8..=9 => Event::TreeGone,
            10 => Event::TreeDefied,
            11..=12 => Event::Signalled { signal: self.signal(), shared: self.once_in(2) },
            13 => Event::Stopped(Halt {
                signal: self.signal(),
                terminal: self.once_in(2),
                foreground: self.once_in(2),
                shell: self.once_in(2),
            }),
            14 => Event::Moved(self.traffic(now)),
            15 => match self.below(11) {
                0 => Event::InputSpent,
                1 => Event::Overslept { since: now.before(self.elapsed()) },
                2 => Event::InputEnded,
                3 => Event::InputWaits,
                4 => Event::InputCut,
                6 => Event::Ran,
                7 => Event::InBackground,
                9 => Event::Undelivered(self.signal()),
                5 => Event::LinesTaken { lines: self.number() },
                8 => Event::Checked(
                    self.once_in(2).then_some(Failure { stage: Stage::Exec, errno: 2 }),
                ),
                _ => Event::Prepared { generation },
            },
            _ => Event::Observed(self.observation(now, generation, looks)),
        }
    }

    /// The answer to what was asked for, or to what nobody has asked for.
    fn observation(&mut self, now: Time, generation: u64, looks: &[Look]) -> Observation {
        let look = match looks.first() {
            Some(look) if !self.once_in(4) => *look,
            _ => self.look(now),
        };
        let blind = self.once_in(8);
        let seen = |asked: bool| asked && !blind;
        Observation {
            generation: if self.once_in(8) { self.number() } else { generation },
            look,
            memory: seen(look.memory.is_some()).then(|| self.memory()),
            traffic: seen(look.traffic.is_some()).then(|| self.traffic(now)),
            tree: seen(look.walk).then(|| Tree {
                cpu: self.elapsed(),
                stopped: self.once_in(4),
                processes: usize::from(self.byte()),
                asleep: self.once_in(3),
            }),
            unseen: blind
                .then_some(Unseen { what: Sight::Processes, errno: 13 })
                .into_iter()
                .collect(),
            cost: self.elapsed(),
        }
    }

    fn look(&mut self, now: Time) -> Look {
        Look {
            memory: self.maybe(|it| {
                it.pick(&[MemoryLook::Counters, MemoryLook::PagesInTime, MemoryLook::Pages])
            }),
            traffic: self.maybe(|it| {
                it.pick(&[TrafficLook::Hottest, TrafficLook::Changed, TrafficLook::All])
            }),
            walk: self.once_in(2),
            settled_by: self.maybe(|it| now.before(it.elapsed())),
        }
    }

    fn memory(&mut self) -> Memory {
        // Up to 128 PiB: more than a thousand times what a machine has.
        let rss = self.number() >> 7;
        let settled = rss - self.number().min(rss);
        let pss = self.maybe(|it| Bytes(settled - it.number().min(settled)));
        let largest = Bytes(settled - self.number().min(settled));
        let pages_cost = self.maybe(Self::elapsed);
        let pss_at_most = pss.or(self.maybe(|_| Bytes(settled)));
        let (rss, settled) = (Bytes(rss), Bytes(settled));
        Memory { rss, settled, largest, pages_cost, pss, pss_at_most }
    }

    /// Mostly of the past; clocks of others may be ahead.
    fn moment(&mut self, now: Time) -> Time {
        let span = self.elapsed();
        if self.once_in(8) { now + span } else { now.before(span) }
    }

    fn traffic(&mut self, now: Time) -> Traffic {
        Traffic {
            inbound: self.maybe(|it| it.moment(now)),
            outbound: self.maybe(|it| it.moment(now)),
            unsure: self.once_in(4).then(|| self.moment(now)),
            imprecise: self.once_in(2),
            unexplained: self.once_in(4),
            strangers: self.once_in(4),
            rested: self.once_in(2),
            unclear: self.once_in(4),
            survey_cost: self.elapsed(),
            mover: None,
            payload: self.maybe(|it| Payload {
                inbound: it.number(),
                outbound: it.number(),
                unsure: it.number(),
                last: it.maybe(|it| it.moment(now)),
                connections: it.number(),
                changes: it.number(),
                inbound_burst: it.number(),
                outbound_burst: it.number(),
            }),
            carried: self.maybe(Self::number),
        }
    }

    fn threshold(&mut self) -> Threshold {
        match self.number() % 3 {
            0 => Threshold::Total(self.size()),
            1 => Threshold::PerConnection(self.size()),
            _ => Threshold::Auto,
        }
    }
}
