import { Logger } from '@nestjs/common';
import { DomainError, errorMessage, errorStack } from '../../errors/index.js';
import type { DeliveryFailure, DeliveryStatus } from './delivery-status.js';
import { backoffMs, RetryClock } from './retry-clock.js';
import type { Message, Outcome, Sender } from './sender.js';
import type { WebhookTarget } from '../webhook-target.js';

/** Maximum number of concurrent requests of one channel. */
const MAX_PARALLEL = 4;
/** Pause of a lane while the storage is unavailable (ms). */
const STORAGE_RETRY_MS = 1000;
/** Maximum number of consecutive requests of one conversation before others get their turn. */
const MAX_CONSECUTIVE = 20;

/** One delivery of a conversation. */
export interface Delivery extends Message {
  /** Number of events in the body. */
  events: number;
  /** Called after a successful delivery. */
  delivered: () => Promise<void>;
  /**
   * Called when the receiver rejects the delivery permanently. Without it, the delivery is retried forever.
   */
  drop?: () => Promise<void>;
}

/** The pending deliveries of one conversation, in order. */
export interface Lane {
  readonly conversationId: string;
  /** Time of the next delivery (`performance.now()`); undefined if nothing is pending. */
  readonly dueAt: number | undefined;
  /** Number of pending items, as far as known. */
  readonly waiting: number;
  /** Since when the oldest pending item waits (ms since the epoch); undefined: nothing, or not known yet. */
  readonly oldestAt: number | undefined;
  /** Sends what is pending without waiting for more. */
  flush(): void;
  /** Creates the next delivery. Called for each attempt, so that bodies are not kept in memory in between. */
  next(): Promise<Delivery | undefined>;
  /** Called when the lane has had its turn. */
  onIdle(): void;
}

/** The state of a lane with pending deliveries. */
export interface LaneReport {
  lane: Lane;
  /** A request is in flight. */
  isSending: boolean;
  /** Consecutive failed attempts. */
  failures: number;
  /** Time of the next attempt (`performance.now()`). */
  nextAt: number;
  lastFailure: DeliveryFailure | undefined;
}

interface LaneState {
  lane: Lane;
  busy: boolean;
  /** Consecutive failed attempts. */
  failures: number;
  /** Consecutive permanent rejections. */
  refusals: number;
  /** Earliest time of the next attempt (`performance.now()`). */
  notBefore: number;
  /** The final attempt at shutdown has failed. */
  gaveUp: boolean;
  /** The last failure since a delivery of this lane succeeded. */
  lastFailure: DeliveryFailure | undefined;
}

/**
 * Sends the deliveries of all lanes, in turn: one request at a time per conversation, a few in parallel in
 * total. Failed deliveries are retried forever with increasing pauses.
 */
export class Channel {
  private readonly logger = new Logger('Webhooks');
  private readonly lanes = new Map<string, LaneState>();
  private readonly clock: RetryClock;
  private busy = 0;
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;
  private pumping: NodeJS.Immediate | undefined;
  private stopped = false;
  private isStorageAway = false;
  private onDrained: (() => void) | undefined;

  constructor(
    private readonly what: string,
    private readonly target: WebhookTarget,
    private readonly sender: Sender,
    private readonly status: DeliveryStatus,
  ) {
    this.clock = new RetryClock(target.retryDelayMs);
  }

  /** Time of the next attempt (`performance.now()`); undefined if nothing is pending. */
  get nextAt(): number | undefined {
    const due = [...this.lanes.values()].flatMap((place) => this.dueAt(place) ?? []);
    return due.length === 0 ? undefined : Math.max(this.clock.pausedUntil, Math.min(...due));
  }

  /** Number of lanes that are being worked on. */
  get inFlight(): number {
    return this.busy;
  }

  /** All lanes with pending deliveries. */
  reports(): LaneReport[] {
    const reports: LaneReport[] = [];
    for (const place of this.lanes.values()) {
      const { lane, busy, failures, lastFailure } = place;
      const dueAt = this.dueAt(place);
      if (dueAt === undefined && !busy) continue;
      const nextAt = Math.max(dueAt ?? 0, this.clock.pausedUntil);
      reports.push({ lane, isSending: busy, failures, nextAt, lastFailure });
    }
    return reports;
  }

  /**
   * Attempts what is pending at once: skips the pauses after failures and the wait for further events.
   * @param conversationId the only lane to attempt; all by default
   * @returns the lanes with pending deliveries
   */
  retryNow(conversationId?: string): Lane[] {
    const chosen = conversationId === undefined ? [...this.lanes.keys()] : [conversationId];
    const lanes: Lane[] = [];
    for (const id of chosen) {
      const place = this.lanes.get(id);
      place?.lane.flush();
      if (place?.lane.dueAt === undefined) continue;
      place.notBefore = 0;
      lanes.push(place.lane);
    }
    if (lanes.length > 0 && !this.stopped) {
      this.clock.resume();
      this.pumping ??= setImmediate(() => this.pump());
    }
    return lanes;
  }

  /** Must be called after a lane has changed. Only schedules the work. */
  schedule(lane: Lane): void {
    let place = this.lanes.get(lane.conversationId);
    if (!place) {
      place = {
        lane,
        busy: false,
        failures: 0,
        refusals: 0,
        notBefore: 0,
        gaveUp: false,
        lastFailure: undefined,
      };
      this.lanes.set(lane.conversationId, place);
    }
    if (place.busy || this.stopped) return;
    const at = this.dueAt(place);
    if (at === undefined) return;
    if (at <= performance.now()) this.pumping ??= setImmediate(() => this.pump());
    else this.wakeAt(at);
  }

  remove(conversationId: string): void {
    this.lanes.delete(conversationId);
  }

  /** Attempts every pending delivery once without pauses. Resolves when all attempts have ended. */
  async drain(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.onDrained = resolve;
      this.pump();
    });
  }

  /** Starts no further requests. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    clearImmediate(this.pumping);
    this.onDrained?.();
  }

  private get draining(): boolean {
    return this.onDrained !== undefined;
  }

  private dueAt(place: LaneState): number | undefined {
    const at = place.lane.dueAt;
    if (at === undefined || (this.draining && place.gaveUp)) return undefined;
    return this.draining ? 0 : Math.max(at, place.notBefore);
  }

  private pump(): void {
    this.pumping = undefined;
    if (this.stopped) return;
    const now = performance.now();
    if (!this.draining && this.clock.pausedUntil > now) return this.wakeAt(this.clock.pausedUntil);
    const width = this.clock.isProbing && !this.draining ? 1 : MAX_PARALLEL;
    let next = Infinity;
    for (const [id, place] of this.lanes) {
      // The end of a running request pumps again.
      if (this.busy >= width) return;
      const at = place.busy ? undefined : this.dueAt(place);
      if (at === undefined) continue;
      if (at > now) next = Math.min(next, at);
      else this.begin(id, place);
    }
    if (next < Infinity) this.wakeAt(next);
    if (this.busy === 0) this.onDrained?.();
  }

  private wakeAt(at: number): void {
    if (this.timer && this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.pump();
      },
      Math.max(1, at - performance.now()),
    ).unref();
  }

  private begin(id: string, place: LaneState): void {
    this.busy += 1;
    place.busy = true;
    // Move to the end of the queue.
    this.lanes.delete(id);
    this.lanes.set(id, place);
    void this.work(place)
      .catch((error: unknown) => {
        // Not caused by the receiver: an unreadable log or a full disk.
        if (error instanceof DomainError && error.kind === 'unavailable')
          return this.awaitStorage(place, error);
        this.postpone(place);
        this.logger.error(`${this.what} of conversation ${id} cannot be delivered`, errorStack(error));
      })
      .finally(() => {
        place.busy = false;
        this.busy -= 1;
        place.lane.onIdle();
        this.pumping ??= setImmediate(() => this.pump());
      });
  }

  private async work(place: LaneState): Promise<void> {
    for (let times = 0; times < MAX_CONSECUTIVE && !this.stopped; times += 1) {
      const delivery = await place.lane.next();
      this.isStorageAway = false;
      if (!delivery) return;
      const startedAt = performance.now();
      const outcome = await this.sender.send(delivery);
      if (!isSuccess(outcome)) return this.failed(place, delivery, outcome, startedAt);
      this.clock.succeeded();
      resetFailures(place);
      this.status.succeeded(delivery.events);
      await delivery.delivered();
      const { dueAt } = place.lane;
      if (dueAt === undefined || (dueAt > performance.now() && !this.draining)) return;
    }
  }

  private async failed(
    place: LaneState,
    delivery: Delivery,
    outcome: Outcome,
    startedAt: number,
  ): Promise<void> {
    // Aborted by the shutdown, not by the receiver.
    if (this.stopped) return;
    const reason = 'status' in outcome ? `it answered ${outcome.status}` : outcome.failure;
    this.postpone(place);
    this.clock.failed(startedAt);
    place.refusals = 'status' in outcome && isFinal(outcome.status) ? place.refusals + 1 : 0;
    const attempts = this.target.retries + 1;
    const drop = place.refusals >= attempts ? delivery.drop : undefined;
    this.status.failed({
      reason,
      status: 'status' in outcome ? outcome.status : undefined,
      conversationId: place.lane.conversationId,
      attempt: place.failures,
      dropped: drop !== undefined,
    });
    place.lastFailure = this.status.lastFailure;
    if (!drop && place.failures !== attempts) return;
    this.logger.warn(
      `webhook ${this.target.shownUrl}: ${this.what} of conversation ${place.lane.conversationId} not delivered ` +
        `after ${place.failures} attempts (${reason}); ${drop ? 'dropped' : 'retrying'}`,
    );
    if (!drop) return;
    resetFailures(place);
    await drop();
  }

  /** An outage of the storage is no failure of the lane, and ends for all at the same time. */
  private awaitStorage(place: LaneState, error: Error): void {
    place.gaveUp = this.draining;
    place.notBefore = performance.now() + STORAGE_RETRY_MS;
    if (!this.isStorageAway) this.logger.warn(`${this.what} wait for the storage: ${errorMessage(error)}`);
    this.isStorageAway = true;
  }

  private postpone(place: LaneState): void {
    place.failures += 1;
    place.gaveUp = this.draining;
    place.notBefore = performance.now() + backoffMs(place.failures, this.target.retryDelayMs);
  }
}

function resetFailures(place: LaneState): void {
  place.failures = 0;
  place.refusals = 0;
  place.notBefore = 0;
  place.lastFailure = undefined;
}

function isSuccess(outcome: Outcome): boolean {
  return 'status' in outcome && outcome.status >= 200 && outcome.status < 300;
}

/** Whether a status is a permanent rejection. Authentication, rate limits and timeouts may be temporary. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 403, 408, 425, 429].includes(status);
}
