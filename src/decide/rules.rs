//! What the core must keep to: the meaning of the command line, free of contradictions.

use std::time::Duration;

use super::exit::{Exit, Signal};
use crate::units::{Bytes, Share};

/// Everything the core was told before the first generation.
#[derive(Clone, Debug)]
pub struct Rules {
    pub idle: Option<Idle>,
    /// `None`: CPU use says nothing (`--idle-cpu 100%`).
    pub idle_cpu: Option<Share>,
    /// `--idle-floor`: how much TCP payload in a window is quiet still; `None`: not one byte.
    pub floor: Option<Threshold>,
    pub memory: MemoryRules,
    pub lifetime: Option<Lifetime>,
    pub min_lifetime: Duration,
    pub quiet: Option<Quiet>,
    pub then: Then,
    pub stop_signal: Signal,
    pub stop_timeout: Duration,
    /// We are PID 1: when we end, the kernel kills all that is left.
    pub is_init: bool,
    /// `--pre-stop` is run before the signal of a planned stop, and waited for so long at most.
    pub pre_stop: Option<Duration>,
    pub map: SignalMap,
    /// COMMAND gets its input line by line; `None`: it reads ours by itself.
    pub lines: Option<Lines>,
    /// How long after the end of input COMMAND may live.
    pub eof_timeout: Option<Duration>,
    pub restart: Restart,
    pub max_restarts: Budget,
    pub backoff: Backoff,
    /// A sample of memory and traffic this often, for logs or metrics; `None`: none.
    pub sample_every: Option<Duration>,
    /// Nothing is recycled: what would be is told.
    pub observe: Option<Observe>,
}

/// `--observe`.
#[derive(Clone, Copy, Debug)]
pub struct Observe {
    /// The memory limit in force: what is suggested stays below.
    pub memory: Bytes,
}

impl Rules {
    /// Nothing is asked for.
    pub fn none() -> Self {
        Self {
            idle: None,
            idle_cpu: None,
            floor: None,
            memory: MemoryRules::default(),
            lifetime: None,
            min_lifetime: Duration::ZERO,
            quiet: None,
            then: Then::Restart,
            stop_signal: Signal::TERM,
            stop_timeout: Duration::from_secs(3),
            is_init: false,
            pre_stop: None,
            map: SignalMap::default(),
            lines: None,
            eof_timeout: None,
            restart: Restart::Never,
            max_restarts: Budget { restarts: 5, window: Duration::from_secs(60) },
            backoff: Backoff { min: Duration::from_millis(100), max: Duration::from_secs(30) },
            sample_every: None,
            observe: None,
        }
    }

    /// How long the tree must be quiet for what depends on traffic, `--idle` first.
    pub fn window(&self) -> Option<Duration> {
        self.idle.map(|idle| idle.after).or(self.quiet.map(|quiet| quiet.gap))
    }

    /// The same; where nothing depends on it, that of those who only want to know.
    pub fn window_or_usual(&self) -> Duration {
        self.window().unwrap_or(Duration::from_secs(10))
    }

    /// Whether a recycle may ever be due.
    pub fn plans(&self) -> bool {
        self.plans_gracefully() || self.memory.kill.is_some()
    }

    /// The same, for one that begins with a stop signal.
    pub fn plans_gracefully(&self) -> bool {
        let memory = self.memory.max_rss.is_some() || self.memory.max_pss.is_some();
        let asked = self.map.0.iter().any(|(_, mapped)| *mapped == Mapped::Recycle);
        let timed = self.idle.is_some() || self.lifetime.is_some();
        memory || asked || timed
    }

    /// Whether anything depends on traffic.
    pub fn needs_traffic(&self) -> bool {
        self.window().is_some()
    }
}

/// `--idle`.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// Quiet for this long is idle.
    pub after: Duration,
    /// What moves on connections of COMMAND's own this soon after its start does not arm it.
    pub settle: Duration,
}

/// `--idle-floor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// For all connections together.
    Total(Bytes),
    /// For each connection that is open.
    PerConnection(Bytes),
    /// Twice the background traffic, which is learned.
    Auto,
}

/// `--max-rss`, `--max-pss`, `--kill-rss`.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryRules {
    pub max_rss: Option<Bytes>,
    pub max_pss: Option<Bytes>,
    /// It measures as the limit below it does: PSS beside `--max-pss` alone, else RSS.
    pub kill: Option<(Bytes, Measure)>,
}

/// How memory is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Resident: pages shared by several processes count in each.
    Rss,
    /// Proportional: pages shared by several processes count once.
    Pss,
}

/// `--max-lifetime` and `--jitter`.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    pub max: Duration,
    /// Up to this share of it is taken off, drawn once per generation.
    pub jitter: Share,
}

impl Lifetime {
    /// The life that a generation is given: the longest, less its share of the jitter, which
    /// `draw`, uniform in 0..=`u32::MAX`, decides.
    pub fn shortened(self, draw: u32) -> Duration {
        let jitter = self.jitter.of_time(self.max).as_nanos();
        let taken = jitter * u128::from(draw) / u128::from(u32::MAX);
        self.max.saturating_sub(Duration::from_nanos(u64::try_from(taken).unwrap_or(u64::MAX)))
    }
}

/// `--quiet` and `--quiet-wait`.
#[derive(Clone, Copy, Debug)]
pub struct Quiet {
    pub gap: Duration,
    pub wait: Duration,
}

/// `--then`: what follows a planned stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Restart,
    Exit(u8),
    /// We end as COMMAND ended.
    AsCommand,
    /// The next generation starts when input waits.
    Wait,
}

impl Then {
    /// Whether a planned stop is the end: no generation follows it.
    pub(crate) fn ends(self) -> bool {
        match self {
            Self::Exit(_) | Self::AsCommand => true,
            Self::Restart | Self::Wait => false,
        }
    }
}

/// `--stdin lines`.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    /// Up to this long they are handed over whole.
    pub longest: Bytes,
    /// How long COMMAND may take to end by itself when a recycle has closed its input.
    pub drain_timeout: Duration,
}

/// `--restart`: what follows when COMMAND ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    Never,
    OnFailure,
    Always,
}

impl Restart {
    /// Whether COMMAND is started again after it ended like this.
    pub fn wants(self, exit: Exit) -> bool {
        match self {
            Self::Never => false,
            Self::OnFailure => exit.is_failure(),
            Self::Always => true,
        }
    }
}

/// `--max-restarts`: at most this many in any window of this length.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    pub restarts: u32,
    pub window: Duration,
}

/// `--backoff`: the first delay, and the one at which doubling ends.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub min: Duration,
    pub max: Duration,
}

/// What `--map-signal` makes of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// COMMAND gets this one.
    Pass(Signal),
    /// COMMAND gets it as it is, and it means nothing more: it was ignored when we were started.
    PassOnly,
    /// Nobody gets it.
    Drop,
    /// It asks for a recycle.
    Recycle,
}

/// All the `--map-signal`s.
#[derive(Clone, Debug, Default)]
pub struct SignalMap(pub Vec<(Signal, Mapped)>);

impl SignalMap {
    /// What becomes of a signal; those not named pass as they are.
    pub fn of(&self, signal: Signal) -> Mapped {
        let named = self.0.iter().find(|(from, _)| *from == signal);
        named.map_or(Mapped::Pass(signal), |(_, mapped)| *mapped)
    }

    /// Takes down which signals were ignored when we were started: whoever started us so shields
    /// us and COMMAND from them (`nohup`, a script's `&`). COMMAND may handle them all the same,
    /// and a mapping is a wish to hear of them. CONT cannot be ignored: it wakes in any case.
    pub fn note_ignored(&mut self, ignored: impl Iterator<Item = Signal>) {
        for signal in ignored.filter(|signal| *signal != Signal::CONT) {
            if self.0.iter().all(|(from, _)| *from != signal) {
                self.0.push((signal, Mapped::PassOnly));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recycle_may_be_due_for_each_reason_by_itself() {
        assert!(!Rules::none().plans());
        let limit = Some(Bytes(1));
        let usr1 = Signal::parse("USR1").unwrap();
        let mapped = |to| SignalMap(vec![(usr1, to)]);
        let memory = |memory| Rules { memory, ..Rules::none() };
        let idle = Idle { after: Duration::from_secs(1), settle: Duration::ZERO };
        let lifetime = Lifetime { max: Duration::from_secs(1), jitter: Share::percent(0) };
        for rules in [
            memory(MemoryRules { max_rss: limit, ..MemoryRules::default() }),
            memory(MemoryRules { max_pss: limit, ..MemoryRules::default() }),
            memory(MemoryRules { kill: Some((Bytes(1), Measure::Rss)), ..MemoryRules::default() }),
            Rules { idle: Some(idle), ..Rules::none() },
            Rules { lifetime: Some(lifetime), ..Rules::none() },
            Rules { map: mapped(Mapped::Recycle), ..Rules::none() },
        ] {
            assert!(rules.plans(), "{rules:?}");
        }
        assert!(!Rules { map: mapped(Mapped::Drop), ..Rules::none() }.plans());
    }

    #[test]
    fn ignored_signals_are_passed_on_and_mean_nothing_unless_mapped() {
        let mut map = SignalMap(vec![
            (Signal::QUIT, Mapped::Recycle),
            (Signal::INT, Mapped::Pass(Signal::INT)),
        ]);
        let ignored = [Signal::INT, Signal::QUIT, Signal::HUP, Signal::CONT];
        map.note_ignored(ignored.into_iter());
        assert_eq!(map.of(Signal::HUP), Mapped::PassOnly);
        assert_eq!(map.of(Signal::QUIT), Mapped::Recycle);
        assert_eq!(map.of(Signal::INT), Mapped::Pass(Signal::INT));
        assert_eq!(map.of(Signal::CONT), Mapped::Pass(Signal::CONT));
        assert_eq!(map.of(Signal::TERM), Mapped::Pass(Signal::TERM));
    }

    #[test]
    fn only_idle_and_quiet_need_traffic() {
        let second = Duration::from_secs(1);
        let idle = Some(Idle { after: second, settle: second });
        let quiet = Some(Quiet { gap: second, wait: second });
        let lifetime = Some(Lifetime { max: second, jitter: Share::percent(0) });
        assert!(Rules { idle, ..Rules::none() }.needs_traffic());
        assert!(Rules { quiet, ..Rules::none() }.needs_traffic());
        assert!(!Rules { lifetime, ..Rules::none() }.needs_traffic());
    }

    #[test]
    fn a_life_is_shortened_by_a_share_between_nothing_and_the_jitter() {
        let lifetime = Lifetime { max: Duration::from_secs(100), jitter: Share::percent(30) };
        assert_eq!(lifetime.shortened(0), Duration::from_secs(100));
        assert_eq!(lifetime.shortened(u32::MAX), Duration::from_secs(70));
        assert_eq!(lifetime.shortened(u32::MAX / 3), Duration::from_secs(90));
        let full = Lifetime { max: Duration::from_secs(100), jitter: Share::ALL };
        assert_eq!(full.shortened(u32::MAX), Duration::ZERO);
    }
}
