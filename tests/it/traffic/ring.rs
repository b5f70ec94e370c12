//! Sockets that COMMAND has registered with an io_uring, and closed.

use super::BEAT;
use crate::harness::{Client, Run, Running, let_pass, now_ms, tool};
use std::fs;

/// A server whose sockets only its ring knows: one connection at a time, every message is given
/// back. TCP on port 7001. With `unix` that has descriptors as usual, and `./socket` has none.
const SERVER: &str = "\
import ctypes, mmap, os, signal, socket, struct, sys, threading, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    if result < 0:
        sys.exit('system call %d: %s' % (number, os.strerror(ctypes.get_errno())))
    return result
params = ctypes.create_string_buffer(120)
ring = call(425, 8, params)
sq_entries, cq_entries = struct.unpack_from('II', params, 0)
sq_tail, sq_mask = struct.unpack_from('II', params, 44)
sq_array, = struct.unpack_from('I', params, 64)
cq_head, cq_tail, cq_mask = struct.unpack_from('III', params, 80)
cqes, = struct.unpack_from('I', params, 100)
size = max(sq_array + sq_entries * 4, cqes + cq_entries * 16)
rings = mmap.mmap(ring, size)
sqes = mmap.mmap(ring, sq_entries * 64, offset=0x10000000)
def at(place):
    return struct.unpack_from('I', rings, place)[0]
def do(operation, slot, buffer=0, length=0, into=0):
    tail = at(sq_tail)
    place = tail & at(sq_mask)
    struct.pack_into('BBHiQQIIQHHIQQ', sqes, place * 64, operation, 0 if operation == 19 else 1, 0,
                     0 if operation == 19 else slot, 0, buffer, length, 0, 0, 0, 0, into, 0, 0)
    struct.pack_into('I', rings, sq_array + place * 4, place)
    struct.pack_into('I', rings, sq_tail, tail + 1)
    call(426, ring, 1, 1, 1, 0, 0)
    head = at(cq_head)
    result, = struct.unpack_from('i', rings, cqes + (head & at(cq_mask)) * 16 + 8)
    struct.pack_into('I', rings, cq_head, head + 1)
    return result
def echo(listener):
    while True:
        client, _ = listener.accept()
        while data := client.recv(64):
            client.send(data)
tcp = socket.create_server(('127.0.0.1', 7001))
listener = tcp
if sys.argv[1] == 'unix':
    threading.Thread(target=echo, args=(tcp,), daemon=True).start()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind('socket')
    listener.listen()
files = (ctypes.c_int * 2)(listener.fileno() if sys.argv[1] != 'idle' else -1, -1)
call(427, ring, 2, files, 2)
if sys.argv[1] == 'idle':
    echo(listener)
listener.close()
buffer = ctypes.create_string_buffer(64)
while True:
    accepted = do(13, 0, into=2)
    if accepted < 0:
        sys.exit('accept: ' + os.strerror(-accepted))
    while (length := do(27, 1, ctypes.addressof(buffer), 64)) > 0:
        do(26, 1, ctypes.addressof(buffer), length)
    do(19, 1, into=2)
";

fn serve(what: &str) -> Running {
    let run = Run::new("--idle 1s --restart always");
    fs::write(run.dir().join("server.py"), SERVER).unwrap();
    let python = tool("python3").display().to_string();
    run.command([&python, "server.py", what]).spawn()
}

/// As soon as it listens there.
fn connect(run: &mut Running, address: &str) -> Client {
    run.wait_for("a server", |_| Client::connect(address).ok())
}

const TCP: &str = "127.0.0.1:7001";

/// Recycled because it is idle, and not before the time.
fn assert_recycled(run: &mut Running, last_ms: i64) {
    let line = run.wait_for("the recycle", |run| run.recycles().first().cloned());
    assert!(now_ms() >= last_ms + 1000);
    assert!(line.contains(" recycled: idle"), "{line}");
}

#[test]
fn bytes_on_one_registered_connection_keep_it_awake() {
    let mut run = serve("tcp");
    let mut client = connect(&mut run, TCP);
    let mut last_ms = 0;
    for _ in 0..5 {
        last_ms = client.exchange("hello").1;
        let_pass(BEAT);
    }
    assert_eq!(run.recycles(), [""; 0], "recycled while there was traffic: {}", run.stderr());
    assert_recycled(&mut run, last_ms);
}

#[test]
fn short_connections_to_a_registered_listener_keep_it_awake() {
    let mut run = serve("tcp");
    let mut last_ms = connect(&mut run, TCP).exchange("hello").1;
    for _ in 0..5 {
        let_pass(BEAT);
        last_ms = Client::connect(TCP).unwrap().exchange("hello").1;
    }
    assert_eq!(run.recycles(), [""; 0], "recycled while there was traffic: {}", run.stderr());
    assert_recycled(&mut run, last_ms);
}

/// The negative control: a ring without sockets hides nothing.
#[test]
fn a_ring_without_sockets_does_not_delay_idleness() {
    let mut run = serve("idle");
    let last_ms = connect(&mut run, TCP).exchange("hello").1;
    assert_recycled(&mut run, last_ms);
    assert!(!run.stderr().contains("cannot see"), "{}", run.stderr());
}

/// They cannot be fetched: what moves there is unknown, and unknown is not quiet.
#[test]
fn registered_unix_sockets_are_not_taken_to_be_quiet() {
    let mut run = serve("unix");
    connect(&mut run, TCP).exchange("arm");
    let path = run.dir().join("socket").display().to_string();
    let mut client = connect(&mut run, &path);
    for _ in 0..5 {
        client.exchange("hello");
        let_pass(BEAT);
    }
    assert_eq!(run.recycles(), [""; 0], "recycled while there was traffic");
    let stderr = run.stderr();
    assert_eq!(stderr.matches("cannot see the traffic of Unix sockets").count(), 1, "{stderr}");
}
