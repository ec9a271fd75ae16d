import { Logger } from '@nestjs/common';
import { errorStack } from '../errors/index.js';
import type {
  ClosingConversation,
  ConversationChange,
  OpeningConversation,
  PublishedEvent,
} from '../events/index.js';
import type { PendingEntry, WebhookDeliveries } from '../storage/index.js';
import { Channel } from './delivery/channel.js';
import { DeliveryStatus } from './delivery/delivery-status.js';
import { EventLane, type LaneServices } from './delivery/event-lane.js';
import type { EventSource, Unavailable } from './event-source.js';
import { PostLane } from './delivery/post-lane.js';
import { Sender } from './delivery/sender.js';
import { SnapshotBudget } from './delivery/snapshot-budget.js';
import {
  byUrgency,
  describeFailure,
  describeLane,
  describeRemoteLane,
  timeOf,
  toUtc,
  withRemote,
} from './webhook-report.js';
import type { Backlog, WebhookDetails, WebhookStatus } from './webhook-status.js';
import type { WebhookTarget } from './webhook-target.js';

/** Most lanes that are listed. */
const MAX_LANES = 100;

/** One webhook. Delivers events and changes of all conversations in order, at least once. */
export class Webhook {
  private readonly logger = new Logger('Webhooks');
  private readonly counts = new DeliveryStatus();
  private readonly sender: Sender;
  private readonly events: Channel;
  private readonly posts: Channel;
  private readonly eventLanes = new Map<string, EventLane>();
  private readonly postLanes = new Map<string, PostLane>();
  private readonly services: LaneServices;

  constructor(
    private readonly target: WebhookTarget,
    private readonly deliveries: WebhookDeliveries,
    private readonly source: EventSource,
    private readonly tellOthers: (conversationId?: string) => void,
  ) {
    this.sender = new Sender(target);
    this.events = new Channel('events', target, this.sender, this.counts);
    this.posts = new Channel('a change', target, this.sender, this.counts);
    this.services = {
      target,
      source,
      deliveries,
      budget: new SnapshotBudget(),
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
    for (const entry of await lane.opening(opening)) this.take(entry);
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
    this.take(await this.deliveries.addChange(conversationId, body));
  }

  /** Finds undelivered items of dead servers and of earlier runs of this one, and requests of others. */
  async recover(): Promise<void> {
    const { entries, conversations } = await this.deliveries.recover();
    for (const entry of entries) this.take(entry);
    for (const lane of this.eventLanes.values()) for (const entry of await lane.secure()) this.take(entry);
    for (const id of conversations) {
      const lane = this.laneOf(id);
      lane.resume();
      this.events.schedule(lane);
    }
    await this.applyRewinds();
  }

  /** Shows other servers, and the next start, that this webhook is in use. */
  heartbeat(): Promise<void> {
    return this.deliveries.heartbeat();
  }

  /** Attempts each pending delivery once, within `graceMs`. The rest is left for the next start. */
  async close(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.stop(), graceMs);
    await Promise.all([this.events.drain(), this.posts.drain()]);
    clearTimeout(timer);
    this.stop();
    await this.deliveries.close();
  }

  get id(): string {
    return this.target.id;
  }

  get shownUrl(): string {
    return this.target.shownUrl;
  }

  /**
   * Attempts at once what is pending here, without the pauses after failures and the wait for further events.
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
   * As `retryNow`, at all servers.
   * @returns what is pending at all of them
   */
  async retryEverywhere(conversationId?: string): Promise<Backlog> {
    const local = this.retryNow(conversationId);
    const remote = await this.deliveries.remote(0, conversationId);
    if (remote.conversations > 0) this.tellOthers(conversationId);
    return {
      conversations: local.conversations + remote.conversations,
      events: local.events + remote.events,
      changes: local.changes + remote.changes,
    };
  }

  /** Another server was asked to attempt at once what is pending, or to deliver something again. */
  async retryForOthers(conversationId: string | undefined): Promise<void> {
    await this.applyRewinds();
    this.retryNow(conversationId);
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
      const reason = await lane.rewind(eventId);
      if (reason !== 'elsewhere') return reason ?? this.scheduled(lane);
      const requested = await this.requestRewind(conversationId, eventId);
      if (requested !== 'elsewhere') return requested;
      // The other server may have closed the conversation meanwhile.
      return (await lane.rewind(eventId)) ?? this.scheduled(lane);
    } finally {
      lane.endIfEmpty();
    }
  }

  /** The webhook with its lanes, those that fail first, then by age. */
  async details(): Promise<WebhookDetails> {
    const remote = await this.deliveries.remote(MAX_LANES);
    const lanes = [
      ...this.events.reports().map((report) => describeLane('events', report)),
      ...this.posts.reports().map((report) => describeLane('changes', report)),
      ...remote.lanes.map(describeRemoteLane),
    ].sort(byUrgency);
    return {
      ...withRemote(this.localStatus(), remote),
      lanes: lanes.slice(0, MAX_LANES),
      lanes_total: lanes.length - remote.lanes.length + remote.laneCount,
      recent_errors: this.counts.recentFailures.map(describeFailure),
    };
  }

  /** What this server did, and what all have pending. */
  async status(): Promise<WebhookStatus> {
    return withRemote(this.localStatus(), await this.deliveries.remote(0));
  }

  /** What this server did and has pending. */
  localStatus(): WebhookStatus {
    const { target, counts } = this;
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
      delivered_events: counts.events,
      delivered_requests: counts.requests,
      failed_requests: counts.failures,
      pending_events: lanes.reduce((sum, lane) => sum + lane.waiting, 0),
      pending_changes: posts.reduce((sum, lane) => sum + lane.waiting, 0),
      pending_conversations: new Set(
        [...lanes.filter((lane) => lane.hasWork), ...posts].map(({ conversationId }) => conversationId),
      ).size,
      oldest_pending_at: oldest < Infinity ? toUtc(oldest) : null,
      requests_in_flight: this.events.inFlight + this.posts.inFlight,
      dropped_changes: counts.dropped,
      last_success_at: counts.lastSuccessAt?.toISOString() ?? null,
      last_error: counts.lastFailure ? describeFailure(counts.lastFailure) : null,
      next_attempt_at: next < Infinity ? timeOf(next) : null,
    };
  }

  private scheduled(lane: EventLane): Backlog {
    this.events.schedule(lane);
    return this.retryNow(lane.conversationId);
  }

  /** Has the server that delivers the conversation deliver its events again. */
  private async requestRewind(
    conversationId: string,
    eventId: string,
  ): Promise<Backlog | Unavailable | 'unknown-event'> {
    const seq = await this.source.seqOf(conversationId, eventId);
    if (seq === undefined) return 'unknown-event';
    if (!(await this.deliveries.requestRewind(conversationId, seq))) return 'elsewhere';
    return this.retryEverywhere(conversationId);
  }

  private async applyRewinds(): Promise<void> {
    for (const { conversationId, position } of await this.deliveries.requestedRewinds()) {
      const lane = this.laneOf(conversationId);
      const reason = await lane.rewind(position);
      if (reason === 'elsewhere') await this.deliveries.leave(conversationId);
      if (reason === undefined) this.scheduled(lane);
      lane.endIfEmpty();
    }
  }

  private stop(): void {
    this.events.stop();
    this.posts.stop();
    this.sender.close();
  }

  private take(entry: PendingEntry): void {
    const { conversationId } = entry;
    if (entry.kind === 'tail') {
      const lane = this.laneOf(conversationId);
      lane.addTail(entry);
      this.events.schedule(lane);
      return;
    }
    let lane = this.postLanes.get(conversationId);
    if (!lane) {
      lane = this.makePostLane(conversationId);
      this.postLanes.set(conversationId, lane);
    }
    lane.push(entry);
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

/** Logs the error of an action that must not affect other webhooks. */
export function logErrors(action: Promise<void>): Promise<void> {
  return action.catch((error: unknown) =>
    new Logger('Webhooks').error('deliveries could not be read or stored', errorStack(error)),
  );
}
