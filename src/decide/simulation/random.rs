//! A small deterministic generator (SplitMix64): a seed is a whole trace. Or somebody chooses, as
//! far as it goes.

use std::collections::VecDeque;
use std::time::Duration;

/// The generator.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
    /// What is drawn before anything is generated.
    chosen: VecDeque<u8>,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        let state = seed.wrapping_mul(0x2545_F491_4F6C_DD1D);
        Self { state, chosen: VecDeque::new() }
    }

    /// Each number is drawn from as many of these bytes as it needs.
    pub(super) fn chosen(bytes: &[u8]) -> Self {
        Self { state: 0, chosen: bytes.iter().copied().collect() }
    }

    /// Uniform in `0..below`; 0 when `below` is 0.
    pub(super) fn below(&mut self, below: u64) -> u64 {
        if !self.chosen.is_empty() {
            let needed = usize::try_from(below.max(2).ilog2() / 8 + 1).unwrap();
            let bytes = self.chosen.drain(..needed.min(self.chosen.len()));
            return bytes.fold(0, |number, byte| number << 8 | u64::from(byte)) % below.max(1);
        }
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below.max(1)
    }

    /// True once in `times`.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len() as u64);
        from[usize::try_from(at).unwrap()]
    }

    /// Between these, in milliseconds.
    pub(super) fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.below(most - least + 1))
    }

    /// Up to this, in microseconds: also nothing, so that things happen in the same instant.
    pub(super) fn micros(&mut self, most: u64) -> Duration {
        if self.once_in(4) { Duration::ZERO } else { Duration::from_micros(self.below(most + 1)) }
    }
}
