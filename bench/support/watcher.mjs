import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

/**
 * A WebSocket client that counts text frames and, with `onText`, passes them on. Does as little as possible,
 * because it shares the machine with the measured server.
 */
export class Watcher {
  /** Number of text frames so far. */
  frames = 0;
  /** Called with each text frame. */
  onFrame;
  /** The close code, once the server has closed it. */
  closed;
  #socket;
  #onText;
  #rest = Buffer.alloc(0);
  #upgraded = false;
  #opening;

  /** Resolves when the server has upgraded the connection. */
  static async open(port, route, onText) {
    const watcher = new Watcher(port, route, onText);
    await watcher.#opening.promise;
    return watcher;
  }

  constructor(port, route, onText) {
    this.#onText = onText;
    this.#opening = settled();
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(new Error('the connection was closed')));
    const key = randomBytes(16).toString('base64');
    this.#socket.write(
      `GET ${route} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
  }

  /** Sends a text frame. */
  send(text) {
    this.#write(0x81, Buffer.from(text));
  }

  close() {
    this.#socket.destroy();
  }

  #end(error) {
    this.closed ??= 1006;
    this.#opening.reject(error);
  }

  #read(chunk) {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#upgraded && !this.#readHead()) return;
    let at = 0;
    for (let frame; (frame = frameAt(this.#rest, at)); at = frame.end) this.#take(frame);
    this.#rest = this.#rest.subarray(at);
  }

  #readHead() {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end === -1) return false;
    const status = this.#rest.latin1Slice(9, 12);
    if (status !== '101') {
      this.#end(new Error(`the WebSocket was answered ${status}`));
      this.close();
      return false;
    }
    this.#rest = this.#rest.subarray(end + 4);
    this.#upgraded = true;
    this.#opening.resolve();
    return true;
  }

  #take({ opcode, start, end }) {
    if (opcode === 1) {
      this.frames += 1;
      this.onFrame?.();
      this.#onText?.(this.#rest.utf8Slice(start, end));
    }
    if (opcode === 8) this.closed = end - start >= 2 ? this.#rest.readUInt16BE(start) : 1005;
    if (opcode === 9) this.#write(0x8a, this.#rest.subarray(start, end));
  }

  /** The masking key of client frames: zero. */
  #write(first, payload) {
    const extended = payload.length > 125;
    const head = Buffer.alloc(extended ? 8 : 6);
    head[0] = first;
    head[1] = 0x80 | (extended ? 126 : payload.length);
    if (extended) head.writeUInt16BE(payload.length, 2);
    this.#socket.write(Buffer.concat([head, payload]));
  }
}

/** The start and end of a frame, if it is complete. */
function frameAt(bytes, at) {
  if (bytes.length < at + 2) return undefined;
  const short = bytes[at + 1] & 0x7f;
  const start = at + (short === 127 ? 10 : short === 126 ? 4 : 2);
  if (bytes.length < start) return undefined;
  const length =
    short === 127
      ? Number(bytes.readBigUInt64BE(at + 2))
      : short === 126
        ? bytes.readUInt16BE(at + 2)
        : short;
  if (bytes.length < start + length) return undefined;
  return { opcode: bytes[at] & 0x0f, start, end: start + length };
}

function settled() {
  const result = {};
  result.promise = new Promise((resolve, reject) => Object.assign(result, { resolve, reject }));
  // Whoever opens it waits for this; later ends are not reported.
  result.promise.catch(() => undefined);
  return result;
}
