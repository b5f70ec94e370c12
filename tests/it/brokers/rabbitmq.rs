//! A consumer of RabbitMQ: both ends send heartbeats.

use super::{Client, assert_idle_without_messages, options, python};
use crate::harness::{Run, Running, free_port};

/// Each end sends a heartbeat every 2.5 s: one in each half of the window.
const SECONDS: u64 = 5;

/// Debian's other script of this name becomes another user first.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

const CONSUMER: &str = "\
import pika, sys
parameters = pika.ConnectionParameters('127.0.0.1', int(sys.argv[1]), heartbeat=5)
channel = pika.BlockingConnection(parameters).channel()
channel.queue_declare('jobs', durable=True)
channel.queue_declare('results', durable=True)
def handle(channel, method, properties, body):
    channel.basic_publish('', 'results', body)
    channel.basic_ack(method.delivery_tag)
channel.basic_qos(prefetch_count=1)
channel.basic_consume('jobs', handle)
channel.start_consuming()
";

const PRODUCER: &str = "\
import pika, sys
parameters = pika.ConnectionParameters('127.0.0.1', int(sys.argv[1]), heartbeat=0)
channel = pika.BlockingConnection(parameters).channel()
for queue in 'jobs', 'results':
    channel.queue_declare(queue, durable=True)
print('ready', flush=True)
for line in sys.stdin:
    channel.basic_publish('', 'jobs', line.strip().encode())
    for method, properties, body in channel.consume('results', auto_ack=True):
        print('handled', body.decode(), flush=True)
        if body.decode() == line.strip():
            break
";

/// A node of its own, with all that it writes in the run's directory, and its own `epmd`, which
/// inherits the mark by which the harness finds and ends it.
fn rabbitmq(port: u16) -> Running {
    let run = Run::bare();
    let place = run.dir().display().to_string();
    let at = |name: &str| format!("{place}/{name}");
    let settings = [
        ("HOME", place.clone()),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
        ("ERL_EPMD_PORT", free_port().to_string()),
        ("RABBITMQ_NODENAME", "recycle@localhost".to_owned()),
        ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
        ("RABBITMQ_NODE_PORT", port.to_string()),
        ("RABBITMQ_DIST_PORT", free_port().to_string()),
        ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
        ("RABBITMQ_CONFIG_FILE", at("rabbitmq")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins")),
        ("RABBITMQ_MNESIA_BASE", at("data")),
        ("RABBITMQ_LOG_BASE", at("log")),
        ("RABBITMQ_LOGS", "-".to_owned()),
        ("RABBITMQ_PID_FILE", at("pid")),
        ("RABBITMQ_GENERATED_CONFIG_DIR", at("config")),
        // It must not spin while it waits for work.
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 1:1 +sbwt none".to_owned()),
    ];
    let run = settings.iter().fold(run, |run, (name, value)| run.env(name, value));
    let mut run = run.command(["sh", SERVER]).spawn();
    run.await_stdout("started TCP listener");
    run
}

#[test]
fn rabbitmq_consumer_goes_idle_and_not_while_messages_come() {
    let port = free_port();
    let _broker = rabbitmq(port);
    let port = port.to_string();
    let mut run = python(Run::new(&options(SECONDS)), CONSUMER, &[&port]).spawn();
    let mut client = Client::start(PRODUCER, &[&port]);
    assert_idle_without_messages(&mut run, &mut client, SECONDS);
}
