import { Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import { SharedRun } from '../../../flow/index.js';
import type { Connections } from '../database/index.js';
import { ADVANCE, ADVANCE_TAILS, REMOVE_ENTRIES } from './delivery-statements.js';

/** How long writes are collected (ms). */
const DELAY_MS = 100;
/** Pause after a failure (ms). */
const RETRY_MS = 1000;

/** The part of a `Database` that deliveries use. */
export type DeliveryDatabase = Pick<Connections, 'query' | 'read' | 'transaction'>;

interface LatePosition {
  generation: number;
  position: number;
}

/**
 * What was delivered: stored a moment later, all of it in one statement a table, so that a delivery does not
 * cost a commit. Whatever a crash loses of it is delivered twice. Failures are repeated.
 */
export class LateWrites {
  private readonly logger = new Logger('Webhooks');
  private positions = new Map<string, LatePosition>();
  private tails = new Map<string, number>();
  private removed = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private readonly storing = new SharedRun(() => this.store());
  private hasFailed = false;
  private isClosed = false;

  constructor(
    private readonly database: DeliveryDatabase,
    private readonly serverId: string,
    private readonly webhookId: string,
  ) {}

  /** The position of a conversation, of the owner with this generation. */
  advance(conversationId: string, generation: number, position: number): void {
    this.positions.set(conversationId, { generation, position });
    this.schedule();
  }

  /** Stores what waits for the conversation, or tries to. Never rejects. */
  async settle(conversationId: string): Promise<void> {
    if (this.positions.has(conversationId)) await this.flush();
    else await this.storing.last;
  }

  /** Drops what waits for the conversation: another write supersedes it once this resolves. */
  async forget(conversationId: string): Promise<void> {
    this.positions.delete(conversationId);
    await this.storing.last;
    // A failure has put it back.
    this.positions.delete(conversationId);
  }

  advanceTail(id: string, position: number): void {
    this.tails.set(id, position);
    this.schedule();
  }

  removeEntry(id: string): void {
    this.tails.delete(id);
    this.removed.add(id);
    this.schedule();
  }

  /** Stores all that waits, or tries to. Never rejects. */
  flush(): Promise<void> {
    return this.storing.run();
  }

  /** As `flush`, for the last time. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.flush();
  }

  private get isEmpty(): boolean {
    return this.positions.size + this.tails.size + this.removed.size === 0;
  }

  private schedule(): void {
    if (this.isClosed) return;
    const delayMs = this.hasFailed ? RETRY_MS : DELAY_MS;
    this.timer ??= setTimeout(() => void this.flush(), delayMs).unref();
  }

  private async store(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { positions, tails, removed } = this;
    this.positions = new Map();
    this.tails = new Map();
    this.removed = new Set();
    const results = await Promise.allSettled([
      this.storePositions(positions),
      this.storeTails(tails),
      this.storeRemovals(removed),
    ]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed && !this.hasFailed)
      this.logger.warn(`delivery positions are stored later: ${errorMessage(failed.reason)}`);
    this.hasFailed = failed !== undefined;
    if (!this.isEmpty) this.schedule();
  }

  private async storePositions(positions: Map<string, LatePosition>): Promise<void> {
    if (positions.size === 0) return;
    const rows = [...positions].sort(([a], [b]) => (a < b ? -1 : 1));
    try {
      await this.database.read(ADVANCE, [
        this.serverId,
        this.webhookId,
        rows.map(([id]) => id),
        rows.map(([, { generation }]) => generation),
        rows.map(([, { position }]) => position),
      ]);
    } catch (error) {
      for (const [id, position] of rows) if (!this.positions.has(id)) this.positions.set(id, position);
      throw error;
    }
  }

  private async storeTails(tails: Map<string, number>): Promise<void> {
    if (tails.size === 0) return;
    try {
      await this.database.read(ADVANCE_TAILS, [this.serverId, [...tails.keys()], [...tails.values()]]);
    } catch (error) {
      for (const [id, position] of tails) {
        if (!this.tails.has(id) && !this.removed.has(id)) this.tails.set(id, position);
      }
      throw error;
    }
  }

  private async storeRemovals(removed: Set<string>): Promise<void> {
    if (removed.size === 0) return;
    try {
      await this.database.read(REMOVE_ENTRIES, [this.serverId, [...removed]]);
    } catch (error) {
      for (const id of removed) this.removed.add(id);
      throw error;
    }
  }
}
