/** Receives the progress of data frames. Control frames, of at most 125 bytes, are not reported. */
interface FrameObserver {
  /**
   * The header of a frame has arrived.
   * @param bytes payload of its message so far, including the whole of this frame
   */
  announced(bytes: number): void;
  /** @param bytes payload that has arrived since the last call */
  arrived(bytes: number): void;
  /** A message is complete. */
  completed(): void;
}

const FIN = 0x80;
const OPCODE = 0x0f;
const FIRST_CONTROL_OPCODE = 0x8;
const MASK = 0x80;
const MASK_BYTES = 4;
const LENGTH = 0x7f;
const LENGTH_IN_2_BYTES = 126;
const LENGTH_IN_8_BYTES = 127;

/**
 * Parses the headers of a client's frames (RFC 6455, 5.2) from the bytes of its connection. `ws` reports only
 * complete messages, but incomplete ones take memory, too. Protocol violations are left to `ws`, which closes
 * the socket.
 */
export class FrameMeter {
  /** The bytes of an incomplete header. */
  private header: number[] = [];
  /** Payload bytes of the current frame that have not arrived yet. */
  private remaining = 0;
  /** Payload bytes of the current message, as announced by the headers of its frames. */
  private messageBytes = 0;
  private isData = false;
  private isLast = false;

  constructor(private readonly observer: FrameObserver) {}

  /** A message is incomplete. */
  get isInMessage(): boolean {
    return this.messageBytes > 0;
  }

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      if (this.remaining === 0) {
        this.header.push(chunk[at] ?? 0);
        at += 1;
        if (this.header.length === headerLength(this.header)) this.begin();
        continue;
      }
      const count = Math.min(this.remaining, chunk.length - at);
      at += count;
      this.remaining -= count;
      if (this.isData) this.observer.arrived(count);
      if (this.remaining === 0) this.end();
    }
  }

  private begin(): void {
    const [first = 0] = this.header;
    this.remaining = payloadLength(this.header);
    this.header = [];
    this.isData = (first & OPCODE) < FIRST_CONTROL_OPCODE;
    this.isLast = (first & FIN) !== 0;
    if (this.isData) {
      this.messageBytes += this.remaining;
      this.observer.announced(this.messageBytes);
    }
    if (this.remaining === 0) this.end();
  }

  private end(): void {
    if (!this.isData || !this.isLast) return;
    this.messageBytes = 0;
    this.observer.completed();
  }
}

/** Length of a header, of which at least two bytes are needed. */
function headerLength(header: readonly number[]): number {
  const [, second] = header;
  if (second === undefined) return 2;
  const length = second & LENGTH;
  const extended = length === LENGTH_IN_8_BYTES ? 8 : length === LENGTH_IN_2_BYTES ? 2 : 0;
  return 2 + extended + ((second & MASK) === 0 ? 0 : MASK_BYTES);
}

function payloadLength(header: readonly number[]): number {
  const [, second = 0] = header;
  const length = second & LENGTH;
  if (length < LENGTH_IN_2_BYTES) return length;
  const extended = header.slice(2, length === LENGTH_IN_2_BYTES ? 4 : 10);
  return extended.reduce((sum, byte) => sum * 256 + byte, 0);
}
