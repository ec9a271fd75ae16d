import path from 'node:path';
import { WebSocket } from 'ws';
import type { ServerProcess } from './server-process.js';
import { filesBelow } from './texts-below.js';

/** Collects the output of a server to find secrets in it. */
export class LeakDetector {
  private readonly seen: { where: string; text: string }[] = [];
  private readonly sockets: WebSocket[] = [];

  constructor(private readonly headers: Record<string, string>) {}

  /** Sends a request and records its answer. A string is sent as the body without encoding. */
  async request(
    server: ServerProcess,
    method: string,
    route: string,
    body?: unknown,
    headers = this.headers,
  ) {
    const response = await fetch(server.url + route, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    this.note(`${method} ${route}`, JSON.stringify([...response.headers]) + text);
    return { status: response.status, text };
  }

  /** Opens a socket, sends frames and records what it receives. Resolves when it is open or refused. */
  async listen(server: ServerProcess, route: string, frames: string[] = [], headers = this.headers) {
    const socket = new WebSocket(server.socketUrl(route), { headers });
    this.sockets.push(socket);
    socket.on('message', (data: Buffer) => this.note(`socket ${route}`, data.toString()));
    socket.on('close', (code, reason) => this.note(`close of ${route}`, `${code} ${reason.toString()}`));
    await new Promise<void>((resolve) => {
      socket.on('open', () => resolve());
      socket.on('error', (error) => (this.note(`error of ${route}`, error.message), resolve()));
    });
    for (const frame of frames) socket.send(frame);
    return socket;
  }

  /** Records a text, for example the log. */
  note(where: string, text: string): void {
    this.seen.push({ where, text });
  }

  /** Records the files below a folder. */
  async readFiles(folder: string): Promise<void> {
    for (const { file, text } of await filesBelow(folder))
      this.note(`file ${path.relative(folder, file)}`, `${file}\n${text}`);
  }

  /** The places where a pattern was found, with some context. */
  find(pattern: RegExp): string[] {
    return this.seen.flatMap(({ where, text }) => {
      const at = text.search(pattern);
      return at === -1 ? [] : [`${where}: ...${text.slice(Math.max(0, at - 60), at + 80)}`];
    });
  }

  /** The recorded texts of all matching places, joined. */
  textOf(place: RegExp): string {
    return this.seen.flatMap(({ where, text }) => (place.test(where) ? [text] : [])).join('\n');
  }

  close(): void {
    for (const socket of this.sockets) socket.terminate();
  }
}
