//! A WebSocket server whose clients ping it.

use super::{Client, assert_idle_without_messages, options, python};
use crate::harness::{Run, free_port};

/// Each client pings every 2 s: one in each half of the window.
const SECONDS: u64 = 4;

const SERVER: &str = "\
import asyncio, sys, websockets
async def echo(connection):
    async for message in connection:
        await connection.send(message)
async def main():
    door = websockets.serve(echo, '127.0.0.1', int(sys.argv[1]), ping_interval=None)
    async with door as server:
        await server.serve_forever()
asyncio.run(main())
";

/// 20 clients, each of which pings every 2 s, comes back when it was left, and says what is to be
/// said again if there was no answer.
const CLIENTS: &str = "\
import asyncio, sys, websockets
url = 'ws://127.0.0.1:' + sys.argv[1]
class Client:
    async def run(self):
        while True:
            try:
                door = websockets.connect(url, ping_interval=2, compression=None)
                async with door as self.connection:
                    self.connected.set()
                    await self.connection.wait_closed()
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(0.05)
            self.connected.clear()
    async def exchange(self, message):
        while True:
            await self.connected.wait()
            try:
                await self.connection.send(message)
                return await self.connection.recv()
            except websockets.ConnectionClosed:
                await asyncio.sleep(0.05)
async def main():
    clients = [Client() for _ in range(20)]
    for client in clients:
        client.connected = asyncio.Event()
        client.task = asyncio.create_task(client.run())
    for client in clients:
        await client.connected.wait()
    print('ready', flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        message = line.strip()
        for client in clients:
            await client.exchange(message + ' ' + 'x' * 1000)
        print('handled', message, flush=True)
asyncio.run(main())
";

#[test]
fn websocket_server_goes_idle_and_not_while_messages_come() {
    let port = free_port().to_string();
    let mut run = python(Run::new(&options(SECONDS)), SERVER, &[&port]).spawn();
    let mut clients = Client::start(CLIENTS, &[&port]);
    assert_idle_without_messages(&mut run, &mut clients, SECONDS);
}
