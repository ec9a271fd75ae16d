import { JsonBoundsError, JsonSize, type JsonBounds } from '../../../json/index.js';

/** The maximum length of a message (bytes), as in the SDK. */
const MAX_MESSAGE = 10 * 1024 * 1024;
/**
 * The maximum number of values (hundreds of tools have some ten thousand) and the maximum depth, which bounds
 * the recursion over schemas.
 */
const BOUNDS: JsonBounds = { values: 100_000, depth: 128 };
const LINE_END = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A message of a server exceeds the limits. */
export class MessageTooLongError extends Error {
  override readonly name = 'MessageTooLongError';
  /** @param what the exceeded limit: `more than 10 MB` */
  constructor(what: string) {
    super(`The MCP server sent a message of ${what}, and was disconnected`);
  }
}

/** How a stream is divided into messages: lines, server-sent events, or one message in all. */
export type MessageFraming = 'lines' | 'events' | 'whole';

/** Checks the messages of a server before they are parsed: length, number of values and depth. */
export class MessageBound {
  /** Bytes of the message so far. */
  private length = 0;
  /** Values in the previous lines of the same message. */
  private values = 0;
  private line = new JsonSize(BOUNDS);
  /** Bytes of the line so far: an empty line ends a server-sent event. */
  private lineLength = 0;

  constructor(private readonly framing: MessageFraming) {}

  /** @throws MessageTooLongError */
  check(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let from = 0; from < chunk.length;) {
      const end = this.framing === 'whole' ? -1 : chunk.indexOf(LINE_END, from);
      const to = end === -1 ? chunk.length : end;
      this.checkPart(chunk.subarray(from, to));
      if (end !== -1) this.endLine();
      from = to + 1;
    }
  }

  private checkPart(part: Buffer): void {
    this.length += part.length;
    // A line that consists of a carriage return is empty.
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

  /**
   * Lines are counted separately, so that an unbalanced quote in one does not hide the values of the next.
   */
  private endLine(): void {
    this.values += this.line.count;
    if (this.framing === 'lines' || this.lineLength === 0) this.length = this.values = 0;
    this.line = new JsonSize(BOUNDS);
    this.lineLength = 0;
  }
}
