//! A worker of celery on Redis: it polls its queue, and tells others that it lives.

use super::{Client, assert_idle_without_messages, options, python};
use crate::harness::{Run, Running, free_port, tool};

/// A worker tells others every 2 s that it lives: one in each half of the window.
const SECONDS: u64 = 4;

const WORKER: &str = "\
import celery, sys
broker = 'redis://127.0.0.1:' + sys.argv[1]
app = celery.Celery('recycle', broker=broker, backend=broker)
@app.task(name='handle')
def handle(message):
    return message
app.worker_main(['worker', '--concurrency', '1', '--loglevel', 'info'])
";

/// Messages that are more than the background: a worker's own news is not small.
const PRODUCER: &str = "\
import celery, sys
broker = 'redis://127.0.0.1:' + sys.argv[1]
app = celery.Celery('recycle', broker=broker, backend=broker)
print('ready', flush=True)
for line in sys.stdin:
    result = app.send_task('handle', [line.strip() + ' ' + 'x' * 8000])
    print('handled', result.get(timeout=60).split()[0], flush=True)
";

fn redis(port: u16) -> Running {
    let redis = tool("redis-server").display().to_string();
    let port = port.to_string();
    let words = [&redis, "--port", &port, "--bind", "127.0.0.1", "--save", ""];
    let mut run = Run::bare().command(words).spawn();
    run.await_stdout("Ready to accept connections");
    run
}

#[test]
fn celery_worker_goes_idle_and_not_while_messages_come() {
    let port = free_port();
    let _broker = redis(port);
    let port = port.to_string();
    let mut run = python(Run::new(&options(SECONDS)), WORKER, &[&port]).spawn();
    let mut client = Client::start(PRODUCER, &[&port]);
    assert_idle_without_messages(&mut run, &mut client, SECONDS);
}
