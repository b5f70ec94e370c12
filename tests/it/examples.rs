//! The examples do what they say: real programs run what can be run, and of the others their own
//! tools check what only they can run. (The container has its own place, among containers.)

use crate::docs::{between, text};
use crate::harness::{
    End, Run, Running, free_port, http, look_up, own_network, recycle_path, send_signal, tool,
};
use std::fs;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Where they look for `recycle`; with the variable it takes an order.
fn with_recycle(run: Run) -> Run {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let ours = recycle_path().parent().unwrap().to_owned();
    let path = std::env::join_paths([ours].into_iter().chain(std::env::split_paths(&path)));
    run.env("PATH", path.unwrap()).env("RECYCLE_MAP_SIGNAL", "USR1:recycle")
}

/// Where `.ci/test` puts what comes from PyPI.
pub(crate) fn module(name: &str) -> String {
    let dir = format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"));
    assert!(Path::new(&dir).exists(), "this test needs {name}: run .ci/test --install-only");
    dir
}

fn number(text: &str, before: &str) -> u64 {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before:?}"));
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
    digits.parse().unwrap_or_else(|_| panic!("no number behind {before:?}"))
}

/// The `recycle` whose COMMAND has this command line.
fn await_recycle(run: &mut Running, command: &str) -> i32 {
    run.wait_for(command, |run| {
        let processes = run.processes();
        let found = processes.iter().find(|process| process.command == command)?;
        let parent = look_up(found.pid)?.parent;
        let is_ours = |process: &&crate::harness::Process| process.command.starts_with("recycle ");
        processes.iter().filter(is_ours).find(|other| other.pid == parent).map(|other| other.pid)
    })
}

/// What the web process answers: how much it has leaked so far.
fn await_answer(run: &mut Running, port: u16) -> u32 {
    run.wait_for("an answer", |_| {
        let (status, body) = http(port, "GET /", b"").ok()?;
        assert_eq!(status, "HTTP/1.1 200 OK");
        Some(body.trim().parse().unwrap())
    })
}

#[test]
fn the_procfile_runs_and_a_recycle_is_no_end() {
    own_network();
    let port = free_port();
    let run = with_recycle(Run::bare()).env("PYTHONPATH", module("honcho"));
    for name in ["Procfile", "leaky-server.js", "worker.py"] {
        fs::copy(file(name), run.dir().join(name)).unwrap();
    }
    let run = run.env("WEB_PORT", port.to_string()).env("PAUSE", "0.05");
    let python = tool("python3").display().to_string();
    let port_word = port.to_string();
    let run = run.command([python.as_str(), "-m", "honcho", "start", "-p", &port_word]);
    let mut run = run.spawn();

    let recycle = await_recycle(&mut run, "node leaky-server.js");
    await_recycle(&mut run, "python3 worker.py");
    while await_answer(&mut run, port) < 5 {}
    run.wait_for("the worker's work", |run| run.stdout().contains("done ").then_some(()));
    send_signal(recycle, libc::SIGUSR1);
    run.wait_for("the recycle", |run| {
        run.stdout().contains("generation 1 recycled: asked by SIGUSR1").then_some(())
    });
    await_answer(&mut run, port);
    assert_eq!(await_recycle(&mut run, "node leaky-server.js"), recycle);
    assert!(!run.stdout().contains("stopped (rc="), "{}", run.stdout());
    run.signal(libc::SIGTERM);
    run.finish();
    assert!(run.processes().is_empty());
}

/// With this system's `recycle` in place of what is installed on theirs.
fn verify(unit: &str) -> (End, String) {
    let run = Run::bare();
    let path = run.dir().join("app.service");
    let ours = recycle_path().to_str().unwrap();
    fs::write(&path, unit.replace("/usr/local/bin/recycle", ours)).unwrap();
    let analyze = tool("systemd-analyze");
    let words = [analyze.to_str().unwrap(), "verify", "--man=no", path.to_str().unwrap()];
    let (end, run) = run.command(words).finish();
    (end, run.stdout() + &run.stderr())
}

#[test]
fn systemd_takes_the_unit() {
    let unit = text("examples/app.service");
    assert_eq!(verify(&unit), (End::Code(0), String::new()));
    // The negative controls: it reads what is there.
    let (_, told) = verify(&unit.replace("KillMode=mixed", "KillMode=sometimes"));
    assert!(told.contains("sometimes"), "{told}");
    assert_ne!(verify(&unit.replace("/recycle ", "/no-such-program ")).0, End::Code(0));
}

#[test]
fn the_units_limits_agree() {
    let unit = text("examples/app.service");
    assert!(number(&unit, "\nTimeoutStopSec=") > number(&unit, "--stop-timeout "));
    assert!(number(&unit, "--kill-rss ") > number(&unit, "--max-rss "));
    assert!(number(&unit, "--kill-rss ") < 100 && number(&unit, "\nMemoryMax=") > 0);
}

/// Strictly: what the schema does not know is refused.
fn validate(manifest: &str) -> (End, String) {
    let run = Run::bare().env("PYTHONPATH", module("kubernetes-validate"));
    let path = run.dir().join("manifest.yaml");
    fs::write(&path, manifest).unwrap();
    let python = tool("python3");
    let words = ["-m", "kubernetes_validate", "--strict", "--quiet", path.to_str().unwrap()];
    let words = [python.to_str().unwrap()].into_iter().chain(words);
    let (end, run) = run.command(words).finish();
    (end, run.stdout() + &run.stderr())
}

#[test]
fn kubernetes_takes_the_deployment() {
    let manifest = text("examples/kubernetes.yaml");
    assert_eq!(validate(&manifest), (End::Code(0), String::new()));
    // The negative controls.
    for (right, wrong) in [("replicas: 2", "replicas: two"), ("limits:", "limit:")] {
        let (end, told) = validate(&manifest.replace(right, wrong));
        assert_ne!(end, End::Code(0), "{wrong}: {told}");
    }
}

#[test]
fn the_deployments_limits_agree() {
    let manifest = text("examples/kubernetes.yaml");
    let command = between(&manifest, "command: [", "]").replace("\", \"", " ");
    let stop_timeout = number(&command, "--stop-timeout ");
    assert!(number(&manifest, "terminationGracePeriodSeconds: ") > stop_timeout);
    let liveness = between(&manifest, "livenessProbe:", "securityContext:");
    let patience = number(liveness, "periodSeconds: ") * number(liveness, "failureThreshold: ");
    assert!(patience > stop_timeout, "a recycle is taken for a hang after {patience} s");
    // What the probes talk to is no traffic.
    let health = number(&manifest, "name: health, containerPort: ");
    assert_eq!(number(&command, "!port:"), health);
    assert_eq!(number(&manifest, "\"--health-port\", \""), health);
    assert!(number(&manifest, "limits: {memory: ") > 0);
}

fn pipeline() -> Run {
    let script = file("pipeline.sh");
    with_recycle(Run::bare()).command([script.to_str().unwrap()])
}

/// Recycled in the middle, once while it waits and again and again while it works.
#[test]
fn nothing_is_lost_in_the_pipeline() {
    const LINES: u64 = 20_000;
    let mut run = pipeline().stdin_pipe().spawn();
    let answered = |run: &Running| run.stdout().matches('\n').count();
    let input = |range: std::ops::Range<u64>| range.map(|n| format!("{n}\n")).collect::<String>();
    run.send("# no number\n0\n");
    run.wait_for("the first answer", |run| (answered(run) == 1).then_some(()));
    let recycle = run.wait_for("the wrapper", |run| {
        let processes = run.processes();
        let ours = processes.iter().find(|process| process.command.starts_with("recycle "))?;
        Some(ours.pid)
    });
    for (generation, range) in (1..).zip([1..2, 2..LINES / 2, LINES / 2..LINES]) {
        let first = usize::try_from(range.start).unwrap();
        send_signal(recycle, libc::SIGUSR1);
        run.send(&input(range));
        run.await_stderr(&format!("generation {generation} recycled: asked by SIGUSR1"));
        run.wait_for("more answers", |run| (answered(run) > first).then_some(()));
    }
    run.close_stdin();
    assert_eq!(run.finish(), End::Code(0));
    let squares: String = (0..LINES).map(|n| format!("{}\n", n * n)).collect();
    assert!(run.stdout() == squares, "{} lines", answered(&run));
}

#[test]
fn an_empty_pipeline_is_no_failure() {
    for input in ["", "# nothing\n"] {
        let mut run = pipeline().stdin_pipe().spawn();
        run.send(input);
        run.close_stdin();
        assert_eq!(run.finish(), End::Code(0), "{input:?}");
        assert_eq!(run.stdout(), "");
    }
}

#[test]
fn the_pipeline_fails_as_its_consumer_does() {
    let mut run = pipeline().stdin_pipe().spawn();
    run.send("2\nthree\n4\n");
    run.close_stdin();
    assert_eq!(run.finish(), End::Code(65));
    assert_eq!(run.stdout(), "4\n");
    assert!(run.stderr().contains("no number: three"), "{}", run.stderr());
}
