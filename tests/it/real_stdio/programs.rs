//! The servers and their client, of a few lines each, as others write them.

/// Messages with a header, as the Language Server Protocol has them.
pub(super) const LANGUAGE_SERVER: &str = "\
import json, os, sys, threading
def receive():
    size = 0
    while (line := sys.stdin.buffer.readline()).strip():
        size = int(line.split(b':')[1])
    return json.loads(sys.stdin.buffer.read(size)) if line else None
while request := receive():
    result = {'generation': os.environ.get('RECYCLE_GENERATION')}
    body = json.dumps({'jsonrpc': '2.0', 'id': request['id'], 'result': result}).encode()
    sys.stdout.buffer.write(b'Content-Length: %d\\r\\n\\r\\n' % len(body) + body)
    sys.stdout.buffer.flush()
if 'orphan' in sys.argv:
    threading.Event().wait()
";

/// A message a line, as the Model Context Protocol has them.
pub(super) const TOOL_SERVER: &str = "\
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const result = { generation: process.env.RECYCLE_GENERATION };
    console.log(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(line).id, result }));
});
if (process.argv.includes('orphan')) setInterval(() => {}, 1 << 30);
";

/// An editor: starts its server, asks it or closes it as it is told, and says what came of it.
pub(super) const CLIENT: &str = "\
import json, subprocess, sys
framing, *command = sys.argv[1:]
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def ask(number):
    body = json.dumps({'jsonrpc': '2.0', 'id': number, 'method': 'ping'}).encode()
    head = b'Content-Length: %d\\r\\n\\r\\n' % len(body)
    server.stdin.write(head + body if framing == 'header' else body + b'\\n')
    server.stdin.flush()
    answer = server.stdout.readline()
    if framing == 'header':
        server.stdout.readline()
        answer = server.stdout.read(int(answer.split(b':')[1]))
    answer = json.loads(answer)
    assert answer['id'] == number
    print('generation', answer['result']['generation'], flush=True)
for number, line in enumerate(sys.stdin):
    if line == 'ask\\n':
        ask(number)
    else:
        server.stdin.close()
        print('status', server.wait(), flush=True)
";

/// Two clients, one after the other, in a shell that has the pipe for as long as both.
pub(super) const WRAPPER: &str = r#"{
    "$F" 'print:{"id":1}' ready forever
    "$F" wait-file:again 'print:{"id":2}' wait-file:end
} 2>/dev/null | "$@""#;
