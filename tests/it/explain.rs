//! `--explain` on this machine: nothing is run, nothing is changed, and what it says is so. The
//! words themselves are held by the unit tests of `src/explain`.

use crate::docs;
use crate::harness::{
    Container, End, Root, Run, Running, as_another_user, fixture_path, read_filter, recycle_path,
    tool,
};
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;

/// What is said of the fixture with this script, without a word on standard error.
fn explained(run: Run) -> Running {
    let (end, run) = run.fixture("forever").finish();
    assert_eq!((end, run.stderr().as_str()), (End::Code(0), ""));
    run
}

/// On one line, as if the page were wide.
fn words(run: &Running) -> String {
    run.stdout().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn nothing_is_run() {
    let run = explained(Run::new("--explain --max-rss 1G --idle 1h"));
    assert!(run.journal().is_empty(), "{:?}", run.journal());
    let path = fixture_path().display().to_string();
    assert!(run.stdout().starts_with(&format!("COMMAND is {path}\n")), "{}", run.stdout());
    assert!(words(&run).contains("exceeds 1G - there was traffic, then none for 1h"));
}

#[test]
fn a_service_manager_that_waits_for_notifications_is_mentioned() {
    let socket = |run: Run| run.env("NOTIFY_SOCKET", "/run/systemd/notify");
    assert!(words(&explained(socket(Run::new("--explain")))).contains("NotifyAccess=all"));
    assert!(!words(&explained(Run::new("--explain"))).contains("NotifyAccess"));
    let empty = explained(Run::new("--explain").env("NOTIFY_SOCKET", ""));
    assert!(!words(&empty).contains("NotifyAccess"));
}

/// Whatever else the documents say, this can be said of it: on lines that fit.
#[test]
fn every_command_line_of_the_documents_can_be_explained() {
    let all = docs::lines::all_commands();
    assert!(all.len() > 20, "{all:?}");
    for options in all {
        let run = Run::new(&options.join(" ")).env("RECYCLE_EXPLAIN", "1").command(["true"]);
        let (end, run) = run.finish();
        assert_eq!((end, run.stderr().as_str()), (End::Code(0), ""), "{options:?}");
        let text = run.stdout();
        let is_wide = |line: &&str| line.chars().count() > 72 && line.contains(' ');
        let wide = text.lines().find(is_wide);
        assert_eq!(wide, None, "{options:?}");
        assert!(text.contains("\nSignals\n"), "{text}");
    }
}

/// By the names that they have here.
#[test]
fn well_known_programs_are_known_by_what_is_installed() {
    let said = |options: &str, program: &str| {
        let program = tool(program).display().to_string();
        let (end, run) = Run::new(&format!("--explain {options}")).command([program]).finish();
        assert_eq!(end, End::Code(0), "{}", run.stderr());
        words(&run)
    };
    assert!(said("--max-rss 1G", "redis-server").contains("saves in the background (BGSAVE"));
    let nginx = said("--idle 1h", "nginx");
    assert!(nginx.contains("On SIGTERM nginx cuts off"), "{nginx}");
    assert!(!said("--idle 1h --stop-signal QUIT", "nginx").contains("cuts off"));
    let npm = said("", "npm");
    assert!(npm.contains("npm may keep signals"), "{npm}");
    assert!(!said("--signal-scope group", "npm").contains("may keep signals"));
}

#[test]
fn a_wrong_command_line_is_as_wrong_as_without_it() {
    for (options, command, line) in [
        ("--explain --max-rss 5", "true", "--max-rss '5': has no unit"),
        ("--explain --jitter 5%", "true", "--jitter '5%': requires --max-lifetime"),
        ("--explain --nope", "true", "unknown option '--nope'"),
        ("--explain", "", "no COMMAND was given"),
    ] {
        let run = Run::new(options).command(command.split_whitespace());
        let (end, run) = run.finish();
        assert_eq!((end, run.stdout().as_str()), (End::Code(125), ""), "{options}");
        assert!(run.stderr().starts_with(&format!("recycle: {line}")), "{}", run.stderr());
        assert_eq!(run.stderr().lines().count(), 1);
    }
}

#[test]
fn where_command_is_found_is_said_and_where_it_is_not() {
    let said = |command: &str| {
        let (end, run) = Run::new("--explain").command([command]).finish();
        assert_eq!(end, End::Code(0));
        words(&run)
    };
    let env = tool("env").display().to_string();
    assert!(said("env").starts_with(&format!("COMMAND is env: {env} ")), "{}", said("env"));
    assert!(said("no-such-program").contains("is not found. recycle would end with 127."));
    assert!(said("/etc/passwd").contains("/etc/passwd, which cannot be executed. recycle"));
}

/// And it is so.
#[test]
fn what_would_end_at_once_does() {
    for (options, command, status) in [
        ("", "no-such-program", 127),
        ("", "/etc/passwd", 126),
        ("--idle 1h --traffic stdin", "true", 125),
    ] {
        let run = |more: &str| Run::new(&format!("{more} {options}")).command([command]).finish();
        let (end, said) = run("--explain");
        assert_eq!(end, End::Code(0));
        assert!(words(&said).contains(&format!("recycle would end with {status}")), "{options}");
        assert_eq!(run("").0, End::Code(status), "{options} {command}");
    }
}

#[test]
fn a_pipe_on_standard_input_keeps_every_byte() {
    let recycle = recycle_path().display();
    let script = format!("printf 'every byte' | {{ {recycle} --explain --idle 1h true; cat; }}");
    let (end, run) = Run::bare().command(["sh", "-c", &script]).finish();
    assert_eq!(end, End::Code(0));
    assert!(run.stdout().contains("Standard input: a pipe"), "{}", run.stdout());
    assert!(run.stdout().ends_with("\nevery byte"), "{}", run.stdout());
}

#[test]
fn a_file_on_standard_input_stays_where_it_was() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"read, not read").unwrap();
    file.seek(SeekFrom::Start(6)).unwrap();
    let input = file.try_clone().unwrap();
    let run = explained(Run::new("--explain --max-lifetime 1h --sample-every 1h").stdin(input));
    assert!(run.stdout().contains("Standard input: a file"), "{}", run.stdout());
    assert!(words(&run).contains("Each generation reads standard input, a file, from where"));
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "not read");
}

/// No process made, signalled or moved, no terminal handed over, nothing set that outlives it.
#[test]
fn nothing_is_changed() {
    let calls = "clone,clone3,fork,vfork,execve,kill,tkill,pidfd_send_signal,setpgid,setsid,\
                 prctl,ioctl,rt_sigprocmask,write,writev,pwritev2";
    let run = Run::new("--explain --max-rss 80% --idle 1h --restart always");
    let run = run.through([tool("strace").to_str().unwrap(), "-f", "-o", "trace", "-e", calls]);
    let run = explained(run);
    let trace = fs::read_to_string(run.dir().join("trace")).unwrap();
    let allowed = |line: &str| {
        let own =
            ["execve(", "write(1, ", "ioctl(0, TCGETS", "ioctl(0, TIOCGPGRP", "ioctl(0, FIONREAD"];
        let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
        own.iter().any(|own| call.starts_with(own)) || call.starts_with("+++ exited with 0")
    };
    let others: Vec<_> = trace.lines().filter(|line| !allowed(line)).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(trace.matches("execve(").count(), 1, "{trace}");
}

#[test]
fn options_of_the_environment_are_named_with_their_values() {
    let run = Run::new("").env("RECYCLE_EXPLAIN", "yes").env("RECYCLE_MAX_RSS", "512M");
    let run = explained(run.env("RECYCLE_MAP_SIGNAL", "USR1:recycle,USR2:none"));
    let said = words(&run);
    let named = "From the environment: RECYCLE_MAX_RSS=512M, \
                 RECYCLE_MAP_SIGNAL=USR1:recycle,USR2:none";
    assert!(said.contains(named), "{said}");
    let run = Run::new("--max-rss 1G").env("RECYCLE_EXPLAIN", "1").env("RECYCLE_MAX_RSS", "512M");
    assert!(!words(&explained(run)).contains("From the environment"), "the flag wins");
    let run = Run::new("").env("RECYCLE_EXPLAIN", "off").fixture("exit:3");
    assert_eq!(run.finish().0, End::Code(3), "off is off");
}

#[test]
fn a_hostile_name_sets_no_terminal_off() {
    let evil = OsStr::from_bytes(b"a\n\x1b[31m\x9b\xe2\x80\xae");
    let (end, run) = Run::new("--explain").command([evil]).finish();
    assert_eq!(end, End::Code(0));
    let text = run.stdout();
    let bad = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!text.chars().any(bad), "{text:?}");
    assert!(text.starts_with("COMMAND is a\\n\\u{1b}[31m"), "{text}");
}

#[test]
fn a_full_disk_is_an_error() {
    let run = Run::new("--explain").after_shell("exec >/dev/full").fixture("forever");
    let (end, run) = run.finish();
    assert_eq!(end, End::Code(125));
    assert!(run.stderr().contains("No space left"), "{}", run.stderr());
}

#[test]
fn at_a_terminal_it_says_who_has_it() {
    let recycle = |options: &str| {
        let run = explained(Run::new(&format!("--explain {options}")).on_terminal());
        run.screen().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let alone = recycle("");
    assert!(alone.contains("COMMAND has the terminal to itself"), "{alone}");
    let restarted = recycle("--restart always");
    assert!(restarted.contains("COMMAND shares recycle's process group"), "{restarted}");
}

/// Who may see nothing of others is told what stands in, and lives.
#[test]
fn another_user_is_told_what_he_may_see() {
    let run = as_another_user("--explain --idle 1h --max-rss 80%");
    let (end, run) = run.command(["./fixture", "forever"]).finish();
    assert_eq!((end, run.stderr().as_str()), (End::Code(0), ""));
    let said = words(&run);
    assert!(said.contains("If COMMAND changes its user, all that moves"), "{said}");
    assert!(said.contains("TCP: when each connection last moved a byte"), "{said}");
    let run = explained(Run::new("--explain --idle 1h"));
    assert!(!words(&run).contains("If COMMAND changes its user"), "root sees all");
}

#[test]
fn in_a_container_shares_are_of_its_memory() {
    let line =
        "/recycle --explain --max-rss 80% --kill-rss 95% --stop-timeout 1m -- /fixture forever";
    let run = Run::bare().command(line.split(' '));
    let memory = "--memory=100m --memory-swap=100m";
    let mut container = Container::start_in(Root::new(), run, memory);
    assert_eq!(container.finish(), End::Code(0));
    let said = words(&container);
    assert!(said.contains("exceeds 80M: 80% of 100M, the limit in /sys/fs/cgroup/"), "{said}");
    assert!(said.contains("--kill-rss 95M is near 100M, the limit in /sys/fs/cgroup/"), "{said}");
    assert!(said.contains("recycle (PID 1 here) ends with its status"), "{said}");
    assert!(said.contains("docker stop waits 10s, Kubernetes and Heroku 30s"), "{said}");
}

#[test]
fn where_sockets_may_not_be_fetched_that_is_said() {
    let filter = read_filter().replace("\"pidfd_getfd\",", "");
    let run = Run::new("--explain --idle 1h").fixture("forever");
    let mut container = Container::start_filtered(run, &filter);
    assert_eq!(container.finish(), End::Code(0));
    let said = words(&container);
    assert!(said.contains("Unix: not at all (pidfd_getfd: "), "{said}");
    assert!(said.contains("UDP: not one by one (pidfd_getfd: "), "{said}");
}
