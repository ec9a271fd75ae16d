import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../../config/index.js';
import { errorMessage, errorStack } from '../../../errors/index.js';
import { Timing } from '../../../meters/index.js';
import {
  Catalogue,
  LeaseHeldError,
  LeaseStore,
  StorageFailedError,
  TakeoverPendingError,
  WorkspaceDocuments,
} from '../../../storage/index.js';
import { ConversationClosedError, QueueFullError } from '../../conversation-errors.js';
import { RunSlots } from '../run-slots.js';
import { QueueDocument } from './queue-document.js';
import { inOrder, type OnRunLimit, type QueuedRun, type QueuePlace, type RunRequest } from './queued-run.js';

/** How often the stored queue is looked at for runs of servers that are gone (ms). */
const LOOK_MS = 5_000;
/** Upper bounds of the histogram of waits (seconds). */
const WAIT_BOUNDS = [0.1, 1, 10, 60, 600, 3_600];
/** How many stored runs are looked at for a server that is gone, in one look. */
const MAX_LOOKED_AT = 100;
/** After a failed start of a run (ms). */
const RETRY_MS = 5_000;

/** A run in the queue of this server. */
interface Waiting extends QueuedRun {
  /** Runs that are not stored yet, or are starting, are not chosen. */
  state: 'storing' | 'waiting' | 'starting';
  /** When it may be tried again after a failure, by `performance.now()`. */
  notBefore: number;
}

/** Starts the run of a conversation in a slot, which `release` gives back. Rejects if it cannot start. */
export type StartQueued = (run: QueuedRun, release: () => void) => Promise<void>;

/**
 * Runs that wait for a free slot. What waits is stored before its request is answered, and starts on the
 * server that has its conversation, or after its end on another one.
 */
@Injectable()
export class RunQueue {
  private readonly logger = new Logger('Runs');
  private readonly document: QueueDocument;
  private readonly runs = new Map<string, Waiting>();
  /** Called when the run of a conversation leaves the queue. */
  private readonly onLeave = new Map<string, (() => void)[]>();
  private readonly starting = new Set<Promise<void>>();
  /** Runs that have left the queue since the last look, and whether that is stored. */
  private readonly gone = new Map<string, boolean>();
  private start: StartQueued | undefined;
  private looking: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** A failure to read the stored queue was logged. */
  private isFailing = false;
  /** How long runs have waited. */
  readonly waits = new Timing(WAIT_BOUNDS);
  private readonly defaultOnLimit: OnRunLimit;
  private readonly limit: number;

  constructor(
    private readonly slots: RunSlots,
    documents: WorkspaceDocuments,
    private readonly catalogue: Catalogue,
    private readonly leases: LeaseStore,
    config: AppConfig,
  ) {
    this.document = new QueueDocument(documents);
    this.defaultOnLimit = config.on_run_limit;
    this.limit = config.max_queued_runs;
  }

  /** How many runs wait on this server. */
  get size(): number {
    return this.runs.size;
  }

  /** Whether the run of a conversation waits on this server. */
  has(id: string): boolean {
    return this.runs.has(id);
  }

  /** Resolves when no run of the conversation waits on this server: it was started, or has left the queue. */
  async left(id: string): Promise<void> {
    if (!this.has(id)) return;
    await new Promise<void>((resolve) => {
      const waiting = this.onLeave.get(id) ?? [];
      this.onLeave.set(id, [...waiting, resolve]);
    });
  }

  /** Whether a run that reaches a limit waits. */
  waitsOn({ onLimit }: RunRequest): boolean {
    return (onLimit ?? this.defaultOnLimit) === 'wait';
  }

  /** @throws QueueFullError if no more runs may wait */
  assertRoom(): void {
    if (this.runs.size >= this.limit) throw new QueueFullError(this.limit);
  }

  /**
   * Has the run of a conversation wait; resolves when that is stored. A conversation waits once: a second
   * request can only make it more urgent.
   * @throws QueueFullError, StorageFailedError
   */
  async add(id: string, ownerKey: string | null, logLength: number, priority = 0): Promise<void> {
    const before = this.runs.get(id);
    if (before && before.priority >= priority) return;
    if (!before) this.assertRoom();
    const run: Waiting = {
      conversation_id: id,
      owner_key: ownerKey,
      priority,
      queued_at: before?.queued_at ?? new Date().toISOString(),
      log_length: before?.log_length ?? logLength,
      state: before?.state ?? 'storing',
      notBefore: 0,
    };
    this.runs.set(id, run);
    this.gone.delete(id);
    try {
      await this.document.add(stored(run));
    } catch (error) {
      if (this.runs.get(id) === run) this.forget(id, before);
      throw error;
    }
    if (run.state === 'storing') run.state = 'waiting';
    this.startNext();
  }

  /** Takes the run of a conversation out of the queue, if it waits. Resolves when that is stored. */
  async leave(id: string): Promise<boolean> {
    if (!this.drop(id)) return false;
    this.gone.set(id, false);
    await this.document.remove(id);
    if (this.gone.has(id)) this.gone.set(id, true);
    return true;
  }

  /** The runs of all servers, in their order; those of other servers last. @throws StorageFailedError */
  async list(): Promise<(QueuePlace & { owner_key: string | null })[]> {
    const ordered = this.ordered().map((run, index) => this.placeOf(run, index + 1));
    const others = [...(await this.document.read()).values()]
      .filter(({ conversation_id: id }) => !this.runs.has(id) && !this.gone.has(id))
      .map((run) => this.placeOf(run, null));
    return [...ordered, ...others];
  }

  /** The place of the run of a conversation; undefined if none waits here. */
  place(id: string): QueuePlace | undefined {
    const index = this.ordered().findIndex((run) => run.conversation_id === id);
    const run = this.runs.get(id);
    if (!run || index < 0) return undefined;
    const { owner_key: _owner, ...place } = this.placeOf(run, index + 1);
    return place;
  }

  /** Begins to start runs, those that were stored before the start of this server included. */
  open(start: StartQueued): Promise<void> {
    this.start = start;
    this.slots.onFree(() => this.startNext());
    this.timer = setInterval(() => void this.look(), LOOK_MS).unref();
    return this.look();
  }

  /** Starts nothing any more; resolves when nothing is being started. What waits stays stored. */
  async close(): Promise<void> {
    this.start = undefined;
    clearInterval(this.timer);
    await Promise.all([this.looking, ...this.starting]);
  }

  /** Takes over stored runs of conversations that no server has. */
  private look(): Promise<void> {
    this.looking ??= this.adopt().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async adopt(): Promise<void> {
    for (const [id, isStored] of this.gone) if (isStored) this.gone.delete(id);
    try {
      const others = [...(await this.document.read()).values()].filter(
        (run) => !this.has(run.conversation_id),
      );
      // The order changes from look to look, so that those of other servers do not hide any for ever.
      for (const run of sample(others, MAX_LOOKED_AT)) await this.adoptOne(run);
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.logger.warn(`the queue of runs cannot be read: ${errorMessage(error)}`);
      this.isFailing = true;
    }
    this.startNext();
  }

  private async adoptOne(run: QueuedRun): Promise<void> {
    const { conversation_id: id } = run;
    const isDone = (): boolean => this.has(id) || this.gone.has(id);
    if (isDone()) return;
    if (!(await this.catalogue.has(id))) return this.document.remove(id);
    if (this.runs.size >= this.limit || !(await this.leases.isVacant(id)) || isDone()) return;
    this.runs.set(id, { ...run, state: 'waiting', notBefore: 0 });
  }

  private startNext(): void {
    if (!this.start || this.runs.size === 0) return;
    const now = performance.now();
    for (const run of this.ordered()) {
      if (run.state !== 'waiting' || run.notBefore > now) continue;
      const release = this.slots.tryTake(run.owner_key);
      if (release) this.begin(run, this.start, release);
      else if (this.slots.isFull) return;
    }
  }

  private begin(run: Waiting, start: StartQueued, release: () => void): void {
    run.state = 'starting';
    const started = this.startOne(run, start, release).finally(() => this.starting.delete(started));
    this.starting.add(started);
  }

  private async startOne(run: Waiting, start: StartQueued, release: () => void): Promise<void> {
    const { conversation_id: id } = run;
    try {
      await start(stored(run), release);
      this.waits.observe(Math.max(0, Date.now() - Date.parse(run.queued_at)) / 1000);
      this.logger.log({ message: `run of conversation ${id} started from the queue` });
    } catch (error) {
      release();
      if (this.runs.get(id) !== run) return;
      if (error instanceof LeaseHeldError || error instanceof TakeoverPendingError) {
        // Another server has the conversation, and with it the run.
        this.drop(id);
        return;
      }
      if (error instanceof StorageFailedError || error instanceof ConversationClosedError) {
        run.state = 'waiting';
        run.notBefore = performance.now() + RETRY_MS;
        return;
      }
      this.logger.error(`the queued run of conversation ${id} cannot start`, errorStack(error));
    }
    await this.leave(id).catch((error: unknown) =>
      this.logger.error(`the run of conversation ${id} is still in the stored queue`, errorStack(error)),
    );
  }

  private ordered(): Waiting[] {
    return inOrder(this.runs.values(), (owner) => this.slots.activeOf(owner));
  }

  private placeOf(run: QueuedRun, place: number | null): QueuePlace & { owner_key: string | null } {
    const { conversation_id, owner_key, priority, queued_at } = run;
    const waits_for = this.slots.isKeyFull(owner_key) ? 'key' : 'server';
    return { conversation_id, owner_key, priority, queued_at, place, waits_for };
  }

  private forget(id: string, before: Waiting | undefined): void {
    if (before) this.runs.set(id, before);
    else this.drop(id);
  }

  private drop(id: string): boolean {
    const isGone = this.runs.delete(id);
    for (const call of this.onLeave.get(id) ?? []) call();
    this.onLeave.delete(id);
    return isGone;
  }
}

function stored({ conversation_id, owner_key, priority, queued_at, log_length }: QueuedRun): QueuedRun {
  return { conversation_id, owner_key, priority, queued_at, log_length };
}

/** Some of a list, beginning at a random one. */
function sample<T>(all: readonly T[], most: number): T[] {
  const from = Math.floor(Math.random() * all.length);
  return [...all.slice(from), ...all.slice(0, from)].slice(0, most);
}
