//! Whole texts, word by word, of facts that are made up.

use super::*;
use crate::act::terminal::Group;
use crate::cli::{self, Request};
use crate::decide::event::{Sight, Unseen};
use crate::decide::exit::Signal;
use crate::sense::limit::Limit;
use crate::sense::means::Means;
use crate::sense::program::Found;
use crate::sys::files::Kind;
use crate::units::Bytes;

pub(super) const LIMIT: Bytes = Bytes(2 << 30);

/// A container in which everything can be seen.
pub(super) fn facts() -> Facts {
    let means = Means {
        processes: true,
        pages: Ok(()),
        connections: Ok(()),
        deaths: Ok(()),
        fetching: Ok(()),
        counters: true,
        others: true,
    };
    Facts {
        program: Search::Found(Found { file: "/usr/bin/node".into(), interpreter: Vec::new() }),
        limit: Some(Limit { bytes: LIMIT, file: Some("/sys/fs/cgroup/memory.max".into()) }),
        input: Kind::Nothing,
        nothing_to_watch: None,
        means,
        group: Group::Own,
        ignored: Vec::new(),
        is_pid_1: false,
        is_notified: false,
        no_shell: None,
    }
}

/// What is said of a command line, split at blanks.
pub(super) fn explained(line: &str, facts: &Facts) -> String {
    let line = ["recycle", "--explain"].into_iter().chain(line.split_whitespace());
    let request = cli::parse(line.map(Into::into), || Some(LIMIT)).unwrap();
    let Request::Explain(config, given) = request else { panic!("not explained") };
    words(Plan { config: &config, given: &given, facts })
}

pub(super) fn named(name: &str) -> Signal {
    Signal::parse(name).unwrap()
}

#[test]
fn a_directory_is_named() {
    let text = explained("--chdir /tmp node", &facts());
    assert!(
        text.contains("It works in /tmp, which is resolved anew for each generation."),
        "{text}"
    );
}

#[test]
fn nothing_asked_for_is_soon_explained() {
    let text = "\
COMMAND is node: /usr/bin/node

A recycle comes when
- never: no option asks for one

When COMMAND ends by itself
- recycle ends as it did. What it left behind is left alone.

Signals
- All that can be caught are passed on to COMMAND's own process.
- SIGTERM ends it: no generation is started any more. COMMAND has the
  time that it needs, or that whoever sent it allows.
- There is no terminal; COMMAND leads a process group of its own.
";
    assert_eq!(explained("node", &facts()), text);
}

#[test]
fn a_server_in_a_container_is_explained_with_its_numbers() {
    let text = "\
COMMAND is node: /usr/bin/node

A recycle comes when
- the memory of COMMAND and its descendants, the sum of RSS, exceeds
  1.5G: 80% of 2G, the limit in /sys/fs/cgroup/memory.max
- there was traffic, then none for 10m, with less than 5% of one CPU
  used
Connections that COMMAND opens itself in its first 10s are no beginning
of traffic.

What is seen here, and how
- Memory: of each process (statm); page by page (smaps_rollup) before it
  matters.
- Standard input: a pipe, its bytes are traffic (inotify).
- TCP: when each connection last moved a byte, also those that come and
  go between two looks (sock_diag).
- UDP: the first byte after a silence (pidfd_getfd, epoll).
- Unix: the first byte after a silence (pidfd_getfd, epoll).

How it goes
1. COMMAND's own process gets SIGTERM, then SIGCONT.
2. When it has ended, what it left behind gets SIGTERM and SIGCONT.
3. Whatever is left 30s after that signal gets SIGKILL.
4. As soon as the last process is gone, the next generation starts.

When COMMAND ends by itself
- recycle (PID 1 here) ends with its status, or 128 + the number of its
  signal. What it left behind is left alone.
- Once standard input has carried data and ended, no recycle comes any
  more.

Signals
- All that can be caught are passed on to COMMAND's own process.
- SIGTERM ends it: no generation is started any more. COMMAND has the
  time that it needs, or that whoever sent it allows.
- After SIGINT, SIGQUIT or SIGHUP, no recycle comes for 30s.
- There is no terminal; COMMAND leads a process group of its own.

Warnings
- If node's clients go on asking over connections that they keep,
  server.close() waits: a stop takes 30s and ends by SIGKILL. After the
  signal, answer with Connection: close.
";
    let facts = Facts { input: Kind::Pipe, is_pid_1: true, ..facts() };
    assert_eq!(explained("--max-rss 80% --idle 10m -- node app.js", &facts), text);
}

#[test]
fn every_option_has_its_words() {
    let text = "\
COMMAND is ./start, a script for sh

A recycle comes when
- the memory of COMMAND and its descendants, the sum of RSS, exceeds
  300M
- the memory of COMMAND and its descendants, shared pages counted once
  (PSS), exceeds 200M
- a generation is between 4h 48m and 6h old, drawn for each
- there was traffic, then no more than 256B of TCP payload and nothing
  else for 5m
- SIGUSR1 is sent to recycle
One for memory or age waits until there was no traffic for 2s, at most
30s.
None comes before a generation is 10m old, unless a signal asks.

All is killed at once (SIGKILL) when
- the memory of COMMAND and its descendants, the sum of RSS, exceeds
  400M

What is seen here, and how
- Memory: of each process (statm); page by page (smaps_rollup) before it
  matters.
- TCP, what others begin: when each connection last moved a byte, also
  those that come and go between two looks (sock_diag).
- UDP, what others begin: the first byte after a silence (pidfd_getfd,
  epoll).
- Unix, what others begin: the first byte after a silence (pidfd_getfd,
  epoll).
- Only ports that count: 80, 443.
- Ports that do not count: 9090.
- Both are told on standard error every 10s.

How it goes
1. COMMAND's process group gets SIGHUP, then SIGCONT.
2. At once whatever is left gets SIGKILL (--stop-timeout 0s).
3. As soon as the last process is gone, recycle ends with 7.

When COMMAND ends by itself
- Unless its status is 0, it is started again after 1s, doubling up to
  2s.
- If that were more than 3 times in 4m, recycle ends as it did. So it
  does after SIGINT, SIGQUIT or SIGTERM.
- Each generation reads standard input, a file, from where the first
  did.

Signals
- All that can be caught are passed on to COMMAND's process group.
- SIGUSR1 is not passed on, but asks for a recycle.
- SIGUSR2 is not passed on.
- SIGINT is passed on as SIGQUIT.
- SIGTERM ends it: no generation is started any more. COMMAND has the
  time that it needs, or that whoever sent it allows.
- COMMAND shares recycle's process group: what is typed (Ctrl-C) reaches
  both, and is not passed on a second time.
";
    let line = "--max-rss 300M --max-pss 200M --kill-rss 400M --max-lifetime 6h --jitter 20% \
        --idle 5m --idle-floor 256B --settle 0s --idle-cpu 100% --quiet 2s --quiet-wait 30s \
        --min-lifetime 10m --map-signal USR1:recycle,USR2:none,INT:QUIT --sample-every 10s \
        --traffic inbound,port:80,port:443,!port:9090 --stop-signal HUP --stop-timeout 0s \
        --then exit:7 --signal-scope group --restart on-failure --max-restarts 3/4m \
        --backoff 1s..2s -- ./start";
    let interpreter = vec!["/bin/sh".to_owned()];
    let program = Search::Found(Found { file: "./start".into(), interpreter });
    let facts = Facts { program, input: Kind::File, group: Group::Shared, ..facts() };
    assert_eq!(explained(line, &facts), text);
}

/// The part of the text with this heading.
pub(super) fn part(heading: &str, line: &str, facts: &Facts) -> String {
    let text = explained(line, facts);
    let (_, part) = text.split_once(&format!("\n{heading}\n")).unwrap();
    part.split("\n\n").next().unwrap().to_owned()
}

#[test]
fn what_would_not_start_is_said_first() {
    let program = |program| Facts { program, ..facts() };
    let first = |line, facts: &Facts| {
        let text = explained(line, facts);
        text.split("\n\n").next().unwrap().replace('\n', " ")
    };
    let missing = program(Search::Missing);
    let said = "COMMAND is nope, which is not found. recycle would end with 127.";
    assert_eq!(first("nope", &missing), said);
    let forbidden = program(Search::Forbidden("/etc/passwd".into()));
    let said =
        "COMMAND is passwd: /etc/passwd, which cannot be executed. recycle would end with 126.";
    assert_eq!(first("passwd", &forbidden), said);
    let unseen = Unseen { what: Sight::Unix, errno: libc::EPERM };
    let blind = Facts { nothing_to_watch: Some(unseen), ..facts() };
    let said = first("--idle 1s --traffic unix node", &blind);
    assert!(said.contains("recycle would end with 125 and start nothing. --idle"), "{said}");
}

#[test]
fn an_end_as_command_ended_is_explained() {
    let last = |line| {
        let steps = part("How it goes", line, &facts());
        steps.split("gone, ").nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let as_command =
        "recycle ends as COMMAND ended: with its status, or 137 if SIGKILL was needed.";
    assert_eq!(last("--max-lifetime 1h --then command node"), as_command);
    assert_eq!(last("--kill-rss 1G --then command node"), as_command);
    assert_eq!(last("--max-lifetime 1h --then exit node"), "recycle ends with 0.");
}

#[test]
fn only_a_kill_has_its_own_steps() {
    let text = "\
1. Every process gets SIGKILL.
2. As soon as the last process is gone, the next generation starts.";
    assert_eq!(part("How it goes", "--kill-rss 1G node", &facts()), text);
}

#[test]
fn what_is_only_observed_is_not_said_to_be_done() {
    let text = "\
COMMAND is node: /usr/bin/node

A recycle would come when
- the memory of COMMAND and its descendants, the sum of RSS, exceeds 1G

All would be killed at once (SIGKILL) when
- the memory of COMMAND and its descendants, the sum of RSS, exceeds
  1.5G

What is seen here, and how
- Memory: of each process (statm); page by page (smaps_rollup) before it
  matters.
- Standard input: nothing that has traffic.
- TCP: when each connection last moved a byte, also those that come and
  go between two looks (sock_diag).
- UDP: the first byte after a silence (pidfd_getfd, epoll).
- Unix: the first byte after a silence (pidfd_getfd, epoll).

It is told (--observe)
- On standard error, each time, and nothing is stopped for it.
- At the end, the sum of it and what to set.

When COMMAND ends by itself
- recycle ends as it did. What it left behind is left alone.

Signals
- All that can be caught are passed on to COMMAND's own process.
- SIGTERM ends it: no generation is started any more. COMMAND has the
  time that it needs, or that whoever sent it allows.
- There is no terminal; COMMAND leads a process group of its own.
";
    assert_eq!(explained("--observe --max-rss 1G --kill-rss 1.5G node", &facts()), text);
    assert!(explained("--observe node", &facts()).contains("\n- never: no option asks for one\n"));
}

#[test]
fn signals_that_are_ignored_here_are_named() {
    let facts = Facts { ignored: vec![named("INT"), named("QUIT")], ..facts() };
    let said = part("Signals", "--max-lifetime 1h node", &facts);
    assert!(said.contains("- After SIGHUP, no recycle comes for 30s."), "{said}");
    let named_there = "- Ignored already, and by COMMAND, too, unless it handles them: SIGINT,\n  \
        SIGQUIT. They are passed on, and mean nothing else.";
    assert!(said.contains(named_there), "{said}");
    assert!(said.contains("- SIGTERM ends it"), "{said}");
    let said = part("Signals", "--map-signal QUIT:recycle node", &facts);
    assert!(said.contains("handles them: SIGINT.\n  They"), "{said}");
    assert!(said.contains("- SIGQUIT is not passed on, but asks for a recycle."), "{said}");
    assert!(said.contains("After SIGHUP, no recycle"), "{said}");
    let facts = Facts { ignored: vec![named("TERM")], ..facts };
    let said = part("Signals", "--map-signal INT:recycle node", &facts);
    assert!(!said.contains("SIGTERM ends it"), "{said}");
}

#[test]
fn nothing_that_was_typed_does_anything_to_a_terminal() {
    let file = "/tmp/a\u{1b}[2J\nb".into();
    let interpreter = vec!["/x\u{9b}".to_owned()];
    let facts = Facts { program: Search::Found(Found { file, interpreter }), ..facts() };
    let text = explained("--max-rss 1G a\u{1b}[31m", &facts);
    assert!(text.lines().all(|line| !line.chars().any(char::is_control)), "{text:?}");
    assert!(text.starts_with("COMMAND is a\\u{1b}[31m: /tmp/a\\u{1b}[2J\\nb, a script"), "{text}");
}

#[test]
fn commands_of_the_users_own_are_named_where_they_are_run() {
    let line = "--max-lifetime 1h --pre-stop leave --on-event tell node";
    let text = explained(line, &facts());
    let steps = "\
How it goes
1. /bin/sh runs --pre-stop, which is waited for up to 10s.
2. COMMAND's own process gets SIGTERM, then SIGCONT.
";
    assert!(text.contains(steps), "{text}");
    let told =
        "/bin/sh runs --on-event for each recycle, each failure, and whatever\nelse is worth";
    assert!(text.contains(told), "{text}");
    let facts = Facts { no_shell: Some(libc::ENOENT), ..facts() };
    let text = explained(line, &facts).replace('\n', " ");
    let end = "recycle would end with 125 and start nothing. --on-event, --pre-stop: /bin/sh \
               cannot be executed: No such file or directory";
    assert!(text.contains(end), "{text}");
}
