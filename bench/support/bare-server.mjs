// What a server costs that does nothing: HTTP requests come back as they are, a text frame goes to all WebSockets.
// Started by limits.mjs; prints its port.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const server = createServer((request, response) => request.pipe(response));
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (frame) => {
    for (const client of sockets.clients) client.send(frame, { binary: false });
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
