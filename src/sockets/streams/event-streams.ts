import type { ServerResponse } from 'node:http';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { beginEventStream } from '../../http/index.js';
import { ConversationClosedError } from '../../conversations/index.js';
import { KeyLimiter, TooManyFollowersError } from '../../limits/index.js';
import { CLOSE } from '../connections/close-code.js';
import { SocketConnections } from '../connections/socket-connections.js';
import { Subscription } from '../connections/subscription.js';
import { EventStreamSink } from './event-stream-sink.js';
import { StreamFrames } from './stream-frames.js';

/** How often a comment is sent, which keeps proxies from ending the stream (ms). */
const KEEP_ALIVE_MS = 15_000;
/** How long a client waits before it connects again (ms). */
const RETRY = 'retry: 1000\n\n';

/** What a client wants of the events of a conversation. */
export interface StreamRequest {
  conversationId: string;
  principal: Principal;
  /** The last event that the client has; undefined: only events from now on. */
  afterSeq: number | undefined;
  withPieces: boolean;
}

/** All streams of server-sent events. They count as sockets of their keys and of their conversations. */
@Injectable()
export class EventStreams implements BeforeApplicationShutdown {
  private readonly open = new Set<EventStreamSink>();
  private readonly formats = { whole: new StreamFrames(false), withPieces: new StreamFrames(true) };
  private isEnding = false;

  constructor(
    private readonly connections: SocketConnections,
    private readonly limiter: KeyLimiter,
  ) {}

  /** How many streams are open. */
  get size(): number {
    return this.open.size;
  }

  /**
   * Sends the events of a conversation until the client goes away, the key ends, or the conversation does.
   * @throws ConversationNotFoundError, ConversationClosedError, LimitReachedError, TooManyFollowersError
   *   before anything is sent
   */
  async send(request: StreamRequest, response: ServerResponse): Promise<void> {
    const { conversationId, afterSeq, principal } = request;
    const { bus, conversations, limits, replaySlots } = this.connections;
    const conversation = await conversations.open(conversationId);
    if (this.isEnding) throw new ConversationClosedError();
    if (bus.subscriberCount(conversationId) >= limits.subscribersPerConversation)
      throw new TooManyFollowersError();
    const releaseOfKey = this.limiter.takeSocket(principal);
    // The client may have gone away meanwhile: then there is no `close` to wait for.
    if (response.destroyed) return releaseOfKey();
    beginEventStream(response, KEEP_ALIVE_MS);
    response.write(RETRY);
    const sink: EventStreamSink = new EventStreamSink(response, () => {
      releaseOfKey();
      subscription.stop();
      this.open.delete(sink);
    });
    const format = request.withPieces ? this.formats.withPieces : this.formats.whole;
    const sources = { bus, conversations, replaySlots };
    const subscription: Subscription = new Subscription(sink, conversationId, format, sources);
    this.open.add(sink);
    subscription.start(
      conversation,
      afterSeq === undefined ? { from: 'nothing' } : { from: 'seq', afterSeq },
    );
  }

  /** Streams end before the HTTP server, which waits for its answers. */
  beforeApplicationShutdown(): void {
    this.isEnding = true;
    for (const sink of this.open) sink.close(CLOSE.shuttingDown);
  }
}
