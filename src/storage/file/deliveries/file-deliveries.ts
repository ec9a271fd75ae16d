import { utimes } from 'node:fs/promises';
import path from 'node:path';
import {
  WebhookDeliveries,
  type ClaimedDeliveries,
  type PendingChange,
  type PendingTail,
  type RecoveredDeliveries,
  type RemoteBacklog,
} from '../../delivery-store.js';
import { Cursors } from './cursors.js';
import { Outbox } from './outbox.js';

/**
 * The deliveries of one webhook in its folder. The lease of a conversation says who writes its position; what
 * other servers on the folder have pending is not read.
 */
export class FileDeliveries extends WebhookDeliveries {
  private readonly cursors: Cursors;
  private readonly outbox: Outbox;

  constructor(private readonly folder: string) {
    super();
    this.cursors = new Cursors(path.join(folder, 'cursors'));
    this.outbox = new Outbox(folder);
  }

  override async claim(conversationId: string, position: number): Promise<ClaimedDeliveries> {
    return { position: await this.cursors.ensure(conversationId, position), entries: [] };
  }

  override positionOf(conversationId: string): Promise<number | undefined> {
    return this.cursors.read(conversationId);
  }

  override setPosition(conversationId: string, position: number): Promise<void> {
    return this.cursors.set(conversationId, position);
  }

  override advance(conversationId: string, position: number): Promise<void> {
    return this.cursors.write(conversationId, position);
  }

  override settle(): Promise<void> {
    return Promise.resolve();
  }

  override removePosition(conversationId: string): Promise<void> {
    return this.cursors.remove(conversationId);
  }

  override leave(): Promise<void> {
    return Promise.resolve();
  }

  override addChange(conversationId: string, body: string): Promise<PendingChange> {
    return this.outbox.addChange(conversationId, body);
  }

  override addTail(conversationId: string, lines: AsyncIterable<string>): Promise<PendingTail> {
    return this.outbox.addTail(conversationId, lines);
  }

  override async recover(): Promise<RecoveredDeliveries> {
    return { entries: await this.outbox.adopt(), conversations: await this.cursors.list() };
  }

  override remote(): Promise<RemoteBacklog> {
    return Promise.resolve({
      events: 0,
      changes: 0,
      conversations: 0,
      oldestAt: undefined,
      laneCount: 0,
      lanes: [],
    });
  }

  override requestRewind(): Promise<boolean> {
    return Promise.resolve(false);
  }

  override requestedRewinds(): Promise<[]> {
    return Promise.resolve([]);
  }

  override async heartbeat(): Promise<void> {
    await this.outbox.heartbeat();
    const now = new Date();
    await utimes(this.folder, now, now).catch(() => undefined);
  }

  override close(): Promise<void> {
    return this.outbox.close();
  }
}
