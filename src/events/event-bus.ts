import type { ConversationEvent } from './index.js';

/** An event on its way to whoever listens. `line` is its one serialisation. */
export interface PublishedEvent {
  conversationId: string;
  event: ConversationEvent;
  line: string;
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
    | { type: 'item_aborted'; item_id: string; attempt: number; reason: string };
}

/** What a subscriber implements. Called synchronously in order; must not block and must not throw. */
export interface EventSubscriber {
  onEvent(published: PublishedEvent): void;
  onItem?(item: ItemSignal): void;
}

/** Carries events from conversations to gateways and webhooks. May lose hints: every subscriber can catch up by seq. */
export abstract class EventBus {
  /** Subscribes to one conversation, or to all with `'*'`. The answer ends the subscription. */
  abstract subscribe(topic: string, subscriber: EventSubscriber): () => void;
  abstract publish(published: PublishedEvent): void;
  abstract publishItem(item: ItemSignal): void;
  /** How many subscribe to this conversation (those of `'*'` not counted). */
  abstract subscriberCount(conversationId: string): number;
}
