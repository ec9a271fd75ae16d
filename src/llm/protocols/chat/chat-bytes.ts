import type { Message } from '../../../events/index.js';
import { chatMessages, lastInputIndex, type ChatDialect } from './chat-messages.js';

/** Limits of the cache: dialogues, and bytes of all of them together. */
const MAX_DIALOGUES = 64;
const MAX_BYTES = 32 * 1024 * 1024;
/** A dialogue that is not continued is evicted after this time, at most twice as late. */
const TTL_MS = 60_000;
/** Shorter dialogues, such as those for titles and summaries, are not worth caching. */
const MIN_MESSAGES = 8;

interface CachedDialogue {
  /** The dialect as JSON. */
  dialect: string;
  /** The messages that `pieces` hold. The next message is an answer of the model. */
  messages: readonly Message[];
  /** Their JSON, commas between them included. */
  pieces: readonly Buffer[];
  /** Length of all pieces. */
  bytes: number;
  usedAt: number;
}

/**
 * Serialises the messages of a request. Each step sends the whole dialogue again, so the JSON of the messages
 * before the last answer is cached per conversation. It is reused only for the same message objects in the
 * same dialect.
 */
export class ChatBytes {
  private readonly cache = new Map<string, CachedDialogue>();
  private size = 0;
  private sweeper: NodeJS.Timeout | undefined;

  /** The messages as JSON in pieces, without the brackets around them. */
  write(conversationId: string, messages: readonly Message[], dialect: ChatDialect): Buffer[] {
    const settled = settledLength(messages);
    if (settled < MIN_MESSAGES) return [encode(messages, 0, messages.length, dialect)];
    const kind = JSON.stringify(dialect);
    const cached = this.cache.get(conversationId);
    const start = cached?.dialect === kind && continues(messages, cached.messages) ? cached : undefined;
    const added = encode(messages, start?.messages.length ?? 0, settled, dialect);
    const newPieces = added.length === 0 ? [] : start ? [COMMA, added] : [added];
    const pieces = [...(start?.pieces ?? []), ...newPieces];
    this.store(conversationId, {
      dialect: kind,
      messages: messages.slice(0, settled),
      pieces,
      bytes: newPieces.reduce((sum, { length }) => sum + length, start?.bytes ?? 0),
      usedAt: performance.now(),
    });
    return [...pieces, COMMA, encode(messages, settled, messages.length, dialect)];
  }

  private store(conversationId: string, dialogue: CachedDialogue): void {
    this.evict(conversationId);
    if (dialogue.bytes > MAX_BYTES / 4) return;
    this.cache.set(conversationId, dialogue);
    this.size += dialogue.bytes;
    this.sweeper ??= setTimeout(() => this.sweep(), TTL_MS).unref();
    for (const oldest of this.cache.keys()) {
      if (this.cache.size <= MAX_DIALOGUES && this.size <= MAX_BYTES) return;
      this.evict(oldest);
    }
  }

  private sweep(): void {
    const due = performance.now() - TTL_MS;
    for (const [id, { usedAt }] of this.cache) if (usedAt <= due) this.evict(id);
    this.sweeper = this.cache.size === 0 ? undefined : setTimeout(() => this.sweep(), TTL_MS).unref();
  }

  private evict(conversationId: string): void {
    this.size -= this.cache.get(conversationId)?.bytes ?? 0;
    this.cache.delete(conversationId);
  }
}

const COMMA = Buffer.from(',');

/**
 * How many messages keep their JSON in later requests: those before the last answer. No cache mark is put on
 * them any more, and nothing is inserted between them.
 */
function settledLength(messages: readonly Message[]): number {
  const answer = messages.findLastIndex(({ role }) => role === 'assistant');
  return answer < lastInputIndex(messages) ? answer : 0;
}

/** Whether the dialogue begins with these messages (the same objects) and an answer follows them. */
function continues(messages: readonly Message[], beginning: readonly Message[]): boolean {
  return (
    messages[beginning.length]?.role === 'assistant' &&
    beginning.every((message, index) => message === messages[index])
  );
}

function encode(messages: readonly Message[], from: number, to: number, dialect: ChatDialect): Buffer {
  return Buffer.from(JSON.stringify(chatMessages(messages, dialect, from, to)).slice(1, -1));
}
