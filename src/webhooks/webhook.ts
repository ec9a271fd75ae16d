import path from 'node:path';
import { utimes } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { errorStack } from '../errors/index.js';
import type {
  ClosingConversation,
  ConversationChange,
  OpeningConversation,
  PublishedEvent,
} from '../events/index.js';
import { Channel } from './delivery/channel.js';
import { Cursors } from './stored/cursors.js';
import { DeliveryStatus } from './delivery/delivery-status.js';
import { EventLane, type LaneServices } from './delivery/event-lane.js';
import type { EventSource } from './event-source.js';
import { Outbox, type OutboxEntry } from './stored/outbox.js';
import { PostLane } from './delivery/post-lane.js';
import { Sender } from './delivery/sender.js';
import { SnapshotBudget } from './stored/snapshot-budget.js';
import type { WebhookStatus } from './webhook-status.js';
import type { WebhookTarget } from './webhook-target.js';

/** One webhook. Delivers events and changes of all conversations in order, at least once. */
export class Webhook {
  private readonly logger = new Logger('Webhooks');
  private readonly status = new DeliveryStatus();
  private readonly sender: Sender;
  private readonly events: Channel;
  private readonly posts: Channel;
  private readonly eventLanes = new Map<string, EventLane>();
  private readonly postLanes = new Map<string, PostLane>();
  private readonly outbox: Outbox;
  private readonly cursors: Cursors;
  private readonly services: LaneServices;

  /** @param folder for its positions and its outbox */
  constructor(
    private readonly target: WebhookTarget,
    private readonly folder: string,
    source: EventSource,
  ) {
    this.sender = new Sender(target);
    this.events = new Channel('events', target, this.sender, this.status);
    this.posts = new Channel('a change', target, this.sender, this.status);
    this.outbox = new Outbox(folder);
    this.cursors = new Cursors(path.join(folder, 'cursors'));
    this.services = {
      target,
      source,
      cursors: this.cursors,
      budget: new SnapshotBudget(),
      keepTail: async (id, lines) => (await this.outbox.addTail(id, lines)).path,
      onEmpty: (lane) => this.removeLane(lane),
      onDropped: (id, count) =>
        this.logger.error(
          `webhook ${target.shownUrl}: ${count} events of the deleted conversation ${id} are not delivered: ` +
            `more than max_queue_bytes`,
        ),
    };
  }

  onEvent({ conversationId, event, line, seq }: PublishedEvent): void {
    const isSnapshot = seq === undefined && event.kind === 'ConversationStateUpdateEvent';
    // Streaming deltas and errors about frames are only for sockets.
    if (seq === undefined && !isSnapshot) return;
    const lane = this.laneOf(conversationId);
    if (seq === undefined) lane.snapshot(line);
    else lane.published(seq, line.length);
    this.events.schedule(lane);
  }

  async onOpening(opening: OpeningConversation): Promise<void> {
    const lane = this.laneOf(opening.conversationId);
    await lane.opening(opening);
    this.events.schedule(lane);
  }

  async onClosing(closing: ClosingConversation): Promise<void> {
    const lane = this.laneOf(closing.conversationId);
    try {
      await lane.closing(closing);
    } finally {
      if (lane.hasWork) this.events.schedule(lane);
      else lane.onIdle();
    }
  }

  /** @param body the `ConversationInfo` */
  async onChange({ conversationId }: ConversationChange, body: string): Promise<void> {
    if (this.target.conversationsUrl === undefined) return;
    this.take(await this.outbox.addPost(conversationId, body));
  }

  /** Finds undelivered items of other servers and of earlier runs of this one. */
  async recover(): Promise<void> {
    for (const entry of await this.outbox.adopt()) this.take(entry);
    for (const id of await this.cursors.list()) {
      if (this.eventLanes.has(id)) continue;
      const lane = this.laneOf(id);
      lane.resume();
      this.events.schedule(lane);
    }
  }

  /** Shows other servers, and the next start, that this webhook is in use. */
  async heartbeat(): Promise<void> {
    await this.outbox.heartbeat();
    const now = new Date();
    await utimes(this.folder, now, now).catch(() => undefined);
  }

  /** Attempts each pending delivery once, within `graceMs`. The rest is left for the next start. */
  async close(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.stop(), graceMs);
    await Promise.all([this.events.drain(), this.posts.drain()]);
    clearTimeout(timer);
    this.stop();
    await this.outbox.close();
  }

  describe(): WebhookStatus {
    const { target, status } = this;
    const lanes = [...this.eventLanes.values()];
    const posts = [...this.postLanes.values()];
    const next = Math.min(this.events.nextAt ?? Infinity, this.posts.nextAt ?? Infinity);
    return {
      id: target.id,
      name: target.name,
      url: target.shownUrl,
      method: target.method,
      signed: target.signingKey !== undefined,
      delivered_events: status.events,
      delivered_requests: status.requests,
      failed_requests: status.failures,
      pending_events: lanes.reduce((sum, lane) => sum + lane.waiting, 0),
      pending_changes: posts.reduce((sum, lane) => sum + lane.waiting, 0),
      pending_conversations: new Set(
        [...lanes.filter((lane) => lane.hasWork), ...posts].map(({ conversationId }) => conversationId),
      ).size,
      last_success_at: status.lastSuccessAt?.toISOString() ?? null,
      last_error: status.lastError
        ? { at: status.lastError.at.toISOString(), reason: status.lastError.reason }
        : null,
      next_attempt_at: next < Infinity ? at(next).toISOString() : null,
    };
  }

  private stop(): void {
    this.events.stop();
    this.posts.stop();
    this.sender.close();
  }

  private take({ kind, conversationId, path: file }: OutboxEntry): void {
    if (kind === 'tail') {
      const lane = this.laneOf(conversationId);
      lane.addTail(file);
      this.events.schedule(lane);
      return;
    }
    let lane = this.postLanes.get(conversationId);
    if (!lane) {
      lane = this.makePostLane(conversationId);
      this.postLanes.set(conversationId, lane);
    }
    lane.push(file);
    this.posts.schedule(lane);
  }

  private makePostLane(conversationId: string): PostLane {
    return new PostLane(conversationId, this.target.conversationsUrl ?? '', () => {
      this.postLanes.delete(conversationId);
      this.posts.remove(conversationId);
    });
  }

  private laneOf(conversationId: string): EventLane {
    let lane = this.eventLanes.get(conversationId);
    if (!lane) {
      lane = new EventLane(conversationId, this.services);
      this.eventLanes.set(conversationId, lane);
    }
    return lane;
  }

  private removeLane(lane: EventLane): void {
    if (this.eventLanes.get(lane.conversationId) !== lane) return;
    this.eventLanes.delete(lane.conversationId);
    this.events.remove(lane.conversationId);
  }
}

function at(moment: number): Date {
  return new Date(Math.max(Date.now(), Date.now() + moment - performance.now()));
}

/** Logs the error of an action that must not affect other webhooks. */
export function logErrors(action: Promise<void>): Promise<void> {
  return action.catch((error: unknown) => new Logger('Webhooks').error('webhooks', errorStack(error)));
}
