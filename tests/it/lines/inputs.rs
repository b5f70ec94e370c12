//! What standard input can be: a terminal, a file, nothing, a socket, something that others share.

use super::{ASKED, assert_same, assert_whole, await_kept, kept, numbered, run};
use crate::harness::{End, Run, Running, look_up, own_network};
use crate::terminal::{BASH, shell};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_Z: &str = "\x1a";

fn on_terminal(script: &str) -> Running {
    run(ASKED).on_terminal().fixture(script).spawn()
}

#[test]
fn a_terminal_works_line_by_line() {
    let mut run = on_terminal("ready take:all@out exit:4");
    run.await_entry(1, "ready");
    run.enter("one");
    await_kept(&mut run, b"one\n");
    run.enter("two");
    await_kept(&mut run, b"one\ntwo\n");
    run.recycle();
    let second = run.await_entry(2, "ready").pid;
    run.enter("three");
    await_kept(&mut run, b"one\ntwo\nthree\n");
    // Who reads the keys shares the keys' signals.
    let group = |pid| look_up(pid).unwrap().group;
    assert_eq!(group(second), group(run.pid()));
    run.press(CTRL_D);
    assert_eq!(run.finish(), End::Code(4));
    assert_same(&kept(&run), b"one\ntwo\nthree\n");
}

#[test]
fn ctrl_c_arrives_once() {
    let mut run = on_terminal("trap:INT trap:RTMIN+1 ready take:all@out exit:4");
    run.await_entry(1, "ready");
    for number in 1..=3 {
        run.press(CTRL_C);
        run.await_entries(number, "got INT");
        // It is read after all others that wait.
        run.signal(libc::SIGRTMIN() + 1);
        run.await_entries(number, "got RTMIN+1");
        assert_eq!(run.entries("got INT").len(), number);
    }
    run.press(CTRL_D);
    assert_eq!(run.finish(), End::Code(4));
}

#[test]
fn ctrl_c_ends_it_by_the_signal() {
    let mut run = on_terminal("ready take:all@out exit:4");
    run.await_entry(1, "ready");
    run.press(CTRL_C);
    assert_eq!(run.finish(), End::Signal(libc::SIGINT));
}

/// In a shell that does job control.
#[test]
fn ctrl_z_stops_it_and_fg_goes_on() {
    let mut run = shell(BASH, "");
    run.enter("\"$R\" --stdin lines -- \"$F\" ready take:all@out exit:4");
    let command = run.await_entries(1, "ready")[0].pid;
    let recycle = look_up(command).unwrap().parent;
    run.enter("one");
    await_kept(&mut run, b"one\n");
    run.press(CTRL_Z);
    let stopped = |pid| look_up(pid).unwrap().state == 'T';
    run.wait_for("the stop", |_| (stopped(command) && stopped(recycle)).then_some(()));
    run.await_foreground(run.pid());
    run.enter("fg");
    run.await_foreground(look_up(recycle).unwrap().group);
    run.enter("two");
    await_kept(&mut run, b"one\ntwo\n");
    run.press(CTRL_D);
    run.await_gone(recycle);
    run.enter("echo \"status=$?\"");
    assert_eq!(run.await_number("status="), 4);
}

/// From where it stands, like any other input: no generation reads again what one has read.
#[test]
fn a_file_is_read_once() {
    let mut input = tempfile::tempfile().unwrap();
    let all = numbered(1..=50_000);
    input.write_all(&all).unwrap();
    input.seek(SeekFrom::Start(2)).unwrap();
    let script = "at:1:take:3@out at:1:mark:stuck at:1:forever \
                  at:2:take:2@out at:2:mark:stuck at:2:forever append:out exit:4";
    let options = format!("{ASKED} --drain-timeout 0s");
    let mut run = run(&options).stdin(input).fixture(script).spawn();
    for generation in 1..=2 {
        run.await_entry(generation, "mark:stuck");
        run.recycle();
    }
    assert_eq!(run.finish(), End::Code(4));
    assert_same(&kept(&run), &all[2..]);
    assert_eq!(run.generations(), 3);
}

#[test]
fn dev_null_is_the_end_at_once() {
    for options in ["", "--max-lifetime 10ms", "--restart always"] {
        let input = File::open("/dev/null").unwrap();
        let mut run = run(options).stdin(input).fixture("count-stdin exit:5").spawn();
        assert_eq!(run.finish(), End::Code(5), "{options}");
        assert_eq!(run.entries("counted")[0].number(), 0);
        assert_eq!(run.generations(), 1);
    }
}

/// Nothing can be read from any of these.
#[test]
fn what_is_no_input_is_the_end_at_once() {
    for shell in ["exec <&-", "exec </", "exec 0>unread"] {
        let run = run("--restart always").after_shell(shell);
        let (end, run) = run.fixture("count-stdin exit:5").finish();
        assert_eq!((end, run.generations()), (End::Code(5), 1), "{shell}");
        assert_eq!(run.entries("counted")[0].number(), 0);
    }
}

#[test]
fn a_socket_is_read_to_its_end() {
    own_network();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    // Should nobody read.
    ours.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let run = run(ASKED).stdin(OwnedFd::from(theirs)).fixture("append:out");
    let mut run = run.spawn();
    let all = numbered(1..=30_000);
    let mut sent = 0;
    for part in all.chunks(all.len() / 3 + 1) {
        ours.write_all(part).unwrap();
        sent += part.len();
        // What has no end yet waits for it.
        let whole = all[..sent].iter().rposition(|&byte| byte == b'\n').unwrap();
        await_kept(&mut run, &all[..=whole]);
        let generations = run.generations();
        run.recycle();
        run.await_entry(generations + 1, "append");
    }
    // Only this way: the other one stays open.
    ours.shutdown(Shutdown::Write).unwrap();
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &all);
    assert_whole(&run);
}

/// Its messages would be cut where they are longer than what is read at a time.
#[test]
fn a_socket_of_messages_is_refused() {
    let (_ours, theirs) = UnixDatagram::pair().unwrap();
    let run = Run::new("--stdin lines").stdin(OwnedFd::from(theirs)).fixture("ready");
    let (end, run) = run.finish();
    assert_eq!((end, run.generations()), (End::Code(125), 0));
    let said =
        "recycle: --stdin lines: standard input is a socket of messages, which has no lines\n";
    assert_eq!(run.stderr(), said);
}

/// A pipe of packets loses of each what is not read at once (`O_DIRECT`, `pipe(2)`).
#[test]
fn packets_are_whole() {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_DIRECT | OFlag::O_CLOEXEC).unwrap();
    let mut run = run("").stdin(reader).fixture("take:all@out").spawn();
    let mut writer = File::from(writer);
    let packets =
        (0..16).map(|_| vec![b'a'; 4090]).chain([[vec![b'b'; 4000], vec![b'\n']].concat()]);
    let packets: Vec<_> = packets.collect();
    for packet in &packets {
        writer.write_all(packet).unwrap();
    }
    drop(writer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), &packets.concat());
}

fn flags(file: impl AsFd) -> OFlag {
    OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL).unwrap())
}

/// The flags belong to all who have it, a shell for one.
#[test]
fn the_flags_of_standard_input_are_left_alone() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let shared = reader.try_clone().unwrap();
    let before = flags(&shared);
    let mut run = run(ASKED).stdin(reader).fixture("append:out").spawn();
    writer.write_all(b"1\n").unwrap();
    await_kept(&mut run, b"1\n");
    assert_eq!(flags(&shared), before);
    run.recycle();
    run.await_entry(2, "append");
    assert_eq!(flags(&shared), before);
    drop(writer);
    assert_eq!(run.finish(), End::Code(0));
    assert_eq!(flags(&shared), before);
}

/// Somebody who has it made it so.
#[test]
fn an_input_that_does_not_wait_is_waited_for() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let mut run = run("").stdin(reader).fixture("append:out").spawn();
    run.await_entry(1, "append");
    run.wait_for("its sleep", |run| look_up(run.pid()).filter(|it| it.state == 'S'));
    writer.write_all(b"1\n2\n").unwrap();
    await_kept(&mut run, b"1\n2\n");
    drop(writer);
    assert_eq!(run.finish(), End::Code(0));
}

/// Whoever else reads from it gets what `recycle` has not read, and the other way round: with
/// `head` first that is all it has left.
#[test]
fn what_somebody_read_before_is_not_missed() {
    let input = "{ read -r line; \"$@\"; } <input; exit";
    let run = run("").after_shell(input).fixture("append:out exit:4");
    std::fs::write(run.dir().join("input"), "first\nsecond\nthird").unwrap();
    let (end, run) = run.finish();
    assert_eq!(end, End::Code(4));
    assert_same(&kept(&run), b"second\nthird");
}

/// The negative control: with `inherit` it is no pipe of ours.
#[test]
fn without_it_command_has_standard_input_itself() {
    let (reader, writer) = std::io::pipe().unwrap();
    let inode = |pid: i32| std::fs::read_link(format!("/proc/{pid}/fd/0")).unwrap();
    let other = reader.try_clone().unwrap();
    let mut plain = Run::new("").stdin(reader).fixture("ready count-stdin").spawn();
    let mut lines = run("").stdin(other).fixture("ready count-stdin").spawn();
    let command = plain.await_entry(1, "ready").pid;
    assert_eq!(inode(command), inode(plain.pid()));
    let command = lines.await_entry(1, "ready").pid;
    assert_ne!(inode(command), inode(lines.pid()));
    drop(writer);
    assert_eq!((plain.finish(), lines.finish()), (End::Code(0), End::Code(0)));
}
