import { JsonBoundsError, JsonSize, type JsonBounds } from '../../json/index.js';

/** The longest message of a server (bytes), the limit of the SDK. */
const MAX_MESSAGE = 10 * 1024 * 1024;
/**
 * What it may hold: hundreds of tools have some ten thousand values. Its depth bounds the stack of what reads
 * schemas.
 */
const BOUNDS: JsonBounds = { values: 100_000, depth: 128 };
const LINE_END = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A server sent more in one message than is read. */
export class MessageTooLongError extends Error {
  override readonly name = 'MessageTooLongError';
  /** @param what the message has: `more than 10 MB` */
  constructor(what: string) {
    super(`The MCP server sent a message of ${what}, and was disconnected`);
  }
}

/**
 * How the bytes of a server are messages: a line each, an event of lines up to an empty one, or all of them
 * one.
 */
export type MessageFraming = 'lines' | 'events' | 'whole';

/**
 * Watches over the messages of a server before they are parsed: their length, their values and how deep they
 * nest.
 */
export class MessageBound {
  private length = 0;
  /** Values of the lines before, of the same message. */
  private values = 0;
  private line = new JsonSize(BOUNDS);
  private lineLength = 0;

  constructor(private readonly framing: MessageFraming) {}

  /** @throws MessageTooLongError */
  take(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let from = 0; from < chunk.length;) {
      const end = this.framing === 'whole' ? -1 : chunk.indexOf(LINE_END, from);
      const to = end === -1 ? chunk.length : end;
      this.takePart(chunk.subarray(from, to));
      if (end !== -1) this.endLine();
      from = to + 1;
    }
  }

  private takePart(part: Buffer): void {
    this.length += part.length;
    if (part.length !== 1 || part[0] !== CARRIAGE_RETURN) this.lineLength += part.length;
    if (this.length > MAX_MESSAGE) throw new MessageTooLongError('more than 10 MB');
    try {
      this.line.push(part);
    } catch (error) {
      if (!(error instanceof JsonBoundsError)) throw error;
      throw new MessageTooLongError(error.message.toLowerCase());
    }
    if (this.values + this.line.count > BOUNDS.values) {
      throw new MessageTooLongError(`more than ${BOUNDS.values} values`);
    }
  }

  /** A line may be anything: an odd quote in one must not hide what the next ones hold. */
  private endLine(): void {
    this.values += this.line.count;
    if (this.framing === 'lines' || this.lineLength === 0) this.length = this.values = 0;
    this.line = new JsonSize(BOUNDS);
    this.lineLength = 0;
  }
}
