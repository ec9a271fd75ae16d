import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

/**
 * A client at the session socket of one conversation. It goes away, hangs and comes back as the seed says,
 * resumes where it was, and insists that each event comes once and in order.
 */
export class Watcher {
  /** Ids of the events, by their sequence numbers. */
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

  /** Stays connected and well, until it has seen so many events. */
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
      // A server that has nothing to say does not close who hangs.
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
