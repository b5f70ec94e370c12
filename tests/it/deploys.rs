//! A deploy replaces COMMAND or its directory while recycles come: nothing is stopped that could
//! not be started again, and what could not be started is tried until it can.

mod load;
mod under_load;

use crate::harness::{End, Run, Running, copy_program, fixture_path, let_pass};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A directory with a server of its own, which the link `current` is to name.
fn release(dir: &Path, name: &str) -> PathBuf {
    let release = dir.join("releases").join(name);
    fs::create_dir_all(&release).unwrap();
    copy_program(fixture_path(), &release.join("server"));
    release
}

/// Has the link name another release, at once.
fn switch(dir: &Path, release: &Path) {
    symlink(release, dir.join("next")).unwrap();
    fs::rename(dir.join("next"), dir.join("current")).unwrap();
}

const SERVER: [&str; 2] = ["trap:TERM:exit=0", "listen:0"];

/// Where this generation, or one that has followed it by now, works, and which file it is.
fn whereabouts(run: &mut Running, generation: u32) -> (PathBuf, PathBuf) {
    run.wait_for(&format!("generation {generation} or later"), |run| {
        let newest = run.entries("listening").pop()?;
        let link = |name| fs::read_link(format!("/proc/{}/{name}", newest.pid)).ok();
        Some((link("cwd")?, link("exe")?)).filter(|_| newest.generation >= Some(generation))
    })
}

fn count(run: &Running, text: &str) -> usize {
    run.stderr().matches(text).count()
}

/// One line for each wait: which generation is kept.
const KEPT: &str = "holding the recycle of generation";
const FAILED: &str = "next try in";

/// The same, said to machines.
const HELD_EVENT: &str = r#""event":"cannot_recycle""#;
const FAILED_EVENT: &str = r#""event":"start_failed""#;

/// 20 deploys, in which the link is replaced and the old release pruned, and in every other one
/// nothing is there for a while.
#[test]
fn twenty_deploys_under_load_end_nothing() {
    let options = "--max-lifetime 300ms --backoff 10ms..50ms --max-restarts 0/1h";
    let run = Run::new(options).after_shell("cd current");
    let dir = run.dir().to_owned();
    let mut old = release(&dir, "0");
    switch(&dir, &old);
    let command = ["./server"].into_iter().chain(SERVER);
    let mut run = run.command(command).spawn();
    run.await_entry(1, "listening");
    for deploy in 1..=20 {
        if deploy % 2 == 0 {
            let told = count(&run, KEPT) + count(&run, FAILED);
            fs::remove_file(dir.join("current")).unwrap();
            fs::remove_dir_all(&old).unwrap();
            run.wait_for("a recycle that cannot come", |run| {
                (count(run, KEPT) + count(run, FAILED) > told).then_some(())
            });
            let running = run.generations();
            // Only the file's own absence keeps the server away.
            if !run.stderr().lines().last().unwrap_or_default().contains(FAILED) {
                for _ in 0..10 {
                    run.connect(running).exchange("still there");
                    let_pass(Duration::from_millis(50));
                }
            }
            assert_eq!(run.generations(), running, "nothing was there to start");
        }
        let new = release(&dir, &deploy.to_string());
        switch(&dir, &new);
        let _ = fs::remove_dir_all(&old);
        let before = run.generations();
        run.wait_for("a generation of this release", |run| {
            (run.generations() > before).then_some(())
        });
        // The next one began after the link was replaced.
        let generation = run.generations() + 1;
        let (directory, file) = whereabouts(&mut run, generation);
        assert_eq!((directory, file), (new.clone(), new.join("server")));
        old = new;
    }
    run.signal(libc::SIGTERM);
    // It may come between two generations.
    assert!(matches!(run.finish(), End::Code(0) | End::Signal(libc::SIGTERM)));
}

const ASKED: &str = "--map-signal USR1:recycle --backoff 10ms..50ms";

/// Two releases, the first of which the link names.
fn two(run: &Run) -> (PathBuf, PathBuf) {
    let (first, second) = (release(run.dir(), "1"), release(run.dir(), "2"));
    switch(run.dir(), &first);
    (first, second)
}

/// Without `$PWD` nobody knows of the link: the directory that the kernel names is entered.
#[test]
fn a_directory_that_was_replaced_is_entered_anew() {
    let run = Run::new(ASKED).after_shell("cd app; unset PWD");
    let app = run.dir().join("app");
    fs::rename(release(run.dir(), "1"), &app).unwrap();
    let mut run = run.command(["./server"].into_iter().chain(SERVER)).spawn();
    run.await_entry(1, "listening");
    let new = release(run.dir(), "2");
    fs::rename(&app, run.dir().join("old")).unwrap();
    run.recycle();
    run.await_stderr("holding the recycle of generation 1 (asked by SIGUSR1)");
    fs::rename(new, &app).unwrap();
    assert_eq!(whereabouts(&mut run, 2), (app.clone(), app.join("server")));
}

/// `$PWD` that names another directory is somebody else's.
#[test]
fn a_wrong_pwd_names_nothing() {
    let run = Run::new(ASKED).after_shell("cd current; PWD=/; export PWD");
    let (first, second) = two(&run);
    let mut run = run.command(["./server"].into_iter().chain(SERVER)).spawn();
    run.await_entry(1, "listening");
    switch(run.dir(), &second);
    run.recycle();
    assert_eq!(whereabouts(&mut run, 2).0, first);
}

/// What a process found in its environment, or `None`.
fn pwd(pid: i32) -> Option<String> {
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let mut entries = environ.split(|byte| *byte == 0);
    let value = entries.find_map(|entry| entry.strip_prefix(b"PWD="));
    value.map(|value| String::from_utf8(value.to_vec()).unwrap())
}

/// As after a shell's `cd`: the name, not what it leads to. Of a later generation, too.
#[test]
fn chdir_sets_pwd() {
    for (dir, name) in [
        ("current", Some("current")),
        ("./current/.", Some("current")),
        ("releases/../current", Some("current")),
        // Without the link it would name another directory.
        ("current/../1", None),
    ] {
        let run = Run::new(&format!("{ASKED} --chdir {dir}")).env("PWD", "/");
        two(&run);
        // By the name that the kernel has for it: `$PWD` is wrong.
        let home = fs::canonicalize(run.dir()).unwrap();
        let expected = name.map(|name| home.join(name).to_str().unwrap().to_owned());
        let mut run = run.fixture("ready forever").spawn();
        for generation in 1..=2 {
            let command = run.await_entry(generation, "ready").pid;
            assert_eq!(pwd(command), expected, "{dir} {generation}");
            run.recycle();
        }
    }
    let print = |run: Run| run.env("PWD", "/srv").command(["printenv", "PWD"]).finish().1.stdout();
    assert_eq!(print(Run::new("--chdir /proc/self/..")), "/proc\n");
    assert_eq!(print(Run::new("")), "/srv\n", "nobody asked for another");
}

#[test]
fn chdir_is_resolved_for_each_generation() {
    let run = Run::new(&format!("{ASKED} --chdir current"));
    let (first, second) = two(&run);
    let mut run = run.command(["./server"].into_iter().chain(SERVER)).spawn();
    assert_eq!(whereabouts(&mut run, 1), (first.clone(), first.join("server")));
    switch(run.dir(), &second);
    fs::remove_dir_all(first).unwrap();
    run.recycle();
    assert_eq!(whereabouts(&mut run, 2), (second.clone(), second.join("server")));
}

#[test]
fn a_directory_that_is_not_there_at_first_is_an_error() {
    let (end, run) = Run::new("--chdir /no/such").fixture("exit:0").finish();
    assert_eq!((end, run.generations()), (End::Code(125), 0));
    let why = "expected a directory that can be entered: No such file or directory";
    assert_eq!(run.stderr(), format!("recycle: --chdir '/no/such': {why}\n"));
}

#[test]
fn an_absolute_command_is_resolved_for_each_generation() {
    let run = Run::new(ASKED);
    let (first, second) = two(&run);
    let server = run.dir().join("current/server");
    let words = [server.as_os_str()].into_iter().chain(SERVER.iter().map(|word| word.as_ref()));
    let mut run = run.command(words).spawn();
    assert_eq!(whereabouts(&mut run, 1).1, first.join("server"));
    switch(run.dir(), &second);
    run.recycle();
    assert_eq!(whereabouts(&mut run, 2).1, second.join("server"));
}

/// Its interpreter is missing: `venv/bin/python` in a release that was pruned.
#[test]
fn a_script_needs_its_interpreter() {
    let run = Run::new(ASKED);
    let (first, _) = two(&run);
    let script = run.dir().join("script");
    let interpreter = first.join("python").display().to_string();
    let fixture = fixture_path().display();
    fs::write(&script, format!("#!{interpreter}\n{fixture} listen:0 &\nwait\n")).unwrap();
    symlink("/bin/sh", first.join("python")).unwrap();
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    fs::set_permissions(&script, mode).unwrap();
    let mut run = run.command(["./script"]).spawn();
    run.await_entry(1, "listening");
    fs::remove_file(first.join("python")).unwrap();
    run.recycle();
    run.await_stderr(
        "holding the recycle of generation 1 (asked by SIGUSR1): cannot start './script'",
    );
    symlink("/bin/sh", first.join("python")).unwrap();
    run.await_entry(2, "listening");
}

/// An end needs no next generation.
#[test]
fn what_is_to_end_ends_whatever_is_missing() {
    let run = Run::new(&format!("{ASKED} --then exit:7"));
    let (first, _) = two(&run);
    let mut run = run.command(["current/server"].into_iter().chain(SERVER)).spawn();
    run.await_entry(1, "listening");
    fs::remove_file(first.join("server")).unwrap();
    run.recycle();
    assert_eq!(run.finish(), End::Code(7));
}

/// The kernel looks for it in COMMAND's directory, which is not ours; another line end is part of
/// its name.
#[test]
fn a_relative_interpreter_is_looked_for_where_command_starts() {
    let run = Run::new(&format!("{ASKED} --chdir app"));
    let app = run.dir().join("app");
    fs::create_dir(&app).unwrap();
    copy_program(Path::new("/bin/sh"), &app.join("interp"));
    let script = app.join("server");
    fs::write(&script, "#!./interp\nexec \"$@\"\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let command = ["./server", fixture_path().to_str().unwrap(), "ready", "forever"];
    let mut run = run.command(command).spawn();
    run.await_entry(1, "ready");
    run.recycle();
    let second = run.await_entry(2, "ready").pid;
    fs::write(&script, "#!./interp\r\nexec \"$@\"\n").unwrap();
    run.recycle();
    run.await_stderr(KEPT);
    assert!(crate::harness::lives(second));
}
