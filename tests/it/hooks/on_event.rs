//! `--on-event`: who is told of what, and that nobody waits for it.

use super::{await_lines, lines, with_hook};
use crate::harness::{
    End, Run, execute, fixture_path, let_pass, listener, lives, now_ms, recycle_path,
};
use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

/// What happened, told by a variable, one line each.
const NAME_IT: &str = "echo $RECYCLE_EVENT >>events";

fn told(options: &str, script: &str) -> (End, Vec<String>) {
    let (end, run) = with_hook(options, "RECYCLE_ON_EVENT", NAME_IT).fixture(script).finish();
    (end, lines(&run, "events"))
}

#[test]
fn a_recycle_is_told_as_json_and_in_variables() {
    let hook = "cat >>json; env | grep ^RECYCLE | sort >vars";
    let options = "--name web.1 --max-lifetime 300ms --then exit";
    let run = with_hook(options, "RECYCLE_ON_EVENT", hook);
    let (end, run) = run.fixture("ready forever").finish();
    assert_eq!(end, End::Code(0));
    let path = run.dir().join("json");
    let reader = "import json, sys\n\
                  event = json.load(open(sys.argv[1]))\n\
                  print(event['v'], event['event'], event['name'], event['reason'])";
    let output = execute("python3", &["-c", reader, path.to_str().unwrap()]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1 recycled web.1 lifetime\n");
    let vars = lines(&run, "vars");
    for variable in [
        "RECYCLE_EVENT=recycled",
        "RECYCLE_EVENT_GENERATION=1",
        "RECYCLE_EVENT_LIFETIME=0.3",
        "RECYCLE_EVENT_NAME=web.1",
        "RECYCLE_EVENT_REASON=lifetime",
        "RECYCLE_EVENT_SIGNAL=SIGTERM",
    ] {
        assert!(vars.contains(&variable.to_owned()), "{variable}: {vars:?}");
    }
    let message = vars.iter().find_map(|line| line.strip_prefix("RECYCLE_EVENT_MESSAGE="));
    assert!(run.stderr().contains(message.unwrap()), "{vars:?}");
    // What was meant for us is not for it.
    assert!(vars.iter().all(|line| line.starts_with("RECYCLE_EVENT")), "{vars:?}");
}

/// Of a generation that runs: the process of one that is gone may be another's by now.
#[test]
fn commands_pid_is_told_while_it_is_commands() {
    let options = "--stdin lines --max-line 1K --map-signal USR1:recycle";
    let hook = "echo $RECYCLE_EVENT ${RECYCLE_EVENT_PID-none} >>events";
    let run = with_hook(options, "RECYCLE_ON_EVENT", hook).stdin_pipe();
    let mut run = run.fixture("ready append:out").spawn();
    let command = run.await_entry(1, "ready").pid;
    run.send(&format!("{}\n", "x".repeat(2000)));
    let told = await_lines(&mut run, "events", 1);
    assert_eq!(told, [format!("long_line {command}")]);
    run.recycle();
    let told = await_lines(&mut run, "events", 2);
    assert_eq!(told[1], "recycled none");
    run.close_stdin();
    assert_eq!(run.finish(), End::Code(0));
}

/// Hooks of a `recycle` that a hook has started: what that one was told is not theirs.
#[test]
fn what_was_inherited_is_not_told() {
    let run = with_hook("", "RECYCLE_ON_EVENT", "env | grep ^RECYCLE_EVENT >vars");
    let others = [("RECYCLE_EVENT", "recycled"), ("RECYCLE_EVENT_REASON", "idle")];
    let run = others.iter().fold(run, |run, (name, value)| run.env(name, value));
    let (end, run) = run.fixture("exit:3").finish();
    assert_eq!(end, End::Code(3));
    let vars = lines(&run, "vars");
    let of = |name: &str| vars.iter().filter(|line| line.starts_with(name)).count();
    assert_eq!((of("RECYCLE_EVENT="), of("RECYCLE_EVENT_REASON")), (1, 0), "{vars:?}");
    assert!(vars.contains(&"RECYCLE_EVENT=exited".to_owned()), "{vars:?}");
}

#[test]
fn ends_by_failure_are_told_and_others_are_not() {
    assert_eq!(told("", "exit:3"), (End::Code(3), vec!["exited".to_owned()]));
    assert_eq!(told("", "die:KILL").1, ["exited"]);
    assert_eq!(told("", "exit:0"), (End::Code(0), vec![]));
    let (end, run) =
        with_hook("", "RECYCLE_ON_EVENT", NAME_IT).command(["no-such-program"]).finish();
    assert_eq!((end, lines(&run, "events")), (End::Code(127), vec!["start_failed".to_owned()]));
}

/// The last words of all are told, too, before we end.
#[test]
fn giving_up_is_told() {
    let options = "--restart always --max-restarts 1/1m --backoff 1ms..1ms";
    let (end, events) = told(options, "exit:3");
    assert_eq!(
        (end, &events[..]),
        (End::Code(3), &["exited", "exited", "gave_up"].map(String::from)[..])
    );
}

#[test]
fn a_limit_that_is_too_low_is_told() {
    let run = with_hook("--max-rss 20M", "RECYCLE_ON_EVENT", NAME_IT);
    let mut run = run.fixture("hold:40M ready forever").spawn();
    let events = await_lines(&mut run, "events", 2);
    // A test that looks late finds the next ones, too.
    assert_eq!(events[..2], ["recycled", "limit_too_low"]);
}

/// Who asked for the end need not be told of it.
#[test]
fn an_end_that_was_asked_for_is_not_told() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let run = with_hook("", "RECYCLE_ON_EVENT", NAME_IT);
        let mut run = run.fixture("trap:TERM:exit=3 trap:INT:exit=3 ready forever").spawn();
        run.await_entry(1, "ready");
        run.signal(signal);
        assert_eq!(run.finish(), End::Code(3));
        assert_eq!(lines(&run, "events"), [] as [&str; 0]);
    }
}

/// Only an end soon after it: COMMAND may have taken it for something else.
#[test]
fn an_end_long_after_an_int_is_told() {
    let options = "--stop-timeout 100ms --map-signal QUIT:none";
    let run = with_hook(options, "RECYCLE_ON_EVENT", NAME_IT);
    let mut run = run.fixture("trap:INT ready wait-file:go exit:3").spawn();
    run.await_entry(1, "ready");
    run.signal(libc::SIGQUIT);
    run.signal(libc::SIGINT);
    run.await_entry(1, "got INT");
    let_pass(Duration::from_millis(150));
    run.touch("go");
    assert_eq!(run.finish(), End::Code(3));
    assert_eq!(lines(&run, "events"), ["exited"]);
}

/// One at a time, in order; recycles go on meanwhile.
#[test]
fn nobody_waits_for_who_is_told() {
    let hook = "mkdir busy || echo twice >>told; $F wait-file:go; rmdir busy\n\
                echo $RECYCLE_EVENT_GENERATION >>told";
    let run = with_hook("--max-lifetime 30ms", "RECYCLE_ON_EVENT", hook).term_held();
    let mut run = run.fixture("ready unblock forever").spawn();
    run.await_entry(6, "ready");
    assert_eq!(lines(&run, "told"), [] as [&str; 0]);
    run.touch("go");
    let told = await_lines(&mut run, "told", 5);
    assert_eq!(told[..5], ["1", "2", "3", "4", "5"]);
}

#[test]
fn what_nobody_could_be_told_of_is_counted() {
    let hook = "$F wait-file:go";
    let run = with_hook("--max-lifetime 10ms", "RECYCLE_ON_EVENT", hook).term_held();
    let mut run = run.fixture("ready unblock forever").spawn();
    run.await_entry(31, "ready");
    run.signal(libc::SIGSTOP);
    let recycled = run.recycles().len();
    run.signal(libc::SIGCONT);
    run.touch("go");
    // One is being told, and sixteen wait.
    let at_least = recycled - 17;
    let count = run.wait_for("the count", |run| {
        let stderr = run.stderr();
        let (_, rest) = stderr.split_once("--on-event was not told of ")?;
        rest.split_once(" events: too many at once")?.0.parse::<usize>().ok()
    });
    assert!(count >= at_least, "{count} {at_least}");
}

/// The last words say most.
#[test]
fn that_we_give_up_is_told_whoever_was_not() {
    let options = "--restart always --max-restarts 25/1m --backoff 1ms..1ms";
    let hook = "$F wait-file:go; echo $RECYCLE_EVENT >>events";
    let run = with_hook(options, "RECYCLE_ON_EVENT", hook);
    let mut run = run.fixture("exit:3").spawn();
    run.await_stderr("giving up");
    run.touch("go");
    assert_eq!(run.finish(), End::Code(3));
    let events = lines(&run, "events");
    assert_eq!(events.last().map(String::as_str), Some("gave_up"), "{events:?}");
    assert_eq!(events.len(), 17);
    assert!(run.stderr().contains("--on-event was not told of 10 events"), "{}", run.stderr());
}

/// Neither a lock, nor a pipe that somebody reads to its end.
#[test]
fn a_hook_that_outlives_command_holds_nothing_of_its() {
    let recycle = recycle_path().display();
    let script = format!("{recycle} sh -c 'echo data; exit 3' | {{ cat >read; : >done; }}");
    let run = Run::bare().env("F", fixture_path());
    let run = run.env("RECYCLE_ON_EVENT", "$F mark:hook wait-file:go");
    let mut run = run.command(["bash", "-c", &script]).spawn();
    run.await_entries(1, "mark:hook");
    let done = run.dir().join("done");
    run.wait_for("the reader's end", |_| done.exists().then_some(()));
    assert_eq!(lines(&run, "read"), ["data"]);
    run.touch("go");
    run.finish();

    let run = with_hook("--restart always", "RECYCLE_ON_EVENT", "$F mark:hook wait-file:go");
    let run = run.after_shell("exec 9>lock; flock 9");
    let mut run = run.fixture("once:exit:3 ready forever").spawn();
    let hook = run.await_entries(1, "mark:hook")[0].pid;
    run.await_entry(2, "ready");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    assert!(lives(hook));
    let lock = run.dir().join("lock");
    assert!(execute("flock", &["-n", lock.to_str().unwrap(), "true"]).status.success());
    run.touch("go");
    run.await_gone(hook);
}

/// A hook that fails changes nothing, and is told of where it shows: not to itself.
#[test]
fn a_hook_that_fails_is_said() {
    for (hook, line) in [
        ("exit 4", "--on-event exited with status 4"),
        ("kill -9 $$", "--on-event exited with status 137"),
        ("no-such-program", "--on-event exited with status 127"),
    ] {
        let run = with_hook("", "RECYCLE_ON_EVENT", hook);
        let (end, run) = run.fixture("exit:3").finish();
        assert_eq!(end, End::Code(3));
        assert_eq!(
            run.stderr().matches(&format!("recycle: {line}\n")).count(),
            1,
            "{}",
            run.stderr()
        );
    }
}

/// It, what it started, and what of that went away.
#[test]
fn a_hook_has_thirty_seconds() {
    let hook = "$F orphan:1:setsid,ignore:TERM,mark:orphan,forever ignore:TERM mark:hook forever";
    let run = with_hook("", "RECYCLE_ON_EVENT", hook);
    let mut run = run.fixture("exit:3").spawn();
    let began_ms = run.await_entries(1, "mark:hook")[0].t_ms;
    let pids: Vec<_> =
        ["mark:hook", "mark:orphan"].map(|mark| run.await_entries(1, mark)[0].pid).into();
    for pid in pids {
        run.await_gone(pid);
    }
    assert!(now_ms() - began_ms >= 29_000);
    assert_eq!(run.finish(), End::Code(3));
}

/// The end waits for who is told why, but not for the one who does not want to wait.
#[test]
fn who_is_told_of_the_end_is_waited_for_unless_it_was_asked_for() {
    let hook = "$F mark:hook wait-file:go; echo told >told";
    for asked in [false, true] {
        let run = with_hook("", "RECYCLE_ON_EVENT", hook);
        let mut run = run.fixture("exit:3").spawn();
        let hook = run.await_entries(1, "mark:hook")[0].pid;
        let_pass(Duration::from_millis(50));
        assert!(lives(run.pid()));
        if asked {
            run.signal(libc::SIGTERM);
        } else {
            run.touch("go");
        }
        assert_eq!(run.finish(), End::Code(3));
        if asked {
            // It is seen through all the same.
            assert!(lives(hook) && lines(&run, "told").is_empty());
            run.touch("go");
        }
        await_lines(&mut run, "told", 1);
    }
}

/// The line of docs/recipes.md, with a receiver that takes what Slack would.
#[test]
fn a_webhook_is_told() {
    let recipes = include_str!("../../../docs/recipes.md");
    let line = recipes.lines().find_map(|line| line.strip_prefix("export RECYCLE_ON_EVENT='"));
    let script = line.and_then(|line| line.strip_suffix('\'')).unwrap();
    let receiver = listener();
    let url = format!("http://{}/hook", receiver.local_addr().unwrap());
    let run = with_hook("--name a\"b", "RECYCLE_ON_EVENT", script).env("SLACK_WEBHOOK", url);
    let mut run = run.fixture("exit:3").spawn();
    let (stream, _) = receiver.accept().unwrap();
    let mut request = BufReader::new(&stream);
    let (mut head, mut length) = (String::new(), 0);
    while request.read_line(&mut head).unwrap() > 2 {
        let last = head.lines().last().unwrap().to_ascii_lowercase();
        length = last.strip_prefix("content-length: ").map_or(length, |it| it.parse().unwrap());
    }
    let mut body = vec![0; length];
    request.read_exact(&mut body).unwrap();
    (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    assert_eq!(run.finish(), End::Code(3));
    assert!(head.starts_with("POST /hook "), "{head}");
    assert!(head.to_ascii_lowercase().contains("content-type: application/json"), "{head}");
    let reader = "import json, sys; print(json.loads(sys.argv[1]))";
    let output = execute("python3", &["-c", reader, std::str::from_utf8(&body).unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("{'text': 'generation 1 exited with status 3 after "), "{text}");
    assert!(!run.stderr().contains("--on-event"), "{}", run.stderr());
}

#[test]
fn without_on_event_nobody_is_told() {
    let (end, run) = Run::new("--max-lifetime 200ms --then exit").fixture("ready forever").finish();
    assert_eq!((end, lines(&run, "events")), (End::Code(0), Vec::new()));
}
