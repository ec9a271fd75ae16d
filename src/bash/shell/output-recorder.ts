import { SerialQueue } from '../../flow/index.js';

/** The maximum length of an output (characters), as in the original. Longer output is divided. */
const MAX_CHUNK = 1_048_576;
/** Streamed output is emitted after this number of characters or this delay. */
const STREAM_CHUNK = 64 * 1024;
const STREAM_DELAY_MS = 100;

/** An output stream of a command. */
export type OutputName = 'stdout' | 'stderr';

/** A chunk of output as it is stored. */
interface OutputChunk {
  order: number;
  exit_code: number | null;
  stdout: string | null;
  stderr: string | null;
}

/** Options of a recorder. */
interface RecordingOptions {
  /** Emit chunks while the command writes, not only when they are full or the command ends. */
  stream: boolean;
  /** The maximum recorded output (characters). The rest is only counted. */
  limit: number;
  /** Stores a chunk. The command's output waits for it. */
  emit: (chunk: OutputChunk) => Promise<void>;
}

/**
 * Divides the output of a command into chunks, in order. Memory is bounded by the chunk size, storage by the
 * limit.
 */
export class OutputRecorder {
  private readonly buffered = { stdout: '', stderr: '' };
  private order = 0;
  private recorded = 0;
  private dropped = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly emitting = new SerialQueue();

  constructor(private readonly options: RecordingOptions) {}

  /** Adds text. Resolves when more can be accepted. */
  add(name: OutputName, text: string): Promise<void> {
    const kept = text.slice(0, Math.max(0, this.options.limit - this.recorded));
    this.recorded += kept.length;
    this.dropped += text.length - kept.length;
    this.buffered[name] += kept;
    while (this.buffered[name].length > MAX_CHUNK) {
      this.emit({ [name]: this.buffered[name].slice(0, MAX_CHUNK) });
      this.buffered[name] = this.buffered[name].slice(MAX_CHUNK);
    }
    if (this.options.stream) this.streamSoon();
    return this.emitting.settled();
  }

  /** Emits the last chunk with the exit code and the remaining output. */
  async finish(exitCode: number, errorText = ''): Promise<void> {
    clearTimeout(this.timer);
    const note = this.dropped === 0 ? '' : `[${this.dropped} more characters of output were not recorded]\n`;
    const stderr = this.buffered.stderr + note + errorText;
    this.emit({ exit_code: exitCode, stdout: this.buffered.stdout || null, stderr: stderr || null });
    await this.emitting.settled();
  }

  private streamSoon(): void {
    const length = this.buffered.stdout.length + this.buffered.stderr.length;
    if (length >= STREAM_CHUNK) return this.flush();
    if (length > 0) this.timer ??= setTimeout(() => this.flush(), STREAM_DELAY_MS);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { stdout, stderr } = this.buffered;
    this.buffered.stdout = this.buffered.stderr = '';
    if (stdout || stderr) this.emit({ stdout: stdout || null, stderr: stderr || null });
  }

  private emit(chunk: Partial<OutputChunk>): void {
    const complete = { order: this.order, exit_code: null, stdout: null, stderr: null, ...chunk };
    this.order += 1;
    // A failed chunk does not stop the following ones. `emit` reports the error.
    this.emitting.run(() => this.options.emit(complete)).catch(() => undefined);
  }
}
