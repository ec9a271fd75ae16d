import {
  ConversationClient,
  messageText,
  SocketRecorder,
  userMessage,
  type SeenEvent,
} from './conversation-client.js';
import { eventually, type ServerProcess } from './server-process.js';
import type { WebhookReceiver } from './webhook-receiver.js';

/** An event as a client received it. */
interface ReceivedEvent {
  id: string;
  json?: string;
}

/** What clients were told about one conversation. */
interface Account {
  /** The texts of accepted messages. */
  texts: string[];
  /** The texts of refused messages, which must not be stored, with the answers. */
  refused: Map<string, string>;
  /** Messages without an answer, and whether they start a run. They are sent again. */
  unanswered: Map<string, boolean>;
  /** Received events by seq: their ids, and the whole event if it was received over a socket. */
  events: Map<number, ReceivedEvent>;
  /** The acknowledged title; undefined while a change has no answer. */
  title?: string;
  goal?: string;
  /** The number of events that a fork was created with. */
  copied: number;
  /** A requested deletion may have happened; an answered one has. */
  deletion?: 'requested' | 'answered';
}

/** With 429 the limit of runs is reached, but the message is stored. */
const ACCEPTED = new Set([200, 429]);

/**
 * Records what a server has acknowledged, while it is killed, frozen or out of resources, and checks it on
 * the next server: each event is stored once, at its position, and every conversation loads.
 */
export class Ledger {
  /** The number of acknowledgements. */
  acknowledged = 0;
  private readonly accounts = new Map<string, Account>();
  private readonly settings = new Map<string, number>();
  private readonly sockets = new Set<SocketRecorder>();

  /** The ids of the conversations without a requested deletion. */
  get living(): string[] {
    return [...this.accounts].filter(([, { deletion }]) => !deletion).map(([id]) => id);
  }

  get all(): string[] {
    return [...this.accounts.keys()];
  }

  /** Creates a conversation; undefined if that was refused. */
  async create(server: ServerProcess, request: unknown): Promise<ConversationClient | undefined> {
    const { status, body } = await server.request('POST', '/api/conversations', request);
    if (status !== 201) return undefined;
    return this.register(server, body);
  }

  /** As `create`, until it is accepted: on a busy machine the servers of a cluster lose their leases. */
  async createSoon(server: ServerProcess, request: unknown): Promise<ConversationClient> {
    let made: ConversationClient | undefined;
    await eventually(async () => (made = await this.create(server, request)) !== undefined, 'a creation');
    if (!made) throw new Error('no conversation');
    return made;
  }

  /** Forks a conversation. The fork has to contain all known events of its source. */
  async fork(source: ConversationClient): Promise<ConversationClient | undefined> {
    const before = await source.events();
    const { status, body } = await source.server.request('POST', `${source.route}/fork`, {});
    if (status !== 201) return undefined;
    const fork = this.register(source.server, body);
    const account = this.account(fork.id);
    for (const [seq, { id }] of before.entries()) account.events.set(seq, { id });
    // Until the number is known, no delivery is expected.
    account.copied = Infinity;
    account.copied = (await fork.events()).length;
    return fork;
  }

  /** Sends a message; the next check repeats it if it gets no answer. @returns whether it was accepted */
  async say(to: ConversationClient, text: string, run: boolean): Promise<boolean> {
    const account = this.account(to.id);
    account.unanswered.set(text, run);
    const { status, body } = await post(to, text, run);
    if (isUnknown(status) || wasClosed(body)) return false;
    account.unanswered.delete(text);
    if (ACCEPTED.has(status)) this.note(account, text);
    else if (isUndone(status)) account.refused.set(text, `${status} ${JSON.stringify(body)}`);
    return ACCEPTED.has(status);
  }

  async rename(of: ConversationClient, title: string): Promise<void> {
    const account = this.account(of.id);
    const before = account.title;
    // Without an answer it may be the new title or the previous one.
    delete account.title;
    const { status } = await of.server.request('PATCH', of.route, { title });
    if (isUndone(status)) account.title = before;
    if (status === 200) account.title = title;
    if (status === 200) this.acknowledged += 1;
  }

  async pursue(by: ConversationClient, objective: string): Promise<void> {
    const account = this.account(by.id);
    delete account.goal;
    const body = { objective, max_iterations: 2 };
    const { status } = await by.server.request('POST', `${by.route}/goal`, body);
    if (status !== 200) return;
    account.goal = objective;
    this.acknowledged += 1;
  }

  async delete(what: ConversationClient): Promise<void> {
    const account = this.account(what.id);
    account.deletion = 'requested';
    const { status } = await what.server.request('DELETE', what.route);
    if (status !== 200) return;
    account.deletion = 'answered';
    this.acknowledged += 1;
  }

  async set(server: ServerProcess, name: string, value: number): Promise<void> {
    const body = { misc_settings_diff: { [name]: value } };
    const { status } = await server.request('PATCH', '/api/settings', body);
    if (status !== 200) return;
    this.settings.set(name, value);
    this.acknowledged += 1;
  }

  /** Records all events over a socket, from the first one on, until the server ends. */
  listen(to: ConversationClient): void {
    const url = to.server.socketUrl(`/sockets/session/${to.id}?after_seq=-1`);
    const recorder = new SocketRecorder(url);
    const { events } = this.account(to.id);
    this.sockets.add(recorder);
    recorder.socket.on('error', () => undefined);
    recorder.socket.on('close', () => this.sockets.delete(recorder));
    recorder.socket.on('message', () => {
      const { type, seq, event } = recorder.frames.pop() ?? {};
      if (type !== 'durable') return;
      const shown = event as SeenEvent;
      const number = Number(seq);
      const known = events.get(number);
      if (!known) this.acknowledged += 1;
      if (known && known.id !== shown.id)
        throw new Error(`${to.id}: event ${number} was ${known.id} and is ${shown.id}`);
      events.set(number, { id: shown.id, json: JSON.stringify(shown) });
    });
  }

  /** Closes the open sockets. */
  close(): void {
    for (const { socket } of this.sockets) socket.terminate();
  }

  /**
   * Sends unanswered messages again, and checks all or some conversations on a server that nothing else uses.
   * @throws errors of expectations that name the conversation
   */
  async check(server: ServerProcess, ids: readonly string[] = this.all): Promise<void> {
    for (const id of ids) await this.waitForEndOfRun(new ConversationClient(server, id));
    for (const id of ids) await this.checkOne(new ConversationClient(server, id));
    await this.checkList(server);
    if (this.settings.size === 0) return;
    const { body } = await server.request('GET', '/api/settings');
    const stored = (body as { misc_settings: Record<string, number> }).misc_settings;
    for (const [name, value] of this.settings) {
      // A later value may have been written without an answer.
      expect({ name, isThere: Number(stored[name]) >= value }).toEqual({ name, isThere: true });
    }
  }

  /** Checks that a receiver gets every event of every conversation, in order. @returns their number */
  async checkDelivery(server: ServerProcess, receiver: WebhookReceiver): Promise<number> {
    let delivered = 0;
    for (const [id, { deletion, texts, copied }] of this.accounts) {
      const conversation = new ConversationClient(server, id);
      const gone = deletion && (await server.request('GET', conversation.route)).status === 404;
      // Copied events were delivered for the source of the fork.
      const wanted = gone ? [] : (await conversation.events()).slice(copied).map((event) => event.id);
      await eventually(
        () => Promise.resolve(receiver.durable(id).length >= wanted.length),
        `the delivery of ${wanted.length} events of conversation ${id}`,
      );
      const got = receiver.durable(id);
      delivered += got.length;
      if (!gone && copied < Infinity)
        expect({ id, events: got.map((event) => event.id) }).toEqual({ id, events: wanted });
      expect({ id, texts: got.filter(isUserMessage).map(messageText) }).toEqual({
        id,
        texts: expect.arrayContaining(texts) as unknown,
      });
    }
    return delivered;
  }

  /** Interrupted runs are recovered without a request. */
  private async waitForEndOfRun(conversation: ConversationClient): Promise<void> {
    const { id } = conversation;
    await eventually(async () => (await conversation.status()) !== 'running', `the end of the run of ${id}`);
  }

  private async checkOne(conversation: ConversationClient): Promise<void> {
    const { id, server, route } = conversation;
    const account = this.account(id);
    const { status, body } = await server.request('GET', route);
    if (account.deletion && status === 404) return;
    expect({ id, status, deletion: account.deletion }).not.toMatchObject({ deletion: 'answered' });
    expect({ id, status }).toEqual({ id, status: 200 });
    await this.sendAgain(conversation, account);
    const { title, goal } = account;
    if (title !== undefined) expect({ id, body }).toMatchObject({ id, body: { title } });
    // Copied before the log is read: events that arrive meanwhile may not be in it.
    const shown = [...account.events];
    const events = await conversation.events();
    const goals = events.filter(({ key }) => key === 'goal');
    if (goal !== undefined) expect(goals.at(-1)?.value).toMatchObject({ objective: goal });
    checkLog(id, events, shown, account);
  }

  private async sendAgain(to: ConversationClient, account: Account): Promise<void> {
    for (const [text, run] of account.unanswered) {
      const { status } = await post(to, text, run);
      expect({ text, isAccepted: ACCEPTED.has(status) }).toEqual({ text, isAccepted: true });
      this.note(account, text);
      account.unanswered.delete(text);
    }
  }

  private async checkList(server: ServerProcess): Promise<void> {
    const listed = new Set<string>();
    let page: string | null = null;
    do {
      const from: string = page === null ? '' : `&page_id=${page}`;
      const { body } = await server.request('GET', `/api/conversations/search?limit=100${from}`);
      const { items, next_page_id } = body as { items: { id: string }[]; next_page_id: string | null };
      for (const { id } of items) listed.add(id);
      page = next_page_id;
    } while (page !== null);
    const missing = this.living.filter((id) => !listed.has(id));
    const back = this.all.filter((id) => this.account(id).deletion === 'answered' && listed.has(id));
    expect({ missing, back }).toEqual({ missing: [], back: [] });
  }

  private register(server: ServerProcess, body: unknown): ConversationClient {
    const { id } = body as { id: string };
    if (!this.accounts.has(id)) {
      this.accounts.set(id, {
        texts: [],
        refused: new Map(),
        unanswered: new Map(),
        events: new Map(),
        copied: 0,
      });
    }
    this.acknowledged += 1;
    return new ConversationClient(server, id);
  }

  private note(account: Account, text: string): void {
    account.texts.push(text);
    // It may have been refused before it was repeated.
    account.refused.delete(text);
    this.acknowledged += 1;
  }

  private account(id: string): Account {
    const account = this.accounts.get(id);
    if (!account) throw new Error(`conversation ${id} is not in the ledger`);
    return account;
  }
}

/** Checks that events are unique and in order, and that received ones have the same content and position. */
function checkLog(
  id: string,
  events: readonly SeenEvent[],
  shown: readonly [number, ReceivedEvent][],
  account: Account,
): void {
  expect({ id, doubled: duplicates(events.map((event) => event.id)) }).toEqual({ id, doubled: [] });
  const lost = shown.filter(
    ([seq, { id: known, json }]) =>
      events[seq]?.id !== known || (json !== undefined && json !== JSON.stringify(events[seq])),
  );
  expect({ id, lost }).toEqual({ id, lost: [] });
  const said = events.filter(isUserMessage).map(messageText);
  expect({ id, doubled: duplicates(said.filter((text) => account.texts.includes(text))) }).toEqual({
    id,
    doubled: [],
  });
  expect({ id, lost: account.texts.filter((text) => !said.includes(text)) }).toEqual({ id, lost: [] });
  const refused = [...account.refused].filter(([text]) => said.includes(text));
  expect({ id, refused }).toEqual({ id, refused: [] });
  const times = events.map(({ timestamp }) => timestamp);
  expect({ id, times }).toEqual({ id, times: [...times].sort() });
  expect({ id, damaged: events.filter(({ code }) => code === 'DamagedEvent') }).toEqual({ id, damaged: [] });
}

/**
 * Whether a failed request has stored nothing. A server that lost its lease (404, 409) may have written
 * before.
 */
function isUndone(status: number): boolean {
  return status >= 500 && !isUnknown(status);
}

/** The server that had the request is gone, or late: the request may have been done. */
function isUnknown(status: number): boolean {
  return status === 502 || status === 504;
}

/** The server gave the conversation up during the request: the message may be stored, without its run. */
function wasClosed(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'detail' in body && body.detail === 'inactive_service';
}

function duplicates(texts: readonly string[]): string[] {
  const seen = new Set<string>();
  return texts.filter((text) => seen.size === seen.add(text).size);
}

/** Sends a message with its text as the idempotency key, so that it can be repeated. */
function post(to: ConversationClient, text: string, run: boolean) {
  const key = { 'idempotency-key': Buffer.from(text).toString('base64url').slice(-60) };
  return to.server.request('POST', `${to.route}/events`, userMessage(text, run), key);
}

function isUserMessage({ kind, source }: SeenEvent): boolean {
  return kind === 'MessageEvent' && source === 'user';
}
