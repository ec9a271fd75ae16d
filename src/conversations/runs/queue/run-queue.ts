import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../../config/index.js';
import { errorStack } from '../../../errors/index.js';
import { Timing } from '../../../meters/index.js';
import {
  Catalogue,
  LeaseHeldError,
  LeaseStore,
  StorageFailedError,
  TakeoverPendingError,
  WorkspaceDocuments,
} from '../../../storage/index.js';
import {
  AlreadyRunningError,
  ConversationClosedError,
  ConversationNotFoundError,
  QueueFullError,
  WorkspaceElsewhereError,
} from '../../conversation-errors.js';
import { RunSlots } from '../run-slots.js';
import { OrphanedRuns } from './orphaned-runs.js';
import { QueueOrder } from './queue-order.js';
import {
  type OnRunLimit,
  type QueuedConversations,
  type QueuedRun,
  type QueuePlace,
  type RunRequest,
  storedRun,
} from './queued-run.js';
import { StoredQueue } from './stored-queue.js';

/** Upper bounds of the histogram of waits (seconds). */
const WAIT_BOUNDS = [0.1, 1, 10, 60, 600, 3_600];
/** After a failed start of a run (ms). */
const RETRY_MS = 5_000;

/** A run in the queue of this server. */
interface Waiting extends QueuedRun {
  /** Runs that are not stored yet, or are starting, are not chosen. */
  state: 'storing' | 'waiting' | 'starting';
  /** When it may be tried again after a failure, by `performance.now()`. */
  notBefore: number;
  /** Resolves when its request is stored. */
  stored: Promise<void>;
  /** Called when it leaves the queue. */
  onLeave: Set<() => void>;
}

/**
 * Runs that wait for a free slot. What waits is stored before its request is answered, and starts on the
 * server that has its conversation, or after its end on another one.
 */
@Injectable()
export class RunQueue {
  private readonly logger = new Logger('Runs');
  private readonly document: StoredQueue;
  private readonly orphans: OrphanedRuns;
  private readonly runs = new Map<string, Waiting>();
  /** The runs that are not starting. */
  private readonly order: QueueOrder<Waiting>;
  private readonly starting = new Map<Waiting, Promise<void>>();
  /** Places of each key that are reserved for requests in progress. */
  private readonly reserved = new Map<string | null, number>();
  private reservedTotal = 0;
  private conversations: QueuedConversations | undefined;
  /** How long runs have waited. */
  readonly waits = new Timing(WAIT_BOUNDS);
  private readonly defaultOnLimit: OnRunLimit;
  /** How many runs may wait. */
  readonly limit: number;

  constructor(
    private readonly slots: RunSlots,
    documents: WorkspaceDocuments,
    catalogue: Catalogue,
    leases: LeaseStore,
    config: AppConfig,
  ) {
    this.document = new StoredQueue(documents);
    this.orphans = new OrphanedRuns(this.document, catalogue, leases);
    this.order = new QueueOrder((owner) => slots.activeOf(owner));
    this.defaultOnLimit = config.on_run_limit;
    this.limit = config.max_queued_runs;
  }

  /** How many runs wait on this server. */
  get size(): number {
    return this.runs.size;
  }

  /** Whether the run of a conversation waits on this server, which has that conversation. */
  has(id: string): boolean {
    return this.find(id) !== undefined;
  }

  /** Whether a run that reaches a limit waits. */
  waitsOn({ onLimit }: RunRequest): boolean {
    return (onLimit ?? this.defaultOnLimit) === 'wait';
  }

  /**
   * Takes a slot for a run; undefined if there is none and the run waits.
   * @throws RunLimitError if there is none and the run does not wait
   */
  takeSlot(ownerKey: string | null, request: RunRequest): (() => void) | undefined {
    return this.waitsOn(request) ? this.slots.tryTake(ownerKey) : this.slots.take(ownerKey);
  }

  /**
   * Keeps a place for a run until the returned function is called.
   * @throws QueueFullError if no more runs may wait
   */
  reserve(ownerKey: string | null): () => void {
    this.assertRoom(ownerKey);
    const change = (by: 1 | -1): void => {
      this.reservedTotal += by;
      const left = (this.reserved.get(ownerKey) ?? 0) + by;
      if (left > 0) this.reserved.set(ownerKey, left);
      else this.reserved.delete(ownerKey);
    };
    change(1);
    let isReserved = true;
    return () => {
      if (isReserved) change(-1);
      isReserved = false;
    };
  }

  /**
   * Has the run of a conversation wait; resolves when that is stored. A conversation waits once: a second
   * request can only make it more urgent.
   * @param run its reserved place is used, if it has one
   * @throws QueueFullError, StorageFailedError
   */
  async add(
    run: Pick<QueuedRun, 'conversation_id' | 'owner_key' | 'log_length'>,
    { priority = 0, releasePlace }: RunRequest = {},
  ): Promise<void> {
    const before = this.find(run.conversation_id);
    if (before) return this.raise(before, priority);
    if (releasePlace) releasePlace();
    else this.assertRoom(run.owner_key);
    const added = this.insert({ ...run, priority, queued_at: new Date().toISOString() }, 'storing');
    added.stored = this.document.add(storedRun(added));
    try {
      await added.stored;
    } catch (error) {
      this.forget(added);
      throw error;
    }
    if (added.state === 'storing') added.state = 'waiting';
    this.startNext();
  }

  /** Takes the run of a conversation out of the queue, if it waits. Resolves when that is stored. */
  async leave(id: string): Promise<boolean> {
    const run = this.find(id);
    if (run) this.forget(run);
    else if (!(await this.orphans.mayHave(id))) return false;
    await this.document.remove(id);
    return true;
  }

  /** Resolves when the run of a conversation does not wait any more, or `signal` is aborted. */
  left(id: string, signal: AbortSignal): Promise<void> {
    const run = this.find(id);
    if (!run || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        run.onLeave.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      run.onLeave.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** The runs of all servers, in their order; those of other servers last. @throws StorageFailedError */
  async list(): Promise<(QueuePlace & { owner_key: string | null })[]> {
    const stored = await this.document.read();
    const others = [...stored.values()].filter(({ conversation_id: id }) => !this.runs.has(id));
    return [
      ...this.ordered().map((run, index) => this.placeOf(run, index + 1)),
      ...others.map((run) => this.placeOf(run, null)),
    ];
  }

  /** The runs of this server that start next, without saying whose they are. */
  head(count: number): Omit<QueuePlace, 'conversation_id'>[] {
    return this.ordered(count).map((run, index) => {
      const { conversation_id: _id, owner_key: _owner, ...place } = this.placeOf(run, index + 1);
      return place;
    });
  }

  /** The place of the run of a conversation of this server; undefined if none waits. */
  place(id: string): QueuePlace | undefined {
    const run = this.find(id);
    if (!run) return undefined;
    const index =
      run.state === 'starting'
        ? [...this.starting.keys()].indexOf(run)
        : this.starting.size + this.order.before(run);
    const { owner_key: _owner, ...place } = this.placeOf(run, index + 1);
    return place;
  }

  /** Begins to start runs, those that were stored before the start of this server included. */
  open(conversations: QueuedConversations): Promise<void> {
    this.conversations = conversations;
    this.slots.onFree(() => this.startNext());
    return this.orphans.open(conversations, {
      isHere: (id) => this.runs.has(id),
      room: () => this.limit - this.runs.size,
      adopt: (runs) => {
        for (const run of runs) this.insert(run, 'waiting');
        this.startNext();
      },
    });
  }

  /** Starts nothing any more; resolves when nothing is being started. What waits stays stored. */
  async close(): Promise<void> {
    this.conversations = undefined;
    await Promise.all([this.orphans.close(), ...this.starting.values()]);
  }

  /** A stored run of this conversation counts as one of this server, which has the conversation. */
  private find(id: string): Waiting | undefined {
    const run = this.runs.get(id);
    if (run) return run;
    const stored = this.orphans.take(id);
    return stored && this.insert(stored, 'waiting');
  }

  private insert(run: QueuedRun, state: Waiting['state']): Waiting {
    const { conversation_id: id } = run;
    const added: Waiting = { ...run, state, notBefore: 0, stored: Promise.resolve(), onLeave: new Set() };
    this.runs.set(id, added);
    this.order.add(added);
    return added;
  }

  private forget(run: Waiting): void {
    if (this.runs.get(run.conversation_id) !== run) return;
    this.runs.delete(run.conversation_id);
    this.order.delete(run);
    for (const left of run.onLeave) left();
  }

  private async raise(run: Waiting, priority: number): Promise<void> {
    await run.stored;
    const { priority: before } = run;
    if (priority <= before || this.runs.get(run.conversation_id) !== run) return;
    this.setPriority(run, priority);
    try {
      await this.document.replace(storedRun(run));
    } catch (error) {
      if (run.priority === priority) this.setPriority(run, before);
      throw error;
    }
    this.startNext();
  }

  private setPriority(run: Waiting, priority: number): void {
    const isOrdered = run.state !== 'starting' && this.runs.get(run.conversation_id) === run;
    if (isOrdered) this.order.delete(run);
    run.priority = priority;
    if (isOrdered) this.order.add(run);
  }

  /**
   * A named key gets at most as many places as are left when it asks, so that it alone cannot fill the queue.
   * @throws QueueFullError
   */
  private assertRoom(ownerKey: string | null): void {
    const free = this.limit - this.runs.size - this.reservedTotal;
    const own = this.order.countOf(ownerKey) + (this.reserved.get(ownerKey) ?? 0);
    const isFull = free <= 0;
    if (!isFull && (ownerKey === null || own < free)) return;
    this.slots.countRefused();
    throw new QueueFullError(
      isFull ? `${this.limit} runs wait already` : `${own} runs of this key wait already`,
    );
  }

  private startNext(): void {
    while (this.conversations && this.runs.size > 0 && !this.slots.isFull) {
      const now = performance.now();
      const run = this.order.next(
        (owner) => this.slots.isKeyFull(owner),
        ({ state, notBefore }) => state === 'waiting' && notBefore <= now,
      );
      const release = run && this.slots.tryTake(run.owner_key);
      if (!run || !release) return;
      this.begin(run, this.conversations, release);
    }
  }

  private begin(run: Waiting, conversations: QueuedConversations, release: () => void): void {
    this.order.delete(run);
    run.state = 'starting';
    const started = this.start(run, conversations, release).finally(() => this.starting.delete(run));
    this.starting.set(run, started);
  }

  private async start(run: Waiting, conversations: QueuedConversations, release: () => void): Promise<void> {
    const { conversation_id: id } = run;
    try {
      await conversations.startQueuedRun(storedRun(run), release);
      this.waits.observe(Math.max(0, Date.now() - Date.parse(run.queued_at)) / 1000);
      this.logger.log({ message: `run of conversation ${id} started from the queue` });
    } catch (error) {
      release();
      if (this.runs.get(id) !== run) return;
      if (isElsewhere(error)) return this.forget(run);
      if (error instanceof StorageFailedError || error instanceof ConversationClosedError)
        return this.retryLater(run);
      if (!(error instanceof ConversationNotFoundError || error instanceof AlreadyRunningError))
        this.logger.error(`the queued run of conversation ${id} cannot start`, errorStack(error));
    }
    await this.leave(id).catch((error: unknown) =>
      this.logger.error(`the run of conversation ${id} is still in the stored queue`, errorStack(error)),
    );
  }

  private retryLater(run: Waiting): void {
    run.state = 'waiting';
    run.notBefore = performance.now() + RETRY_MS;
    this.order.add(run);
  }

  private ordered(count = Infinity): Waiting[] {
    const starting = [...this.starting.keys()].filter((run) => this.runs.get(run.conversation_id) === run);
    return [...starting, ...this.order.first(count)].slice(0, count);
  }

  private placeOf(run: QueuedRun, place: number | null): QueuePlace & { owner_key: string | null } {
    const { conversation_id, owner_key, priority, queued_at } = run;
    const waits_for = this.slots.isKeyFull(owner_key) ? 'key' : 'server';
    return { conversation_id, owner_key, priority, queued_at, place, waits_for };
  }
}

/** Another server has the conversation, and with it the run; or only another one has its files. */
function isElsewhere(error: unknown): boolean {
  return (
    error instanceof LeaseHeldError ||
    error instanceof TakeoverPendingError ||
    error instanceof WorkspaceElsewhereError
  );
}
