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
import { Catalogue, LeaseHeldError, type CatalogueEntry } from '../../storage/index.js';
import { ConversationRegistry } from './conversation-registry.js';
import { CrashRecovery } from '../runs/crash-recovery.js';
import { RunSlots } from '../runs/run-slots.js';

/** How long a step may take to end by itself at shutdown (ms); then it is interrupted. */
const STEP_GRACE_MS = 4_000;
/**
 * A look at all processes of the machine waits so long after the start (ms), for what people ask for first
 * comes first.
 */
const LEFTOVERS_AFTER_MS = 1_000;

/** Takes up what a crash left running, and brings everything to rest before the process ends. */
@Injectable()
export class ConversationsLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Conversations');
  private readonly recovery: CrashRecovery;
  private listing: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(
    private readonly catalogue: Catalogue,
    private readonly registry: ConversationRegistry,
    slots: RunSlots,
    config: AppConfig,
  ) {
    const resume = config.resume_on_start;
    this.recovery = new CrashRecovery(registry, slots, { resume, leaseTtlSeconds: config.lease_ttl_seconds });
    // Somebody may ask for one of them before its turn has come.
    if (resume) registry.resumeBy((id) => this.recovery.add(id));
  }

  /** In the background: the port opens without waiting for it. */
  onApplicationBootstrap(): void {
    this.listing = this.recoverRunning().catch((error: unknown) => {
      this.logger.error('recovery failed', errorStack(error));
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    const stopped = this.recovery.stop();
    await this.listing;
    await stopped;
    await this.registry.closeAll(STEP_GRACE_MS);
  }

  private async recoverRunning(): Promise<void> {
    const all = await this.catalogue.list();
    for (const { id, execution_status: status } of all) {
      if (status === 'running' && !this.registry.opened(id)) this.recovery.add(id);
    }
    await this.endLeftovers(all);
  }

  /**
   * Opens those at rest whose agents have outlived their server: with the lease, what is left is known to be
   * nobody's.
   */
  private async endLeftovers(all: readonly CatalogueEntry[]): Promise<void> {
    if (all.length === 0) return;
    await delay(LEFTOVERS_AFTER_MS, undefined, this.stopping).catch(() => undefined);
    if (this.isStopping()) return;
    const marked = await conversationsWithAcpProcesses();
    for (const { id, execution_status: status } of all) {
      if (this.isStopping()) return;
      if (status === 'running' || !marked.has(id) || this.registry.opened(id)) continue;
      try {
        await this.registry.recover(id);
      } catch (error) {
        // It works for another server.
        if (error instanceof LeaseHeldError) continue;
        this.logger.error(`the agent of conversation ${id} may be left over`, errorStack(error));
      }
    }
  }

  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }
}
