//! A long life: ten thousand recycles in a row cost no memory, no descriptor, no zombie and no
//! generation.

use crate::harness::{End, Run, Running, UDP_IDLENESS, UNIX_IDLENESS, let_pass, lives};
use std::fs;
use std::time::Duration;

/// The generations that are measured first: by then buffers have their size. More than one, since
/// how much a generation has looked at when it is told to end is a matter of luck.
const WARM_UP: [u32; 3] = [500, 510, 520];
/// Two pages, what an allocator may need for a number with one more digit, and room for the
/// kernel's answers about sockets: it is there, and a socket to ask with, once a generation has
/// lived to its first look at traffic. With this lifetime that is one that was late.
const SLACK_KB: usize = 8 + 32;
const SLACK_DESCRIPTORS: usize = 1;

/// What leaks would add to.
#[derive(Debug)]
struct Held {
    /// What each leads to, without the numbers.
    descriptors: Vec<String>,
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
    let all = fs::read_dir(format!("/proc/{}/fd", run.pid())).unwrap();
    let links = all.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let names =
        links.map(|link| link.display().to_string().replace(|c: char| c.is_ascii_digit(), ""));
    let mut descriptors: Vec<_> = names.collect();
    descriptors.sort();
    Held {
        descriptors,
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

fn winch_is_pending(pid: i32) -> bool {
    let set = u64::from_str_radix(&field(pid, "ShdPnd:"), 16);
    set.is_ok_and(|set| set >> (libc::SIGWINCH - 1) & 1 == 1)
}

/// Waits for a generation that takes its time, until `recycle` has nothing to do but to wait for
/// its end: the same moment in each life.
fn await_rest(run: &mut Running, number: u32) -> Held {
    let command = run.wait_for(&format!("generation {number}"), |run| {
        assert!(lives(run.pid()), "it has ended");
        let &[command] = &children(run)[..] else { return None };
        (generation(command) == Some(number)).then_some(command)
    });
    // It goes through `recycle`, which has started COMMAND for good then.
    run.signal(libc::SIGWINCH);
    run.wait_for("WINCH", |_| winch_is_pending(command).then_some(()));
    // Once a second the tree is looked at: what is to be kept of it is kept by then.
    let_pass(Duration::from_millis(1500));
    held(run)
}

/// So many generations. Those that are measured, and the one after the last, end when the test lets
/// them. On stderr is one line for each, which goes on like this.
fn soak(options: &str, steps: [&str; 2], generations: u32, line: &str) {
    let last = generations + 1;
    let [before, after] = steps;
    let holds = WARM_UP.into_iter().chain([last]);
    let holds: Vec<_> = holds.map(|number| format!("at:{number}:wait-file:go-{number}")).collect();
    let script = format!("{before} {} {after}", holds.join(" "));
    let run = Run::new(options).signals(&[], &[libc::SIGHUP, libc::SIGWINCH]).fixture(&script);
    // Nobody reads that much of a journal.
    let run = run.env("FIXTURE_JOURNAL", "").ceiling(Duration::from_secs(600)).spawn();
    // Said by a generation that lives to its first look at traffic.
    let mut run = run.losing(UDP_IDLENESS).losing(UNIX_IDLENESS);
    let before = WARM_UP.map(|number| {
        let held = await_rest(&mut run, number);
        run.touch(&format!("go-{number}"));
        held
    });
    let after = await_rest(&mut run, last);
    let descriptors = before.iter().map(|held| held.descriptors.len()).max().unwrap();
    let descriptors = descriptors + SLACK_DESCRIPTORS;
    let memory_kb = before.iter().map(|held| held.memory_kb).max().unwrap();
    assert!(after.descriptors.len() <= descriptors, "{before:#?} {after:#?}");
    assert!(after.memory_kb <= memory_kb + SLACK_KB, "{before:#?} {after:#?}");

    let stderr = run.stderr();
    let number = |text: &str| {
        let (number, rest) = text.strip_prefix("recycle: generation ")?.split_once(' ')?;
        rest.starts_with(line).then(|| number.parse::<u32>().unwrap())
    };
    let others = stderr.lines().filter(|line| number(line).is_none() && !run.reports_loss(line));
    let others: Vec<_> = others.collect();
    assert!(others.is_empty(), "{others:?}");
    let numbers: Vec<_> = stderr.lines().filter_map(number).collect();
    assert_eq!(numbers, (1..=generations).collect::<Vec<_>>());
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
}

/// Recycles at an age of 1 ms. The stop signal is blocked from the start, so it waits until COMMAND
/// is ready for it.
fn recycles(options: &str, step: &str, number: u32) {
    let options = format!("--max-lifetime 1ms --stop-signal HUP --stop-timeout 1h {options}");
    soak(&options, [step, "unblock forever"], number, "recycled: lifetime 1ms ");
}

#[test]
fn ten_thousand_recycles_cost_nothing() {
    recycles("", "", 10_000);
}

const ALL_TRIGGERS: &str = "--idle 1h --max-rss 90% --max-pss 80% --kill-rss 95%";

#[test]
fn nor_do_they_with_all_triggers_on() {
    recycles(ALL_TRIGGERS, "", 2_000);
    recycles(&format!("{ALL_TRIGGERS} --quiet 10ms"), "", 1_000);
}

#[test]
fn nor_do_they_with_a_tree_and_sockets() {
    let step = "child:forever bg:listen bg:udp bg:unix-dgram:./socket";
    recycles(ALL_TRIGGERS, step, 1_000);
}

#[test]
fn nor_do_restarts() {
    let options = "--restart always --max-restarts 1000/1s --backoff 1ms..1ms";
    let line = "exited with status 3 after ";
    soak(&format!("{options} {ALL_TRIGGERS}"), ["", "exit:3"], 2_000, line);
}
