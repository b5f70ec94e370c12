//! Signals are read in batches. Queued real-time signals can come faster than they are read: a
//! reader that reads until none is left would do nothing else.

use super::{Received, Signals};

/// So many signals are read at a time: one of each. What is left keeps the descriptor readable.
const MOST: usize = 64;

/// What may still be read in this turn.
#[derive(Debug)]
pub(crate) struct Batch(usize);

impl Batch {
    pub(crate) fn new() -> Self {
        Self(MOST)
    }

    /// The next signal that waits. `None`: none does, or the batch is full.
    pub(crate) fn next(&mut self, signals: &Signals) -> Option<Received> {
        self.take(|| signals.next())
    }

    /// The same for a SIGIO that is not among them (`Signals::hear_io`).
    pub(crate) fn next_io(&mut self, signals: &Signals) -> Option<Received> {
        self.take(|| signals.next_io())
    }

    fn take(&mut self, next: impl FnOnce() -> Option<Received>) -> Option<Received> {
        self.0 = self.0.checked_sub(1)?;
        next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::signals::{SignalSet, block, set_mask, signal_fd};

    /// To this thread alone.
    #[expect(unsafe_code, reason = "sends a signal by number")]
    fn send(signal: i32) {
        let thread = nix::unistd::gettid().as_raw();
        // SAFETY: it touches no memory.
        let result = unsafe { libc::syscall(libc::SYS_tgkill, std::process::id(), thread, signal) };
        assert_eq!(result, 0);
    }

    fn count(mut next: impl FnMut(&mut Batch) -> Option<Received>) -> usize {
        let mut batch = Batch::new();
        std::iter::from_fn(|| next(&mut batch)).count()
    }

    /// A reader without a bound would get all of them.
    #[test]
    fn a_turn_takes_a_batch_and_leaves_the_rest() {
        let signal = libc::SIGRTMIN() + 7;
        let seen = SignalSet::of(signal).with(SignalSet::of(libc::SIGIO));
        let before = block(seen).unwrap();
        let mut signals = Signals { fd: signal_fd(seen).unwrap(), seen, hears_io: true };
        (0..2 * MOST + 3).for_each(|_| send(signal));
        let turns = [0; 4].map(|_| count(|batch| batch.next(&signals)));
        assert_eq!(turns, [MOST, MOST, 3, 0]);

        signals.hear_io(false);
        send(libc::SIGIO);
        assert_eq!(count(|batch| batch.next(&signals)), 0);
        // It is sent again and again.
        let ios = count(|batch| {
            let received = batch.next_io(&signals);
            send(libc::SIGIO);
            received
        });
        assert_eq!(ios, MOST);
        assert_eq!(count(|batch| batch.next_io(&signals)), 1);
        set_mask(before).unwrap();
    }
}
