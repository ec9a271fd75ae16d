import { createServer, request as httpRequest } from 'node:http';

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
    const { method, headers } = request;
    const asked = httpRequest(target + path, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    asked.on('error', () => response.destroy());
    response.on('close', () => asked.destroy());
    return request.pipe(asked);
  });
  const sockets = new Set();
  server.on('upgrade', (request, socket, head) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    const path = inner(request.url);
    if (path === undefined) return socket.destroy();
    const asked = httpRequest(target + path, { method: request.method, headers: request.headers });
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
    return asked.end();
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
