//! Servers that speak JSON-RPC over standard input and output, as an editor starts them: they
//! sleep while nobody asks, and none outlives its client.

mod programs;

use self::programs::{CLIENT, LANGUAGE_SERVER, TOOL_SERVER, WRAPPER};
use crate::harness::{End, Run, Running, fixture_path, let_pass, now_ms, recycle_path, tool};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// A server, and what `recycle` is told about its input. A message with a header ends in no
/// newline: it cannot be handed over line by line.
#[derive(Clone, Copy)]
struct Server {
    framing: &'static str,
    mode: &'static str,
    /// Heeds no end of input.
    orphan: bool,
}

const SERVERS: [Server; 3] = [
    Server { framing: "header", mode: "inherit", orphan: false },
    Server { framing: "line", mode: "inherit", orphan: false },
    Server { framing: "line", mode: "lines", orphan: false },
];

impl Server {
    fn orphan(self) -> Self {
        Self { orphan: true, ..self }
    }

    /// `recycle` with these options and the server, for whose files there is a place in `run`.
    fn command(self, run: &Run, options: &str) -> Vec<String> {
        let (program, text) = match self.framing {
            "header" => ("python3", LANGUAGE_SERVER),
            _ => ("node", TOOL_SERVER),
        };
        fs::write(run.dir().join("server"), text).unwrap();
        // An orphan does not heed the end of its input when it is to be recycled, either.
        let drains = self.mode == "lines" && options.contains("--idle");
        let drain = if drains { "--drain-timeout 0s" } else { "" };
        let options = format!("--stdin {} {drain} {options} --", self.mode);
        let words = options.split_whitespace().map(str::to_owned);
        let server = [path(tool(program)), "server".to_owned()];
        let orphan = self.orphan.then(|| "orphan".to_owned());
        [path(recycle_path().into())].into_iter().chain(words).chain(server).chain(orphan).collect()
    }

    fn start(self, options: &str) -> Editor {
        let run = Run::bare();
        fs::write(run.dir().join("client"), CLIENT).unwrap();
        let words = [path(tool("python3")), "client".to_owned(), self.framing.to_owned()];
        let words = words.into_iter().chain(self.command(&run, options));
        // Programs of this size take their time to start.
        let run = run.command(words).stdin_pipe();
        Editor { run: run.spawn(), told: 0 }
    }
}

fn path(path: PathBuf) -> String {
    path.display().to_string()
}

/// A client, with its server.
struct Editor {
    run: Running,
    /// So many lines of what it says were awaited.
    told: usize,
}

impl Editor {
    fn tell(&mut self, order: &str) -> String {
        self.run.send(&format!("{order}\n"));
        self.told += 1;
        let told = self.told;
        self.run.wait_for(&format!("line {told} of the client"), |run| {
            let stdout = run.stdout();
            let mut lines = stdout.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            lines.nth(told - 1).map(|line| line.trim_end().to_owned())
        })
    }

    fn assert_answered_by(&mut self, generation: u32) {
        assert_eq!(self.tell("ask"), format!("generation {generation}"));
    }

    fn await_asleep(&mut self, times: usize) {
        await_asleep(&mut self.run, times);
    }
}

fn servers(run: &Running) -> Vec<i32> {
    let processes = run.processes().into_iter();
    let servers = processes.filter(|it| {
        let mut words = it.command.split(' ');
        let program = words.next().unwrap_or_default();
        (program.ends_with("node") || program.contains("python3")) && words.next() == Some("server")
    });
    servers.map(|it| it.pid).collect()
}

fn await_asleep(run: &mut Running, times: usize) {
    run.wait_for(&format!("recycle {times}"), |run| (run.recycles().len() == times).then_some(()));
    assert!(run.recycles()[times - 1].contains(" recycled: idle 1"), "{:?}", run.recycles());
    assert_eq!(servers(run), [0; 0]);
}

fn await_nobody(run: &mut Running) {
    run.wait_for("the end of all", |run| run.processes().is_empty().then_some(()));
}

const SLEEP: &str = "--idle 1s --then wait";
const NO_ORPHANS: &str = "--eof-timeout 1s";
const BOTH: &str = "--idle 1s --then wait --eof-timeout 1s";

#[test]
fn a_server_sleeps_while_nobody_asks_and_a_fresh_one_answers() {
    let mut editors = SERVERS.map(|server| server.start(SLEEP));
    for round in 1..=3 {
        for editor in &mut editors {
            let asked_ms = now_ms();
            editor.assert_answered_by(round);
            editor.assert_answered_by(round);
            editor.await_asleep(usize::try_from(round).unwrap());
            assert!(now_ms() >= asked_ms + 1000);
        }
    }
    for editor in &mut editors {
        editor.assert_answered_by(4);
        assert_eq!(editor.tell("close"), "status 0");
        assert_eq!(editor.run.recycles().len(), 3);
    }
}

/// Neither of the two has to wait for anything then, orphan or not.
#[test]
fn a_client_that_closes_or_dies_while_its_server_sleeps_leaves_nobody() {
    for closes in [true, false] {
        let mut editors = SERVERS.map(|server| server.orphan().start(SLEEP));
        for editor in &mut editors {
            editor.assert_answered_by(1);
        }
        for mut editor in editors {
            editor.await_asleep(1);
            if closes {
                assert_eq!(editor.tell("close"), "status 0");
            }
            editor.run.signal(libc::SIGKILL);
            await_nobody(&mut editor.run);
        }
    }
}

#[test]
fn an_orphan_is_stopped_when_its_client_closes() {
    let mut editors = SERVERS.map(|server| server.orphan().start(NO_ORPHANS));
    for editor in &mut editors {
        editor.assert_answered_by(1);
    }
    for editor in &mut editors {
        let before_ms = now_ms();
        assert_eq!(editor.tell("close"), "status -15");
        assert!(now_ms() >= before_ms + 1000);
        editor.run.await_stderr("(--eof-timeout)\n");
    }
}

#[test]
fn an_orphan_is_stopped_when_its_client_dies() {
    for options in [NO_ORPHANS, BOTH] {
        let mut editors = SERVERS.map(|server| server.orphan().start(options));
        for editor in &mut editors {
            editor.assert_answered_by(1);
            editor.run.signal(libc::SIGKILL);
        }
        for editor in &mut editors {
            await_nobody(&mut editor.run);
        }
    }
}

#[test]
fn a_server_that_heeds_the_end_is_left_to_it() {
    for closes in [true, false] {
        let mut editors = SERVERS.map(|server| server.start("--eof-timeout 1h"));
        for editor in &mut editors {
            editor.assert_answered_by(1);
            if closes {
                assert_eq!(editor.tell("close"), "status 0");
            }
            editor.run.signal(libc::SIGKILL);
            await_nobody(&mut editor.run);
            assert_eq!(editor.run.stderr(), "");
        }
    }
}

/// The negative control, and what people find hundreds of.
#[test]
fn without_the_option_an_orphan_lives_on() {
    let mut editors = SERVERS.map(|server| server.orphan().start(""));
    for editor in &mut editors {
        editor.assert_answered_by(1);
        editor.run.signal(libc::SIGKILL);
    }
    let_pass(Duration::from_millis(1500));
    for editor in &editors {
        assert_eq!(servers(&editor.run).len(), 1);
    }
}

fn wrapped(options: &str, mode: &'static str) -> Running {
    let run = Run::bare().env("F", fixture_path());
    let server = Server { framing: "line", mode, orphan: true };
    let command = server.command(&run, options);
    let words = ["bash", "-c", WRAPPER, "bash"].map(str::to_owned);
    let mut run = run.command(words.into_iter().chain(command)).spawn();
    let client = run.await_entries(1, "ready")[0].pid;
    await_answer(&mut run, 1, 1);
    crate::harness::send_signal(client, libc::SIGKILL);
    run.await_gone(client);
    run
}

fn await_answer(run: &mut Running, id: u32, generation: u32) {
    let answer =
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"generation":"{generation}"}}}}"#);
    run.wait_for(&answer, |run| {
        let stdout = run.stdout();
        stdout.lines().any(|line| line == answer).then_some(())
    });
}

/// Nobody can know that nobody will write any more; but that nobody does is enough.
#[test]
fn a_server_whose_pipe_is_held_open_sleeps_all_the_same() {
    for mode in ["inherit", "lines"] {
        let mut run = wrapped(BOTH, mode);
        await_asleep(&mut run, 1);
        run.touch("again");
        await_answer(&mut run, 2, 2);
        await_asleep(&mut run, 2);
        run.touch("end");
        assert_eq!(run.finish(), End::Code(0));
    }
}

#[test]
fn a_pipe_that_is_held_open_has_not_ended() {
    for mode in ["inherit", "lines"] {
        let mut run = wrapped(NO_ORPHANS, mode);
        let_pass(Duration::from_millis(1500));
        assert_eq!(run.stderr(), "");
        run.touch("again");
        await_answer(&mut run, 2, 1);
        let before_ms = now_ms();
        run.touch("end");
        assert_eq!(run.finish(), End::Code(143));
        assert!(now_ms() >= before_ms + 1000);
    }
}

/// Of the protocol for tools of language models: before `initialize` every call is an error.
const SESSION_SERVER: &str = "\
let open = false;
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const call = JSON.parse(line);
    open ||= call.method === 'initialize';
    const answer = open ? { result: {} } : { error: { code: -32002, message: 'no session' } };
    console.log(JSON.stringify({ jsonrpc: '2.0', id: call.id, ...answer }));
});
";

fn call(run: &mut Running, id: u32, method: &str) -> String {
    run.send(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\"}}\n"));
    let head = format!(r#"{{"jsonrpc":"2.0","id":{id},"#);
    run.wait_for(&head, |run| {
        let stdout = run.stdout();
        let answer = stdout.lines().find_map(|line| line.strip_prefix(&head))?;
        Some(answer.trim_end_matches('}').to_owned())
    })
}

fn session_server(options: &str) -> Running {
    let run = Run::new(options).stdin_pipe();
    fs::write(run.dir().join("server"), SESSION_SERVER).unwrap();
    let mut run = run.command([path(tool("node")), "server".to_owned()]).spawn();
    assert!(call(&mut run, 1, "initialize").starts_with(r#""result""#));
    assert!(call(&mut run, 2, "tools/call").starts_with(r#""result""#));
    run
}

/// The manual and the README say so: what was said once at the beginning is not said again.
#[test]
fn a_session_does_not_outlive_sleep() {
    let mut run = session_server(BOTH);
    await_asleep(&mut run, 1);
    assert!(call(&mut run, 3, "tools/call").starts_with(r#""error":{"code":-32002"#));
    run.close_stdin();
    run.finish();
}

/// What they offer in its place.
#[test]
fn a_session_is_kept_where_only_its_end_is_watched() {
    let mut run = session_server(NO_ORPHANS);
    let_pass(Duration::from_millis(1500));
    assert!(call(&mut run, 3, "tools/call").starts_with(r#""result""#));
    run.close_stdin();
    assert_eq!(run.finish(), End::Code(0));
    assert_eq!(run.recycles(), [""; 0]);
}
