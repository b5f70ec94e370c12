// A server that leaks 50 kB with each request: the server of the chart in the README.
const http = require('node:http');
const leak = [];
http.createServer((request, response) => {
  leak.push(Buffer.alloc(50_000, 1));
  response.end(`${leak.length}\n`);
}).listen(process.env.PORT ?? 8080, '127.0.0.1');
