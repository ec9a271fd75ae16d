import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import path from 'node:path';

/** Paths of the server; all others are files of the UI. */
const SERVER_PATHS = /^\/(api|sockets|server_info|health|ready|alive|v1|docs|openapi\.json)(\/|\?|$)/;
const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
};

/**
 * Serves a built web UI with the key of the server in its page, and forwards requests and sockets to the
 * server.
 * @param {string} build folder of the built UI
 * @param {string} target address of the server
 * @param {string} key session key that the page is given
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startProxy(build, target, key) {
  const page = await readFile(path.join(build, 'index.html'), 'utf8');
  const script = `<script>window.__AGENT_CANVAS_SESSION_API_KEY__ = ${JSON.stringify(key)};</script>`;
  const served = page.replace('<head>', `<head>${script}`);
  const server = createServer((request, response) => {
    if (SERVER_PATHS.test(request.url)) return pass(request, response, target);
    sendFile(build, request.url, response).catch(() =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(served),
    );
  });
  // An HTTP server does not close upgraded sockets, and would wait for their end forever.
  const sockets = new Set();
  server.on('upgrade', (request, socket, head) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    upgrade(request, socket, head, target);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: async () => {
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function sendFile(build, url, response) {
  const file = path.join(build, path.normalize(new URL(url, 'http://page').pathname));
  if (!(await stat(file)).isFile() || file.endsWith('index.html')) throw new Error('the page');
  response.setHeader('content-type', TYPES[path.extname(file)] ?? 'application/octet-stream');
  createReadStream(file).pipe(response);
}

function pass(request, response, target) {
  const { method, url, headers } = request;
  const asked = httpRequest(target + url, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  asked.on('error', () => response.destroy());
  response.on('close', () => asked.destroy());
  request.pipe(asked);
}

function upgrade({ method, url, headers }, socket, head, target) {
  const asked = httpRequest(target + url, { method, headers });
  asked.on('upgrade', (answer, far, first) => {
    const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
    socket.write(first);
    far.write(head);
    far.pipe(socket).pipe(far);
    for (const end of [far, socket]) end.on('error', () => (far.destroy(), socket.destroy()));
  });
  asked.on('response', () => socket.destroy());
  asked.on('error', () => socket.destroy());
  asked.end();
}
