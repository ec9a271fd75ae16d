import { Logger } from '@nestjs/common';
import type { Conversation } from '../../conversations/index.js';
import { errorStack } from '../../errors/index.js';
import type {
  ClosingConversation,
  EventBus,
  EventSubscriber,
  ItemSignal,
  OutputPiece,
  PublishedEvent,
} from '../../events/index.js';
import type { Slots } from '../../flow/index.js';
import { CLOSE } from './close-code.js';
import type { FrameSink } from './frame-sink.js';
import type { FrameFormat } from '../frames/frame-format.js';
import type { Resend } from '../handshake/handshake.js';
import { MAX_PENDING_BYTES, MAX_PENDING_BYTES_FOR_DELTAS } from './socket-limits.js';

/** The parts of a conversation that a subscription reads. */
export type FollowedConversation = Pick<
  Conversation,
  'id' | 'length' | 'readBytes' | 'firstSince' | 'fullState' | 'recentOutputs'
>;

/** The services that a subscription uses. */
export interface SubscriptionSources {
  readonly bus: EventBus;
  readonly conversations: { open(id: string): Promise<FollowedConversation> };
  /** Limits concurrent reads for replays: a thousand new sockets must not delay all other work. */
  readonly replaySlots: Slots;
}

/**
 * Sends the events of a conversation to a client: each durable event once, in log order.
 *
 * A subscription is either catching up or live. While catching up, it reads the log at the client's pace and
 * only tracks the length of the log. When it reaches the end it goes live and sends events as they are
 * published. If a live event is not the next one (the bus may lose events), it catches up again. Therefore
 * only events that are not in the log are ever queued, each for its place among the durable ones.
 */
export class Subscription implements EventSubscriber {
  private static readonly logger = new Logger(Subscription.name);
  /** Sequence number of the durable event that is sent next. */
  private next = 0;
  /** Known length of the log. */
  private published = 0;
  private live = false;
  /** The transport is corked until the end of this event-loop turn. */
  private corked = false;
  /** Frames of events that are not in the log, each to be sent before the event number `before`. */
  private queued: { before: number; frame: Buffer }[] = [];
  private queuedBytes = 0;
  private endSubscription: (() => void) | undefined;
  readonly onOutput: ((output: OutputPiece) => void) | undefined;

  constructor(
    private readonly sink: FrameSink,
    private readonly conversationId: string,
    private readonly format: FrameFormat,
    private readonly sources: SubscriptionSources,
  ) {
    if (format.output) this.onOutput = (output) => this.forward(format.output?.(output), true);
  }

  /**
   * Subscribes, notes the length of the log and starts sending, without an await in between.
   * @param since the first event since the time that `resend` has
   */
  start(conversation: FollowedConversation, resend: Resend, since?: number): void {
    // Before the subscription: others are sent what the conversation has held back until now.
    const outputs = this.onOutput ? conversation.recentOutputs() : [];
    this.endSubscription = this.sources.bus.subscribe(this.conversationId, this);
    const mark = conversation.length;
    this.published = mark;
    this.next = firstSeq(resend, mark, since);
    const afterSeq = resend.from === 'seq' ? resend.afterSeq : undefined;
    const { beforeReplay, afterReplay } = this.format.opening({
      afterSeq,
      mark,
      state: conversation.fullState(),
    });
    for (const frame of beforeReplay) this.send(frame);
    for (const frame of afterReplay) this.enqueue(frame);
    for (const output of outputs) this.onOutput?.(output);
    void this.catchUp(conversation);
  }

  /** Ends the subscription but leaves the connection open. Idempotent. */
  stop(): void {
    this.endSubscription?.();
    this.endSubscription = undefined;
    this.queued = [];
    this.queuedBytes = 0;
  }

  onEvent(published: PublishedEvent): void {
    if (published.seq === undefined) {
      return this.forward(this.format.transient(published), published.event.kind === 'StreamingDeltaEvent');
    }
    if (published.seq < this.published) return;
    this.published = published.seq + 1;
    if (!this.live) return;
    if (published.seq > this.next) {
      void this.catchUp();
      return;
    }
    this.next += 1;
    this.sendBatched(this.format.durable(published, published.seq));
  }

  onItem(item: ItemSignal): void {
    if (item.signal.type === 'final_delta') return;
    this.forward(this.format.item(item), item.signal.type === 'delta');
  }

  onClosing({ removed, mayMove }: ClosingConversation): Promise<void> {
    if (removed && this.format.closesWhenRemoved) this.close(CLOSE.conversationNotFound);
    // The client connects again, and gets to the server that has the conversation then.
    if (!removed && mayMove) this.close(CLOSE.moved);
    return Promise.resolve();
  }

  /** Sends an error to this client, in order with the events. */
  sendError(code: string, detail: string): void {
    this.forward(this.format.error(code, detail), false);
  }

  /** Sends or queues a frame that is not in the log. Droppable frames are skipped when the client is slow. */
  private forward(frame: Buffer | undefined, droppable: boolean): void {
    if (!frame) return;
    if (droppable && this.sink.pendingBytes + this.queuedBytes > MAX_PENDING_BYTES_FOR_DELTAS) return;
    if (this.live) this.sendBatched(frame);
    else this.enqueue(frame);
  }

  /** Sends all frames of one event-loop turn in one write: models emit many deltas at a time. */
  private sendBatched(frame: Buffer): void {
    const { sink } = this;
    if (!this.corked) {
      this.corked = true;
      sink.cork();
      setImmediate(() => {
        this.corked = false;
        sink.uncork();
      });
    }
    this.send(frame);
    if (sink.transportBytes < MAX_BATCH_BYTES) return;
    // Frames that are only corked must not count as unread by the client.
    sink.uncork();
    sink.cork();
  }

  private enqueue(frame: Buffer): void {
    this.queued.push({ before: this.published, frame });
    this.queuedBytes += frame.length;
    if (this.queuedBytes > MAX_PENDING_BYTES) this.close(CLOSE.slowConsumer);
  }

  private flushQueue(): void {
    while (this.queued[0] && this.queued[0].before <= this.next) {
      const { frame } = this.queued[0];
      this.queued.shift();
      this.queuedBytes -= frame.length;
      this.send(frame);
    }
  }

  private async catchUp(opened?: FollowedConversation): Promise<void> {
    this.live = false;
    try {
      const conversation = opened ?? (await this.sources.conversations.open(this.conversationId));
      while (this.next < this.published && this.endSubscription) await this.replay(conversation);
      // No await since the length was compared, so no event was missed.
      this.flushQueue();
      this.live = true;
    } catch (error) {
      Subscription.logger.error(`replay of ${this.conversationId} failed`, errorStack(error));
      this.close(CLOSE.subscribeFailed);
    }
  }

  /** Sends the next events from the log. Resolves when they are written to the client's connection. */
  private async replay(conversation: FollowedConversation): Promise<void> {
    const limit = Math.min(MAX_CHUNK_LINES, this.published - this.next);
    const read = () => conversation.readBytes(this.next, limit, CHUNK_BYTES);
    const lines = await this.sources.replaySlots.run(read);
    if (lines.length === 0) throw new Error(`event ${this.next} of ${this.published} is not in the log`);
    if (this.endSubscription) await this.sendBatch(lines);
  }

  /** Sends events from the log in one write. Resolves when they are written to the client's connection. */
  private sendBatch(lines: readonly Buffer[]): Promise<void> {
    return new Promise((resolve) => {
      this.sink.cork();
      for (const [index, line] of lines.entries()) {
        this.flushQueue();
        const frame = this.format.replayed(line, this.next);
        this.next += 1;
        this.send(frame, index === lines.length - 1 ? () => resolve() : undefined);
      }
      this.sink.uncork();
    });
  }

  private send(frame: Buffer, sent?: () => void): void {
    if (frame.length > this.format.maxFrameBytes) this.close(CLOSE.frameTooLarge);
    else if (this.sink.pendingBytes > MAX_PENDING_BYTES) this.close(CLOSE.slowConsumer);
    this.sink.send(frame, sent);
  }

  private close(why: (typeof CLOSE)[keyof typeof CLOSE]): void {
    this.stop();
    this.sink.close(why);
  }
}

/** About the most bytes that are sent in one write. */
const MAX_BATCH_BYTES = 64 * 1024;

/** A replay sends at most this much, but at least one event, before it waits for the client. */
const CHUNK_BYTES = 256 * 1024;
const MAX_CHUNK_LINES = 128;

function firstSeq(resend: Resend, mark: number, since: number | undefined): number {
  switch (resend.from) {
    case 'nothing':
      return mark;
    case 'start':
      return 0;
    case 'seq':
      return Math.min(Math.max(resend.afterSeq + 1, 0), mark);
    case 'timestamp':
      return Math.min(since ?? mark, mark);
  }
}
