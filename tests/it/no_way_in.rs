//! Nothing that others could reach or read: no socket with a name, no file, no secret and no
//! escape sequence in a log. And nothing of `recycle`'s own for COMMAND.

use crate::harness::{End, Run, Running, fixture_path, let_pass};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Every trigger is on, and none is near.
const EVERYTHING: &str = "-v --idle 1h --max-rss 1G --max-pss 900M --kill-rss 2G --max-lifetime 2h \
     --quiet 1s --quiet-wait 1h --restart always --map-signal USR1:recycle --idle-floor 1K";

/// What a descriptor of a process is, and the flags it was opened with.
fn descriptors(pid: i32) -> Vec<(String, String, u32)> {
    let list = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    list.filter_map(|entry| {
        let number = entry.file_name().into_string().unwrap();
        let target = fs::read_link(entry.path()).ok()?.display().to_string();
        let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        Some((number, target, u32::from_str_radix(flags.trim(), 8).unwrap()))
    })
    .collect()
}

/// The inode of `socket:[123]` as it stands in a table of `/proc/net`.
fn rows<'a>(table: &'a str, target: &str) -> Vec<&'a str> {
    let inode = target.trim_start_matches("socket:[").trim_end_matches(']');
    let of_inode = |line: &&str| line.split_whitespace().any(|word| word == inode);
    table.lines().filter(of_inode).collect()
}

/// Fails with every descriptor of `recycle`'s own that leads somewhere.
fn assert_closed(run: &Running) {
    let pid = run.pid();
    let net = |name: &str| fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap();
    let named = ["tcp", "tcp6", "udp", "udp6", "unix", "packet", "raw", "raw6"].map(net);
    // What the tests were started with is not recycle's.
    let inherited = descriptors(i32::try_from(std::process::id()).unwrap());
    for (number, target, flags) in descriptors(pid) {
        let foreign = inherited.iter().any(|it| (&it.0, &it.1) == (&number, &target));
        if foreign || number.parse::<i32>().unwrap() <= 2 {
            continue;
        }
        let what = format!("{number} -> {target}, flags {flags:o}");
        let close_on_exec = libc::O_CLOEXEC as u32;
        assert_eq!(flags & close_on_exec, close_on_exec, "COMMAND inherits {what}");
        let writable = flags & libc::O_ACCMODE as u32 != libc::O_RDONLY as u32;
        if target.starts_with('/') {
            assert!(!writable && target.starts_with("/proc/"), "{what}");
        }
        if target.starts_with("socket:") {
            let found = named.iter().flat_map(|table| rows(table, &target)).collect::<Vec<_>>();
            assert!(found.is_empty(), "{what}: {found:?}");
            // A netlink socket is all that may be left: only the kernel talks to it.
            assert_eq!(rows(&net("netlink"), &target).len(), 1, "{what}");
        }
    }
}

/// COMMAND with sockets of every kind, which `recycle` looks into.
const SOCKETS: &str = "bg:listen:127.0.0.1:0 bg:udp:127.0.0.1:0 bg:listen:./socket orphan:2 \
     ready forever";

#[test]
fn no_descriptor_leads_in() {
    let mut run = Run::new(EVERYTHING).stdin_pipe().fixture(SOCKETS).spawn();
    for generation in 1..=2 {
        run.await_entry(generation, "ready");
        run.await_entries(3 * generation as usize, "listening");
        run.send("something\n");
        for _ in 0..20 {
            assert_closed(&run);
            let_pass(Duration::from_millis(50));
        }
        run.recycle();
    }
}

/// The negative control: a server's descriptors lead in.
#[test]
fn a_descriptor_that_leads_in_is_seen() {
    let mut run = Run::bare().fixture("listen:127.0.0.1:0").spawn();
    run.await_entries(1, "listening");
    let sockets = descriptors(run.pid()).into_iter().filter(|it| it.1.starts_with("socket:"));
    let sockets: Vec<_> = sockets.collect();
    assert_eq!(sockets.len(), 1);
    let table = fs::read_to_string(format!("/proc/{}/net/tcp", run.pid())).unwrap();
    assert_eq!(rows(&table, &sockets[0].1).len(), 1);
}

/// Whatever is closed, or not, when it starts: COMMAND has what it would have without us.
#[test]
fn command_inherits_nothing_of_recycles() {
    for shell in [":", "exec <&-", "exec >&-", "exec 2>&-", "exec <&- >&- 2>&-", "exec 7</dev/zero"]
    {
        let list = |run: Run| {
            let (end, run) =
                run.after_shell(shell).fixture("descriptors at:2:exit:3 exit:4").finish();
            let lists = run.entries("descriptors").into_iter().map(|entry| entry.text);
            (end, lists.filter(|text| text.contains(' ')).collect::<Vec<_>>())
        };
        let (_, alone) = list(Run::bare());
        let (end, wrapped) = list(Run::new("--restart always --max-restarts 1/1h --idle 1h"));
        assert_eq!(end, End::Code(3), "{shell}");
        assert_eq!(wrapped, [alone[0].clone(), alone[0].clone()], "{shell}");
    }
}

const SECRET: &str = "hunter2";

/// Runs it as verbosely as can be, and checks what was said.
fn assert_discreet(run: Run, end: impl Fn(&mut Running)) {
    let mut run = run.env("PASSWORD", SECRET).env(SECRET, "x").spawn();
    end(&mut run);
    run.finish();
    let said = run.stderr();
    assert!(!said.is_empty());
    assert!(!said.contains(SECRET) && !said.contains("PASSWORD"), "{said}");
}

#[test]
fn neither_arguments_nor_environment_are_told() {
    let secret = format!("mark:{SECRET}");
    let command = |run: Run, script: &str| {
        let words = script.split_whitespace().chain([secret.as_str(), "ready", "forever"]);
        run.command([fixture_path().to_str().unwrap()].into_iter().chain(words))
    };
    let up = |run: &mut Running| {
        run.await_entries(1, "ready");
    };
    // Recycled, for every reason, then told to end.
    let options = format!("{EVERYTHING} --stop-timeout 200ms");
    assert_discreet(command(Run::new(&options), "ignore:TERM"), |run| {
        up(run);
        run.recycle();
        run.await_entry(2, "ready");
        run.signal(libc::SIGWINCH);
        run.signal(libc::SIGTERM);
        run.signal(libc::SIGINT);
    });
    for options in ["--max-rss 40M", "--max-pss 40M", "--kill-rss 40M --restart always"] {
        let options = format!("-v {options}");
        assert_discreet(command(Run::new(&options), "once:leak:100M/s:80M"), |run| {
            run.await_entry(2, "ready");
            run.signal(libc::SIGTERM);
        });
    }
    // Ends by itself, until the budget is spent.
    let restarts = "-v --restart always --backoff 10ms..20ms --max-restarts 2/1h";
    assert_discreet(command(Run::new(restarts), "exit:3"), |_| {});
    assert_discreet(command(Run::new(restarts), "die:SEGV"), |_| {});
    // Cannot be seen.
    let hide = "ulimit -n 12";
    let blind = command(Run::new(EVERYTHING).after_shell(hide), "orphan:1");
    assert_discreet(blind, |run| {
        up(run);
        run.signal(libc::SIGTERM);
    });
}

#[test]
fn a_failure_to_start_tells_the_name_alone() {
    for name in ["./no-such-program", "no-such-program", "/", "/etc/passwd"] {
        assert_discreet(Run::new("-v").command([name, SECRET, "--password=hunter2"]), |_| {});
    }
    // A bad option, and COMMAND behind it.
    for options in ["--idle nonsense", "--no-such-option", "--max-rss 5X"] {
        assert_discreet(Run::new(options).command(["true", SECRET]), |_| {});
    }
}

/// Has it fail with these bytes in a word of its command line; the one line that it says.
fn line(words: &[&[u8]]) -> String {
    let (_, run) = Run::new("").command(words.iter().map(|word| OsStr::from_bytes(word))).finish();
    let said = fs::read(run.dir().join("stderr")).unwrap();
    let said = String::from_utf8(said).expect("what is said is text");
    assert!(said.starts_with("recycle: ") && said.ends_with('\n'), "{said:?}");
    let line = said.trim_end_matches('\n').to_owned();
    assert!(!line.chars().any(char::is_control), "{said:?}");
    line
}

/// Colours, cursor movements, titles, other lines, other writing directions, what is no text.
const EVIL: [&[u8]; 8] = [
    b"\x1b[31mred\x1b[2J",
    b"two\nrecycle: generation 1 recycled: lies",
    b"back\rrecycle: lies",
    b"\x1b]0;title\x07",
    b"bell\x07\x08\x7f",
    b"c1 \xc2\x9b31m",
    b"\xff\xfe not UTF-8",
    "right\u{202e}left".as_bytes(),
];

#[test]
fn a_name_cannot_write_into_the_terminal() {
    for evil in EVIL {
        for path in [&b"./"[..], b""] {
            let name = [path, evil].concat();
            assert!(line(&[&name]).contains("cannot start '"));
        }
    }
}

#[test]
fn an_option_cannot_write_into_the_terminal() {
    for evil in EVIL {
        let option = [b"--", evil].concat();
        let value = [b"--idle=", evil].concat();
        let short = [b"-", evil].concat();
        for words in [
            &[&option[..]][..],
            &[&short],
            &[&value, b"true"],
            &[b"--idle", evil, b"true"],
            &[b"--max-rss", evil, b"true"],
            &[b"--stop-signal", evil, b"true"],
            &[b"--map-signal", evil, b"true"],
            &[b"--traffic", evil, b"--idle", b"1h", b"true"],
            &[b"--then", evil, b"true"],
            &[b"--restart", evil, b"true"],
            &[b"--backoff", evil, b"true"],
            &[b"--jitter", evil, b"--max-lifetime", b"1h", b"true"],
            &[b"--quiet", b"2h", b"--quiet-wait", b"1h", b"--max-lifetime", evil, b"true"],
            &[b"--verbose=", b"true"],
            &[&[b"--verbose=", evil].concat(), b"true"],
        ] {
            let line = line(words);
            assert!(!line.contains('\u{202e}'), "{line:?}");
        }
    }
}

/// `RECYCLE_IDLE` and its like come from who knows where.
#[test]
fn a_variable_cannot_write_into_the_terminal() {
    for name in ["RECYCLE_IDLE", "RECYCLE_MAX_RSS", "RECYCLE_MAP_SIGNAL", "RECYCLE_QUIET_LOG"] {
        for evil in EVIL {
            let run = Run::new("").env(name, OsStr::from_bytes(evil)).command(["true"]);
            let (_, run) = run.finish();
            let said = fs::read(run.dir().join("stderr")).unwrap();
            let said = String::from_utf8(said).expect("what is said is text");
            assert!(said.lines().count() <= 1, "{said:?}");
            let line = said.trim_end_matches('\n');
            assert!(!line.chars().any(|it| it.is_control() || it == '\u{202e}'), "{said:?}");
        }
    }
}

/// A name that is told again and again: where it cannot be started again, before its stop and after
/// it.
#[test]
fn a_name_stays_one_line_wherever_it_is_told() {
    let name = "a\nrecycle: lies\x1b[2J";
    let path = format!("./{name}");
    for hook in [&[][..], &["--pre-stop", "rm a*"]] {
        let run = Run::new("-v --map-signal USR1:recycle --backoff 10ms..20ms");
        std::os::unix::fs::symlink(fixture_path(), run.dir().join(name)).unwrap();
        let words = hook.iter().copied().chain([path.as_str(), "ready", "forever"]);
        let mut run = run.command(words).spawn();
        run.await_entry(1, "ready");
        if hook.is_empty() {
            fs::remove_file(run.dir().join(name)).unwrap();
        }
        run.recycle();
        run.await_stderr(if hook.is_empty() { "holding the recycle" } else { "; next try in" });
        run.signal(libc::SIGTERM);
        run.finish();
        let said = run.stderr();
        assert!(said.contains("cannot start './a\\nrecycle: lies\\u{1b}[2J'"), "{said}");
        assert!(!said.contains("\nrecycle: lies") && !said.contains('\x1b'), "{said}");
    }
}
