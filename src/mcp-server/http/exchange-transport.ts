import type { ServerResponse } from 'node:http';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { EventStream } from '../../http/index.js';

/** Without anything to say for so long, comments keep proxies from ending the answer (seconds). */
const KEEP_ALIVE_SECONDS = 15;

/**
 * The transport of one request of a client, in the answer to that request: JSON if the response is all that
 * there is to send, else server-sent events. It begins those with the first notification, or when the
 * response takes long. Nothing is kept between two requests, so that each may go to another server.
 */
export class ExchangeTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  /** Resolves when the response is sent or nobody waits for it any more. */
  readonly ended: Promise<void>;
  private stream: EventStream | undefined;
  private readonly slow: NodeJS.Timeout;
  private end: () => void = () => undefined;

  /** @param streams whether the client reads server-sent events */
  constructor(
    private readonly response: ServerResponse,
    private readonly streams: boolean,
  ) {
    this.ended = new Promise((resolve) => (this.end = resolve));
    this.slow = setTimeout(() => this.begin(), KEEP_ALIVE_SECONDS * 1000);
    response.once('close', () => void this.close());
  }

  /** Hands the request to the protocol. */
  receive(request: JSONRPCRequest): void {
    if (this.response.destroyed) void this.close();
    else this.onmessage?.(request);
  }

  async start(): Promise<void> {
    // There is no connection to set up.
  }

  send(message: JSONRPCMessage): Promise<void> {
    const { response } = this;
    if (response.writableEnded || response.destroyed) return Promise.resolve();
    const isResponse = 'result' in message || 'error' in message;
    if (!isResponse) this.begin()?.send(message);
    else if (this.stream) {
      this.stream.send(message);
      this.stream.end();
    } else {
      response.statusCode = 200;
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(message));
    }
    if (isResponse) void this.close();
    return Promise.resolve();
  }

  /** Ends the exchange without a response: the client has cancelled the request. */
  cancel(): void {
    const { response } = this;
    if (this.stream) this.stream.end();
    else if (!response.headersSent) {
      response.statusCode = 202;
      response.end();
    }
    void this.close();
  }

  close(): Promise<void> {
    clearTimeout(this.slow);
    const { onclose } = this;
    this.onclose = undefined;
    onclose?.();
    this.end();
    return Promise.resolve();
  }

  private begin(): EventStream | undefined {
    clearTimeout(this.slow);
    if (this.streams && !this.response.destroyed)
      this.stream ??= new EventStream(this.response, KEEP_ALIVE_SECONDS);
    return this.stream;
  }
}
