import { Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import { meters } from '../../../meters/index.js';
import { LeaseLostError, SequenceConflictError, StorageFailedError } from '../../storage-errors.js';
import { OutcomeUnknownError, sqlState, type Connections, type Database } from '../database/index.js';
import { AppendQueue, type Append, type AppendTarget, type Chunk } from './append-queue.js';
import { APPEND, APPEND_UNLOCKED, appendValues } from './append-statement.js';

/** Time between two attempts for a chunk that is in doubt, or whose conversation is locked (ms). */
const RETRY_MS = 200;
/**
 * How long a statement waits for the row of a conversation (ms): long for an append or a change of the owner,
 * short for the other conversations in the same statement.
 */
const LOCK_TIMEOUT_MS = 100;
/** A pause of the loop, at most: it is woken when there is something to do (ms). */
const MAX_PAUSE_MS = 60_000;

/**
 * Appends to the logs of all conversations of this server. All appends that wait share one statement, as
 * those to files share a flush; there is one statement at a time. A statement whose outcome is not known,
 * because the connection was lost, is repeated: as the length has to be the expected one, it stores nothing
 * twice. Until the outcome is known, nobody is told anything. Nothing waits for one conversation: neither for
 * the lock of its row nor for the reason why it was not stored.
 */
export class Appender {
  private readonly logger = new Logger('EventLog');
  private readonly queue = new AppendQueue();
  private readonly lane: Connections;
  private running: Promise<void> | undefined;
  private wake: () => void = () => undefined;
  private isClosed = false;

  constructor(private readonly database: Database) {
    // Of its own: appends must not wait for reads.
    this.lane = database.lane(LOCK_TIMEOUT_MS);
  }

  /** Resolves when the records are durable. @throws as `EventLog.append` */
  append(append: Omit<Append, 'deadline' | 'resolve' | 'reject'>): Promise<void> {
    if (this.isClosed) return Promise.reject(unavailable(CLOSED));
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + this.database.timeoutMs;
      this.queue.add({ ...append, deadline, resolve, reject });
      this.wake();
      this.running ??= this.run();
    });
  }

  /** Gives up what is not settled; what is in doubt stays so for the callers. Idempotent. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.abandonAll();
    this.wake();
    await this.running;
  }

  /** Gives up the appends of one log, for its close; those on their way are settled as usual. */
  abandon(target: AppendTarget): void {
    for (const chunk of this.queue.unsettled(target)) {
      if (chunk.isInDoubt) this.refuse(chunk, new OutcomeUnknownError('ESHUTDOWN', new Error(CLOSED)));
      else if (chunk.notBefore > performance.now()) this.refuse(chunk, unavailable(CLOSED));
    }
    const waiting = this.queue.removeWaiting(target);
    for (const append of waiting) append.reject(unavailable(CLOSED));
  }

  private async run(): Promise<void> {
    // Appends of this turn of the event loop share the first statement.
    await Promise.resolve();
    while (!this.queue.isEmpty) {
      const chunks = this.queue.take(performance.now());
      if (chunks.length === 0) await this.pause(this.queue.nextAttempt - performance.now());
      else await this.send(chunks);
      // What was on its way may be in doubt now: without the database that would never end.
      if (this.isClosed) this.abandonAll();
    }
    this.running = undefined;
  }

  private abandonAll(): void {
    for (const target of this.queue.targets) this.abandon(target);
  }

  /** Waits until an append comes, at most `ms`. */
  private async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(Math.max(1, ms), MAX_PAUSE_MS));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async send(chunks: readonly Chunk[]): Promise<void> {
    const valid = await this.withValidFence(chunks);
    if (valid.length === 0) return;
    try {
      const stored = await this.store(valid);
      for (const [index, chunk] of valid.entries()) {
        if (stored.has(index + 1)) this.succeed(chunk);
        else this.explain(chunk);
      }
    } catch (error) {
      await this.fail(valid, error);
    }
  }

  /** Chunks of fences that are no longer valid are refused, unless they are in doubt. */
  private async withValidFence(chunks: readonly Chunk[]): Promise<Chunk[]> {
    const checks = chunks.map(async (chunk) => {
      if (chunk.isInDoubt || chunk.fence.isValid()) return chunk;
      try {
        if (await chunk.fence.confirm()) return chunk;
        this.refuse(chunk, new LeaseLostError(chunk.conversationId));
      } catch (error) {
        this.refuse(chunk, error);
      }
      return [];
    });
    return (await Promise.all(checks)).flat();
  }

  /** @returns the numbers of the chunks that are stored, from 1 */
  private async store(chunks: readonly Chunk[]): Promise<Set<number>> {
    const values = await appendValues(chunks);
    const waitMs = Math.min(this.queue.deadline - performance.now(), this.database.timeoutMs);
    const statement = chunks.some(({ isLocked }) => isLocked) ? APPEND_UNLOCKED : APPEND;
    const { rows } = await this.lane.query<{ chunk: number }>(statement, values, Math.max(1, waitMs));
    return new Set(rows.map(({ chunk }) => chunk));
  }

  private async fail(chunks: readonly Chunk[], error: unknown): Promise<void> {
    if (error instanceof OutcomeUnknownError) {
      if (!chunks.every(({ isInDoubt }) => isInDoubt)) {
        this.logger.warn(`an append is in doubt and is repeated: ${errorMessage(error.cause)}`);
      }
      for (const chunk of chunks) chunk.isInDoubt = true;
      this.refuseLate();
      return;
    }
    const state = error instanceof StorageFailedError ? sqlState(error.cause) : undefined;
    if (state === LOCK_NOT_AVAILABLE) {
      this.withoutLocked(chunks, error);
      return;
    }
    const wasNotSent = error instanceof StorageFailedError && state === undefined;
    const isOfOne = !(error instanceof StorageFailedError) || OF_ONE_STATES.has(state ?? '');
    // One of them is the reason: the others are stored without it.
    if (chunks.length > 1 && isOfOne) {
      for (const chunk of chunks) await this.send([chunk]);
      return;
    }
    const now = performance.now();
    for (const chunk of chunks) {
      if (chunk.isInDoubt) {
        if (error instanceof StorageFailedError) chunk.notBefore = now + RETRY_MS;
        else this.explain(chunk, error);
      } else if (!wasNotSent || chunk.deadline <= now + 1) {
        this.refuse(chunk, error);
      }
    }
    this.refuseLate();
  }

  /** Sends the chunks again, without waiting for rows that are locked. */
  private withoutLocked(chunks: readonly Chunk[], error: unknown): void {
    for (const chunk of chunks) {
      // The second time it is the table that is locked.
      if (chunk.isLocked) this.postpone(chunk, error);
      chunk.isLocked = true;
    }
  }

  /** Sends a chunk again later, unless its time is over. */
  private postpone(chunk: Chunk, error: unknown): void {
    const now = performance.now();
    if (chunk.deadline <= now + 1) this.refuse(chunk, error);
    else chunk.notBefore = Math.min(now + RETRY_MS, chunk.deadline);
    this.refuseLate();
  }

  /** Refuses what waits behind a chunk that is in doubt, when its time is over. */
  private refuseLate(): void {
    const now = performance.now() + 1;
    for (const { target, end, isInDoubt } of this.queue.unsettled()) {
      if (!isInDoubt || this.queue.deadlineOf(target) > now) continue;
      const late = this.queue.removeWaiting(target);
      target.refused(end);
      for (const append of late) append.reject(unavailable('the outcome of an earlier append is not known'));
    }
  }

  private succeed(chunk: Chunk): void {
    if (chunk.isSettled) return;
    chunk.target.stored(chunk.records);
    meters.eventsAppended.add(chunk.records.length);
    this.queue.settle(chunk);
    for (const append of chunk.appends) append.resolve();
  }

  /**
   * Finds out, while others are stored, why a chunk was not, or whether an earlier attempt has stored it.
   */
  private explain(chunk: Chunk, reason?: unknown): void {
    chunk.notBefore = Infinity;
    void this.find(chunk, reason)
      .catch((error: unknown) => {
        if (chunk.isInDoubt) chunk.notBefore = performance.now() + RETRY_MS;
        else this.refuse(chunk, error);
      })
      .finally(() => this.wake());
  }

  private async find(chunk: Chunk, reason?: unknown): Promise<void> {
    const { conversationId, seq, end, records, generation } = chunk;
    const { rows } = await this.database.read<Found>(FIND, [conversationId, seq, end]);
    const [found] = rows;
    const ids = records.map(({ id }) => id).join('\n');
    if (chunk.isInDoubt && found?.ids === ids) this.succeed(chunk);
    else if (found?.generation !== generation) this.refuse(chunk, new LeaseLostError(conversationId));
    else if (reason === undefined && found.length === seq) this.postpone(chunk, lockedRow());
    else this.refuse(chunk, reason ?? new SequenceConflictError(seq, found.length));
  }

  /** Also the appends behind it: they expect sequence numbers that depend on it. */
  private refuse(chunk: Chunk, error: unknown): void {
    if (chunk.isSettled) return;
    const behind = this.queue.removeWaiting(chunk.target);
    this.queue.settle(chunk);
    chunk.target.refused(chunk.seq);
    for (const append of [...chunk.appends, ...behind]) append.reject(error);
  }
}

interface Found {
  generation: number;
  length: number;
  ids: string | null;
}

const FIND = `
  SELECT generation, length, (
    SELECT string_agg(id, E'\\n' ORDER BY seq) FROM event WHERE conversation = $1 AND seq >= $2 AND seq < $3
  ) AS ids
  FROM conversation WHERE id = $1`;

/** Time-out, deadlock: one conversation may be the reason for which a statement of many fails. */
const OF_ONE_STATES = new Set(['57014', '40P01']);
const CLOSED = 'the log was closed';
const LOCK_NOT_AVAILABLE = '55P03';

function lockedRow(): StorageFailedError {
  return new StorageFailedError(LOCK_NOT_AVAILABLE, new Error('the conversation is locked'), 'its database');
}

function unavailable(reason: string): StorageFailedError {
  return new StorageFailedError('EAGAIN', new Error(reason), 'its database');
}
