import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

/**
 * A client on the session socket of one conversation. It disconnects, hangs and reconnects as the seed
 * determines, resumes where it was, and checks that each event arrives once and in order.
 */
export class Watcher {
  /** Ids of events by their sequence numbers. */
  ids = [];
  faults = [];
  #server;
  #id;
  #random;
  #socket;
  #going = true;
  #life;

  constructor(server, id, random) {
    this.#server = server;
    this.#id = id;
    this.#random = random;
    this.#life = this.#live();
  }

  /** Waits until it has received `count` events, but not longer than `patienceMs`. */
  async sees(count, patienceMs) {
    for (const end = Date.now() + patienceMs; this.ids.length < count && Date.now() < end;) await sleep(20);
  }

  async stop() {
    this.#going = false;
    this.#socket?.terminate();
    await this.#life;
  }

  async #live() {
    while (this.#going) {
      await this.#server.up();
      await this.#connection();
      await sleep(this.#random.whole(10, 300));
    }
  }

  /** One connection, until either side ends it. */
  async #connection() {
    const url = this.#server.socketUrl(`/sockets/session/${this.#id}?after_seq=${this.ids.length - 1}`);
    const socket = new WebSocket(url, { perMessageDeflate: false });
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('message', (data) => this.#take(JSON.parse(data.toString())));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const stay = this.#random.whole(500, 8000);
    const how = this.#random.pick({ closes: 3, cuts: 2, hangs: 1 });
    const timer = setTimeout(() => {
      if (how === 'closes') socket.close();
      else if (how === 'cuts') socket.terminate();
      else socket.pause();
      // A server without anything to send does not disconnect a client that hangs.
      setTimeout(() => socket.terminate(), 3000);
    }, stay);
    await closed;
    clearTimeout(timer);
  }

  #take(frame) {
    if (frame.type !== 'durable') return;
    if (frame.seq !== this.ids.length) {
      this.faults.push(`event ${frame.seq} came where ${this.ids.length} was due`);
      return;
    }
    this.ids.push(frame.event.id);
  }
}
