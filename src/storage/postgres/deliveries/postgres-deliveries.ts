import { randomUUID } from 'node:crypto';
import {
  WebhookDeliveries,
  type ClaimedDeliveries,
  type PendingChange,
  type PendingEntry,
  type PendingTail,
  type RecoveredDeliveries,
  type RemoteBacklog,
} from '../../delivery-store.js';
import {
  ADD_CHANGES,
  ADD_LINES,
  ADD_TAIL,
  ADOPT,
  LOCK_ADOPTION,
  REMOTE,
  REQUEST_REWIND,
  TIDY,
  USE,
} from './delivery-statements.js';
import { ChangeRow, TailRows, toEntry, type EntryRow, type EntryServices } from './entry-rows.js';
import { LateWrites, type DeliveryDatabase } from './late-writes.js';
import { PositionRows } from './position-rows.js';
import { toRemoteBacklog, type RemoteRow } from './remote-backlog.js';
import { SharedStatement } from './shared-statement.js';

/** Entries that are taken over at once. */
const MAX_ADOPTED = 1000;
/** Lines of a tail that are stored by one statement: their number, and their length (UTF-16 units). */
const MAX_LINES = 500;
const MAX_LENGTH = 1024 * 1024;
/** How often the use of the webhook is noted (ms). */
const USE_MS = 60_000;

interface NewChange {
  id: string;
  conversationId: string;
  body: string;
}

/** The deliveries of one webhook in the tables of the database. */
export class PostgresDeliveries extends WebhookDeliveries {
  private readonly late: LateWrites;
  private readonly positions: PositionRows;
  private readonly entries: EntryServices;
  private readonly changes = new SharedStatement((items: readonly NewChange[]) => this.insert(items));
  private usedAt = -Infinity;

  constructor(
    private readonly database: DeliveryDatabase,
    private readonly serverId: string,
    private readonly webhookId: string,
  ) {
    super();
    this.late = new LateWrites(database, serverId, webhookId);
    this.positions = new PositionRows(database, this.late, serverId, webhookId);
    this.entries = { database, late: this.late, serverId };
  }

  override async claim(conversationId: string, position: number): Promise<ClaimedDeliveries> {
    const claimed = await this.positions.claim(conversationId, position);
    return { position: claimed.position, entries: this.toEntries(claimed.entries) };
  }

  override positionOf(conversationId: string): Promise<number | undefined> {
    return this.positions.read(conversationId);
  }

  override setPosition(conversationId: string, position: number): Promise<void> {
    return this.positions.set(conversationId, position);
  }

  override advance(conversationId: string, position: number): Promise<void> {
    this.positions.advance(conversationId, position);
    return Promise.resolve();
  }

  override settle(conversationId: string): Promise<void> {
    return this.late.settle(conversationId);
  }

  override removePosition(conversationId: string): Promise<void> {
    return this.positions.remove(conversationId);
  }

  override leave(conversationId: string): Promise<void> {
    this.positions.leave(conversationId);
    return Promise.resolve();
  }

  override async addChange(conversationId: string, body: string): Promise<PendingChange> {
    const id = randomUUID();
    await this.changes.add({ id, conversationId, body });
    return new ChangeRow(id, conversationId, Date.now(), this.entries);
  }

  override async addTail(conversationId: string, lines: AsyncIterable<string>): Promise<PendingTail> {
    const id = randomUUID();
    const length = await this.database.transaction(async (transaction) => {
      await transaction.query(ADD_TAIL, [this.serverId, this.webhookId, id, conversationId]);
      let seq = 0;
      for await (const group of grouped(lines)) {
        await transaction.query(ADD_LINES, [id, seq, group]);
        seq += group.length;
      }
      return seq;
    });
    return new TailRows(id, conversationId, this.entries, length);
  }

  override async recover(): Promise<RecoveredDeliveries> {
    const entries = await this.adopt();
    return { entries, conversations: await this.positions.takeOver() };
  }

  override async remote(maxLanes: number, conversationId?: string): Promise<RemoteBacklog> {
    const values = [this.serverId, this.webhookId, conversationId ?? null, maxLanes];
    const { rows } = await this.database.read<RemoteRow>(REMOTE, values);
    return toRemoteBacklog(rows[0]);
  }

  override async requestRewind(conversationId: string, position: number): Promise<boolean> {
    const values = [this.webhookId, conversationId, position];
    return (await this.database.read(REQUEST_REWIND, values)).rowCount > 0;
  }

  override requestedRewinds(): Promise<{ conversationId: string; position: number }[]> {
    return this.positions.requestedRewinds();
  }

  override async heartbeat(): Promise<void> {
    if (performance.now() - this.usedAt < USE_MS) return;
    await this.database.read(USE, [this.webhookId]);
    await this.database.read(TIDY, [this.webhookId]);
    this.usedAt = performance.now();
  }

  override close(): Promise<void> {
    // The end of the server's lease leaves all that is pending to others.
    return this.late.close();
  }

  private async adopt(): Promise<PendingEntry[]> {
    const rows = await this.database.transaction(async (transaction) => {
      const lock = await transaction.query<{ locked: boolean }>(LOCK_ADOPTION, [this.webhookId]);
      if (lock.rows[0]?.locked !== true) return [];
      const values = [this.serverId, this.webhookId, MAX_ADOPTED];
      const { rows } = await transaction.query<{ entries: EntryRow[] | null }>(ADOPT, values);
      return rows[0]?.entries ?? [];
    });
    return this.toEntries(rows);
  }

  private toEntries(rows: readonly EntryRow[]): PendingEntry[] {
    return rows.map((row) => toEntry(row, this.entries));
  }

  private async insert(changes: readonly NewChange[]): Promise<[]> {
    await this.database.read(ADD_CHANGES, [
      this.serverId,
      this.webhookId,
      changes.map(({ id }) => id),
      changes.map(({ conversationId }) => conversationId),
      changes.map(({ body }) => body),
    ]);
    return [];
  }
}

async function* grouped(lines: AsyncIterable<string>): AsyncGenerator<string[]> {
  let group: string[] = [];
  let length = 0;
  for await (const line of lines) {
    if (group.length === MAX_LINES || (group.length > 0 && length + line.length > MAX_LENGTH)) {
      yield group;
      group = [];
      length = 0;
    }
    group.push(line);
    length += line.length;
  }
  if (group.length > 0) yield group;
}
