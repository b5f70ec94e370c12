//! How a generation's end comes: first the end of its input, then what comes to every other.

use super::{
    ASKED, assert_drained, assert_same, await_kept, fed, given, kept, numbered, run,
    write_in_pieces,
};
use crate::harness::{End, fixture_path, recycle_path};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn a_generation_that_ends_with_its_input_is_told_nothing_else() {
    let script = "env trap:all take:all@out";
    let (mut run, producer) = fed(run("--max-lifetime 100ms").fixture(script));
    run.await_entry(3, "take");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_eq!(run.entries("got").len(), 0);
    assert_drained(&run);
    let line = run.recycles().remove(0);
    let start = "recycle: generation 1 recycled: lifetime 0.1s after ";
    assert!(line.starts_with(start) && line.ends_with(')'), "{line}");
    let told = run.entries("variables");
    assert!(told[1].text.contains("RECYCLE_REASON=lifetime"), "{told:?}");
}

#[test]
fn machines_are_told_that_it_was_drained() {
    let options = "--max-lifetime 100ms --log-format json";
    let (mut run, producer) = fed(run(options).fixture("take:all@out"));
    run.await_entry(2, "take");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    let stderr = run.stderr();
    let line = stderr.lines().find(|line| line.contains(r#""event":"recycled""#)).unwrap();
    assert!(line.contains("(end of input, gone in ") && !line.contains(r#""signal":"#), "{line}");
}

/// It sees the end of its input, is given its time, and then TERM, and then KILL.
#[test]
fn one_that_does_not_end_is_stopped() {
    let options = format!("{ASKED} --drain-timeout 300ms --stop-timeout 200ms");
    let script = "once:trap:TERM ready take:all@out once:forever exit:4";
    let (mut run, mut producer) = fed(run(&options).fixture(script));
    run.await_entry(1, "ready");
    producer.write(b"1\n2\n");
    await_kept(&mut run, b"1\n2\n");
    let asked_ms = run.recycle();
    let eof = run.await_entry(1, "eof");
    let told = run.await_entry(1, "got TERM");
    assert!(told.t_ms >= asked_ms + 300 && told.t_ms >= eof.t_ms);
    let second = run.await_entry(2, "ready");
    assert!(second.t_ms >= asked_ms + 500);
    let line = run.wait_for("the line", |run| run.recycles().pop());
    assert!(line.contains(" (SIGTERM, SIGKILL after "), "{line}");
    producer.write(b"3\n");
    await_kept(&mut run, b"1\n2\n3\n");
    drop(producer);
    assert_eq!(run.finish(), End::Code(4));
}

/// What it does with its input takes its time, and nobody tells it to hurry.
#[test]
fn one_that_has_much_to_do_is_not_hurried() {
    let script = "trap:TERM take:all@out once:sleep:1s";
    let (mut run, mut producer) = fed(run(ASKED).fixture(script));
    producer.write(b"1\n");
    await_kept(&mut run, b"1\n");
    let asked_ms = run.recycle();
    assert!(run.await_entry(2, "take").t_ms >= asked_ms + 1000);
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_eq!(run.entries("got").len(), 0);
    assert_drained(&run);
}

#[test]
fn a_pre_stop_comes_before_the_end_of_input() {
    let options = format!("{ASKED} --pre-stop-timeout 1h");
    let run = run(&options)
        .env("F", fixture_path())
        .env("RECYCLE_PRE_STOP", "$F mark:hook wait-file:go mark:done");
    let (mut run, mut producer) = fed(run.fixture("take:all@out"));
    run.await_entry(1, "take");
    run.recycle();
    run.await_entries(1, "mark:hook");
    // It is still somebody who can deal with it.
    producer.write(b"1\n");
    await_kept(&mut run, b"1\n");
    assert_eq!(run.entries("eof").len(), 0);
    run.touch("go");
    run.await_entry(2, "take");
    let journal = run.journal();
    let place = |text: &str| journal.iter().position(|entry| entry.text == text).unwrap();
    assert!(place("mark:done") < place("eof"));
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_drained(&run);
}

#[test]
fn an_observer_ends_nobodys_input() {
    let (mut run, mut producer) =
        fed(run("--observe --max-lifetime 100ms").fixture("append:out exit:3"));
    for number in 1..=3 {
        producer.write(b"line\n");
        await_kept(&mut run, &b"line\n".repeat(number));
        run.wait_for("what would be", |run| {
            (run.stderr().matches(" would recycle ").count() >= number).then_some(())
        });
    }
    drop(producer);
    assert_eq!(run.finish(), End::Code(3));
    assert_eq!((run.generations(), run.recycles().len()), (1, 0));
}

#[test]
fn one_recycle_inside_another_loses_nothing_either() {
    let recycle = recycle_path().to_str().unwrap();
    let inner = format!("{recycle} --stdin lines --max-lifetime 40ms --");
    let words = inner.split(' ').chain([fixture_path().to_str().unwrap(), "append:out"]);
    let all = numbered(1..=100_000);
    let (mut run, mut producer) = fed(run("--max-lifetime 300ms").command(words));
    write_in_pieces(&mut run, &mut producer, &all, 10);
    run.wait_for("a recycle of the outer one", |run| {
        run.recycles().into_iter().find(|line| line.contains(" lifetime 0.3s "))
    });
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &all);
    assert_drained(&run);
    super::assert_whole(&run);
}

/// Told to end while more comes than COMMAND reads: it is told, too, and nobody follows.
#[test]
fn told_to_end_it_ends() {
    let all = numbered(1..=100_000);
    for (options, script, signal, end) in [
        ("", "mark:plain", libc::SIGTERM, End::Signal(libc::SIGTERM)),
        ("", "mark:plain", libc::SIGINT, End::Signal(libc::SIGINT)),
        ("", "mark:plain", libc::SIGHUP, End::Signal(libc::SIGHUP)),
        ("", "trap:TERM:exit=5:after=100ms", libc::SIGTERM, End::Code(5)),
        ("--max-lifetime 1h", "mark:plain", libc::SIGTERM, End::Signal(libc::SIGTERM)),
        ("--max-lifetime 1h", "mark:plain", libc::SIGINT, End::Signal(libc::SIGINT)),
        ("--max-lifetime 1h", "trap:INT:exit=5", libc::SIGINT, End::Code(5)),
        ("--restart always", "mark:plain", libc::SIGTERM, End::Signal(libc::SIGTERM)),
        ("--restart always", "trap:TERM:exit=5", libc::SIGTERM, End::Code(5)),
    ] {
        let script = format!("{script} read-slowly:9/5ms");
        let (mut run, mut producer) = fed(run(options).fixture(&script));
        run.await_entry(1, "read-slowly");
        while producer.try_write(&all).unwrap() > 0 {}
        run.signal(signal);
        assert_eq!(run.finish(), end, "{script} {options}");
        assert_eq!(run.generations(), 1);
    }
}

#[test]
fn a_command_that_cannot_be_executed_is_an_error_as_ever() {
    for (command, status) in [("/no/such/program", 127), ("/", 126)] {
        let run = run("--max-lifetime 1h").command([command]);
        let mut run = given(run, b"1\n2\n");
        assert_eq!(run.finish(), End::Code(status));
        assert_eq!(run.stderr().lines().count(), 1, "{}", run.stderr());
    }
}

/// Whatever comes meanwhile waits for somebody who can be started.
#[test]
fn a_recycle_that_cannot_execute_loses_nothing() {
    let run = run(&format!("{ASKED} --backoff 20ms..20ms --max-restarts 1000/1h"));
    let link = run.dir().join("deployed");
    symlink(fixture_path(), &link).unwrap();
    let (mut run, mut producer) = fed(run.command(["./deployed", "append:out"]));
    producer.write(b"1\n");
    await_kept(&mut run, b"1\n");
    fs::remove_file(&link).unwrap();
    run.recycle();
    run.await_stderr("No such file or directory");
    producer.write(b"2\n3");
    drop(producer);
    symlink(fixture_path(), &link).unwrap();
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), b"1\n2\n3");
}
