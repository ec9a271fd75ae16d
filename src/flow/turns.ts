import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Hands out turns of the event loop one at a time, so that many tasks that become ready together do not block
 * everything else.
 */
class TickQueue {
  private last: Promise<unknown> = Promise.resolve();

  /** Resolves at once if this turn is free, else in the next free one. */
  take(): Promise<unknown> {
    const mine = this.last;
    this.last = mine.then(() => nextTurn());
    return mine;
  }
}

/** How much of a turn all requests may take, all reading of logs, and all examining of files (ms). */
const SHARE_MS = 3;

/**
 * Hands out a share of each turn of the event loop. Tasks start in the order in which they asked, as many in
 * a turn as fit into the share.
 */
class TickBudget {
  private readonly waiting: (() => void)[] = [];
  /** When the share of this turn began; undefined while it is unused. */
  private began: number | undefined;

  /**
   * Undefined if something is left of this turn's share, else a promise that resolves when there is.
   */
  take(): Promise<void> | undefined {
    if (this.began === undefined) this.begin();
    if (this.waiting.length === 0 && !this.isUsedUp()) return undefined;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private begin(): void {
    this.began = performance.now();
    setImmediate(() => this.nextTurn());
  }

  private nextTurn(): void {
    this.began = undefined;
    if (this.waiting.length === 0) return;
    this.begin();
    this.admit();
  }

  /** Starts one task, and the next when that has done its synchronous work and its microtasks. */
  private admit(): void {
    if (this.isUsedUp()) return;
    const next = this.waiting.shift();
    if (next === undefined) return;
    next();
    // A tick that is queued by a microtask runs when no microtasks are left.
    queueMicrotask(() => process.nextTick(() => this.admit()));
  }

  private isUsedUp(): boolean {
    return this.began !== undefined && performance.now() - this.began >= SHARE_MS;
  }
}

const requests = new TickBudget();
const lines = new TickBudget();
const files = new TickBudget();
const starts = new TickQueue();
const steps = new TickQueue();
const chunks = new TickQueue();

/**
 * Resolves when a process may be started. Starting one blocks the event loop for some milliseconds (the
 * memory map of the server is copied), and hundreds of conversations may start theirs at once.
 */
export function turnToStart(): Promise<unknown> {
  return starts.take();
}

/**
 * Resolves when an agent may run a part of a step. Requests would otherwise wait for the steps of all agents.
 */
export function turnToWork(): Promise<unknown> {
  return steps.take();
}

/**
 * Resolves when the next chunk of something large may be processed, such as a model's answer or the output of
 * a terminal. A queue of its own, so that steps of agents wait for one chunk at most.
 */
export function yieldForChunk(): Promise<unknown> {
  return chunks.take();
}

/**
 * When a request may be processed. Many that arrive together are spread over several turns, so that cheap
 * ones such as `/health` do not wait for all of them.
 * @returns undefined for at once, which is nearly always
 */
export function turnForRequest(): Promise<void> | undefined {
  return requests.take();
}

/**
 * When the next line of a log may be parsed. Two hundred lines of a megabyte each would otherwise be one turn
 * of half a second.
 * @returns undefined for at once
 */
export function turnForLine(): Promise<void> | undefined {
  return lines.take();
}

/**
 * When the next file, folder or process may be examined by calls that block for a moment each. Thousands of
 * them may be due together: the folders of a tree, the shells of all terminals.
 * @returns undefined for at once
 */
export function turnForFile(): Promise<void> | undefined {
  return files.take();
}
