import type { ServerResponse } from 'node:http';

/** Bytes that may wait for a client that reads too slowly; then it is cut off. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
/** A comment: clients pass over it, proxies see that the connection is alive. */
const KEEP_ALIVE = ': keep-alive\n\n';

/**
 * Server-sent events as the answer of a request. In silence it shows from time to time that it is still
 * there.
 */
export class EventStream {
  private readonly keepAlive: NodeJS.Timeout;

  constructor(
    private readonly response: ServerResponse,
    silenceSeconds: number,
  ) {
    response.statusCode = 200;
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    response.setHeader('Cache-Control', 'no-cache');
    // Proxies that collect answers (nginx) pass this one on piece by piece.
    response.setHeader('X-Accel-Buffering', 'no');
    response.flushHeaders();
    this.keepAlive = setInterval(() => this.write(KEEP_ALIVE), silenceSeconds * 1000);
    response.on('close', () => clearInterval(this.keepAlive));
  }

  /** @param event its name, where it has one */
  send(data: object, event?: string): void {
    this.write(`${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`);
    this.keepAlive.refresh();
  }

  /** @param last what stands behind everything else */
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
