//! Whatever comes faster than it can be dealt with keeps `recycle` from nothing else.

use crate::harness::{Run, send_signal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Real-time signals queue up: there is always another one.
#[test]
fn a_flood_of_signals_holds_no_trigger() {
    let signal = libc::SIGRTMIN() + 1;
    let run = Run::new("--max-lifetime 1s").signals(&[signal], &[]);
    let mut run = run.fixture("ready forever").spawn();
    run.await_entry(1, "ready");
    let over = AtomicBool::new(false);
    let recycle = run.pid();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    send_signal(recycle, signal);
                }
            });
        }
        let _ended = Ends(&over);
        run.await_entry(2, "ready");
        run.await_entry(3, "ready");
    });
}

/// Also where a test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
