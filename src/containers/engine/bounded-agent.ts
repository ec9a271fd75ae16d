import { Agent, type AgentOptions } from 'node:http';
import net, { type NetConnectOpts } from 'node:net';
import { Duplex, Transform } from 'node:stream';

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

  override createConnection(options: NetConnectOpts): Duplex {
    const socket = net.connect(options);
    let received = 0;
    const bound = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        received += chunk.length;
        if (received <= this.maxBytes) return done(null, chunk);
        socket.destroy();
        done(new Error(`the answer is longer than ${this.maxBytes} bytes`));
      },
    });
    socket.once('error', (error) => bound.destroy(error));
    bound.once('close', () => socket.destroy());
    return Duplex.from({ writable: socket, readable: socket.pipe(bound) });
  }
}
