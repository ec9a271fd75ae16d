import { Agent, type AgentOptions } from 'node:http';
import net, { type NetConnectOpts, type Socket } from 'node:net';

/**
 * Connections of one request each, which end with an error after a number of received bytes: the client
 * library keeps whole answers in memory, however long they are.
 */
export class BoundedAgent extends Agent {
  constructor(
    private readonly maxBytes: number,
    options: AgentOptions = {},
  ) {
    super({ ...options, keepAlive: false });
  }

  override createConnection(options: NetConnectOpts): Socket {
    const socket = net.connect(options);
    let received = 0;
    // Besides the listener of the HTTP client. Nothing arrives before it has sent its request.
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received > this.maxBytes)
        socket.destroy(new Error(`the answer is longer than ${this.maxBytes} bytes`));
    });
    return socket;
  }
}
