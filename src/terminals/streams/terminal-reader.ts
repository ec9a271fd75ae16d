import type { Scrollback } from './scrollback.js';
import type { TerminalNotice } from './terminal-notice.js';

/** Bytes of one frame. */
const FRAME_BYTES = 64 * 1024;
/** Bytes that may be on their way to a connection that has not taken them. */
const MAX_IN_FLIGHT = 256 * 1024;
/**
 * Bytes that a client which confirms what it has shown may have unconfirmed: enough for the time in which a
 * browser draws a frame. What it has pressed is answered behind them.
 */
const MAX_UNCONFIRMED = 4 * 1024 * 1024;

/** Where a reader sends what it reads. */
export interface ReaderSink {
  /** @param taken called when the connection has taken the bytes, or has failed */
  send(bytes: Buffer, taken: () => void): void;
  notify(notice: TerminalNotice): void;
  /** Everything was sent, and the terminal has ended. */
  finish(): void;
}

/** One viewer's way through the output of a terminal, at its own pace. */
export class TerminalReader {
  private inFlight = 0;
  /** Offset after the last byte that the client has shown; undefined for clients that do not confirm. */
  private confirmed: number | undefined;
  private scheduled: NodeJS.Immediate | undefined;
  private end: TerminalNotice | undefined;
  private closed = false;
  /** When it began to hold up the terminal (`performance.now()`); undefined while it does not. */
  holdsSince: number | undefined;

  constructor(
    private readonly scrollback: Scrollback,
    /** Offset of the next byte. */
    private next: number,
    private readonly sink: ReaderSink,
    /** Called after each step: the terminal may go on. */
    private readonly onProgress: () => void,
  ) {}

  /** Bytes that are printed, and not yet taken by the connection. */
  get lag(): number {
    return this.scrollback.end - this.next + this.inFlight;
  }

  /** There is more to read. Output of one turn of the event loop is sent together. */
  wake(): void {
    this.scheduled ??= setImmediate(() => {
      this.scheduled = undefined;
      this.pump();
    });
  }

  /** The client has shown everything before an offset. */
  confirm(offset: number): void {
    this.confirmed = Math.max(this.confirmed ?? 0, Math.min(offset, this.next));
    this.pump();
    this.onProgress();
  }

  /** Sends a last notice once everything before it is sent. */
  endWith(notice: TerminalNotice): void {
    this.end = notice;
    this.pump();
  }

  close(): void {
    this.closed = true;
    clearImmediate(this.scheduled);
  }

  private pump(): void {
    while (!this.closed && this.hasRoom() && this.next < this.scrollback.end) this.sendNext();
    if (this.closed || this.end === undefined || this.next < this.scrollback.end) return;
    this.closed = true;
    this.sink.notify(this.end);
    this.sink.finish();
  }

  private hasRoom(): boolean {
    const isShown = this.confirmed === undefined || this.next - this.confirmed < MAX_UNCONFIRMED;
    return isShown && this.inFlight < MAX_IN_FLIGHT;
  }

  private sendNext(): void {
    const { start } = this.scrollback;
    if (this.next < start) {
      this.sink.notify({ type: 'missed', from: this.next, to: start });
      this.next = start;
      // What is missing will never be shown.
      if (this.confirmed !== undefined)
        this.confirmed = Math.max(this.confirmed, start - MAX_UNCONFIRMED + 1);
    }
    const bytes = this.scrollback.read(this.next, FRAME_BYTES);
    this.next += bytes.length;
    this.inFlight += bytes.length;
    this.sink.send(bytes, () => {
      this.inFlight -= bytes.length;
      if (this.closed) return;
      this.wake();
      this.onProgress();
    });
  }
}
