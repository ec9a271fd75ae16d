import { setTimeout as delay } from 'node:timers/promises';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { SeenEvent } from './conversation-client.js';
import type { ServerProcess } from './server-process.js';

interface Frame {
  id?: string | undefined;
  event?: string | undefined;
  data: string;
}

/** A client of a stream that collects what it gets until it is closed. */
export class StreamClient {
  readonly frames: Frame[] = [];
  status = 0;
  body: unknown;
  hasEnded = false;
  private readonly abort = new AbortController();
  private reading: Promise<void> | undefined;
  /** Reads again after `pause`. */
  resume: () => void = () => undefined;

  static async open(
    server: ServerProcess,
    id: string,
    { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
  ): Promise<StreamClient> {
    const client = new StreamClient();
    const response = await fetch(`${server.url}/api/conversations/${id}/events/stream${query}`, {
      headers: headers,
      signal: client.abort.signal,
    });
    client.status = response.status;
    if (response.status === 200 && response.body) void client.read(response.body);
    else client.body = await response.json();
    return client;
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const parsed = body
      .pipeThrough(new TextDecoderStream() as never)
      .pipeThrough(new EventSourceParserStream());
    try {
      for await (const frame of parsed as unknown as AsyncIterable<Frame>) {
        this.frames.push(frame);
        await this.reading;
      }
    } catch {
      // The connection was cut.
    }
    this.hasEnded = true;
  }

  /** The numbers of the durable events. */
  get seqs(): number[] {
    return this.frames.flatMap(({ id, event }) => (event === undefined ? [Number(id)] : []));
  }

  get events(): SeenEvent[] {
    return this.frames.flatMap(({ event, data }) =>
      event === undefined ? [JSON.parse(data) as SeenEvent] : [],
    );
  }

  named(name: string): unknown[] {
    return this.frames.flatMap(({ event, data }) => (event === name ? [JSON.parse(data) as unknown] : []));
  }

  /** Reads no more until `resume`. */
  pause(): void {
    this.reading = new Promise((resolve) => (this.resume = resolve));
  }

  close(): void {
    this.abort.abort();
  }
}

/**
 * Follows a stream as a browser's `EventSource` does: it connects again after the end of a stream, with the
 * last id that it has, and gives up after any answer but 200.
 */
export class EventSourceClient {
  readonly seqs: number[] = [];
  /** The status after which it has given up. */
  failed: number | undefined;
  connections = 0;
  private readonly abort = new AbortController();
  private readonly following: Promise<void>;

  constructor(server: ServerProcess, id: string) {
    this.following = this.follow(`${server.url}/api/conversations/${id}/events/stream`);
  }

  async close(): Promise<void> {
    this.abort.abort();
    await this.following;
  }

  private async follow(url: string): Promise<void> {
    let retryMs = 1_000;
    const onRetry = (ms: number): void => void (retryMs = ms);
    while (!this.abort.signal.aborted && this.failed === undefined) {
      await this.connect(url, onRetry).catch(() => undefined);
      await delay(retryMs, undefined, this.abort).catch(() => undefined);
    }
  }

  private async connect(url: string, onRetry: (ms: number) => void): Promise<void> {
    const last = this.seqs.at(-1);
    const response = await fetch(`${url}?after_seq=-1`, {
      headers: { accept: 'text/event-stream', ...(last !== undefined && { 'last-event-id': String(last) }) },
      signal: this.abort.signal,
    });
    this.connections += 1;
    if (response.status !== 200) this.failed = response.status;
    if (!response.body) return;
    const parsed = response.body
      .pipeThrough(new TextDecoderStream() as never)
      .pipeThrough(new EventSourceParserStream({ onRetry }));
    for await (const { id, event } of parsed as unknown as AsyncIterable<Frame>)
      if (event === undefined) this.seqs.push(Number(id));
  }
}
