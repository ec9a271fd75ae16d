import type { Message } from '../../events/index.js';
import { sharedLength } from '../messages/shared-length.js';
import { chatMessages, lastInputIndex, type ChatDialect } from './chat-messages.js';

/** Dialogues that are remembered, and bytes of all of them. */
const MOST_DIALOGUES = 64;
const MOST_BYTES = 32 * 1024 * 1024;
/** A dialogue that nobody goes on with is forgotten after this time, at most twice as late. */
const KEPT_MS = 60_000;
/** Shorter ones are written faster than they are looked up; titles and summaries are among them. */
const LEAST_MESSAGES = 8;
/** So much is written in a part (bytes). */
const CHUNK_BYTES = 64 * 1024;

interface Written {
  dialect: string;
  /** Of which the bytes are; an answer of the model follows. */
  messages: readonly Message[];
  /** The beginning of a larger piece of memory: what is written next stands behind it, and moves nothing. */
  bytes: Buffer;
  usedAt: number;
}

/**
 * Writes the messages of a request as JSON. A step sends the whole dialogue again, so what did not change
 * since the last one is not written again but taken from memory: messages that are the same objects.
 */
export class ChatBytes {
  private readonly written = new Map<string, Written>();
  private size = 0;
  private sweeper: NodeJS.Timeout | undefined;

  /** The messages, without the brackets around them; in parts, one for each `yield`. */
  *write(
    conversationId: string,
    messages: readonly Message[],
    dialect: ChatDialect,
  ): Generator<void, Buffer[]> {
    const settled = settledLength(messages);
    if (settled < LEAST_MESSAGES) return yield* encoded(messages, 0, messages.length, dialect);
    const kind = JSON.stringify(dialect);
    const known = this.written.get(conversationId);
    const start = known?.dialect === kind && begins(messages, known.messages) ? known : undefined;
    const from = start === undefined ? 0 : start.messages.length;
    const news = yield* encoded(messages, from, settled, dialect);
    const rest = yield* encoded(messages, settled, messages.length, dialect);
    // Somebody else may have gone on with the same in the meantime: then this is a copy. From here on nobody
    // can.
    const isOurs = this.written.get(conversationId) === start;
    this.forget(conversationId);
    const bytes = joined(start?.bytes, news, isOurs);
    this.remember(conversationId, {
      dialect: kind,
      messages: messages.slice(0, settled),
      bytes,
      usedAt: performance.now(),
    });
    return [bytes, COMMA, ...rest];
  }

  private remember(conversationId: string, written: Written): void {
    this.forget(conversationId);
    if (sizeOf(written) > MOST_BYTES / 4) return;
    this.written.set(conversationId, written);
    this.size += sizeOf(written);
    this.sweeper ??= setTimeout(() => this.sweep(), KEPT_MS).unref();
    for (const oldest of this.written.keys()) {
      if (this.written.size <= MOST_DIALOGUES && this.size <= MOST_BYTES) return;
      this.forget(oldest);
    }
  }

  private sweep(): void {
    const due = performance.now() - KEPT_MS;
    for (const [id, { usedAt }] of this.written) if (usedAt <= due) this.forget(id);
    this.sweeper = this.written.size === 0 ? undefined : setTimeout(() => this.sweep(), KEPT_MS).unref();
  }

  private forget(conversationId: string): void {
    const written = this.written.get(conversationId);
    if (written) this.size -= sizeOf(written);
    this.written.delete(conversationId);
  }
}

const COMMA = Buffer.from(',');

/**
 * Messages before the last answer stay as they are written: no cache mark is put on them any more, and
 * nothing comes between them.
 */
function settledLength(messages: readonly Message[]): number {
  const answer = messages.findLastIndex(({ role }) => role === 'assistant');
  return answer < lastInputIndex(messages) ? answer : 0;
}

function begins(messages: readonly Message[], beginning: readonly Message[]): boolean {
  return (
    messages[beginning.length]?.role === 'assistant' && sharedLength(messages, beginning) === beginning.length
  );
}

function* encoded(
  messages: readonly Message[],
  from: number,
  to: number,
  dialect: ChatDialect,
): Generator<void, Buffer[]> {
  const pieces: Buffer[] = [];
  let size = 0;
  for (const message of chatMessages(messages, dialect, from, to)) {
    if (size >= CHUNK_BYTES) {
      yield;
      size = 0;
    }
    if (pieces.length > 0) pieces.push(COMMA);
    const written = Buffer.from(JSON.stringify(message));
    pieces.push(written);
    size += written.length;
  }
  return pieces;
}

/**
 * What `before` goes on with. Who still sends it sees nothing of that.
 * @param isOurs whether nobody else went on with it
 */
function joined(before: Buffer | undefined, pieces: readonly Buffer[], isOurs: boolean): Buffer {
  if (before && isOurs && pieces.length === 0) return before;
  const added = before && pieces.length > 0 ? [COMMA, ...pieces] : pieces;
  const behind = before?.length ?? 0;
  const length = added.reduce((sum, piece) => sum + piece.length, behind);
  if (before && isOurs && hasRoom(before, length)) {
    const bytes = grown(before, length);
    copyTo(bytes, added, behind);
    return bytes;
  }
  const bytes = withRoom(length);
  copyTo(bytes, before ? [before, ...added] : added, 0);
  return bytes;
}

function copyTo(target: Buffer, pieces: readonly Buffer[], from: number): void {
  let at = from;
  for (const piece of pieces) at += piece.copy(target, at);
}

function hasRoom({ buffer, byteOffset }: Buffer, length: number): boolean {
  return byteOffset + length <= buffer.byteLength;
}

function grown({ buffer, byteOffset }: Buffer, length: number): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** With room for half as much again. */
function withRoom(length: number): Buffer {
  // Not of the pool that all buffers share: there others stand behind.
  return Buffer.allocUnsafeSlow(Math.ceil(length * 1.5)).subarray(0, length);
}

function sizeOf({ bytes }: Written): number {
  return bytes.buffer.byteLength;
}
