import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import {
  ConversationClosedError,
  ConversationNotFoundError,
} from '../../src/conversations/conversation-errors.js';
import type { NewMessage } from '../../src/conversations/state/start-request.js';
import {
  createEvent,
  eventTimestamp,
  serialiseEvent,
  type ConversationEvent,
  type ConversationStateUpdateEvent,
  type EventBus,
  type EventDraft,
  type OutputPiece,
  type StreamingDeltaEvent,
  type TransientEvent,
} from '../../src/events/index.js';
import type { FollowedConversation } from '../../src/sockets/connections/subscription.js';

/**
 * A conversation whose log is an array. Appends become durable a few turns of the event loop later, in order.
 */
export class InMemoryConversation implements FollowedConversation {
  readonly events: ConversationEvent[] = [];
  private readonly lines: string[] = [];
  private writing: Promise<unknown> = Promise.resolve();
  deleted = false;
  outputs: OutputPiece[] = [];
  failSend: Error | undefined;
  readonly received: { message: NewMessage; run: boolean }[] = [];

  constructor(
    readonly id: string,
    private readonly bus: EventBus,
    private readonly turns: () => number = () => 1,
  ) {}

  get length(): number {
    return this.lines.length;
  }

  async readBytes(fromSeq: number, limit: number, bytes: number): Promise<Buffer[]> {
    await this.pass();
    const read: Buffer[] = [];
    let size = 0;
    for (const text of this.lines.slice(fromSeq, fromSeq + limit)) {
      const line = Buffer.from(text);
      size += line.length + 1;
      if (size > bytes && read.length > 0) break;
      read.push(line);
    }
    return read;
  }

  firstSince(timestamp: string): Promise<number> {
    const found = this.events.findIndex((event) => event.timestamp >= timestamp);
    return Promise.resolve(found === -1 ? this.length : found);
  }

  timestampOf(seq: number): string {
    const event = this.events[seq];
    if (!event) throw new RangeError(`no event ${seq}`);
    return event.timestamp;
  }

  fullState(): ConversationStateUpdateEvent {
    const value = { id: this.id, length: this.length };
    return createEvent({
      source: 'environment',
      key: 'full_state',
      value,
      kind: 'ConversationStateUpdateEvent',
    });
  }

  recentOutputs(): OutputPiece[] {
    return this.outputs;
  }

  append(...drafts: EventDraft[]): Promise<void> {
    const written = this.writing.then(async () => {
      await this.pass();
      const from = this.lines.length;
      const events = drafts.map((draft) => createEvent(draft) as ConversationEvent);
      for (const [index, event] of events.entries()) {
        const line = serialiseEvent(event);
        this.events.push(event);
        this.lines.push(line);
        this.bus.publish({ conversationId: this.id, event, line, seq: from + index });
      }
    });
    this.writing = written;
    return written;
  }

  /** Publishes an event without storing it. */
  publish(event: TransientEvent): void {
    this.bus.publish({ conversationId: this.id, event, line: serialiseEvent(event) });
  }

  publishFullState(): void {
    this.publish(this.fullState());
  }

  async sendMessage(message: NewMessage, run: boolean): Promise<void> {
    if (this.deleted) throw new ConversationClosedError();
    if (this.failSend) throw this.failSend;
    this.received.push({ message, run });
    await this.append(messageDraft(message));
  }

  private async pass(): Promise<void> {
    for (let turns = this.turns(); turns > 0; turns -= 1) await setImmediate();
  }
}

/** The part of the conversations service that sockets use, with conversations in memory. */
export class InMemoryConversations {
  readonly byId = new Map<string, InMemoryConversation>();
  failOpen: Error | undefined;

  async open(id: string): Promise<InMemoryConversation> {
    await setImmediate();
    if (this.failOpen) throw this.failOpen;
    const conversation = this.byId.get(id);
    if (!conversation || conversation.deleted) throw new ConversationNotFoundError(id);
    return conversation;
  }

  async sendMessage(id: string, message: NewMessage, run: boolean): Promise<void> {
    const conversation = this.byId.get(id);
    if (!conversation) throw new ConversationNotFoundError(id);
    await conversation.sendMessage(message, run);
  }
}

/** A durable event that is recognised by its value. */
export function numbered(value: unknown): EventDraft {
  return { source: 'environment', key: 'n', value, kind: 'ConversationStateUpdateEvent' };
}

/** A streamed part of an answer. */
export function delta(content: string): StreamingDeltaEvent {
  const identity = { id: randomUUID(), timestamp: eventTimestamp() };
  return { ...identity, source: 'agent', content, kind: 'StreamingDeltaEvent' };
}

function messageDraft({ role, content }: NewMessage): EventDraft {
  return {
    source: 'user',
    llm_message: { role, content, thinking_blocks: [] },
    activated_skills: [],
    extended_content: [],
    kind: 'MessageEvent',
  };
}

/** A feed of summaries whose changes the test makes. */
export class InMemorySummaries {
  private readonly listeners = new Set<(frame: Buffer) => void>();

  get size(): number {
    return this.listeners.size;
  }

  countFor(): number {
    return this.size;
  }

  listen(_principal: unknown, listener: (frame: Buffer) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  publish(frame: object): void {
    const bytes = Buffer.from(JSON.stringify(frame));
    for (const listener of this.listeners) listener(bytes);
  }
}
