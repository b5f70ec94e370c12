//! Logs that went through whatever collects them: each line has a prefix.

use super::drawing::draw;
use super::some_log;
use crate::examples::module;
use crate::harness::{Run, fixture_path, recycle_path, tool};
use std::fs;

/// Six processes of the same COMMAND under honcho, itself under a `recycle`: what it has written is
/// drawn as it is.
#[test]
fn what_honcho_has_written_can_be_drawn() {
    let options = "--log-format json --sample-every 50ms";
    let line =
        |name: &str, more: &str| format!("{name}: $R {options} {more} -- $F ready forever\n");
    let run = Run::new(options).env("R", recycle_path()).env("F", fixture_path());
    let run = run.env("PYTHONPATH", module("honcho"));
    let procfile = line("web", "") + &line("worker", "") + &line("mailer", "--name post");
    fs::write(run.dir().join("Procfile"), procfile).unwrap();
    let python = tool("python3").display().to_string();
    let command = [python.as_str(), "-m", "honcho", "start", "-c", "web=2,worker=1,mailer=1"];
    let mut run = run.command(command).spawn();
    run.await_entries(4, "ready");
    let sampled = |log: &str, before: &str| {
        let ours = |line: &&str| line.contains(before) && line.contains(r#""event":"sample""#);
        log.lines().filter(ours).count() >= 3
    };
    run.wait_for("samples of all", |run| {
        let (out, err) = (run.stdout(), run.stderr());
        let names = ["web.1", "web.2", "worker.1", "mailer.1"];
        (names.iter().all(|name| sampled(&out, name)) && sampled(&err, "{")).then_some(())
    });
    run.signal(libc::SIGTERM);
    run.finish();
    let log = run.stdout() + &run.stderr();
    let drawing = draw(&[("all.log", &log)], "");
    assert_eq!(drawing.title, "Memory of 5 processes", "{log}");
    let fixture = fixture_path().file_name().unwrap().to_str().unwrap();
    let python = python.rsplit('/').next().unwrap();
    for name in [
        &format!("web.1 ({fixture})"),
        &format!("web.2 ({fixture})"),
        &format!("worker.1 ({fixture})"),
        "mailer.1 (post)",
        python,
    ] {
        assert!(drawing.has(name), "no {name:?} in {:?}", drawing.texts());
    }
    // What honcho itself says is not of a log.
    assert!(drawing.stderr.contains("lines of all.log are not of a JSON log"), "{drawing:?}");
    drawing.assert_tidy();
}

#[test]
fn each_collector_has_a_prefix_of_its_own() {
    for (prefix, name) in [
        ("12:00:31 worker.1   | ", "worker.1"),
        ("\u{1b}[36mworker-1  | \u{1b}[0m", "worker-1"),
        ("2026-11-24T12:00:31.204000+00:00 app[worker.1]: ", "worker.1"),
        ("[pod/a-5d9f/app] ", "pod/a-5d9f/app (worker)"),
        ("Nov 24 12:00:31 host app[4711]: ", "app (worker)"),
        ("2026-11-24T12:00:31.204Z ", "worker"),
    ] {
        let log: String = some_log().lines().map(|line| format!("{prefix}{line}\n")).collect();
        let drawing = draw(&[("web.log", &log)], "");
        assert_eq!((drawing.title, drawing.stderr), (format!("Memory of {name}"), String::new()));
    }
}
