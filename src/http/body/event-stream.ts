import type { ServerResponse } from 'node:http';

/** Maximum bytes that are buffered for a slow client; then the connection is closed. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
/** A comment: clients ignore it, proxies see that the connection is alive. */
const KEEP_ALIVE = ': keep-alive\n\n';

/**
 * Begins an answer with server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html):
 * sends the headers at once, and then a comment whenever the returned timer runs out, until the answer is
 * closed. Refresh the timer when something else is sent.
 */
export function beginEventStream(response: ServerResponse, keepAliveMs: number): NodeJS.Timeout {
  response.statusCode = 200;
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  // Disables the buffering of proxies (nginx).
  response.setHeader('X-Accel-Buffering', 'no');
  response.flushHeaders();
  const keepAlive = setInterval(() => {
    if (!response.writableEnded && !response.destroyed) response.write(KEEP_ALIVE);
  }, keepAliveMs).unref();
  response.on('close', () => clearInterval(keepAlive));
  return keepAlive;
}

/** One server-sent event. JSON has no line breaks, so that the data is one line. */
export function serverSentEvent(json: string, name?: string): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${json}\n\n`;
}

/** Answers a request with server-sent events. A client that does not read them is disconnected. */
export class EventStream {
  private readonly keepAlive: NodeJS.Timeout;

  constructor(
    private readonly response: ServerResponse,
    keepAliveSeconds: number,
  ) {
    this.keepAlive = beginEventStream(response, keepAliveSeconds * 1000);
  }

  /** @param event the event name, if any */
  send(data: object, event?: string): void {
    this.write(serverSentEvent(JSON.stringify(data), event));
    this.keepAlive.refresh();
  }

  /** @param last data of a last event */
  end(last?: string): void {
    clearInterval(this.keepAlive);
    if (last !== undefined) this.write(serverSentEvent(last));
    this.response.end();
  }

  private write(text: string): void {
    const { response } = this;
    if (response.writableEnded || response.destroyed) return;
    response.write(text);
    if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
  }
}
