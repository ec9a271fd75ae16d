import type { ServerResponse } from 'node:http';
import { meters } from '../../meters/index.js';
import { CLOSE, type CloseReason } from '../connections/close-code.js';
import type { FrameSink } from '../connections/frame-sink.js';
import { streamEvent } from './stream-frames.js';

/** Reasons after which the client has to connect again by itself: it goes on after the last event. */
const RECONNECTS: ReadonlySet<CloseReason> = new Set<CloseReason>([CLOSE.moved, CLOSE.shuttingDown]);

/** How often it is looked whether a client reads (ms). */
const LOOK_MS = 15_000;
/** After so many looks in a row at a client that has not read what waits for it, the connection is cut. */
const MAX_STALLS = 8;
/** How long a client may take to read the end of its stream (ms). */
const END_MS = 5_000;

/** Sends frames as server-sent events in the answer to a request. */
export class EventStreamSink implements FrameSink {
  /** Callbacks of frames that are not written yet. */
  private readonly unsent = new Set<() => void>();
  private isClosed = false;
  private readonly looking: NodeJS.Timeout;
  private ending: NodeJS.Timeout | undefined;
  private stalls = 0;

  /** @param onClose called once, when nothing more can be sent */
  constructor(
    private readonly response: ServerResponse,
    onClose: () => void,
  ) {
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
    response.on('drain', () => (this.stalls = 0));
    response.on('close', () => {
      this.isClosed = true;
      clearInterval(this.looking);
      clearTimeout(this.ending);
      for (const sent of this.unsent) sent();
      this.unsent.clear();
      onClose();
    });
    // The client went away while something was written: `close` follows.
    response.on('error', () => undefined);
  }

  get pendingBytes(): number {
    return this.response.writableLength;
  }

  get transportBytes(): number {
    return this.response.writableLength;
  }

  send(frame: Buffer, sent?: () => void): void {
    if (this.isClosed || this.response.writableEnded) {
      if (sent) queueMicrotask(sent);
      return;
    }
    if (!sent) {
      this.response.write(frame);
      return;
    }
    const once = (): void => {
      if (this.unsent.delete(once)) sent();
    };
    this.unsent.add(once);
    this.response.write(frame, once);
  }

  cork(): void {
    this.response.cork();
  }

  uncork(): void {
    this.response.uncork();
  }

  close(why: CloseReason): void {
    if (this.isClosed || this.response.writableEnded) return;
    if (why === CLOSE.slowConsumer) {
      meters.slowSockets.add();
      // What waits for the client would not be taken: the connection is cut.
      this.response.destroy();
      return;
    }
    if (!RECONNECTS.has(why)) this.response.write(streamEvent('closing', JSON.stringify(why)));
    this.response.end();
    clearInterval(this.looking);
    // A client that does not read would keep the connection, and its place among those of its key.
    this.ending = setTimeout(() => this.response.destroy(), END_MS).unref();
  }

  private look(): void {
    this.stalls = this.response.writableNeedDrain ? this.stalls + 1 : 0;
    if (this.stalls > MAX_STALLS) this.close(CLOSE.slowConsumer);
  }
}
