import type { LogRecord } from '../../event-log.js';
import type { LeaseFence } from '../../lease-store.js';
import type { AppendChunk } from './append-statement.js';

/** The log that appends belong to. It has the same order of appends as the queue. */
export interface AppendTarget {
  readonly conversationId: string;
  /** The highest timestamp of its durable events. */
  readonly high: string;
  /** Records are durable. */
  stored(records: readonly LogRecord[]): void;
  /** Appends from `seq` on were refused: this is the next number. */
  refused(seq: number): void;
}

/** An append that is not durable yet. */
export interface Append {
  readonly target: AppendTarget;
  readonly fence: LeaseFence;
  readonly seq: number;
  readonly records: readonly LogRecord[];
  /** When it is refused unless it was sent (ms of `performance.now`). */
  readonly deadline: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Maximum text (UTF-16 units), events and conversations of one statement; one append may exceed them. */
const MAX_TEXT = 8 * 1024 * 1024;
const MAX_EVENTS = 2000;
const MAX_CHUNKS = 500;

/** Appends of one log that follow each other, with one fence: stored together or not at all. */
export class Chunk implements AppendChunk {
  readonly appends: Append[] = [];
  readonly records: LogRecord[] = [];
  /** It was sent, and it is not known what became of it: nothing may be said before that is known. */
  isInDoubt = false;
  isSettled = false;
  /** The row of its conversation was locked: no statement waits for it any more. */
  isLocked = false;
  /** Not sent again before this time (ms of `performance.now`). */
  notBefore = 0;

  constructor(
    readonly target: AppendTarget,
    readonly fence: LeaseFence,
    readonly seq: number,
  ) {}

  get conversationId(): string {
    return this.target.conversationId;
  }

  get generation(): number {
    return this.fence.generation;
  }

  get high(): string {
    return this.target.high;
  }

  /** The number after its last record. */
  get end(): number {
    return this.seq + this.records.length;
  }

  /** When it is refused if it cannot be sent (ms); Infinity if it was sent. */
  get deadline(): number {
    return this.isInDoubt ? Infinity : (this.appends[0]?.deadline ?? Infinity);
  }

  add(append: Append): void {
    this.appends.push(append);
    for (const record of append.records) this.records.push(record);
  }
}

/** The appends of one log: the chunk that was taken, if it is not settled, and those behind it. */
interface Line {
  chunk: Chunk | undefined;
  waiting: Append[];
}

/** The appends of all logs that are not settled. Those of one log are settled in order, chunk by chunk. */
export class AppendQueue {
  /** By log; the ones that wait longest first. */
  private readonly lines = new Map<AppendTarget, Line>();

  get isEmpty(): boolean {
    return this.lines.size === 0;
  }

  add(append: Append): void {
    const line = this.lines.get(append.target);
    if (line) line.waiting.push(append);
    else this.lines.set(append.target, { chunk: undefined, waiting: [append] });
  }

  /** What the next statement stores: at most one chunk of each log, in the bounds of a statement. */
  take(now: number): Chunk[] {
    const chunks: Chunk[] = [];
    const room = { text: MAX_TEXT, events: MAX_EVENTS };
    for (const line of this.lines.values()) {
      if (line.chunk && line.chunk.notBefore > now) continue;
      if (chunks.length === MAX_CHUNKS) break;
      const chunk = line.chunk ?? takeChunk(line, room, chunks.length === 0);
      if (line.chunk) shrink(room, line.chunk.records);
      if (!chunk) break;
      line.chunk = chunk;
      chunks.push(chunk);
    }
    return chunks;
  }

  /** When a chunk that has to wait may be sent (ms); Infinity if there is none. */
  get nextAttempt(): number {
    return Math.min(...[...this.lines.values()].map(({ chunk }) => chunk?.notBefore ?? 0));
  }

  /** The chunk is stored or refused. The log goes behind the others. */
  settle(chunk: Chunk): void {
    chunk.isSettled = true;
    const { target } = chunk;
    const line = this.lines.get(target);
    this.lines.delete(target);
    if (!line || line.waiting.length === 0) return;
    line.chunk = undefined;
    this.lines.set(target, line);
  }

  /** When the first append that is not in doubt has to be refused (ms); Infinity if there is none. */
  get deadline(): number {
    return Math.min(...[...this.lines.keys()].map((target) => this.deadlineOf(target)));
  }

  deadlineOf(target: AppendTarget): number {
    const line = this.lines.get(target);
    return Math.min(line?.chunk?.deadline ?? Infinity, line?.waiting[0]?.deadline ?? Infinity);
  }

  /** Takes out the appends of a log that are in no chunk. */
  removeWaiting(target: AppendTarget): Append[] {
    const line = this.lines.get(target);
    const waiting = line?.waiting.splice(0) ?? [];
    if (!line?.chunk) this.lines.delete(target);
    return waiting;
  }

  /** The chunks that were taken but are not settled. */
  unsettled(target?: AppendTarget): Chunk[] {
    const lines = target ? [this.lines.get(target)] : [...this.lines.values()];
    return lines.flatMap((line) => line?.chunk ?? []);
  }

  get targets(): AppendTarget[] {
    return [...this.lines.keys()];
  }
}

interface Room {
  text: number;
  events: number;
}

/** The next appends with the same fence; undefined if there is no room for the first one. */
function takeChunk(line: Line, room: Room, isFirst: boolean): Chunk | undefined {
  const [first] = line.waiting;
  if (!first) return undefined;
  const chunk = new Chunk(first.target, first.fence, first.seq);
  let count = 0;
  for (const append of line.waiting) {
    if (append.fence !== first.fence) break;
    const fits = room.text >= textOf(append.records) && room.events >= append.records.length;
    if (!fits && !(isFirst && count === 0)) break;
    chunk.add(append);
    shrink(room, append.records);
    count += 1;
  }
  line.waiting.splice(0, count);
  return count === 0 ? undefined : chunk;
}

function shrink(room: Room, records: readonly LogRecord[]): void {
  room.text -= textOf(records);
  room.events -= records.length;
}

function textOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { line }) => sum + line.length, 0);
}
