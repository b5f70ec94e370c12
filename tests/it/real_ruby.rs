//! Puma and Sidekiq take the signals of job control for orders: supervision goes on meanwhile.

use crate::harness::{Client, End, Run, Running, free_port, http, tool};
use std::fs;

/// `POST /` keeps a body of this size, which passes the limit.
const APPLICATION: &str = "\
run lambda { |env|
    $kept = 'x' * 300_000_000 if env['REQUEST_METHOD'] == 'POST'
    [200, {}, [ENV['RECYCLE_GENERATION']]]
}
";

/// The whole tree needs a third of that.
const LIMIT: &str = "--max-rss 300M";

fn assert_recycled_for_memory(run: &mut Running) {
    let line = run.wait_for("the recycle", |run| run.recycles().first().cloned());
    assert!(line.contains(" recycled: rss ") && line.contains("> 300M"), "{line}");
}

/// Until so many workers live.
fn await_workers(run: &mut Running, number: usize) {
    run.wait_for(&format!("{number} workers"), |run| {
        let processes = run.processes();
        let workers = processes.iter().filter(|it| it.command.contains("cluster worker"));
        (workers.count() == number).then_some(())
    });
}

/// TTIN adds a worker, TTOU takes one away.
#[test]
fn puma_changes_its_workers_and_its_limit_acts() {
    let port = free_port();
    let run = Run::new(LIMIT);
    fs::write(run.dir().join("config.ru"), APPLICATION).unwrap();
    let address = format!("tcp://127.0.0.1:{port}");
    let puma = tool("puma").display().to_string();
    let words = [&puma, "--no-config", "-e", "production", "-w", "1", "-t", "1:1", "-b", &address];
    let mut run = run.command(words).spawn();
    let get = |run: &mut Running, generation: &str| {
        run.wait_for(&format!("an answer of generation {generation}"), |_| {
            http(port, "GET /", b"").ok().filter(|(_, body)| body == generation)
        })
    };
    get(&mut run, "1");
    await_workers(&mut run, 1);
    for (signal, workers) in [(libc::SIGTTIN, 2), (libc::SIGTTIN, 3), (libc::SIGTTOU, 2)] {
        run.signal(signal);
        await_workers(&mut run, workers);
    }
    // The answer may be lost to the recycle.
    let _ = http(port, "POST /", b"");
    assert_recycled_for_memory(&mut run);
    get(&mut run, "2");
    await_workers(&mut run, 1);
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
}

/// Each generation has one job. The first one's takes memory when a file is there.
const JOBS: &str = "\
class Job
    include Sidekiq::Worker
    def perform
        puts \"job of #{ENV['RECYCLE_GENERATION']}\"
        return unless ENV['RECYCLE_GENERATION'] == '1'
        sleep 0.01 until File.exist?('grow')
        $kept = 'x' * 300_000_000
    end
end
Sidekiq.configure_server do |server|
    server.on(:startup) { Job.perform_async }
end
";

fn redis(port: u16) -> Running {
    let redis = tool("redis-server").display().to_string();
    let port = port.to_string();
    let words = [&redis, "--port", &port, "--bind", "127.0.0.1", "--save", ""];
    let mut redis = Run::bare().command(words).spawn();
    let address = format!("127.0.0.1:{port}");
    redis.wait_for("Redis to listen", |_| Client::connect(&address).ok());
    redis
}

fn await_stdout(run: &mut Running, text: &str) {
    run.wait_for(&format!("{text:?} on stdout"), |run| run.stdout().contains(text).then_some(()));
}

/// TTIN tells what each thread does; after TSTP no job is taken, until the limit acts.
#[test]
fn sidekiq_goes_quiet_and_its_limit_acts() {
    let port = free_port();
    let _redis = redis(port);
    let run = Run::new(LIMIT).env("REDIS_URL", format!("redis://127.0.0.1:{port}/0"));
    fs::write(run.dir().join("jobs.rb"), JOBS).unwrap();
    let sidekiq = tool("sidekiq").display().to_string();
    let mut run = run.command([&sidekiq, "-c", "1", "-t", "1", "-r", "./jobs.rb"]).spawn();
    await_stdout(&mut run, "job of 1\n");
    run.signal(libc::SIGTTIN);
    await_stdout(&mut run, "Thread TID-");
    run.signal(libc::SIGTSTP);
    await_stdout(&mut run, "Received TSTP, no longer accepting new work");
    run.touch("grow");
    assert_recycled_for_memory(&mut run);
    await_stdout(&mut run, "job of 2\n");
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(0));
}
