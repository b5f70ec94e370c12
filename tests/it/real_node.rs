//! A Node server that keeps every request body is held below its limit, and serves again after
//! each recycle; and clients hold the stop of one that waits for them.

use crate::harness::{Client, End, Run, free_port, http, let_pass, tool};
use std::fs;
use std::time::Duration;

const SERVER: &str = "\
const kept = [];
require('http').createServer((request, response) => {
    request.on('data', (chunk) => kept.push(chunk));
    request.on('end', () => response.end(process.env.RECYCLE_GENERATION));
}).listen(Number(process.argv[2]), '127.0.0.1');
";

#[test]
fn a_node_server_that_leaks_is_held_below_its_limit() {
    let node = tool("node");
    let port = free_port();
    let run = Run::new("--max-rss 200M");
    fs::write(run.dir().join("server.js"), SERVER).unwrap();
    let command = [node.display().to_string(), "server.js".to_owned(), port.to_string()];
    let mut run = run.command(command).ceiling(Duration::from_secs(180)).spawn();

    let body = vec![b'x'; 1 << 20];
    for generation in 1..=4 {
        run.wait_for(&format!("an answer of generation {generation}"), |_| {
            // The pace of the load: more than 10 s until the limit, or it would look too low.
            let_pass(Duration::from_millis(70));
            let (status, answer) = http(port, "POST /", &body).ok()?;
            assert_eq!(status, "HTTP/1.1 200 OK");
            let answer: u32 = answer.parse().unwrap();
            assert!(answer <= generation, "generation {generation} never answered");
            (answer == generation).then_some(())
        });
    }
    let recycles = run.recycles();
    assert_eq!(recycles.len(), 3, "{recycles:?}");
    for line in recycles {
        assert!(line.contains(" recycled: rss ") && line.contains("> 200M"), "{line}");
    }
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
}

/// It ends when `server.close()` is done; a request takes a while. With an argument more it asks
/// its clients to leave.
const POLITE: &str = "\
let ending = false;
const server = require('http').createServer((request, response) => {
    if (ending && process.argv[3]) response.setHeader('Connection', 'close');
    setTimeout(() => response.end('hello'), 300);
}).listen(Number(process.argv[2]), '127.0.0.1');
process.on('SIGTERM', () => { ending = true; server.close(() => process.exit(0)); });
";

/// The line about the recycle of a server with a client that goes on asking over its connection.
fn stopped_amid_requests(more: &str) -> String {
    let node = tool("node").display().to_string();
    let port = free_port();
    let run = Run::new("--map-signal USR1:recycle --stop-timeout 3s");
    fs::write(run.dir().join("server.js"), POLITE).unwrap();
    let command = [node.as_str(), "server.js", &port.to_string(), more].map(str::to_owned);
    let mut run = run.command(command.into_iter().filter(|word| !word.is_empty())).spawn();
    let address = format!("127.0.0.1:{port}");
    let mut client = run.wait_for("node to listen", |_| Client::connect(&address).ok());
    let request = "GET / HTTP/1.1\r\nHost: test\r\n\r";
    client.exchange(request);
    client.send(request);
    run.signal(libc::SIGUSR1);
    let line = run.wait_for("the recycle", |run| {
        // Until the server leaves the connection.
        let _ = client.try_exchange(request);
        run.recycles().first().cloned()
    });
    run.signal(libc::SIGTERM);
    run.finish();
    line
}

/// As `--explain` warns of it.
#[test]
fn a_busy_client_holds_the_stop_of_a_node_server() {
    let line = stopped_amid_requests("");
    assert!(line.contains("SIGKILL"), "{line}");
    let line = stopped_amid_requests("close");
    assert!(line.contains("SIGTERM") && !line.contains("SIGKILL"), "{line}");
}
