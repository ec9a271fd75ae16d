import { createServer } from 'node:http';
import { forwardRequest, forwardUpgrade } from './forward.mjs';

/**
 * A proxy that serves a server below a path prefix and removes it, as nginx does with
 * `location /agents/ { proxy_pass http://server/; }`. Everything outside of the prefix is 404.
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>} `url` ends with the prefix
 */
export async function startPrefixProxy(target, prefix) {
  const inner = (url) => (url.startsWith(`${prefix}/`) ? url.slice(prefix.length) : undefined);
  const server = createServer((request, response) => {
    const path = inner(request.url);
    if (path === undefined) return response.writeHead(404).end();
    return forwardRequest(request, response, target + path);
  });
  const sockets = new Set();
  server.on('upgrade', (request, socket, head) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    const path = inner(request.url);
    if (path === undefined) return socket.destroy();
    return forwardUpgrade(request, socket, head, target + path);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}${prefix}`,
    stop: async () => {
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
