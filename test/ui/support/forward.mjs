import { request as httpRequest } from 'node:http';

/**
 * Passes a request on and its answer back.
 * @param {string} address where to
 */
export function forwardRequest(request, response, address) {
  const { method, headers } = request;
  const asked = httpRequest(address, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  asked.on('error', () => response.destroy());
  response.on('close', () => asked.destroy());
  request.pipe(asked);
}

/**
 * Passes the upgrade of a socket on, and then what is sent over it both ways.
 * @param {string} address where to
 */
export function forwardUpgrade({ method, headers }, socket, head, address) {
  const asked = httpRequest(address, { method, headers });
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
