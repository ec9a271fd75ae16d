import type { ConversationEvent } from '../model/event.js';
import type { ConversationStateUpdateEvent } from '../model/state-event.js';

/** An event on its way to whoever listens. `line` is its one serialisation. */
export interface PublishedEvent {
  conversationId: string;
  event: ConversationEvent;
  line: string;
  /** The line in UTF-8, where it is large. */
  bytes?: Buffer;
  /** Its place in the log, from 0; absent for events that are only sent. */
  seq?: number;
}

/** A piece of an answer while it is written, for subscribers that follow items instead of delta events. */
export interface ItemSignal {
  conversationId: string;
  signal:
    | { type: 'item_started'; item_id: string; attempt: number; anchor_seq: number }
    | {
        type: 'delta';
        item_id: string;
        attempt: number;
        order: number;
        kind: 'text' | 'reasoning';
        content: string;
        chunk_id: string;
        choice_index: number;
      }
    /** Of the message that the agent gives to its `finish` tool; only for who streams final responses. */
    | { type: 'final_delta'; item_id: string; attempt: number; content: string }
    | { type: 'item_aborted'; item_id: string; attempt: number; reason: string };
}

/**
 * A conversation of which this server becomes the writer; nothing is appended before all subscribers know of
 * it.
 */
export interface OpeningConversation {
  conversationId: string;
  /** How many events its log has. */
  length: number;
  /** Its state as it stands now, as a snapshot for subscribers. */
  snapshot(): ConversationStateUpdateEvent;
}

/** A conversation that this server lets go of. Its log can be read until all subscribers are done with it. */
export interface ClosingConversation {
  conversationId: string;
  /** How many events its log has. */
  length: number;
  /** All that is stored of it is removed afterwards. */
  removed: boolean;
  /** False when another server has become its writer already. */
  owned: boolean;
  read(fromSeq: number, limit: number): Promise<string[]>;
}

/** Somebody made, paused, interrupted, changed or deleted a conversation. */
export interface ConversationChange {
  conversationId: string;
  /** Its `ConversationInfo`, nulls kept. */
  info(): Record<string, unknown>;
}

/**
 * What a subscriber implements. The plain ones are called synchronously in order; they must not block and
 * must not throw. Those that answer a promise are waited for: they write down what a crash must not take, or
 * end what must not go on, and nothing else.
 */
export interface EventSubscriber {
  onEvent(published: PublishedEvent): void;
  onItem?(item: ItemSignal): void;
  onOpening?(opening: OpeningConversation): Promise<void>;
  onClosing?(closing: ClosingConversation): Promise<void>;
  onChange?(change: ConversationChange): Promise<void>;
}

/**
 * Carries events from conversations to gateways and webhooks. May lose hints: every subscriber can catch up
 * by seq.
 */
export abstract class EventBus {
  /** Subscribes to one conversation, or to all with `'*'`. The answer ends the subscription. */
  abstract subscribe(topic: string, subscriber: EventSubscriber): () => void;
  abstract publish(published: PublishedEvent): void;
  abstract publishItem(item: ItemSignal): void;
  /** Resolves when every subscriber has taken note; never rejects. So do the two below. */
  abstract opening(opening: OpeningConversation): Promise<void>;
  abstract closing(closing: ClosingConversation): Promise<void>;
  abstract publishChange(change: ConversationChange): Promise<void>;
  /** How many subscribe to this conversation (those of `'*'` not counted). */
  abstract subscriberCount(conversationId: string): number;
}
