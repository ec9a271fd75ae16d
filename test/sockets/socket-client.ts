import { WebSocket } from 'ws';

export interface SocketClientOptions {
  headers?: Record<string, string>;
  autoPong?: boolean;
}

/** A frame as the client parsed it. */
export type Frame = Record<string, unknown>;

/** A real client that records its frames. */
export class SocketClient {
  readonly frames: Frame[] = [];
  /** The answer to a refused handshake. */
  refused: { status: number; body: string } | undefined;
  readonly closed: Promise<{ code: number; reason: string }>;
  private waiters: (() => void)[] = [];

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) throw new Error('the server sent a binary frame');
      this.frames.push(JSON.parse(data.toString()) as Frame);
      this.wake();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code: number, reason: Buffer) => {
        resolve({ code, reason: reason.toString() });
        this.wake();
      });
    });
    socket.on('error', () => undefined);
  }

  static connect(url: string, options: SocketClientOptions = {}): Promise<SocketClient> {
    const client = new SocketClient(new WebSocket(url, options));
    return new Promise((resolve) => {
      client.socket.on('open', () => resolve(client));
      client.socket.on('unexpected-response', (_request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          client.refused = { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
          resolve(client);
        });
      });
      client.socket.on('error', () => resolve(client));
    });
  }

  send(data: unknown): void {
    const isRaw = typeof data === 'string' || Buffer.isBuffer(data);
    this.socket.send(isRaw ? data : JSON.stringify(data));
  }

  /** Resolves when the condition holds; fails when the socket closes before. */
  async until(condition: (frames: Frame[]) => boolean): Promise<Frame[]> {
    while (!condition(this.frames)) {
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('the socket closed before');
      await new Promise<void>((resolve) => this.waiters.push(resolve));
    }
    return this.frames;
  }

  async frame(index: number): Promise<Frame> {
    await this.until((frames) => frames.length > index);
    return this.frames[index] ?? {};
  }

  private wake(): void {
    const { waiters } = this;
    this.waiters = [];
    for (const waiter of waiters) waiter();
  }
}
