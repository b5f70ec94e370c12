//! On a terminal `recycle` feels as if it were not there. Whatever is typed here is typed without
//! it, too, and with one `recycle` inside another: all three must show the same.

mod apart;
mod generations;
mod handed;
mod job_control;
mod leader;
mod moments;
mod programs;
mod shared;
mod stops;

use crate::harness::{Run, Running, fixture_path, look_up, recycle_path, send_signal};

const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";
const CTRL_BACKSLASH: &str = "\x1c";

/// What is typed before a command, with R for `recycle`: nothing, one, one inside another.
const WRAPPERS: &[&str] = &["", "R --", "R -- R --"];

/// An interactive shell, the leader of a terminal's session. On its command line `$W` is one of
/// `WRAPPERS`, `$R` is `recycle` and `$F` the fixture.
pub(crate) fn shell(words: &[&str], wrapper: &str) -> Running {
    let run = Run::bare().on_terminal();
    let recycle = recycle_path().to_str().unwrap();
    let home = run.dir().to_owned();
    run.env("W", wrapper.replace('R', recycle))
        .env("R", recycle)
        .env("F", fixture_path())
        // Nobody's habits and history.
        .env("HOME", home)
        .env("PS1", "$ ")
        .env("TERM", "vt100")
        .command(words)
        // A dozen processes take their turns with each key.
        .spawn()
}

/// Without its line editor: one writer less on the screen, and one less who sets modes. To whom
/// reads a line while Ctrl-C throws it away, the kernel may tell the end of input.
pub(crate) const BASH: &[&str] =
    &["bash", "--norc", "--noprofile", "--noediting", "-o", "ignoreeof", "-i"];
/// It does job control, too, and never touches the terminal's modes.
pub(crate) const DASH: &[&str] = &["dash", "-o", "ignoreeof", "-i"];

fn in_bash(scenario: impl Fn(&mut Running)) {
    WRAPPERS.iter().for_each(|wrapper| scenario(&mut shell(BASH, wrapper)));
}

fn in_dash(scenario: impl Fn(&mut Running)) {
    WRAPPERS.iter().for_each(|wrapper| scenario(&mut shell(DASH, wrapper)));
}

fn in_shells(scenario: impl Fn(&mut Running)) {
    in_bash(&scenario);
    in_dash(&scenario);
}

/// How the last command line ended. The shell must be about to have the foreground again.
fn status(run: &mut Running) -> i32 {
    run.await_foreground(run.pid());
    run.enter("echo \"status=$?\"");
    run.await_number("status=")
}

/// The COMMAND that got `ready`, and each `recycle` around it, the innermost first. Their parent is
/// the shell.
fn ready(run: &mut Running) -> Vec<i32> {
    let command = run.await_entries(1, "ready")[0].pid;
    with_ancestors(run, command)
}

fn with_ancestors(run: &Running, pid: i32) -> Vec<i32> {
    let mut pids = vec![pid];
    while let parent = look_up(pids[pids.len() - 1]).unwrap().parent
        && parent != run.pid()
    {
        pids.push(parent);
    }
    pids
}

fn group(pid: i32) -> i32 {
    look_up(pid).unwrap().group
}

fn await_stopped(run: &mut Running, pids: &[i32], stopped: bool) {
    run.wait_for(&format!("{pids:?} stopped={stopped}"), |_| {
        let mut states = pids.iter().map(|&pid| look_up(pid).unwrap().state);
        states.all(|state| (state == 'T') == stopped).then_some(())
    });
}

/// Ctrl-Z, until everybody has stopped and the shell has noticed.
fn suspend(run: &mut Running, pids: &[i32]) {
    run.press(CTRL_Z);
    await_stopped(run, pids, true);
    run.await_foreground(run.pid());
}

/// `fg`, until nobody is stopped and COMMAND has the foreground.
fn foreground(run: &mut Running, pids: &[i32]) {
    run.enter("fg");
    run.await_foreground(group(pids[0]));
    await_stopped(run, pids, false);
}

/// `fg` of what runs already: a shell may wake nobody then, and only give the foreground away. Who
/// of them has it does not matter.
fn foreground_running(run: &mut Running, pids: &[i32]) {
    run.enter("fg");
    run.wait_for(&format!("{pids:?} in the foreground"), |run| {
        let holder = run.foreground();
        pids.iter().any(|&pid| group(pid) == holder).then_some(())
    });
}

fn all_gone(run: &mut Running, pids: &[i32]) {
    pids.iter().for_each(|&pid| run.await_gone(pid));
}

/// The signal that `times` sends. Of signals that wait, the one with the least number is read
/// first.
const LAST: &str = "RTMIN+1";

/// How often COMMAND got this, once all that is on its way has arrived. COMMAND needs `trap:` LAST.
fn times(run: &mut Running, pids: &[i32], text: &str) -> usize {
    let got = format!("got {LAST}");
    let before = run.entries(&got).len();
    send_signal(pids[pids.len() - 1], libc::SIGRTMIN() + 1);
    run.await_entries(before + 1, &got);
    run.entries(text).len()
}

/// Whether each `foreground` so far found its own group there.
fn had_the_foreground(run: &Running) -> Vec<bool> {
    let groups = run.entries("groups").into_iter().map(|entry| {
        let groups: Vec<_> = entry.text.split(' ').skip(1).map(str::to_owned).collect();
        groups[0] == groups[1]
    });
    groups.collect()
}
