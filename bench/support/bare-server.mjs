// A server that does nothing, as a baseline: answers `GET /<n>` with n bytes, echoes other HTTP requests, and
// sends each text frame to all WebSockets. Started by limits.mjs; prints its port.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const server = createServer((request, response) => {
  if (request.method === 'GET') response.end(Buffer.alloc(Number(request.url.slice(1)), 'x'));
  else request.pipe(response);
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (frame) => {
    for (const client of sockets.clients) client.send(frame, { binary: false });
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
