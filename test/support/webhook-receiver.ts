import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './server-process.js';
import type { SeenEvent } from './conversation-client.js';

/** One request as the receiver got it. */
interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  /** The status of the answer; undefined without one. */
  status: number | undefined;
}

/** How the receiver handles a request. */
export type Behaviour =
  | { status: number; headers?: Record<string, string>; body?: string }
  | { hang: true }
  | { cut: true }
  /** Sends the status and half of the announced body, and then closes the connection. */
  | { dieAfterStatus: number };

const ACCEPT: Behaviour = { status: 200 };

/** A real HTTP server that receives webhooks, and can fail on purpose. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  /** Decides how each request is handled; by default it answers 200. */
  behave: (request: Received) => Behaviour = () => ACCEPT;
  private server: Server | undefined;
  private port = 0;

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await receiver.up();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** Starts to listen, on its former port if it has one. */
  async up(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('error', () => undefined);
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const seen: Received = {
          method: request.method ?? '',
          path: request.url ?? '',
          headers: request.headers,
          text: Buffer.concat(chunks).toString('utf8'),
          status: undefined,
        };
        this.received.push(seen);
        answer(this.behave(seen), seen, response);
      });
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  async down(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }

  /** Accepted requests with events or with changes. */
  taken(kind: 'events' | 'conversations'): Received[] {
    return this.received.filter(
      ({ path, status }) => path.startsWith(`/hook/${kind}`) && status !== undefined && status < 300,
    );
  }

  /** The accepted events in the order of their arrival, with duplicates. */
  events(conversationId?: string): SeenEvent[] {
    return this.received
      .filter(({ path, status }) => !path.endsWith('/conversations') && status !== undefined && status < 300)
      .filter(
        ({ headers }) => conversationId === undefined || headers['x-conversation-id'] === conversationId,
      )
      .flatMap(({ text }) => JSON.parse(text) as SeenEvent[]);
  }

  /** The accepted durable events, each once, in the order of their first arrival. */
  durable(conversationId: string): SeenEvent[] {
    const byId = new Map<string, SeenEvent>();
    for (const event of this.events(conversationId)) {
      if (event.key !== 'full_state' && !byId.has(event.id)) byId.set(event.id, event);
    }
    return [...byId.values()];
  }

  changes(): Record<string, unknown>[] {
    return this.taken('conversations').map(({ text }) => JSON.parse(text) as Record<string, unknown>);
  }

  async has(condition: (receiver: this) => boolean, what: string): Promise<void> {
    await eventually(() => Promise.resolve(condition(this)), what);
  }
}

function answer(behaviour: Behaviour, seen: Received, response: ServerResponse): void {
  if ('hang' in behaviour) return;
  if ('cut' in behaviour) return void response.destroy();
  if ('dieAfterStatus' in behaviour) {
    response.writeHead(behaviour.dieAfterStatus, { 'content-length': '100' });
    response.write('half');
    setImmediate(() => response.destroy());
    return;
  }
  seen.status = behaviour.status;
  response.writeHead(behaviour.status, behaviour.headers ?? {});
  response.end(behaviour.body ?? '');
}
