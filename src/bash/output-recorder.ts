import { SerialQueue } from '../flow/index.js';

/** Characters of one output; what is longer becomes several. The original's number. */
const CHUNK = 1_048_576;
/** What is streamed comes in pieces of at least this many characters, or after a while. */
const STREAM_CHUNK = 64 * 1024;
const STREAM_DELAY_MS = 100;

/** Which of its outputs a command wrote to. */
export type OutputName = 'stdout' | 'stderr';

/** A piece of output, as it is kept. */
export interface OutputPiece {
  order: number;
  exit_code: number | null;
  stdout: string | null;
  stderr: string | null;
}

/** How output is recorded. */
export interface RecordingOptions {
  /** Pieces come as the command writes them, not only when there is a lot or it has ended. */
  stream: boolean;
  /** Characters that are recorded of all its output; the rest is counted. */
  limit: number;
  /** Takes a piece; the command's output waits for it. */
  emit: (piece: OutputPiece) => Promise<void>;
}

/**
 * Makes pieces of what a command writes, in the order in which it came. Memory is bounded by the chunk, disk
 * by the limit.
 */
export class OutputRecorder {
  private readonly waiting = { stdout: '', stderr: '' };
  private order = 0;
  private recorded = 0;
  private dropped = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly emitting = new SerialQueue();

  constructor(private readonly options: RecordingOptions) {}

  /** Takes text; resolves when the command may go on writing. */
  add(name: OutputName, text: string): Promise<void> {
    const kept = text.slice(0, Math.max(0, this.options.limit - this.recorded));
    this.recorded += kept.length;
    this.dropped += text.length - kept.length;
    this.waiting[name] += kept;
    while (this.waiting[name].length > CHUNK) {
      this.emit({ [name]: this.waiting[name].slice(0, CHUNK) });
      this.waiting[name] = this.waiting[name].slice(CHUNK);
    }
    if (this.options.stream) this.streamSoon();
    return this.emitting.settled();
  }

  /** The last piece, with the exit code and whatever is left. */
  async finish(exitCode: number, complaint = ''): Promise<void> {
    clearTimeout(this.timer);
    const note = this.dropped === 0 ? '' : `[${this.dropped} more characters of output were not recorded]\n`;
    const stderr = this.waiting.stderr + note + complaint;
    this.emit({ exit_code: exitCode, stdout: this.waiting.stdout || null, stderr: stderr || null });
    await this.emitting.settled();
  }

  private streamSoon(): void {
    const length = this.waiting.stdout.length + this.waiting.stderr.length;
    if (length >= STREAM_CHUNK) return this.flush();
    if (length > 0) this.timer ??= setTimeout(() => this.flush(), STREAM_DELAY_MS);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { stdout, stderr } = this.waiting;
    this.waiting.stdout = this.waiting.stderr = '';
    if (stdout || stderr) this.emit({ stdout: stdout || null, stderr: stderr || null });
  }

  private emit(piece: Partial<OutputPiece>): void {
    const whole = { order: this.order, exit_code: null, stdout: null, stderr: null, ...piece };
    this.order += 1;
    // A piece that cannot be kept must not keep the rest back; `emit` tells of it.
    this.emitting.run(() => this.options.emit(whole)).catch(() => undefined);
  }
}
