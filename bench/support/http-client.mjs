import { connect } from 'node:net';

/** Servers close idle connections: a connection that was idle for this long (ms) is not reused. */
const RESTED_MS = 2_000;

/**
 * HTTP over persistent connections, one request at a time on each. Does as little as possible, because it
 * shares the machine with the measured server: Node's own client takes three times as much CPU time.
 */
export class HttpClient {
  #port;
  #idle = [];
  #open = new Set();

  constructor(port) {
    this.#port = port;
  }

  /** Sends a request. Returns the status, the text and the time until its last byte (ms). */
  async send(method, route, body) {
    const text = body === undefined ? '' : JSON.stringify(body);
    const type = body === undefined ? '' : 'content-type: application/json\r\n';
    const length = method === 'GET' && text === '' ? '' : `content-length: ${Buffer.byteLength(text)}\r\n`;
    const connection = this.#take();
    const answer = await connection.send(
      `${method} ${route} HTTP/1.1\r\nhost: 127.0.0.1:${this.#port}\r\n${type}${length}\r\n${text}`,
    );
    if (answer.last) connection.close();
    else this.#idle.push(connection);
    return answer;
  }

  close() {
    for (const connection of this.#open) connection.close();
    this.#idle = [];
  }

  #take() {
    while (this.#idle.length > 0) {
      const connection = this.#idle.pop();
      if (connection.usable()) return connection;
      connection.close();
    }
    const connection = new Connection(this.#port, () => this.#open.delete(connection));
    this.#open.add(connection);
    return connection;
  }
}

class Connection {
  #socket;
  #received = [];
  #bytes = 0;
  #head;
  #waiting;
  #used = performance.now();
  #sent = NaN;

  constructor(port, closed) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => {
      closed();
      this.#fail(new Error('the server closed the connection'));
    });
  }

  usable() {
    return !this.#socket.destroyed && performance.now() - this.#used < RESTED_MS;
  }

  send(request) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#sent = performance.now();
      this.#socket.write(request);
    });
  }

  close() {
    this.#socket.destroy();
  }

  #fail(error) {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  #read(chunk) {
    this.#received.push(chunk);
    this.#bytes += chunk.length;
    this.#head ??= this.#readHead();
    if (!this.#head) return;
    const { start, length, status, last } = this.#head;
    if (length !== undefined && this.#bytes < start + length) return;
    const all = this.#joined();
    const body = length === undefined ? unchunk(all, start) : all.subarray(start, start + length);
    if (!body) return;
    this.#received = [];
    this.#bytes = 0;
    this.#head = undefined;
    this.#used = performance.now();
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    resolve({ status, text: body.toString(), last, ms: this.#used - this.#sent });
  }

  #readHead() {
    const end = this.#joined().indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    const text = this.#received[0].latin1Slice(0, end);
    const length = /^content-length: *(\d+)/im.exec(text)?.[1];
    const chunked = /^transfer-encoding: *chunked/im.test(text);
    return {
      start: end + 4,
      // Without a length: chunked, or no body (204).
      length: length === undefined ? (chunked ? undefined : 0) : Number(length),
      status: Number(text.slice(9, 12)),
      last: /^connection: *close/im.test(text),
    };
  }

  #joined() {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)];
    return this.#received[0];
  }
}

/** The body of a chunked response once it is complete. */
function unchunk(bytes, start) {
  const parts = [];
  for (let at = start; ;) {
    const end = bytes.indexOf('\r\n', at);
    if (end === -1) return undefined;
    const size = parseInt(bytes.latin1Slice(at, end), 16);
    if (bytes.length < end + 2 + size + 2) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
