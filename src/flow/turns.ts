import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Hands out the turns of the event loop one by one: what many want to do at once holds up nobody else for
 * long.
 */
class TickQueue {
  private last: Promise<unknown> = Promise.resolve();

  /** Resolves at once where nobody has taken this turn of the loop, else in the next one that is free. */
  take(): Promise<unknown> {
    const mine = this.last;
    this.last = mine.then(() => nextTurn());
    return mine;
  }
}

/** How much of a turn requests may take together, and how much what is read of logs (ms). */
const SHARE_MS = 3;

/**
 * Hands out a share of each turn of the event loop: what comes in one moment is begun in the order in which
 * it came, as much of it in a turn as fits into the share.
 */
class TickBudget {
  private readonly waiting: (() => void)[] = [];
  /** When the share of this turn began; undefined before anybody wanted some of it. */
  private began: number | undefined;

  /**
   * Undefined where there is something left of this turn's share, else a promise that resolves when there is.
   */
  take(): Promise<void> | undefined {
    if (this.began === undefined) this.begin();
    if (this.waiting.length === 0 && !this.isUsedUp()) return undefined;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private begin(): void {
    this.began = performance.now();
    setImmediate(() => this.goOn());
  }

  /** In the next turn. */
  private goOn(): void {
    this.began = undefined;
    if (this.waiting.length === 0) return;
    this.begin();
    this.admit();
  }

  /** Lets one in, and the next when that has done all that it does at once. */
  private admit(): void {
    if (this.isUsedUp()) return;
    const next = this.waiting.shift();
    if (next === undefined) return;
    next();
    // A tick that a promise asks for comes when no promise has anything left to do.
    queueMicrotask(() => process.nextTick(() => this.admit()));
  }

  private isUsedUp(): boolean {
    return this.began !== undefined && performance.now() - this.began >= SHARE_MS;
  }
}

const requests = new TickBudget();
const reading = new TickBudget();
const starts = new TickQueue();
const work = new TickQueue();
const pieces = new TickQueue();

/**
 * Resolves when a process may be started. Starting one holds the loop up for some milliseconds (the memory
 * map of the server is copied), and two hundred conversations may want theirs at once.
 */
export function turnToStart(): Promise<unknown> {
  return starts.take();
}

/**
 * Resolves when an agent may do a part of a step. Twenty of them at once would let a request wait for all.
 */
export function turnToWork(): Promise<unknown> {
  return work.take();
}

/**
 * Resolves when the next piece of something large may be worked on: of a model's answer, of what a terminal
 * printed. A queue of its own: however many of them there are, agents' steps wait for one.
 */
export function yieldForChunk(): Promise<unknown> {
  return pieces.take();
}

/**
 * Tells when a request that wants something done may be worked on. A hundred of them in one moment are worked
 * off in many turns: what comes meanwhile and takes no time, like `/health`, does not wait for all of them.
 * @returns undefined where it may be at once, which it nearly always may
 */
export function turnForRequest(): Promise<void> | undefined {
  return requests.take();
}

/**
 * Tells when the next line of a log may be worked on: two hundred of a megabyte each, all there already,
 * would be a turn of half a second.
 * @returns undefined where it may be at once
 */
export function turnForLine(): Promise<void> | undefined {
  return reading.take();
}
