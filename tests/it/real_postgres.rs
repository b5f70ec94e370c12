//! PostgreSQL over its Unix socket alone: queries keep it awake, silence recycles it, and what was
//! written is still there.

use crate::harness::{End, Run, Running, UNIX_IDLENESS, let_pass, now_ms, tool};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

/// The newest that is installed: Debian has its programs where no PATH leads.
pub(crate) fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<_> = versions
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").is_file())
        .collect();
    found.sort();
    found.pop().expect("this test needs `postgresql`: install it")
}

/// PostgreSQL refuses root.
pub(crate) fn as_nobody(command: &str) -> Vec<String> {
    let user = format!("{} --reuid=65534 --regid=65534 --clear-groups", tool("setpriv").display());
    format!("{user} {command}").split_whitespace().map(str::to_owned).collect()
}

/// A client that asks what it reads, with these words more.
fn psql(run: &Running, more: &[&str]) -> Run {
    let psql = programs().join("psql").display().to_string();
    let directory = run.dir().display().to_string();
    let words = [&psql, "-X", "-q", "-A", "-t", "-h", &directory, "-U", "test", "-d", "postgres"];
    Run::bare().command(words.iter().chain(more))
}

/// What the query answers; `None`: nobody does right now.
fn query(run: &Running, text: &str) -> Option<String> {
    let (end, client) = psql(run, &["-c", text]).finish();
    (end == End::Code(0)).then(|| client.stdout().trim().to_owned())
}

/// A cluster in the run's directory, made as quickly as may be.
fn start(options: &str) -> Running {
    let run = Run::new(options);
    fs::set_permissions(run.dir(), fs::Permissions::from_mode(0o777)).unwrap();
    let directory = run.dir().display();
    let bin = programs().display().to_string();
    let initdb = format!("{bin}/initdb -D {directory}/data --no-sync -A trust -U test");
    let (end, made) = Run::bare().command(as_nobody(&initdb)).env("LC_ALL", "C").finish();
    assert_eq!(end, End::Code(0), "{}", made.stderr());
    let postgres = format!(
        "{bin}/postgres -D {directory}/data -k {directory} -c listen_addresses= -c fsync=off"
    );
    run.command(as_nobody(&postgres)).spawn()
}

#[test]
fn postgresql_goes_idle_over_its_unix_socket_and_keeps_its_data() {
    let mut run = start("--idle 2s --stop-signal INT").losing(UNIX_IDLENESS);
    run.wait_for("PostgreSQL to serve", |run| query(run, "create table kept (value int)"));
    // One that is there already: a program takes its time to start.
    let mut client = psql(&run, &[]).stdin_pipe().spawn();
    let mut last_ms = 0;
    for value in 1..=6 {
        last_ms = now_ms();
        client.send(&format!("insert into kept values ({value}) returning value;\n"));
        client.wait_for("the answer", |client| {
            (client.stdout().lines().count() == value).then_some(())
        });
        let_pass(Duration::from_millis(1200));
    }
    assert_eq!(run.recycles(), [""; 0], "recycled between queries");

    if !run.is_never_idle() {
        let line = run.wait_for("the recycle", |run| run.recycles().first().cloned());
        assert!(now_ms() >= last_ms + 2000);
        assert!(line.contains(" recycled: idle"), "{line}");
    }
    let sum = run.wait_for("its data", |run| query(run, "select sum(value) from kept"));
    assert_eq!(sum, "21");
    run.signal(libc::SIGINT);
    assert_eq!(run.finish(), End::Code(0));
}

/// As `--explain` warns of it.
#[test]
fn a_client_holds_the_stop_of_postgresql_but_for_one_by_int() {
    for (options, by_force) in [("", true), ("--stop-signal INT", false)] {
        let mut run = start(&format!("--map-signal USR1:recycle --stop-timeout 2s {options}"));
        run.wait_for("PostgreSQL to serve", |run| query(run, "select 1"));
        let mut client = psql(&run, &[]).stdin_pipe().spawn();
        client.send("select 2;\n");
        client.wait_for("the answer", |client| client.stdout().contains('2').then_some(()));
        run.signal(libc::SIGUSR1);
        let line = run.wait_for("the recycle", |run| run.recycles().first().cloned());
        assert_eq!(line.contains("SIGKILL"), by_force, "{line}");
        client.close_stdin();
        client.finish();
        run.signal(libc::SIGINT);
        run.finish();
    }
}
