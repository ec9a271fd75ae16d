import type { ConversationEvent } from '../model/event.js';
import type { ConversationStateUpdateEvent } from '../model/state-event.js';

/** A published event. `line` is its serialisation. */
export interface PublishedEvent {
  conversationId: string;
  event: ConversationEvent;
  line: string;
  /** The line in UTF-8; set only for large lines. */
  bytes?: Buffer;
  /** Position in the log, from 0; absent for events that are not stored. */
  seq?: number;
}

/** Progress of an answer that is being written, for subscribers that follow items instead of delta events. */
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
    /**
     * A piece of the message that the agent passes to its `finish` tool; only for clients that stream final
     * responses.
     */
    | { type: 'final_delta'; item_id: string; attempt: number; content: string }
    | { type: 'item_aborted'; item_id: string; attempt: number; reason: string };
}

/** A part of what a command prints, before its result. Not stored. */
export interface OutputPiece {
  conversationId: string;
  /** The action whose command it is. */
  actionId: string;
  /** The position of the text in the output of the action. Parts that were left out count. */
  offset: number;
  /** With control sequences and with secrets masked. */
  text: string;
}

/**
 * A conversation that this server is about to write. Nothing is appended before all subscribers were
 * notified.
 */
export interface OpeningConversation {
  conversationId: string;
  /** Number of events in the log. */
  length: number;
  /** Creates a snapshot of the current state. */
  snapshot(): ConversationStateUpdateEvent;
}

/** A conversation that this server is closing. Its log can be read until all subscribers have finished. */
export interface ClosingConversation {
  conversationId: string;
  /** Number of events in the log. */
  length: number;
  /** Its files are deleted afterwards. */
  removed: boolean;
  /** False if another server already writes the conversation. */
  owned: boolean;
  /** Another server may open it next: what follows is not published here. */
  mayMove: boolean;
  read(fromSeq: number, limit: number): Promise<string[]>;
}

/** A client created, paused, interrupted, changed or deleted a conversation. */
export interface ConversationChange {
  conversationId: string;
  /** The `ConversationInfo`, with null fields. */
  info(): Record<string, unknown>;
}

/**
 * A subscriber of the bus. `onEvent`, `onItem`, `onOutput` and `onUpdate` are called synchronously and in
 * order; they must not block or throw. The publisher waits for the promises of the other methods, which do
 * only what must be done before it continues.
 */
export interface EventSubscriber {
  onEvent(published: PublishedEvent): void;
  onItem?(item: ItemSignal): void;
  /** Present from the subscription to its end, or never: without it, no output is prepared. */
  onOutput?(output: OutputPiece): void;
  /** Something of a conversation changed that is no event: its title, or what its run does. */
  onUpdate?(conversationId: string): void;
  onOpening?(opening: OpeningConversation): Promise<void>;
  onClosing?(closing: ClosingConversation): Promise<void>;
  onChange?(change: ConversationChange): Promise<void>;
}

/**
 * Delivers events from conversations to gateways and webhooks. Delivery is best effort: each subscriber can
 * catch up by seq.
 */
export abstract class EventBus {
  /** Subscribes to one conversation, or to all with `'*'`. Returns a function that unsubscribes. */
  abstract subscribe(topic: string, subscriber: EventSubscriber): () => void;
  abstract publish(published: PublishedEvent): void;
  abstract publishItem(item: ItemSignal): void;
  /** Only for subscribers of the conversation, not for those of `'*'`. */
  abstract publishOutput(output: OutputPiece): void;
  abstract publishUpdate(conversationId: string): void;
  /** Resolves when every subscriber has handled it; never rejects. The same holds for the two below. */
  abstract opening(opening: OpeningConversation): Promise<void>;
  abstract closing(closing: ClosingConversation): Promise<void>;
  abstract publishChange(change: ConversationChange): Promise<void>;
  /** Number of subscribers of the conversation, without those of `'*'`. */
  abstract subscriberCount(conversationId: string): number;
  /** Whether `publishOutput` reaches anybody. */
  abstract hasOutputSubscribers(conversationId: string): boolean;
}
