//! `recycle` under `recycle`: a supervisor that starts two programs and another supervisor, which
//! starts three more. Each of the seven has a `recycle` of its own around it.

mod activation;
mod kills;
mod runner;

use crate::harness::{End, Run, Running, fixture_path, look_up, recycle_path};
use std::fs;

/// The outer supervisor's programs, and the inner one's. `SCRIPT` stands for what each does.
const OUTER: &str = "$R $F mark:one SCRIPT\n$R $F mark:two SCRIPT\n$R $F supervise:inner\n";
const INNER: &str = "$R $F mark:three SCRIPT\n$R $F mark:four SCRIPT\n$R $F mark:five SCRIPT\n";
const NAMES: [&str; 5] = ["mark:one", "mark:two", "mark:three", "mark:four", "mark:five"];

/// Takes its time to end, so that a wrapper which did not wait for it would show.
const POLITE: &str = "trap:INT trap:TERM:exit=0:after=100ms ready forever";

/// With the files that the supervisors read; the command is still to be given.
fn prepared(run: Run, script: &str) -> Run {
    for (name, programs) in [("outer", OUTER), ("inner", INNER)] {
        fs::write(run.dir().join(name), programs.replace("SCRIPT", script)).unwrap();
    }
    run.env("R", recycle_path()).env("F", fixture_path())
}

/// The whole of it, with these options for the outermost `recycle`.
fn app(options: &str, script: &str) -> Run {
    prepared(Run::new(options), script).fixture("supervise:outer")
}

/// A COMMAND and the `recycle` around it.
#[derive(Clone, Copy)]
struct Wrapped {
    recycle: i32,
    command: i32,
}

impl Wrapped {
    fn of(command: i32) -> Self {
        Self { recycle: look_up(command).unwrap().parent, command }
    }
}

/// All seven, once they run.
struct App {
    outer: Wrapped,
    inner: Wrapped,
    programs: Vec<Wrapped>,
}

impl App {
    fn await_ready(run: &mut Running) -> Self {
        let supervisors = run.await_entries(2, "supervising");
        run.await_entries(NAMES.len(), "ready");
        let mut supervisors = supervisors.into_iter().map(|entry| Wrapped::of(entry.pid));
        // In no order: the inner one is the one that the outermost `recycle` did not start.
        let [first, second] = [(); 2].map(|()| supervisors.next().unwrap());
        let (outer, inner) =
            if first.recycle == run.pid() { (first, second) } else { (second, first) };
        assert_eq!(outer.recycle, run.pid());
        let programs = NAMES.map(|name| Wrapped::of(run.entries(name)[0].pid)).to_vec();
        Self { outer, inner, programs }
    }

    fn all(&self) -> Vec<Wrapped> {
        [&[self.outer, self.inner], &self.programs[..]].concat()
    }
}

/// Where in the journal this process says so.
fn places(run: &Running, pid: i32, text: &str) -> Vec<usize> {
    let journal = run.journal().into_iter().enumerate();
    let places = journal.filter(|(_, entry)| entry.pid == pid && entry.text.starts_with(text));
    places.map(|(place, _)| place).collect()
}

/// The time in the journal, the place in it, and how: that a supervisor saw this program end.
fn end_of(run: &Running, pid: i32) -> (i64, usize, String) {
    let ends = format!("ended {pid} ");
    let mut journal = run.journal().into_iter().enumerate();
    let found = journal.find_map(|(place, entry)| {
        let how = entry.text.strip_prefix(&ends)?.to_owned();
        Some((entry.t_ms, place, how))
    });
    found.unwrap_or_else(|| panic!("nobody saw {pid} end"))
}

#[test]
fn term_to_the_outermost_ends_everything_in_order() {
    let mut run = app("", POLITE).spawn();
    let app = App::await_ready(&mut run);
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(0));
    assert!(run.processes().is_empty());
    for wrapped in app.all() {
        // Once each, although all are below the outermost one.
        assert_eq!(places(&run, wrapped.command, "got TERM").len(), 1);
    }
    // Each COMMAND before its `recycle`, which ends as COMMAND did ...
    for program in &app.programs {
        let told = run.journal()[places(&run, program.command, "got TERM")[0]].t_ms;
        let (ended, _, how) = end_of(&run, program.recycle);
        assert!(ended >= told + 100);
        assert_eq!(how, "0");
    }
    // ... and the supervisor after its programs.
    let (_, inner_ended, how) = end_of(&run, app.inner.recycle);
    assert_eq!(how, "0");
    for program in &app.programs[2..] {
        assert!(end_of(&run, program.recycle).1 < inner_ended);
    }
}

#[test]
fn ctrl_c_arrives_once_at_each_command() {
    let mut run = app("", POLITE).on_terminal().spawn();
    let app = App::await_ready(&mut run);
    for times in 1..=3 {
        run.press("\x03");
        run.await_entries(times * app.all().len(), "got INT");
    }
    // Of signals that wait, INT is read before TERM: none is on its way any more at the end.
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(0));
    for wrapped in app.all() {
        assert_eq!(places(&run, wrapped.command, "got INT").len(), 3);
    }
}

/// Bytes, as `/proc/PID/statm` has them.
fn resident(pid: i32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages = statm.split(' ').nth(1).map_or(0, |pages| pages.parse().unwrap());
    pages * 4096
}

/// The last size that a look has found: `looked: rss 123.4M of ...`.
fn last_seen(stderr: &str) -> Option<f64> {
    let (_, rest) = stderr.rsplit_once("looked: rss ")?;
    rest.split_once("M of ")?.0.parse().ok()
}

#[test]
fn the_outer_ones_memory_counts_the_whole() {
    let script = "hold:10M ready forever";
    let mut run = app("-v --max-rss 8G", script).spawn();
    let app = App::await_ready(&mut run);
    let all = run.processes();
    assert_eq!(all.len(), 14);
    let below = all.iter().filter(|process| process.pid != run.pid());
    let whole: u64 = below.map(|process| resident(process.pid)).sum();
    // What the inner ones of the `recycle`s hold is more than the tolerance.
    let inner: u64 = app.all()[1..].iter().map(|wrapped| resident(wrapped.recycle)).sum();
    let tolerance = 4.0;
    let [whole, inner] = [whole, inner].map(|bytes| bytes as f64 / 1024.0 / 1024.0);
    assert!(inner > 1.5 * tolerance, "{inner} MiB");
    run.wait_for(&format!("{whole} MiB to be seen"), |run| {
        let seen = last_seen(&run.stderr())?;
        ((seen - whole).abs() < tolerance).then_some(())
    });
}

/// ... and not only to be told: none of the seven is over the limit.
#[test]
fn the_outer_ones_limit_is_for_the_whole() {
    for (limit, recycled) in [("100M", true), ("8G", false)] {
        let script = "hold:30M trap:TERM:exit=0 ready forever";
        let mut run = app(&format!("--max-rss {limit} --quiet-log"), script).spawn();
        match recycled {
            true => drop(run.await_entry(2, "supervising")),
            false => {
                App::await_ready(&mut run);
                run.signal(libc::SIGTERM);
                assert_eq!(run.finish(), End::Code(0));
                assert_eq!(run.generations(), 1);
            }
        }
    }
}

#[test]
fn the_inner_ones_recycles_are_no_exits_for_the_outer_one() {
    let inner = [recycle_path(), "--map-signal=USR1:recycle".as_ref(), fixture_path()];
    for options in ["", "--restart always --max-restarts 1/1h", "--restart on-failure"] {
        let script = ["trap:TERM:exit=3", "ready", "forever"].map(AsRef::as_ref);
        let mut run = Run::new(options).command(inner.iter().copied().chain(script)).spawn();
        let recycle = look_up(run.await_entry(1, "ready").pid).unwrap().parent;
        assert_ne!(recycle, run.pid());
        for generation in 1..=5 {
            run.await_entry(generation, "ready");
            crate::harness::send_signal(recycle, libc::SIGUSR1);
        }
        // Still the same one, and all lines are its own.
        let command = run.await_entry(6, "ready").pid;
        assert_eq!(look_up(command).unwrap().parent, recycle);
        let numbers = |line: &String| line.split(' ').nth(2).unwrap().to_owned();
        let numbers: Vec<_> = run.recycles().iter().map(numbers).collect();
        assert_eq!(numbers, ["1", "2", "3", "4", "5"]);
        run.signal(libc::SIGTERM);
        assert_eq!(run.finish(), End::Code(3));
    }
}

/// An outer generation ends, and with it whatever the inner ones have started.
#[test]
fn an_outer_recycle_stops_every_inner_tree_before_the_next_generation() {
    for (script, timeout) in [
        (POLITE, "1h"),
        ("ignore:TERM ready forever", "500ms"),
        ("ignore:TERM escape:ignore:TERM,forever orphan:2:ignore:TERM,forever ready forever", "1s"),
    ] {
        let options = format!("--map-signal USR1:recycle --stop-timeout {timeout}");
        let run = prepared(Run::new(&options), script);
        let mut run = run.fixture("from:2:survivors supervise:outer").spawn();
        let before = App::await_ready(&mut run);
        run.recycle();
        run.await_entry(2, "survivors none");
        // Its own number for each: all but the outer supervisor are in their first generation.
        run.await_entry(2, "supervising");
        run.await_entries(2 * NAMES.len(), "ready");
        assert!(run.entries("ready").iter().all(|entry| entry.generation == Some(1)));
        for wrapped in &before.all()[1..] {
            run.await_reaped(wrapped.recycle);
        }
    }
}

#[test]
fn options_and_variables_do_not_leak_inwards() {
    let variables = |run: &mut Running, number: usize| {
        run.await_entries(number, "variables").pop().unwrap().text
    };
    // Would they leak, the inner one would take USR1 as an order, and end with 7 after an hour.
    let run = Run::new("").env("RECYCLE_MAX_LIFETIME", "1h").env("RECYCLE_THEN", "exit:7");
    let run = run.env("RECYCLE_MAP_SIGNAL", "USR1:USR2").env("RECYCLE_RESTART", "always");
    let inner = [recycle_path(), "--map-signal=HUP:recycle".as_ref(), fixture_path()];
    let script = ["env", "trap:USR1", "trap:USR2", "trap:INT:exit=3", "ready", "forever"];
    let mut run = run.command(inner.into_iter().chain(script.map(AsRef::as_ref))).spawn();
    let recycle = look_up(run.await_entry(1, "ready").pid).unwrap().parent;
    assert_eq!(variables(&mut run, 1), "variables RECYCLE_GENERATION=1");
    crate::harness::send_signal(recycle, libc::SIGUSR1);
    run.await_entry(1, "got USR1");
    run.signal(libc::SIGUSR1);
    run.await_entry(1, "got USR2");
    crate::harness::send_signal(recycle, libc::SIGHUP);
    run.await_entry(2, "ready");
    let second = "variables RECYCLE_GENERATION=2 RECYCLE_REASON=signal";
    assert_eq!(variables(&mut run, 2), second);
    run.signal(libc::SIGINT);
    assert_eq!(run.finish(), End::Code(3));
}
