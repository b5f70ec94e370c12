//! Who writes faster than COMMAND reads is held back, as by any pipe, and `recycle` holds little
//! of it meanwhile.

use super::{ASKED, assert_same, fed, kept, run};
use crate::harness::{
    End, Producer, Run, Running, fixture_path, look_up, recycle_path, static_recycle,
};
use std::fs;
use std::path::Path;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Writes lines until there is room for no more, and nobody is about to make any. Returns them.
fn fill(run: &mut Running, producer: &mut Producer) -> Vec<u8> {
    let mut sent = Vec::new();
    let mut send = || {
        // So short that it is written whole or not at all (pipe(7)).
        let line = format!("line {:>9}\n", sent.len());
        let has_room = producer.try_write(line.as_bytes()).unwrap() > 0;
        if has_room {
            sent.extend(line.as_bytes());
            assert!(sent.len() < 512 * KIB, "it takes all it can get");
        }
        has_room
    };
    run.wait_for("no more room", |run| {
        while send() {}
        // Input that it waited for would have woken it before we look.
        let sleeps = look_up(run.pid()).unwrap().state == 'S';
        (sleeps && !send()).then_some(())
    });
    sent
}

#[test]
fn a_writer_is_held_back() {
    let (mut run, mut producer) = fed(run("").fixture("ready wait-file:go append:out"));
    run.await_entry(1, "ready");
    let sent = fill(&mut run, &mut producer);
    run.touch("go");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &sent);
}

/// ... by as much as before, whoever did not read it.
#[test]
fn no_recycle_and_no_crash_makes_more_room() {
    let options = format!("{ASKED} --drain-timeout 0s --restart on-failure --backoff 1ms..1ms");
    let script = "at:1:ready at:1:forever at:2:ready at:2:wait-file:go at:2:exit:1 \
                  at:3:ready at:3:wait-file:on append:out";
    let (mut run, mut producer) = fed(run(&options).fixture(script));
    run.await_entry(1, "ready");
    let mut sent = fill(&mut run, &mut producer);
    run.recycle();
    run.await_entry(2, "ready");
    sent.extend(fill(&mut run, &mut producer));
    run.touch("go");
    run.await_entry(3, "ready");
    sent.extend(fill(&mut run, &mut producer));
    assert!(sent.len() < 512 * KIB);
    run.touch("on");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &sent);
}

/// The most that it ever held.
fn peak(pid: i32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * KIB
}

/// The negative control.
#[test]
fn memory_that_was_held_is_seen() {
    let mut run = Run::bare().fixture("ready wait-file:go hold:4M mark:held forever").spawn();
    let pid = run.await_entries(1, "ready")[0].pid;
    let before = peak(pid);
    run.touch("go");
    run.await_entries(1, "mark:held");
    assert!(peak(pid) >= before + 4 * MIB);
}

/// First nothing is read for a while, then 50 MB go through, with a recycle after each tenth of it.
/// Returns the peaks of this `recycle`: when it has started, and at the end.
fn peaks(recycle: &Path) -> (usize, usize) {
    let options = "--stdin lines --map-signal USR1:recycle --";
    let fixture = [fixture_path().to_str().unwrap(), "ready", "wait-file:go", "append:/dev/null"];
    let words = [recycle.to_str().unwrap()].into_iter().chain(options.split(' ')).chain(fixture);
    let run = Run::bare().command(words);
    let (mut run, mut producer) = fed(run);
    run.await_entry(1, "ready");
    let before = peak(run.pid());
    let mut sent = fill(&mut run, &mut producer).len();
    run.touch("go");
    let part = "forty-nine letters and their newline are one line\n".repeat(100_000);
    for generation in 2..=11 {
        producer.write(part.as_bytes());
        sent += part.len();
        run.recycle();
        run.await_entry(generation, "ready");
    }
    let after = peak(run.pid());
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    let appended = run.entries("appended");
    let appended = appended.iter().map(|entry| usize::try_from(entry.number()).unwrap());
    assert_eq!(appended.sum::<usize>(), sent);
    (before, after)
}

/// Whatever else a build for debugging holds, it has that from the start.
#[test]
fn memory_does_not_grow_with_what_goes_through() {
    let (before, after) = peaks(recycle_path());
    assert!(after < before + MIB, "{before} bytes, then {after}");
}

/// The program as it is released.
#[test]
fn two_megabytes_are_never_reached() {
    let (_, after) = peaks(&static_recycle());
    assert!(after < 2_000_000, "{after} bytes");
}
