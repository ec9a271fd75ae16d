// The back end of a canvas extension for tests: `canvas-backend.mjs PORT DATA_DIR`. Its routes are below.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const { WebSocketServer } = createRequire(import.meta.url)('ws');
const [port, data] = process.argv.slice(2);
let healthy = true;

console.log(`serving ${port}`);
console.error('a word on stderr');
process.on('SIGTERM', () => {
  console.log('asked to end');
  process.exit(0);
});

const routes = {
  '/health': (request, response) => response.writeHead(healthy ? 204 : 500).end(),
  '/sick': (request, response) => {
    healthy = false;
    response.end();
  },
  '/well': (request, response) => {
    healthy = true;
    response.end();
  },
  '/crash': () => process.exit(7),
  '/environment': (request, response) =>
    json(response, { env: process.env, cwd: process.cwd(), argv: process.argv.slice(2), pid: process.pid }),
  '/store': (request, response) => {
    writeFileSync(path.join(data, 'stored'), 'x');
    response.end();
  },
  // A child that leaves the process group, as daemons do.
  '/daemon': (request, response) => {
    const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    child.unref();
    response.end(String(child.pid));
  },
  '/redirect': (request, response) =>
    response.writeHead(302, { location: 'http://elsewhere.example/' }).end(),
  '/slow': (request, response) => {
    response.write('first');
    const ended = () => console.log('slow ended');
    response.on('close', ended);
  },
  '/upload': (request, response) => {
    let bytes = 0;
    request.on('data', (chunk) => (bytes += chunk.length));
    request.on('end', () => response.end(String(bytes)));
  },
  '/flood': (request, response) => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    let left = 64;
    const more = () => {
      while (left > 0) {
        left -= 1;
        if (!response.write(chunk)) return response.once('drain', more);
      }
      response.end();
    };
    more();
  },
};

const server = createServer((request, response) => {
  const route = routes[request.url.split('?')[0]];
  if (route) return route(request, response);
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    response.setHeader('set-cookie', ['own=1; Path=/', 'oh_app_backend_session=mine; Path=/']);
    response.setHeader('connection', 'keep-alive, x-hop');
    response.setHeader('x-hop', 'only here');
    response.setHeader('x-own', 'mine');
    json(response, {
      ...{ method: request.method, url: request.url, headers: request.headers },
      body: Buffer.concat(chunks).toString(),
    });
  });
});

const sockets = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => (offered.has('own.v1') ? 'own.v1' : false),
});
server.on('upgrade', (request, socket, head) => {
  if (request.url.startsWith('/no-socket')) return socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
  sockets.handleUpgrade(request, socket, head, (client) => {
    client.on('error', () => undefined);
    client.send(JSON.stringify({ url: request.url, headers: request.headers }));
    client.on('message', (message, isBinary) => {
      if (message.toString() === 'close') client.close(4321, 'bye');
      else client.send(message, { binary: isBinary });
    });
  });
});
server.listen(Number(port), '127.0.0.1');

function json(response, value) {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}
