import type { PendingChange, PendingEntry, PendingTail } from '../../delivery-store.js';
import { CONTENT, TAIL_LENGTH, TAIL_LINES } from './delivery-statements.js';
import type { DeliveryDatabase, LateWrites } from './late-writes.js';

/** An entry as statements answer it. */
export interface EntryRow {
  id: string;
  conversation: string;
  isTail: boolean;
  /** ms since the epoch. */
  since: number;
}

/** What entries need to read and change their rows. */
export interface EntryServices {
  database: DeliveryDatabase;
  late: LateWrites;
  serverId: string;
}

/** The entry of a row. */
export function toEntry(
  { id, conversation, isTail, since }: EntryRow,
  services: EntryServices,
): PendingEntry {
  return isTail ? new TailRows(id, conversation, services) : new ChangeRow(id, conversation, since, services);
}

/** A change in a row. */
export class ChangeRow implements PendingChange {
  readonly kind = 'change';

  constructor(
    readonly key: string,
    readonly conversationId: string,
    readonly since: number,
    private readonly services: EntryServices,
  ) {}

  async body(): Promise<string | undefined> {
    const { services } = this;
    const { rows } = await services.database.read<{ content: string }>(CONTENT, [
      services.serverId,
      this.key,
    ]);
    return rows[0]?.content;
  }

  remove(): Promise<void> {
    this.services.late.removeEntry(this.key);
    return Promise.resolve();
  }
}

/** A row for each line. */
export class TailRows implements PendingTail {
  readonly kind = 'tail';
  private length: number | undefined;
  private position = 0;

  /** @param length number of lines, of a new tail */
  constructor(
    private readonly id: string,
    readonly conversationId: string,
    private readonly services: EntryServices,
    length?: number,
  ) {
    this.length = length;
  }

  get waiting(): number {
    return this.length === undefined ? 0 : this.length - this.position;
  }

  async count(): Promise<void> {
    if (this.length !== undefined) return;
    const { database, serverId } = this.services;
    const { rows } = await database.read<{ length: number; position: number }>(TAIL_LENGTH, [
      serverId,
      this.id,
    ]);
    // Without a row, another server has taken the tail over.
    this.position = rows[0]?.position ?? 0;
    this.length = rows[0]?.length ?? 0;
  }

  async peek(limit: number, maxBytes: number): Promise<string[]> {
    await this.count();
    const { database, serverId } = this.services;
    const { rows } = await database.read<{ line: string }>(TAIL_LINES, [
      serverId,
      this.id,
      this.position,
      limit,
      Math.min(maxBytes, Number.MAX_SAFE_INTEGER),
    ]);
    if (rows.length === 0) this.length = this.position;
    return rows.map(({ line }) => line);
  }

  advance(lines: readonly string[]): Promise<void> {
    this.position += lines.length;
    this.services.late.advanceTail(this.id, this.position);
    return Promise.resolve();
  }

  remove(): Promise<void> {
    this.services.late.removeEntry(this.id);
    return Promise.resolve();
  }
}
