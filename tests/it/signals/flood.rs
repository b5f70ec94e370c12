//! Whatever comes faster than it can be dealt with keeps `recycle` from nothing else.

use crate::harness::{Run, fixture_path, look_up, send_signal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Real-time signals queue up: there is always another one, whether COMMAND gets it or not, and
/// whether it was ignored at the start.
#[test]
fn a_flood_of_signals_holds_no_trigger() {
    let signal = libc::SIGRTMIN() + 1;
    let none = "--map-signal RTMIN+1:none";
    for (options, ignored) in [("", &[][..]), (none, &[]), ("", &[signal])] {
        let run = Run::new(&format!("--max-lifetime 1s {options}")).signals(ignored, &[]);
        let mut run = run.fixture("ignore:RTMIN+1 ready forever").spawn();
        run.await_entry(1, "ready");
        flood(run.pid(), signal, || {
            // None may be there before it ignores them.
            run.wait_for("a recycle", |run| run.recycles().pop());
        });
    }
}

/// Who keeps a hook ends it when its time is over.
#[test]
fn a_flood_of_signals_gives_no_hook_more_time() {
    let signal = libc::SIGRTMIN() + 1;
    let run = Run::new("--map-signal USR1:recycle --pre-stop-timeout 1s");
    let run = run.env("RECYCLE_PRE_STOP", "$F ready forever; :").env("F", fixture_path());
    let mut run = run.fixture("mark:command forever").spawn();
    run.await_entry(1, "mark:command");
    run.recycle();
    let hook = run.wait_for("the hook", |run| run.entries("ready").pop()).pid;
    let shell = look_up(hook).unwrap().parent;
    let keeper = look_up(shell).unwrap().parent;
    assert_eq!(look_up(keeper).unwrap().parent, run.pid());
    flood(keeper, signal, || {
        run.await_entry(2, "mark:command");
    });
}

/// Sends such signals all the time, until that is done.
fn flood(pid: i32, signal: i32, act: impl FnOnce()) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    send_signal(pid, signal);
                }
            });
        }
        let _ended = Ends(&over);
        act();
    });
}

/// Also where a test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
