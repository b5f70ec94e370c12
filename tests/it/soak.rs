//! A long life: ten thousand recycles in a row cost no memory, no descriptor, no zombie and no
//! generation.

use crate::harness::{End, Run, Running, look_up};
use std::fs;
use std::time::Duration;

/// So many generations before the first measurement: by then buffers have their size.
const WARM_UP: u32 = 500;
/// Two pages: what an allocator may need for a number with one more digit.
const SLACK_KB: usize = 8;

/// What leaks would add to.
#[derive(Debug)]
struct Held {
    descriptors: usize,
    /// Without what is mapped from files: the more of a program has run, the more of that is
    /// resident.
    memory_kb: usize,
}

fn field(pid: i32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    value.trim_end_matches("kB").trim().to_owned()
}

fn held(run: &Running) -> Held {
    let [anonymous, shared] = ["RssAnon:", "RssShmem:"].map(|name| field(run.pid(), name));
    Held {
        descriptors: fs::read_dir(format!("/proc/{}/fd", run.pid())).unwrap().count(),
        memory_kb: anonymous.parse::<usize>().unwrap() + shared.parse::<usize>().unwrap(),
    }
}

/// All of them, zombies too.
fn children(run: &Running) -> Vec<i32> {
    let pid = run.pid();
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn generation(command: i32) -> Option<u32> {
    let environment = fs::read(format!("/proc/{command}/environ")).ok()?;
    let mut variables = environment.split(|&byte| byte == 0);
    let value = variables.find_map(|variable| variable.strip_prefix(b"RECYCLE_GENERATION="))?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn hup_is_pending(pid: i32) -> bool {
    u64::from_str_radix(&field(pid, "ShdPnd:"), 16).is_ok_and(|set| set & 1 == 1)
}

/// Waits for a generation that takes its time, until it was asked to end and `recycle` has nothing
/// to do but to wait for that: the same moment in each life.
fn await_rest(run: &mut Running, number: u32) -> Held {
    run.wait_for(&format!("generation {number}, asked to end"), |run| {
        let recycle = look_up(run.pid()).unwrap_or_else(|| panic!("it has ended"));
        let &[command] = &children(run)[..] else { return None };
        let asked = generation(command) == Some(number) && hup_is_pending(command);
        (asked && recycle.state == 'S').then(|| held(run))
    })
}

/// So many recycles. The stop signal is blocked from the start, so it waits until a generation is
/// ready for it; the first after the warm-up and the last are not before the test lets them.
fn soak(options: &str, recycles: u32) {
    let last = recycles + 1;
    let script = format!("at:{WARM_UP}:wait-file:warm at:{last}:wait-file:never unblock forever");
    let options = format!("--stop-signal HUP --stop-timeout 1h {options}");
    let run = Run::new(&options).signals(&[], &[libc::SIGHUP]).fixture(&script);
    // Nobody reads that much of a journal.
    let mut run = run.env("FIXTURE_JOURNAL", "").ceiling(Duration::from_secs(600)).spawn();
    let before = await_rest(&mut run, WARM_UP);
    run.touch("warm");
    let after = await_rest(&mut run, last);
    assert_eq!(before.descriptors, after.descriptors, "{before:?} {after:?}");
    assert!(before.memory_kb.abs_diff(after.memory_kb) <= SLACK_KB, "{before:?} {after:?}");

    let stderr = run.stderr();
    let number = |line: &str| {
        let (_, rest) = line.split_once("recycle: generation ")?;
        rest.split_once(" recycled: lifetime 1ms ")?.0.parse::<u32>().ok()
    };
    let numbers: Vec<_> = stderr.lines().map(number).collect();
    assert_eq!(numbers, (1..=recycles).map(Some).collect::<Vec<_>>());
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
}

#[test]
fn ten_thousand_recycles_cost_nothing() {
    soak("--max-lifetime 1ms", 10_000);
}

#[test]
fn nor_do_they_with_all_triggers_on() {
    let memory = "--max-rss 90% --max-pss 80% --kill-rss 95%";
    soak(&format!("--max-lifetime 1ms --idle 1h {memory}"), 2_000);
    soak(&format!("--max-lifetime 1ms --quiet 10ms --idle 1h {memory}"), 1_000);
}
