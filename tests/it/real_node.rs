//! A Node server that keeps every request body is held below its limit, and serves again after
//! each recycle.

use crate::harness::{End, Run, free_port, http, let_pass, tool};
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
