import { writeSync } from 'node:fs';
import type { IPty } from '@lydell/node-pty';
import { errorCode } from '../../errors/index.js';

/** As much is offered to the terminal at a time; the kernel takes about 4 KiB of it (bytes). */
const PIECE_BYTES = 16 * 1024;
/** Pieces in a turn of the event loop, so that a program that reads fast does not hold up everything else. */
const PIECES_PER_TURN = 16;
/** Pauses between attempts while the program reads nothing (ms): the first, and the longest. */
const FIRST_PAUSE_MS = 2;
const MAX_PAUSE_MS = 50;

/**
 * The input of a pseudo-terminal, in order and without loss: what the program has not read yet waits here,
 * where its size is known. `IPty.write` buffers any amount and does not tell when it is gone.
 */
export class PtyInput {
  private waiting: Buffer[] = [];
  private bytes = 0;
  private timer: NodeJS.Timeout | NodeJS.Immediate | undefined;
  private pause = FIRST_PAUSE_MS;
  private closed = false;
  private readonly fd: number;
  private room: { below: number; resolve: () => void }[] = [];

  /** @throws TypeError on systems without such descriptors */
  constructor(pty: IPty) {
    // It exists on Unix, although the types lack it.
    const fd: unknown = Reflect.get(pty, 'fd');
    if (typeof fd !== 'number') throw new TypeError('the terminal has no descriptor');
    this.fd = fd;
    // The descriptor is closed right after these events, and its number may be used again.
    const on: unknown = Reflect.get(pty, 'on');
    if (typeof on === 'function')
      for (const event of ['end', 'error', 'close']) Reflect.apply(on, pty, [event, () => this.close()]);
    pty.onExit(() => this.close());
  }

  /** Bytes that the terminal has not taken yet. */
  get pending(): number {
    return this.bytes;
  }

  /** Whether the descriptor of the terminal is still open. */
  get isOpen(): boolean {
    return !this.closed;
  }

  /** Adds bytes. They are discarded once the terminal has ended. */
  write(data: Buffer): void {
    if (this.closed || data.length === 0) return;
    this.waiting.push(data);
    this.bytes += data.length;
    if (this.timer === undefined) this.flush();
  }

  /** Resolves when fewer bytes than that wait, or the terminal has ended. */
  hasRoom(below: number): Promise<void> {
    if (this.closed || this.bytes < below) return Promise.resolve();
    return new Promise((resolve) => this.room.push({ below, resolve }));
  }

  /** Discards what waits. Nothing is written any more. */
  close(): void {
    this.closed = true;
    this.clear();
  }

  /** Discards what waits. */
  clear(): void {
    this.waiting = [];
    this.bytes = 0;
    clearTimeout(this.timer as NodeJS.Timeout);
    clearImmediate(this.timer as NodeJS.Immediate);
    this.timer = undefined;
    this.giveRoom();
  }

  private flush(): void {
    this.timer = undefined;
    let pieces = 0;
    for (let [next] = this.waiting; next !== undefined && !this.closed; [next] = this.waiting) {
      if (pieces === PIECES_PER_TURN) return this.continueSoon();
      pieces += 1;
      const taken = this.offer(next.subarray(0, PIECE_BYTES));
      if (taken === undefined) return this.close();
      if (taken === 0) return this.continueLater();
      this.pause = FIRST_PAUSE_MS;
      this.bytes -= taken;
      if (taken === next.length) this.waiting.shift();
      else this.waiting[0] = next.subarray(taken);
    }
    this.giveRoom();
  }

  /** @returns the bytes that the terminal has taken; undefined if it has ended */
  private offer(piece: Buffer): number | undefined {
    try {
      // The descriptor does not block.
      return writeSync(this.fd, piece);
    } catch (error) {
      return ['EAGAIN', 'EINTR'].includes(errorCode(error) ?? '') ? 0 : undefined;
    }
  }

  private continueSoon(): void {
    this.giveRoom();
    this.timer = setImmediate(() => this.flush());
  }

  private continueLater(): void {
    this.giveRoom();
    this.timer = setTimeout(() => this.flush(), this.pause);
    this.pause = Math.min(2 * this.pause, MAX_PAUSE_MS);
  }

  private giveRoom(): void {
    const ready = this.room.filter(({ below }) => this.closed || this.bytes < below);
    if (ready.length === 0) return;
    this.room = this.room.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve();
  }
}
