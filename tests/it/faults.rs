//! A world in which something is missing or odd. Supervision goes on, or ends with a clear line and
//! the right status; never does it spin, hang in silence, or leave an orphan behind.

mod descriptors;
mod time;

use crate::harness::{
    End, Run, Running, as_another_user, fixture_path, lives, look_up, make_fixture_set_uid,
    to_another_user, tool, with_programs,
};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// CPU time that a process has used, in clock ticks: hundredths of a second.
fn cpu_ticks(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Sets limits of the running `recycle`, as `prlimit(1)` has them.
fn limit(run: &Running, limits: &str) {
    let pid = format!("--pid={}", run.pid());
    let prlimit = Run::bare().command([tool("prlimit").to_str().unwrap(), &pid, limits]);
    assert_eq!(prlimit.finish().0, End::Code(0));
}

/// COMMAND dies with a `recycle` that cannot go on, and nothing is left to hang.
#[test]
fn without_memory_it_goes_on_or_takes_command_along() {
    for limits in ["--as=1:", "--data=1:"] {
        let options = "--map-signal USR1:recycle --max-rss 1G --idle 1h";
        let mut run = Run::new(options).fixture("ignore:HUP ready forever").spawn();
        let command = run.await_entry(1, "ready").pid;
        limit(&run, limits);
        run.recycle();
        run.await_gone(command);
        run.signal(libc::SIGTERM);
        // By the signal that came first: ours, or that of a fault.
        let end = run.finish();
        assert!(matches!(end, End::Signal(_) | End::Code(125)), "{end:?}");
        assert!(run.processes().is_empty());
    }
}

/// Sees it through two recycles and then to its end, which is by TERM, unless it has ended before.
fn finish_third(run: Run) -> (End, Running) {
    let mut run = run.term_held().fixture("ready unblock forever").spawn();
    let third = run.wait_for("the third generation, or the end", |run| {
        let third = run.generations() >= 3;
        (third || !lives(run.pid())).then_some(third)
    });
    if third {
        run.signal(libc::SIGTERM);
    }
    (run.finish(), run)
}

/// From the start: it works, or says why it does not.
#[test]
fn with_little_memory_it_works_or_says_why_not() {
    let mut worked = 0;
    for limit in ["-v 8000", "-v 16000", "-v 32000", "-v 64000", "-d 100", "-d 500", "-d 2000"] {
        let run = Run::new("--max-lifetime 200ms --max-rss 1G --idle 1h");
        let (end, run) = finish_third(run.after_shell(&format!("ulimit -S {limit}")));
        match end {
            End::Signal(libc::SIGTERM) => worked += usize::from(run.generations() >= 3),
            // 127 comes from the loader of shared libraries.
            End::Code(125 | 127) => assert_ne!(run.stderr(), "", "{limit}"),
            // It, or COMMAND, was too big for the kernel to execute (execve(2)).
            End::Signal(libc::SIGSEGV | libc::SIGKILL | libc::SIGABRT) => {}
            End::Code(_) | End::Signal(_) => panic!("{limit}: {end:?}"),
        }
        assert!(run.processes().is_empty());
    }
    assert!(worked >= 2, "{worked}");
}

#[test]
fn without_pids_there_is_no_first_start() {
    let words = format!(
        "{} {} --nproc=1:1 ./recycle --restart always ./fixture ready forever",
        to_another_user(),
        tool("prlimit").display()
    );
    let run = with_programs(Run::bare()).command(words.split_whitespace());
    let (end, run) = run.finish();
    assert_eq!(end, End::Code(125));
    let stderr = run.stderr();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("recycle: cannot make a process for './fixture': "), "{stderr}");
    assert!(stderr.contains("Resource temporarily unavailable"), "{stderr}");
    assert_eq!(run.generations(), 0);
}

/// A `/proc` without anything, in a PID namespace of its own: neither tree nor memory can be seen.
fn without_proc(run: Run, script: &str) -> (End, Running) {
    let hide = "mount -t tmpfs none /proc; \"$0\" \"$@\"; exit $?";
    let world = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "sh", "-c", hide];
    run.through(world).command(["sh", "-c", script]).finish()
}

#[test]
fn without_proc_signals_and_ends_are_as_ever() {
    for options in ["", "--max-rss 1G --kill-rss 2G", "--max-lifetime 1h"] {
        let (end, run) = without_proc(Run::new(options), "exit 3");
        assert_eq!(end, End::Code(3), "{options}: {}", run.stderr());
        assert!(run.stderr().lines().all(|line| line.starts_with("recycle: cannot see ")));
    }
    let script = "trap 'exit 6' USR2; kill -USR2 $PPID; while :; do sleep 0.05; done";
    assert_eq!(without_proc(Run::new("--max-lifetime 1h"), script).0, End::Code(6));
}

/// Nothing but what is known is said: that the tree cannot be seen, and how old it is.
#[test]
fn without_proc_nothing_is_said_of_traffic() {
    for options in ["--sample-every 200ms", "--observe"] {
        let (_, run) = without_proc(Run::new(options), "sleep 1");
        let said = run.stderr();
        assert!(!said.contains("no traffic for") && !said.contains("none was seen"), "{said}");
        let known = ["sample: generation 1", "traffic: could not be seen"];
        assert!(known.iter().any(|known| said.contains(known)), "{said}");
    }
}

/// Somebody asked for a limit: that it does nothing is an error. Age needs nothing to be seen.
#[test]
fn without_proc_a_limit_that_does_nothing_is_said_and_age_counts() {
    for option in ["--max-rss", "--max-pss", "--kill-rss"] {
        let options = format!("-q {option} 1G --max-lifetime 300ms --then exit:4");
        let (end, run) = without_proc(Run::new(&options), "exec sleep 3600");
        let said = run.stderr();
        assert_eq!((end, said.lines().count()), (End::Code(4), 1), "{option}: {said}");
        let line = "recycle: cannot see which processes COMMAND has (No such file or directory): \
                    memory limits do nothing, ";
        assert!(said.starts_with(line), "{said}");
        assert!(said.ends_with("signals, ends and --max-lifetime work\n"), "{said}");
    }
}

#[test]
fn without_proc_nothing_can_go_idle() {
    for traffic in ["stdin", "sockets", "tcp", "udp", "unix", "stdin,sockets"] {
        for option in ["--idle 1h", "--max-lifetime 1h --quiet 1s"] {
            let options = format!("{option} --traffic {traffic}");
            let (end, run) = without_proc(Run::new(&options).stdin_pipe(), "exit 3");
            let line = "recycle: --idle, --quiet: nothing to watch: which processes COMMAND has \
                        cannot be seen here (No such file or directory)\n";
            assert_eq!((end, run.stderr().as_str()), (End::Code(125), line), "{options}");
        }
    }
}

/// Other users' processes cannot be seen; a set-uid COMMAND counts as another user's.
fn behind_hidepid(options: &str) -> Run {
    let hide = format!(
        "mount -t proc -o hidepid=2 proc /proc; exec {} ./recycle {options} \"$@\"",
        to_another_user()
    );
    with_programs(Run::bare()).through(["unshare", "--mount", "sh", "-c", &hide, "sh"])
}

#[test]
fn where_others_are_hidden_the_own_tree_is_not() {
    let options = "--map-signal USR1:recycle --max-rss 60M --idle 1h --stop-timeout 300ms";
    let child = "orphan:1:setsid,ignore:TERM,mark:up,forever";
    let script = format!("./fixture survivors lock:life {child} ready at:2:leak:50M/s forever");
    let mut run = behind_hidepid(options).command(script.split_whitespace()).spawn();
    run.await_entry(1, "mark:up");
    run.await_entry(1, "ready");
    run.recycle();
    assert_eq!(run.await_entry(3, "ready").reason.as_deref(), Some("rss"));
    assert_eq!(run.entries("survivors none").len(), 3);
    assert!(run.entries("still-locked").is_empty());
}

/// What cannot be seen has not gone: KILL reaches it all the same.
#[test]
fn a_set_uid_command_that_is_hidden_is_killed_all_the_same() {
    for script in ["ready forever", "ignore:TERM ready forever"] {
        let options = "--map-signal USR1:recycle --stop-timeout 300ms";
        let run = behind_hidepid(options);
        make_fixture_set_uid(&run);
        let script = format!("./fixture survivors lock:life {script}");
        let mut run = run.command(script.split_whitespace()).spawn();
        run.await_entry(1, "ready");
        run.recycle();
        run.await_entry(2, "ready");
        assert_eq!(run.entries("survivors none").len(), 2);
        assert!(run.entries("still-locked").is_empty());
    }
}

/// The negative control: seen, the same COMMAND is killed.
#[test]
fn a_set_uid_command_that_is_seen_is_killed() {
    let run = as_another_user("--map-signal USR1:recycle --stop-timeout 300ms");
    make_fixture_set_uid(&run);
    let mut run = run.command(["./fixture", "ignore:TERM", "ready", "forever"]).spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entry(2, "ready");
}

/// Lines that found no room are lost, those that come later are whole.
#[test]
fn a_pipe_that_fills_and_is_read_again_later() {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let shared = writer.try_clone().unwrap();
    let run = Run::new("-v --max-lifetime 100ms").stderr(shared).term_held();
    let run = run;
    let mut run = run.fixture("ready unblock forever").spawn();
    run.await_entry(2, "ready");
    // Up to the last byte: not even half a line fits.
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while writer.write(&[b'\n'; 4096]).is_ok() {}
    while writer.write(b"\n").is_ok() {}
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    drop(writer);
    let full_since = run.generations();
    run.await_entry(full_since + 5, "ready");

    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let mut text = String::new();
    let read = |text: &mut String| {
        let mut bytes = [0; 65536];
        while let Ok(length @ 1..) = reader.read(&mut bytes) {
            text.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        }
    };
    let mut read = read;
    read(&mut text);
    let now = run.generations();
    run.await_entry(now + 3, "ready");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    read(&mut text);
    let said = |generation: u32| text.contains(&format!("generation {generation} recycled: "));
    assert!(said(1) && said(now + 1) && !said(full_since + 2), "{text}");
    for line in text.lines().filter(|line| !line.is_empty()) {
        let ends = [")", " started", ": lifetime 0.1s", ": SIGTERM", " passed on"];
        let whole = ends.iter().any(|end| line.ends_with(end));
        assert!(line.starts_with("recycle: ") && whole, "{line:?}");
    }
}

#[test]
fn a_directory_that_is_gone_before_the_first_start() {
    let run = Run::new("--map-signal USR1:recycle --max-rss 1G");
    let run = run.after_shell("mkdir gone; cd gone; rmdir ../gone").fixture("ready forever");
    let mut run = run.spawn();
    run.await_entry(1, "ready");
    run.recycle();
    run.await_entry(2, "ready");
    assert!(!run.dir().join("gone").exists());
}

/// Puts a program there as a deploy does: at once, under the feet of the one that runs.
fn deploy(dir: &Path, name: &str) {
    let fixture = fixture_path().display();
    fs::write(dir.join("new"), format!("#!/bin/sh\nexec {fixture} mark:{name} forever\n")).unwrap();
    fs::set_permissions(dir.join("new"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(dir.join("new"), dir.join("deployed")).unwrap();
}

#[test]
fn a_program_that_was_replaced_is_the_next_generation() {
    let run = Run::new("--map-signal USR1:recycle");
    deploy(run.dir(), "first");
    let mut run = run.command(["./deployed"]).spawn();
    for (generation, name) in [(1, "first"), (2, "second"), (3, "third")] {
        run.await_entry(generation, &format!("mark:{name}"));
        deploy(run.dir(), if generation == 1 { "second" } else { "third" });
        run.recycle();
    }
    // ... and one that was replaced by nothing of use is tried until it is.
    run.await_entry(4, "mark:third");
    fs::write(run.dir().join("deployed"), "").unwrap();
    fs::set_permissions(run.dir().join("deployed"), fs::Permissions::from_mode(0o644)).unwrap();
    run.recycle();
    run.await_stderr("cannot start './deployed': Permission denied");
    deploy(run.dir(), "fourth");
    run.await_entries(1, "mark:fourth");
}

/// The program file of `recycle` itself: what runs is what was started.
#[test]
fn recycle_itself_may_be_replaced() {
    let run = with_programs(Run::bare());
    let words =
        ["./recycle", "--map-signal", "USR1:recycle", "--", "./fixture", "ready", "forever"];
    let mut run = run.command(words).spawn();
    let command = run.await_entry(1, "ready").pid;
    assert_eq!(look_up(command).unwrap().parent, run.pid());
    fs::remove_file(run.dir().join("recycle")).unwrap();
    run.recycle();
    run.await_entry(2, "ready");
}
