import { Agent } from 'node:http';
import net, { type NetConnectOpts, type Socket } from 'node:net';

/**
 * Connections of one request each, which end with an error after a number of received bytes: the client
 * library keeps whole answers in memory, however long they are. It does not notice either that an answer
 * breaks off.
 */
export class BoundedAgent extends Agent {
  /** @param onEnd called when a connection has ended, whether its answer was complete or not */
  constructor(
    private readonly maxBytes: number,
    private readonly onEnd: () => void,
  ) {
    super({ keepAlive: false });
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
    socket.once('close', this.onEnd);
    return socket;
  }
}
