import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { type ConversationEvent, EventBus } from '../../events/index.js';
import { asJsonObject } from '../../json/index.js';
import { KeyLimiter } from '../../limits/index.js';
import { ConversationContainers } from '../fleet/conversation-containers.js';
import { pauseInside } from '../fleet/inner-server.js';
import { ContainerRecords } from '../records/container-records.js';

/** How long a run may take to begin after the request for it was accepted (ms). */
const BEGIN_MS = 5_000;
/** Answers of models that a run may still get once it was asked to pause: those that are on their way. */
const MAX_LATE_COSTS = 2;
/** What was counted is stored after this time (ms). */
const STORE_MS = 1_000;

/** A run that counts for a key. */
interface CountedRun {
  /** Null: the administrator's. */
  ownerKey: string | null;
  release: () => void;
  /** The log says that it runs. Until then somebody has asked for it. */
  isRunning: boolean;
  /** Requests for it that were not answered yet. */
  asking: number;
  isPausing: boolean;
  /** How often it has cost something since. */
  lateCosts: number;
  /** Runs while one that was accepted may still begin. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * Holds conversations in containers to the limits of the keys that they belong to, and to the budgets of the
 * server. Runs are counted from the request that begins one; what has begun otherwise, and the cost, is what
 * the log says. An agent that has replaced the server in its container decides what that is.
 */
@Injectable()
export class KeyAccounts implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('Containers');
  private readonly runs = new Map<string, CountedRun>();
  /** Cost that was counted, by conversation (US dollars). */
  private readonly counted = new Map<string, number>();
  private readonly stores = new Map<string, NodeJS.Timeout>();
  private unsubscribe: (() => void) | undefined;

  constructor(
    private readonly limiter: KeyLimiter,
    private readonly records: ContainerRecords,
    private readonly containers: ConversationContainers,
    private readonly bus: EventBus,
  ) {}

  onModuleInit(): void {
    this.unsubscribe = this.bus.subscribe('*', {
      onEvent: ({ conversationId, event }) => this.onEvent(conversationId, event),
      onOpening: (opening) => {
        const { conversationId: id } = opening;
        if (this.ownerOf(id) !== undefined) this.onEvent(id, opening.snapshot());
        return Promise.resolve();
      },
      onClosing: ({ conversationId, removed }) => this.onClosing(conversationId, removed),
    });
  }

  onModuleDestroy(): void {
    this.unsubscribe?.();
    for (const timer of this.stores.values()) clearTimeout(timer);
    for (const id of [...this.runs.keys()]) this.endRun(id);
  }

  /** Before something that calls a model. @throws LimitReachedError */
  assertSolvent(id: string): void {
    const owner = this.ownerOf(id);
    if (owner !== undefined) this.limiter.assertSolvent(owner);
  }

  /**
   * Before something that may begin a run: a run of the conversation counts from now on.
   * @returns to be called with whether it was accepted
   * @throws LimitReachedError
   */
  beginRun(id: string): (isAccepted: boolean) => void {
    const owner = this.ownerOf(id);
    if (owner === undefined) return () => undefined;
    this.limiter.assertSolvent(owner);
    const run = this.runs.get(id) ?? this.keepRun(id, owner, this.limiter.takeRun(owner));
    run.asking += 1;
    return (isAccepted) => {
      run.asking -= 1;
      if (this.runs.get(id) !== run) return;
      if (!isAccepted) return this.endUnused(id, run);
      clearTimeout(run.timer);
      run.timer = setTimeout(() => {
        run.timer = undefined;
        this.endUnused(id, run);
      }, BEGIN_MS).unref();
    };
  }

  private onEvent(id: string, event: ConversationEvent): void {
    if (event.kind !== 'ConversationStateUpdateEvent') return;
    const owner = this.ownerOf(id);
    if (owner === undefined) return;
    const { key, value } = event;
    const state = key === 'full_state' ? asJsonObject(value) : { [key]: value };
    if (state['execution_status'] !== undefined) this.onStatus(id, owner, state['execution_status']);
    if (state['stats'] !== undefined) this.onStats(id, owner, state['stats']);
  }

  private onStatus(id: string, owner: string | null, status: unknown): void {
    const known = this.runs.get(id);
    if (status !== 'running') {
      if (known) Object.assign(known, { isRunning: false, isPausing: false, lateCosts: 0 });
      return known && this.endUnused(id, known);
    }
    const run = known ?? this.keepRun(id, owner, this.limiter.holdRun(owner));
    run.isRunning = true;
    clearTimeout(run.timer);
    run.timer = undefined;
  }

  private onStats(id: string, owner: string | null, stats: unknown): void {
    const before = this.counted.get(id) ?? this.records.get(id)?.countedUsd ?? 0;
    const total = costOf(stats);
    if (!(total > before)) return;
    this.counted.set(id, total);
    if (!this.stores.has(id)) this.stores.set(id, setTimeout(() => void this.store(id), STORE_MS).unref());
    this.stopIfLate(id);
    // The ledger hears of the same event, perhaps later.
    queueMicrotask(() => {
      if (this.limiter.overSpent(owner) !== undefined) this.pauseRuns();
    });
  }

  /** The container has ended, or this server does. */
  private async onClosing(id: string, removed: boolean): Promise<void> {
    if (this.ownerOf(id) === undefined) return;
    this.endRun(id);
    if (!removed) await this.store(id);
    clearTimeout(this.stores.get(id));
    this.stores.delete(id);
    this.counted.delete(id);
  }

  private async store(id: string): Promise<void> {
    clearTimeout(this.stores.get(id));
    this.stores.delete(id);
    const countedUsd = this.counted.get(id);
    if (countedUsd === undefined) return;
    await this.records.change(id, { countedUsd }).catch((error: unknown) => {
      this.logger.warn(`conversation ${id}: its counted cost is not stored: ${errorMessage(error)}`);
    });
  }

  private keepRun(id: string, ownerKey: string | null, release: () => void): CountedRun {
    const run: CountedRun = {
      ...{ ownerKey, release, isRunning: false, asking: 0 },
      ...{ isPausing: false, lateCosts: 0, timer: undefined },
    };
    this.runs.set(id, run);
    return run;
  }

  /** Not while another request may begin it, or has: what one has begun is not ended by a refused one. */
  private endUnused(id: string, run: CountedRun): void {
    if (!run.isRunning && run.asking === 0 && run.timer === undefined) this.endRun(id);
  }

  private endRun(id: string): void {
    const run = this.runs.get(id);
    if (!run) return;
    this.runs.delete(id);
    clearTimeout(run.timer);
    run.release();
  }

  /** Pauses the runs that may cost nothing more. Where that fails the container is stopped. */
  private pauseRuns(): void {
    for (const [id, run] of this.runs) {
      if (run.isPausing || !run.isRunning) continue;
      const why = this.limiter.overSpent(run.ownerKey);
      if (why === undefined) continue;
      run.isPausing = true;
      this.logger.log(`conversation ${id} is paused: ${why}`);
      this.pause(id).catch((error: unknown) => {
        this.stop(id, `its run was not paused: ${errorMessage(error)}`);
      });
    }
  }

  private async pause(id: string): Promise<void> {
    const { container, release } = await this.containers.use(id);
    try {
      await pauseInside(container.server, id);
    } finally {
      release();
    }
  }

  /** The server in the container may be another one, which does not pause. */
  private stopIfLate(id: string): void {
    const run = this.runs.get(id);
    if (!run?.isPausing) return;
    run.lateCosts += 1;
    if (run.lateCosts === MAX_LATE_COSTS + 1) this.stop(id, 'its run goes on after its pause');
  }

  private stop(id: string, why: string): void {
    this.logger.warn(`the container of conversation ${id} is stopped: ${why}`);
    this.containers.stop(id).catch((error: unknown) => {
      this.logger.warn(`the container of conversation ${id} was not stopped: ${errorMessage(error)}`);
    });
  }

  /** Null: the administrator's; undefined: not in a container. */
  private ownerOf(id: string): string | null | undefined {
    return this.records.get(id)?.ownerKey;
  }
}

/** The cost in statistics that somebody else has written. */
function costOf(stats: unknown): number {
  const costs = Object.values(asJsonObject(asJsonObject(stats)['usage_to_metrics'])).map(
    (metrics) => asJsonObject(metrics)['accumulated_cost'],
  );
  return costs.reduce<number>((sum, cost) => (typeof cost === 'number' && cost > 0 ? sum + cost : sum), 0);
}
