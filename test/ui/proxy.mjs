import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { forwardRequest, forwardUpgrade } from './support/forward.mjs';

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
    if (SERVER_PATHS.test(request.url)) return forwardRequest(request, response, target + request.url);
    sendFile(build, request.url, response).catch(() =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(served),
    );
  });
  // An HTTP server does not close upgraded sockets, and would wait for their end forever.
  const sockets = new Set();
  server.on('upgrade', (request, socket, head) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    forwardUpgrade(request, socket, head, target + request.url);
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
