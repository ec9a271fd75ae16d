import { setTimeout as delay } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { conversationsWithAcpProcesses } from '../../acp/index.js';
import { AppConfig } from '../../config/index.js';
import { errorStack } from '../../errors/index.js';
import { Catalogue, Hints, LeaseHeldError, LeaseStore, TakeoverPendingError } from '../../storage/index.js';
import { ConversationRegistry } from './conversation-registry.js';
import { CrashRecovery } from '../runs/crash-recovery.js';
import { RunQueue } from '../runs/queue/run-queue.js';
import { RunSlots } from '../runs/run-slots.js';
import { Takeover } from './takeover.js';

/** How long a step may take to end by itself at shutdown (ms). */
const STEP_GRACE_MS = 4_000;
/** How long after the start the processes of the machine are scanned: first requests come first. */
const SCAN_DELAY_MS = 1_000;

/** How often a server looks for conversations of servers that are gone: a part of the lease, or this (ms). */
const LOOK_PART = 1 / 20;
const MAX_LOOK_MS = 500;
/** How many of them it records at the same time: mostly it waits for the database. */
const PARALLEL_TAKEOVERS = 8;

/** Recovers interrupted runs after the start and closes all conversations before the process ends. */
@Injectable()
export class ConversationsLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Conversations');
  private readonly recovery: CrashRecovery;
  /** Undefined if no other server uses the storage. */
  private readonly takeover: Takeover | undefined;
  private startup: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(
    private readonly catalogue: Catalogue,
    private readonly registry: ConversationRegistry,
    private readonly queue: RunQueue,
    leases: LeaseStore,
    hints: Hints,
    slots: RunSlots,
    config: AppConfig,
  ) {
    const resume = config.resume_on_start;
    const isAlone = config.database_url === null;
    this.recovery = new CrashRecovery(registry, slots, {
      resume,
      retryHeldSeconds: isAlone ? config.lease_ttl_seconds + 1 : null,
      parallel: isAlone ? 1 : PARALLEL_TAKEOVERS,
    });
    if (!isAlone) {
      const intervalMs = Math.min(MAX_LOOK_MS, config.server_lease_seconds * 1000 * LOOK_PART);
      this.takeover = new Takeover(leases, hints, slots, this.recovery, { resume, intervalMs });
    }
    // A client may open an interrupted conversation before its turn has come.
    if (resume) registry.onInterruptedRun((id) => this.recovery.add(id));
  }

  /** In the background: the port is opened meanwhile. */
  onApplicationBootstrap(): void {
    this.startup = this.recoverRunning().catch((error: unknown) => {
      this.logger.error('recovery failed', errorStack(error));
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.all([this.recovery.stop(), this.takeover?.stop(), this.queue.close(), this.startup]);
    await this.registry.closeAll(STEP_GRACE_MS);
  }

  private async recoverRunning(): Promise<void> {
    if (this.takeover) this.takeover.start();
    else await this.recoverOwn();
    await this.queue.open(this.registry);
    await this.endOrphanedAgents();
  }

  private async recoverOwn(): Promise<void> {
    const limit = await this.catalogue.count('running');
    for (const { id } of await this.catalogue.page({ order: 'CREATED_AT', status: 'running', limit })) {
      if (!this.registry.opened(id)) this.recovery.add(id);
    }
  }

  /**
   * Ends ACP agents that survived a crash of their server, by opening their conversations: whoever holds the
   * lease knows that no other server uses the agent.
   */
  private async endOrphanedAgents(): Promise<void> {
    if ((await this.catalogue.count()) === 0) return;
    await delay(SCAN_DELAY_MS, undefined, this.stopping).catch(() => undefined);
    if (this.isStopping()) return;
    const marked = await conversationsWithAcpProcesses();
    for (const id of marked) {
      if (this.isStopping()) return;
      const entry = await this.catalogue.entry(id);
      if (!entry || entry.execution_status === 'running' || this.registry.opened(id)) continue;
      try {
        await this.registry.recover(id);
      } catch (error) {
        // The agent belongs to another server.
        if (error instanceof LeaseHeldError || error instanceof TakeoverPendingError) continue;
        this.logger.error(
          `the agent of conversation ${id} may still be running without a server`,
          errorStack(error),
        );
      }
    }
  }

  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }
}
