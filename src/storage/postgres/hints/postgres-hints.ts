import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { errorMessage, errorStack } from '../../../errors/index.js';
import { Hints } from '../../hints.js';
import type { ControlConnection } from '../control/control-connection.js';
import type { Queryable } from '../database/connections.js';

/** How long hints are collected: a notification takes a lock of the whole database when it is committed. */
const COLLECT_MS = 10;
const MAX_PAYLOAD = 200;
/** PostgreSQL accepts 7,999 bytes. */
const MAX_NOTIFICATION_BYTES = 7000;
/** More hints than this within `COLLECT_MS` are not sent: whoever needs them notices by version. */
const MAX_PENDING = 10_000;

type Listener = (payload: string | undefined) => void;

/** Hints as notifications of PostgreSQL. A schema has a channel of its own. */
export class PostgresHints extends Hints {
  private readonly logger = new Logger('Hints');
  /** Servers get their own notifications, too. */
  private readonly sender = randomUUID();
  private readonly listeners = new Map<string, Set<Listener>>();
  /** Topics with payloads, as JSON. */
  private readonly pending = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> = Promise.resolve();
  private channel: string | undefined;
  private hasConnected = false;

  constructor(private readonly control: ControlConnection) {
    super();
    control.onConnect((queries) => this.startListening(queries));
    control.onNotification((channel, payload) => {
      if (channel === this.channel) this.receive(payload);
    });
  }

  override tell(topic: string, payload: string): void {
    if (payload.length > MAX_PAYLOAD || !/^[\x20-\x7e]*$/.test(payload))
      throw new RangeError(`a hint has at most ${MAX_PAYLOAD} characters of ASCII`);
    if (this.pending.size >= MAX_PENDING) return;
    this.pending.add(JSON.stringify([topic, payload]));
    this.timer ??= setTimeout(() => this.flush(), COLLECT_MS);
  }

  override listen(topic: string, listener: Listener): () => void {
    const listeners = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Sends what is collected. Never rejects. */
  async close(): Promise<void> {
    this.flush();
    await this.sending;
  }

  private async startListening(queries: Queryable): Promise<void> {
    const { rows } = await queries.query<{ channel: string }>(
      `SELECT 'agent_server_' || md5(current_schema()) AS channel`,
    );
    const channel = rows[0]?.channel ?? '';
    await queries.query(`LISTEN ${channel}`);
    this.channel = channel;
    const isFirst = !this.hasConnected;
    this.hasConnected = true;
    if (isFirst) return;
    for (const topic of this.listeners.keys()) this.emit(topic, undefined);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const hints = [...this.pending];
    this.pending.clear();
    if (hints.length === 0) return;
    this.sending = this.sending.then(() => this.send(hints));
  }

  private async send(hints: readonly string[]): Promise<void> {
    try {
      for (const group of grouped(hints)) {
        const payload = `["${this.sender}",${group.join(',')}]`;
        await this.control.query(`SELECT pg_notify('agent_server_' || md5(current_schema()), $1)`, [payload]);
      }
    } catch (error) {
      this.logger.debug(`hints were not sent: ${errorMessage(error)}`);
    }
  }

  /** Anybody who may use the database can send notifications: others than ours are ignored. */
  private receive(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (!Array.isArray(message) || message[0] === this.sender) return;
    for (const hint of message.slice(1)) {
      if (!Array.isArray(hint)) continue;
      const [topic, payload] = hint as unknown[];
      if (typeof topic === 'string' && typeof payload === 'string') this.emit(topic, payload);
    }
  }

  private emit(topic: string, payload: string | undefined): void {
    for (const listener of [...(this.listeners.get(topic) ?? [])]) {
      try {
        listener(payload);
      } catch (error) {
        this.logger.error('a listener failed', errorStack(error));
      }
    }
  }
}

/** Splits hints into groups that fit into a notification. */
function* grouped(hints: readonly string[]): Generator<string[]> {
  let group: string[] = [];
  let bytes = 0;
  for (const hint of hints) {
    if (bytes + hint.length > MAX_NOTIFICATION_BYTES && group.length > 0) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(hint);
    bytes += hint.length + 1;
  }
  if (group.length > 0) yield group;
}
