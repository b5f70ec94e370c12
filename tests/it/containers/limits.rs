//! Containers with less than the machine has: memory, processes, a root folder that can be written
//! to, a user who may do everything.

use super::alone;
use crate::harness::{Container, End, Root, Run, send_signal};

// Memory. No swap, where there is one.

const MEMORY: &str = "--memory=100m --memory-swap=100m";

fn leaking(options: &str, script: &str) -> Container {
    let run = alone(&format!("/recycle {options} --"), &format!("/fixture {script}"));
    Container::start_in(Root::new(), run, MEMORY)
}

#[test]
fn a_share_of_memory_is_one_of_the_containers() {
    let mut container = leaking("--max-rss 80%", "trap:TERM:exit=0 once:leak:50M/s forever");
    assert_eq!(container.await_entry(2, "forever").reason.as_deref(), Some("rss"));
    container.await_entry(1, "got TERM");
    assert!(container.recycles()[0].contains(" > 80M "), "{:?}", container.recycles());
}

/// The negative control: what happens to COMMAND otherwise, and that it does not happen to PID 1.
#[test]
fn without_a_limit_the_kernel_kills_command_and_nobody_else() {
    let mut container = leaking("--restart on-failure", "once:leak:50M/s forever");
    let init = container.init();
    assert_eq!(container.await_entry(2, "forever").reason.as_deref(), Some("exit"));
    assert!(container.stderr().contains("generation 1 was killed by SIGKILL"));
    assert_eq!(container.init(), init);
    assert!(container.recycles().is_empty());
}

#[test]
fn whom_the_kernel_kills_for_its_memory_has_that_status() {
    let mut container = leaking("", "leak:50M/s");
    assert_eq!(container.finish(), End::Code(128 + libc::SIGKILL));
    assert_eq!(container.generations(), 1);
}

/// Neither of the two that know how much memory the machine has.
const NO_SYSINFO: &str = r#"{
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{ "names": ["sysinfo"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1 }]
}"#;
const NO_MEMINFO: &str = "--security-opt=mask=/proc/meminfo";

fn beside_masks(filter: &str, options: &str, script: &str) -> Container {
    let run = Run::new(options).fixture(script);
    Container::start_filtered_with(run, filter, NO_MEMINFO)
}

#[test]
fn a_share_of_an_unknown_amount_is_an_error_that_names_the_option() {
    let mut container = beside_masks(NO_SYSINFO, "--kill-rss 80%", "ready exit:5");
    assert_eq!(container.finish(), End::Code(125));
    let said = container.stderr();
    assert!(said.contains("--kill-rss") && said.contains("80%"), "{said}");
    assert!(said.contains("unknown here"), "{said}");
    assert_eq!(container.generations(), 0);
}

/// The controls: one of them is enough, and a size is no share.
#[test]
fn a_size_or_sysinfo_is_enough() {
    let allowed = r#"{ "defaultAction": "SCMP_ACT_ALLOW" }"#;
    for (filter, options) in [(NO_SYSINFO, "--kill-rss 1G"), (allowed, "--kill-rss 80%")] {
        let mut container = beside_masks(filter, options, "ready exit:5");
        assert_eq!(container.finish(), End::Code(5), "{options}");
    }
}

// Processes.

/// Makes processes until there can be no more. A shell that cannot fork ends, so it is one of its
/// own that makes them; the other needs no more than it has.
const FILL: &str = "\
mkfifo gate
exec 3<>gate
trap 'echo told; exit 0' TERM
echo generation $RECYCLE_GENERATION
if [ $RECYCLE_GENERATION = 1 ]; then
    (trap '' TERM; while :; do cat <gate 3>&- & done)
    echo filled
fi
read _ <&3
";

#[test]
fn a_container_full_of_processes_is_emptied_by_a_recycle() {
    let root = Root::new().file("/fill", FILL);
    let run = alone("/recycle --map-signal USR1:recycle --stop-timeout 1s --", "/bin/sh /fill");
    let mut container = Container::start_in(root, run, "--pids-limit=50");
    container.wait_for("no more processes", |run| run.stdout().contains("filled").then_some(()));
    container.await_children(|children| children.len() >= 40);
    send_signal(container.init(), libc::SIGUSR1);
    container
        .wait_for("the next generation", |run| run.stdout().contains("generation 2").then_some(()));
    assert!(container.stdout().contains("told"), "{}", container.stdout());
    container.await_children(|children| children.len() == 1);
}

// Rights.

const TOUCH: &str = "/recycle -- /bin/touch /etc/here";

#[test]
fn on_a_read_only_root_command_runs_and_recycles() {
    for (options, status) in [("", 0), ("--read-only", 1)] {
        let mut container = Container::start_in(Root::new(), alone(TOUCH, ""), options);
        assert_eq!(container.finish(), End::Code(status), "{options}");
    }
    assert_recycles("--read-only --read-only-tmpfs=false", "0");
}

#[test]
fn as_a_user_who_is_not_root_command_runs_and_recycles() {
    assert_recycles("--user=1000:1000", "1000");
    let least = "--read-only --cap-drop=all --security-opt=no-new-privileges";
    assert_recycles(&format!("--user=1000:1000 {least}"), "1000");
}

/// The tree is seen and stopped to its last process, and so is its memory.
fn assert_recycles(options: &str, uid: &str) {
    let recycle = "/recycle --map-signal USR1:recycle --stop-timeout 500ms --max-rss 60M --";
    let steps = "trap:TERM:exit=0 survivors at:1:orphan:3:ignore:TERM,forever ready \
                 at:2:leak:50M/s forever";
    let run = alone(recycle, &format!("/fixture {steps}"));
    let mut container = Container::start_in(Root::new(), run, options);
    container.await_entries(3, "ignore:TERM");
    container.await_entry(1, "ready");
    assert_eq!(container.exec(&["/bin/id", "-u"]).trim(), uid);
    send_signal(container.init(), libc::SIGUSR1);
    container.await_entry(2, "survivors none");
    let last = container.await_entry(3, "forever");
    assert_eq!(last.reason.as_deref(), Some("rss"));
    container.stop(60);
    assert_eq!(container.finish(), End::Code(0));
}

// Sight.

/// The processes of others are hidden from whoever may not trace them, here from a root who has
/// neither that capability nor the group that may look, and COMMAND becomes somebody else.
fn hidden(steps: &str) -> Container {
    let root = Root::new().with("setpriv", "/setpriv");
    let user = "/setpriv --reuid 1000 --regid 1000 --clear-groups /fixture trap:TERM:exit=0";
    let recycle = "/recycle --map-signal USR1:recycle --stop-timeout 500ms --max-rss 60M --";
    let run = alone(recycle, &format!("{user} {steps}"));
    let options = "--user=0:5 --security-opt=proc-opts=hidepid=2";
    let mut container = Container::start_in(root, run, options);
    let command = container.await_entry(1, "trap:TERM").pid.to_string();
    let seen = container.exec(&["/bin/ls", "/proc"]);
    assert!(seen.lines().all(|name| name != command), "not hidden: {seen}");
    container
}

#[test]
fn where_processes_are_hidden_a_recycle_leaves_none_behind() {
    let steps = "survivors at:1:child:ignore:TERM,child:forever,forever ready forever";
    let mut container = hidden(steps);
    container.await_entries(3, "forever");
    send_signal(container.init(), libc::SIGUSR1);
    container.await_entry(2, "ready");
    // COMMAND itself may look for its like.
    let survivors = container.entries("survivors").pop().unwrap();
    assert_eq!(survivors.text, "survivors none");
}

#[test]
fn where_processes_are_hidden_that_is_said_once() {
    let mut container = hidden("child:hold:100M,ready,forever forever");
    container.await_entry(1, "ready");
    container.await_stderr("cannot see");
    send_signal(container.init(), libc::SIGUSR1);
    container.await_entry(2, "ready");
    assert_eq!(container.stderr().matches("cannot see").count(), 1);
}
