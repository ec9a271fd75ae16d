import { StringDecoder } from 'node:string_decoder';
import type { OutputStream } from '../../agent/index.js';
import type { EventBus, OutputPiece } from '../../events/index.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import { ByteTail } from './byte-tail.js';

/** The time between two pieces of an action (ms). An action that ends sooner has none. */
const INTERVAL_MS = 120;
/** The longest piece, and the most that a client is sent when it begins to watch (UTF-16 units). */
const MAX_PIECE = 16 * 1024;
/** Most bytes that wait for the next piece. */
const MAX_PENDING = 256 * 1024;
/** After a gap a piece begins with a new line, if one begins in its first part of this length. */
const MAX_LINE_SEARCH = 2048;
/** UTF-8 has at most so many bytes for a UTF-16 unit. */
const MAX_UNIT_BYTES = 3;

/** What the actions of one conversation print while they are executed. */
export class RunningOutputs {
  private readonly running = new Set<RunningOutput>();

  constructor(
    private readonly conversationId: string,
    private readonly bus: EventBus,
    private readonly masker: Pick<SecretMasker, 'stream'>,
  ) {}

  /** @param signal once it is aborted, nothing more is published: the result of the action may be already */
  open(actionId: string, signal: AbortSignal): OutputStream {
    const { conversationId, bus, masker, running } = this;
    const output = new RunningOutput({ conversationId, actionId }, bus, masker, signal, () =>
      running.delete(output),
    );
    running.add(output);
    return output;
  }

  /** The last part of each output. */
  recent(): OutputPiece[] {
    return [...this.running].flatMap((output) => output.recent() ?? []);
  }
}

/**
 * Publishes what one action prints, with secrets masked: a few pieces a second, of bounded length. A command
 * that prints more than that is neither slowed down nor shown completely: only the end of what it has printed
 * since the last piece is decoded, masked and published. Without a subscriber nothing is.
 */
class RunningOutput implements OutputStream {
  private readonly pending = new ByteTail(MAX_PENDING);
  private decoder = new StringDecoder('utf8');
  private mask;
  private timer: NodeJS.Timeout | undefined;
  private wasPublished = false;
  /** The position after the last piece. */
  private offset = 0;
  /** What comes directly before that position. */
  private last = '';

  constructor(
    private readonly of: { conversationId: string; actionId: string },
    private readonly bus: EventBus,
    private readonly masker: Pick<SecretMasker, 'stream'>,
    private readonly signal: AbortSignal,
    private readonly onEnd: () => void,
  ) {
    this.mask = masker.stream();
  }

  write(bytes: Buffer): void {
    this.pending.append(bytes);
    if (this.timer === undefined && this.isWatched)
      this.timer = setTimeout(() => this.publish(), INTERVAL_MS);
  }

  end(): void {
    if (this.wasPublished && this.isWatched) this.publish(true);
    clearTimeout(this.timer);
    this.onEnd();
  }

  /** The last part of what was printed so far; undefined if there is none. */
  recent(): OutputPiece | undefined {
    this.publish();
    const { offset, last } = this;
    if (last === '' || this.signal.aborted) return undefined;
    return { ...this.of, offset: offset - last.length, text: last };
  }

  private get isWatched(): boolean {
    return this.bus.hasOutputSubscribers(this.of.conversationId);
  }

  private publish(isEnd = false): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.signal.aborted) return;
    const { bytes, dropped } = this.pending.take();
    // Twice: the margin ends where no secret can continue that began before it.
    const margin = 2 * this.mask.longest;
    const most = MAX_PIECE + margin * MAX_UNIT_BYTES;
    const isComplete = dropped === 0 && bytes.length <= most;
    const text = isComplete ? this.continuation(bytes, isEnd) : this.afterGap(bytes.subarray(-most), margin);
    const piece = lastPart(text, !isComplete);
    const leftOut = isComplete ? text.length - piece.length : dropped + bytes.length - piece.length;
    if (piece !== '' || leftOut > 0) this.add(piece, leftOut);
  }

  private continuation(bytes: Buffer, isEnd: boolean): string {
    const text = this.mask.write(this.decoder.write(bytes));
    return isEnd ? text + this.mask.end() : text;
  }

  /**
   * What the mask holds back is dropped: it may be the beginning of a secret whose end is missing. The first
   * part of the text is only for the mask: it may begin within a secret.
   */
  private afterGap(bytes: Buffer, margin: number): string {
    this.decoder = new StringDecoder('utf8');
    this.mask = this.masker.stream();
    const text = this.decoder.write(bytes);
    this.mask.write(text.slice(0, margin));
    return this.mask.write(text.slice(margin));
  }

  private add(text: string, leftOut: number): void {
    const offset = this.offset + leftOut;
    this.offset = offset + text.length;
    this.last = leftOut > 0 ? text : lastPart(this.last + text, false);
    if (text === '' || !this.isWatched) return;
    this.wasPublished = true;
    this.bus.publishOutput({ ...this.of, offset, text });
  }
}

/**
 * The end of a text, of bounded length.
 * @param isCut something is missing before the text
 */
function lastPart(text: string, isCut: boolean): string {
  if (text.length <= MAX_PIECE && !isCut) return text;
  const part = text.slice(-MAX_PIECE);
  const line = part.indexOf('\n') + 1;
  if (line > 0 && line <= MAX_LINE_SEARCH && line < part.length) return part.slice(line);
  // Without the second half of a character, or bytes of one.
  return part.replace(/^[\udc00-\udfff\ufffd]+/, '');
}
