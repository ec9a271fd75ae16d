import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import type { WebSocket } from 'ws';
import type { Conversation } from '../../conversations/conversation/conversation.js';
import { errorStack } from '../../errors/index.js';
import type { EventBus, EventSubscriber, ItemSignal, PublishedEvent } from '../../events/index.js';
import type { Slots } from '../../flow/index.js';
import { CLOSE, closeSocket } from './close-code.js';
import type { FrameFormat } from '../frames/frame-format.js';
import type { Resend } from '../handshake/handshake.js';
import { MAX_PENDING_BYTES, MAX_PENDING_BYTES_FOR_DELTAS } from './socket-limits.js';

/** What a subscription reads of a conversation. */
export type FollowedConversation = Pick<
  Conversation,
  'id' | 'length' | 'readBytes' | 'timestampOf' | 'fullState'
>;

/** What a subscription needs of the server. */
export interface SubscriptionSources {
  readonly bus: EventBus;
  readonly conversations: { open(id: string): Promise<FollowedConversation> };
  /** Reading logs for replays: so many at a time, or a thousand new sockets would hold up everybody else. */
  readonly replaySlots: Slots;
}

/**
 * Sends one conversation's events to one socket: each durable event once, in the order of the log.
 *
 * It is either catching up or live. Catching up, it reads the log at the pace of the client and only notes
 * how far the log has grown; when it has reached that point it goes live, and events are passed on as they
 * are published. A live event that is not the next one (the bus may lose hints) sends it back to catching up.
 * So nothing but events that are not in the log is ever kept back: they wait for their place among the
 * others.
 */
export class Subscription implements EventSubscriber {
  private static readonly logger = new Logger(Subscription.name);
  /** Sequence number of the durable event that the client gets next. */
  private next = 0;
  /** How long the log is known to be. */
  private published = 0;
  private live = false;
  /** What is sent in this turn of the event loop waits for its end. */
  private corked = false;
  /** Frames that are not in the log, each to be sent before the event `before`. */
  private queued: { before: number; frame: Buffer }[] = [];
  private queuedBytes = 0;
  private endSubscription: (() => void) | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly transport: Socket,
    private readonly conversationId: string,
    private readonly format: FrameFormat,
    private readonly sources: SubscriptionSources,
  ) {}

  /** Subscribes, marks the end of the log, and begins. Nothing can happen between the three: no await. */
  start(conversation: FollowedConversation, resend: Resend): void {
    this.endSubscription = this.sources.bus.subscribe(this.conversationId, this);
    const mark = conversation.length;
    this.published = mark;
    this.next = firstSeq(conversation, resend, mark);
    const afterSeq = resend.from === 'seq' ? resend.afterSeq : undefined;
    const { beforeReplay, afterReplay } = this.format.opening({
      afterSeq,
      mark,
      state: conversation.fullState(),
    });
    for (const frame of beforeReplay) this.send(frame);
    for (const frame of afterReplay) this.enqueue(frame);
    void this.catchUp(conversation);
  }

  /** Ends the subscription; the socket is left as it is. Idempotent. */
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

  /** Sends a complaint to this client, in its place among the events. */
  sendError(code: string, detail: string): void {
    this.forward(this.format.error(code, detail), false);
  }

  /** Sends what is not in the log. Pieces of an unfinished answer are dropped when the client is behind. */
  private forward(frame: Buffer | undefined, droppable: boolean): void {
    if (!frame) return;
    if (droppable && this.socket.bufferedAmount + this.queuedBytes > MAX_PENDING_BYTES_FOR_DELTAS) return;
    if (this.live) this.sendBatched(frame);
    else this.enqueue(frame);
  }

  /**
   * Sends with everything else that the server says in this turn, in one write: models say many words at a
   * time.
   */
  private sendBatched(frame: Buffer): void {
    const { transport } = this;
    if (!this.corked) {
      this.corked = true;
      transport.cork();
      setImmediate(() => {
        this.corked = false;
        transport.uncork();
      });
    }
    this.send(frame);
    if (transport.writableLength < MAX_BATCH_BYTES) return;
    // What waits here must not count as what the client does not take.
    transport.uncork();
    transport.cork();
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
      // No await since the last look at the log's length: nothing was missed.
      this.flushQueue();
      this.live = true;
    } catch (error) {
      Subscription.logger.error(`replay of ${this.conversationId} failed`, errorStack(error));
      this.close(CLOSE.subscribeFailed);
    }
  }

  /** Sends the next events from the log; resolves when the client's side has taken them. */
  private async replay(conversation: FollowedConversation): Promise<void> {
    const limit = Math.min(MAX_CHUNK_LINES, this.published - this.next);
    const read = () => conversation.readBytes(this.next, limit, CHUNK_BYTES);
    const lines = await this.sources.replaySlots.run(read);
    if (lines.length === 0) throw new Error(`event ${this.next} of ${this.published} is not in the log`);
    if (this.endSubscription) await this.sendBatch(lines);
  }

  /** Sends events from the log in one write; resolves when the client's side has taken them. */
  private sendBatch(lines: readonly Buffer[]): Promise<void> {
    return new Promise((resolve) => {
      this.transport.cork();
      for (const [index, line] of lines.entries()) {
        this.flushQueue();
        const frame = this.format.replayed(line, this.next);
        this.next += 1;
        this.send(frame, index === lines.length - 1 ? () => resolve() : undefined);
      }
      this.transport.uncork();
    });
  }

  private send(frame: Buffer, sent?: () => void): void {
    if (frame.length > this.format.maxFrameBytes) this.close(CLOSE.frameTooLarge);
    else if (this.socket.bufferedAmount > MAX_PENDING_BYTES) this.close(CLOSE.slowConsumer);
    // `ws` calls back also when the socket is closing or breaks.
    this.socket.send(frame, TEXT, sent);
  }

  private close(why: (typeof CLOSE)[keyof typeof CLOSE]): void {
    this.stop();
    closeSocket(this.socket, why);
  }
}

const TEXT = { binary: false };

/** At most about this much waits for the end of a turn. */
const MAX_BATCH_BYTES = 64 * 1024;

/** A replay reads and sends at most this much before it waits for the client, or one event. */
const CHUNK_BYTES = 256 * 1024;
const MAX_CHUNK_LINES = 128;

function firstSeq(conversation: FollowedConversation, resend: Resend, mark: number): number {
  switch (resend.from) {
    case 'nothing':
      return mark;
    case 'start':
      return 0;
    case 'seq':
      return Math.min(Math.max(resend.afterSeq + 1, 0), mark);
    case 'timestamp': {
      // From the front, not by bisection: a clock that was set back between two runs leaves the log unsorted.
      let seq = 0;
      while (seq < mark && conversation.timestampOf(seq) < resend.timestamp) seq += 1;
      return seq;
    }
  }
}
