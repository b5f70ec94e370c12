//! Files that cannot be written, from the start or later.

use super::{FILE, await_memory, await_value, read, text, value};
use crate::harness::{End, Run, Running, as_another_user};
use nix::sys::stat::Mode;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

const OPTIONS: &str = "--sample-every 100ms --map-signal USR1:recycle";

fn assert_refused(run: Run, file: &str, why: &str) {
    let (end, run) = run.fixture("exit:0").finish();
    let line = format!("recycle: --metrics 'prom:{file}': {why}\n");
    assert_eq!((end, run.stderr()), (End::Code(125), line));
    assert!(run.journal().is_empty(), "COMMAND was started");
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_at_once() {
    let with = |file: &str| Run::new(&format!("--metrics prom:{file}"));
    assert_refused(with("no/x.prom"), "no/x.prom", "No such file or directory");
    assert_refused(with("stdout/x"), "stdout/x", "Not a directory");
    let long = "x".repeat(256);
    assert_refused(with(&long), &long, "File name too long");
    let run = as_another_user("--metrics prom:x.prom");
    fs::set_permissions(run.dir(), Permissions::from_mode(0o755)).unwrap();
    let (end, run) = run.command(["./fixture", "exit:0"]).finish();
    let line = "recycle: --metrics 'prom:x.prom': Permission denied\n";
    assert_eq!((end, run.stderr().as_str()), (End::Code(125), line));
    assert!(text(&run).is_empty());
}

/// Root could replace all of these, the kernel would not mind.
#[test]
fn what_is_no_file_is_left_alone() {
    let why = "is there, and is not a regular file";
    let run = || Run::new("--metrics prom:x.prom");
    let (directory, fifo, link) = (run(), run(), run());
    fs::create_dir(directory.dir().join(FILE)).unwrap();
    assert_refused(directory, FILE, why);
    nix::unistd::mkfifo(&fifo.dir().join(FILE), Mode::S_IRWXU).unwrap();
    assert_refused(fifo, FILE, why);
    fs::write(link.dir().join("elsewhere"), "").unwrap();
    symlink("elsewhere", link.dir().join(FILE)).unwrap();
    assert_refused(link, FILE, why);
    assert_refused(Run::new("--metrics prom:/dev/full"), "/dev/full", why);
}

/// Nothing says that we run when we do not.
#[test]
fn when_something_else_is_wrong_there_is_no_file() {
    let options = "--metrics prom:x.prom --idle 1h --traffic stdin";
    let (end, run) = Run::new(options).fixture("exit:0").finish();
    assert_eq!(end, End::Code(125));
    assert!(text(&run).is_empty(), "{}", run.stderr());
}

/// What is beside it may be another's, who waits for root to come along.
#[test]
fn a_link_where_the_draft_is_made_leads_nowhere() {
    let run = Run::new("--metrics prom:x.prom");
    fs::write(run.dir().join("precious"), "precious").unwrap();
    symlink("precious", run.dir().join(".x.prom.1")).unwrap();
    // Not `exec`: PID 1 is to be `recycle`, whose number is known so.
    let world = ["unshare", "--pid", "--fork", "--kill-child"];
    let (end, run) = run.through(world).fixture("exit:0").finish();
    assert_eq!(end, End::Code(0));
    assert_eq!(value(&text(&run), "exits_total", ""), Some(1.0));
    assert_eq!(fs::read_to_string(run.dir().join("precious")).unwrap(), "precious");
    assert!(!run.dir().join(".x.prom.1").is_symlink());
}

/// How often it was said that the file cannot be written.
fn complaints(run: &Running, why: &str) -> usize {
    run.stderr().matches(&format!("': {why}; trying again\n")).count()
}

/// Files in a directory that only the program sees.
fn inside(run: &Running, directory: &str) -> PathBuf {
    let dir = run.dir().join(directory);
    Path::new(&format!("/proc/{}/root", run.pid())).join(dir.strip_prefix("/").unwrap())
}

fn names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn await_generation(run: &mut Running, file: &Path, generation: f64) {
    run.wait_for("a new file", |_| {
        (value(&read(file), "generation", "") == Some(generation)).then_some(())
    });
}

#[test]
fn a_full_disk_is_said_once_and_forgotten_when_there_is_room() {
    let run = Run::new(&format!("{OPTIONS} --metrics prom:full/x.prom"));
    fs::create_dir(run.dir().join("full")).unwrap();
    let mount = "mount -t tmpfs -o size=64k none full; exec \"$@\"";
    let run = run.through(["unshare", "--mount", "sh", "-c", mount, "sh"]);
    let mut run = run.fixture("ready forever").spawn();
    run.await_entry(1, "ready");
    let disk = inside(&run, "full");
    let file = disk.join(FILE);
    await_generation(&mut run, &file, 1.0);
    let mut filler = fs::File::create(disk.join("filler")).unwrap();
    let full = filler.write_all(&[0; 1 << 20]).unwrap_err();
    assert_eq!(full.raw_os_error(), Some(libc::ENOSPC));
    let why = "No space left on device";
    run.wait_for("a word about it", |run| (complaints(run, why) == 1).then_some(()));
    assert!(run.stderr().contains("metrics cannot go to 'prom:full/x.prom': "), "{}", run.stderr());
    for generation in 2..=4 {
        run.recycle();
        run.await_entry(generation, "ready");
    }
    // Nothing half done is left, and what there is stays whole.
    run.wait_for("one file", |_| (names(&disk) == ["filler", FILE]).then_some(()));
    let generation = value(&read(&file), "generation", "").unwrap();
    assert!(generation < 4.0, "{generation}");
    drop(filler);
    fs::remove_file(disk.join("filler")).unwrap();
    await_generation(&mut run, &file, 4.0);
    run.wait_for("one file", |_| (names(&disk) == [FILE]).then_some(()));
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    assert_eq!(complaints(&run, why), 1);
}

#[test]
fn a_directory_that_becomes_read_only_is_the_same() {
    let run = as_another_user(&format!("{OPTIONS} --metrics prom:d/x.prom --log-format json"));
    let dir = run.dir().join("d");
    let allow = |mode| fs::set_permissions(&dir, Permissions::from_mode(mode)).unwrap();
    fs::create_dir(&dir).unwrap();
    allow(0o777);
    let mut run = run.command(["./fixture", "ready", "forever"]).spawn();
    let file = dir.join(FILE);
    await_generation(&mut run, &file, 1.0);
    allow(0o555);
    run.recycle();
    let line = r#""event":"metrics_failed","target":"prom:d/x.prom","error":"Permission denied","#;
    run.await_stderr(line);
    allow(0o777);
    await_generation(&mut run, &file, 2.0);
    allow(0o555);
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    assert_eq!(run.stderr().matches(line).count(), 1);
}

#[test]
fn a_relative_file_goes_along_with_its_directory() {
    let options = format!("{OPTIONS} --metrics prom:x.prom");
    let run = Run::new(&options).after_shell("mkdir a; cd a").fixture("ready forever");
    let mut run = run.spawn();
    run.await_entry(1, "ready");
    let (here, there) = (run.dir().join("a"), run.dir().join("b"));
    await_generation(&mut run, &here.join(FILE), 1.0);
    fs::rename(&here, &there).unwrap();
    // The next generation starts in what has its name by then.
    fs::create_dir(&here).unwrap();
    run.recycle();
    await_generation(&mut run, &there.join(FILE), 2.0);
    assert!(!here.join(FILE).exists());
    assert_eq!(run.stderr().matches("metrics").count(), 0);
}

/// Somebody else has put a new one there, or none: it is replaced like the old one.
#[test]
fn a_file_that_is_taken_away_comes_back() {
    let run = Run::new(&format!("{OPTIONS} --metrics prom:x.prom"));
    let mut run = run.fixture("ready forever").spawn();
    await_memory(&mut run);
    fs::remove_file(run.dir().join(FILE)).unwrap();
    run.recycle();
    await_value(&mut run, "generation", "", 2.0);
}
