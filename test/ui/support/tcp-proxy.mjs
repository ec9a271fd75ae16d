import { connect, createServer } from 'node:net';

/** A connection between a browser and a server that a test can cut, as a network does. */
export class TcpProxy {
  #target;
  #server = createServer((socket) => this.#forward(socket));
  #sockets = new Set();
  #isCut = false;

  constructor(target) {
    this.#target = new URL(target);
  }

  static async to(target) {
    const proxy = new TcpProxy(target);
    await new Promise((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Ends all connections, and new ones at once. */
  cut() {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#isCut = false;
  }

  async stop() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #forward(near) {
    if (this.#isCut) return near.destroy();
    const far = connect({ host: this.#target.hostname, port: this.#target.port });
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  }
}
