//! Servers of a few lines, as others write them: DNS over UDP, server-sent events, a master with
//! workers.

use crate::harness::{
    Client, Run, Running, UDP_IDLENESS, free_port, let_pass, now_ms, receive_datagram, tool,
};
use std::fs;
use std::net::UdpSocket;
use std::time::Duration;

/// Answers a question of any name with an address.
const DNS: &str = "\
import socketserver, sys
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        query, socket = self.request
        head = query[:2] + b'\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0'
        answer = b'\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4' + bytes([192, 0, 2, 1])
        socket.sendto(head + query[12:] + answer, self.client_address)
socketserver.UDPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
";

const EVENTS: &str = "\
require('http').createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const push = () => response.write('data: hello\\n\\n');
    push();
    const timer = setInterval(push, 500);
    request.on('close', () => clearInterval(timer));
}).listen(Number(process.argv[2]), '127.0.0.1');
";

/// Every 100 ms the master says something to each worker over a socketpair, and over TCP.
const WORKERS: &str = "\
import multiprocessing, os, socket, sys, threading, time
def echo(connection):
    while data := connection.recv(64):
        connection.send(data)
def worker(pair, port, door):
    inside = socket.create_connection(('127.0.0.1', port))
    for connection in (pair, inside):
        threading.Thread(target=echo, args=(connection,), daemon=True).start()
    while True:
        client, _ = door.accept()
        client.recv(4096)
        client.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\nhello')
        client.close()
door = socket.create_server(('127.0.0.1', int(sys.argv[1])))
inside = socket.create_server(('127.0.0.1', 0))
links = []
for _ in range(2):
    ours, theirs = socket.socketpair()
    port = inside.getsockname()[1]
    fork = multiprocessing.get_context('fork')
    fork.Process(target=worker, args=(theirs, port, door), daemon=True).start()
    links += [ours, inside.accept()[0]]
while True:
    for link in links:
        link.send(b'?')
        link.recv(64)
    time.sleep(0.1)
";

fn start(program: &str, script: &str, port: u16) -> Running {
    let run = Run::new("--idle 2s");
    fs::write(run.dir().join("script"), script).unwrap();
    let command = [tool(program).display().to_string(), "script".to_owned(), port.to_string()];
    run.command(command).spawn()
}

fn assert_goes_idle(run: &mut Running, last_ms: i64) {
    assert_eq!(run.recycles(), [""; 0], "recycled while there was traffic");
    if run.is_never_idle() {
        return;
    }
    let line = run.wait_for("the recycle", |run| run.recycles().first().cloned());
    assert!(now_ms() >= last_ms + 2000);
    assert!(line.contains(" recycled: idle"), "{line}");
}

/// Asks for the address of `a.test`.
fn resolve(port: u16) -> Option<[u8; 4]> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.connect(("127.0.0.1", port)).unwrap();
    socket.send(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x04test\0\0\x01\0\x01").ok()?;
    let mut answer = [0; 512];
    let bytes = receive_datagram(&socket, &mut answer).ok()?;
    answer[..bytes].last_chunk().copied()
}

#[test]
fn a_dns_server_stays_awake_while_it_is_asked() {
    let port = free_port();
    let mut run = start("python3", DNS, port).losing(UDP_IDLENESS);
    run.wait_for("the server", |_| resolve(port));
    let mut last_ms = 0;
    for _ in 0..6 {
        last_ms = now_ms();
        assert_eq!(resolve(port), Some([192, 0, 2, 1]));
        let_pass(Duration::from_millis(1200));
    }
    assert_goes_idle(&mut run, last_ms);
    run.wait_for("the server again", |_| resolve(port));
}

#[test]
fn a_server_that_only_pushes_events_stays_awake() {
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let mut run = start("node", EVENTS, port);
    let mut client = run.wait_for("the server", |_| Client::connect(&address).ok());
    let began_ms = now_ms();
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r");
    for _ in 0..14 {
        while client.receive_line() != "data: hello" {}
    }
    drop(client);
    // Thirteen pauses, which timers may cut short by a little.
    assert_goes_idle(&mut run, began_ms + 13 * 490);
    run.wait_for("the server again", |_| Client::connect(&address).ok());
}

#[test]
fn workers_that_chat_with_their_master_are_idle() {
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let mut run = start("python3", WORKERS, port);
    let mut client = run.wait_for("the workers", |_| Client::connect(&address).ok());
    let (answer, last_ms) = client.exchange("GET / HTTP/1.0\r\n\r");
    assert_eq!(answer, "HTTP/1.0 200 OK");
    drop(client);
    assert_goes_idle(&mut run, last_ms);
    run.wait_for("the workers again", |_| Client::connect(&address).ok());
}
