import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually, type ServerProcess } from './server-process.js';

/** Any event as a client sees it. */
export interface SeenEvent {
  id: string;
  kind: string;
  source: string;
  timestamp: string;
  parent_id?: string;
  key?: string;
  value?: unknown;
  [field: string]: unknown;
}

/** What tests read of a conversation. */
export interface SeenConversation {
  id: string;
  execution_status: string;
  persistence_dir: string;
  [field: string]: unknown;
}

/**
 * A create request for the scripted model inside the server. No title: that would be one more call of the
 * model.
 */
export function scriptedRequest(workingDir: string, script?: string, more: Record<string, unknown> = {}) {
  return {
    agent: {
      llm: { model: 'scripted/test', usage_id: 'agent' },
      tools: [{ name: 'terminal' }, { name: 'file_editor' }, { name: 'task_tracker' }],
    },
    workspace: { working_dir: workingDir },
    autotitle: false,
    ...(script === undefined ? {} : { initial_message: userMessage(script) }),
    ...more,
  };
}

/** A message of the user as the wire has it. */
export function userMessage(text: string, run?: boolean) {
  return { role: 'user', content: [{ type: 'text', text }], ...(run === undefined ? {} : { run }) };
}

/** One conversation on a server, as a client works with it. */
export class ConversationClient {
  constructor(
    readonly server: ServerProcess,
    readonly id: string,
  ) {}

  static async create(server: ServerProcess, request: unknown): Promise<ConversationClient> {
    const { status, body } = await server.request('POST', '/api/conversations', request);
    if (status !== 201) throw new Error(`create answered ${status}: ${JSON.stringify(body)}`);
    return new ConversationClient(server, (body as SeenConversation).id);
  }

  /** The same conversation on another server (after a restart). */
  on(server: ServerProcess): ConversationClient {
    return new ConversationClient(server, this.id);
  }

  get route(): string {
    return `/api/conversations/${this.id}`;
  }

  /** Posts to a route below that of the conversation (`run`, `fork`, `goal/stop`, ...). */
  post(subroute: string, body?: unknown) {
    return this.server.request('POST', `${this.route}/${subroute}`, body);
  }

  async info(): Promise<SeenConversation> {
    return (await this.server.request('GET', this.route)).body as SeenConversation;
  }

  async status(): Promise<string> {
    return (await this.info()).execution_status;
  }

  async reaches(...statuses: string[]): Promise<string> {
    let seen = '';
    await eventually(
      async () => statuses.includes((seen = await this.status())),
      `status ${statuses.join(' or ')}`,
    );
    return seen;
  }

  async send(text: string, run = true): Promise<void> {
    const { status, body } = await this.server.request(
      'POST',
      `${this.route}/events`,
      userMessage(text, run),
    );
    if (status !== 200) throw new Error(`POST events answered ${status}: ${JSON.stringify(body)}`);
  }

  /** Every event, page by page. */
  async events(query = ''): Promise<SeenEvent[]> {
    const all: SeenEvent[] = [];
    let page: string | null = null;
    do {
      const from: string = page === null ? '' : `&page_id=${page}`;
      const { status, body } = await this.server.request(
        'GET',
        `${this.route}/events/search?limit=100${query}${from}`,
      );
      if (status !== 200) throw new Error(`GET events answered ${status}: ${JSON.stringify(body)}`);
      const { items, next_page_id } = body as { items: SeenEvent[]; next_page_id: string | null };
      all.push(...items);
      page = next_page_id;
    } while (page !== null);
    return all;
  }

  /** Opens a socket and waits until it is open. */
  async listen(route = `/sockets/events/${this.id}`): Promise<SocketRecorder> {
    const recorder = new SocketRecorder(this.server.socketUrl(route));
    await recorder.opened();
    return recorder;
  }
}

/** A socket and everything that came over it. */
export class SocketRecorder {
  readonly frames: Record<string, unknown>[] = [];
  readonly socket: WebSocket;
  closeCode: number | undefined;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url, { headers });
    this.socket.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as Record<string, unknown>);
    });
    this.socket.on('close', (code) => (this.closeCode = code));
  }

  async opened(): Promise<void> {
    await once(this.socket, 'open');
  }

  /** The frames that are events, in order. */
  get events(): SeenEvent[] {
    return this.frames as SeenEvent[];
  }

  /** Waits for an event. */
  async sees(matches: (event: SeenEvent) => boolean, what = 'the event'): Promise<SeenEvent> {
    await eventually(() => this.events.some(matches), what);
    const event = this.events.find(matches);
    if (!event) throw new Error(`${what} is gone`);
    return event;
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }
}

/** An event in a few words: kind, and for state updates the key and a short value. */
export function brief(event: SeenEvent): string {
  if (event.kind !== 'ConversationStateUpdateEvent') return event.kind;
  const value = typeof event.value === 'string' && event.key === 'execution_status' ? `=${event.value}` : '';
  return `${event.key ?? ''}${value}`;
}
