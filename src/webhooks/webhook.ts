import path from 'node:path';
import { stat, utimes } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { errorStack } from '../errors/index.js';
import type {
  ClosingConversation,
  ConversationChange,
  OpeningConversation,
  PublishedEvent,
} from '../events/index.js';
import { Channel, type LaneReport } from './delivery/channel.js';
import { Cursors } from './stored/cursors.js';
import { DeliveryStatus, type DeliveryFailure } from './delivery/delivery-status.js';
import { EventLane, type LaneServices } from './delivery/event-lane.js';
import type { EventSource, Unavailable } from './event-source.js';
import { Outbox, type OutboxEntry } from './stored/outbox.js';
import { PostLane } from './delivery/post-lane.js';
import { Sender } from './delivery/sender.js';
import { SnapshotBudget } from './stored/snapshot-budget.js';
import type { Backlog, FailedRequest, LaneStatus, WebhookDetails, WebhookStatus } from './webhook-status.js';
import type { WebhookTarget } from './webhook-target.js';

/** Most lanes that are listed. */
const MAX_LANES = 100;

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
    this.take(await this.outbox.addPost(conversationId, body), Date.now());
  }

  /** Finds undelivered items of other servers and of earlier runs of this one. */
  async recover(): Promise<void> {
    for (const entry of await this.outbox.adopt()) this.take(entry, await modifiedAt(entry.path));
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

  get id(): string {
    return this.target.id;
  }

  get shownUrl(): string {
    return this.target.shownUrl;
  }

  /**
   * Attempts at once what is pending, without the pauses after failures and the wait for further events.
   * @param conversationId only of this conversation
   */
  retryNow(conversationId?: string): Backlog {
    const events = this.events.retryNow(conversationId);
    const posts = this.posts.retryNow(conversationId);
    return {
      conversations: new Set([...events, ...posts].map((lane) => lane.conversationId)).size,
      events: events.reduce((sum, lane) => sum + lane.waiting, 0),
      changes: posts.reduce((sum, lane) => sum + lane.waiting, 0),
    };
  }

  /**
   * Delivers the events of a conversation again, beginning with one. The position is stored when this
   * resolves.
   */
  async redeliverFrom(
    conversationId: string,
    eventId: string,
  ): Promise<Backlog | Unavailable | 'unknown-event'> {
    const lane = this.laneOf(conversationId);
    try {
      return (await lane.rewind(eventId)) ?? this.scheduled(lane);
    } finally {
      lane.endIfEmpty();
    }
  }

  /** The webhook with its lanes, those that fail first, then by age. */
  details(): WebhookDetails {
    const lanes = [
      ...this.events.reports().map((report) => describeLane('events', report)),
      ...this.posts.reports().map((report) => describeLane('changes', report)),
    ].sort(byUrgency);
    return {
      ...this.describe(),
      lanes: lanes.slice(0, MAX_LANES),
      lanes_total: lanes.length,
      recent_errors: this.status.recentFailures.map(describeFailure),
    };
  }

  describe(): WebhookStatus {
    const { target, status } = this;
    const lanes = [...this.eventLanes.values()];
    const posts = [...this.postLanes.values()];
    const next = Math.min(this.events.nextAt ?? Infinity, this.posts.nextAt ?? Infinity);
    const oldest = Math.min(...[...lanes, ...posts].map((lane) => lane.oldestAt ?? Infinity));
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
      oldest_pending_at: oldest < Infinity ? new Date(oldest).toISOString() : null,
      requests_in_flight: this.events.inFlight + this.posts.inFlight,
      dropped_changes: status.dropped,
      last_success_at: status.lastSuccessAt?.toISOString() ?? null,
      last_error: status.lastFailure ? describeFailure(status.lastFailure) : null,
      next_attempt_at: next < Infinity ? at(next).toISOString() : null,
    };
  }

  private scheduled(lane: EventLane): Backlog {
    this.events.schedule(lane);
    return this.retryNow(lane.conversationId);
  }

  private stop(): void {
    this.events.stop();
    this.posts.stop();
    this.sender.close();
  }

  private take({ kind, conversationId, path: file }: OutboxEntry, since: number): void {
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
    lane.push(file, since);
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

function describeLane(kind: LaneStatus['kind'], report: LaneReport): LaneStatus {
  const { lane, isSending, failures, nextAt, lastFailure } = report;
  return {
    conversation_id: lane.conversationId,
    kind,
    state: isSending ? 'sending' : failures > 0 ? 'retrying' : 'waiting',
    pending: lane.waiting,
    oldest_pending_at: lane.oldestAt === undefined ? null : new Date(lane.oldestAt).toISOString(),
    delivered_events: lane instanceof EventLane ? (lane.position ?? null) : null,
    failed_attempts: failures,
    next_attempt_at: isSending ? null : at(nextAt).toISOString(),
    last_error: lastFailure ? describeFailure(lastFailure) : null,
  };
}

function describeFailure(failure: DeliveryFailure): FailedRequest {
  const { reason, status, conversationId, attempt, dropped } = failure;
  return {
    at: failure.at.toISOString(),
    reason,
    status: status ?? null,
    conversation_id: conversationId,
    attempt,
    dropped,
  };
}

function byUrgency(a: LaneStatus, b: LaneStatus): number {
  if (a.failed_attempts !== b.failed_attempts) return b.failed_attempts - a.failed_attempts;
  return (a.oldest_pending_at ?? '').localeCompare(b.oldest_pending_at ?? '');
}

/** When a file was written (ms since the epoch); now, if it is gone. */
async function modifiedAt(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.mtimeMs ?? Date.now();
}

function at(moment: number): Date {
  return new Date(Math.max(Date.now(), Date.now() + moment - performance.now()));
}

/** Logs the error of an action that must not affect other webhooks. */
export function logErrors(action: Promise<void>): Promise<void> {
  return action.catch((error: unknown) => new Logger('Webhooks').error('webhooks', errorStack(error)));
}
