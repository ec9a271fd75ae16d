import type { ServerResponse } from 'node:http';

/** Maximum bytes that are buffered for a slow client; then the connection is closed. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
/** A comment: clients ignore it, proxies see that the connection is alive. */
const KEEP_ALIVE = ': keep-alive\n\n';

/** Begins an answer of server-sent events. */
export function beginEventStream(response: ServerResponse): void {
  response.statusCode = 200;
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  // Disables the buffering of proxies (nginx).
  response.setHeader('X-Accel-Buffering', 'no');
  response.flushHeaders();
}

/** Answers a request with server-sent events. Sends keep-alive comments while there are no events. */
export class EventStream {
  private readonly keepAlive: NodeJS.Timeout;

  constructor(
    private readonly response: ServerResponse,
    keepAliveSeconds: number,
  ) {
    beginEventStream(response);
    this.keepAlive = setInterval(() => this.write(KEEP_ALIVE), keepAliveSeconds * 1000);
    response.on('close', () => clearInterval(this.keepAlive));
  }

  /** @param event the event name, if any */
  send(data: object, event?: string): void {
    this.write(`${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`);
    this.keepAlive.refresh();
  }

  /** @param last data of a last event */
  end(last?: string): void {
    clearInterval(this.keepAlive);
    if (last !== undefined) this.write(`data: ${last}\n\n`);
    this.response.end();
  }

  private write(text: string): void {
    const { response } = this;
    if (response.writableEnded || response.destroyed) return;
    response.write(text);
    if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
  }
}
