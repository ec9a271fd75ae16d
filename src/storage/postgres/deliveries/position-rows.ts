import { LeaseLostError } from '../../storage-errors.js';
import {
  CLAIM,
  LEAVE,
  POSITION,
  REMOVE_POSITIONS,
  REWINDS,
  SET_POSITION,
  TAKE_OVER,
} from './delivery-statements.js';
import type { EntryRow } from './entry-rows.js';
import type { DeliveryDatabase, LateWrites } from './late-writes.js';
import { SharedStatement } from './shared-statement.js';

/** Conversations that are taken over at once. */
const MAX_TAKEN = 500;

interface ClaimRow {
  conversation: string;
  position: number;
  generation: number;
  entries: EntryRow[] | null;
}

interface PositionKey {
  conversationId: string;
  position: number;
}

/**
 * The positions of one webhook. Each has the generation of the owner that claimed it, which fences later
 * writes: those of an older generation change nothing.
 */
export class PositionRows {
  /** Of the positions that this server may write. */
  private readonly generations = new Map<string, number>();
  /** Conversations that were left and whose rows do not say so yet. */
  private readonly left = new Set<string>();
  private readonly claims = new SharedStatement((items: readonly PositionKey[]) => this.claimAll(items));
  private readonly removals = new SharedStatement((ids: readonly string[]) => this.removeAll(ids));

  constructor(
    private readonly database: DeliveryDatabase,
    private readonly late: LateWrites,
    private readonly serverId: string,
    private readonly webhookId: string,
  ) {}

  /** @throws LeaseLostError if this server does not own the conversation */
  async claim(conversationId: string, position: number): Promise<{ position: number; entries: EntryRow[] }> {
    await this.late.settle(conversationId);
    const row = await this.claims.add({ conversationId, position });
    if (!row) throw new LeaseLostError(conversationId);
    return { position: row.position, entries: row.entries ?? [] };
  }

  async read(conversationId: string): Promise<number | undefined> {
    const { rows } = await this.database.read<{ position: number }>(POSITION, [
      this.webhookId,
      conversationId,
    ]);
    return rows[0]?.position;
  }

  /** @throws LeaseLostError if this server does not own the conversation */
  async set(conversationId: string, position: number): Promise<void> {
    await this.late.forget(conversationId);
    const values = [this.serverId, this.webhookId, conversationId, position];
    const { rows } = await this.database.read<{ generation: number }>(SET_POSITION, values);
    if (!rows[0]) throw new LeaseLostError(conversationId);
    this.owned(conversationId, rows[0].generation);
  }

  advance(conversationId: string, position: number): void {
    const generation = this.generations.get(conversationId);
    if (generation !== undefined) this.late.advance(conversationId, generation, position);
  }

  async remove(conversationId: string): Promise<void> {
    await this.late.forget(conversationId);
    await this.removals.add(conversationId);
  }

  leave(conversationId: string): void {
    this.generations.delete(conversationId);
    this.left.add(conversationId);
  }

  /** Takes over conversations with pending events that nobody delivers. */
  async takeOver(): Promise<string[]> {
    await this.storeLeft();
    const { rows } = await this.database.read<{ conversation: string; generation: number }>(TAKE_OVER, [
      this.serverId,
      this.webhookId,
      MAX_TAKEN,
    ]);
    for (const { conversation, generation } of rows) this.owned(conversation, generation);
    return rows.map(({ conversation }) => conversation);
  }

  /** What other servers have asked of this one. */
  async requestedRewinds(): Promise<PositionKey[]> {
    const values = [this.serverId, this.webhookId, MAX_TAKEN];
    const { rows } = await this.database.read<{ conversation: string; position: number }>(REWINDS, values);
    return rows.map(({ conversation, position }) => ({ conversationId: conversation, position }));
  }

  private owned(conversationId: string, generation: number): void {
    this.generations.set(conversationId, generation);
    this.left.delete(conversationId);
  }

  private async storeLeft(): Promise<void> {
    if (this.left.size === 0) return;
    const ids = [...this.left];
    await this.database.read(LEAVE, [this.serverId, this.webhookId, ids]);
    for (const id of ids) if (!this.generations.has(id)) this.left.delete(id);
  }

  private async claimAll(items: readonly PositionKey[]): Promise<(ClaimRow | undefined)[]> {
    // One row an id: a repeated claim has the same answer.
    const unique = new Map(items.map(({ conversationId, position }) => [conversationId, position]));
    const values = [this.serverId, this.webhookId, [...unique.keys()], [...unique.values()]];
    const { rows } = await this.database.read<ClaimRow>(CLAIM, values);
    for (const { conversation, generation } of rows) this.owned(conversation, generation);
    const byId = new Map(rows.map((row) => [row.conversation, row]));
    return items.map(({ conversationId }) => byId.get(conversationId));
  }

  private async removeAll(ids: readonly string[]): Promise<[]> {
    const generations = ids.map((id) => this.generations.get(id) ?? null);
    await this.database.read(REMOVE_POSITIONS, [this.serverId, this.webhookId, ids, generations]);
    ids.forEach((id, index) => {
      if (this.generations.get(id) === generations[index]) this.generations.delete(id);
    });
    return [];
  }
}
