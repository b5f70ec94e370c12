//! System calls that the kernel does not have or a filter forbids: what `recycle` has in their
//! place.

use crate::harness::{End, Refusal, Run, UNIX_IDLENESS, fixture_path, pass_under, refusals};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};

/// The ways in which a call may be refused.
fn refused(call: &str) -> impl Iterator<Item = Refusal> {
    let refusals: Vec<_> = refusals().filter(|refusal| refusal.call == call).collect();
    assert!(!refusals.is_empty(), "{call}");
    refusals.into_iter()
}

const CANNOT_START: &str = "recycle: cannot start 'no-such-program': No such file or directory\n";

fn without_a_program(refusal: Refusal) -> Run {
    Run::new("").refusing(refusal).command(["no-such-program"])
}

/// What ends up there is all that `recycle` says.
fn assert_says(refusal: Refusal, ours: impl Into<OwnedFd>, mut theirs: impl Read) {
    let (end, run) = without_a_program(refusal).stderr(ours.into()).finish();
    // The other end closes with the last of its holders.
    drop(run);
    let mut said = vec![0; 4096];
    let length = theirs.read(&mut said).unwrap();
    assert_eq!((end, &*String::from_utf8_lossy(&said[..length])), (End::Code(127), CANNOT_START));
}

/// The filter does what it is for, in the one language that every Debian has.
#[test]
fn the_filters_refuse_one_call_each() {
    for (call, number) in [("close_range", libc::SYS_close_range), ("pwritev2", libc::SYS_pwritev2)]
    {
        for refusal in refused(call) {
            let script = format!("$! = 0; syscall {number}, -1, 0, 1, -1, -1, 0; print $! + 0");
            let (end, run) =
                Run::bare().refusing(refusal).command(["perl", "-e", &script]).finish();
            let errno = match refusal.error {
                "ENOSYS" => libc::ENOSYS,
                "EPERM" => libc::EPERM,
                _ => libc::EINVAL,
            };
            assert_eq!((end, run.stdout()), (End::Code(0), errno.to_string()), "{refusal}");
        }
    }
}

#[test]
fn words_reach_whatever_standard_error_is() {
    for refusal in refused("pwritev2") {
        let (end, run) = without_a_program(refusal).finish();
        assert_eq!((end, &*run.stderr()), (End::Code(127), CANNOT_START), "{refusal}");
        let (reader, writer) = std::io::pipe().unwrap();
        assert_says(refusal, writer, reader);
        let (ours, theirs) = UnixStream::pair().unwrap();
        assert_says(refusal, ours, theirs);
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        assert_says(refusal, ours, std::fs::File::from(OwnedFd::from(theirs)));
        let mut run = without_a_program(refusal).on_terminal().spawn();
        assert_eq!(run.finish(), End::Code(127));
        run.wait_for("words on the screen", |run| {
            run.screen().contains(CANNOT_START.trim_end()).then_some(())
        });
    }
}

#[test]
fn a_stop_reaches_the_whole_tree() {
    for refusal in refused("pidfd_open").chain(refused("pidfd_send_signal")) {
        let options = "--map-signal USR1:recycle --then exit --stop-timeout 300ms";
        let run = Run::new(options).refusing(refusal).term_held();
        let mut run =
            run.fixture("escape:ignore:TERM,ready,forever trap:TERM ready forever").spawn();
        run.await_entries(2, "ready");
        run.recycle();
        assert_eq!(run.finish(), End::Code(0), "{refusal}");
        assert!(run.processes().is_empty(), "{refusal}");
        assert!(!run.stderr().contains("refuses"), "{refusal}: {}", run.stderr());
    }
}

#[test]
fn a_hook_has_three_descriptors() {
    for refusal in refused("close_range") {
        let run = Run::new("").refusing(refusal).after_shell("exec 7</dev/null");
        let run = run.env("F", fixture_path()).env("RECYCLE_ON_EVENT", "$F descriptors");
        let (end, run) = run.fixture("exit:3").finish();
        assert_eq!(end, End::Code(3));
        let told: Vec<_> = run.entries("descriptors").into_iter().map(|entry| entry.text).collect();
        assert_eq!(told, ["descriptors", "descriptors 0 1 2"], "{refusal}");
    }
}

/// What keeps a hook is a copy of us, and has a copy of COMMAND's pipe.
#[test]
fn a_hook_that_runs_does_not_hold_back_the_end_of_input() {
    for refusal in refused("close_range") {
        let options = "--stdin lines --map-signal USR1:recycle";
        let run = Run::new(options).refusing(refusal).stdin_pipe().env("F", fixture_path());
        let run = run.env("RECYCLE_PRE_STOP", "$F mark:hook wait-file:go");
        let mut run = run.fixture("ready append:out mark:end").spawn();
        run.await_entry(1, "ready");
        run.recycle();
        run.await_entries(1, "mark:hook");
        run.close_stdin();
        run.await_entry(1, "mark:end");
        run.touch("go");
        assert_eq!(run.finish(), End::Code(0), "{refusal}");
    }
}

// What other modules ask of `recycle` holds here, too: a choice of each. All of them are run so by
// `TEST_REFUSES=pidfd_open:EPERM .ci/test`.

/// Stops, signals, ends, lines, hooks, the terminal, memory, and idleness of what needs no look at
/// sockets of other processes.
const ANYWHERE: [&str; 20] = [
    "eof::stops::one_that_ignores_it_is_killed_with_all_that_it_started",
    "hooks::hooks_are_not_of_commands_tree",
    "hooks::pre_stop::it_has_ended_before_command_is_told",
    "hostile::a_command_that_closes_everything",
    "idle::a_server_whose_clients_fall_silent_is_recycled_and_serves_again",
    "idle::what_is_only_sent_is_traffic",
    "lines::crashes::what_a_killed_generation_had_not_taken_is_given_to_the_next",
    "lines::ends::planned_recycles_go_on_while_lines_are_left",
    "memory::a_leak_in_an_orphan_or_in_another_session_counts",
    "memory::kill_rss_kills_at_once",
    "restart::a_recycle_that_cannot_execute_is_tried_until_it_can",
    "signals::every_catchable_signal_arrives",
    "signals::signals_go_to_the_child_alone_or_to_its_group",
    "stopping::a_stopped_command_is_woken_for_its_term",
    "stopping::even_when_it_ignores_term",
    "talking::a_terminal_may_be_full",
    "talking::stderr_may_be_a_full_pipe",
    "terminal::generations::ctrl_c_ends_a_later_generation",
    "terminal::shared::ctrl_c_arrives_once_in_a_pipeline",
    "wait::asleep::it_sleeps_between_the_lines_of_a_pipe",
];

/// Idleness of sockets that the kernel keeps no times for: they are fetched. Each test names what
/// is lost where they cannot be, and asserts then that `recycle` reports it.
const FETCHED: [&str; 5] = [
    "traffic::counters::accepted_connections_arm_without_sock_diag",
    "traffic::kinds::bytes_keep_a_unix_stream_server_awake",
    "traffic::kinds::datagrams_keep_a_server_awake_over_ipv4",
    "traffic::kinds::messages_keep_a_seqpacket_server_awake",
    "traffic::words::unix_hears_unix",
];

fn assert_all_pass(call: &str) {
    for refusal in refused(call).filter(|refusal| refusal.error != "EINVAL") {
        pass_under(refusal, &[&ANYWHERE[..], &FETCHED].concat());
    }
}

/// Processes are awaited and signalled by their numbers then.
#[test]
fn without_pidfd_open_all_is_as_ever_but_for_some_sockets() {
    assert_all_pass("pidfd_open");
}

#[test]
fn without_pidfd_getfd_all_is_as_ever_but_for_some_sockets() {
    assert_all_pass("pidfd_getfd");
}

#[test]
fn without_close_range_all_is_as_ever() {
    assert_all_pass("close_range");
}

#[test]
fn without_pwritev2_all_is_as_ever() {
    assert_all_pass("pwritev2");
}

/// The negative control of `losing`: a loss that is real is reported where it is refused, and where
/// nothing is refused COMMAND is recycled.
#[test]
fn only_a_refused_call_takes_idleness_away() {
    for refusal in refused("pidfd_open").chain(refused("pidfd_getfd")) {
        assert_idleness_is_lost(Some(refusal));
    }
    assert_idleness_is_lost(None);
}

fn assert_idleness_is_lost(refusal: Option<Refusal>) {
    let run = Run::new("--idle 500ms").fixture("trap:TERM:exit=0 listen:./socket");
    let run = match refusal {
        Some(refusal) => run.refusing(refusal),
        None => run.refusing_nothing(),
    };
    let mut run = run.spawn().losing(UNIX_IDLENESS);
    assert_eq!(run.has_lost(), refusal.is_some());
    run.await_entry(1, "listening");
    let mut client = run.connect(1);
    client.exchange("hello");
    if !run.is_never_idle() {
        run.await_entry(2, "listening");
        assert!(!run.stderr().contains("cannot see"), "{}", run.stderr());
    }
}
